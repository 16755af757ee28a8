"""The board: what is known of all monitors now, today by minute and 90 days by counts; pure.

Minutes are numbered from 1970-01-01T00:00Z (seconds // 60), days likewise (minutes // 1,440).
How it looks as a file is in ``status_board_format``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from github_store.day_minutes import NO_MINUTES, DayMinutes
from github_store.past_days import NO_DAYS, PastDays
from github_store.sample import Latest


@dataclass(frozen=True, slots=True)
class BoardEntry:
    """One monitor. ``known_since`` is the first minute that ever had a sample.

    ``minutes`` are those of the board's today, ``days`` the counts of the dates before it.
    """

    known_since: int
    latest: Latest
    minutes: DayMinutes = NO_MINUTES
    days: PastDays = NO_DAYS


@dataclass(frozen=True, slots=True)
class Board:
    """All entries by tag; also those of monitors that are no longer in ``monitors.yaml``."""

    today: int
    entries: Mapping[str, BoardEntry] = field(default_factory=dict)
