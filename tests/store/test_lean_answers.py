"""Of GitHub's JSON what is used is kept, and of untrusted authors not even the text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from github_store.lean_answers import (
    lean_comment,
    lean_event,
    lean_issue,
    lean_of,
    size_of,
    with_writings,
    without_text,
    writings_in,
)
from github_store.records import comment_from, issue_from
from github_store.reply import parsed

ISSUE: dict[str, Any] = {
    "url": "https://api.github.com/repos/o/r/issues/7",
    "repository_url": "https://api.github.com/repos/o/r",
    "id": 70,
    "number": 7,
    "title": "Outage",
    "user": {"login": "owner", "id": 1, "followers_url": "https://api.github.com/users/owner"},
    "labels": [{"id": 3, "name": "incident", "color": "fff"}, {"id": 4, "name": "earth"}],
    "state": "closed",
    "state_reason": "completed",
    "comments": 3,
    "created_at": "2026-11-24T04:55:52Z",
    "updated_at": "2026-11-24T05:55:52Z",
    "closed_at": "2026-11-24T05:55:52Z",
    "author_association": "OWNER",
    "body": "We look.",
    "reactions": {"total_count": 0},
}
COMMENT: dict[str, Any] = {
    "id": 9,
    "issue_url": "https://api.github.com/repos/o/r/issues/7",
    "user": None,
    "created_at": "2026-11-24T04:55:52Z",
    "updated_at": "2026-11-24T04:55:52Z",
    "author_association": "NONE",
    "body": "Still.",
    "reactions": {"total_count": 0},
}


def test_a_lean_writing_says_the_same_to_its_reader() -> None:
    for data in (ISSUE, ISSUE | {"pull_request": {"url": "x"}}, ISSUE | {"user": None}):
        assert issue_from(lean_issue(data)) == issue_from(data)
        assert len(json.dumps(lean_issue(data))) < 550
    assert comment_from(lean_comment(COMMENT)) == comment_from(COMMENT)
    event = {"event": "labeled", "created_at": "x", "label": {"name": "a", "color": "b"}, "id": 1}
    assert lean_event(event) == {"event": "labeled", "created_at": "x", "label": {"name": "a"}}


def test_a_lean_writing_stays_as_it_is() -> None:
    assert lean_issue(lean_issue(ISSUE)) == lean_issue(ISSUE)
    assert lean_comment(lean_comment(COMMENT)) == lean_comment(COMMENT)


@pytest.mark.parametrize("other", [None, 1, "text", [], {}, {"labels": [1, None, {"name": 2}]}])
def test_what_is_no_writing_is_left_to_its_reader_to_refuse(other: Any) -> None:
    assert lean_issue(other) == other
    lean_comment(other), lean_event(other)


def test_of_a_cut_writing_no_text_is_left_and_all_that_says_what_it_is() -> None:
    cut = issue_from(without_text(lean_issue(ISSUE)))
    assert (cut.is_cut, cut.title, cut.body) == (True, "", "")
    assert (cut.number, cut.author, cut.labels) == (7, "owner", ("incident", "earth"))
    assert comment_from(without_text(lean_comment(COMMENT))).is_cut


@pytest.mark.parametrize(
    ("path", "lean"),
    [
        ("/repos/o/r/issues?labels=incident", lean_issue),
        ("/repos/o/r/issues/7", lean_issue),
        ("/search/issues?q=x", lean_issue),
        ("https://host/api/v3/repositories/1/issues?after=x&page=2", lean_issue),
        ("/repos/repos/issues/issues/1", lean_issue),
        ("/repos/o/r/issues/7/comments?per_page=100", lean_comment),
        ("/repos/o/r/issues/comments/9", lean_comment),
        ("/repos/o/r/issues/comments?since=x", lean_comment),
        ("/repos/o/r/issues/7/events?per_page=100", lean_event),
        ("/repos/o/issues", None),
        ("/repos/o/r", None),
        ("/repos/o/r/issues/7/labels", None),
        ("/repos/o/r/contents/repos/o/r/issues", None),
        ("/user", None),
    ],
)
def test_the_address_tells_what_is_answered(path: str, lean: Any) -> None:
    assert lean_of(path) is lean


def test_writings_are_found_and_put_back_wherever_they_stand() -> None:
    for path, data in (
        ("/repos/o/r/issues", [ISSUE, ISSUE]),
        ("/repos/o/r/issues/7", ISSUE),
        ("/search/issues", {"total_count": 1, "items": [ISSUE]}),
    ):
        writings = writings_in(path, data)
        assert writings
        assert all(each is ISSUE for each in writings)
        assert with_writings(data, writings) == data
    assert size_of([ISSUE, ISSUE]) == 2 * size_of([ISSUE]) > 2 * len("We look.")


@pytest.mark.parametrize("space", ["", " " * 70_000])
@pytest.mark.parametrize(
    "text",
    ["[]", "[ ]", "{}", "[1,2]", "[1,]", "[1 2]", '{"a":1}', '{"a" : [ ] , "b":{"c":[1]}}',
     '{"a":1,}', '{"a" 1}', "{1:2}", "[1]x", "nul", "3", '{"items":[3],"items":[4]}', "[[1],[2]]"],
)  # fmt: skip
def test_json_read_item_by_item_is_what_it_is_read_at_once(text: str, space: str) -> None:
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    assert parsed(text + space) == whole


def test_each_item_of_a_list_or_a_search_is_made_lean_as_it_is_read() -> None:
    lean = [lean_issue(ISSUE)] * 2
    assert parsed(json.dumps([ISSUE, ISSUE]), lean=lean_issue) == lean
    found = {"total_count": 2, "incomplete_results": False, "items": [ISSUE, ISSUE]}
    assert parsed(json.dumps(found), lean=lean_issue) == found | {"items": lean}
    assert parsed(json.dumps(ISSUE), lean=lean_issue) == lean[0]
