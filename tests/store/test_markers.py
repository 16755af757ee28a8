"""What stands in an issue's body beside its text: times, headings of the form, our comments."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from github_store.markers import (
    Markup,
    Unreadable,
    _Form,
    has_headings,
    read_hidden,
    read_markup,
    replace_end,
    write_form,
    write_hidden,
    write_markup,
)
from github_store.timestamps import LATEST, is_date_alone, readable, seconds_of

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
        "[start_datetime:-5]",
        "[start_datetime:5.5]",
        f"[start_datetime:{LATEST + 1}]",
        "[start_datetime:999999999999999999999999]",
        "[start_datetime:٣]",
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
        ("12.12.2023 18:29", None),
        ("-1", None),
        ("1e9", None),
        ("5\n", None),
        ("", None),
    ],
)
def test_seconds_and_iso_8601_are_times_and_nothing_else(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


@SLOW_MACHINES_ALLOWED
@given(st.integers(86_400, LATEST - 86_400), st.integers(-12 * 60, 14 * 60))
def test_any_moment_written_in_any_zone_is_read_as_that_moment(seconds: int, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    assert seconds_of(datetime.fromtimestamp(seconds, UTC).astimezone(zone).isoformat()) == seconds


WRITTEN = 1_795_545_000
"""2026-11-24 18:30 UTC."""

READ = [
    "2026-11-24 18:30 UTC", "2026-11-24T18:30 UTC", "2026-11-24 18:30 GMT", "2026-11-24 18:30 utc",
    "2026-11-24 18:30 (UTC)", "2026-11-24 18:30 +0000", "2026-11-24 18:30 -00:00",
    "2026-11-24 19:30 +01:00", "2026-11-24 19:30 UTC+1", "2026-11-24T13:00-0530",
    "2026-11-24 18:30 Z", "2026-11-24t18:30z", "2026-11-24 18:30", "2026-11-24, 18:30",
    "20261124T1830Z", "20261124T183000Z", "20261124 1830", "20261124T18:30:00", "2026-11-24T1830",
    "2026-11-24 18:30:00", "2026-11-24T18:30:00.123Z", "2026-11-24T18:30:00,9Z", "1795545000",
    "1795545000999", "`2026-11-24 18:30 UTC`", "**2026-11-24 18:30**.", "_2026-11-24 18:30_",
    "\"2026-11-24 18:30\"", "2026-11-24 18:30.", " 2026-11-24   18:30\t", "2026-11-24\u00a018:30",
    "2026\u201111\u201124 18:30", "\ufeff2026-11-24 18:30\u200e", "2026-11-24 18:30\u202fUTC",
    "\uff12\uff10\uff12\uff16\uff0d\uff11\uff11\uff0d\uff12\uff14\u3000\uff11\uff18\uff1a\uff13\uff10",
    "2026-11-24 18:30:00.123 UTC", "2026-11-24 18:30Z", "2026-11-24\u00a018:30\u00a0UTC",
]  # fmt: skip
UNREADABLE = [
    "11/12/2026", "11/12/2026 18:30", "24.11.2026 18:30", "2026/11/24 18:30", "2026.11.24 18:30",
    "2026-11-24 18.30", "2026-24-11 18:30", "2026-1-5 18:30", "26-11-24 18:30", "Nov 24, 2026",
    "2026-02-30 10:00", "2026-11-24 25:00", "2026-11-24 24:00", "2026-11-24 18:60",
    "2026-11-24 18:30:60", "2026-11-24 6:30 PM", "2026-11-24 18:30 CET", "2026-11-24 18:30 EST",
    "2026-11-24 10:00-18:00", "2026-11-24 10:00 - 11:00", "2026-11-24 18:30 Z+01:00",
    "2026-11-24 18:30 +24:00", "2026-11-24T18", "18:30", "tomorrow", "202611241830",
    "20261124183000", "1795545000123456", "1795545000.5", "1e9", "-1", "0001-01-01 00:00",
    "10000-01-01 00:00", "1969-12-31 23:59", "\u0662\u0660\u0662\u0666-11-24 18:30", "", "x" * 200,
    "24/11/2026", "2026-13-24 18:30", "18:30Z", "2026-11-24 18:30\n2026-11-25",
    "2026-W48-2", "2026-328", "2026-11-24 18:30 UTC UTC",
]  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_a_moment_is_read_however_people_write_it(text: str) -> None:
    assert seconds_of(text) == WRITTEN
    assert read_markup(f"Text [start_datetime:{text}]").start == WRITTEN
    assert read_markup(f"Text [ end_datetime : {text} ]").end == WRITTEN
    form = (
        f"### What happened\n\nText\n\n### Start time (UTC)\n\n{text}\n\n"
        f"### End time (UTC)\n\n{text}"
    )
    assert read_markup(form) == Markup(WRITTEN, WRITTEN, "### What happened\n\nText", ())


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_could_mean_two_things_or_nothing_is_not_read(text: str) -> None:
    assert seconds_of(text, takes_date=True) is None


@pytest.mark.parametrize("text", [each for each in UNREADABLE if each and "\n" not in each])
def test_what_cannot_be_read_is_told_with_its_value(text: str) -> None:
    marker = read_markup(f"Text [end_datetime:{text}]")
    assert (marker.end, marker.unreadable) == (None, (Unreadable("end", text),))
    form = read_markup(f"### What happened\n\nText\n\n### Start time (UTC)\n\n{text}")
    assert (form.start, form.unreadable) == (None, (Unreadable("start", text),))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("Text [start_datetime:2026-11-24 18:30", None),
        ("[start_datetime 2026-11-24 18:30]", None),
        ("[start_datetime=2026-11-24 18:30]", None),
        ("[start_datetime: [2026-11-24 18:30]] Text", "[start_datetime: [2026-11-24 18:30]] Text"),
        ("[start_datetime:2026-11-24T18:30:00+00:00[UTC]]", None),
        ("[startDatetime:1702405740]", None),
        ("[Start-date-time: 1702405740]", None),
        ("[start_datetime\uff1a1702405740]", None),
        ("[start_datetime:\n2026-11-24 18:30]", "\n2026-11-24 18:30"),
        ("\\[start_datetime:1702405740\\]", "1702405740\\"),
        ("[start_datetime:" + "1" * 300 + "]", "[start_datetime:" + "1" * 255),
    ],
)
def test_what_is_nearly_a_marker_is_told_as_it_stands(body: str, value: str | None) -> None:
    markup = read_markup(body)
    assert (markup.start, markup.text) == (None, body)
    assert markup.unreadable == (Unreadable("start", value or body.removeprefix("Text ")),)


def test_a_marker_below_a_heading_is_told_once() -> None:
    markup = read_markup("### Start time (UTC)\n\n[start_datetime:soon]")
    assert markup.unreadable == (Unreadable("start", "soon"),)


def test_a_date_with_its_time_of_day_on_the_next_line_is_no_midnight() -> None:
    markup = read_markup("### Start time (UTC)\r\n\r\n2026-11-24\r\n18:30\r\n\r\nText")
    assert markup.unreadable == (Unreadable("start", "2026-11-24\n18:30"),)
    assert markup.start is None


def test_no_text_makes_looking_for_what_is_nearly_a_marker_slow() -> None:
    began = time.process_time()
    read_markup("[start_datetime" * 4_000)
    assert time.process_time() - began < 1.0


def test_a_field_left_empty_is_nothing_to_tell() -> None:
    assert (
        read_markup("### Start time (UTC)\n\n_No response_\n\n### End time (UTC)\n").unreadable
        == ()
    )


@pytest.mark.parametrize("date", ["2026-11-24", "20261124", "`2026-11-24`", "2026-11-24 UTC"])
def test_a_date_alone_is_a_start_at_midnight_and_no_end(date: str) -> None:
    midnight = WRITTEN - 18 * 3600 - 30 * 60
    markup = read_markup(f"[start_datetime:{date}] [end_datetime:{date}]")
    assert (markup.start, markup.end) == (midnight, None)
    assert markup.unreadable == (Unreadable("end", date),)
    assert is_date_alone(date)


@given(st.integers(0, LATEST))
def test_what_is_written_for_people_is_read_as_the_same_moment(seconds: int) -> None:
    assert seconds_of(readable(seconds)) == seconds


@pytest.mark.parametrize("seconds", [20_261_124, 202_611_241_830])
def test_seconds_that_look_like_a_date_are_written_so_that_they_are_read(seconds: int) -> None:
    body = write_markup("", start=seconds, end=seconds)
    assert (read_markup(body).start, read_markup(body).end) == (seconds, seconds)


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


@pytest.mark.parametrize(
    "heading",
    [
        "Start time UTC",
        "Start time (UTC):",
        "**Start time (UTC)**",
        "**Start time:**",
        "Start date",
        "Start date-time",
        "start_datetime",
        "Start date and time (UTC, optional)",
        "Start Time (GMT)",
        "Start time (UTC) ###",
        "StartDateTime",
    ],
)
def test_a_heading_that_another_form_gives_is_read_too(heading: str) -> None:
    markup = read_markup(f"### {heading}\n\n2026-11-24 18:30\n\nText")
    assert (markup.start, markup.text) == (WRITTEN, "Text")


@pytest.mark.parametrize("zone", ["CET", "local time", "Europe/Berlin"])
def test_a_zone_in_a_heading_that_cannot_be_read_is_told_and_not_taken_for_utc(zone: str) -> None:
    body = f"### Start time ({zone})\n\n2026-11-24 18:30"
    markup = read_markup(body)
    assert markup.start is None
    assert markup.unreadable == (Unreadable("start", f"2026-11-24 18:30 {zone}"),)
    assert read_markup(write_form(body, replace(markup, start=5))).start == 5


def test_an_offset_in_a_heading_counts() -> None:
    body = "### Start time (+01:00)\n\n2026-11-24 19:30"
    markup = read_markup(body)
    assert markup.start == WRITTEN
    assert write_form(body, replace(markup, text="Text")) == (
        "Text\n\n### Start time (+01:00)\n\n2026-11-24 19:30"
    )


FORMS = sorted(
    form
    for form in (Path(__file__).parents[2] / ".github" / "ISSUE_TEMPLATE").glob("*.yml")
    if form.name != "config.yml"
)


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_what_our_issue_forms_ask_is_read(form: Path) -> None:
    fields = [each for each in yaml.safe_load(form.read_text("utf-8"))["body"] if "id" in each]
    shown = {each["id"]: each["attributes"].get("placeholder", "Text") for each in fields}
    blocks = [f"### {each['attributes']['label']}\n\n{shown[each['id']]}" for each in fields]
    markup = read_markup("\n\n".join(blocks))
    assert (markup.start, markup.end) == (seconds_of(shown["start"]), seconds_of(shown["end"]))
    assert None not in {markup.start, markup.end}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("### Start\n\n5", ""),
        ("A\n\n### Start\n\n5\n\nB", "A\n\nB"),
        (
            "### What happened\n\nA\r\n\r\n### End time (UTC)\r\n\r\n_No response_",
            "### What happened\n\nA",
        ),
        ("### What happened\n\n_No response_\n\n### Start\n\n5", "### What happened"),
        ("### Start\n\n```\n5\n```\n\nB", "B"),
        ("### Start time (UTC)\n\n24.11.2026", "24.11.2026"),
        ("### Start\nWe saw it at once.", "We saw it at once."),
        ("### Startling news\n\n5", "### Startling news\n\n5"),
    ],
    ids=["alone", "amid", "no response", "elsewhere", "fenced", "unreadable", "prose", "other"],
)
def test_the_text_is_without_headings_of_times_and_no_response(body: str, text: str) -> None:
    assert read_markup(body).text == text


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

_MARKER = re.compile(r"\[[^\S\r\n]*(start|end)_datetime[^\S\r\n]*:([^\[\]]*)\]", re.IGNORECASE)
_OPEN = "<!-- kener-issues:"
_COMMENT = re.compile(rf"{_OPEN}(?:(?!{_OPEN})[^\n])*-->\Z")
_OUR_COMMENT = re.compile(rf"{_OPEN}([^\r\n\[\]<>]*)-->")


def told_slowly(body: str) -> tuple[list[tuple[str, int]], str, tuple[str, ...]]:
    found = [(kind.lower(), told(kind, value)) for kind, value in _MARKER.findall(body)]
    markers = [(kind, seconds) for kind, seconds in found if seconds is not None]
    hidden = tuple(content.strip() for content in _OUR_COMMENT.findall(body))
    end = 0
    while end <= len(body):
        head = body[:end]
        marker = re.search(_MARKER.pattern + r"\Z", head, re.IGNORECASE)
        is_time = marker and told(marker[1], marker[2]) is not None
        cut = marker if is_time else _COMMENT.search(head)
        if cut:
            body, end = head[: cut.start()] + body[end:], 0
        else:
            end += 1
    return markers, _Form(body).text, hidden


def told(kind: str, value: str) -> int | None:
    return seconds_of(value, takes_date=kind.lower() == "start")


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
        ("### End\n\n6", "### End\n\n1970-01-01 00:00:09 UTC"),
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


# Writing into an issue form

FORM = (
    "### What happened\n\nA crash\n\n### Start time (UTC)\n\n2026-11-24T18:30 UTC\n\n"
    "### End time (UTC)\n\n_No response_\n\n### Links\n\n_No response_"
)
FORM_TEXT = "### What happened\n\nA crash\n\n### Links"


def test_a_time_is_written_below_its_heading_and_all_else_stays() -> None:
    written = write_form(FORM, Markup(WRITTEN, WRITTEN + 61, FORM_TEXT, ()))
    assert written == FORM.replace("(UTC)\n\n_No response_", "(UTC)\n\n2026-11-24 18:31:01 UTC"), (
        "a start that stays is spelled as before"
    )
    cleared = write_form(written, Markup(None, WRITTEN + 61, FORM_TEXT, ()))
    assert cleared == written.replace("2026-11-24T18:30 UTC", "_No response_")


def test_a_marker_goes_once_its_time_stands_below_the_heading() -> None:
    marked = FORM + " [end_datetime:5] [start_datetime:2]"
    written = write_form(marked, Markup(2, 9, FORM_TEXT, ()))
    assert "end_datetime" not in written
    assert "1970-01-01 00:00:09 UTC" in written


def test_another_text_keeps_the_headings_and_what_a_maintainer_wrote_below_them() -> None:
    wanted = Markup(WRITTEN, 60, "All is well", ("key 1",))
    assert write_form(FORM, wanted) == (
        "All is well\n\n### Start time (UTC)\n\n2026-11-24T18:30 UTC\n\n"
        "### End time (UTC)\n\n1970-01-01 00:01 UTC\n\n<!-- kener-issues: key 1 -->"
    )


def test_a_value_that_cannot_be_read_is_not_lost() -> None:
    body = "### Start time (UTC)\r\n\r\n24.11.2026\r\n\r\n### End time (UTC)\r\n\r\n5"
    assert write_form(body, Markup(None, 5, "24.11.2026", ())) == body
    written = write_form(body, Markup(3, 5, "24.11.2026", ()))
    assert written == body.replace("24.11", "1970-01-01 00:00:03 UTC\r\n\r\n24.11")


FORM_PIECES = (
    "### Start time (UTC)\n\n",
    "### End time (UTC)\n\n",
    "### Start\n",
    "### Start time (+01:00):\n\n",
    "### End date (CET)\n\n",
    "### What\n\n",
    "_No response_",
    "2026-11-24 18:30 UTC",
    "`2026-11-24 18:30`",
    "2026-11-24",
    "24.11.2026",
    "```\n",
    "\n",
    "\r\n",
    "5",
    "text",
    "[start_datetime:7]",
    "[end_datetime:9]",
    "[start_datetime:x]",
    "[end_",
    "datetime:2]",
    "<!-- kener-issues: k -->",
    " ",
)
forms = st.lists(st.sampled_from(FORM_PIECES), max_size=20).map("".join)


@SLOW_MACHINES_ALLOWED
@given(forms | bodies, times, times, st.none() | forms | bodies)
def test_whatever_is_written_into_a_form_is_read_again(
    form: str, start: int | None, end: int | None, other: str | None
) -> None:
    before = read_markup(form)
    text = before.text if other is None else read_markup(other).text
    assert read_markup(text).text == text
    wanted = Markup(start, end, text, before.hidden)
    written = write_form(form, wanted)
    markup = read_markup(written)
    given_by_text = read_markup(text)
    expected = Markup(
        given_by_text.start if start is None else start,
        given_by_text.end if end is None else end,
        text,
        before.hidden,
    )
    assert markup == expected
    if wanted == before and has_headings(form):
        assert written == form


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
        "[ start_datetime :",
        "[start_datetime: 2026-11-24 18:30 UTC ]",
        "[start_datetime:x]",
        "### Start time (UTC)\n\n```\n",
        "### Start\n\n2026-11-24 18:30\n",
        "### Start\n_No response_\n",
        "### Start\n\n",
        "\n",
        "### Start\n[end_datetime:1]\n",
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
