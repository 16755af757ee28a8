"""The headers that make writes safe, checked; pure.

``Idempotency-Key`` names one creation, so that it may be repeated (draft-ietf-httpapi-
idempotency-key-header; the key is taken as it stands, quotes included). ``If-Match`` makes a
change conditional (RFC 9110, 13.1.1).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from app.refusal import Refused
from github_store import KEY_COMMENT_ROOM, MAX_BODY_LENGTH

MAX_KEY_LENGTH: Final = 255

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ITEM: Final = re.compile(r'[ \t]*(?:(W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)')
"""One of a list's, which may be empty; it can be read in one way only."""


def idempotency_key(values: Sequence[str]) -> str | None:
    """The key in the header's values, None without the header. Raises Refused."""
    if not values:
        return None
    problem = None
    if len(values) > 1:
        problem = "expected once"
    elif not values[0].strip():
        problem = "expected a text that is not empty"
    elif len(values[0]) > MAX_KEY_LENGTH:
        problem = f"expected at most {MAX_KEY_LENGTH} characters"
    elif _CONTROL.search(values[0]):
        problem = "expected a text without control characters"
    if problem:
        raise Refused("Invalid Idempotency-Key", f"Idempotency-Key: {problem}")
    return values[0]


def body_hash(value: Any) -> str:
    """Of a JSON value: the same however it is spaced and its members are ordered."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        raise Refused("malformed JSON", "the body is nested too deeply") from None
    return hashlib.sha256(text.encode()).hexdigest()


def require_key_room(length: int) -> None:
    """Raises Refused for a text of so many characters that it leaves none for the key's mark."""
    most = MAX_BODY_LENGTH - KEY_COMMENT_ROOM
    if length > most:
        raise Refused(
            "Invalid body",
            f"body: with an Idempotency-Key expected at most {most} characters, markers included",
        )


def if_match(values: Sequence[str]) -> frozenset[str] | None:
    """The ETags, quotes included, one of which the incident must have; None for any.

    A weak one matches nothing: it says that the text may differ. Raises Refused.
    """
    text = ",".join(values).strip()
    if not values or text == "*":
        return None
    etags, position, found = set(), 0, False
    while position < len(text) and (item := _ITEM.match(text, position)):
        weak, etag = item.groups()
        found = found or etag is not None
        if etag is not None and not weak:
            etags.add(etag)
        position = item.end()
    if not found or position < len(text):
        raise Refused("Invalid If-Match", 'If-Match: expected "…", the ETag of an answer, or *')
    return frozenset(etags)
