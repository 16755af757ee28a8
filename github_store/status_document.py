"""What is known of all monitors' minutes: add samples, drop old days, count a window; pure.

Everything is keyed by tag and minute, so that adding the same samples again changes nothing and
the order in which they were acknowledged decides: later wins. Minutes are numbered from
1970-01-01T00:00Z (seconds // 60), days likewise (minutes // 1,440), as UTC has them.

How a document looks as a file is in ``status_format``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from github_store.day_minutes import MINUTES_OF_DAY, NO_MINUTES, Counts, DayMinutes
from github_store.labels import label_key
from github_store.monitor import Monitors, Status

WINDOW_MINUTES: Final = 90 * MINUTES_OF_DAY
"""How far back minutes count: the 90 days before the current minute, which counts as well."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One push: a monitor's status in one minute. ``latency`` as the client gave it."""

    tag: str
    minute: int
    status: Status
    latency: float


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest minute with a sample. ``latency`` is None where only the status is known."""

    minute: int
    status: Status
    latency: float | None


@dataclass(frozen=True, slots=True)
class History:
    """One monitor's samples. ``known_since`` is the first minute that ever had one."""

    known_since: int
    latest: Latest
    days: Mapping[int, DayMinutes] = field(default_factory=dict)

    def with_samples(self, samples: Iterable[Sample]) -> History:
        """The history with these samples, in the order they were acknowledged."""
        known_since, latest = self.known_since, self.latest
        changed: dict[int, dict[int, Status]] = {}
        for sample in samples:
            day, minute_of_day = divmod(sample.minute, MINUTES_OF_DAY)
            changed.setdefault(day, {})[minute_of_day] = sample.status
            known_since = min(known_since, sample.minute)
            if sample.minute >= latest.minute:
                latest = Latest(sample.minute, sample.status, sample.latency)
        days = {
            day: self.days.get(day, NO_MINUTES).with_samples(minutes)
            for day, minutes in changed.items()
        }
        return History(known_since, latest, {**self.days, **days})

    def over(self, older: History) -> History:
        """Two histories of one monitor as one; this one's samples win."""
        days = dict(older.days)
        for day, minutes in self.days.items():
            days[day] = minutes.over(days[day]) if day in days else minutes
        newest = self.latest if self.latest.minute >= older.latest.minute else older.latest
        return History(min(self.known_since, older.known_since), newest, days)

    def since_day(self, first_day: int) -> History:
        """The history without the days before ``first_day``."""
        if all(day >= first_day for day in self.days):
            return self
        return replace(self, days={d: m for d, m in self.days.items() if d >= first_day})

    def counts_between(self, first: int, last: int) -> Counts:
        """Samples from minute ``first`` to ``last``, both included: whole days, and two edges."""
        first_day, last_day = first // MINUTES_OF_DAY, last // MINUTES_OF_DAY
        up = degraded = down = 0
        for day, minutes in self.days.items():
            if first_day < day < last_day:
                counts = minutes.counts
            elif day in (first_day, last_day):
                midnight = day * MINUTES_OF_DAY
                counts = minutes.counts_between(max(first - midnight, 0), last - midnight)
            else:
                continue
            up += counts.up
            degraded += counts.degraded
            down += counts.down
        return Counts(up, degraded, down)

    def newest_until(self, last: int) -> tuple[int, Status] | None:
        """The newest minute with a sample, not after ``last``, and its status."""
        last_day = last // MINUTES_OF_DAY
        for day in sorted((day for day in self.days if day <= last_day), reverse=True):
            midnight = day * MINUTES_OF_DAY
            if found := self.days[day].newest(min(last - midnight, MINUTES_OF_DAY - 1)):
                return midnight + found[0], found[1]
        return None


@dataclass(frozen=True, slots=True)
class StatusDocument:
    """All histories by tag; also those of monitors that are no longer in ``monitors.yaml``."""

    histories: Mapping[str, History] = field(default_factory=dict)

    def apply(self, samples: Iterable[Sample]) -> StatusDocument:
        """The document with these samples, in the order they were acknowledged."""
        by_tag: dict[str, list[Sample]] = {}
        for sample in samples:
            by_tag.setdefault(sample.tag, []).append(sample)
        histories = dict(self.histories)
        for tag, own in by_tag.items():
            first = own[0]
            begun = History(first.minute, Latest(first.minute, first.status, first.latency))
            histories[tag] = histories.get(tag, begun).with_samples(own)
        return StatusDocument(histories)

    def compact(self, now: int) -> StatusDocument:
        """The document without the days that lie before the window's first minute.

        A monitor without any day left stays: since when it is known still counts.
        """
        first_day = (now - WINDOW_MINUTES) // MINUTES_OF_DAY
        return StatusDocument({tag: h.since_day(first_day) for tag, h in self.histories.items()})

    def under_present_tags(self, monitors: Monitors) -> StatusDocument:
        """The document with former tags' histories (``aliases``) put under the present tag.

        Tags are found without regard to case. Where both have a sample the present tag's wins.
        """
        tag_by_key = {
            label_key(name): monitor.tag
            for monitor in monitors
            for name in (*monitor.aliases, monitor.tag)
        }
        former = {
            tag: present
            for tag in self.histories
            if (present := tag_by_key.get(label_key(tag), tag)) != tag
        }
        if not former:
            return self
        histories = {tag: h for tag, h in self.histories.items() if tag not in former}
        for tag, present in sorted(former.items()):
            older = self.histories[tag]
            newer = histories.get(present)
            histories[present] = newer.over(older) if newer else older
        return StatusDocument(histories)
