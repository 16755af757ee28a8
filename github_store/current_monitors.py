"""The monitors in force, for all who need them: the one place where a pushed monitors.yaml replaces
them."""

from __future__ import annotations

from dataclasses import dataclass

from github_store.monitor import Monitors


@dataclass(slots=True)
class CurrentMonitors:
    """``now`` is a value that never changes, so whoever works across an ``await`` takes it once.

    What is derived from it is kept beside it and given again while ``now`` is that very object.
    """

    now: Monitors

    def take(self, others: Monitors) -> bool:
        """Let these be in force; False where they say the same, and all that is derived stays."""
        if list(others) == list(self.now):
            return False
        self.now = others
        return True
