"""What GitHub answered, and what of it tells how long to wait."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import requests

LONGEST_WAIT_SECONDS: Final = 86_400
"""Nobody is told to wait longer: what GitHub says beyond that is a mistake."""

_LIMIT_WORDS: Final = ("rate limit", "retry your request again later", "please wait a few minutes")
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")

WHOLE_LENGTH: Final = 65_536
"""An object of no more characters is read at once."""
_DECODER: Final = json.JSONDecoder()
_SPACE: Final = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: status, headers with lower-case names, and the parsed JSON (None if empty)."""

    status: int
    headers: Mapping[str, str]
    data: Any
    size: int = 0
    """Length of the body in characters, for those who weigh what they hold."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")

    @property
    def next_url(self) -> str | None:
        """The address of the next page, from the Link header; None on the last."""
        link = self.headers.get("link")
        return _next_in(link) if link else None

    @property
    def message(self) -> str:
        """GitHub's own words on an error, on one line."""
        text = self.data.get("message", "") if isinstance(self.data, dict) else ""
        return " ".join(str(text).split())[:200]


@lru_cache(maxsize=4_096)
def _next_in(header: str) -> str | None:
    """Remembered: a list of fifty pages is followed with every change."""
    links = requests.utils.parse_header_links(header)
    return next((link["url"] for link in links if link.get("rel") == "next"), None)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What an observer learns of one request: for metrics and logs, never for decisions."""

    method: str
    path: str
    status: int | None
    """None when no answer came."""
    seconds: float
    headers: Mapping[str, str]
    is_limit: bool = False
    """Whether GitHub refused because of a rate limit, primary or secondary."""


def retry_after_seconds(reply: Reply, *, now: float) -> int:
    """Seconds until GitHub may be asked again, at least 1.

    ``Retry-After`` first, else the reset of an exhausted primary limit, else the minute that
    GitHub asks for after a secondary one. Source: REST docs, "Rate limits".
    """
    seconds = header_seconds(reply.headers)
    if seconds is None and reply.headers.get("x-ratelimit-remaining") == "0":
        reset = _number(reply.headers.get("x-ratelimit-reset", ""))
        seconds = None if reset is None else int(min(reset - now, LONGEST_WAIT_SECONDS)) + 1
    return max(1, 60 if seconds is None else seconds)


def header_seconds(headers: Mapping[str, str]) -> int | None:
    """``Retry-After`` in seconds, None where it does not say."""
    text = headers.get("retry-after", "")
    if not (text.isascii() and text.isdigit()):
        return None
    return LONGEST_WAIT_SECONDS if len(text) > 9 else min(int(text), LONGEST_WAIT_SECONDS)


def is_rate_limit(reply: Reply) -> bool:
    """Whether it is the refusal of a rate limit, primary or secondary."""
    if reply.status not in {403, 429}:
        return False
    words = reply.message.lower()
    return (
        reply.status == 429
        or "retry-after" in reply.headers
        or reply.headers.get("x-ratelimit-remaining") == "0"
        or any(word in words for word in _LIMIT_WORDS)
    )


def parsed(text: str, *, lean: Callable[[Any], Any] | None = None) -> Any:
    """The JSON of an answer; None for an empty one or what is no JSON (an HTML error page).

    ``lean`` makes less of each item of a list, or of what is none. Items are read one by one: a
    page of them may have tens of megabytes, and Python's parser stops every other thread until it
    has come to its end. Half a character, which an escape can name, becomes a question mark: it
    could not be sent on.
    """
    try:
        return _parsed(text, lean or _as_it_is) if text else None
    except (ValueError, RecursionError):  # the latter where it is nested too deeply
        return None


def _parsed(text: str, lean: Callable[[Any], Any]) -> Any:
    value: Any
    at = _after_space(text, 0)
    if text.startswith("[", at):
        value, at = _list(text, at, lean)
    elif text.startswith("{", at):
        value, at = _object(text, at, lean)
        value = value if "items" in value else lean(value)
    else:
        value, at = _item(text, at)
    if _after_space(text, at) != len(text):
        raise ValueError("more than one value")
    return value


def _list(text: str, at: int, lean: Callable[[Any], Any]) -> tuple[list[Any], int]:
    """The list that begins there, and where it has ended."""
    items: list[Any] = []
    at = _after_space(text, at + 1)
    if text.startswith("]", at):
        return items, at + 1
    while True:
        item, at = _item(text, at)
        items.append(lean(item))
        at = _after_space(text, at)
        if text.startswith("]", at):
            return items, at + 1
        at = _after_comma(text, at)


def _object(text: str, at: int, lean: Callable[[Any], Any]) -> tuple[dict[str, Any], int]:
    """The object that begins there, its lists item by item; and where it has ended."""
    found: dict[str, Any] = {}
    at = _after_space(text, at + 1)
    if text.startswith("}", at):
        return found, at + 1
    while True:
        key, at = _item(text, at)
        at = _after_space(text, at)
        if not isinstance(key, str) or not text.startswith(":", at):
            raise ValueError("no object")
        at = _after_space(text, at + 1)
        if text.startswith("[", at):
            found[key], at = _list(text, at, lean if key == "items" else _as_it_is)
        else:
            found[key], at = _item(text, at)
        at = _after_space(text, at)
        if text.startswith("}", at):
            return found, at + 1
        at = _after_comma(text, at)


def _item(text: str, at: int) -> tuple[Any, int]:
    """One value that begins there, and where it has ended."""
    value, end = _DECODER.raw_decode(text, at)
    if _HALF.search(text, at, end):
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value, end


def _as_it_is(item: Any) -> Any:
    return item


def _after_comma(text: str, at: int) -> int:
    if not text.startswith(",", at):
        raise ValueError("no comma")
    return _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
