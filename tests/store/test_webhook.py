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
    BodyDigest,
    BranchMoved,
    CommentChanged,
    CommentDoubtful,
    CommentGone,
    EverythingChanged,
    IssueChanged,
    IssueDoubtful,
    IssueGone,
    LabelsChanged,
    LookNeeded,
    RightsChanged,
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
BOB = {"login": "bob"}
LABEL = {"id": 3, "name": "incident"}
COMMENT = {"id": 7, "body": "b", "created_at": MOMENT, "updated_at": MOMENT}
PUSH = {
    "ref": "refs/heads/main",
    "before": "aaa",
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
        ("label", {"action": "edited", "label": LABEL}, LabelsChanged()),
        ("label", {"action": "created", "label": LABEL | {"name": "Incident"}}, LabelsChanged()),
        ("label", {"action": "created", "label": LABEL | {"name": "earth"}}, LookNeeded()),
        ("repository", {"action": "renamed", "repository": {}}, EverythingChanged()),
        ("member", {"action": "removed", "member": {"login": "bob"}}, RightsChanged("bob")),
        (
            "organization",
            {"action": "member_removed", "organization": {}, "membership": {"user": BOB}},
            RightsChanged("bob"),
        ),
        ("organization", {"action": "renamed", "organization": {}}, RightsChanged(None)),
        ("membership", {"action": "added", "member": BOB, "team": {}}, RightsChanged("bob")),
        ("team", {"action": "removed_from_repository", "team": {}}, RightsChanged(None)),
        ("team_add", {"team": {}}, RightsChanged(None)),
        ("issues", {"action": "sealed", "issue": {"number": 5}}, IssueDoubtful(5)),
        ("issues", {"action": "opened", "issue": ISSUE, "moon": 1}, IssueDoubtful(5)),
        (
            "issue_comment",
            {"action": "sealed", "issue": ISSUE, "comment": {"id": 7}},
            CommentDoubtful(5, 7),
        ),
        ("label", {"action": "deleted", "label": LABEL | {"id": 2**53}}, LabelsChanged()),
        ("label", {"action": "sealed", "label": LABEL}, LookNeeded()),
        ("repository", {"action": "created", "repository": {}, "starred_at": 1}, LookNeeded()),
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


SOUND = {
    "issues": {"action": "edited", "issue": ISSUE},
    "issue_comment": {"action": "edited", "issue": ISSUE, "comment": COMMENT},
    "push": PUSH,
    "label": {"action": "edited", "label": LABEL},
    "repository": {"action": "renamed", "repository": {"id": 3}},
    "member": {"action": "removed", "member": BOB},
    "membership": {"action": "removed", "member": BOB, "team": {}, "scope": "team"},
    "team": {"action": "edited", "team": {}},
    "ping": {"zen": "Keep it", "hook_id": 1, "hook": {}},
}


@pytest.mark.parametrize(
    "path",
    [
        *((name,) for name in ("action", "issue", "comment", "label", "ref", "after", "commits")),
        *(("issue", name) for name in (*ISSUE, "user", "body", "author_association")),
        *(("comment", name) for name in (*COMMENT, "user", "author_association")),
    ],
    ids=".".join,
)
def test_a_payload_that_is_none_is_told_in_a_few_ways(path: tuple[str, ...]) -> None:
    for event, payload in SOUND.items():
        for to in (*ABSURD, ...):
            if path[0] in payload or len(path) == 1:
                with contextlib.suppress(NO_PAYLOAD):
                    news_of(event, changed(payload, path, to))


@pytest.mark.parametrize("event", [each for each in SOUND if each != "ping"])
def test_an_events_name_is_not_signed_so_another_events_payload_is_none(event: str) -> None:
    assert news_of(event, SOUND[event])
    for other, payload in SOUND.items():
        if other != event:
            for more in ({}, {"repository": {"id": 3}, "sender": {}, "organization": {}}):
                with pytest.raises(NO_PAYLOAD):
                    news_of(event, payload | more)


def githubs_payloads() -> list[tuple[str, dict[str, Any]]]:
    paths = sorted(PAYLOADS.glob("*.payload.json"))
    return [(path.name.split(".")[0], json.loads(path.read_text())) for path in paths]


def test_githubs_own_payloads_are_none_of_another_event() -> None:
    for own, payload in githubs_payloads():
        for event in SOUND.keys() - {own, "ping"}:
            with pytest.raises(NO_PAYLOAD):
                news_of(event, payload)


@pytest.mark.parametrize(
    "number", [True, False, 1.0, 1.9, "1", 0, -1, 2**31, 10**400, None, [1], {"number": 1}]
)
def test_a_number_is_whole_and_one_that_an_issue_can_have(number: Any) -> None:
    for event in ("issues", "issue_comment"):
        for action in ("edited", "created", "opened", "deleted", "transferred", "sealed"):
            payload = changed(SOUND[event], ("issue", "number"), number) | {"action": action}
            with pytest.raises(NO_PAYLOAD):
                news_of(event, payload)


@pytest.mark.parametrize("comment_id", [True, 7.0, "7", 0, -7, 2**63, None])
def test_an_id_is_whole_too(comment_id: Any) -> None:
    for action in ("created", "deleted", "sealed"):
        payload = changed(SOUND["issue_comment"], ("comment", "id"), comment_id)
        with pytest.raises(NO_PAYLOAD):
            news_of("issue_comment", payload | {"action": action})


def test_the_largest_number_and_id_are_taken() -> None:
    payload = changed(SOUND["issue_comment"], ("comment", "id"), 2**63 - 1)
    payload = changed(payload, ("issue", "number"), 2**31 - 1)
    assert news_of("issue_comment", payload | {"action": "deleted"}) == (
        CommentGone(2**31 - 1, 2**63 - 1),
    )


@given(st.lists(st.binary(max_size=50), max_size=5), st.sampled_from([SECRET, "another"]))
def test_a_body_is_known_by_its_digest_alone(pieces: list[bytes], secret: str) -> None:
    digest = BodyDigest(["the next one", SECRET])
    for piece in pieces:
        digest.update(piece)
    signature = signature_of(b"".join(pieces), secret)
    assert digest.is_signed_as(signature) is (secret == SECRET)


def test_what_is_held_of_a_payload_is_an_issue_or_comment() -> None:
    for path in (("issue", "title"), ("issue", "updated_at"), ("issue", "author_association")):
        payload = changed({"action": "edited", "issue": ISSUE}, path, [5])
        with pytest.raises(NO_PAYLOAD):
            news_of("issues", payload)
