"""A day's minutes as the committed files spell them; pure.

``720UD719U`` are the runs of ``day_minutes``. What repeats is written once: ``287(U4-)U`` is a
sample every five minutes. Where this still takes more than 480 characters, as a day without any
rhythm may, the minutes are packed: ``=`` and base64 of two bits a minute, the first in the
highest bits (0 no sample, 1 up, 2 degraded, 3 down), without the ``A`` at the end. So no day
takes more than 481 characters.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from functools import lru_cache
from itertools import product
from typing import Final

from github_store.day_minutes import MINUTES_OF_DAY, DayMinutes, day_from_letters, day_from_runs

LONGEST: Final = 481
"""Characters of the longest spelling."""

_PACKED: Final = "="
_PACKED_LENGTH: Final = LONGEST - 1
_LETTERS: Final = b"-UGD"
_DIGITS: Final = bytes.maketrans(_LETTERS, b"0123")
_FOUR_MINUTES: Final = [bytes(four) for four in product(_LETTERS, repeat=4)]
_REPEATED: Final = re.compile(r"(?<![0-9])((?:[0-9]*[UGD-]){2})\1{2,}", re.ASCII)
_REPETITION: Final = re.compile(r"([1-9][0-9]*)\(((?:[0-9]{0,4}[UGD-]){2})\)", re.ASCII)
_MOST_TIMES: Final = MINUTES_OF_DAY // 2
_LONGEST_READ: Final = 4 * MINUTES_OF_DAY


@lru_cache(maxsize=4_096)
def minutes_text(day: DayMinutes) -> str:
    """The day's one spelling."""
    text = _REPEATED.sub(_repetition, day.runs)
    return text if len(text) <= _PACKED_LENGTH else _packed(day.letters)


@lru_cache(maxsize=4_096)
def day_from_text(text: str) -> DayMinutes:
    """Read a day, however it is spelt. Raises ValueError for what spells none."""
    if len(text) > _LONGEST_READ:
        raise ValueError("longer than any day's minutes")
    if text.startswith(_PACKED):
        return day_from_letters(_unpacked(text[1:]))
    return day_from_runs(_REPETITION.sub(_repeated, text) if "(" in text else text)


def _repetition(match: re.Match[str]) -> str:
    whole, part = match.group(), match.group(1)
    return f"{len(whole) // len(part)}({part})"


def _repeated(match: re.Match[str]) -> str:
    times = int(match[1][:5])
    if times > _MOST_TIMES:
        raise ValueError("the runs are longer than a day's 1440 minutes")
    return match[2] * times


def _packed(letters: bytes) -> str:
    bits = int(letters.translate(_DIGITS), 4).to_bytes(MINUTES_OF_DAY // 4)
    return _PACKED + b64encode(bits).decode().rstrip("A")


def _unpacked(text: str) -> bytes:
    if len(text) > _PACKED_LENGTH:
        raise ValueError("the packed minutes are longer than a day's 1440 minutes")
    try:
        bits = b64decode(text.ljust(_PACKED_LENGTH, "A"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("expected base64 of two bits a minute after the =") from None
    return b"".join(map(_FOUR_MINUTES.__getitem__, bits))
