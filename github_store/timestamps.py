"""Points in time as people write them, in UTC unless they say otherwise; pure.

Read are seconds since 1970 (``1702405740``; of 13 digits milliseconds) and a date with a time of
day, year first: ``2026-11-24 18:30 UTC``, ``2026-11-24T18:30:00+01:00``, ``20261124T1830Z``. White
space, Markdown's emphasis, quotes and a full stop around it don't count.

Whatever could mean two things is not read: ``11/12/2026`` and ``24.11.2026`` (day or month first),
offsets that no place has (``10:00-18:00`` is a range), 12 digits that could be a date and time.
The standard library's ISO 8601 reader is strict about dates, but knows nothing of ``UTC`` or of
blanks, and takes anything between date and time: so it is given one spelling alone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

LATEST: Final = 253_402_300_799
"""The last second of the year 9999."""
LONGEST: Final = 80
"""Characters, beyond which nothing is a time."""

_LOOKALIKES: Final = {
    **{0xFF01 + number: 0x21 + number for number in range(94)},
    **str.maketrans("\u2010\u2011\u2212", "---", "\u200b\u200e\u200f\u2060\ufeff"),
}
"""Full-width letters and digits, hyphens and a minus sign that look like ours, and what is not seen
at all."""
_BLANKS: Final = re.compile(r"[^\S\r\n]+")
_AROUND: Final = " `*_'\""
_DIGITS: Final = re.compile(r"[0-9]{1,13}")
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})"
    r"(?:(?:T|,? )(?:([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r"|([0-9]{2})([0-9]{2})(?:([0-9]{2})(?:[.,][0-9]{1,9})?)?))?"
    r"(?: ?Z|(?: ?\(?(?:UTC|GMT)\)?)?(?: ?([+-])([0-9]{2}|[0-9](?![0-9]))(?::?([0-5][0-9]))?)?)",
    re.IGNORECASE,
)
_DAY: Final = re.compile(r"(?:19[7-9][0-9]|20[0-9]{2})(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
_EAST: Final = timedelta(hours=14)
_WEST: Final = timedelta(hours=-12)


def seconds_of(text: str, *, takes_date: bool = False) -> int | None:
    """Seconds since 1970; None for what cannot be read, or lies before 1970 or after 9999.

    Fractions of a second are dropped. ``takes_date``: a date alone is its first second.
    """
    if len(text) > LONGEST:
        return None
    text = _BLANKS.sub(" ", text.translate(_LOOKALIKES)).strip(_AROUND).rstrip(_AROUND + ".")
    if _DIGITS.fullmatch(text) and not (len(text) == 8 and _DAY.match(text)):
        seconds = _epoch_seconds(text)
    elif found := _TIMESTAMP.fullmatch(text):
        seconds = _moment(found, takes_date=takes_date)
    else:
        return None
    return seconds if seconds is not None and 0 <= seconds <= LATEST else None


def is_date_alone(text: str) -> bool:
    """Whether a text is a date without a time of day."""
    return seconds_of(text) is None and seconds_of(text, takes_date=True) is not None


def readable(seconds: int) -> str:
    """As ``2026-11-24 18:30 UTC``, with the seconds where there are any."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S UTC}" if seconds % 60 else f"{moment:%Y-%m-%d %H:%M UTC}"


def _epoch_seconds(digits: str) -> int | None:
    if len(digits) == 13:
        return None if digits.startswith("0") else int(digits) // 1000
    # 202611241830 would be a second of the year 8390
    return None if len(digits) == 12 and _DAY.match(digits) else int(digits)


def _moment(found: re.Match[str], *, takes_date: bool) -> int | None:
    date, *clock, sign, hours, minutes = found.groups()
    hour, minute, second = (a or b for a, b in zip(clock[:3], clock[3:], strict=True))
    if hour is None and (sign or not takes_date):
        return None
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    offset = -offset if sign == "-" else offset
    if not _WEST <= offset <= _EAST:
        return None
    day = date.replace("-", "")
    try:
        moment = datetime.fromisoformat(
            f"{day}T{(hour or '00').zfill(2)}{minute or '00'}{second or '00'}+0000"
        )
    except ValueError:
        return None
    return int(moment.timestamp() - offset.total_seconds())
