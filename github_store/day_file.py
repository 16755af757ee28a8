"""What the files beside ``status.json`` hold: a past day's minutes, an hour's latencies; pure.

A day is numbered from 1970-01-01 (minutes // 1,440), an hour likewise (minutes // 60).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from github_store.day_minutes import GAP, MINUTES_OF_DAY, NO_MINUTES, DayMinutes
from github_store.latency import Latencies, replaced, trimmed
from github_store.monitor import Status

_GAP: Final = ord(GAP)


@dataclass(frozen=True, slots=True)
class DayRecord:
    """One monitor's day: the status of each minute with a sample, and its latency where known."""

    minutes: DayMinutes = NO_MINUTES
    latencies: Latencies = ()

    def with_samples(self, samples: Mapping[int, tuple[Status, float | None]]) -> DayRecord:
        """The day with these minutes of the day (0 to 1,439) replaced."""
        return DayRecord(
            self.minutes.with_samples({minute: status for minute, (status, _) in samples.items()}),
            replaced(self.latencies, {minute: taken for minute, (_, taken) in samples.items()}),
        )

    def over(self, older: DayRecord) -> DayRecord:
        """This record's samples, and where it has none the other's."""
        if not older.minutes.runs:
            return self
        mine = self.minutes.letters
        below = older.latencies
        latencies = [
            _at(self.latencies if mine[minute] != _GAP else below, minute)
            for minute in range(max(len(self.latencies), len(below)))
        ]
        return DayRecord(self.minutes.over(older.minutes), trimmed(latencies))

    def filled(self, latencies: Latencies) -> DayRecord:
        """With these latencies, by minute of the day, where there is a sample without one."""
        letters = self.minutes.letters
        known = {
            minute: latency
            for minute, latency in enumerate(latencies)
            if latency is not None
            and letters[minute] != _GAP
            and _at(self.latencies, minute) is None
        }
        return DayRecord(self.minutes, replaced(self.latencies, known))

    def sampled(self) -> list[float | None]:
        """A latency for each minute that has a sample, in order."""
        letters = self.minutes.letters
        known = [
            latency
            for letter, latency in zip(letters, self.latencies, strict=False)
            if letter != _GAP
        ]
        return known + [None] * (self.minutes.counts.total - len(known))


def record_of(minutes: DayMinutes, sampled: list[float | None]) -> DayRecord:
    """The record from a latency for each minute that has a sample."""
    remaining = iter(sampled)
    latencies = [None if letter == _GAP else next(remaining) for letter in minutes.letters]
    return DayRecord(minutes, trimmed(latencies))


@dataclass(frozen=True, slots=True)
class DayFile:
    """All monitors' minutes of one past day, by tag."""

    day: int
    records: Mapping[str, DayRecord] = field(default_factory=dict)

    def minutes(self, tag: str) -> DayMinutes:
        """One monitor's minutes; none where the day knows nothing of it."""
        record = self.records.get(tag)
        return record.minutes if record else NO_MINUTES


@dataclass(frozen=True, slots=True)
class HourFile:
    """All monitors' latencies of one hour of today, by tag and minute of the hour."""

    hour: int
    latencies: Mapping[str, Latencies] = field(default_factory=dict)

    @property
    def day(self) -> int:
        return self.hour * 60 // MINUTES_OF_DAY


def day_latencies(hours: Mapping[int, HourFile], day: int, tag: str) -> Latencies:
    """One monitor's latencies by minute of the day, put together from the day's hours."""
    values: list[float | None] = []
    for hour in range(24):
        file = hours.get(day * 24 + hour)
        own = file.latencies.get(tag, ()) if file else ()
        values += [*own, *[None] * (60 - len(own))]
    return trimmed(values)


def _at(latencies: Latencies, minute: int) -> float | None:
    return latencies[minute] if minute < len(latencies) else None
