"""The committed files that belong together: the board, past days, hours of today; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from github_store.day_file import DayFile, DayRecord, HourFile
from github_store.day_file_format import day_path, dump_day, dump_hour, hour_path
from github_store.day_minutes import NO_MINUTES, DayMinutes
from github_store.latency import Latencies, replaced
from github_store.past_days import KEPT_DAYS, past_days
from github_store.status_board import Board, BoardEntry
from github_store.status_board_format import BOARD_PATH, dump_board
from github_store.tag_aliases import AliasMap


@dataclass(frozen=True, slots=True)
class StatusFiles:
    """The board, and of the other files those that are loaded, by number of the day and hour."""

    board: Board
    days: Mapping[int, DayFile] = field(default_factory=dict)
    hours: Mapping[int, HourFile] = field(default_factory=dict)


def changed_files(before: StatusFiles, after: StatusFiles) -> dict[str, bytes | None]:
    """What a commit must hold to make ``before`` ``after``: content by path, None to delete."""
    changes: dict[str, bytes | None] = {}
    if after.board != before.board:
        changes[BOARD_PATH] = dump_board(after.board)
    for number, day in after.days.items():
        if day != before.days.get(number):
            changes[day_path(number)] = dump_day(day)
    for number, hour in after.hours.items():
        if hour != before.hours.get(number):
            changes[hour_path(number)] = dump_hour(hour)
    gone = before.hours.keys() - after.hours.keys()
    return changes | {hour_path(number): None for number in gone}


def shared_days(board: Board, tags: AliasMap) -> frozenset[int]:
    """Past days on which a monitor has samples under several of its tags.

    Their counts under the present tag can only be told from their minutes.
    """
    by_present: dict[str, list[BoardEntry]] = {}
    for tag, present in tags.former(board.entries).items():
        own = board.entries.get(present)
        entries = by_present.setdefault(present, [own] if own else [])
        entries.append(board.entries[tag])
    return frozenset(
        board.today - days
        for entries in by_present.values()
        for days in range(1, KEPT_DAYS + 1)
        if sum(1 for entry in entries if entry.days.before(days).total) > 1
    )


def under_present_tags(files: StatusFiles, tags: AliasMap) -> StatusFiles:
    """The files with what stands under former tags put under the present ones.

    Where both have a sample the present tag's wins. The days that ``shared_days`` names must be
    loaded; where there is no file of one, the present tag's counts stand.
    """
    days = {number: day_under_present_tags(day, tags) for number, day in files.days.items()}
    hours = {
        number: HourFile(number, tags.merged(hour.latencies, _latencies_over))
        for number, hour in files.hours.items()
    }
    minutes = {
        number: {tag: record.minutes for tag, record in day.records.items()}
        for number, day in days.items()
    }
    return StatusFiles(board_under_present_tags(files.board, minutes, tags), days, hours)


def day_under_present_tags(file: DayFile, tags: AliasMap) -> DayFile:
    """A past day with former tags' minutes under the present ones."""
    records = tags.merged(file.records, _record_over)
    return file if records is file.records else DayFile(file.day, records)


class CommittedMinutes:
    """A past day's minutes as they were committed, without the latencies: small enough to hold
    many, and right whatever the monitors become."""

    __slots__ = ("_by_committed_tag", "_under")

    def __init__(self, by_committed_tag: Mapping[str, DayMinutes]) -> None:
        self._by_committed_tag: Final = by_committed_tag
        self._under: tuple[AliasMap, Mapping[str, DayMinutes]] | None = None

    def under(self, tags: AliasMap) -> Mapping[str, DayMinutes]:
        """The minutes by present tag."""
        if self._under is None or self._under[0] is not tags:
            self._under = tags, tags.merged(self._by_committed_tag, _minutes_over)
        return self._under[1]


NO_DAY: Final = CommittedMinutes({})


def committed_minutes(file: DayFile) -> CommittedMinutes:
    """The minutes of a past day's file."""
    return CommittedMinutes({tag: record.minutes for tag, record in file.records.items()})


def board_under_present_tags(
    board: Board, minutes: Mapping[int, Mapping[str, DayMinutes]], tags: AliasMap
) -> Board:
    """As ``under_present_tags``; ``minutes`` are those of past days, under present tags."""

    def over(tag: str, newer: BoardEntry, older: BoardEntry) -> BoardEntry:
        counts = []
        for days_before in range(1, KEPT_DAYS + 1):
            own, other = newer.days.before(days_before), older.days.before(days_before)
            read = minutes.get(board.today - days_before)
            if read is not None and own.total and other.total:
                counts.append(read.get(tag, NO_MINUTES).counts)
            else:
                counts.append(own if own.total else other)
        return BoardEntry(
            min(newer.known_since, older.known_since),
            newer.latest if newer.latest.minute >= older.latest.minute else older.latest,
            newer.minutes.over(older.minutes),
            past_days(counts),
        )

    entries = tags.merged(board.entries, over)
    return board if entries is board.entries else Board(board.today, entries)


def _record_over(_tag: str, newer: DayRecord, older: DayRecord) -> DayRecord:
    return newer.over(older)


def _minutes_over(_tag: str, newer: DayMinutes, older: DayMinutes) -> DayMinutes:
    return newer.over(older)


def _latencies_over(_tag: str, newer: Latencies, older: Latencies) -> Latencies:
    known = {minute: latency for minute, latency in enumerate(newer) if latency is not None}
    return replaced(older, known)
