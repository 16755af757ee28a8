"""The committed files that belong together: the board, past days, hours of today; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from github_store.day_file import DayFile, DayRecord, HourFile
from github_store.day_file_format import day_path, dump_day, dump_hour, hour_path
from github_store.day_minutes import DayMinutes
from github_store.latency import Latencies, replaced
from github_store.past_days import KEPT_DAYS, past_days
from github_store.present_tags import PresentTags
from github_store.status_board import Board, BoardEntry
from github_store.status_board_format import BOARD_PATH, dump_board


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


def shared_days(board: Board, tags: PresentTags) -> frozenset[int]:
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


def under_present_tags(files: StatusFiles, tags: PresentTags) -> StatusFiles:
    """The files with what stands under former tags put under the present ones.

    Where both have a sample the present tag's wins. The days that ``shared_days`` names must be
    loaded; where there is no file of one, the present tag's counts stand.
    """
    days = {number: day_under_present_tags(day, tags) for number, day in files.days.items()}
    hours = {
        number: HourFile(number, tags.merged(hour.latencies, _latencies_over))
        for number, hour in files.hours.items()
    }
    return StatusFiles(_board_under_present_tags(files.board, days, tags), days, hours)


def day_under_present_tags(file: DayFile, tags: PresentTags) -> DayFile:
    """A past day with former tags' minutes under the present ones."""
    records = tags.merged(file.records, _record_over)
    return file if records is file.records else DayFile(file.day, records)


def present_minutes(file: DayFile, tags: PresentTags) -> dict[str, DayMinutes]:
    """A past day's minutes by present tag, without the latencies: small enough to hold many."""
    records = day_under_present_tags(file, tags).records
    return {tag: record.minutes for tag, record in records.items()}


def _board_under_present_tags(
    board: Board, days: Mapping[int, DayFile], tags: PresentTags
) -> Board:
    def over(tag: str, newer: BoardEntry, older: BoardEntry) -> BoardEntry:
        counts = []
        for days_before in range(1, KEPT_DAYS + 1):
            own, other = newer.days.before(days_before), older.days.before(days_before)
            file = days.get(board.today - days_before)
            shared = own.total and other.total and file
            counts.append(
                file.minutes(tag).counts if shared and file else own if own.total else other
            )
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


def _latencies_over(_tag: str, newer: Latencies, older: Latencies) -> Latencies:
    known = {minute: latency for minute, latency in enumerate(newer) if latency is not None}
    return replaced(older, known)
