"""One HTTP exchange as values: the request a handler gets and the response it gives back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .refusals import Refusal, bad_json, not_an_object, not_found
from .rows import Repository, User

JSON_TYPE = "application/json; charset=utf-8"
# Longer numbers are no id of anything, and would not fit into the database's 64 bits.
LONGEST_NUMBER = 18


@dataclass(frozen=True, slots=True)
class Request:
    """What came over the wire, plus what authentication and routing found out about it."""

    method: str
    target: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    peer: str
    base_url: str
    actor: User | None = None
    path_args: Mapping[str, str] = field(default_factory=dict)
    found: Repository | None = None
    role: str = "none"

    @property
    def repository(self) -> Repository:
        assert self.found is not None, "only routes below a repository ask for it"
        return self.found

    @property
    def user(self) -> User:
        assert self.actor is not None, "only routes that need a user ask for one"
        return self.actor

    @property
    def may_push(self) -> bool:
        return self.role in ("admin", "write")

    def parameter(self, name: str, default: str = "") -> str:
        """The last value of a query parameter, as Rack takes it."""
        return dict(self.query).get(name, default)

    def number(self, name: str) -> int:
        """A path argument that is a number. Raises 404 for anything else, as routing would."""
        text = self.path_args[name]
        if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
            raise not_found()
        return int(text)

    def json(self) -> Any:
        """The body as JSON; an empty body counts as ``{}``. Raises GitHub's 400."""
        if not self.body.strip():
            return {}
        try:
            data = json.loads(self.body)
            json.dumps(data, ensure_ascii=False).encode()  # a lone surrogate is no text
        except (ValueError, RecursionError) as error:
            raise bad_json() from error
        return data

    def fields(self) -> dict[str, Any]:
        data = self.json()
        if not isinstance(data, dict):
            raise not_an_object()
        return data

    def known_as(self, **changes: Any) -> Request:
        return replace(self, **changes)


@dataclass(slots=True)
class Response:
    """``body``: JSON data, raw bytes, or None for no body at all.

    ``etag`` replaces the hash of the body (contents use git ids); ``tagged`` False means that
    this kind of answer never carries one (search). ``last_modified`` is in epoch seconds.
    """

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE
    etag: str | None = None
    tagged: bool = True
    last_modified: int | None = None
    cache_control: str | None = None
    media_type: str = "github.v3; format=json"
    raw: bool = False
    unrouted: bool = False

    def payload(self) -> bytes:
        if self.raw or isinstance(self.body, bytes):
            return bytes(self.body or b"")
        if self.body is None:
            return b""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def parse_target(target: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Path (still percent-encoded) and decoded query pairs of a request target."""
    parts = urlsplit(target)
    return parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True))


def segment(text: str) -> str:
    """One decoded path segment; a ``+`` stays itself."""
    return unquote(text)


def refusal_response(refusal: Refusal, docs: str) -> Response:
    """GitHub's error body: message, errors if any, documentation_url, and status as a string."""
    body: dict[str, Any] = {"message": refusal.message}
    if refusal.url is not None:
        body["url"] = refusal.url
    if refusal.errors is not None:
        body["errors"] = [dict(error) for error in refusal.errors]
    body["documentation_url"] = refusal.docs or docs
    body["status"] = str(refusal.status)
    return Response(refusal.status, body, dict(refusal.headers), tagged=False)
