"""What a start put off while GitHub was down, done behind the service's back.

It is tried again and again, at growing intervals, until it is done. What GitHub then says against
the settings stops nothing any more: it is logged once and told to whoever asks (``problem``). That
the start waits was logged by whoever put it off; that it is complete is logged once, at its end,
and never of one that leaves something for a person to do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from github_store.errors import ConfigurationError, StoreError

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0


class LateStart:
    """Made for one event loop. ``catch_up`` does all of it, or raises a StoreError.

    It returns what a person has yet to do, None for nothing. ``jitter`` gives numbers from 0 to 1.
    """

    def __init__(
        self,
        catch_up: Callable[[], Awaitable[str | None]],
        *,
        jitter: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._catch_up = catch_up
        self._jitter = jitter
        self._sleep = sleep
        self._running: asyncio.Task[None] | None = None
        self.is_pending = False
        """Whether something was put off and is not done yet."""
        self.problem: str | None = None
        """What a person has to do, in one line without secrets."""

    def start(self) -> None:
        """Begin trying."""
        self.is_pending = True
        self._running = asyncio.create_task(self._run(), name="late start")

    async def close(self) -> None:
        """Stop trying."""
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while self.is_pending:
            await self._sleep(pause * (0.75 + self._jitter() / 2))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            try:
                self._end(await self._catch_up())
            except ConfigurationError as error:
                self._tell(str(error))
                pause = LONGEST_PAUSE_SECONDS
            except StoreError as error:
                log.debug("GitHub is still out: %s", error)
            except Exception as error:
                log.exception("the late start met a fault of its own; it tries again")
                self._tell(f"a fault of the service's own: {error}")

    def _end(self, problem: str | None) -> None:
        self.is_pending = False
        if problem:
            self._tell(problem)
            return
        self.problem = None
        log.info("GitHub answers: the start is complete")

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            log.error("GitHub answers, and the start is not complete: %s", problem)
        self.problem = problem
