"""A webhook delivery: whether GitHub signed it, and what it says of this repository; pure.

Source: GitHub docs, "Validating webhook deliveries", "Webhook events and payloads".
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

from github_store.labels import OWN_LABEL_KEYS, label_key
from github_store.records import (
    MAX_ID,
    comment_from,
    issue_from,
    seconds_from_iso,
    whole_number,
)

_PREFIX = "sha256="
NO_PAYLOAD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading JSON as something that it is not comes to."""


@dataclass(frozen=True, slots=True)
class IssueChanged:
    """``data`` is the issue as the REST API would show it after the change."""

    number: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IssueGone:
    """Deleted, or transferred into another repository, as it is told: GitHub has to confirm it."""

    number: int


@dataclass(frozen=True, slots=True)
class IssueDoubtful:
    """Something happened to it; what, GitHub has to say."""

    number: int


@dataclass(frozen=True, slots=True)
class CommentChanged:
    number: int
    """The issue's number."""
    comment_id: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CommentGone:
    number: int
    comment_id: int


@dataclass(frozen=True, slots=True)
class CommentDoubtful:
    number: int
    comment_id: int


@dataclass(frozen=True, slots=True)
class BranchMoved:
    """A push. ``branch`` is without ``refs/heads/``; ``paths`` are the files it touched."""

    branch: str
    commit: str
    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class LabelsChanged:
    """A label was made, changed or deleted: it touches whatever carries it."""


@dataclass(frozen=True, slots=True)
class EverythingChanged:
    """The repository itself was changed: what that touches cannot be told."""


@dataclass(frozen=True, slots=True)
class RightsChanged:
    """Somebody may write here, or may no more. ``login``: None where that may be many people."""

    login: str | None


@dataclass(frozen=True, slots=True)
class LookNeeded:
    """Something happened that is not told in a form that is known here."""


News: TypeAlias = (
    IssueChanged
    | IssueGone
    | IssueDoubtful
    | CommentChanged
    | CommentGone
    | CommentDoubtful
    | BranchMoved
    | LabelsChanged
    | EverythingChanged
    | RightsChanged
    | LookNeeded
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The fields that tell an event's payload from others'. ``actions``: those known to change
    something here; none where the event has no actions."""

    needs: frozenset[str]
    may: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()


_EVERYWHERE: Final = frozenset(
    ("action", "repository", "organization", "enterprise", "installation", "sender")
)
_SHAPES: Final = {
    "issues": _Shape(
        frozenset(("action", "issue")),
        frozenset(("assignee", "changes", "label", "milestone", "type")),
        frozenset(
            (
                *("opened", "edited", "closed", "reopened", "labeled", "unlabeled", "assigned"),
                *("unassigned", "milestoned", "demilestoned", "locked", "unlocked", "typed"),
                *("untyped", "deleted", "transferred", "pinned", "unpinned"),
            )
        ),
    ),
    "issue_comment": _Shape(
        frozenset(("action", "issue", "comment")),
        frozenset(("changes",)),
        frozenset(("created", "edited", "deleted", "pinned", "unpinned")),
    ),
    "push": _Shape(
        frozenset(("ref", "before", "after")),
        frozenset(
            (
                *("base_ref", "commits", "compare", "created", "deleted", "forced"),
                *("head_commit", "pusher"),
            )
        ),
    ),
    "label": _Shape(
        frozenset(("action", "label")),
        frozenset(("changes",)),
        frozenset(("created", "edited", "deleted")),
    ),
    "repository": _Shape(
        frozenset(("action", "repository")),
        frozenset(("changes",)),
        frozenset(
            (
                *("archived", "created", "deleted", "edited", "privatized", "publicized"),
                *("renamed", "transferred", "unarchived"),
            )
        ),
    ),
    "member": _Shape(frozenset(("action", "member")), frozenset(("changes",))),
    "organization": _Shape(
        frozenset(("action", "organization")), frozenset(("changes", "invitation", "membership"))
    ),
    "membership": _Shape(frozenset(("action", "member", "team")), frozenset(("scope",))),
    "team": _Shape(frozenset(("action", "team")), frozenset(("changes",))),
    "team_add": _Shape(frozenset(("team",))),
}
"""Of ``organization``, ``membership`` and ``team`` an organisation's own webhook tells."""
_MARKS: Final = frozenset(
    (
        *("issue", "comment", "label", "ref", "pull_request", "discussion", "hook", "member"),
        *("membership", "team", "milestone"),
    )
)
"""Fields of which at least one is in every payload of another event that has all of these."""


def signature_of(body: bytes, secret: str) -> str:
    """The value of ``X-Hub-Signature-256``."""
    return _PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(body: bytes, signature: str | None, secrets: Iterable[str]) -> bool:
    """Whether one of the secrets signed the raw body; every secret is tried, in constant time."""
    given = (signature or "").encode("utf-8", "replace")
    fits = [hmac.compare_digest(signature_of(body, each).encode(), given) for each in secrets]
    return any(fits)


class BodyDigest:
    """What is kept of a body that is too large to be kept: who can have signed it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._macs = [hmac.new(secret.encode(), digestmod=hashlib.sha256) for secret in secrets]
        self._sha256 = hashlib.sha256()

    def update(self, piece: bytes | bytearray) -> None:
        self._sha256.update(piece)
        for each in self._macs:
            each.update(piece)

    @property
    def sha256(self) -> bytes:
        return self._sha256.digest()

    def is_signed_as(self, signature: str) -> bool:
        given = signature.encode("utf-8", "replace")
        fits = [
            hmac.compare_digest((_PREFIX + each.hexdigest()).encode(), given) for each in self._macs
        ]
        return any(fits)


def payload_of(body: bytes, content_type: str) -> Mapping[str, Any]:
    """The payload, sent as JSON or as a form. Raises ValueError for anything else."""
    if content_type.split(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        fields = parse_qs(body.decode(), strict_parsing=True, max_num_fields=5)
        body = fields["payload"][0].encode() if "payload" in fields else b""
    payload = json.loads(body)
    if not isinstance(payload, dict):
        raise ValueError("a payload is an object")  # noqa: TRY004 - one kind for the caller
    return payload


def news_of(event: str, payload: Mapping[str, Any]) -> tuple[News, ...]:
    """What an event says; nothing for events and actions that change nothing shown here.

    The event's name is not signed. So a payload must have its event's shape, and where it has more
    than that, or an action that is not known here, GitHub has to be asked.

    Raises one of NO_PAYLOAD where the payload is not what the event's is.
    """
    shape = _SHAPES.get(event)
    if shape is None:
        return ()
    action = payload.get("action")
    more = payload.keys() - _EVERYWHERE - shape.needs - shape.may
    if not shape.needs <= payload.keys() or not more.isdisjoint(_MARKS):
        raise ValueError("another event's payload")
    if ("action" in shape.needs) is not isinstance(action, str):
        raise ValueError("no action, or one of another event's")
    told = _told(event, action, payload)
    is_known = not more and (not shape.actions or action in shape.actions)
    return told if is_known else tuple(map(doubted, told))


def doubted(news: News) -> News:
    """What there is to ask GitHub about where something is not to be taken at its word."""
    match news:
        case IssueChanged(number) | IssueGone(number):
            return IssueDoubtful(number)
        case CommentChanged(number, comment_id) | CommentGone(number, comment_id):
            return CommentDoubtful(number, comment_id)
        case IssueDoubtful() | CommentDoubtful() | RightsChanged():
            return news  # which only lets GitHub be asked
    return LookNeeded()


def _told(event: str, action: str | None, payload: Mapping[str, Any]) -> tuple[News, ...]:
    if action in ("pinned", "unpinned"):  # told with half an issue: no state, no labels
        return ()
    match event:
        case "issues":
            issue = payload["issue"]
            number = whole_number(issue["number"])
            if action not in _SHAPES[event].actions:  # what it is told with is not known either
                return (IssueDoubtful(number),)
            if action in ("deleted", "transferred"):
                return (IssueGone(number),)
            issue_from(issue), seconds_from_iso(issue["updated_at"]), issue["labels"]
            return (IssueChanged(number, issue),)
        case "issue_comment":
            number, comment = whole_number(payload["issue"]["number"]), payload["comment"]
            comment_id = whole_number(comment["id"], MAX_ID)
            if action not in _SHAPES[event].actions:
                return (CommentDoubtful(number, comment_id),)
            if action == "deleted":
                return (CommentGone(number, comment_id),)
            comment_from(comment), seconds_from_iso(comment["updated_at"])
            return (CommentChanged(number, comment_id, comment),)
        case "push":
            branch = str(payload["ref"]).removeprefix("refs/heads/")
            return (BranchMoved(branch, str(payload["after"]), frozenset(_touched(payload))),)
        case "member" | "membership":
            return (RightsChanged(_login(payload["member"])),)
        case "organization":
            member = payload.get("membership")
            return (RightsChanged(_login(member["user"]) if member else None),)
        case "label":
            whole_number(payload["label"]["id"], MAX_ID)
            is_ours = label_key(str(payload["label"]["name"])) in OWN_LABEL_KEYS
            # A tag's label that was just made is on no issue yet: a start makes one for each.
            return (LookNeeded() if action == "created" and not is_ours else LabelsChanged(),)
        case "team" | "team_add":
            return (RightsChanged(None),)
    return (EverythingChanged(),)


def organization_of(payload: Mapping[str, Any]) -> str:
    """The login of the organisation a payload is about; empty where it names none."""
    organization = payload.get("organization")
    return str(organization.get("login", "")) if isinstance(organization, dict) else ""


def repository_of(payload: Mapping[str, Any]) -> tuple[str, str]:
    """Id and ``owner/name`` of the repository a payload is about; empty where it names none."""
    repository = payload.get("repository")
    if not isinstance(repository, dict):
        return "", ""
    return str(repository.get("id", "")), str(repository.get("full_name", ""))


def _login(user: Mapping[str, Any]) -> str:
    login = user["login"]
    if not isinstance(login, str):
        raise TypeError("a login is a text")
    return login


def _touched(payload: Mapping[str, Any]) -> Iterable[str]:
    for commit in payload.get("commits") or ():
        for kind in ("added", "modified", "removed"):
            yield from commit.get(kind) or ()
