"""What stands in an issue's body beside its text: times, headings of the form, our comments."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from github_store.markers import (
    LATEST,
    Markup,
    read_hidden,
    read_markup,
    replace_end,
    seconds_of,
    write_hidden,
    write_markup,
)

SLOW_MACHINES_ALLOWED = settings(deadline=None)

PIECES = (
    "[start_datetime:1702405740]",
    "[end_datetime:1702405920]",
    "[start_datetime:7]",
    "[end_datetime:2023-12-12T18:32Z]",
    "[start_datetime:soon]",
    "[start_",
    "datetime:2]",
    "[end_datetime:",
    "<!-- kener-issues:",
    "<!-- kener-",
    "issues:",
    "<!--",
    "--",
    "->",
    "-->",
    "key 0af1",
    "### Start time (UTC)",
    "### End",
    "2024-02-29 10:00",
    "1702405740",
    "[",
    "]",
    ":",
    ">",
    "\n",
    "\r\n",
    " ",
    "\u00a0",
    "é",
    "👩\u200d💻",
    "text",
)
bodies = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=25).map("".join)
times = st.none() | st.integers(0, LATEST)
hidden_contents = st.lists(
    st.text(max_size=20).map(lambda text: re.sub(r"[\r\n<>\[\]]", "", text).strip()), max_size=3
).map(tuple)


# Reading


@pytest.mark.parametrize(
    ("body", "start", "end", "text"),
    [
        pytest.param("", None, None, "", id="nothing"),
        pytest.param("Only text", None, None, "Only text", id="no marker"),
        pytest.param(
            "Login is down [start_datetime:1702405740] [end_datetime:1702405920]",
            1702405740,
            1702405920,
            "Login is down",
            id="as Kener 2.0.0 and 0.0.16 write it",
        ),
        pytest.param(" [start_datetime:1702405740]", 1702405740, None, "", id="no text"),
        pytest.param(
            "[end_datetime:9]\n[start_datetime:5]\n\nText",
            5,
            9,
            "Text",
            id="markers first, swapped",
        ),
        pytest.param("a [start_datetime:5] b", 5, None, "a  b", id="in the middle"),
        pytest.param("[start_datetime:5][start_datetime:6]", 5, None, "", id="the first counts"),
        pytest.param("a\r\n\r\n[start_datetime:5]\r\n", 5, None, "a", id="CRLF"),
        pytest.param("[start_datetime:0]", 0, None, "", id="1970 is a time"),
        pytest.param(f"[end_datetime:{LATEST}]", None, LATEST, "", id="the last second"),
        pytest.param("[start_datetime:2023-12-12T18:29Z]", 1702405740, None, "", id="ISO 8601"),
    ],
)
def test_markers_are_read_and_taken_out(
    body: str, start: int | None, end: int | None, text: str
) -> None:
    assert read_markup(body) == Markup(start, end, text, ())


@pytest.mark.parametrize(
    "body",
    [
        "[start_datetime:]",
        "[start_datetime:soon]",
        "[start_datetime: 5]",
        "[start_datetime:-5]",
        "[start_datetime:5.5]",
        f"[start_datetime:{LATEST + 1}]",
        "[start_datetime:999999999999999999999999]",
        "[start_datetime:٣]",
        "[Start_datetime:5]",
        "[start_datetime:5",
        "[start_datetime:2023-02-30T10:00Z]",
        "[[start_datetime:x]]",
        "<!-- a comment of the maintainer's -->",
        "<!-- kener-issues: never closed",
        "<!-- kener-issues: not on\none line -->",
    ],
)
def test_what_is_no_marker_is_text(body: str) -> None:
    assert read_markup(body) == Markup(None, None, body, ())


def test_hidden_comments_are_read_in_order_and_taken_out() -> None:
    body = "Text\n\n<!-- kener-issues: key 1f -->\n<!--kener-issues: x --><!-- kener-issues:two-->"
    assert read_markup(body).hidden == ("key 1f", "two")
    assert read_markup(body).text == "Text\n\n\n<!--kener-issues: x -->"


@pytest.mark.parametrize("content", ["a [b", "a] b", "a < b", "a > b", "[start_datetime:5]"])
def test_a_hidden_comment_that_we_cannot_have_written_is_taken_out_and_says_nothing(
    content: str,
) -> None:
    markup = read_markup(f"Text <!-- kener-issues: {content} --> end")
    assert (markup.text, markup.hidden) == ("Text  end", ())


@pytest.mark.parametrize(
    "body",
    [
        "[start_[end_datetime:1]datetime:2]",
        "[start_<!-- kener-issues: x -->datetime:2]",
        "<!-- kener-[end_datetime:1]issues: y -->",
        "<!-- kener-issues: a <!-- kener-issues: b --> c -->",
    ],
)
def test_taking_markers_out_leaves_no_new_one_behind_and_invents_no_time(body: str) -> None:
    assert read_markup(body).text == ""
    assert read_markup(body).start is None


# Times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1702405740", 1702405740),
        ("007", 7),
        ("2023-12-12T18:29:00Z", 1702405740),
        ("2023-12-12t18:29z", 1702405740),
        ("2023-12-12 18:29", 1702405740),
        ("2023-12-12T18:29:00.999Z", 1702405740),
        ("2023-12-12T18:29:00,5Z", 1702405740),
        ("2023-12-12T19:29:00+01:00", 1702405740),
        ("2023-12-12T12:59-0530", 1702405740),
        ("2023-12-12T18:29+00", 1702405740),
        ("1970-01-01T00:00Z", 0),
        ("9999-12-31T23:59:59Z", LATEST),
        ("1970-01-01T00:00+01:00", None),
        ("9999-12-31T23:59-01:00", None),
        ("0001-01-01T00:00Z", None),
        ("2023-12-12", None),
        ("2023-12-12T18", None),
        ("2023-12-12T24:00Z", None),
        ("2023-12-12T18:29:60Z", None),
        ("2023-12-12T18:29+24:00", None),
        ("2023-12-12T18:29 Z", None),
        ("12.12.2023 18:29", None),
        ("-1", None),
        ("1e9", None),
        (" 5", None),
        ("5\n", None),
        ("", None),
    ],
)
def test_seconds_and_iso_8601_are_times_and_nothing_else(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


@SLOW_MACHINES_ALLOWED
@given(st.integers(86_400, LATEST - 86_400), st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_any_moment_written_in_any_zone_is_read_as_that_moment(seconds: int, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    assert seconds_of(datetime.fromtimestamp(seconds, UTC).astimezone(zone).isoformat()) == seconds


# The issue form's headings


@pytest.mark.parametrize(
    ("body", "start", "end"),
    [
        pytest.param(
            "### What happened\n\nA crash\n\n### Start time (UTC)\n\n2023-12-12 18:29\n\n"
            "### End time (UTC)\n\n2023-12-12T18:32Z",
            1702405740,
            1702405920,
            id="as a form leaves them",
        ),
        pytest.param("### Start\n\n1702405740", 1702405740, None, id="short heading, seconds"),
        pytest.param("### END DATETIME (utc)\n\n5", None, 5, id="any case"),
        pytest.param("### Start date and time\r\n\r\n  5  \r\n", 5, None, id="CRLF, spaces"),
        pytest.param("### Start\n\n_No response_\n\n5", None, None, id="no response"),
        pytest.param("### Start\n\n```\n\n```\n\n### End\n\n6", None, 6, id="empty fence"),
        pytest.param("### Start\n### End\n\n5", None, 5, id="nothing between"),
        pytest.param("### Start\n\n5\n\n### Start\n\n6", 5, None, id="the first counts"),
        pytest.param("### Start\n\nx\n\n### Start\n\n6", 6, None, id="the first that is a time"),
        pytest.param("### Start\n\n5 [start_datetime:7]", 7, None, id="a marker beats it"),
        pytest.param("## Start\n\n5", None, None, id="another level"),
        pytest.param("### Starting\n\n5", None, None, id="another word"),
        pytest.param("Text ### Start\n\n5", None, None, id="not at a line's beginning"),
        pytest.param("### Start", None, None, id="nothing follows"),
    ],
)
def test_headings_of_the_form_give_times(body: str, start: int | None, end: int | None) -> None:
    assert (read_markup(body).start, read_markup(body).end) == (start, end)


FORMS = sorted(
    form
    for form in (Path(__file__).parents[2] / ".github" / "ISSUE_TEMPLATE").glob("*.yml")
    if form.name != "config.yml"
)


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_what_our_issue_forms_ask_is_read(form: Path) -> None:
    fields = [each for each in yaml.safe_load(form.read_text("utf-8"))["body"] if "id" in each]
    answers = {"start": "2023-12-12T18:29Z", "end": "2023-12-12 18:32"}
    blocks = [
        f"### {each['attributes']['label']}\n\n{answers.get(each['id'], '_No response_')}"
        for each in fields
    ]
    markup = read_markup("\n\n".join(blocks))
    assert (markup.start, markup.end) == (1702405740, 1702405920)


def test_headings_stay_in_the_text() -> None:
    assert read_markup("### Start\n\n5").text == "### Start\n\n5"


# Writing


@pytest.mark.parametrize(
    ("text", "start", "end", "hidden", "body"),
    [
        ("Text", None, None, (), "Text"),
        ("Text", 5, 9, (), "Text [start_datetime:5] [end_datetime:9]"),
        ("Text", None, 9, (), "Text [end_datetime:9]"),
        ("", 0, None, (), " [start_datetime:0]"),
        (
            "Text",
            5,
            None,
            ("a", "b"),
            "Text [start_datetime:5]\n\n<!-- kener-issues: a -->\n<!-- kener-issues: b -->",
        ),
    ],
)
def test_bodies_are_written_as_kener_writes_them(
    text: str, start: int | None, end: int | None, hidden: tuple[str, ...], body: str
) -> None:
    assert write_markup(text, start=start, end=end, hidden=hidden) == body


@pytest.mark.parametrize("content", ["a\nb", "a\rb", "a -->", "[a", "a]", "<a", " a", "a "])
def test_hidden_contents_that_could_not_be_read_back_are_refused(content: str) -> None:
    with pytest.raises(ValueError, match="hidden comment"):
        write_markup("", start=None, end=None, hidden=[content])


@SLOW_MACHINES_ALLOWED
@given(bodies, times, times, hidden_contents)
def test_what_is_written_is_read(
    body: str, start: int | None, end: int | None, hidden: tuple[str, ...]
) -> None:
    markup = read_markup(body)
    start = markup.start if start is None else start
    end = markup.end if end is None else end
    written = write_markup(markup.text, start=start, end=end, hidden=hidden)
    assert read_markup(written) == Markup(start, end, markup.text, hidden)


@SLOW_MACHINES_ALLOWED
@given(st.text())
def test_text_without_markup_is_read_as_it_is_but_for_outer_white_space(text: str) -> None:
    assert read_markup(text).text == text.strip()


@SLOW_MACHINES_ALLOWED
@given(bodies)
def test_reading_what_was_read_changes_nothing_more(body: str) -> None:
    text = read_markup(body).text
    again = read_markup(text)
    assert (again.text, again.hidden) == (text, ())


# The same, told slowly: take out what ends first, again and again

_MARKER = re.compile(r"\[(start|end)_datetime:([^\[\]]+)\]")
_OPEN = "<!-- kener-issues:"
_COMMENT = re.compile(rf"{_OPEN}(?:(?!{_OPEN})[^\n])*-->\Z")
_OUR_COMMENT = re.compile(rf"{_OPEN}([^\r\n\[\]<>]*)-->")


def told_slowly(body: str) -> tuple[list[tuple[str, int]], str, tuple[str, ...]]:
    found = [(kind, seconds_of(value)) for kind, value in _MARKER.findall(body)]
    markers = [(kind, seconds) for kind, seconds in found if seconds is not None]
    hidden = tuple(content.strip() for content in _OUR_COMMENT.findall(body))
    end = 0
    while end <= len(body):
        head = body[:end]
        marker = re.search(_MARKER.pattern + r"\Z", head)
        cut = marker if marker and seconds_of(marker[2]) is not None else _COMMENT.search(head)
        if cut:
            body, end = head[: cut.start()] + body[end:], 0
        else:
            end += 1
    return markers, body.strip(), hidden


@SLOW_MACHINES_ALLOWED
@given(bodies)
@example("<!-- kener-issues: a -[start_datetime:7]-> b -->")
def test_one_pass_finds_what_taking_out_again_and_again_finds(body: str) -> None:
    markers, text, hidden = told_slowly(body)
    markup = read_markup(body)
    assert (markup.text, markup.hidden) == (text, hidden)
    for kind, value in (("start", markup.start), ("end", markup.end)):
        first = next((seconds for each, seconds in markers if each == kind), None)
        assert first is None or value == first


# Replacing the end


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", " [end_datetime:9]"),
        ("Text", "Text [end_datetime:9]"),
        ("Text [start_datetime:5]", "Text [start_datetime:5] [end_datetime:9]"),
        (
            "Text [start_datetime:5] [end_datetime:6]",
            "Text [start_datetime:5] [end_datetime:9]",
        ),
        ("[end_datetime:6]\r\nText\r\n", "\r\nText\r\n [end_datetime:9]"),
        (
            "a [end_datetime:6] b [end_datetime:2024-01-01T00:00Z]",
            "a  b [end_datetime:9]",
        ),
        (
            "Text\n\n<!-- kener-issues: key -->",
            "Text\n\n<!-- kener-issues: key --> [end_datetime:9]",
        ),
        ("### End\n\n6", "### End\n\n6 [end_datetime:9]"),
        ("[end_datetime:never]", "[end_datetime:never] [end_datetime:9]"),
    ],
)
def test_an_end_replaces_every_other_and_the_rest_stays_as_written(
    body: str, expected: str
) -> None:
    assert replace_end(body, 9) == expected


@SLOW_MACHINES_ALLOWED
@given(bodies, st.integers(0, LATEST))
@example("<!-- kener-issues: a -[start_datetime:1]-> b [end_datetime:2] -->", 9)
@example("[start_[end_datetime:1]datetime:2]", 9)
def test_replacing_the_end_changes_nothing_else_that_is_read(body: str, end: int) -> None:
    before, after = read_markup(body), read_markup(replace_end(body, end))
    assert after == Markup(before.start, end, before.text, before.hidden)


@SLOW_MACHINES_ALLOWED
@given(bodies, st.integers(0, LATEST))
def test_replacing_the_end_by_itself_changes_nothing_at_all(body: str, end: int) -> None:
    once = replace_end(body, end)
    assert replace_end(once, end) == once


# Cost


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "]",
        "[]",
        "[[[[start_datetime:",
        "[start_datetime:1]",
        "[start_[end_datetime:1]datetime:2]",
        "<!-- kener-issues:",
        "<!-- kener-issues:>",
        "<!-- kener-issues: x -->",
        ":->",
        "-->",
        "### Start\n",
        "[start_datetime:11111111111",
    ],
)
def test_a_hostile_body_of_full_length_costs_no_more_than_its_length(unit: str) -> None:
    body = (unit * 65_536)[:65_536]
    begun = time.process_time()
    read_markup(body)
    replace_end(body, 9)
    # A quadratic reading takes minutes; a linear one well under a second on any machine.
    assert time.process_time() - begun < 5


# comments


@given(st.lists(st.sampled_from([*PIECES, "\n", "\r\n", "text", " "]), max_size=12).map("".join))
def test_a_comments_text_is_read_as_it_was_written(raw: str) -> None:
    text, _ = read_hidden(raw)
    assert read_hidden(write_hidden(text, ["key 1"])) == (text, ("key 1",))
    assert read_hidden(text) == (text, ())


@pytest.mark.parametrize(
    ("body", "text", "hidden"),
    [
        ("plain [end_datetime:5]\n\n", "plain [end_datetime:5]\n\n", ()),
        ("text\n\n<!-- kener-issues: key 1 -->", "text", ("key 1",)),
        ("text\r\n\r\n<!-- kener-issues: key 1 -->", "text", ("key 1",)),
        ("a <!-- kener-issues: key 1 --> b", "a  b", ("key 1",)),
        ("<!-- kener-issues: [x] -->text", "text", ()),
        ("<!-- a maintainer's note -->", "<!-- a maintainer's note -->", ()),
    ],
    ids=["no mark", "a mark", "edited in a browser", "moved", "not ours to write", "a note"],
)
def test_hidden_comments_are_taken_out_of_a_comment_and_times_stay(
    body: str, text: str, hidden: tuple[str, ...]
) -> None:
    assert read_hidden(body) == (text, hidden)
