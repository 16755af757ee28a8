"""GitHub's JSON as frozen values."""

from __future__ import annotations

import json
import os
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from github_store.records import Comment, Issue, comment_from, issue_from, seconds_from_iso

ISSUE: dict[str, Any] = {
    "number": 12,
    "title": "Outage in Mumbai",
    "body": "Login is down",
    "state": "closed",
    "labels": [{"name": "incident", "color": "5319e7"}, "earth"],
    "created_at": "2023-12-12T18:29:00Z",
    "updated_at": "2023-12-12T18:30:00Z",
    "closed_at": "2023-12-12T18:32:00Z",
    "user": {"login": "ada", "type": "User"},
    "author_association": "MEMBER",
    "repository_url": "https://api.github.com/repos/o/r",
}
COMMENT: dict[str, Any] = {
    "id": 1873376745,
    "body": "We are on it",
    "created_at": "2023-12-12T18:29:00Z",
    "updated_at": "2023-12-12T18:30:00Z",
    "user": {"login": "ada"},
    "author_association": "MEMBER",
}


def test_an_issue_is_translated() -> None:
    assert issue_from(ISSUE) == Issue(
        number=12,
        title="Outage in Mumbai",
        body="Login is down",
        state="closed",
        labels=("incident", "earth"),
        created_at=1702405740,
        updated_at=1702405800,
        closed_at=1702405920,
        author="ada",
        author_association="MEMBER",
        is_pull_request=False,
        repository_url="https://api.github.com/repos/o/r",
    )


def test_a_comment_is_translated() -> None:
    assert comment_from(COMMENT) == Comment(
        id=1873376745,
        body="We are on it",
        created_at=1702405740,
        updated_at=1702405800,
        author="ada",
        author_association="MEMBER",
    )


@pytest.mark.parametrize(
    ("changed", "field", "value"),
    [
        pytest.param({"body": None}, "body", "", id="an empty body is null"),
        pytest.param({"closed_at": None}, "closed_at", None, id="an open issue"),
        pytest.param({"user": None}, "author", None, id="a deleted author"),
        pytest.param({"labels": []}, "labels", (), id="no labels"),
        pytest.param({"labels": None}, "labels", (), id="labels null"),
        pytest.param({"pull_request": {"url": ""}}, "is_pull_request", True, id="a pull request"),
        pytest.param({"pull_request": {}}, "is_pull_request", True, id="an empty pull request"),
        pytest.param({"pull_request": None}, "is_pull_request", False, id="null is none"),
        pytest.param({"updated_at": None}, "updated_at", 1702405740, id="never updated"),
        pytest.param({"author_association": None}, "author_association", "NONE", id="no relation"),
        pytest.param({"state_reason": None}, "state_reason", None, id="never closed"),
        pytest.param({"state_reason": "duplicate"}, "state_reason", "duplicate", id="a duplicate"),
        pytest.param({"number": 2**31 - 1}, "number", 2**31 - 1, id="the largest number"),
    ],
)
def test_what_github_may_leave_out_has_a_meaning(
    changed: dict[str, Any], field: str, value: object
) -> None:
    assert getattr(issue_from(ISSUE | changed), field) == value


def test_only_what_an_issue_must_have_is_needed() -> None:
    needed = ("number", "title", "state", "created_at")
    issue = issue_from({key: ISSUE[key] for key in needed})
    assert (issue.body, issue.labels, issue.author, issue.author_association) == (
        "",
        (),
        None,
        "NONE",
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="an empty object"),
        pytest.param([], id="a list"),
        pytest.param(None, id="null"),
        pytest.param("issue", id="a text"),
        pytest.param({"message": "Not Found", "status": "404"}, id="an error"),
        pytest.param(ISSUE | {"title": None}, id="no title"),
        pytest.param(ISSUE | {"title": 5}, id="a title that is no text"),
        pytest.param(ISSUE | {"body": {}, "state": None}, id="no state"),
        pytest.param(ISSUE | {"body": ["x"]}, id="a body that is no text"),
        pytest.param(ISSUE | {"number": "twelve"}, id="a number that is none"),
        pytest.param(ISSUE | {"created_at": "yesterday"}, id="a time that is none"),
        pytest.param(ISSUE | {"created_at": 5}, id="a time that is no text"),
        pytest.param(ISSUE | {"labels": [{"color": "ededed"}]}, id="a label without a name"),
        pytest.param(ISSUE | {"labels": [{"name": None}]}, id="a label whose name is null"),
        pytest.param(ISSUE | {"user": "ada"}, id="a user that is no object"),
    ],
)
def test_what_is_no_issue_is_refused(data: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        issue_from(data)


@pytest.mark.parametrize(
    "data", [{}, [], None, COMMENT | {"id": None}, COMMENT | {"body": 5}], ids=repr
)
def test_what_is_no_comment_is_refused(data: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        comment_from(data)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2023-12-12T18:29:00Z", 1702405740),
        ("2023-12-12T19:29:00+01:00", 1702405740),
        ("2023-12-12T18:29:00.999Z", 1702405740),
    ],
)
def test_times_are_whole_seconds(text: str, seconds: int) -> None:
    assert seconds_from_iso(text) == seconds


@pytest.mark.parametrize("text", ["2023-12-12T18:29:00", "2023-12-12", "", "1702405740x"])
def test_a_time_that_depends_on_this_machine_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        seconds_from_iso(text)


def test_state_decides_whether_an_issue_is_open() -> None:
    assert not issue_from(ISSUE).is_open
    assert issue_from(ISSUE | {"state": "open"}).is_open


def test_records_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        issue_from(ISSUE).title = "x"  # type: ignore[misc]


SHARED = Path(os.environ.get("KENER_SHARED") or Path(__file__).parents[3] / "shared")
RECORDINGS = sorted((SHARED / "github" / "samples" / "rest").glob("*.json"))


@pytest.mark.skipif(not RECORDINGS, reason="the shared folder of recordings is not here")
def test_every_recorded_issue_and_comment_of_github_is_translated() -> None:
    issues = comments = 0
    for path in RECORDINGS:
        body = json.loads(path.read_text("utf-8"))["response"]["body"]
        if isinstance(body, dict) and "items" in body:
            body = body["items"]
        for each in body if isinstance(body, list) else [body]:
            if not isinstance(each, dict) or "author_association" not in each:
                continue
            if "issue_url" in each:
                assert comment_from(each).id == each["id"]
                comments += 1
            elif "number" in each:
                issue = issue_from(each)
                assert issue.is_pull_request == ("/pull/" in each["html_url"])
                assert issue.author == each["user"]["login"]
                issues += 1
    assert issues >= 20
    assert comments >= 3
