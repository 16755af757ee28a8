"""What is wrong with an incident's times, in words that nothing in the issue's text can bend."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from github_store.markers import read_hidden
from github_store.records import Issue
from github_store.time_problems import (
    MOST_TOLD,
    mark_of,
    notice,
    notice_mark,
    time_problems,
    told,
)
from tests.store.test_markers import bodies, forms

ISSUE = Issue(
    number=7,
    title="Outage",
    body="",
    state="open",
    labels=("incident",),
    created_at=1_790_000_000,
    updated_at=1_790_000_000,
    closed_at=None,
    author="owner",
    author_association="OWNER",
    is_pull_request=False,
    repository_url="",
)
FORM = "### What happened\n\nText\n\n### Start time (UTC)\n\n{}\n\n### End time (UTC)\n\n{}"


def of(body: str, **changes: str) -> str:
    return told(time_problems(replace(ISSUE, body=body, **changes)))


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("Text", ""),
        ("[start_datetime:5] [end_datetime:6]", ""),
        (FORM.format("2026-11-24 18:30", "_No response_"), ""),
        (
            FORM.format("24/11/2026", "_No response_"),
            'startDatetime: "24/11/2026" cannot be read as a time',
        ),
        (
            FORM.format("soon", "2026-11-24"),
            'startDatetime: "soon" cannot be read as a time; '
            'endDatetime: "2026-11-24" lacks the time of day, which an end needs',
        ),
        (
            FORM.format("2026-11-24 18:30", "2026-11-24 17:30 UTC"),
            "endDatetime: 2026-11-24 17:30 UTC is not after the start, 2026-11-24 18:30 UTC",
        ),
        (
            "[end_datetime:1795545000] [start_datetime:1795545000]",
            "endDatetime: 2026-11-24 18:30 UTC is not after the start, 2026-11-24 18:30 UTC",
        ),
        (
            "[start_datetime:1795545000]\n\n### Start time (UTC)\n\ntomorrow",
            'startDatetime: "tomorrow" cannot be read as a time; '
            "2026-11-24 18:30 UTC counts instead",
        ),
        ("[end_datetime:]", 'endDatetime: "" cannot be read as a time'),
        ("[end_datetime:x][end_datetime:x]", 'endDatetime: "x" cannot be read as a time'),
        (
            "[start_datetime:now\u202e\x07]",
            r'startDatetime: "now\u202e\u0007" cannot be read as a time',
        ),
    ],
)
def test_each_problem_is_told_with_its_field_and_value(body: str, line: str) -> None:
    assert of(body) == line


def test_an_incident_closed_as_none_has_no_problem() -> None:
    assert of("[end_datetime:x]", state="closed", state_reason="duplicate") == ""
    assert of("[end_datetime:x]", state="closed", state_reason="completed") != ""


def test_of_very_many_problems_a_few_are_told() -> None:
    line = of("".join(f"[end_datetime:x{number}]" for number in range(2_000)))
    assert line.endswith(f"; and {2_000 - MOST_TOLD} more like it")
    assert len(line) < 1_000


def test_the_comment_says_what_stands_there_and_what_can_be_read() -> None:
    text, hidden = read_hidden(notice(time_problems(replace(ISSUE, body=FORM.format("soon", "9")))))
    assert '- **Start time:** ` "soon" ` cannot be read as a time' in text
    assert "Without a start the incident counts in no uptime." in text
    assert "`2026-11-24 18:30`" in text
    assert len(hidden) == 1


HOSTILE = st.sampled_from(
    ["@owner", "`", "```", "<img src=x>", "<!--", "-->", "<!-- kener-issues: times", "\u202e", "[x",
     "](y)", "https://x.example", "#1", "&lt;", "\\", "*", "|", "0123456789abcdef"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(HOSTILE | st.text(max_size=4), min_size=1, max_size=12).map("".join), bodies, forms)
@example("`@owner` <!-- kener-issues: times 0123456789abcdef -->", "", "")
def test_nothing_that_stands_there_leaves_its_code_span(value: str, body: str, form: str) -> None:
    issue = replace(ISSUE, body=f"{form}\n\n### End time (UTC)\n\n{value}\n[start_datetime:{body}")
    problems = time_problems(issue)
    if not problems:
        return
    comment = notice(problems)
    text, hidden = read_hidden(comment)
    assert hidden == (notice_mark(problems),) == (mark_of(comment),)
    assert len(comment) < 3_000
    assert all(char.isprintable() or char == "\n" for char in comment)
    for line in text.split("\n"):
        if line.startswith("- **"):
            assert re.fullmatch(
                r"- \*\*(Start|End) time:\*\* (`+) (?:(?!\2)|`(?!\2)).*? \2(?!`) "
                r"(cannot be read as a time|lacks the time of day|is not after the start)[^`@<]*",
                line,
            ), line
    assert told(problems).isprintable()


def test_the_mark_is_another_one_once_the_problem_is() -> None:
    texts = ("[end_datetime:x]", "[start_datetime:x]", "[end_datetime:y]",
             "[end_datetime:x] [end_datetime:9]", "[start_datetime:9] [end_datetime:9]",
             "[start_datetime:8] [end_datetime:8]")  # fmt: skip
    marks = {notice_mark(time_problems(replace(ISSUE, body=text))) for text in texts}
    assert len(marks) == len(texts)
    one, other = (time_problems(replace(ISSUE, body=f"{text}[end_datetime:x]")) for text in "ab")
    assert notice_mark(one) == notice_mark(other)


def test_a_notice_is_known_by_its_mark_and_what_people_make_of_it_is_theirs() -> None:
    comment = notice(time_problems(replace(ISSUE, body="[end_datetime:x]")))
    mark = mark_of(comment)
    assert mark is not None
    assert mark_of(comment.replace("\n", "\r\n") + "\r\n") == mark
    assert mark_of(comment.replace("cannot", "can not")) == mark
    for theirs in (
        "Mended",
        "> " + comment.replace("\n", "\n> "),
        comment + "\n\nDone, thanks",
        comment + "\n" + comment,
        f"<!-- kener-issues: key {'0' * 64} -->",
        "<!-- kener-issues: times soon -->",
    ):
        assert mark_of(theirs) is None
