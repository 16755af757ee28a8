"""The files of a past day and of an hour of today: what they look like, and what is refused."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store import day_file_format
from github_store.day_file import DayFile, DayRecord, HourFile
from github_store.day_file_format import (
    day_at,
    day_path,
    dump_day,
    dump_hour,
    hour_at,
    hour_path,
    parse_day,
    parse_hour,
)
from github_store.errors import BrokenDocument
from github_store.latency import shortest, trimmed
from github_store.monitor import Status
from tests.store.schemas import check_schema

DAY = 20_779  # 2026-11-22
HOUR = DAY * 24 + 13

THE_DAY = """\
{
"version": 2,
"date": "2026-11-22",
"monitors": {
"earth": {
"minutes": "2U1437-D",
"latencies": [0.2,1213,null]},
"moon": {
"minutes": "G",
"latencies": [7]}
}}
"""
THE_HOUR = """\
{
"version": 2,
"hour": "2026-11-22T13",
"monitors": {
"earth": [0.2,null,1213],
"moon": [0]
}}
"""
THE_DAY_FILE = DayFile(
    DAY,
    {
        "moon": DayRecord().with_samples({0: (Status.DEGRADED, 7)}),
        "earth": DayRecord().with_samples(
            {0: (Status.UP, 0.2), 1: (Status.UP, 1213), 1_439: (Status.DOWN, None)}
        ),
    },
)
THE_HOUR_FILE = HourFile(HOUR, {"moon": (0,), "earth": (0.2, None, 1213)})


def read_day(text: str) -> DayFile:
    return parse_day(text.encode(), name="the day")


def read_hour(text: str) -> HourFile:
    return parse_hour(text.encode(), name="the hour")


def test_a_day_has_two_lines_of_each_monitor() -> None:
    assert dump_day(THE_DAY_FILE).decode() == THE_DAY
    assert read_day(THE_DAY) == THE_DAY_FILE


def test_an_hour_has_a_line_of_each_monitor() -> None:
    assert dump_hour(THE_HOUR_FILE).decode() == THE_HOUR
    assert read_hour(THE_HOUR) == THE_HOUR_FILE


def test_the_documented_examples_are_such_files() -> None:
    examples = [
        textwrap.dedent(part) + "\n"
        for part in (day_file_format.__doc__ or "").split("\n\n")
        if part.startswith("    {")
    ]
    assert len(examples) == 2
    assert dump_day(read_day(examples[0])).decode() == examples[0]
    assert dump_hour(read_hour(examples[1])).decode() == examples[1]
    check_schema("day", examples[0].encode())
    check_schema("hour", examples[1].encode())


tags = st.text(st.characters(codec="utf-8"), min_size=1)
latencies = st.one_of(
    st.none(),
    st.one_of(st.integers(0), st.floats(0, allow_nan=False, allow_infinity=False))
    .filter(lambda number: number < 1e308)
    .map(shortest),
)
records = st.dictionaries(
    st.integers(0, 1_439), st.tuples(st.sampled_from(Status), latencies), max_size=20
).map(lambda taken: DayRecord().with_samples(taken))
hour_latencies = st.lists(latencies, max_size=60).map(trimmed)
numbers = st.integers(0, 2_000_000)


@given(st.builds(DayFile, numbers, st.dictionaries(tags, records, max_size=4)))
def test_any_day_survives_its_file(file: DayFile) -> None:
    assert read_day(dump_day(file).decode()) == file
    check_schema("day", dump_day(file))


@given(st.builds(HourFile, numbers, st.dictionaries(tags, hour_latencies, max_size=4)))
def test_any_hour_survives_its_file(file: HourFile) -> None:
    assert read_hour(dump_hour(file).decode()) == file
    check_schema("hour", dump_hour(file))


@given(numbers)
def test_paths_tell_their_day_and_hour(number: int) -> None:
    assert day_at(day_path(number)) == number
    assert hour_at(hour_path(number)) == number
    assert day_at(hour_path(number)) is None
    assert hour_at(day_path(number)) is None


def test_paths_are_dates() -> None:
    assert day_path(DAY) == "history/2026-11-22.json"
    assert hour_path(HOUR) == "latency/2026-11-22T13.json"


@pytest.mark.parametrize(
    "path",
    [
        "status.json", "history/2026-02-30.json", "history/2026-11-22.json.bak", "latency/x.json",
        "history/1969-12-31.json", "x/history/2026-11-22.json", "latency/2026-11-22T24.json",
        "latency/2026-11-22.json", "history/20261122.json", "history/2026-W47-7.json",
    ],
)  # fmt: skip
def test_other_paths_are_of_no_day_and_no_hour(path: str) -> None:
    assert day_at(path) is None
    assert hour_at(path) is None


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda text: json.dumps(json.loads(text), indent=2), id="laid out anew"),
        pytest.param(lambda text: text.replace("7]", "7.0]"), id="a number written longer"),
        pytest.param(lambda text: text.replace('2,', '2, "legend": {"U": "x"},', 1), id="a legend"),
    ],
)  # fmt: skip
def test_harmless_hand_edits_are_read(edit: Callable[[str], str]) -> None:
    assert edit(THE_DAY) != THE_DAY
    assert read_day(edit(THE_DAY)) == THE_DAY_FILE


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "problem"),
    [
        pytest.param("1213,null", "1213 null", 7, 24, "not valid JSON", id="lost comma"),
        pytest.param("2026-11-22", "2026-11-31", 3, 9, "expected a date", id="no such date"),
        pytest.param("2U1437-D", "2U1438-D", 6, 12, "longer than a day", id="long day"),
        pytest.param("2U1437-D", "2X", 6, 12, "expected runs", id="unknown letter"),
        pytest.param('"2U1437-D"', "3", 6, 12, "expected a text", id="runs no text"),
        pytest.param("1213,", "", 7, 14, "2 latencies for 3 minutes", id="a latency missing"),
        pytest.param("1213", "true", 7, 14, "number 2 is neither", id="latency no number"),
        pytest.param("1213", "-1", 7, 14, "number 2 is neither", id="negative latency"),
        pytest.param("1213", "1e999", 7, 14, "number 2 is neither", id="infinite latency"),
        pytest.param("1213", "1" * 400, 7, 14, "number 2 is neither", id="latency too large"),
        pytest.param("1213", '"5"', 7, 14, "number 2 is neither", id="latency a text"),
        pytest.param("[7]", "{}", 10, 14, "expected a list", id="latencies no list"),
        pytest.param("[7]}", '[7],\n"by": 1}', 11, 7, "not known", id="unknown key"),
        pytest.param('"moon"', '"earth"', 8, 10, "given twice", id="twice"),
        pytest.param('"version": 2', '"version": 3', 2, 12, "only version 2", id="version"),
        pytest.param('"date"', '"hour"', 1, 1, "date is missing", id="an hour for a day"),
    ],
)
def test_a_broken_day_is_refused_naming_line_and_column(
    old: str, new: str, line: int, column: int, problem: str
) -> None:
    assert old in THE_DAY
    with pytest.raises(BrokenDocument, match=problem) as caught:
        read_day(THE_DAY.replace(old, new, 1))
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "problem"),
    [
        pytest.param("T13", "T24", 3, 9, "expected an hour", id="no such hour"),
        pytest.param("T13", "", 3, 9, "expected an hour", id="a date"),
        pytest.param("[0]", "[" + "1," * 60 + "1]", 6, 9, "61 latencies", id="a long hour"),
        pytest.param("[0]", "[false]", 6, 9, "number 1 is neither", id="no number"),
        pytest.param("[0]", "0", 6, 9, "expected a list", id="no list"),
    ],
)
def test_a_broken_hour_is_refused_naming_line_and_column(
    old: str, new: str, line: int, column: int, problem: str
) -> None:
    assert old in THE_HOUR
    with pytest.raises(BrokenDocument, match=problem) as caught:
        read_hour(THE_HOUR.replace(old, new, 1))
    assert (caught.value.line, caught.value.column) == (line, column)


@given(st.binary(max_size=40), st.sampled_from([parse_day, parse_hour]))
def test_garbage_is_refused_and_never_crashes(content: bytes, parse: Any) -> None:
    with pytest.raises(BrokenDocument):
        parse(content, name="x")
