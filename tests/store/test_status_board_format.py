"""status.json as a file: what it looks like, how large it gets, and what is refused."""

from __future__ import annotations

import json
import random
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store import status_board_format
from github_store.day_minutes import MINUTES_OF_DAY, NO_MINUTES, Counts, day_from_letters
from github_store.errors import BrokenDocument
from github_store.latency import LARGEST
from github_store.monitor import Status
from github_store.past_days import past_days
from github_store.sample import Latest, Sample
from github_store.status_board import Board, BoardEntry
from github_store.status_board_format import dump_board, parse_board
from tests.store.schemas import check_schema
from tests.store.status_tree import StatusTree

UP, DOWN, DEGRADED = Status.UP, Status.DOWN, Status.DEGRADED
TODAY = 19_703  # 2023-12-12
MIDNIGHT = TODAY * MINUTES_OF_DAY

THE_FILE = """\
{
"version": 2,
"today": "2023-12-12",
"legend": {"U": "UP", "G": "DEGRADED", "D": "DOWN", "-": "no sample", "720U": "720 minutes UP", \
"12(U4-)": "U4- 12 times", "=": "packed: 2 bits a minute", \
"days": "minutes UP/DEGRADED/DOWN of each date before today, the newest first"},
"monitors": {
"earth": {
"now": {"status": "UP", "latency": 0.2, "lastUpdatedAt": 1702339380, "knownSince": 1702339140},
"minutes": "2-GU",
"days": "0/0/1"},
"moon": {
"now": {"status": "UP", "latency": 1213, "lastUpdatedAt": 1702339200, "knownSince": 1702080000},
"minutes": "U",
"days": "2x- 1"}
}}
"""
THE_SAMPLES = [
    Sample("moon", MIDNIGHT, UP, 1213.0),
    Sample("moon", MIDNIGHT - 3 * MINUTES_OF_DAY, UP, 5),
    Sample("earth", MIDNIGHT + 3, UP, 0.2),
    Sample("earth", MIDNIGHT + 2, DEGRADED, 7),
    Sample("earth", MIDNIGHT - 1, DOWN, 9),
]


def board_of(samples: list[Sample]) -> Board:
    tree = StatusTree()
    tree.flush(samples, today=TODAY)
    return tree.board(TODAY)


THE_BOARD = board_of(THE_SAMPLES)


def read(text: str) -> Board:
    return parse_board(text.encode())


def test_the_file_has_a_line_for_now_one_for_today_and_one_for_the_days_before() -> None:
    assert dump_board(THE_BOARD).decode() == THE_FILE


def test_the_file_is_read_as_what_was_written() -> None:
    assert read(THE_FILE) == THE_BOARD


def test_a_sample_changes_two_lines_of_the_file() -> None:
    after = dump_board(board_of([*THE_SAMPLES, Sample("earth", MIDNIGHT + 4, UP, 1)])).decode()
    changed = [old for old, new in zip(THE_FILE.split("\n"), after.split("\n"), strict=True)
               if old != new]  # fmt: skip
    assert [line.split(":")[0] for line in changed] == ['"now"', '"minutes"']


def test_the_documented_example_is_such_a_file() -> None:
    documented = (status_board_format.__doc__ or "").split("\n\n")[1]
    example = textwrap.dedent(documented) + "\n"
    check_schema("status", example.encode())
    written = dump_board(read(example)).decode()
    assert [line for line in written.split("\n") if "legend" not in line] == [
        line for line in example.split("\n") if "legend" not in line
    ]


tags = st.text(st.characters(codec="utf-8"), min_size=1, max_size=50)
latencies = st.one_of(
    st.none(), st.integers(0, 2**53), st.floats(0, allow_nan=False, allow_infinity=False)
)
entries = st.builds(
    lambda minutes, before, latest, ago, known, counts: BoardEntry(
        min(known, *(MIDNIGHT + minute for minute in minutes or [0])) if minutes else known,
        Latest(MIDNIGHT + max(minutes), minutes[max(minutes)], latest)
        if minutes else Latest(MIDNIGHT - ago, before, latest),
        NO_MINUTES.with_samples(minutes),
        past_days(counts),
    ),
    st.dictionaries(st.integers(0, 1_439), st.sampled_from(Status), max_size=30),
    st.sampled_from(Status),
    latencies,
    st.integers(1, 999),
    st.integers(0, MIDNIGHT - 999),
    st.lists(st.builds(Counts, *[st.integers(0, 480)] * 3), max_size=90),
)  # fmt: skip
boards = st.builds(Board, st.integers(TODAY, TODAY), st.dictionaries(tags, entries, max_size=4))


@given(boards)
def test_any_board_survives_the_file(board: Board) -> None:
    assert parse_board(dump_board(board)) == board
    check_schema("status", dump_board(board))


def test_an_empty_board_survives_the_file() -> None:
    assert parse_board(dump_board(Board(TODAY))) == Board(TODAY)
    check_schema("status", dump_board(Board(TODAY)))


# Size

MOST_BYTES = 256 * 1_000
WIDE_TAGS = [f"{i:03}" + "\U0001f30d" * 47 for i in range(100)]
"""As long as tags get: 50 characters, of 4 bytes where they may."""


def every(minutes: int) -> Callable[[random.Random], dict[int, Status]]:
    return lambda chance: dict.fromkeys(range(chance.randrange(minutes), 1440, minutes), UP)


def cron(chance: random.Random) -> dict[int, Status]:
    """As GitHub starts what shall run every five minutes: late, and not always."""
    taken, minute = {}, chance.randrange(9)
    while minute < MINUTES_OF_DAY:
        taken[minute] = chance.choices([UP, DEGRADED, DOWN], [98, 1, 1])[0]
        minute += chance.randrange(3, 17)
    return taken


def adversary(chance: random.Random) -> dict[int, Status]:
    return {m: s for m in range(1_440) if (s := chance.choice([UP, DOWN, DEGRADED, None]))}


@pytest.mark.parametrize(
    "rhythm",
    [
        pytest.param(every(1), id="every minute"),
        pytest.param(every(5), id="every five minutes"),
        pytest.param(every(2), id="every other minute"),
        pytest.param(cron, id="as GitHub's cron"),
        pytest.param(adversary, id="anything in any minute"),
    ],
)
@pytest.mark.parametrize("minutes_of_today", [1_440, 700])
def test_100_monitors_over_90_days_take_at_most_256_kb(
    rhythm: Callable[[random.Random], dict[int, Status]], minutes_of_today: int
) -> None:
    chance = random.Random(1)
    some = [NO_MINUTES.with_samples(rhythm(chance)) for _ in range(20)]
    board = {}
    for tag in WIDE_TAGS:
        counts = [
            chance.choice(some).counts if rhythm is not adversary
            else Counts(1_000 + chance.randrange(20), 200 + chance.randrange(9), 111)
            for _ in range(90)
        ]  # fmt: skip
        letters = chance.choice(some).letters[:minutes_of_today]
        today = day_from_letters(letters)
        newest = today.newest()
        assert newest
        latest = Latest(MIDNIGHT + newest[0], newest[1], LARGEST)
        board[tag] = BoardEntry(0, latest, today, past_days(counts))
    content = dump_board(Board(TODAY, board))
    assert len(content) <= MOST_BYTES
    check_schema("status", content)
    assert parse_board(content) == Board(TODAY, board)


# Hand edits


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="other line ends"),
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: json.dumps(json.loads(text), indent=4), id="laid out anew"),
        pytest.param(lambda text: text.replace('"minutes": "U"', '"minutes": "1U500-"'),
                     id="other runs"),
        pytest.param(lambda text: text.replace('"minutes": "U"', '"minutes": "=Q"'), id="packed"),
        pytest.param(lambda text: text.replace('"2x- 1"', '"- - 1/0 -"'), id="other days"),
        pytest.param(lambda text: text.replace("1702339140}", "1702339150}"), id="not a minute"),
        pytest.param(lambda text: "\n".join(text.split("\n")[:3] + text.split("\n")[4:]),
                     id="no legend"),
    ],
)  # fmt: skip
def test_harmless_hand_edits_are_read(edit: Callable[[str], str]) -> None:
    assert edit(THE_FILE) != THE_FILE
    assert read(edit(THE_FILE)) == THE_BOARD


def test_where_the_head_contradicts_the_minutes_the_minutes_are_believed() -> None:
    edited = read(THE_FILE.replace('"2-GU"', '"2-GUD"')).entries["earth"]
    assert edited.latest == Latest(MIDNIGHT + 4, DOWN, None)
    edited = read(THE_FILE.replace("1702339140", "1702339380")).entries["earth"]
    assert edited.known_since == MIDNIGHT + 2


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "problem"),
    [
        pytest.param('"version": 2,', '"version": 2', 3, 1, "not valid JSON", id="lost comma"),
        pytest.param(THE_FILE, "", 1, 1, "not valid JSON", id="emptied"),
        pytest.param(THE_FILE, "[]", 1, 1, "the file: expected an object", id="a list"),
        pytest.param('"version": 2', '"version": 1', 2, 12, "only version 2", id="version"),
        pytest.param('"version": 2', '"version": true', 2, 12, "only version 2", id="no number"),
        pytest.param('"version": 2,\n', "", 1, 1, "version is missing", id="no version"),
        pytest.param('"today": "2023-12-12",\n', "", 1, 1, "today is missing", id="no today"),
        pytest.param("2023-12-12", "2023-02-30", 3, 10, "expected a date", id="no such date"),
        pytest.param('"2023-12-12"', "20231212", 3, 10, "expected a date", id="a number as date"),
        pytest.param("2023-12-12", "1969-12-31", 3, 10, "expected a date", id="too early"),
        pytest.param('"U": "UP"', '"U": 1', 4, 17, "expected a text", id="a legend of numbers"),
        pytest.param('"moon"', '"earth"', 10, 10, "monitors.earth is given twice", id="twice"),
        pytest.param('"2-GU"', '"1440-U"', 8, 12, "longer than a day", id="long day"),
        pytest.param('"2-GU"', '"2-GX"', 8, 12, "expected runs", id="unknown letter"),
        pytest.param('"2-GU"', '"=?"', 8, 12, "expected base64", id="badly packed"),
        pytest.param('"2-GU"', "2", 8, 12, "expected a text", id="runs no text"),
        pytest.param('"0/0/1"', '"0/0/1,"', 9, 9, "expected days", id="days with a comma"),
        pytest.param('"0/0/1"', '"1440/0/1"', 9, 9, "more than a day", id="a day too long"),
        pytest.param('"0/0/1"', '"91x1"', 9, 9, "more than 90", id="too many days"),
        pytest.param('"0/0/1"', "[1]", 9, 9, "expected a text", id="days no text"),
        pytest.param('"2-GU",', '"2-GU", "by": 1,', 8, 26, "not known", id="unknown key"),
        pytest.param('"latency": 0.2, ', "", 7, 8, "latency is missing", id="no latency"),
        pytest.param('"UP", "latency": 0', '"FINE", "latency": 0', 7, 19, "expected UP, DOWN",
                     id="unknown status"),
        pytest.param("0.2", "-1", 7, 36, "expected a number", id="negative latency"),
        pytest.param("0.2", "true", 7, 36, "expected a number", id="latency no number"),
        pytest.param("0.2", "1" * 400, 7, 36, "expected a number", id="latency too large"),
        pytest.param("0.2", "1e999", 7, 36, "expected a number", id="latency infinite"),
        pytest.param("0.2", "NaN", 7, 36, "NaN is no JSON number", id="NaN"),
        pytest.param("1702339380", "1702339380.5", 7, 58, "whole seconds", id="fraction"),
        pytest.param("1702339380", "-60", 7, 58, "whole seconds", id="negative time"),
        pytest.param('"moon"', '"\\ud800"', 10, 11, "surrogate", id="half a character"),
        pytest.param('"moon"', '<<<<<<< HEAD\n"moon"', 10, 1, "not valid JSON", id="merge marker"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_naming_line_and_column(
    old: str, new: str, line: int, column: int, problem: str
) -> None:
    assert old in THE_FILE
    with pytest.raises(BrokenDocument, match=problem) as caught:
        read(THE_FILE.replace(old, new, 1))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"status.json, line {line}, column {column}: ")


@given(st.binary(max_size=40))
def test_garbage_is_refused_and_never_crashes(content: bytes) -> None:
    with pytest.raises(BrokenDocument):
        parse_board(content)


@given(st.integers(0, len(THE_FILE) - 3))
def test_a_torn_file_is_refused(length: int) -> None:
    with pytest.raises(BrokenDocument):
        read(THE_FILE[:length])


@given(st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(), inner)),
))  # fmt: skip
def test_any_other_json_is_refused_and_never_crashes(value: Any) -> None:
    monitor = {"now": value, "minutes": value, "days": value}
    for document in (
        value,
        {"version": 2, "today": value, "monitors": {}},
        {"version": 2, "today": "2023-12-12", "monitors": {"earth": value}},
        {"version": 2, "today": "2023-12-12", "monitors": {"earth": monitor}},
    ):
        with pytest.raises(BrokenDocument):
            read(json.dumps(document))


def test_a_former_version_is_named_whatever_else_it_lacks() -> None:
    former = b'{\n"version": 1,\n"monitors": {"earth": {"runs": "U"}}}'
    with pytest.raises(BrokenDocument, match=r"line 2, column 12.*only version 2 can be read"):
        parse_board(former)
