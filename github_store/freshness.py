"""When a held answer may be given, pure: time is an argument, no I/O.

Fresh answers are given at once. Stale ones too, and are renewed behind the reader's back. Later
GitHub is asked first, conditionally; and while GitHub is out, or takes its time, what was held is
given for as long as an outage may last. While webhooks tell of every change, what was confirmed
since they do counts as fresh whatever its age.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What to do with a held answer of some age."""

    FRESH = "give it"
    STALE = "give it, and ask GitHub behind it"
    EXPIRED = "ask GitHub; give it only if GitHub is out"
    WORTHLESS = "ask GitHub; never give it"


@dataclass(frozen=True, slots=True)
class Vouched:
    """Every change from ``since`` on is told by webhooks; believed before ``until``.

    Both are seconds since 1970.
    """

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long answers hold, in seconds since GitHub last confirmed them.

    With ``fresh_seconds`` 0 nothing is given without asking, stale or not. ``patience_seconds`` is
    how long a reader waits for GitHub where something is held.
    """

    fresh_seconds: float = 15.0
    stale_seconds: float = 60.0
    outage_seconds: float = 7 * 86_400.0
    patience_seconds: float = 5.0

    def judge(
        self, held_at: float, *, now: float, vouched: Vouched | None = None, stretch: float = 1.0
    ) -> Verdict:
        """A clock that was stepped back makes an answer look younger than nothing: not fresh.

        ``stretch`` lengthens fresh and stale where GitHub's quota runs low.
        """
        age = now - held_at
        if vouched and vouched.since <= held_at <= now < vouched.until:
            return Verdict.FRESH
        if 0 <= age < self.fresh_seconds * stretch:
            return Verdict.FRESH
        if self.fresh_seconds and 0 <= age < self.stale_seconds * stretch:
            return Verdict.STALE
        if age <= self.outage_seconds:
            return Verdict.EXPIRED
        return Verdict.WORTHLESS
