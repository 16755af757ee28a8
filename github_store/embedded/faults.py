"""The switchboard: what shall go wrong, for which requests, how often.

| kind | what happens | uses |
|---|---|---|
| latency | the request waits before it is handled | seconds, jitter |
| error | 5xx instead of an answer; nothing is done | status, html |
| drop_before | the connection closes unanswered; nothing is done |  |
| drop_after | the request is done, the connection closes unanswered |  |
| lost_race | somebody else commits just before this ref or file write |  |
| search_lag | search shows issues as they were some seconds ago | seconds |
| search_timeout | search gives half of what it finds, as incomplete |  |
| list_lag | the issue list does | seconds |
| rate_limit | the primary limit is used up | status, seconds |
| secondary_limit | the secondary limit is hit | status, retry_after |
| write_limits | so it is by the 81st write within a minute and the 501st in an hour | status |
| outage | every connection closes unanswered |  |
| hang | nothing is done, and the connection closes unanswered after a long time | seconds |
| forbidden | 403: the token lacks the permission |  |
| missing | 404, as for a repository that is hidden or gone |  |

Each fault may be limited to requests whose ``METHOD /path?query`` its regular expression is found
in, to a number of requests, and to a share of them.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, get_args

Kind = Literal[
    "latency",
    "error",
    "drop_before",
    "drop_after",
    "lost_race",
    "search_lag",
    "search_timeout",
    "list_lag",
    "rate_limit",
    "secondary_limit",
    "write_limits",
    "outage",
    "hang",
    "forbidden",
    "missing",
]
KINDS: tuple[str, ...] = get_args(Kind)
HANG_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One switch that is on.

    ``seconds``: latency, lag, time until the rate limit resets, or until the connection closes
    (0: HANG_SECONDS). ``jitter_seconds``: at most so
    much random latency on top. ``rate``: share of matching requests, 0 to 1. ``count``: how many
    more requests it strikes, None for all. ``status`` None takes the kind's usual one.
    """

    kind: Kind
    match: str = ""
    count: int | None = None
    rate: float = 1.0
    seconds: float = 0.0
    jitter_seconds: float = 0.0
    status: int | None = None
    html: bool = False
    retry_after: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is none of {', '.join(KINDS)}")
        try:
            re.compile(self.match)
        except re.error as error:
            raise ValueError(f"match is no regular expression: {error}") from error


def fault_from(data: Mapping[str, Any]) -> Fault:
    """A fault from JSON. Raises ValueError for an unknown member or a wrong type."""
    known = {field.name for field in fields(Fault)}
    unknown = sorted(set(data) - known - {"id"})
    if unknown:
        raise ValueError(f"unknown member {', '.join(unknown)}; there are {', '.join(known)}")
    numbers = ("count", "rate", "seconds", "jitter_seconds", "status", "retry_after")
    for name in numbers:
        value = data.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise ValueError(f"{name} is no number")  # noqa: TRY004 - one kind for the caller
    if not isinstance(data.get("kind"), str) or not isinstance(data.get("match", ""), str):
        raise ValueError("kind and match are strings, and kind is needed")  # noqa: TRY004
    return Fault(**{name: value for name, value in data.items() if name != "id"})


class Faults:
    """Thread-safe; ``chance`` decides shares and jitter, so a seeded one repeats itself."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()  # noqa: S311 - no secret depends on it
        self._lock = threading.Lock()
        self._on: dict[int, Fault] = {}
        self._left: dict[int, int] = {}
        self._next_id = 1

    def add(self, kind: Kind, **options: Any) -> int:
        """Switch a fault on (options: the members of Fault); its id, for ``lift``."""
        return self.switch_on(Fault(kind, **options))

    def switch_on(self, fault: Fault) -> int:
        with self._lock:
            fault_id, self._next_id = self._next_id, self._next_id + 1
            self._on[fault_id] = fault
            if fault.count is not None:
                self._left[fault_id] = fault.count
            return fault_id

    def lift(self, fault_id: int) -> None:
        """Switch one off; nothing happens when it is off already."""
        with self._lock:
            self._on.pop(fault_id, None)
            self._left.pop(fault_id, None)

    def clear(self) -> None:
        with self._lock:
            self._on.clear()
            self._left.clear()

    def active(self) -> list[dict[str, Any]]:
        """What is on, as JSON; ``count`` is what is left of it."""
        with self._lock:
            return [
                {"id": fault_id, **asdict(fault), "count": self._left.get(fault_id)}
                for fault_id, fault in self._on.items()
            ]

    def strike(self, kind: Kind, line: str) -> Fault | None:
        """The first fault of this kind that hits the request; it is counted."""
        with self._lock:
            for fault_id, fault in list(self._on.items()):
                if fault.kind != kind or not re.search(fault.match, line):
                    continue
                if fault.rate < 1.0 and self._chance.random() >= fault.rate:
                    continue
                if fault_id in self._left:
                    self._left[fault_id] -= 1
                    if self._left[fault_id] <= 0:
                        del self._on[fault_id], self._left[fault_id]
                return fault
        return None

    def delay_seconds(self, line: str) -> float:
        fault = self.strike("latency", line)
        if fault is None:
            return 0.0
        with self._lock:
            return fault.seconds + fault.jitter_seconds * self._chance.random()
