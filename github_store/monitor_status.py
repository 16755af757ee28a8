"""What the API says of one monitor, computed from its history; pure.

A minute is covered by its sample, else by the monitor's ``defaultStatus`` from the minute on in
which the monitor is first known. A window is an interval: it is counted, never walked through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from github_store.day_minutes import Counts
from github_store.monitor import Monitor, Status
from github_store.status_document import WINDOW_MINUTES, History
from github_store.uptime import uptime_text

NO_DATA: Final = "NO_DATA"


@dataclass(frozen=True, slots=True)
class MonitorStatus:
    """``last_updated_at`` is the newest covered minute, in seconds since 1970."""

    status: str
    uptime: str
    last_updated_at: int | None


def monitor_status(
    history: History | None, monitor: Monitor, *, now: int, since_minutes: int = WINDOW_MINUTES
) -> MonitorStatus:
    """The newest status within 90 days, and the uptime of the window.

    ``now`` is the current minute's number; the window is that minute and ``since_minutes``
    before it. A monitor with a ``defaultStatus`` is covered now, even if it never had a sample.
    """
    counts = _counts(history, monitor, first=now - since_minutes, last=now)
    up = counts.up if monitor.include_degraded_in_downtime else counts.up + counts.degraded
    newest = _newest(history, monitor, now)
    return MonitorStatus(
        status=newest[1] if newest else NO_DATA,
        uptime=uptime_text(up, counts.total),
        last_updated_at=newest[0] * 60 if newest else None,
    )


def _newest(history: History | None, monitor: Monitor, now: int) -> tuple[int, Status] | None:
    newest = history.newest_until(now) if history else None
    if newest and newest[0] < now - WINDOW_MINUTES:
        newest = None
    if monitor.default_status and (newest is None or newest[0] < now):
        return now, monitor.default_status
    return newest


def _counts(history: History | None, monitor: Monitor, *, first: int, last: int) -> Counts:
    counts = history.counts_between(first, last) if history else Counts()
    if monitor.default_status is None:
        return counts
    # A clock that was stepped back makes "known since" lie ahead: then it is known from now on.
    known_since = min(history.known_since, last) if history else last
    without_sample = last - max(first, known_since) + 1 - counts.total
    return counts.plus(monitor.default_status, without_sample)
