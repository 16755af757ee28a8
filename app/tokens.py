"""The API's tokens, kept as digests: a comparison takes equally long whatever is given."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Final

DIGEST_PREFIX: Final = "sha256:"
SHORTEST: Final = 16
"""Characters; a shorter token is used all the same, with a warning."""
_OF_NOTHING: Final = hashlib.sha256().digest()
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})", re.IGNORECASE)


class Right(IntEnum):
    """What a caller may do, and what an operation needs: each includes the ones before it."""

    NONE = 0
    READ = 1
    WRITE = 2


class Tokens:
    """Who may write, and who may only read; a token is a text or ``sha256:`` and its digest.

    Raises ValueError without a token that may write, for an empty or malformed one, and for one
    that stands in both lists.
    """

    def __init__(self, write: Iterable[str], *, read: Iterable[str] = ()) -> None:
        self._write = tuple(map(digest_of, write))
        self._read = tuple(map(digest_of, read))
        if not self._write:
            raise ValueError("without a token nobody could be let in, or everybody")
        if not set(self._write).isdisjoint(self._read):
            raise ValueError("a token that may only read may also write")

    def right_of(self, credentials: bytes) -> Right:
        """What the bearer of these credentials may do."""
        given = hashlib.sha256(credentials).digest()
        if _is_among(given, self._write):
            return Right.WRITE
        if _is_among(given, self._read):
            return Right.READ
        return Right.NONE


def _is_among(given: bytes, digests: Iterable[bytes]) -> bool:
    return any(hmac.compare_digest(given, each) for each in digests)


def digest_of(token: str) -> bytes:
    """The SHA-256 digest of a token as a setting writes it. Raises ValueError."""
    if not token.lower().startswith(DIGEST_PREFIX):
        digest = hashlib.sha256(token.encode()).digest()
    elif match := _DIGEST.fullmatch(token):
        digest = bytes.fromhex(match[1])
    else:
        raise ValueError("expected 64 hexadecimal digits after sha256:")
    if digest == _OF_NOTHING:  # what a shell makes of a variable that is not set
        raise ValueError("an empty token would let everybody in")
    return digest


def is_short(token: str) -> bool:
    """Whether a token can be guessed; of a digest nobody can tell."""
    return len(token) < SHORTEST
