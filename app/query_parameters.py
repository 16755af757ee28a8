"""Path and query of a request, checked; pure.

A repeated parameter counts once, its first value; an empty one counts as left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from app.refusal import Refused
from app.validation import OLDEST_SECONDS, known_tag, shortened
from github_store import LATEST, Monitors, SearchFilter

MAX_PER_PAGE: Final = 100
DEFAULT_PER_PAGE: Final = 10
MAX_NUMBER: Final = 2**31 - 1
"""GitHub's issue numbers are signed 32-bit; nothing larger can exist."""
MAX_PAGE: Final = 10**9
"""Larger page numbers count as this one: both are past any end."""

MOST_KEPT: Final = 1024
LONGEST_KEPT: Final = 512
"""Queries that are kept parsed, and the bytes of the longest."""

SEARCH_PARAMETERS: Final = frozenset(
    {"state", "tags", "page", "per_page", "created_after_utc", "created_before_utc", "title_like"}
)

_DIGITS: Final = re.compile(r"[0-9]+")
_NUMBER: Final = re.compile(
    r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)"
)
"""What JavaScript, and so Kener, takes for a number."""


@dataclass(frozen=True, slots=True)
class Search:
    """What to find, and which page of it."""

    filter: SearchFilter
    page: int
    per_page: int


def query_of(query_string: bytes) -> Mapping[str, str]:
    """The parameters that are given, the first of each name; empty ones too."""
    if len(query_string) > LONGEST_KEPT:
        return _parsed(query_string)
    return _kept(query_string)


def _parsed(query_string: bytes) -> Mapping[str, str]:
    query: dict[str, str] = {}
    text = query_string.decode(errors="replace")
    for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        query.setdefault(name, value)
    return MappingProxyType(query)


_kept = lru_cache(MOST_KEPT)(_parsed)
"""Clients ask the same all day, and parsing takes longer than finding what is held."""


def incident_number(text: str) -> int:
    """The number in a path.

    Raises Refused: 404 for a number that no issue can have, 400 for no number. Neither text gets
    into an address of GitHub's.
    """
    if _DIGITS.fullmatch(text) and len(text) <= 20 and 1 <= int(text) <= MAX_NUMBER:
        return int(text)
    if _NUMBER.fullmatch(text):
        raise Refused(
            "incident not found", f"no incident has the number {shortened(text)}", status=404
        )
    raise Refused("Invalid incidentNumber", "incidentNumber: expected a whole number in the path")


def search_of(query: Mapping[str, str]) -> Search:
    """Raises Refused."""
    state = query.get("state") or "open"
    if state not in ("open", "closed"):
        raise Refused("state must be open or closed", "state: expected open or closed")
    tags = (tag.strip() for tag in query.get("tags", "").split(","))
    page = _whole(query, "page", lowest=1)
    per_page = _whole(query, "per_page", lowest=1)
    after = _whole(query, "created_after_utc", lowest=0, highest=LATEST)
    before = _whole(query, "created_before_utc", lowest=0, highest=LATEST)
    return Search(
        SearchFilter(
            state="open" if state == "open" else "closed",
            tags=tuple(dict.fromkeys(tag for tag in tags if tag)),
            title_like=query.get("title_like") or None,
            created_after=after,
            created_before=before,
        ),
        page=1 if page is None else min(page, MAX_PAGE),
        per_page=DEFAULT_PER_PAGE if per_page is None else min(per_page, MAX_PER_PAGE),
    )


def asked_search(query_string: bytes) -> Search:
    """The same of a raw query. Raises Refused."""
    if len(query_string) > LONGEST_KEPT:
        return search_of(query_of(query_string))
    return _kept_search(query_string)


@lru_cache(MOST_KEPT)
def _kept_search(query_string: bytes) -> Search:
    return search_of(query_of(query_string))


def status_query(query: Mapping[str, str], monitors: Monitors) -> tuple[str, int]:
    """The tag, and the window in seconds. Raises Refused."""
    tag = query.get("tag")
    if not tag:
        raise Refused("tag missing", "tag: expected the tag of a monitor in the query")
    since = _whole(query, "sinceLast", lowest=60, highest=OLDEST_SECONDS)
    return known_tag(tag, monitors), OLDEST_SECONDS if since is None else since


def _whole(
    query: Mapping[str, str], name: str, *, lowest: int, highest: int | None = None
) -> int | None:
    """The parameter as a whole number; without ``highest`` any number of digits is taken."""
    text = query.get(name)
    if not text:
        return None
    number = int(text[:21]) if _DIGITS.fullmatch(text) else -1
    if number < lowest or (highest is not None and number > highest):
        limit = f"{lowest} to {highest}" if highest is not None else f"at least {lowest}"
        raise Refused(f"Invalid {name}", f"{name}: expected a whole number, {limit}")
    return number
