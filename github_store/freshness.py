"""When a held answer may be given, pure: time is an argument, no I/O.

Fresh answers are given at once. Later GitHub is asked again, conditionally; and while GitHub is
out, what was held is given for as long as an outage may last.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What to do with a held answer of some age."""

    FRESH = "give it"
    EXPIRED = "ask GitHub; give it only if GitHub is out"
    WORTHLESS = "ask GitHub; never give it"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long answers hold, in seconds since GitHub last confirmed them."""

    fresh_seconds: float = 15.0
    outage_seconds: float = 7 * 86_400.0

    def judge(self, held_at: float, *, now: float) -> Verdict:
        """A clock that was stepped back makes an answer look younger than nothing: not fresh."""
        age = now - held_at
        if 0 <= age < self.fresh_seconds:
            return Verdict.FRESH
        if age <= self.outage_seconds:
            return Verdict.EXPIRED
        return Verdict.WORTHLESS
