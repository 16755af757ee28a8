"""How long answers took: numbers without a unit, as clients give them; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

Latencies: TypeAlias = tuple[float | None, ...]
"""By minute, from the first one of an hour or a day; None is unknown, left out at the end."""

LARGEST: Final = 1.7976931348623157e308
_EXACT: Final = 2**53


def shortest(latency: float) -> float:
    """The number as it is written shortest: 1 rather than 1.0, 1e+300 rather than 301 digits.

    Raises ValueError for what JSON or this file format cannot hold.
    """
    number = float(latency)
    if not 0 <= number <= LARGEST:
        raise ValueError(f"{number} is no latency")
    return int(number) if number < _EXACT and number.is_integer() else number


def trimmed(latencies: Sequence[float | None]) -> Latencies:
    """Without what is unknown at the end."""
    length = len(latencies)
    while length and latencies[length - 1] is None:
        length -= 1
    return tuple(latencies[:length])


def replaced(latencies: Latencies, changes: Mapping[int, float | None]) -> Latencies:
    """With these minutes' latencies in place of what was there."""
    if not changes:
        return latencies
    values = list(latencies)
    values += [None] * (max(changes) + 1 - len(values))
    for minute, latency in changes.items():
        values[minute] = latency
    return trimmed(values)
