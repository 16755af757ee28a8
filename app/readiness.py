"""Whether the service can serve, and how old everything is that it serves from; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.github_contact import Contact
from app.open_connections import Crowd
from github_store import LateStart, StatusHealth

OUTAGE_SECONDS: Final = 7 * 86_400.0
"""How long what is held is answered while GitHub is out."""
JOURNAL_DOUBT_SECONDS: Final = 30.0
"""How long a journal that refused a push counts as unable: then the next push may find out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What is known at a moment, without asking anybody."""

    monitors: int
    statuses: StatusHealth
    contact: Contact = field(default_factory=Contact)
    hidden_incidents: int = 0
    outage_seconds: float = OUTAGE_SECONDS
    crowd: Crowd = field(default_factory=Crowd)
    body_bytes: int = 0
    """Of bodies that are still on their way."""
    out_for: Mapping[str, float] = field(default_factory=dict)
    """For how many seconds each part of GitHub has been out, so that nobody waits for it; 0 while
    it is not."""
    late_start: LateStart | None = None
    """What the start put off because GitHub was out; None where nothing can be put off."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """``reasons``: why not, one line each; none where the service is ready."""

    reasons: tuple[str, ...]
    facts: dict[str, Any]

    @property
    def is_ready(self) -> bool:
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        return {"ready": self.is_ready, "reasons": list(self.reasons), **self.facts}


def readiness(vitals: Vitals, *, now: float) -> Readiness:
    """``now`` is seconds since 1970. Ready is who can answer reads and take pushes: from GitHub,
    or from what is held while GitHub is out."""
    return Readiness(tuple(_reasons(vitals, now)), _facts(vitals, now))


def _reasons(vitals: Vitals, now: float) -> list[str]:
    statuses, contact = vitals.statuses, vitals.contact
    reasons = []
    if not vitals.monitors:
        reasons.append("no monitors are loaded")
    refused_at = statuses.refused_at
    if refused_at is not None and now - refused_at < JOURNAL_DOUBT_SECONDS:
        reasons.append("the journal takes no pushes")
    age = _age(statuses.board_confirmed_at, now)
    is_held = statuses.is_board_held and age is not None and age < vitals.outage_seconds
    if not is_held and statuses.problem is not None:
        reasons.append("the status board cannot be read, and no earlier one is held")
    elif not is_held and contact.failing_since is not None:
        reasons.append("GitHub is out, and no status board is held that may still be shown")
    return reasons


def _facts(vitals: Vitals, now: float) -> dict[str, Any]:
    statuses, contact, late_start = vitals.statuses, vitals.contact, vitals.late_start
    return {
        "github": {
            "answeredSecondsAgo": _age(contact.answered_at, now),
            "failingForSeconds": _age(contact.failing_since, now),
            "failure": contact.failure,
            "out": sorted(part for part, seconds in vitals.out_for.items() if seconds),
        },
        "monitors": vitals.monitors,
        "statusBoard": {
            "held": statuses.is_board_held,
            "confirmedSecondsAgo": _age(statuses.board_confirmed_at, now),
            "problem": None if statuses.problem is None else str(statuses.problem),
        },
        "journal": {
            "samples": statuses.waiting,
            "oldestSeconds": _age(statuses.oldest_at, now),
            "refusedSecondsAgo": _age(statuses.refused_at, now),
        },
        "commits": {
            "lastSecondsAgo": _age(statuses.committed_at, now),
            "error": None if statuses.error is None else str(statuses.error),
        },
        "hiddenIncidents": vitals.hidden_incidents,
        "start": {
            "pending": late_start is not None and late_start.is_pending,
            "problem": None if late_start is None else late_start.problem,
        },
    }


def _age(at: float | None, now: float) -> float | None:
    """Seconds, to the millisecond; a clock that was set back makes nothing younger than now."""
    return None if at is None else round(max(0.0, now - at), 3)
