"""How much may be written to GitHub, and when: the rates are the scarce resource.

What counts: every POST, PUT, PATCH and DELETE sent, whatever came of it; a commit of status is
three (tree, commit, ref). Reads are free. Writes below ``/git/`` and ``/contents/`` of the
repository are status, all others incidents.

* Ceilings over everything, in any minute and any hour. Source: REST docs, "Rate limits": 80
  content-creating requests a minute, 500 an hour.
* Incidents have precedence: status keeps out of a reserve of both ceilings, and out of a share of
  its own beyond that.
* Status goes at once until 60 % of its share is used. Then the commits that are left are spread
  evenly over the time until it is no more than that again: a monitor that flaps for hours never
  uses up what the next change needs. With the default share one change a minute never waits.
* Nobody writes before the moment that GitHub named.

``WriteBudget`` is fed by the gateway's observer, from any thread, with the same clock as asked:
``Gateway(..., observe=lambda exchange: budget.observe(exchange, monotonic()))``. A request counts
once its answer came, or was lost; those of a commit from its beginning (``committing``). Nothing
is remembered across a restart.
"""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from math import inf
from typing import Final

from github_store.errors import ConfigurationError
from github_store.gateway import Exchange
from github_store.reply import header_seconds
from github_store.request_kind import SEARCH, request_kind

MINUTE: Final = 60.0
HOUR: Final = 3600.0
PER_MINUTE: Final = 80
PER_HOUR: Final = 500
RESERVED_PER_MINUTE: Final = 20
RESERVED_PER_HOUR: Final = 100
STATUS_PER_HOUR: Final = 240
REQUESTS_PER_COMMIT: Final = 3
LOW: Final = 0.4
"""The part of the share that is spread once no more than it is left."""
UNTOLD_SECONDS: Final = 60.0
"""How long to wait where GitHub refuses without saying how long. Source: REST docs."""

_STATUS_PER_MINUTE: Final = PER_MINUTE - RESERVED_PER_MINUTE
_STATUS_WITHIN_HOUR: Final = PER_HOUR - RESERVED_PER_HOUR
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_STATUS_PLACES: Final = frozenset({"git", "contents"})


class WriteBudget:
    """Thread-safe. ``now`` is in seconds of one clock that never goes back (monotonic).

    ``status_per_hour`` is the share of status in requests, at most what the reserve leaves; fewer
    than one commit's raise ConfigurationError. Without ``bounds_incidents`` the ceilings hold
    for status alone: GitHub's are those of github.com, and other servers say for themselves when
    it is too much.
    """

    def __init__(
        self, *, status_per_hour: int = STATUS_PER_HOUR, bounds_incidents: bool = True
    ) -> None:
        self._bounds_incidents = bounds_incidents
        if status_per_hour < REQUESTS_PER_COMMIT:
            raise ConfigurationError(
                f"status needs at least {REQUESTS_PER_COMMIT} requests an hour, for one commit"
            )
        self._share = min(status_per_hour, _STATUS_WITHIN_HOUR)
        self._lock = threading.Lock()
        self._all: list[float] = []
        self._status: list[float] = []
        self._claimed = 0
        self._closed_until = -inf

    def may_commit_status(self, now: float, *, requests: int = REQUESTS_PER_COMMIT) -> float:
        """Seconds until a commit of so many requests may begin; 0 if it may now.

        It may be later by then, if others write meanwhile: ask again. A commit larger than the
        share may begin when nothing else counts.
        """
        with self._lock:
            moments = sorted({now, *self._changes_after(now)})
            ready = (
                (max(start, self._status_ready(start, requests)), end)
                for start, end in pairwise([*moments, inf])
            )
            return next(begin - now for begin, end in ready if begin < end)

    def may_write_incident(self, now: float) -> float:
        """Seconds until another write may be sent for an incident; 0 if it may now."""
        with self._lock:
            if not self._bounds_incidents:
                return max(self._closed_until - now, 0.0)
            wanted = self._claimed + 1
            room = max(
                _wait(self._all, MINUTE, PER_MINUTE - wanted, now),
                _wait(self._all, HOUR, PER_HOUR - wanted, now),
            )
            return max(room, self._closed_until - now, 0.0)

    @contextmanager
    def committing(self, requests: int = REQUESTS_PER_COMMIT) -> Iterator[None]:
        """Around one commit: its requests count from now on, and those not made in the end do not.

        For one committer at a time, right after ``may_commit_status`` has answered 0.
        """
        with self._lock:
            self._claimed = requests
        try:
            yield
        finally:
            with self._lock:
                self._claimed = 0

    def note(self, now: float, n: int = 1, *, status: bool = False) -> None:
        """Count ``n`` writes that were sent, of status or of incidents."""
        with self._lock:
            for _ in range(n):
                insort(self._all, now)
                if status:
                    insort(self._status, now)
                    self._claimed = max(0, self._claimed - 1)
            for times in (self._all, self._status):
                del times[: len(times) - _count(times, HOUR, now)]

    def obey(self, retry_after_seconds: float | None, now: float) -> None:
        """Let nobody write for so long: GitHub said so (None: a minute, as GitHub asks)."""
        seconds = UNTOLD_SECONDS if retry_after_seconds is None else retry_after_seconds
        with self._lock:
            self._closed_until = max(self._closed_until, now + seconds)

    def observe(self, exchange: Exchange, now: float) -> None:
        """Take notice of one request of the gateway, writes and refusals alike.

        A 403 without Retry-After may be many things: who gets RateLimited has to call ``obey``.
        """
        if is_write(exchange.method):
            self.note(now, status=is_status_write(exchange.method, exchange.path))
        if request_kind(exchange.path) == SEARCH:
            return  # a limit of searches is none of writes
        is_refusal = (exchange.status or 0) >= 400 and exchange.headers.get("retry-after")
        if exchange.status == 429 or is_refusal:
            self.obey(header_seconds(exchange.headers), now)

    def _changes_after(self, now: float) -> Iterator[float]:
        """When a write leaves a window: between such moments nothing changes by itself."""
        for seconds in (MINUTE, HOUR):
            yield from (at + seconds for at in self._all if at + seconds > now)

    def _status_ready(self, moment: float, requests: int) -> float:
        """From when on a commit may begin, as things stand at a moment; inf for not then."""
        room = _STATUS_PER_MINUTE - _count(self._all, MINUTE, moment)
        if room < min(requests, _STATUS_PER_MINUTE):
            return inf
        hours = ((self._all, _STATUS_WITHIN_HOUR), (self._status, self._share))
        return max(self._hour_ready(*hour, moment, requests) for hour in hours)

    def _hour_ready(self, times: list[float], most: int, moment: float, requests: int) -> float:
        """The same for an hour's window: low, its commits are spread until it is no longer."""
        held = _count(times, HOUR, moment)
        room = most - held
        if room < min(requests, self._share):
            return inf
        over = held - (most - int(LOW * self._share))
        if over <= 0 or not self._status:
            return self._closed_until
        since, recovered = self._status[-1], times[len(times) - held + over - 1] + HOUR
        return max(self._closed_until, since + (recovered - since) / max(1, room // requests))


def is_write(method: str) -> bool:
    """Whether a request counts as content-creating."""
    return method in _WRITES


def is_status_write(method: str, path: str) -> bool:
    """Whether a write is one of status, and not one of incidents."""
    place = path.split("/")[4:5]  # below /repos/owner/name
    return is_write(method) and not _STATUS_PLACES.isdisjoint(place)


def _count(times: list[float], seconds: float, moment: float) -> int:
    """How many of the times, which are in order, a window ending at the moment still holds."""
    return len(times) - bisect_right(times, moment, key=lambda at: at + seconds)


def _wait(times: list[float], seconds: float, most: int, now: float) -> float:
    """Seconds until a window holds at most so many."""
    held = times[len(times) - _count(times, seconds, now) :]
    over = len(held) - max(0, most)
    return held[over - 1] + seconds - now if over > 0 else 0.0
