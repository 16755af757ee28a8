"""The minutes of one monitor on one day, written as runs; pure.

``720UD719U`` is 720 minutes up from midnight (UTC), one down, 719 up. A run is its length (left
out when it is 1) and a letter: U up, G degraded, D down, ``-`` no sample. What follows the last
sample is left out. So a day takes at most 1,440 characters whatever the rhythm of the pushes,
and three or four when nothing happened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from github_store.monitor import Status

MINUTES_OF_DAY: Final = 1_440
LEGEND: Final = {"U": Status.UP, "G": Status.DEGRADED, "D": Status.DOWN}
GAP: Final = "-"
LETTER_OF: Final = {status: letter.encode() for letter, status in LEGEND.items()}

_TOO_LONG: Final = "the runs are longer than a day's 1440 minutes"
_RUNS: Final = re.compile(r"(?:(?:[1-9][0-9]{0,3})?[UGD-])*", re.ASCII)
_RUN: Final = re.compile(r"[0-9]*[UGD-]", re.ASCII)
_NOT_CANONICAL: Final = re.compile(r"([UGD-])[0-9]*\1|(?<![0-9])1[UGD-]|-$", re.ASCII)
_SAME_LETTERS: Final = re.compile(rb"(.)\1*")


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of minutes."""

    up: int = 0
    degraded: int = 0
    down: int = 0

    @property
    def total(self) -> int:
        return self.up + self.degraded + self.down

    def plus(self, status: Status, minutes: int) -> Counts:
        """The counts with that many more minutes of one status."""
        return Counts(
            up=self.up + (minutes if status is Status.UP else 0),
            degraded=self.degraded + (minutes if status is Status.DEGRADED else 0),
            down=self.down + (minutes if status is Status.DOWN else 0),
        )


@dataclass(frozen=True, slots=True)
class DayMinutes:
    """One day as its canonical runs; the counts are always those of the runs."""

    runs: str
    counts: Counts

    @property
    def letters(self) -> bytes:
        """The 1,440 minutes, a letter each."""
        return _letters(self.runs)

    def with_samples(self, samples: Mapping[int, Status]) -> DayMinutes:
        """The day with these minutes of the day (0 to 1,439) replaced."""
        letters = bytearray(_letters(self.runs))
        for minute, status in samples.items():
            letters[minute : minute + 1] = LETTER_OF[status]
        return _day_of(bytes(letters))

    def over(self, older: DayMinutes) -> DayMinutes:
        """This day's samples, and where it has none the other's."""
        pairs = zip(_letters(self.runs), _letters(older.runs), strict=True)
        gap = ord(GAP)
        return _day_of(bytes(below if mine == gap else mine for mine, below in pairs))

    def oldest(self) -> int:
        """The first minute of the day with a sample; 1,440 if there is none."""
        return MINUTES_OF_DAY - len(_letters(self.runs).lstrip(GAP.encode()))

    def newest(self, last: int = MINUTES_OF_DAY - 1) -> tuple[int, Status] | None:
        """The last minute of the day with a sample, not after ``last``, and its status."""
        letters = _letters(self.runs)[: last + 1].rstrip(GAP.encode())
        return (len(letters) - 1, LEGEND[chr(letters[-1])]) if letters else None


def day_from_runs(runs: str) -> DayMinutes:
    """Read runs, canonical or not. Raises ValueError for anything else or more than a day."""
    if not _RUNS.fullmatch(runs):
        raise ValueError("expected runs such as 720UD719U, of the letters U, G, D and -")
    return _known_day(runs)


def day_from_letters(letters: bytes) -> DayMinutes:
    """The day of up to 1,440 letters, one a minute; what is left out at the end has no sample."""
    return _day_of(letters.ljust(MINUTES_OF_DAY, GAP.encode()))


@lru_cache(maxsize=8_192)
def _known_day(runs: str) -> DayMinutes:
    """Days that look the same (all up, mostly) are one object."""
    letters = _letters(runs)
    if _NOT_CANONICAL.search(runs):
        return _day_of(letters)
    return DayMinutes(runs, counts_of(letters, 0, MINUTES_OF_DAY))


@lru_cache(maxsize=4_096)
def _letters(runs: str) -> bytes:
    """The day as 1,440 letters. Raises ValueError for more."""
    letters = "".join(map(_spelt_out, _RUN.findall(runs)))
    if len(letters) > MINUTES_OF_DAY:
        raise ValueError(_TOO_LONG)
    return letters.ljust(MINUTES_OF_DAY, GAP).encode()


@lru_cache(maxsize=8_192)
def _spelt_out(run: str) -> str:
    """``3U`` as ``UUU``: a file has hundreds of thousands of runs, and few different ones."""
    length = int(run[:-1] or 1)
    if length > MINUTES_OF_DAY:
        raise ValueError(_TOO_LONG)
    return run[-1] * length


def _day_of(letters: bytes) -> DayMinutes:
    text = letters.rstrip(GAP.encode())
    runs = "".join(
        f"{len(run) if len(run) > 1 else ''}{chr(run[0])}"
        for run in (match.group() for match in _SAME_LETTERS.finditer(text))
    )
    return DayMinutes(runs, counts_of(letters, 0, MINUTES_OF_DAY))


def counts_of(letters: bytes, start: int, stop: int) -> Counts:
    """Counts of the minutes from ``start`` to before ``stop``."""
    return Counts(
        up=letters.count(b"U", start, stop),
        degraded=letters.count(b"G", start, stop),
        down=letters.count(b"D", start, stop),
    )


def spread(counts: Counts) -> DayMinutes:
    """A day of these counts with each status evenly over it: where its minutes are not known."""
    places = sorted(
        ((number + 0.5) / count, status)
        for status in Status
        if (count := getattr(counts, status.lower()))
        for number in range(count)
    )
    return NO_MINUTES.with_samples(
        {
            number * MINUTES_OF_DAY // len(places): status
            for number, (_, status) in enumerate(places)
        }
    )


NO_MINUTES: Final = day_from_runs("")
