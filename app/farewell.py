"""The end of a connection whose other end may still be sending, or does not read.

Who closes while data still arrives makes the system reset the connection, and the other end then
often sees the reset instead of the answer that was sent before it. So nothing more is sent, what
arrives is read and thrown away for a while, and then it is closed.

Who does not read what was sent is cut off: the system would keep it for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

IDLE_SECONDS: Final = 2.0
LINGER_SECONDS: Final = 10.0
MOST_DISCARDED_BYTES: Final = 134_217_728
"""Many clients send the whole of a body before they look for an answer; this one is 128 MiB."""
BREATH_SECONDS: Final = 0.001
"""Between two pieces that are thrown away, so that others have their turn."""
READ_SECONDS: Final = 20.0
LEAST_READ_BYTES: Final = 32_768
"""A reader takes so much in this time, or all there is."""


class Lingering(asyncio.Protocol):
    """Takes a connection's transport over, and closes it when the other end has, or time is up.

    ``lost`` is called in the end, as ``connection_lost`` would have been.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        *,
        lost: Callable[[Exception | None], None],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._lost = lost
        self._discarded = self._seen = 0
        self._ends_at = loop.time() + LINGER_SECONDS
        self._breath: asyncio.TimerHandle | None = None
        transport.set_protocol(self)
        transport.write_eof()
        transport.resume_reading()
        self._look = loop.call_later(IDLE_SECONDS, self._look_again)

    def data_received(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded > MOST_DISCARDED_BYTES:
            self._transport.abort()
            return
        self._transport.pause_reading()
        self._breath = self._loop.call_later(BREATH_SECONDS, self._read_on)

    def connection_lost(self, exc: Exception | None) -> None:
        self._look.cancel()
        if self._breath:
            self._breath.cancel()
        self._lost(exc)

    def _read_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _look_again(self) -> None:
        if self._discarded == self._seen or self._loop.time() >= self._ends_at:
            self._transport.abort()
            return
        self._seen = self._discarded
        self._look = self._loop.call_later(IDLE_SECONDS, self._look_again)


class ReaderWatch:
    """Aborts a transport whose other end takes less than LEAST_READ_BYTES in READ_SECONDS."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._unread = transport.get_write_buffer_size()
        self.began_at = loop.time()
        self._look = loop.call_later(READ_SECONDS, self._look_again)

    def end(self) -> None:
        self._look.cancel()

    def _look_again(self) -> None:
        unread = self._transport.get_write_buffer_size()
        if unread and unread > self._unread - LEAST_READ_BYTES:
            self._transport.abort()
            return
        self._unread = unread
        if unread:
            self._look = self._loop.call_later(READ_SECONDS, self._look_again)
