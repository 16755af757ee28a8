"""Names that look like others: what a person typed who meant one that has a meaning; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Final

_DECORATION: Final = re.compile(r"[^a-z0-9]")


def similar_name(name: str, names: Collection[str]) -> str | None:
    """The one of ``names`` that is one edit from ``name``, whatever the case and the signs; None
    where there is none, or ``name`` itself is among them."""
    if name in names:
        return None
    plain = _plain(name)
    return next((each for each in names if is_one_edit(plain, _plain(each))), None)


def is_one_edit(one: str, other: str) -> bool:
    """Whether at most one letter is missing, too many, another, or swapped with the next."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, other_rest = one[start:], other[start:]
    return (
        rest[1:] == other_rest[1:]
        or rest[1:] == other_rest
        or rest == other_rest[1:]
        or (len(rest) > 1 and rest[1::-1] + rest[2:] == other_rest)
    )


def _plain(name: str) -> str:
    return _DECORATION.sub("", unicodedata.normalize("NFKC", name).casefold())
