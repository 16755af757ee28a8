"""Closes incidents that have ended, about half a minute after their end, as Kener did.

An open incident is closed once for each end it is given. Where its issue's events show that it was
closed at or after that end, somebody has opened it again, and so it stays. Nothing but the state
is touched.

One that cannot be closed backs off by itself, and keeps no other one open (failing_items.py).

It costs little: the list of open incidents, which is held for readers as well, at most once a
minute; and for each incident that is due its issue, its events and the closing. What is written
here is known at once. While GitHub fails or its limits are near, closing waits for the next look,
and where requests run short looks are further apart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from math import inf
from typing import Final, Protocol

from cachetools import LRUCache

from github_store.committer import event_or_timeout
from github_store.errors import GitHubOut, GitHubUnavailable, IncidentNotFound, StoreError
from github_store.failing_items import FailingItems, Walk
from github_store.incident import Incident

log = logging.getLogger(__name__)

DELAY_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 60.0
MOST_AT_ONCE: Final = 20
"""Incidents closed in one look: a repository left alone for years must not use up the hour."""
MAX_REMEMBERED: Final = 10_000


class Incidents(Protocol):
    """What the closer needs of the incidents; see ``IncidentStore``."""

    listeners: list[Callable[[Incident], None]]

    async def open_incidents(self) -> list[Incident]: ...

    async def close_ended(self, number: int, *, end: int) -> bool: ...


class Closer:
    """A task of one event loop. ``clock`` gives seconds since 1970; ``may_write`` the seconds to
    wait until another write may be sent to GitHub by who is in no hurry, 0 for none; ``slowness``
    how many times longer than usual it shall take."""

    def __init__(
        self,
        incidents: Incidents,
        *,
        clock: Callable[[], float],
        may_write: Callable[[], float] = lambda: 0.0,
        slowness: Callable[[], float] = lambda: 1.0,
        wait: Callable[[asyncio.Event, float | None], Awaitable[None]] = event_or_timeout,
    ) -> None:
        self._incidents = incidents
        self._clock = clock
        self._may_write = may_write
        self._slowness = slowness
        self._wait = wait
        self._open: dict[int, Incident] = {}
        self._list_at = -inf
        self._not_before = -inf
        self._done: LRUCache[tuple[int, int], bool] = LRUCache(MAX_REMEMBERED)
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self.failing: FailingItems[int] = FailingItems("close", "closing incident", clock=clock)
        """By number: those that have ended and could not be closed."""
        incidents.listeners.append(self.notice)

    def start(self) -> None:
        """Begin, with the first list after DELAY_SECONDS."""
        self._list_at = self._clock() + DELAY_SECONDS
        self._running = asyncio.create_task(self._run(), name="closer")

    async def close(self) -> None:
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])

    def notice(self, incident: Incident) -> None:
        """An incident was written: it may end sooner than the others."""
        if incident.is_open and incident.end_datetime is not None:
            self._open[incident.number] = incident
            self._wake.set()
        else:
            self._open.pop(incident.number, None)

    async def look(self) -> None:
        """Close what is due, as far as writes may be sent now. Raises GitHubUnavailable."""
        with self.failing.walk() as walk:
            await self._list_if_due()
            await self._close_due(walk)

    def seconds_to_wait(self) -> float:
        """Until the next look, at most LOOK_SECONDS."""
        times = [self._list_at, *(due_at for _, due_at in self._due_times())]
        wait_seconds = max(min(times), self._not_before) - self._clock()
        return min(max(wait_seconds, 0.0), LOOK_SECONDS)

    async def _list_if_due(self) -> None:
        now = self._clock()
        list_seconds = LOOK_SECONDS * self._slowness()
        if not 0 < self._list_at - now <= list_seconds:
            self._list_at = now + list_seconds  # a list that fails is not asked for again at once
            self._open = {each.number: each for each in await self._incidents.open_incidents()}
            self.failing.keep(self._open)

    async def _close_due(self, walk: Walk[int]) -> None:
        now = self._clock()
        times = sorted((due_at, number) for number, due_at in self._due_times() if due_at <= now)
        due = self.failing.in_turn(number for _, number in times)
        for number in due[:MOST_AT_ONCE]:
            if (seconds := self._may_write()) > 0:
                self._not_before = now + min(seconds, LOOK_SECONDS)
                return
            with walk.attempt(number):
                await self._close_one(number)
        if len(due) > MOST_AT_ONCE:
            self._not_before = now + LOOK_SECONDS

    async def _close_one(self, number: int) -> None:
        end = self._open[number].end_datetime
        assert end is not None
        try:
            is_done = await self._incidents.close_ended(number, end=end)
        except IncidentNotFound:
            is_done = False
        # Whatever came of it, the next list says how it stands.
        self._open.pop(number, None)
        if is_done:
            self._done[number, end] = True

    def _due_times(self) -> list[tuple[int, float]]:
        """Numbers, and when each is due; without those that were seen to for their end."""
        retry_at = self.failing.retry_at
        return [
            (number, max(max(end, incident.created_at) + DELAY_SECONDS, retry_at(number)))
            for number, incident in self._open.items()
            if (end := _usable_end(incident)) is not None and (number, end) not in self._done
        ]

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            if (wait_seconds := self.seconds_to_wait()) > 0:
                await self._wait(self._wake, wait_seconds)
                continue
            try:
                await self.look()
            except StoreError as error:
                self._note_failure(error)
            except Exception:  # a fault of ours must not end the task
                log.exception("the closer met a fault of its own; it tries again")
                self._not_before = self._clock() + LOOK_SECONDS

    def _note_failure(self, error: StoreError) -> None:
        told = error.retry_after_seconds if isinstance(error, GitHubUnavailable) else None
        # One request every few seconds finds out whether an endpoint is back: where it was some
        # incidents alone that failed, the others must not wait for a look after each of them.
        least = 1.0 if isinstance(error, GitHubOut) else LOOK_SECONDS
        self._not_before = self._clock() + max(least, told or 0)


def _usable_end(incident: Incident) -> int | None:
    """None for an end that is not after the start, by hand: it is told on the issue instead."""
    start, end = incident.start_datetime, incident.end_datetime
    return None if start is not None and end is not None and end <= start else end
