"""The committed files together: what a commit holds, and what a rename does to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from github_store.day_file import DayFile, DayRecord, HourFile
from github_store.day_minutes import Counts, day_from_runs
from github_store.monitor import Monitor, Monitors, Status
from github_store.past_days import past_days_from_text
from github_store.sample import Latest
from github_store.status_board import Board, BoardEntry
from github_store.status_board_format import parse_board
from github_store.status_files import (
    StatusFiles,
    changed_files,
    committed_minutes,
    day_under_present_tags,
    shared_days,
    under_present_tags,
)

UP, DOWN = Status.UP, Status.DOWN
TODAY = 20_000  # 2024-10-04
MIDNIGHT = TODAY * 1_440
TAGS = Monitors([Monitor("terra", "Earth", aliases=("earth", "globe"))]).aliases


def entry(runs: str = "", days: str = "", *, at: int = MIDNIGHT, status: Status = UP) -> BoardEntry:
    return BoardEntry(at, Latest(at, status, 1), day_from_runs(runs), past_days_from_text(days))


def record(runs: str, *latencies: float) -> DayRecord:
    return DayRecord(day_from_runs(runs), latencies)


FILES = StatusFiles(
    Board(TODAY, {"earth": entry("U", "1")}),
    {TODAY - 1: DayFile(TODAY - 1, {"earth": record("U", 5)})},
    {TODAY * 24: HourFile(TODAY * 24, {"earth": (1,)})},
)


@pytest.mark.parametrize(
    ("after", "paths"),
    [
        pytest.param(FILES, {}, id="nothing"),
        pytest.param(replace(FILES, board=Board(TODAY)), {"status.json": True}, id="the board"),
        pytest.param(replace(FILES, days={TODAY - 1: DayFile(TODAY - 1)}),
                     {"history/2024-10-03.json": True}, id="a day"),
        pytest.param(replace(FILES, days={}), {}, id="a day is never deleted"),
        pytest.param(replace(FILES, hours={}), {"latency/2024-10-04T00.json": False},
                     id="an hour goes"),
        pytest.param(replace(FILES, hours={TODAY * 24 + 1: HourFile(TODAY * 24 + 1)}),
                     {"latency/2024-10-04T00.json": False, "latency/2024-10-04T01.json": True},
                     id="another hour"),
    ],
)  # fmt: skip
def test_a_commit_holds_what_is_new(after: StatusFiles, paths: dict[str, bool]) -> None:
    changes = changed_files(FILES, after)
    assert {path: content is not None for path, content in changes.items()} == paths
    if content := changes.get("status.json"):
        assert parse_board(content) == after.board


# Former tags


def test_a_former_tags_files_come_under_the_present_tag() -> None:
    renamed = under_present_tags(FILES, TAGS)
    assert renamed.board.entries == {"terra": entry("U", "1")}
    assert renamed.days[TODAY - 1].records == {"terra": record("U", 5)}
    assert renamed.hours[TODAY * 24].latencies == {"terra": (1,)}


def test_files_without_former_tags_stay_as_they_are() -> None:
    files = StatusFiles(Board(TODAY, {"terra": entry(), "pluto": entry()}))
    assert under_present_tags(files, TAGS) == files


SHARED = Board(
    TODAY,
    {
        "terra": entry("2-D", "2/0/1 - 5", at=MIDNIGHT + 2, status=DOWN),
        "earth": entry("U2D", "1 7 5 9", at=MIDNIGHT + 1),
        "globe": entry("", "- 7", at=MIDNIGHT - 9_999),
    },
)


def test_days_of_several_tags_are_told_from_their_minutes() -> None:
    assert shared_days(SHARED, TAGS) == {TODAY - 1, TODAY - 2, TODAY - 3}
    days = {
        TODAY - 1: DayFile(TODAY - 1, {"terra": record("2UD"), "earth": record("3-U")}),
        TODAY - 2: DayFile(TODAY - 2, {"globe": record("7U"), "earth": record("U5-6U")}),
    }
    merged = under_present_tags(StatusFiles(SHARED, days), TAGS).board.entries["terra"]
    assert merged.minutes.runs == "U2D"
    assert [merged.days.before(ago) for ago in range(1, 6)] == [
        Counts(3, 0, 1),
        Counts(12),
        Counts(5),  # there is no file of this day: the present tag's
        Counts(9),
        Counts(),
    ]
    assert merged.latest == Latest(MIDNIGHT + 2, DOWN, 1)
    assert merged.known_since == MIDNIGHT - 9_999


def test_nothing_is_shared_where_tags_took_turns() -> None:
    board = Board(TODAY, {"terra": entry("", "5"), "earth": entry("", "- 5")})
    assert shared_days(board, TAGS) == frozenset()


def test_of_a_past_days_minutes_the_present_tags_win() -> None:
    file = DayFile(7, {"terra": record("U-D", 1, 0, 3), "earth": record("3UG", 6, 7, 8, 9)})
    assert day_under_present_tags(file, TAGS).records == {
        "terra": DayRecord(day_from_runs("2UDG"), (1, 7, 3, 9))
    }
    assert committed_minutes(file).under(TAGS) == {"terra": day_from_runs("2UDG")}


def test_of_an_hours_latencies_the_present_tags_win() -> None:
    hours = {0: HourFile(0, {"terra": (1, None, 3), "earth": (6, 7, 8, 9)})}
    renamed = under_present_tags(StatusFiles(Board(TODAY), hours=hours), TAGS)
    assert renamed.hours[0].latencies == {"terra": (1, 7, 3, 9)}
