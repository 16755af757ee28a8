"""Looks every minute what labels are called, where no webhook tells: one conditional request.

Without it a renamed ``incident`` would hide every incident: a list by the former name is empty.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from github_store.errors import StoreError

log = logging.getLogger(__name__)

WATCH_SECONDS = 60.0


class LabelWatch:
    """A background task of one event loop. ``is_told``: webhooks and sweeps tell of labels now;
    ``slowness`` and ``hold_off`` as of the Sweeper."""

    def __init__(
        self,
        look: Callable[[], Awaitable[object]],
        *,
        is_told: Callable[[], bool],
        slowness: Callable[[], float] = lambda: 1.0,
        hold_off: Callable[[], float] = lambda: 0.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._look = look
        self._is_told = is_told
        self._slowness = slowness
        self._hold_off = hold_off
        self._sleep = sleep
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, with a pause: a start has looked."""
        self._running = asyncio.create_task(self._run(), name="label watch")

    async def close(self) -> None:
        """Stop."""
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        while True:
            await self._sleep(WATCH_SECONDS * self._slowness())
            if self._is_told() or self._hold_off() > 0:
                continue
            try:
                await self._look()
            except StoreError as error:  # reads tell of an outage themselves
                log.debug("what labels are called is looked at later: %s", error)
            except Exception:  # a fault of ours must not end the task
                log.exception("the look at labels met a fault of its own")
