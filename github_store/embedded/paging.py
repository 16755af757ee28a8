"""Pages of lists and the ``Link`` headers that lead from one to the next.

Most lists count pages and name the last one. The issue list gives cursors instead, and neither
``first`` nor ``last``: counting its pages by the header is impossible, as on GitHub since 2025.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote_plus

from .exchange import Request
from .refusals import Refusal

T = TypeVar("T")
DEFAULT_PER_PAGE = 30
LARGEST_PER_PAGE = 100
# Beyond this many entries the issue list wants a cursor.
DEEPEST_ENTRY = 10_000
MARK = b"cursor:v2:"


def _positive(text: str, otherwise: int) -> int:
    try:
        value = int(text)
    except ValueError:
        return otherwise
    return value if value > 0 else otherwise


def page_of(request: Request) -> int:
    return _positive(request.parameter("page"), 1)


def per_page_of(request: Request) -> int:
    return min(_positive(request.parameter("per_page"), DEFAULT_PER_PAGE), LARGEST_PER_PAGE)


def link_query(pairs: Sequence[tuple[str, str]], **changes: str | None) -> str:
    """The caller's parameters with ``changes``: replaced in place, else appended; None removes."""
    merged: dict[str, str | None] = {**dict(pairs)}
    merged.update(changes)
    return "&".join(
        f"{quote_plus(key)}={quote_plus(value)}"
        for key, value in merged.items()
        if value is not None
    )


def numbered_links(
    request: Request, base: str, *, total: int, state_per_page: bool = True
) -> dict[str, str]:
    """``Link`` of a list with counted pages; empty where everything fits on one."""
    page, size = page_of(request), per_page_of(request)
    last = max(1, -(-total // size))
    pages: list[tuple[int, str]] = []
    if page > 1:
        pages.append((min(page - 1, last), "prev"))
    if page < last:
        pages += [(page + 1, "next"), (last, "last")]
    if page > 1:
        pages.append((1, "first"))
    if not pages or last == 1:
        return {}
    shown = str(size) if state_per_page or request.parameter("per_page") else None
    links = (
        f'<{base}?{link_query(request.query, per_page=shown, page=str(number))}>; rel="{rel}"'
        for number, rel in pages
    )
    return {"Link": ", ".join(links)}


def numbered_page(request: Request, entries: Sequence[T]) -> list[T]:
    start = (page_of(request) - 1) * per_page_of(request)
    return list(entries[start : start + per_page_of(request)])


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two entries: the entry's sort value (ms or a count) and its id."""

    value: int
    entry_id: int

    def encode(self) -> str:
        packed = b"\x92\xcf" + struct.pack(">Q", self.value)
        packed += b"\xcf" + struct.pack(">Q", self.entry_id)
        return base64.urlsafe_b64encode(MARK + packed).decode()

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """Raises the 422 that a made-up cursor gets."""
        try:
            packed = base64.urlsafe_b64decode(text)
            if not packed.startswith(MARK + b"\x92\xcf") or len(packed) != len(MARK) + 19:
                raise ValueError(text)  # noqa: TRY301 - one answer for all of them
            value, entry_id = struct.unpack(">xxQxQ", packed[len(MARK) :])
        except (ValueError, binascii.Error, struct.error) as error:
            raise Refusal(422, "Invalid cursor", docs=None) from error
        return cls(value, entry_id)


def cursor_page(
    request: Request, base: str, keyed: Sequence[tuple[Cursor, T]], *, descending: bool
) -> tuple[list[T], dict[str, str]]:
    """The page of a sorted list that the request asks for, and its ``Link`` header."""
    size, page = per_page_of(request), page_of(request)
    start = _start(request, keyed, size=size, page=page, descending=descending)
    shown = keyed[start : start + size]
    links = []
    common = {"per_page": str(size), "after": None, "before": None}
    if shown and start + size < len(keyed):
        wanted = {**common, "after": shown[-1][0].encode(), "page": str(page + 1)}
        links.append(f'<{base}?{link_query(request.query, **wanted)}>; rel="next"')
    if shown and start > 0:
        before = shown[0][0].encode()
        wanted = {**common, "page": str(max(1, page - 1)), "before": before}
        links.append(f'<{base}?{link_query(request.query, **wanted)}>; rel="prev"')
    entries = [entry for _, entry in shown]
    return entries, {"Link": ", ".join(links)} if links else {}


def _start(
    request: Request,
    keyed: Sequence[tuple[Cursor, T]],
    *,
    size: int,
    page: int,
    descending: bool,
) -> int:
    def passed(cursor: Cursor, place: Cursor) -> bool:
        here, there = (cursor.value, cursor.entry_id), (place.value, place.entry_id)
        return here >= there if descending else here <= there

    if request.parameter("after"):
        place = Cursor.decode(request.parameter("after"))
        return sum(1 for cursor, _ in keyed if passed(cursor, place))
    if request.parameter("before"):
        place = Cursor.decode(request.parameter("before"))
        until = sum(1 for cursor, _ in keyed if passed(cursor, place) and cursor != place)
        return max(0, until - size)
    if page * size >= DEEPEST_ENTRY:
        raise Refusal(
            422,
            "Pagination with the page parameter is not supported for large datasets,"
            " please use cursor based pagination (after/before)",
        )
    return (page - 1) * size
