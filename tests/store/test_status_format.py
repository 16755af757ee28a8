"""status.json as a file: what it looks like, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.day_minutes import MINUTES_OF_DAY
from github_store.errors import BrokenDocument
from github_store.monitor import Status
from github_store.status_document import Latest, Sample, StatusDocument
from github_store.status_format import dump, parse

DAY = 19_703  # 2023-12-12
MIDNIGHT = DAY * MINUTES_OF_DAY

THE_FILE = """\
{
"version": 1,
"legend": {"U": "UP", "G": "DEGRADED", "D": "DOWN", "-": "no sample"},
"monitors": {
"earth": {
"now": {"status": "UP", "latency": 0.2, "lastUpdatedAt": 1702339380, "knownSince": 1702339140},
"days": {
"2023-12-12": {"up": 1, "degraded": 1, "down": 0, "minutes": "2-GU"},
"2023-12-11": {"up": 0, "degraded": 0, "down": 1, "minutes": "1439-D"}
}},
"moon": {
"now": {"status": "UP", "latency": 1213, "lastUpdatedAt": 1702339200, "knownSince": 1702339200},
"days": {
"2023-12-12": {"up": 1, "degraded": 0, "down": 0, "minutes": "U"}
}}
}}
"""
THE_DOCUMENT = StatusDocument().apply(
    [
        Sample("moon", MIDNIGHT, Status.UP, 1213.0),
        Sample("earth", MIDNIGHT + 3, Status.UP, 0.2),
        Sample("earth", MIDNIGHT + 2, Status.DEGRADED, 7),
        Sample("earth", MIDNIGHT - 1, Status.DOWN, 9),
    ]
)


def read(text: str) -> StatusDocument:
    return parse(text.encode(), name="status.json")


def test_the_file_has_one_line_per_monitor_and_day_and_the_newest_first() -> None:
    assert dump(THE_DOCUMENT).decode() == THE_FILE


def test_the_file_is_read_as_what_was_written() -> None:
    assert read(THE_FILE) == THE_DOCUMENT


def test_a_sample_changes_two_lines_of_the_file() -> None:
    after = dump(THE_DOCUMENT.apply([Sample("earth", MIDNIGHT + 4, Status.UP, 1)])).decode()
    changed = [old for old, new in zip(THE_FILE.split("\n"), after.split("\n"), strict=True)
               if old != new]  # fmt: skip
    assert [line.split(":")[0] for line in changed] == ['"now"', '"2023-12-12"']


@given(
    st.lists(
        st.builds(
            Sample,
            st.text(st.characters(codec="utf-8"), min_size=1),
            st.integers(0, MIDNIGHT * 2),
            st.sampled_from(Status),
            st.one_of(st.integers(0), st.floats(0, allow_nan=False, allow_infinity=False)),
        )
    )
)
def test_any_document_survives_the_file(samples: list[Sample]) -> None:
    document = StatusDocument().apply(samples)
    assert parse(dump(document), name="status.json") == document
    assert dump(parse(dump(document), name="status.json")) == dump(document)
    json.loads(dump(document))


def test_equal_documents_give_equal_bytes() -> None:
    samples = [Sample("b", MIDNIGHT, Status.UP, 1), Sample("a", MIDNIGHT, Status.UP, 1.0)]
    assert dump(StatusDocument().apply(samples)) == dump(StatusDocument().apply(samples[::-1]))


def test_an_empty_document_survives_the_file() -> None:
    assert parse(dump(StatusDocument()), name="status.json") == StatusDocument()


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="other line ends"),
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: json.dumps(json.loads(text), indent=4), id="laid out anew"),
        pytest.param(lambda text: text.replace('"up": 1,', '"up": 77,'), id="wrong counts"),
        pytest.param(lambda text: text.replace('"up": 1, "degraded": 1, "down": 0, ', ""),
                     id="no counts"),
        pytest.param(lambda text: text.replace('"minutes": "U"', '"minutes": "1U500-"'),
                     id="other runs"),
        pytest.param(lambda text: text.replace("1702339140, ", "1702339150, "), id="not a minute"),
    ],
)  # fmt: skip
def test_harmless_hand_edits_are_read(edit: object) -> None:
    assert callable(edit)
    assert read(edit(THE_FILE)) == THE_DOCUMENT


def test_where_the_head_contradicts_the_minutes_the_minutes_are_believed() -> None:
    edited = read(THE_FILE.replace('"minutes": "2-GU"', '"minutes": "2-GUD"'))
    assert edited.histories["earth"].latest == Latest(MIDNIGHT + 4, Status.DOWN, None)
    assert edited.histories["earth"].known_since == MIDNIGHT - 1


def test_a_monitor_is_known_since_its_first_minute_whatever_the_head_says() -> None:
    edited = read(THE_FILE.replace('"knownSince": 1702339140', '"knownSince": 1702339380'))
    assert edited == THE_DOCUMENT


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "problem"),
    [
        pytest.param('"version": 1,', '"version": 1', 3, 1, "not valid JSON", id="lost comma"),
        pytest.param(THE_FILE, "", 1, 1, "not valid JSON", id="emptied"),
        pytest.param(THE_FILE, "[]", 1, 1, "the file: expected an object", id="a list"),
        pytest.param('"version": 1', '"version": 2', 2, 12, "only version 1", id="version"),
        pytest.param('"version": 1,\n', "", 1, 1, "version is missing", id="no version"),
        pytest.param('"moon"', '"earth"', 11, 10, "monitors.earth is given twice", id="twice"),
        pytest.param("12-11", "12-12", 9, 15, "2023-12-12 is given twice", id="a day twice"),
        pytest.param("12-11", "02-30", 9, 15, "expected a date", id="no such date"),
        pytest.param("2023-12-11", "20231211", 9, 13, "expected a date", id="short date"),
        pytest.param("2023-12-11", "1969-12-31", 9, 15, "expected a date", id="too early"),
        pytest.param("1439-D", "1440-D", 9, 62, "longer than a day", id="long day"),
        pytest.param("1439-D", "1439-E", 9, 62, "expected runs", id="unknown letter"),
        pytest.param('"1439-D"', "1439", 9, 62, "expected a text", id="runs no text"),
        pytest.param('"2-GU"}', '"2-GU", "by": 1}', 8, 76, "not known", id="unknown key"),
        pytest.param('"UP", "latency": 0', '"FINE", "latency": 0', 6, 19, "expected UP, DOWN",
                     id="unknown status"),
        pytest.param("0.2", "-1", 6, 36, "expected a number", id="negative latency"),
        pytest.param("0.2", "true", 6, 36, "expected a number", id="latency no number"),
        pytest.param("0.2", "1" * 400, 6, 36, "expected a number", id="latency too large"),
        pytest.param("0.2", "1e999", 6, 36, "expected a number", id="latency infinite"),
        pytest.param("0.2", "NaN", 6, 36, "NaN is no JSON number", id="NaN"),
        pytest.param("1702339380", "1702339380.5", 6, 58, "whole seconds", id="fraction"),
        pytest.param("1702339380", "true", 6, 58, "whole seconds", id="boolean time"),
        pytest.param("1702339380", "-60", 6, 58, "whole seconds", id="negative time"),
        pytest.param("0.2", "1" * 5_000, 1, 1, "not the JSON", id="absurd number"),
        pytest.param(THE_FILE, "[" * 200_000, 1, 1, "not the JSON", id="absurd depth"),
        pytest.param('"moon"', '"\\ud800"', 11, 11, "surrogate", id="half a character"),
        pytest.param('"moon"', '<<<<<<< HEAD\n"moon"', 11, 1, "not valid JSON", id="merge marker"),
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


def test_bytes_that_are_no_text_are_refused_where_they_stand() -> None:
    with pytest.raises(BrokenDocument, match="line 2, column 3: not UTF-8"):
        parse(b'{\n""\xff}', name="status.json")


@given(st.binary(max_size=40))
def test_garbage_is_refused_and_never_crashes(content: bytes) -> None:
    with pytest.raises(BrokenDocument):
        parse(content, name="status.json")


@given(st.integers(0, len(THE_FILE) - 3))
def test_a_torn_file_is_refused(length: int) -> None:
    with pytest.raises(BrokenDocument):
        read(THE_FILE[:length])
