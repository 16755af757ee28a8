"""Answers of reads: how old they are and where they came from, and 304 for who has them already.

``X-Cache`` is hit, stale, revalidated, miss or outage; ``Age`` is the seconds since GitHub last
confirmed the oldest part. ``ETag`` is of the answer itself, and strong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import Response

from app.json_reply import json_bytes
from github_store import traced_read

MAX_RENDERED_BYTES = 16 * 1024 * 1024
LEAST_WEIGHT = 2048

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Rendered:
    """``source`` is what the answer shows: kept, so that no other object has its identity."""

    source: object
    body: bytes
    etag: str

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
    with traced_read() as trace:
        found = await answer
    rendered = kept.get(found) if kept else None
    if rendered is None:
        body = json_bytes(shown(found))
        etag = etag_of(found) if etag_of else f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        rendered = Rendered(found, body, etag)
        if kept:
            kept.keep(rendered)
    etag = rendered.etag
    headers = {"ETag": etag, "X-Cache": trace.outcome.word, "Cache-Control": "private, no-cache"}
    if trace.confirmed_at is not None:
        headers["Age"] = str(max(0, int(clock() - trace.confirmed_at)))
    if has_etag(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(rendered.body, headers=headers, media_type="application/json")


def has_etag(if_none_match: str, etag: str) -> bool:
    """Whether the header names this ETag, weakly compared. Source: RFC 9110, 13.1.2."""
    named = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return "*" in named or etag in named
