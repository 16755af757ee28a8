"""What the API says of one monitor, from the board, incidents and what is not committed yet; pure.

Per minute an incident beats a pushed sample, and a sample beats ``defaultStatus``, which counts
from the minute on in which the monitor is first known. A window is an interval: whole days are
counted by their counts, and minutes are looked at only where an interval ends within a day whose
counts do not settle them. Days whose minutes are missing for that are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from github_store.coverage import IncidentSpan, gaps, stretches
from github_store.day_minutes import (
    GAP,
    LEGEND,
    LETTER_OF,
    MINUTES_OF_DAY,
    NO_MINUTES,
    Counts,
    DayMinutes,
    counts_of,
)
from github_store.monitor import Monitor, Status
from github_store.past_days import KEPT_DAYS, NO_SAMPLES
from github_store.sample import WINDOW_MINUTES, Sample
from github_store.status_board import Board
from github_store.uptime import uptime_text

_LAST: Final = MINUTES_OF_DAY - 1
_WHOLE: Final = {
    Counts(**{status.lower(): MINUTES_OF_DAY}): NO_MINUTES.with_samples(
        dict.fromkeys(range(MINUTES_OF_DAY), status)
    )
    for status in Status
}
"""The days whose counts say all of their minutes, as those without a sample do."""


NO_DATA: Final = "NO_DATA"


@dataclass(frozen=True, slots=True)
class MonitorStatus:
    """``last_updated_at`` is the newest covered minute, in seconds since 1970."""

    status: str
    uptime: str
    last_updated_at: int | None


@dataclass(frozen=True, slots=True)
class DaysNeeded:
    """The past days whose minutes must be read before there is an answer."""

    days: frozenset[int]


def window_status(
    board: Board,
    monitor: Monitor,
    *,
    now: int,
    since_minutes: int = WINDOW_MINUTES,
    spans: Sequence[IncidentSpan] = (),
    pending: Sequence[Sample] = (),
    past: Mapping[int, DayMinutes] | None = None,
) -> MonitorStatus | DaysNeeded:
    """The newest status within 90 days, and the uptime of the window.

    ``now`` is the current minute's number; the window is that minute and ``since_minutes``
    before it. ``pending`` are this monitor's samples that the board may not have yet, in the
    order they were acknowledged; ``past`` its minutes on past days as far as they were read.
    """
    known = _KnownMinutes(board, monitor.tag, pending, past or {})
    first = now - since_minutes
    covered = stretches(spans, monitor.tag, first=now - WINDOW_MINUTES, last=now) if spans else ()
    newest = _newest(known, monitor.default_status, now)
    if covered and (newest is None or covered[-1].last >= newest[0]):
        newest = covered[-1].last, covered[-1].status
    counts = NO_SAMPLES
    for stretch in covered:
        if stretch.last >= first:
            counts = counts.plus(stretch.status, stretch.last - max(stretch.first, first) + 1)
    for begin, end in gaps([each for each in covered if each.last >= first], first=first, last=now):
        counts = _added(counts, _uncovered(known, monitor.default_status, begin, end, now))
    if known.needed:
        return DaysNeeded(frozenset(known.needed))
    up = counts.up if monitor.include_degraded_in_downtime else counts.up + counts.degraded
    return MonitorStatus(
        status=newest[1] if newest else NO_DATA,
        uptime=uptime_text(up, counts.total),
        last_updated_at=newest[0] * 60 if newest else None,
    )


def _newest(known: _KnownMinutes, default: Status | None, now: int) -> tuple[int, Status] | None:
    """The newest minute within 90 days that has a sample or the default."""
    newest = known.newest(now)
    if newest and newest[0] < now - WINDOW_MINUTES:
        newest = None
    if default and (newest is None or newest[0] < now):
        return now, default
    return newest


def _uncovered(
    known: _KnownMinutes, default: Status | None, first: int, last: int, now: int
) -> Counts:
    """Counts of minutes that no incident covers."""
    counts = known.between(first, last)
    if default is None:
        return counts
    # A clock that was stepped back makes "known since" lie ahead: then it is known from now on.
    since = now if known.since is None else min(known.since, now)
    return counts.plus(default, max(0, last - max(first, since) + 1 - counts.total))


class _KnownMinutes:
    """One monitor's samples, pending ones over committed ones. ``needed`` are days to be read."""

    def __init__(
        self, board: Board, tag: str, pending: Sequence[Sample], past: Mapping[int, DayMinutes]
    ) -> None:
        self._today = board.today
        self._entry = entry = board.entries.get(tag)
        self._past = past
        self._pending: dict[int, dict[int, Status]] = {}
        self._latest = (entry.latest.minute, entry.latest.status) if entry else None
        self.since = entry.known_since if entry else None
        self.needed: set[int] = set()
        for sample in pending:
            day, minute = divmod(sample.minute, MINUTES_OF_DAY)
            self._pending.setdefault(day, {})[minute] = sample.status
            if self._latest is None or sample.minute >= self._latest[0]:
                self._latest = sample.minute, sample.status
            self.since = sample.minute if self.since is None else min(self.since, sample.minute)
        self._merged: dict[int, bytes] = {}

    def between(self, first: int, last: int) -> Counts:
        """The samples from minute ``first`` to ``last``, both included."""
        if self.since is None or last < self.since:
            return NO_SAMPLES
        first = max(first, self.since)
        (first_day, start), (last_day, end) = (divmod(at, MINUTES_OF_DAY) for at in (first, last))
        if first_day == last_day:
            return self._part(first_day, start, end)
        counts = _added(self._part(first_day, start, _LAST), self._part(last_day, 0, end))
        return _added(counts, self._whole(first_day + 1, last_day - 1))

    def newest(self, now: int) -> tuple[int, Status] | None:
        """The newest minute with a sample, not after ``now``."""
        if self._latest is None or self._latest[0] <= now:
            return self._latest
        return self._newest_before(now)

    def _newest_before(self, now: int) -> tuple[int, Status] | None:
        """As the clock was stepped back, the newest of all lies ahead of it."""
        assert self.since is not None
        oldest_day = max(self.since, now - WINDOW_MINUTES) // MINUTES_OF_DAY
        for day in range(now // MINUTES_OF_DAY, oldest_day - 1, -1):
            midnight = day * MINUTES_OF_DAY
            letters = self._letters(day)[: now - midnight + 1].rstrip(GAP.encode())
            if letters:
                return midnight + len(letters) - 1, LEGEND[chr(letters[-1])]
            if self.needed:
                return None
        return None

    def _part(self, day: int, start: int, end: int) -> Counts:
        if start <= 0 and end >= _LAST:
            return self._whole(day, day)
        return counts_of(self._letters(day), start, end + 1)

    def _whole(self, first: int, last: int) -> Counts:
        """The samples of whole days: in one sum those that the board counts, others one by one."""
        entry, today = self._entry, self._today
        special = {day for day in self._pending if first <= day <= last}
        counts = NO_SAMPLES
        if entry:
            nearest, farthest = max(today - last, 1), today - first
            counts = entry.days.between(nearest, farthest)
            for day in special:
                if today - day >= 1:
                    counts = _added(counts, entry.days.before(today - day), -1)
            special.update(range(first, min(last + 1, today - KEPT_DAYS)))
            if first <= today <= last:
                special.add(today)
        for day in special:
            counts = _added(counts, counts_of(self._letters(day), 0, MINUTES_OF_DAY))
        return counts

    def _letters(self, day: int) -> bytes:
        """A day's minutes; no sample, and the day is noted, where they have to be read first."""
        if day not in self._merged:
            letters = self._committed(day).letters
            if pending := self._pending.get(day):
                changed = bytearray(letters)
                for minute, status in pending.items():
                    changed[minute : minute + 1] = LETTER_OF[status]
                letters = bytes(changed)
            self._merged[day] = letters
        return self._merged[day]

    def _committed(self, day: int) -> DayMinutes:
        entry, ago = self._entry, self._today - day
        if entry is None or ago < 0:
            return NO_MINUTES
        if ago == 0:
            return entry.minutes
        if ago <= KEPT_DAYS:
            counts = entry.days.before(ago)
            if not counts.total:
                return NO_MINUTES
            if counts in _WHOLE:
                return _WHOLE[counts]
        elif entry.known_since >= (day + 1) * MINUTES_OF_DAY:
            return NO_MINUTES
        if day not in self._past:
            self.needed.add(day)
        return self._past.get(day, NO_MINUTES)


def _added(counts: Counts, more: Counts, times: int = 1) -> Counts:
    return Counts(
        counts.up + times * more.up,
        counts.degraded + times * more.degraded,
        counts.down + times * more.down,
    )
