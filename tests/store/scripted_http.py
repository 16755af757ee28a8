"""An HTTP server that answers from a script and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """``status`` 0 closes the connection unanswered; ``hold`` is waited for before that."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: Mapping[str, str]
    body: str

    @property
    def line(self) -> str:
        return f"{self.method} {self.target}"


class ScriptedServer:
    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.asked: list[Asked] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                script.asked.append(
                    Asked(self.command, self.path, headers, self.rfile.read(length).decode())
                )
                answer = script._answers.pop(0) if script._answers else Answer(599)
                if answer.hold:
                    answer.hold.wait(5)
                if not answer.status:
                    self.close_connection = True
                    return
                body = answer.body if isinstance(answer.body, bytes) else _json(answer.body)
                if answer.status == 304:
                    body = b""
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value.replace("BASE", script.url))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server calls them so

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def lines(self) -> list[str]:
        return [asked.line for asked in self.asked]

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.02)

    @contextmanager
    def running(self) -> Iterator[ScriptedServer]:
        thread = threading.Thread(target=self._serve)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def _json(data: Any) -> bytes:
    return b"" if data is None else json.dumps(data).encode()


@contextmanager
def scripted(*answers: Answer) -> Iterator[ScriptedServer]:
    with ScriptedServer(answers).running() as server:
        yield server
