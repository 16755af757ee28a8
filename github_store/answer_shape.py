"""Whether an answer of GitHub's is what it was asked for, in what this program reads of it; pure.

One look, where an answer comes in, before anything is held or made of it: a field that is missing
or of another kind is an outage like any other, in whichever operation it is met, and what was held
before it is given. What is not read here may be anything, and servers that imitate GitHub may leave
out what GitHub's own documentation calls optional.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from github_store.records import (
    MAX_ID,
    MAX_NUMBER,
    comment_from,
    issue_from,
    seconds_from_iso,
    whole_number,
)

_PLACE: Final = re.compile(
    r"/(?:repos/[^/?]+/[^/?]+|repositories/\d+)(?P<below>/[^?]*)?(?:\?.*)?", re.DOTALL
)
_IS_SWEPT: Final = re.compile(r"[?&]sort=updated(?:&|$)")
_FULL_NAME: Final = re.compile(r"[\w-][\w.-]*/[\w.-]+", re.ASCII)

Check = Callable[[Any], object]
"""Raises one of _WRONG for what is not of its kind."""
_WRONG: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def misshapen(method: str, path: str, data: Any) -> str | None:
    """What the answer to a request should have been and is not; None where it is as it should."""
    for methods, place, what, check in _SHAPES:
        if method in methods and place.fullmatch(_place(path)):
            try:
                check(data)
                if _IS_SWEPT.search(path):
                    _mostly(_dated)(data)
            except _WRONG as error:
                return f"no {what} ({_words(error)})"
            return None
    return None


def _place(path: str) -> str:
    """Below the repository, where it is of one: ``/issues/1`` of ``/repos/o/r/issues/1?page=2``."""
    found = _PLACE.fullmatch(path)
    return (found["below"] or "") if found else f"/{path.partition('?')[0]}"


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return " ".join(str(error).split())[:100] or type(error).__name__


def _object(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise TypeError(f"no object but {_kind(data)}")
    return data


def _list(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise TypeError(f"no list but {_kind(data)}")
    return data


def _text(data: Any) -> str:
    if not isinstance(data, str):
        raise TypeError(f"no text but {_kind(data)}")
    return data


def _optional(check: Check, value: Any) -> None:
    if value is not None:
        check(value)


def _list_of(check: Check) -> Check:
    def each(data: Any) -> None:
        for item in _list(data):
            check(item)

    return each


def _mostly(check: Check) -> Check:
    """A list whose elements are read one by one (element_reader.py): one that is not as it should
    be makes the others no less readable, unless none is."""

    def any_of(data: Any) -> None:
        problem: Exception | None = None
        for item in _list(data):
            try:
                check(item)
            except _WRONG as error:
                problem = problem or error
            else:
                return
        if problem:
            raise problem

    return any_of


def _repository(data: Any) -> None:
    told = _object(data)
    full_name = told.get("full_name")
    if full_name is not None and not _FULL_NAME.fullmatch(_text(full_name)):
        raise ValueError("full_name is no owner/name")
    if told.get("id") is not None:
        whole_number(told["id"], MAX_ID)
    _optional(_object, told.get("permissions"))


def _issue(data: Any) -> None:
    _optional(_list, _object(data).get("labels"))
    _optional(_object, data.get("user"))
    _optional(_text, data.get("updated_at"))
    issue_from(data)


def _comment(data: Any) -> None:
    _optional(_object, _object(data).get("user"))
    _optional(_text, data.get("updated_at"))
    comment_from(data)


def _comment_of_issue(data: Any) -> None:
    _comment(data)
    whole_number(int(_text(data["issue_url"]).rpartition("/")[2]), MAX_NUMBER)


def _event(data: Any) -> None:
    _optional(_text, _object(data).get("event"))
    seconds_from_iso(_text(data["created_at"]))
    label = data.get("label")
    if label is not None:
        _text(_object(label)["name"])


def _dated(data: Any) -> None:
    seconds_from_iso(_text(data["updated_at"]))


def _label(data: Any) -> None:
    _text(_object(data)["name"])


def _found(data: Any) -> None:
    total = _object(data)["total_count"]
    if type(total) is not int or total < 0:
        raise TypeError("total_count is no number")
    _mostly(_issue)(data["items"])


def _hook(data: Any) -> None:
    whole_number(_object(data)["id"], MAX_ID)
    _object(data["config"])
    _optional(_list_of(_text), data.get("events"))


def _tree(data: Any) -> None:
    for entry in _list(_object(data)["tree"]):
        for name in ("path", "type", "mode"):
            _text(_object(entry)[name])
        if entry["type"] != "commit":
            _text(entry["sha"])


def _sha(data: Any) -> None:
    _text(_object(data)["sha"])


def _content(data: Any) -> None:
    _text(_object(data)["content"])


def _branch(data: Any) -> None:
    _optional(_object, _object(data).get("protection"))


def _login(data: Any) -> None:
    _text(_object(data)["login"])


def _limits(data: Any) -> None:
    for found in _object(_object(data)["resources"]).values():
        for name in ("limit", "remaining", "reset"):
            value = _object(found).get(name, 0)
            if type(value) is not int or not 0 <= value <= MAX_ID:
                raise TypeError(f"{name} is no number")


def _delivery(data: Any) -> None:
    code = _object(data).get("status_code")
    if code is not None and (type(code) is not int or not 0 <= code < 1_000):
        raise TypeError("status_code is no status")


def _shape(methods: str, place: str, what: str, check: Check) -> tuple[Any, ...]:
    return frozenset(methods.split()), re.compile(place), what, check


_SHAPES: Final = (
    _shape("GET", "", "repository", _repository),
    _shape("GET", "/issues", "list of issues", _mostly(_issue)),
    _shape("POST", "/issues", "issue", _issue),
    _shape("GET PATCH", r"/issues/\d+", "issue", _issue),
    _shape("GET", r"/issues/\d+/comments", "list of comments", _mostly(_comment)),
    _shape("POST", r"/issues/\d+/comments", "comment", _comment),
    _shape("GET", r"/issues/comments", "list of comments", _mostly(_comment_of_issue)),
    _shape("GET PATCH", r"/issues/comments/\d+", "comment", _comment),
    _shape("GET", r"/issues/\d+/events", "list of events", _list_of(_event)),
    _shape("GET", r"/labels", "list of labels", _mostly(_label)),
    _shape("GET", r"/collaborators/[^/]+/permission", "permission", _object),
    _shape("GET", r"/hooks", "list of webhooks", _list_of(_hook)),
    _shape("GET", r"/hooks/\d+/deliveries", "list of deliveries", _list_of(_delivery)),
    _shape("GET", r"/rules/branches/.*", "list of rules", _list_of(_object)),
    _shape("GET", r"/branches/.*", "branch", _branch),
    _shape("PUT", r"/contents/.*", "file", _object),
    _shape("GET", r"/git/ref/.*", "reference", _object),
    _shape("POST PATCH", r"/git/refs.*", "reference", _object),
    _shape("GET POST", r"/git/commits.*", "commit", _object),
    _shape("GET POST", r"/git/trees.*", "tree", _tree),
    _shape("GET", r"/git/blobs/.*", "file", _content),
    _shape("POST", r"/git/blobs", "file", _sha),
    # Of no repository: told apart from the places above by a second slash.
    _shape("GET", r"//search/issues", "list of what was found", _found),
    _shape("GET", r"//user", "account", _login),
    _shape("GET", r"//rate_limit", "list of limits", _limits),
)
"""Methods, place below the repository, what it is called, and what it has to be."""


def _kind(data: Any) -> str:
    return "nothing" if data is None else type(data).__name__
