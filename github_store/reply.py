"""What GitHub answered, and what of it tells how long to wait."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests

LONGEST_WAIT_SECONDS: Final = 86_400
"""Nobody is told to wait longer: what GitHub says beyond that is a mistake."""

_LIMIT_WORDS: Final = ("rate limit", "retry your request again later", "please wait a few minutes")
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")


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
        links = requests.utils.parse_header_links(self.headers.get("link", ""))
        return next((link["url"] for link in links if link.get("rel") == "next"), None)

    @property
    def message(self) -> str:
        """GitHub's own words on an error, on one line."""
        text = self.data.get("message", "") if isinstance(self.data, dict) else ""
        return " ".join(str(text).split())[:200]


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


def parsed(text: str) -> Any:
    """The JSON of an answer; None for an empty one or what is no JSON (an HTML error page).

    Half a character, which an escape can name, becomes a question mark: it could not be sent on.
    """
    try:
        data = json.loads(text) if text else None
        if _HALF.search(text):
            data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):  # the latter where it is nested too deeply
        return None
    return data


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
