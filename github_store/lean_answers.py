"""What of GitHub's JSON of issues, comments and events is used here; the rest is dropped. Pure.

GitHub tells some five thousand characters of every issue beside its text, of which three hundred
are read. What is dropped as an answer arrives is never held, written to disk or walked through
again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

Lean = Callable[[Any], Any]

ITEM_SIZE: Final = 300
"""Characters of a writing's JSON beside its title and text, about."""
CUT: Final = "is_cut"
"""Set where title and text were dropped, because the author may not speak for the project."""

_WRITING: Final = ("id", "created_at", "updated_at", "author_association", "body")
_ISSUE: Final = (
    *_WRITING,
    "number",
    "title",
    "state",
    "state_reason",
    "closed_at",
    "comments",
    "repository_url",
)
_COMMENT: Final = (*_WRITING, "issue_url")
_LABEL: Final = ("id", "name")
_EVENT: Final = ("event", "created_at")
_PATH: Final = re.compile(
    r"(?:/repos/[^/]+/[^/]+|/repositories/[0-9]+|/search)/issues(?:"
    r"(?P<comment>(?:/[0-9]+)?/comments(?:/[0-9]+)?)|(?P<event>/[0-9]+/events)"
    r"|(?P<issue>(?:/[0-9]+)?))"
)
_START: Final = re.compile(r"/(?:repos|repositories|search)/")
"""Where an address begins to be below the API, wherever that stands."""


def lean_of(path: str) -> Lean | None:
    """What makes one item of what this address answers lean; None where it answers others."""
    kind = _kind_of(path)
    return _LEAN[kind] if kind else None


def lean_issue(data: Any) -> Any:
    """An issue without what nobody reads; what is none is given as it is."""
    if not isinstance(data, dict):
        return data
    kept = _kept(data, _ISSUE)
    if isinstance(labels := data.get("labels"), list):
        kept["labels"] = [_label(each) for each in labels]
    if data.get("pull_request") is not None:
        kept["pull_request"] = True
    return kept


def lean_comment(data: Any) -> Any:
    """Likewise a comment."""
    return _kept(data, _COMMENT) if isinstance(data, dict) else data


def lean_event(data: Any) -> Any:
    """Likewise a line of an issue's history."""
    if not isinstance(data, dict):
        return data
    kept = {key: data[key] for key in _EVENT if key in data}
    if isinstance(label := data.get("label"), dict):
        kept["label"] = {"name": label.get("name", "")}
    return kept


def without_text(data: Mapping[str, Any]) -> dict[str, Any]:
    """A writing without its title and text."""
    cut = {**data, "body": None, CUT: True}
    return cut | {"title": ""} if "title" in data else cut


def writings_in(path: str, data: Any) -> list[Any]:
    """The issues or comments that this address answered with, one or many."""
    if _kind_of(path) not in {"issue", "comment"}:
        return []
    if isinstance(data, dict):
        items = data.get("items", data)
        return items if isinstance(items, list) else [data]
    return data if isinstance(data, list) else []


def with_writings(data: Any, writings: list[Any]) -> Any:
    """The answer with these in place of its own."""
    if isinstance(data, list):
        return writings
    return {**data, "items": writings} if "items" in data else writings[0]


def size_of(writings: Collection[Any]) -> int:
    """Characters of their JSON, about."""
    return sum(ITEM_SIZE + _length(each, "body") + _length(each, "title") for each in writings)


def _kind_of(path: str) -> str | None:
    bare = path.partition("?")[0]
    start = _START.search(bare)
    match = _PATH.fullmatch(bare, start.start()) if start else None
    return match.lastgroup if match else None


def _kept(data: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    kept = {key: data[key] for key in keys if key in data}
    user = data.get("user")
    if isinstance(user, dict) and isinstance(login := user.get("login"), str):
        kept["user"] = {"login": login}
    elif "user" in data:
        kept["user"] = user
    return kept


def _label(label: Any) -> Any:
    return {key: label[key] for key in _LABEL if key in label} if isinstance(label, dict) else label


def _length(data: Any, key: str) -> int:
    text = data.get(key) if isinstance(data, dict) else None
    return len(text) if isinstance(text, str) else 0


_LEAN: Final[Mapping[str, Lean]] = {
    "issue": lean_issue,
    "comment": lean_comment,
    "event": lean_event,
}
