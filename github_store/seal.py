"""Text with a checksum, which is found again amid whatever surrounds it; pure.

A sealed text is ``kind:length:body`` and 16 hex digits: BLAKE2b of kind and body, with the key of
the file it belongs to. Chance finds no other one: a body that was changed, or is another file's,
does not open.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

DIGITS: Final = 16


def digest(kind: str, body: bytes, *, key: str = "") -> str:
    """16 hex digits."""
    keyed = _begun(kind, key).copy()
    keyed.update(body)
    return keyed.hexdigest()


def sealed(kind: str, body: bytes, *, key: str = "") -> bytes:
    """``kind`` is at most 16 letters, ``key`` at most 64 bytes."""
    return b"%b:%d:%b%b" % (kind.encode(), len(body), body, digest(kind, body, key=key).encode())


def unsealed(kind: str, text: object, *, key: str = "") -> bytes | None:
    """The body; None where this is no whole text of that kind and key."""
    if not isinstance(text, bytes):
        return None
    for body in found_in(kind, text, key=key):
        return body if sealed(kind, body, key=key) == text else None
    return None


@lru_cache(maxsize=64)
def _begun(kind: str, key: str) -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=DIGITS // 2, key=key.encode(), person=kind.encode())


def found_in(kind: str, raw: bytes, *, key: str = "") -> Iterator[bytes]:
    """The bodies of all whole texts of that kind and key in these bytes, in order."""
    for start in re.finditer(rb"%b:(\d{1,7}):" % kind.encode(), raw):
        end = start.end() + int(start[1])
        body = raw[start.end() : end]
        if raw[end : end + DIGITS] == digest(kind, body, key=key).encode():
            yield body
