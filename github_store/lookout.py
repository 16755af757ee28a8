"""Asks for the repository itself while GitHub is out, until it answers; nothing otherwise.

So recovery shows within seconds though nobody reads, and no client's request has to find out.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

from github_store.breaker import Breaker
from github_store.committer import event_or_timeout
from github_store.errors import GitHubUnavailable
from github_store.gateway import Gateway
from github_store.precedence import incident_write

log = logging.getLogger(__name__)


class Lookout:
    """A task of one event loop. ``monotonic`` gives seconds that never go back.

    ``recovered`` is called, on the loop, when GitHub answers again.
    """

    def __init__(
        self,
        gateway: Gateway,
        breaker: Breaker,
        *,
        monotonic: Callable[[], float],
        recovered: Callable[[], object] = lambda: None,
        wait: Callable[[asyncio.Event, float | None], Awaitable[None]] = event_or_timeout,
    ) -> None:
        self._gateway = gateway
        self._breaker = breaker
        self._monotonic = monotonic
        self._recovered = recovered
        self._wait = wait
        self._etag: str | None = None
        self._turned = asyncio.Event()
        self._trials: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._turned.set)

        self._breaker.listener = wake
        self._running = asyncio.create_task(self._run(), name="lookout")

    async def close(self) -> None:
        """Stop."""
        self._breaker.listener = lambda: None
        tasks = [*self._trials, *([self._running] if self._running else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self) -> None:
        was_out = False
        while True:
            self._turned.clear()
            now = self._monotonic()
            seconds = self._breaker.seconds_to_trial(now)
            is_out = seconds < math.inf
            if was_out and not is_out:
                self._recovered()
            was_out = is_out
            if self._breaker.begin_trial(now):
                trial = asyncio.create_task(self._try())
                self._trials.add(trial)
                trial.add_done_callback(self._trials.discard)
                continue
            await self._wait(self._turned, seconds if is_out else None)

    async def _try(self) -> None:
        """The breaker sees what comes of it."""
        try:
            with incident_write():  # none is sent before a trial was answered
                reply = await self._gateway.request(
                    "GET", self._gateway.repository, etag=self._etag
                )
        except GitHubUnavailable as error:
            log.debug("GitHub is still out: %s", error)
        else:
            self._etag = reply.etag or self._etag
