"""Times and counts in search qualifiers: ``>=2026-01-01``, ``A..B``, ``*..B``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from .search_syntax import SearchError

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_COMPARED: Final = re.compile(r"(>=|<=|>|<)?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Span:
    """From ``first`` to ``last``, both included; None is open. Epoch seconds, or a count."""

    first: int | None
    last: int | None

    def has(self, value: int | None) -> bool:
        if value is None:
            return False
        return (self.first is None or value >= self.first) and (
            self.last is None or value <= self.last
        )


@lru_cache(maxsize=256)
def time_span(text: str) -> Span:
    """A date stands for its whole day in UTC. Raises SearchError for what is no time."""
    if ".." in text:
        first, _, last = text.partition("..")
        return Span(
            None if first == "*" else _moment(first)[0], None if last == "*" else _moment(last)[1]
        )
    found = _COMPARED.fullmatch(text)
    assert found is not None
    first_second, last_second = _moment(found[2])
    match found[1]:
        case ">=":
            return Span(first_second, None)
        case ">":
            return Span(last_second + 1, None)
        case "<=":
            return Span(None, last_second)
        case "<":
            return Span(None, first_second - 1)
        case _:
            return Span(first_second, last_second)


def _moment(text: str) -> tuple[int, int]:
    """First and last second that a date or a date with time stands for."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        first = int(moment.timestamp())
    except (ValueError, OverflowError):
        raise SearchError(
            f'"{text}" is not a recognized date/time format. Please provide an ISO 8601 date/time'
            " value, such as YYYY-MM-DD."
        ) from None
    if _DATE.fullmatch(text):
        return first, first + int(timedelta(days=1).total_seconds()) - 1
    return first, first


def count_span(text: str) -> Span | None:
    """None for what is no number."""
    found = re.fullmatch(r"(?:(>=|<=|>|<)?(\d{1,18}))|(?:(\d{1,18}|\*)\.\.(\d{1,18}|\*))", text)
    if found is None:
        return None
    sign, number, first, last = found.groups()
    if number is None:
        return Span(None if first == "*" else int(first), None if last == "*" else int(last))
    value = int(number)
    spans = {
        ">=": Span(value, None),
        ">": Span(value + 1, None),
        "<=": Span(None, value),
        "<": Span(None, value - 1),
    }
    return spans.get(sign, Span(value, value))
