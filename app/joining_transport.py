"""A transport that holds a head back for the body that follows in the same turn of the loop.

uvicorn writes the head and the body of an answer one after the other, and each would be a call of
the system and a segment of its own; together they take little more than one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

HEAD: Final = b"HTTP/1.1 "
MOST_JOINED_BYTES: Final = 65_536


class JoiningTransport:
    """``close`` ends the connection once everything is written; without it the transport's own."""

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        *,
        close: Callable[[], None] | None = None,
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._close = close or transport.close
        self._head = b""
        self._is_closed = False

    def write(self, data: bytes) -> None:
        """What is written once the connection is lost, or closed from here, is dropped, as nobody
        can read it."""
        if self._head:
            if len(data) > MOST_JOINED_BYTES:
                self._let_go()
                self._pass_on(data)
            else:
                head, self._head = self._head, b""
                self._pass_on(head + data)
        elif data.startswith(HEAD):
            self._head = data
            self._loop.call_soon(self._let_go)
        else:
            self._pass_on(data)

    def close(self) -> None:
        self._let_go()
        self._is_closed = True
        self._close()

    def is_closing(self) -> bool:
        return self._is_closed or self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _let_go(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._pass_on(head)

    def _pass_on(self, data: bytes) -> None:
        if not self.is_closing():
            self._transport.write(data)
