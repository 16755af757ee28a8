"""How samples change the committed files: which are needed, and what they become; pure.

Everything is keyed by tag and minute: applying samples again changes nothing, and of two for one
minute the later wins. A past day's counts are always those of its minutes, never added up.

``today`` is the newest day that the board, the clock or a sample knows; it never goes back, so
that after a clock was stepped back its day is one of the board's past days. When a day has ended
its minutes and the latencies of its hours become its file of ``history/``, its counts enter the
board, and the files of its hours go, all at once. A late sample changes its day's file and the
day's counts; days further back than the board reaches have only their file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeAlias

from github_store.day_file import DayFile, DayRecord, HourFile, day_latencies
from github_store.day_file_format import day_path, hour_at, hour_path
from github_store.day_minutes import MINUTES_OF_DAY
from github_store.latency import Latencies, replaced, shortest
from github_store.monitor import Status
from github_store.sample import Latest, Sample
from github_store.status_board import Board, BoardEntry
from github_store.status_files import (
    StatusFiles,
    changed_files,
    shared_days,
    under_present_tags,
)
from github_store.tag_aliases import AliasMap

__all__ = [
    "StatusFiles",
    "applied",
    "changed_files",
    "ended_path",
    "files_needed",
    "own_paths",
    "without_broken",
]

_Taken: TypeAlias = dict[int, tuple[Status, float | None]]
"""Status and latency by minute of the day."""

_NOTHING: Final = DayRecord()


def files_needed(
    board: Board,
    samples: Iterable[Sample],
    *,
    today: int,
    present: Collection[str],
    tags: AliasMap,
) -> frozenset[str]:
    """The paths, of those on the branch (``present``), that must be loaded before ``applied``.

    ``today`` is the clock's day.
    """
    samples = tuple(samples)
    today = _today(board, samples, today)
    days = {sample.minute // MINUTES_OF_DAY for sample in samples} | shared_days(board, tags)
    hours = {sample.minute // 60 for sample in samples if _day(sample) == today}
    ended = {hour for path in present if (hour := hour_at(path)) is not None and hour < today * 24}
    days |= {hour // 24 for hour in ended}
    if today > board.today:
        days.add(board.today)
    paths = {day_path(day) for day in days if day < today}
    paths |= {hour_path(hour) for hour in hours | ended}
    return frozenset(paths.intersection(present))


def own_paths(board: Board, samples: Iterable[Sample], *, today: int) -> frozenset[str]:
    """The paths that samples are written to, beside the board's."""
    samples = tuple(samples)
    today = _today(board, samples, today)
    return frozenset(
        day_path(_day(sample)) if _day(sample) < today else hour_path(sample.minute // 60)
        for sample in samples
    )


def ended_path(board: Board, samples: Iterable[Sample], *, today: int) -> str | None:
    """The path of the board's day where that has ended, so that the board's minutes go there."""
    return day_path(board.today) if _today(board, samples, today) > board.today else None


def without_broken(
    files: StatusFiles, broken: Collection[str], *, but_for: str | None
) -> StatusFiles:
    """The files to apply samples to where others cannot be read: hours whose day's file is broken
    stay as they are until it is mended, but for the day whose file is made anew."""
    hours = {
        number: hour
        for number, hour in files.hours.items()
        if (path := day_path(hour.day)) not in broken or path == but_for
    }
    return StatusFiles(files.board, files.days, hours)


def applied(
    files: StatusFiles, samples: Iterable[Sample], *, today: int, tags: AliasMap
) -> StatusFiles:
    """The files with these samples, in the order they were acknowledged.

    What ``files_needed`` names must be loaded; a file that is not loaded is taken for absent.
    """
    samples = tuple(samples)
    files = under_present_tags(files, tags)
    change = _Change(files, _today(files.board, samples, today))
    change.end_day()
    change.fold_hours()
    taken: dict[int, dict[str, _Taken]] = {}
    for sample in samples:
        day, minute = divmod(sample.minute, MINUTES_OF_DAY)
        own = taken.setdefault(day, {}).setdefault(tags.of(sample.tag), {})
        own[minute] = sample.status, shortest(sample.latency)
    for day, by_tag in sorted(taken.items()):
        change.take(day, by_tag)
    return change.outcome()


def _today(board: Board, samples: Iterable[Sample], today: int) -> int:
    return max(board.today, today, *map(_day, samples))


def _day(sample: Sample) -> int:
    return sample.minute // MINUTES_OF_DAY


class _Change:
    """The files while they change."""

    def __init__(self, files: StatusFiles, today: int) -> None:
        self._board = files.board
        self._today = today
        self._entries = dict(files.board.entries)
        self._days = dict(files.days)
        self._hours = dict(files.hours)
        self._recounted: dict[str, set[int]] = {}

    def end_day(self) -> None:
        """Once today is a later day than the board's, put the board's minutes into its file."""
        ended = self._board.today
        if ended == self._today:
            return
        records = dict(self._records(ended))
        for tag, entry in self._board.entries.items():
            if entry.minutes.runs:
                records[tag] = DayRecord(entry.minutes).over(records.get(tag, _NOTHING))
            if tag in records:
                self._recounted.setdefault(tag, set()).add(ended)
            days = entry.days.later(self._today - ended)
            self._entries[tag] = BoardEntry(entry.known_since, entry.latest, days=days)
        if records:
            self._days[ended] = DayFile(ended, records)

    def fold_hours(self) -> None:
        """Put the latencies of past days' hours into the days' files; the hours go."""
        past = {hour for hour, file in self._hours.items() if file.day < self._today}
        for day in {hour // 24 for hour in past}:
            records = {
                tag: record.filled(day_latencies(self._hours, day, tag))
                for tag, record in self._records(day).items()
            }
            if records:
                self._days[day] = DayFile(day, records)
        for hour in past:
            del self._hours[hour]

    def take(self, day: int, by_tag: Mapping[str, _Taken]) -> None:
        """Put one day's samples in."""
        records = dict(self._records(day))
        for tag, taken in by_tag.items():
            entry = self._entry(day, tag, taken)
            if day == self._today:
                statuses = {minute: status for minute, (status, _) in taken.items()}
                minutes = entry.minutes.with_samples(statuses)
                entry = BoardEntry(entry.known_since, entry.latest, minutes, entry.days)
            else:
                records[tag] = records.get(tag, _NOTHING).with_samples(taken)
                self._recounted.setdefault(tag, set()).add(day)
            self._entries[tag] = entry
        if day == self._today:
            self._take_latencies(by_tag)
        else:
            self._days[day] = DayFile(day, records)

    def outcome(self) -> StatusFiles:
        """The files with every touched day's counts those of its minutes."""
        for tag, days in self._recounted.items():
            entry = self._entries[tag]
            counts = [(self._today - day, self._days[day].minutes(tag).counts) for day in days]
            recounted = entry.days.later(0, counts)
            self._entries[tag] = BoardEntry(
                entry.known_since, entry.latest, entry.minutes, recounted
            )
        return StatusFiles(Board(self._today, self._entries), self._days, self._hours)

    def _records(self, day: int) -> Mapping[str, DayRecord]:
        file = self._days.get(day)
        return file.records if file else {}

    def _entry(self, day: int, tag: str, taken: _Taken) -> BoardEntry:
        """The monitor's entry with its first and its newest minute brought up to date."""
        first, last = (day * MINUTES_OF_DAY + found(taken) for found in (min, max))
        newest = Latest(last, *taken[last % MINUTES_OF_DAY])
        entry = self._entries.get(tag)
        if entry is None:
            return BoardEntry(first, newest)
        latest = newest if last >= entry.latest.minute else entry.latest
        return BoardEntry(min(entry.known_since, first), latest, entry.minutes, entry.days)

    def _take_latencies(self, by_tag: Mapping[str, _Taken]) -> None:
        """Put today's latencies into its hours."""
        changed: dict[int, dict[str, Latencies]] = {}
        for tag, taken in by_tag.items():
            by_hour: dict[int, dict[int, float | None]] = {}
            for minute, (_, latency) in taken.items():
                by_hour.setdefault(self._today * 24 + minute // 60, {})[minute % 60] = latency
            for hour, changes in by_hour.items():
                before = self._latencies(hour).get(tag, ())
                changed.setdefault(hour, {})[tag] = replaced(before, changes)
        for hour, latencies in changed.items():
            self._hours[hour] = HourFile(hour, {**self._latencies(hour), **latencies})

    def _latencies(self, hour: int) -> Mapping[str, Latencies]:
        file = self._hours.get(hour)
        return file.latencies if file else {}
