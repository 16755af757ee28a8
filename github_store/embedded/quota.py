"""Rate limits: how many requests each caller has made in the running window, and how many writes.

A window opens with a caller's first request and lasts an hour, a minute for searches. Counting is
per login, or per address for anonymous callers, as GitHub counts per account.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .refusals import Refusal
from .rows import User

ANONYMOUS_LIMITS = {"core": 60, "search": 10}
WINDOW_SECONDS = {"core": 3600, "search": 60}
LIMIT_DOCS = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"

# Requests that create content, by the seconds within which so many are allowed.
MOST_WRITES: Final = {60: 80, 3600: 500}


@dataclass(slots=True)
class Window:
    limit: int
    used: int
    reset: int
    exhausted: bool = False  # the request that asks came after the last one allowed

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    def headers(self, resource: str) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Resource": resource,
        }

    def json(self) -> dict[str, int]:
        return {
            "limit": self.limit,
            "used": self.used,
            "remaining": self.remaining,
            "reset": self.reset,
        }


class Quota:
    def __init__(self, clock: Callable[[], float], *, core: int, search: int) -> None:
        self._clock = clock
        self._limits = {"core": core, "search": search}
        self._windows: dict[tuple[str, str], Window] = {}
        self._writes: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def charge(self, actor: User | None, peer: str, resource: str) -> Window:
        """Count one request; a copy of the window after it."""
        with self._lock:
            window = self._window(actor, peer, resource)
            exhausted = window.used >= window.limit
            if not exhausted:
                window.used += 1
            return Window(window.limit, window.used, window.reset, exhausted)

    def refund(self, actor: User | None, peer: str, resource: str) -> Window:
        """Take one back: a 304 costs an authenticated caller nothing."""
        with self._lock:
            window = self._window(actor, peer, resource)
            window.used = max(0, window.used - 1)
            return Window(window.limit, window.used, window.reset)

    def look(self, actor: User | None, peer: str, resource: str) -> Window:
        with self._lock:
            window = self._window(actor, peer, resource)
            return Window(window.limit, window.used, window.reset)

    def use_up(self, actor: User, resource: str, *, leave: int, seconds: int) -> None:
        """As if others had: ``leave`` requests are left until a reset in so many seconds."""
        with self._lock:
            window = self._window(actor, "", resource)
            window.used = max(0, window.limit - leave)
            window.reset = int(self._clock()) + seconds

    def write(self, actor: User | None, peer: str) -> int:
        """Count one write: 0, or the seconds until it would be allowed, and it does not count."""
        with self._lock:
            now = self._clock()
            times = self._writes.setdefault(actor.login if actor else peer, deque())
            while times and times[0] <= now - max(MOST_WRITES):
                times.popleft()
            ends = (
                times[-most] + seconds
                for seconds, most in MOST_WRITES.items()
                if len(times) >= most
            )
            wait = max(0, math.ceil(max(ends, default=now) - now))
            if not wait:
                times.append(now)
            return wait

    def _window(self, actor: User | None, peer: str, resource: str) -> Window:
        now = self._clock()
        key = (actor.login if actor else peer, resource)
        window = self._windows.get(key)
        if window is None or now >= window.reset:
            limits = self._limits if actor else ANONYMOUS_LIMITS
            window = Window(limits[resource], 0, int(now) + WINDOW_SECONDS[resource])
            self._windows[key] = window
        return window


def primary_limit(actor: User | None, peer: str, status: int = 403) -> Refusal:
    """The answer once nothing is left."""
    if actor is not None:
        message = (
            f"API rate limit exceeded for user ID {actor.id}. If you reach out to GitHub Support"
            " for help, please include the request ID."
        )
    else:
        message = (
            f"API rate limit exceeded for {peer}. (But here's the good news: Authenticated"
            " requests get a higher rate limit. Check out the documentation for more details.)"
        )
    return Refusal(status, message, docs=LIMIT_DOCS)


def secondary_limit(status: int = 403, retry_after: int | None = None) -> Refusal:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Refusal(
        status,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        docs=f"{LIMIT_DOCS}#about-secondary-rate-limits",
        headers=headers,
    )
