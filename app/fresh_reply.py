"""Answers of reads: how old they are and where they came from, and 304 for who has them already.

``X-Cache`` is hit, stale, revalidated, miss or outage; ``Age`` is the seconds since GitHub last
confirmed the oldest part. ``X-Search-Source: issue-list`` where the issue list answered what is
for GitHub's search to answer. ``ETag`` is of the answer itself, and strong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import Response

from app.errors import refusal_of
from app.json_reply import JSON, HeaderLine, ReadyReply, json_bytes, length_of
from app.refusal import refusal_reply
from github_store import IncidentNotFound, Outcome, ReadTrace

MAX_RENDERED_BYTES = 16 * 1024 * 1024
LEAST_WEIGHT = 2048

_PRIVATE: Final[HeaderLine] = (b"cache-control", b"private, no-cache")
_FROM_LIST: Final[HeaderLine] = (b"x-search-source", b"issue-list")
_CAME_FROM: Final = {each: (b"x-cache", each.word.encode()) for each in Outcome}

_T = TypeVar("_T")


class Rendered:
    """``source`` is what the answer shows: kept, so that no other object has its identity.

    ``headers`` are those of a whole answer, and ``unchanged`` those of a 304, without what is
    another's with every answer.
    """

    __slots__ = ("body", "etag", "headers", "source", "unchanged")

    def __init__(self, source: object, body: bytes, etag: str) -> None:
        self.source = source
        self.body = body
        self.etag = etag
        self.unchanged: list[HeaderLine] = [(b"etag", etag.encode("latin-1")), _PRIVATE]
        self.headers = [*self.unchanged, length_of(body), JSON]

    @property
    def weight(self) -> int:
        """Bytes in memory, about, with the source."""
        return LEAST_WEIGHT + 8 * len(self.body)


class RenderedAnswers:
    """Answers ready to be sent, by the identity of what they show; that must never change."""

    def __init__(self, *, max_bytes: int = MAX_RENDERED_BYTES) -> None:
        self._by_identity: LRUCache[int, Rendered] = LRUCache(
            max_bytes, getsizeof=lambda rendered: rendered.weight
        )

    def get(self, source: object) -> Rendered | None:
        return self._by_identity.get(id(source))

    def keep(self, rendered: Rendered) -> None:
        if rendered.weight <= self._by_identity.maxsize:
            self._by_identity[id(rendered.source)] = rendered


async def fresh_reply(
    request: Request,
    answer: Awaitable[_T],
    *,
    shown: Callable[[_T], Any],
    etag_of: Callable[[_T], str] | None = None,
    kept: RenderedAnswers | None = None,
    clock: Callable[[], float],
) -> Response:
    """The answer as JSON (``shown`` makes it), or 304 where ``If-None-Match`` has its ETag.

    ``clock`` gives seconds since 1970; without ``etag_of`` the bytes themselves make the ETag.
    With ``kept``, what is shown must never change.
    """
    with ReadTrace() as trace:
        try:
            found = await answer
        except IncidentNotFound as error:  # that too is an answer of GitHub's, of some age
            reply = refusal_reply(refusal_of(error), path=request.url.path)
            reply.raw_headers += _told(trace, clock)
            return reply
    rendered = kept.get(found) if kept else None
    if rendered is None:
        body = json_bytes(shown(found))
        etag = etag_of(found) if etag_of else f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        rendered = Rendered(found, body, etag)
        if kept:
            kept.keep(rendered)
    told = _told(trace, clock)
    for name, value in request.scope["headers"]:
        if name == b"if-none-match" and has_etag(value.decode("latin-1"), rendered.etag):
            return ReadyReply(b"", status=304, headers=[*rendered.unchanged, *told])
    return ReadyReply(rendered.body, status=200, headers=[*rendered.headers, *told])


def _told(trace: ReadTrace, clock: Callable[[], float]) -> list[HeaderLine]:
    """Where an answer came from, and how old it is."""
    told = [_CAME_FROM[trace.outcome]]
    if trace.is_from_list:
        told.append(_FROM_LIST)
    if trace.confirmed_at is not None:
        age = max(0, int(clock() - trace.confirmed_at))
        told.append((b"age", str(age).encode()))
    return told


def has_etag(if_none_match: str, etag: str) -> bool:
    """Whether the header names this ETag, weakly compared. Source: RFC 9110, 13.1.2."""
    named = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return "*" in named or etag in named
