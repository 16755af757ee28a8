"""uvicorn's HTTP: a short answer leaves in one piece, and bytes that are no HTTP get an answer.

uvicorn writes the head and the body of an answer one after the other, and each would be a call of
the system and a segment of its own; together they take little more than one. Bytes that are no
HTTP are answered as everything else is: in JSON.

A sender that is slow, or sends headers without end, is cut off: uvicorn itself waits for ever and
takes what comes. A request that arrives whole at once, as nearly all do, sets no timer.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.json_reply import json_bytes

HEAD: Final = b"HTTP/1.1 "
MOST_JOINED_BYTES: Final = 65_536
MOST_HEAD_BYTES: Final = 65_536
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 40.0
"""How long a request's head and its body may each take to arrive."""


class HttpProtocol(HttpToolsProtocol):
    _is_in_head = True
    _is_whole = False
    _head_bytes = 0
    _deadline: asyncio.TimerHandle | None = None
    _is_head_deadline = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        joining = cast(asyncio.Transport, _JoiningTransport(transport, self.loop))
        super().connection_made(joining)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_whole:
            if self.cycle is not None and self.cycle.response_complete:
                self._is_whole = False  # blank lines between requests are the next one's head
                self._is_in_head, self._head_bytes = True, 0
            elif self._deadline:
                self._clear_deadline()
            if self._is_whole:
                return
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                problem = f"the head of a request has at most {MOST_HEAD_BYTES} bytes"
                self._refuse("431 Request Header Fields Too Large", "headers too large", problem)
                return
        if self._deadline is None or self._is_head_deadline != self._is_in_head:
            self._set_deadline()

    def on_message_begin(self) -> None:
        self._is_in_head, self._is_whole, self._head_bytes = True, False, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_whole = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Called before there is a request, so no application could answer."""
        self._refuse("400 Bad Request", "bad request", msg)

    def _refuse(self, status: str, error: str, detail: str) -> None:
        body = json_bytes({"error": error, "detail": detail})
        head = (
            f"HTTP/1.1 {status}\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _set_deadline(self) -> None:
        self._clear_deadline()
        self._is_head_deadline = self._is_in_head
        seconds = HEAD_SECONDS if self._is_in_head else BODY_SECONDS
        self._deadline = self.loop.call_later(seconds, self._cut_off)

    def _clear_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _cut_off(self) -> None:
        """What has begun to be answered gets no second answer."""
        self._deadline = None
        if self.transport.is_closing():
            return
        if self._is_in_head and self._head_bytes and self.cycle is None:
            problem = f"its head has to come within {HEAD_SECONDS:.0f} seconds"
            self._refuse("408 Request Timeout", "the request came too slowly", problem)
        else:
            self.transport.close()


class _JoiningTransport:
    """A transport that holds a head back for the body that follows in the same turn of the loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            if len(data) > MOST_JOINED_BYTES:
                self._let_go()
                self._transport.write(data)
            else:
                head, self._head = self._head, b""
                self._transport.write(head + data)
        elif data.startswith(HEAD):
            self._head = data
            self._loop.call_soon(self._let_go)
        else:
            self._transport.write(data)

    def close(self) -> None:
        self._let_go()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _let_go(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)
