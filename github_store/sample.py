"""One push, and the newest one of a monitor; pure.

Minutes are numbered from 1970-01-01T00:00Z (seconds // 60), days likewise (minutes // 1,440), as
UTC has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from github_store.day_minutes import MINUTES_OF_DAY
from github_store.monitor import Status

WINDOW_MINUTES: Final = 90 * MINUTES_OF_DAY
"""How far back minutes count: the 90 days before the current minute, which counts as well."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One push: a monitor's status in one minute. ``latency`` as the client gave it."""

    tag: str
    minute: int
    status: Status
    latency: float


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest minute with a sample. ``latency`` is None where only the status is known."""

    minute: int
    status: Status
    latency: float | None
