"""A webhook delivery: whether GitHub signed it, and what it says of this repository; pure.

Source: GitHub docs, "Validating webhook deliveries", "Webhook events and payloads".
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from github_store.records import comment_from, issue_from, seconds_from_iso

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
    """Deleted, or transferred into another repository."""

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
class BranchMoved:
    """A push. ``branch`` is without ``refs/heads/``; ``paths`` are the files it touched."""

    branch: str
    commit: str
    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class EverythingChanged:
    """A label or the repository itself was changed: what that touches cannot be told."""


News: TypeAlias = (
    IssueChanged | IssueGone | CommentChanged | CommentGone | BranchMoved | EverythingChanged
)


def signature_of(body: bytes, secret: str) -> str:
    """The value of ``X-Hub-Signature-256``."""
    return _PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(body: bytes, signature: str | None, secrets: Iterable[str]) -> bool:
    """Whether one of the secrets signed the raw body; every secret is tried, in constant time."""
    given = (signature or "").encode("utf-8", "replace")
    fits = [hmac.compare_digest(signature_of(body, each).encode(), given) for each in secrets]
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

    Raises one of NO_PAYLOAD where the payload is not what the event's is.
    """
    action = payload.get("action")
    match event:
        case "issues":
            issue = payload["issue"]
            number = int(issue["number"])
            if action in ("deleted", "transferred"):
                return (IssueGone(number),)
            if action in ("pinned", "unpinned"):  # told with half an issue: no state, no labels
                return ()
            issue_from(issue), seconds_from_iso(issue["updated_at"]), issue["labels"]
            return (IssueChanged(number, issue),)
        case "issue_comment":
            number, comment = int(payload["issue"]["number"]), payload["comment"]
            comment_id = int(comment["id"])
            if action == "deleted":
                return (CommentGone(number, comment_id),)
            comment_from(comment), seconds_from_iso(comment["updated_at"])
            return (CommentChanged(number, comment_id, comment),)
        case "push":
            branch = str(payload["ref"]).removeprefix("refs/heads/")
            return (BranchMoved(branch, str(payload["after"]), frozenset(_touched(payload))),)
        case "label" | "repository":
            return (EverythingChanged(),)
    return ()


def repository_of(payload: Mapping[str, Any]) -> tuple[str, str]:
    """Id and ``owner/name`` of the repository a payload is about; empty where it names none."""
    repository = payload.get("repository")
    if not isinstance(repository, dict):
        return "", ""
    return str(repository.get("id", "")), str(repository.get("full_name", ""))


def _touched(payload: Mapping[str, Any]) -> Iterable[str]:
    for commit in payload.get("commits") or ():
        for kind in ("added", "modified", "removed"):
            yield from commit.get(kind) or ()
