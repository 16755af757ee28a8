"""uvicorn's HTTP: a short answer leaves in one piece, and bytes that are no HTTP get an answer.

uvicorn writes the head and the body of an answer one after the other, and each would be a call of
the system and a segment of its own; together they take little more than one. Bytes that are no
HTTP are answered as everything else is: in JSON.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.json_reply import json_bytes

HEAD: Final = b"HTTP/1.1 "
MOST_JOINED_BYTES: Final = 65_536


class HttpProtocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        joining = cast(asyncio.Transport, _JoiningTransport(transport, self.loop))
        super().connection_made(joining)

    def send_400_response(self, msg: str) -> None:
        """Called before there is a request, so no application could answer."""
        body = json_bytes({"error": "bad request", "detail": msg})
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
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
