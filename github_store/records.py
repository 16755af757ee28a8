"""GitHub's own things as frozen values: what crosses the border from the REST API.

All times are whole seconds since 1970-01-01T00:00:00Z (GitHub's resolution is one second).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from github_store.lean_answers import CUT

MAX_NUMBER: Final = 2**31 - 1
"""GitHub's issue numbers are signed 32-bit; nothing larger can exist."""
MAX_ID: Final = 2**63 - 1


def whole_number(value: object, most: int = MAX_NUMBER) -> int:
    """A number or id from 1 to ``most``. Raises TypeError for ``true`` and ``1.0``, which Python
    would take, and ValueError out of range."""
    if type(value) is not int:
        raise TypeError(f"expected a whole number, not {type(value).__name__}")
    if not 0 < value <= most:
        raise ValueError("a number or id out of range")
    return value


def seconds_from_iso(text: str) -> int:
    """``2026-11-24T04:55:52Z`` as seconds since 1970; other ISO 8601 offsets count as well.

    Raises ValueError on anything else: without an offset the time would be this machine's own.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without an offset")
    return int(moment.timestamp())


def iso_from_seconds(seconds: int) -> str:
    """Seconds since 1970 as GitHub writes and takes them. Raises ValueError past the year 9999."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue or pull request as the REST API shows it."""

    number: int
    title: str
    body: str
    state: str
    labels: tuple[str, ...]
    created_at: int
    updated_at: int
    closed_at: int | None
    author: str | None
    author_association: str
    is_pull_request: bool
    repository_url: str
    state_reason: str | None = None
    """Why it was closed: completed, not_planned or duplicate; reopened of an open one."""
    comment_count: int | None = None
    """None where it is not told."""
    is_cut: bool = False
    """Title and text were dropped, as the author might not speak for the project then."""

    @property
    def is_open(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True, slots=True)
class Comment:
    """An issue comment as the REST API shows it."""

    id: int
    body: str
    created_at: int
    updated_at: int
    author: str | None
    author_association: str
    is_cut: bool = False
    """As of an issue."""


def issue_from(data: Mapping[str, Any]) -> Issue:
    """Translate GitHub's JSON. Raises KeyError, TypeError or ValueError when it is no issue.

    Servers that imitate GitHub may write null for ``pull_request``, where GitHub leaves it out.
    """
    number = whole_number(data["number"])
    closed_at = data.get("closed_at")
    return Issue(
        number=number,
        title=_text(data["title"]),
        body=_text(data.get("body") or ""),
        state=_text(data["state"]),
        labels=tuple(
            _text(label if isinstance(label, str) else label["name"])
            for label in data.get("labels") or ()
        ),
        created_at=seconds_from_iso(data["created_at"]),
        updated_at=seconds_from_iso(data.get("updated_at") or data["created_at"]),
        closed_at=seconds_from_iso(closed_at) if closed_at else None,
        author=_login(data),
        author_association=_text(data.get("author_association") or "NONE"),
        is_pull_request=data.get("pull_request") is not None,
        repository_url=_text(data.get("repository_url") or ""),
        state_reason=_text(data.get("state_reason") or "") or None,
        comment_count=count if isinstance(count := data.get("comments"), int) else None,
        is_cut=data.get(CUT) is True,
    )


def comment_from(data: Mapping[str, Any]) -> Comment:
    """Translate GitHub's JSON. Raises KeyError, TypeError or ValueError when it is no comment."""
    return Comment(
        id=whole_number(data["id"], MAX_ID),
        body=_text(data.get("body") or ""),
        created_at=seconds_from_iso(data["created_at"]),
        updated_at=seconds_from_iso(data.get("updated_at") or data["created_at"]),
        author=_login(data),
        author_association=_text(data.get("author_association") or "NONE"),
        is_cut=data.get(CUT) is True,
    )


def _login(data: Mapping[str, Any]) -> str | None:
    """The author's login; None when the account was deleted (GitHub then answers null)."""
    user = data.get("user")
    return _text(user["login"]) if user else None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, not {type(value).__name__}")
    return value
