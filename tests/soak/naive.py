"""GET /api/status as the rules say it, minute by minute, slowly and plainly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

WINDOW_MINUTES = 90 * 1_440


@dataclass(frozen=True)
class Outage:
    """An incident's impact on one monitor; minutes since 1970, both included, None: goes on."""

    tag: str
    impact: str
    first: int
    last: int | None


def answer(
    tag: str,
    samples: Mapping[int, str],
    outages: Sequence[Outage],
    *,
    now: int,
    since: int,
    default: str | None,
    degraded_is_up: bool,
) -> dict[str, Any]:
    """``samples`` are one monitor's statuses by minute; ``now`` and ``since`` are minutes."""
    known_since = min([now, *samples])
    statuses: dict[int, str | None] = {}
    for minute in range(now - WINDOW_MINUTES, now + 1):
        statuses[minute] = samples.get(minute)
        if statuses[minute] is None and minute >= known_since:
            statuses[minute] = default
    for impact in ("DEGRADED", "DOWN"):
        for outage in outages:
            if (outage.tag, outage.impact) == (tag, impact):
                last = now if outage.last is None else min(outage.last, now)
                for minute in range(max(outage.first, now - WINDOW_MINUTES), last + 1):
                    statuses[minute] = impact
    counted = [statuses[minute] for minute in range(now - since, now + 1)]
    up = counted.count("UP") + (counted.count("DEGRADED") if degraded_is_up else 0)
    newest = next((each for each in reversed(statuses) if statuses[each]), None)
    return {
        "status": "NO_DATA" if newest is None else statuses[newest],
        "uptime": _percent(up, len(counted) - counted.count(None)),
        "lastUpdatedAt": None if newest is None else newest * 60,
    }


def _percent(up: int, total: int) -> str:
    if total == 0:
        return "-"
    percent = up / total * 100
    if percent % 10 == 0:
        return str(int(percent))
    return str(Decimal(percent).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP))
