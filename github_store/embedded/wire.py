"""HTTP/1.1 on a loopback socket: one thread per connection, kept alive, each reply in one write.

Head and body leave together and Nagle's delay is off: a reply in two small packets would wait for
the other side's delayed acknowledgement. Whatever arrives is answered as JSON or the connection is
closed; a client that stops in the middle is given up after ``PATIENCE_SECONDS``.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from .exchange import JSON_TYPE, Request, parse_target
from .response_headers import Reply

LOG = logging.getLogger(__name__)
LARGEST_BODY = 64 * 1024 * 1024
LARGEST_CHUNK_LINE = 1024
PATIENCE_SECONDS = 75.0
LINGER_SECONDS = 0.5
STOP_SECONDS = 0.8

Answer = Callable[[Request], Reply | None]


class Malformed(Exception):
    """The request cannot be read; ``status`` says why, and the connection ends."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Connection(http.server.BaseHTTPRequestHandler):
    """One client; the standard library reads the head, everything else is here."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = PATIENCE_SECONDS
    server: WireServer

    def handle_one_request(self) -> None:
        try:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline:
                self.close_connection = True
                return
            if len(self.raw_requestline) > 65_536:
                self.requestline = self.request_version = self.command = ""
                self.send_error(414)
                return
            if self.parse_request():  # else it has sent its error
                self._serve()
        except Malformed as problem:
            self.send_error(problem.status, str(problem))
        except (TimeoutError, ConnectionError, ValueError):
            # ValueError: the server closed the socket below the reader.
            self.close_connection = True

    def _serve(self) -> None:
        body = self._body()
        path, query = parse_target(self.path)
        request = Request(
            method=self.command,
            target=self.path,
            path=path,
            query=query,
            headers=self._head(),
            body=body,
            peer=str(self.client_address[0]),
            base_url=self.server.url,
        )
        reply = self.server.answer(request)
        self.server.note(self.command, self.path, reply.status if reply else 0)
        if reply is None:
            self.close_connection = True
            return
        self._send(reply)

    def _head(self) -> dict[str, str]:
        head: dict[str, str] = {}
        for name, value in self.headers.items():
            known = head.get(name.lower())
            head[name.lower()] = value if known is None else f"{known}, {value}"
        return head

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        stated = self.headers.get("Content-Length", "0").strip()
        if not (stated.isascii() and stated.isdigit()):
            raise Malformed(400, "Content-Length is no number")
        if len(stated) > 12 or int(stated) > LARGEST_BODY:
            raise Malformed(413, f"a body may have {LARGEST_BODY} bytes")
        body = self.rfile.read(int(stated))
        if len(body) < int(stated):
            raise ConnectionResetError("the client left in the middle of its body")
        return body

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while True:
            line = self.rfile.readline(LARGEST_CHUNK_LINE)
            try:
                size = int(line.partition(b";")[0].strip(), 16)
            except ValueError as error:
                raise Malformed(400, "a chunk has no size") from error
            total += size
            if size < 0 or total > LARGEST_BODY:
                raise Malformed(413, f"a body may have {LARGEST_BODY} bytes")
            if size == 0:
                while self.rfile.readline(65_537).strip():
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            if self.rfile.readline(LARGEST_CHUNK_LINE).strip():
                raise Malformed(400, "a chunk is longer than it says")

    def _send(self, reply: Reply) -> None:
        lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        if self.close_connection:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        self.connection.sendall(head if self.command == "HEAD" else head + reply.body)

    def send_error(
        self,
        code: int,
        message: str | None = None,
        explain: str | None = None,  # noqa: ARG002
    ) -> None:
        """The library's errors for unreadable requests, as JSON and with the connection closed."""
        self.close_connection = True
        text = message or _phrase(code)
        body = json.dumps({"message": text, "status": str(int(code))}).encode()
        headers = (
            ("Content-Type", JSON_TYPE),
            ("Content-Length", str(len(body))),
        )
        self.server.note(self.command or "?", getattr(self, "path", "?"), int(code))
        self._send(Reply(int(code), headers, body))
        self._linger()

    def _linger(self) -> None:
        """Listen on for a moment: closing upon unread bytes would destroy the answer on its way."""
        until = time.monotonic() + LINGER_SECONDS
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(LINGER_SECONDS)
            while time.monotonic() < until and self.connection.recv(65_536):
                pass

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Quiet: requests are noted by the server, not printed."""


class WireServer(http.server.ThreadingHTTPServer):
    """Listens on 127.0.0.1 as soon as it is made; ``start`` begins to answer."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, answer: Answer, note: Callable[[str, str, int], None]) -> None:
        """Raises OSError when the port is taken."""
        super().__init__(("127.0.0.1", port), Connection)
        self.answer = answer
        self.note = note
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._accepting: threading.Thread | None = None

    def server_bind(self) -> None:
        """Without the library's look-up of this machine's name, which may wait for a network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def start(self) -> None:
        self._accepting = threading.Thread(
            target=self.serve_forever, args=(0.02,), name="embedded-github", daemon=True
        )
        self._accepting.start()

    def stop(self) -> None:
        """Close every connection; a handler that is at work is given ``STOP_SECONDS`` in all."""
        self._stop_accepting()
        left = self._cut()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in left.values():
            thread.join(max(0.0, deadline - time.monotonic()))

    def leave(self) -> None:
        """As a machine that is not there: every connection ends, and new ones are refused."""
        self._stop_accepting()
        self._cut()

    def come_back(self) -> None:
        """Listen and answer again, at the same address. Raises OSError when the port was taken."""
        self.socket = socket.socket(self.address_family, self.socket_type)
        try:
            self.server_bind()
            self.server_activate()
        except OSError:
            self.server_close()
            raise
        self.start()

    def _stop_accepting(self) -> None:
        if self._accepting is not None:
            self.shutdown()
            self._accepting.join()
            self._accepting = None
        self.server_close()

    def _cut(self) -> dict[socket.socket, threading.Thread]:
        """End every connection; whose threads were at work on them."""
        with self._lock:
            left = dict(self._open)
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        return left

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        LOG.exception("a connection from %s failed", client_address)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
