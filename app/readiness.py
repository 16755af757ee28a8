"""Whether the service can serve, and how old everything is that it serves from; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.github_contact import Cause, Contact
from app.open_connections import Crowd
from github_store import LabelHealth, LateStart, StatusHealth, StoreError

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
    labels: LabelHealth = field(default_factory=LabelHealth)
    unusable_times: int = 0
    """Incidents with a time that cannot be read, or an end that is not after its start."""
    outage_seconds: float = OUTAGE_SECONDS
    crowd: Crowd = field(default_factory=Crowd)
    body_bytes: int = 0
    """Of bodies that are still on their way."""
    out_for: Mapping[str, float] = field(default_factory=dict)
    """For how many seconds each part of GitHub has been out, so that nobody waits for it; 0 while
    it is not."""
    failing: Mapping[str, int] = field(default_factory=dict)
    """How many things of each kind fail by themselves, while the others go on."""
    late_start: LateStart | None = None
    """What the start put off because GitHub was out; None where nothing can be put off."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """``reasons``: why not; none where the service is ready."""

    reasons: tuple[Cause, ...]
    facts: dict[str, Any]

    @property
    def is_ready(self) -> bool:
        return not self.reasons

    def to_json(self, *, in_words: bool) -> dict[str, Any]:
        """Every cause by its code, or ``in_words`` by its text."""
        whole = {"ready": self.is_ready, "reasons": list(self.reasons), **self.facts}
        told: dict[str, Any] = _told(whole, in_words=in_words)
        return told


def readiness(vitals: Vitals, *, now: float) -> Readiness:
    """``now`` is seconds since 1970. Ready is who can answer reads and take pushes: from GitHub,
    or from what is held while GitHub is out."""
    return Readiness(tuple(_reasons(vitals, now)), _facts(vitals, now))


def _reasons(vitals: Vitals, now: float) -> list[Cause]:
    statuses, contact = vitals.statuses, vitals.contact
    reasons = []
    if not vitals.monitors:
        reasons.append(Cause("no-monitors", "no monitors are loaded"))
    refused_at = statuses.refused_at
    if refused_at is not None and now - refused_at < JOURNAL_DOUBT_SECONDS:
        reasons.append(Cause("journal-unavailable", "the journal takes no pushes"))
    age = _age(statuses.board_confirmed_at, now)
    is_held = statuses.is_board_held and age is not None and age < vitals.outage_seconds
    if not is_held and statuses.problem is not None:
        text = "the status board cannot be read, and no earlier one is held"
        reasons.append(Cause("status-board-broken", text))
    elif not is_held and contact.failing_since is not None:
        text = "GitHub is out, and no status board is held that may still be shown"
        reasons.append(Cause("github-out", text))
    return reasons


def _facts(vitals: Vitals, now: float) -> dict[str, Any]:
    statuses, contact, late_start = vitals.statuses, vitals.contact, vitals.late_start
    problem = None if late_start is None else late_start.problem
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
            "problem": _cause(statuses.problem),
        },
        "journal": {
            "samples": statuses.waiting,
            "oldestSeconds": _age(statuses.oldest_at, now),
            "refusedSecondsAgo": _age(statuses.refused_at, now),
            "missingSamples": sum(damage.missing or 0 for damage in statuses.damages),
            "damages": [Cause("journal-damaged", str(damage)) for damage in statuses.damages],
        },
        "commits": {
            "lastSecondsAgo": _age(statuses.committed_at, now),
            "error": _cause(statuses.error),
        },
        "hiddenIncidents": vitals.hidden_incidents,
        "failing": {kind: count for kind, count in vitals.failing.items() if count},
        "start": {
            "pending": late_start is not None and late_start.is_pending,
            "problem": problem and Cause("start-failed", problem),
        },
    }


def _cause(error: StoreError | None) -> Cause | None:
    """The code is the error's kind: ``broken-document``, ``github-unavailable``."""
    if error is None:
        return None
    words = re.findall("GitHub|[A-Z][a-z]*", type(error).__name__)
    return Cause("-".join(words).lower(), str(error))


def _told(value: Any, *, in_words: bool) -> Any:
    match value:
        case Cause():
            return value.text if in_words else value.code
        case dict():
            return {name: _told(each, in_words=in_words) for name, each in value.items()}
        case list():
            return [_told(each, in_words=in_words) for each in value]
        case _:
            return value


def _age(at: float | None, now: float) -> float | None:
    """Seconds, to the millisecond; a clock that was set back makes nothing younger than now."""
    return None if at is None else round(max(0.0, now - at), 3)
