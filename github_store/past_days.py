"""The counts of one monitor's past days, written as one text; pure.

``3x1440 1439/0/1 - 85x1440``: the newest day first. A day is its minutes up, degraded and down,
zeros at the end left out; ``-`` is a day without a sample; ``3x`` are three equal days. Days
without a sample are left out at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Final

from github_store.day_minutes import MINUTES_OF_DAY, Counts

KEPT_DAYS: Final = 90
"""As many dates before today have counts: with today the 91 dates that 90 days touch."""

NO_SAMPLES: Final = Counts()

_ENTRY: Final = re.compile(
    r"(?:([1-9][0-9]?)x)?(-|[0-9]{1,4}(?:/[0-9]{1,4}(?:/[0-9]{1,4})?)?)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class PastDays:
    """At most 90 days. ``counts`` begin with the newest and end with a day that has samples."""

    text: str
    counts: tuple[Counts, ...] = field(compare=False, repr=False)

    def before(self, days: int) -> Counts:
        """The counts of the day that lies so many days before today, from 1."""
        return self.counts[days - 1] if days <= len(self.counts) else NO_SAMPLES

    def between(self, nearest: int, farthest: int) -> Counts:
        """The sum of the days from ``nearest`` to ``farthest`` days before today, both included."""
        farthest = min(farthest, len(self.counts))
        return _sum(self, nearest, farthest) if nearest <= farthest else NO_SAMPLES

    def later(self, days: int, newer: Iterable[tuple[int, Counts]] = ()) -> PastDays:
        """These days seen from a today that is ``days`` later; ``newer`` are counts to put there.

        They are given as the number of days before that later today; those too far back drop out.
        """
        counts = [NO_SAMPLES] * min(days, KEPT_DAYS) + list(self.counts)
        counts += [NO_SAMPLES] * (KEPT_DAYS - len(counts))
        for days_before, found in newer:
            if days_before <= KEPT_DAYS:
                counts[days_before - 1] = found
        return past_days(counts[:KEPT_DAYS])


def past_days(counts: Iterable[Counts]) -> PastDays:
    """The days with these counts, the newest first, at most 90."""
    words = []
    for text, group in groupby(map(_text_of, counts)):
        times = sum(1 for _ in group)
        words.append(text if times == 1 else f"{times}x{text}")
    if words and words[-1].endswith("-"):
        words.pop()
    return _known_days(" ".join(words))


@lru_cache(maxsize=4_096)
def past_days_from_text(text: str) -> PastDays:
    """Read the text, also one that a person wrote in another way. Raises ValueError."""
    return past_days(_known_days(text).counts)


@lru_cache(maxsize=4_096)
def _known_days(text: str) -> PastDays:
    """Monitors that look the same (always up, mostly) share one object."""
    counts: list[Counts] = []
    for word in text.split():
        match = _ENTRY.fullmatch(word)
        if not match:
            raise ValueError("expected days such as 3x1440 1439/0/1 -")
        counts += [_counts_of(match[2])] * int(match[1] or 1)
        if len(counts) > KEPT_DAYS:
            raise ValueError(f"more than {KEPT_DAYS} days")
    return PastDays(text, tuple(counts))


@lru_cache(maxsize=16_384)
def _text_of(counts: Counts) -> str:
    if counts == NO_SAMPLES:
        return "-"
    numbers = [counts.up, counts.degraded, counts.down]
    while not numbers[-1]:
        numbers.pop()
    return "/".join(map(str, numbers))


@lru_cache(maxsize=16_384)
def _counts_of(word: str) -> Counts:
    counts = NO_SAMPLES if word == "-" else Counts(*map(int, word.split("/")))
    if counts.total > MINUTES_OF_DAY:
        raise ValueError(f"{word} is more than a day's {MINUTES_OF_DAY} minutes")
    return counts


@lru_cache(maxsize=16_384)
def _sum(days: PastDays, nearest: int, farthest: int) -> Counts:
    chosen = days.counts[nearest - 1 : farthest]
    return Counts(
        sum(counts.up for counts in chosen),
        sum(counts.degraded for counts in chosen),
        sum(counts.down for counts in chosen),
    )


NO_DAYS: Final = past_days(())
