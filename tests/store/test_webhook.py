"""A delivery: who signed it, and what it says."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.webhook import (
    NO_PAYLOAD,
    BranchMoved,
    CommentChanged,
    CommentGone,
    EverythingChanged,
    IssueChanged,
    IssueGone,
    is_signed,
    news_of,
    payload_of,
    repository_of,
    signature_of,
)

SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
PUBLISHED = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
"""GitHub's own example, in its page on validating deliveries."""
SHARED = Path(os.environ.get("KENER_SHARED", Path(__file__).parents[3] / "shared"))
PAYLOADS = SHARED / "github" / "samples" / "webhooks"


def test_the_signature_is_that_of_githubs_example() -> None:
    assert signature_of(BODY, SECRET) == PUBLISHED


@pytest.mark.parametrize(
    ("signature", "secrets", "fits"),
    [
        (PUBLISHED, [SECRET], True),
        (PUBLISHED, ["the next one", SECRET], True),
        (PUBLISHED, [SECRET, "the next one"], True),
        (PUBLISHED, ["another"], False),
        (PUBLISHED, [], False),
        (PUBLISHED.upper(), [SECRET], False),
        (PUBLISHED.removeprefix("sha256="), [SECRET], False),
        ("", [SECRET], False),
        (None, [SECRET], False),
        ("sha256=ü\ud800", [SECRET], False),
    ],
)
def test_one_of_the_secrets_must_have_signed(
    signature: str | None, secrets: list[str], fits: bool
) -> None:
    assert is_signed(BODY, signature, secrets) is fits


@given(st.binary(max_size=100), st.text(min_size=1, max_size=20))
def test_a_changed_body_is_not_signed(body: bytes, secret: str) -> None:
    try:
        signature = signature_of(body, secret)
    except UnicodeEncodeError:
        return
    assert is_signed(body, signature, [secret])
    assert not is_signed(body + b" ", signature, [secret])


def test_a_payload_comes_as_json_or_as_a_form() -> None:
    payload = {"zen": "Keep it & simple"}
    text = json.dumps(payload)
    assert payload_of(text.encode(), "application/json") == payload
    form = f"payload={quote_plus(text)}".encode()
    assert payload_of(form, "application/x-www-form-urlencoded; charset=utf-8") == payload


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"\xff", "application/json"),
        (b"a=b", "application/x-www-form-urlencoded"),
        (b"&", "application/x-www-form-urlencoded"),
    ],
)
def test_anything_else_is_no_payload(body: bytes, content_type: str) -> None:
    with pytest.raises(ValueError):
        payload_of(body, content_type)


MOMENT = "2026-11-24T04:55:52Z"
ISSUE = {
    "number": 5,
    "title": "t",
    "state": "open",
    "labels": [],
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
COMMENT = {"id": 7, "body": "b", "created_at": MOMENT, "updated_at": MOMENT}
PUSH = {
    "ref": "refs/heads/main",
    "after": "abc",
    "commits": [{"added": ["a"], "modified": ["b"], "removed": []}, {"removed": ["c"]}],
}


@pytest.mark.parametrize(
    ("event", "payload", "news"),
    [
        ("issues", {"action": "opened", "issue": ISSUE}, IssueChanged(5, ISSUE)),
        ("issues", {"action": "unlabeled", "issue": ISSUE}, IssueChanged(5, ISSUE)),
        ("issues", {"action": "milestoned", "issue": ISSUE}, IssueChanged(5, ISSUE)),
        ("issues", {"action": "deleted", "issue": ISSUE}, IssueGone(5)),
        ("issues", {"action": "transferred", "issue": ISSUE}, IssueGone(5)),
        (
            "issue_comment",
            {"action": "edited", "issue": ISSUE, "comment": COMMENT},
            CommentChanged(5, 7, COMMENT),
        ),
        (
            "issue_comment",
            {"action": "deleted", "issue": ISSUE, "comment": COMMENT},
            CommentGone(5, 7),
        ),
        ("push", PUSH, BranchMoved("main", "abc", frozenset("abc"))),
        ("label", {"action": "edited"}, EverythingChanged()),
        ("repository", {"action": "renamed"}, EverythingChanged()),
    ],
)
def test_an_event_says_what_it_touches(event: str, payload: dict[str, Any], news: object) -> None:
    assert news_of(event, payload) == (news,)


@pytest.mark.parametrize("event", ["ping", "star", "", "pull_request"])
def test_other_events_say_nothing(event: str) -> None:
    assert news_of(event, {"action": "created"}) == ()


@pytest.mark.parametrize("action", ["pinned", "unpinned"])
def test_a_pin_says_nothing_for_github_tells_it_with_half_an_issue(action: str) -> None:
    assert news_of("issues", {"action": action, "issue": {"number": 5}}) == ()


@pytest.mark.parametrize(
    "path", sorted(PAYLOADS.glob("*.payload.json")) or [None], ids=lambda path: path and path.name
)
def test_githubs_own_payloads_can_be_read(path: Path | None) -> None:
    if path is None:
        pytest.skip("GitHub's payloads are not here")
    payload = json.loads(path.read_text())
    event = path.name.split(".")[0]
    says_nothing = event == "ping" or payload.get("action") in {"pinned", "unpinned"}
    assert bool(news_of(event, payload)) is not says_nothing
    assert all(repository_of(payload)) or event == "ping"


def test_a_payload_without_a_repository_names_none() -> None:
    assert repository_of({}) == ("", "")
    assert repository_of({"repository": {"id": 3, "full_name": "o/r"}}) == ("3", "o/r")


ABSURD = [None, True, -1, 1e999, 10**400, "", "x", "\ud800", [], [1], {}, {"name": 5}, [[]], [None]]


def changed(value: Any, path: tuple[str, ...], to: Any) -> Any:
    """The same, but for what is found at a path; None at its end takes the field away."""
    if not path:
        return to
    rest = {**value}
    if to is ... and len(path) == 1:
        rest.pop(path[0], None)
    else:
        rest[path[0]] = changed(rest.get(path[0], {}), path[1:], to)
    return rest


EVENTS = ["issues", "issue_comment", "push", "label", "repository", "ping"]


@pytest.mark.parametrize(
    "path",
    [
        *((name,) for name in ("action", "issue", "comment", "ref", "after", "commits")),
        *(("issue", name) for name in (*ISSUE, "labels", "user", "body", "author_association")),
        *(("comment", name) for name in (*COMMENT, "user", "author_association")),
    ],
    ids=".".join,
)
def test_a_payload_that_is_none_is_told_in_a_few_ways(path: tuple[str, ...]) -> None:
    payload = {"action": "edited", "issue": ISSUE, "comment": COMMENT, **PUSH}
    told = 0
    for event in EVENTS:
        for to in (*ABSURD, ...):
            with contextlib.suppress(NO_PAYLOAD):
                told += len(news_of(event, changed(payload, path, to)))
    assert told >= len(ABSURD), "label and repository say the same, whatever they hold"


def test_what_is_held_of_a_payload_is_an_issue_or_comment() -> None:
    for path in (("issue", "title"), ("issue", "updated_at"), ("issue", "author_association")):
        payload = changed({"action": "edited", "issue": ISSUE}, path, [5])
        with pytest.raises(NO_PAYLOAD):
            news_of("issues", payload)
