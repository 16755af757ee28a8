"""What reached GitHub, written down as it left, and whether GitHub's limits were kept.

Counted at GitHub and not by the product: every request of an account, refused ones included.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from github_store.embedded.exchange import Request
from github_store.embedded.response_headers import Reply

IN_FLIGHT = 10
"""Requests that may have left before a refusal was heard: one of each connection, and some."""
UNTOLD_SECONDS = 60.0
"""How long GitHub asks to be left alone where it does not say how long."""
WRITES = {60.0: 80, 3600.0: 500}
"""Content-creating requests that GitHub allows, by the seconds of a window."""


@dataclass(frozen=True, slots=True)
class Line:
    """One request; ``status`` 0: closed unanswered. ``closed_until``: of a refusal, since 1970."""

    at: float
    login: str
    method: str
    target: str
    status: int
    resource: str
    used: int
    limit: int
    closed_until: float | None

    @property
    def is_write(self) -> bool:
        return self.method not in {"GET", "HEAD"}


class Witness:
    """To be given to an embedded GitHub; ``logins`` names the owners of tokens."""

    def __init__(self) -> None:
        self.logins: dict[str, str] = {}
        self._lines: list[Line] = []
        self._lock = threading.Lock()

    def __call__(self, request: Request, reply: Reply | None) -> None:
        now = time.time()
        token = request.headers.get("authorization", "").rpartition(" ")[2]
        headers = {name.lower(): value for name, value in reply.headers} if reply else {}
        status = reply.status if reply else 0
        line = Line(
            at=now,
            login=self.logins.get(token, "nobody"),
            method=request.method,
            target=request.target,
            status=status,
            resource="search" if request.path.startswith("/search/") else "core",
            used=int(headers.get("x-ratelimit-used", 0)),
            limit=int(headers.get("x-ratelimit-limit", 1)),
            closed_until=_closed_until(headers, now) if status in {403, 429} else None,
        )
        with self._lock:
            self._lines.append(line)

    def lines(self, login: str) -> list[Line]:
        with self._lock:
            return [line for line in self._lines if line.login == login]


def _closed_until(headers: Mapping[str, str], now: float) -> float:
    if "retry-after" in headers:
        return now + int(headers["retry-after"])
    if headers.get("x-ratelimit-remaining") == "0":
        return float(headers["x-ratelimit-reset"])
    return now + UNTOLD_SECONDS


def hammering(lines: Iterable[Line], *, starts: Sequence[float]) -> list[str]:
    """Where requests went on after a refusal, beyond those that had left and a start's first.

    A process that starts knows nothing of what its forerunner was told; where GitHub answers it,
    that is over.
    """
    found = []
    by_resource: dict[str, list[Line]] = {}
    for line in lines:
        by_resource.setdefault(line.resource, []).append(line)
    for resource, own in by_resource.items():
        since = until = 0.0
        came = 0
        for line in own:
            starts_since = bisect_left(starts, line.at) - bisect_left(starts, since)
            is_open = starts_since > 0 and (200 <= line.status < 300 or line.status == 304)
            if line.at >= until or is_open:
                came, since, until = 0, line.at, 0.0
            else:
                came += 1
                if came > IN_FLIGHT * (1 + starts_since):
                    asked = f"{line.method} {line.target[:80]}: {line.status}"
                    found.append(f"{resource}: {came} within {line.at - since:.1f} s, {asked}")
            if line.closed_until is not None:
                until = max(until, line.closed_until)
    return found


def beyond_limits(lines: Iterable[Line]) -> list[str]:
    """Where more was counted than is allowed."""
    return [f"{line.target}: {line.used}/{line.limit}" for line in lines if line.used > line.limit]


def most_writes(lines: Iterable[Line], seconds: float) -> int:
    """The most writes that any window of so many seconds saw, refused ones included."""
    times = sorted(line.at for line in lines if line.is_write)
    return max(
        (number - bisect_left(times, at - seconds) for number, at in enumerate(times, 1)),
        default=0,
    )


def statuses(lines: Iterable[Line]) -> dict[int, int]:
    return dict(sorted(Counter(line.status for line in lines).items()))
