"""Backoff per item: which of many things fail, when each is tried again, when to log it; pure.

An item that fails is retried after a pause that doubles up to a limit, whatever the others do. Its
failure is worth a line when it begins, when its reason changes, once every REPEAT_SECONDS while it
lasts, and when it is over. Where one item recovers, others that failed for the same reason are due
at once: it was no fault of theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Generic, TypeVar

REPEAT_SECONDS: Final = 3600.0
"""Between two lines about an item that goes on failing for the same reason."""
MAX_ITEMS: Final = 1_000
"""So many are remembered as failing; of more, those that failed longest ago are forgotten."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts: each twice the one before."""

    first_seconds: float
    longest_seconds: float

    def pause(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, from 1."""
        return float(min(self.longest_seconds, self.first_seconds * 2.0 ** min(failures - 1, 30)))


class Notice(StrEnum):
    """What about a failure is worth a line."""

    BEGAN = "began"
    CHANGED = "changed"
    LASTS = "lasts"


@dataclass(frozen=True, slots=True)
class Failure:
    """Of one item. Times are of the clock that is passed in."""

    reason: str
    since: float
    failures: int
    """In a row."""
    pause: float
    """Seconds, begun with the last failure."""
    retry_at: float
    told_at: float


class ItemBackoff(Generic[K]):
    """The items that fail now, at most ``most``."""

    def __init__(self, *, most: int = MAX_ITEMS) -> None:
        self._most = most
        self._failures: dict[K, Failure] = {}

    def __len__(self) -> int:
        return len(self._failures)

    def __contains__(self, item: object) -> bool:
        return item in self._failures

    def get(self, item: K) -> Failure | None:
        """How it fails; None while it does not."""
        return self._failures.get(item)

    def items(self) -> list[tuple[K, Failure]]:
        """Everything that fails."""
        return list(self._failures.items())

    def seconds_to_retry(self, item: K, now: float) -> float:
        """How long it is to be left alone; 0 for one that may be tried. A clock that was set back
        makes no pause longer."""
        failure = self._failures.get(item)
        if failure is None:
            return 0.0
        wait_seconds = failure.retry_at - now
        return wait_seconds if 0 < wait_seconds <= failure.pause else 0.0

    def failed(self, item: K, reason: str, *, backoff: Backoff, now: float) -> Notice | None:
        """It was tried and failed; what about that is worth a line, if anything."""
        before = self._failures.pop(item, None)
        notice = _notice(before, reason, now)
        since, failures = (before.since, before.failures + 1) if before else (now, 1)
        told_at = now if notice or before is None else before.told_at
        pause = backoff.pause(failures)
        while len(self._failures) >= self._most:
            del self._failures[next(iter(self._failures))]
        self._failures[item] = Failure(reason, since, failures, pause, now + pause, told_at)
        return notice

    def succeeded(self, item: K) -> Failure | None:
        """It was tried and did not fail; how it had failed until now, if it had."""
        over = self._failures.pop(item, None)
        if over:
            for other, failure in self._failures.items():
                if failure.reason == over.reason:
                    self._failures[other] = replace(failure, pause=0.0)
        return over

    def keep(self, items: Collection[K]) -> None:
        """Forget all but these: the others are gone."""
        for item in [each for each in self._failures if each not in items]:
            del self._failures[item]


def _notice(before: Failure | None, reason: str, now: float) -> Notice | None:
    if before is None:
        return Notice.BEGAN
    if before.reason != reason:
        return Notice.CHANGED
    return None if 0 <= now - before.told_at < REPEAT_SECONDS else Notice.LASTS
