"""Whether somebody who was asked is out, and when to try again; pure: time and chance are given.

::

    closed --- FAILURES requests in a row are not answered ---> open
      ^                                                          |
      '------------------- any answer at all -------------------'

Open, nothing is asked but a trial now and then: the first at once, as it may have been one thing
alone that failed, each later one after twice the pause, up to LONGEST_PAUSE_SECONDS. A trial that
hangs does not keep the next one waiting, so that recovery shows within seconds, however long a
single request may take.

A request that fails counts only if nobody was answered since it was sent: with GitHub well, a share
of failures makes no row, and what was sent before GitHub came back says nothing of now. Of requests
that fail one in fifty at random, one in three hundred millions completes a row of five.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

FAILURES: Final = 5
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 4.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """Times are seconds of one clock that never goes back; ``chance`` is from 0 to 1."""

    failures: int = 0
    """In a row, the last ones."""
    answered_at: float = -math.inf
    opened_at: float | None = None
    """Since when nothing is asked but trials; None while closed."""
    trials: int = 0
    trial_at: float = -math.inf
    """From when on the next trial may be sent, while open."""

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None

    def answered(self, now: float) -> Circuit:
        """Somebody was answered, however unkindly."""
        return Circuit(answered_at=now)

    def failed(self, *, sent_at: float, now: float) -> Circuit:
        """A request sent then ended without an answer."""
        if sent_at < self.answered_at:
            return self
        failures = self.failures + 1
        if self.opened_at is not None or failures < FAILURES:
            return replace(self, failures=failures)
        return replace(self, failures=failures, opened_at=now, trial_at=now)

    def tried(self, now: float, *, chance: float) -> Circuit:
        """A trial is being sent."""
        trial_at = now + _pause(self.trials, chance)
        return replace(self, trials=self.trials + 1, trial_at=trial_at)

    def seconds_to_trial(self, now: float) -> float:
        """Until somebody may ask; 0 while closed, and where a trial is due."""
        return 0.0 if self.opened_at is None else max(0.0, self.trial_at - now)


def _pause(trials: int, chance: float) -> float:
    """Seconds after a trial that so many came before, half to all of what is allowed."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(trials, 10))
    return longest * (0.5 + chance / 2)
