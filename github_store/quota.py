"""What GitHub still allows, known in one place and asked before every request.

Three budgets: of requests (``core``: 5,000 an hour), of searches (``search``: 30 a minute), and of
writes (write_budget.py counts these). The first two are what GitHub's headers tell, less what is
under way and what was lost unanswered since. A limit that is known to be reached is not tried: the
request is refused here, with the seconds left.

A refusal closes its own resource: the one of a search leaves everything else open, and a secondary
limit met elsewhere leaves searches open. It holds for ``Retry-After``, else until the reset where
nothing remained, else a minute, then two, four …, with jitter. Source: REST docs, "Rate limits"
and "Best practices".

Before that, as the hour's requests run short, in this order: work that nobody waits for takes
longer (``slowness``), then what is held counts as fresh for longer (``stretch``), then both spend
no more than lets the rest last until the hour is over (``may_renew``, ``hold_off``; an unchanged
answer costs nothing, and is no spending), and only then reads are refused. The last part (RESERVE)
is kept for incidents' writes and what they read themselves: while clients read, the last request is
never used.

Fed and asked from any thread, with the seconds of one clock that never goes back (monotonic).
GitHub's resets are counted from its own ``Date``, so a wrong clock here does no harm.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import IntEnum
from typing import Final

from github_store.errors import RateLimited
from github_store.gateway import Exchange
from github_store.reply import header_seconds
from github_store.request_kind import SEARCH as SEARCH_KIND
from github_store.request_kind import request_kind
from github_store.write_budget import WriteBudget, is_status_write, is_write

CORE: Final = "core"
SEARCH: Final = "search"
HOUR: Final = 3600.0
LOW: Final = 0.3
TIGHT: Final = 0.2
CRITICAL: Final = 0.05
RESERVE: Final = 0.01
"""Parts of the hour's requests that are left."""
LOOK_AGAIN_SECONDS: Final = 30.0
UNTOLD_SECONDS: Final = 60.0
"""How long to wait where GitHub does not say how long: the first time, then twice as long."""
LONGEST_UNTOLD_SECONDS: Final = 900.0
SAME_WINDOW_SECONDS: Final = 30.0
"""GitHub's machines tell a window's reset up to some seconds apart; windows are longer."""


class Pressure(IntEnum):
    """How scarce requests are."""

    NONE = 0
    LOW = 1
    """Work that nobody waits for takes longer."""
    TIGHT = 2
    """What is held is given for longer."""
    CRITICAL = 3
    """The rest is made to last."""
    CLOSED = 4
    """Nothing may be read."""


_SLOWNESS: Final = (1.0, 4.0, 20.0, 20.0, 20.0)
_STRETCH: Final = (1.0, 1.0, 4.0, 20.0, 20.0)


@dataclass(frozen=True, slots=True)
class Window:
    """A resource's requests until ``resets_at``, as GitHub's headers told last."""

    limit: int
    remaining: int
    resets_at: float


@dataclass(frozen=True, slots=True)
class _Pace:
    """From so many requests at that time down to the reserve when the window ends, evenly."""

    resets_at: float
    begun_at: float
    remaining: int
    reserve: int

    def line(self, now: float) -> float:
        """What may not be fallen below at a time."""
        share = (self.resets_at - now) / max(1.0, self.resets_at - self.begun_at)
        return self.reserve + (self.remaining - self.reserve) * max(0.0, share)


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a resource. ``seconds`` until it is full again, or open where closed."""

    limit: int
    remaining: int
    seconds: float


class Quota:
    """Thread-safe. ``jitter`` gives numbers from 0 to 1."""

    def __init__(self, writes: WriteBudget, *, jitter: Callable[[], float]) -> None:
        self._writes = writes
        self._jitter = jitter
        self._lock = threading.Lock()
        self._windows: dict[str, Window] = {}
        self._under_way: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._closed_until: dict[str, float] = {}
        self._untold: Counter[str] = Counter()
        self._pace: _Pace | None = None

    def admit(self, method: str, path: str, now: float, *, is_part_of_write: bool = False) -> None:
        """Count a request that is about to be sent; ``observe`` has to be told how it ended.

        ``is_part_of_write``: whether it is a read that an incident's write needs. Raises
        RateLimited, with the seconds to wait, where it may not be sent.
        """
        resource = _resource(path)
        is_incident_write = is_write(method) and not is_status_write(method, path)
        if is_incident_write:
            _refuse_for(self._writes.may_write_incident(now), "for writes to GitHub")
        with self._lock:
            is_before_others = is_incident_write or is_part_of_write
            kept = 0 if is_before_others else self._kept(resource)
            seconds = self._seconds_closed(resource, now, kept)
            _refuse_for(seconds, f"at GitHub ({resource})")
            self._under_way[resource] += 1

    def observe(self, exchange: Exchange, now: float) -> None:
        """Learn from how an admitted request ended."""
        resource = _resource(exchange.path)
        headers = exchange.headers
        with self._lock:
            self._under_way[resource] = max(0, self._under_way[resource] - 1)
            if exchange.status is None:
                self._lost[resource] += 1
                return
            told = _window(headers, now)
            if told:
                self._take(headers.get("x-ratelimit-resource", resource), told, now)
            if exchange.is_limit:
                self._close(resource, headers, told, now)
            elif exchange.status < 400:
                self._untold[resource] = 0

    def pressure(self, now: float) -> Pressure:
        """How scarce requests are; searches have no part in it."""
        with self._lock:
            return self._pressure(now)

    def slowness(self, now: float) -> float:
        """By how much longer than usual work that nobody waits for shall take, at least 1."""
        return _SLOWNESS[self.pressure(now)]

    def stretch(self, now: float) -> float:
        """By how much longer than usual held answers shall count as fresh, at least 1."""
        return _STRETCH[self.pressure(now)]

    def may_renew(self, path: str, now: float) -> bool:
        """Whether GitHub may be asked for what is held already."""
        with self._lock:
            resource = _resource(path)
            if self._seconds_closed(resource, now, self._kept(resource)) > 0:
                return False
            return resource != CORE or self._is_in_time(now)

    def hold_off(self, now: float) -> float:
        """How many seconds work that nobody waits for is to wait, before it looks again."""
        with self._lock:
            closed = self._seconds_closed(CORE, now, self._kept(CORE))
            if closed > 0:
                return min(closed, LOOK_AGAIN_SECONDS)
            return 0.0 if self._is_in_time(now) else LOOK_AGAIN_SECONDS

    def left(self, now: float) -> Mapping[str, Budget]:
        """What is known to be left, by resource."""
        with self._lock:
            return {
                resource: self._left(resource, window, now)
                for resource, window in self._windows.items()
            }

    def _left(self, resource: str, window: Window, now: float) -> Budget:
        closed = max(0.0, self._closed_until.get(resource, now) - now)
        if window.resets_at <= now:
            return Budget(window.limit, window.limit, closed)
        remaining = max(0, window.remaining - self._under_way[resource])
        return Budget(window.limit, remaining, max(closed, window.resets_at - now))

    def _pressure(self, now: float) -> Pressure:
        window = self._windows.get(CORE)
        if self._closed_until.get(CORE, now) > now:
            return Pressure.CLOSED
        if window is None or window.resets_at <= now:
            return Pressure.NONE
        remaining = window.remaining - self._under_way[CORE]
        if remaining <= self._kept(CORE):
            return Pressure.CLOSED
        left = remaining / window.limit
        if left >= LOW or left >= (window.resets_at - now) / HOUR:
            return Pressure.NONE  # the rest lasts longer than the hour does
        if left >= TIGHT:
            return Pressure.LOW
        return Pressure.TIGHT if left >= CRITICAL else Pressure.CRITICAL

    def _is_in_time(self, now: float) -> bool:
        """Whether one request more leaves enough for the time until the window ends."""
        window = self._windows.get(CORE)
        if window is None or self._pressure(now) < Pressure.CRITICAL:
            self._pace = None
            return True
        pace = self._pace
        if pace is None or abs(pace.resets_at - window.resets_at) > SAME_WINDOW_SECONDS:
            pace = _Pace(window.resets_at, now, window.remaining, self._kept(CORE))
            self._pace = pace
        return window.remaining - self._under_way[CORE] >= pace.line(now)

    def _kept(self, resource: str) -> int:
        """How many requests of a window reads leave to others."""
        window = self._windows.get(resource)
        return math.ceil(RESERVE * window.limit) if window and resource == CORE else 0

    def _seconds_closed(self, resource: str, now: float, kept: int = 0) -> float:
        """Until a request may be sent that leaves so many."""
        closed = self._closed_until.get(resource, now) - now
        window = self._windows.get(resource)
        if window is None or window.resets_at <= now:
            return closed
        if window.remaining <= kept:
            return max(closed, window.resets_at - now)
        # Lost answers may have cost nothing: one request is always left to find out.
        lost = min(self._lost[resource], window.remaining - kept - 1)
        is_spoken_for = window.remaining - kept - lost - self._under_way[resource] <= 0
        return max(closed, 1.0 if is_spoken_for else 0.0)

    def _take(self, resource: str, told: Window, now: float) -> None:
        """Believe headers, unless later ones came before them: within a window less is later."""
        held = self._windows.get(resource)
        self._lost[resource] = 0
        if held is None or held.resets_at <= now:
            self._windows[resource] = told
            return
        apart = told.resets_at - held.resets_at
        is_same = abs(apart) <= SAME_WINDOW_SECONDS
        if (is_same and told.remaining <= held.remaining) or apart > SAME_WINDOW_SECONDS:
            self._windows[resource] = told

    def _close(
        self, resource: str, headers: Mapping[str, str], told: Window | None, now: float
    ) -> None:
        asked = header_seconds(headers)
        if asked is not None:
            seconds = max(1.0, asked)
        elif told and told.remaining <= 0:
            seconds = told.resets_at - now
        else:
            self._untold[resource] += 1
            seconds = UNTOLD_SECONDS * 2.0 ** min(self._untold[resource] - 1, 10)
            seconds = min(seconds, LONGEST_UNTOLD_SECONDS) * (1 + self._jitter() / 4)
        until = max(self._closed_until.get(resource, now), now + seconds)
        self._closed_until[resource] = until


def _refuse_for(seconds: float, where: str) -> None:
    if seconds > 0:
        raise RateLimited(
            f"the rate limit {where} is reached", retry_after_seconds=max(1, math.ceil(seconds))
        )


def _resource(path: str) -> str:
    return SEARCH if request_kind(path) == SEARCH_KIND else CORE


def _window(headers: Mapping[str, str], now: float) -> Window | None:
    """What the headers tell; None where they tell nothing, or nothing to be believed."""
    try:
        limit = int(headers["x-ratelimit-limit"])
        remaining = int(headers["x-ratelimit-remaining"])
        seconds = float(headers["x-ratelimit-reset"]) - _date(headers)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if limit < 1 or not math.isfinite(seconds):
        return None
    # One second more: both times are whole ones.
    return Window(limit, remaining, now + min(max(seconds, 0.0) + 1, HOUR + 1))


def _date(headers: Mapping[str, str]) -> float:
    """Raises KeyError, TypeError or ValueError where GitHub tells no time of its own."""
    return parsedate_to_datetime(headers["date"]).timestamp()
