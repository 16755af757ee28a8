"""Log lines that anybody can cause as often as they like: one a minute of each kind.

A line says how many like it were left out before it, so that nothing is lost but repetition.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

QUIET_SECONDS: Final = 60.0
"""Between two lines of a kind."""
MOST_KINDS: Final = 200
"""So many are told apart; those beyond share one kind."""


@dataclass(slots=True)
class _Kind:
    quiet_until: float
    left_out: int = 0


class RecurringLines:
    """Writes to a logger, from any thread. ``timer`` gives seconds that never go back."""

    def __init__(self, log: logging.Logger, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._timer = timer
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = {}

    def warning(self, kind: str, text: str, *values: object) -> None:
        """A warning as of ``Logger.warning``, unless one of its kind was written lately."""
        left_out = self._begin(kind)
        if left_out is None:
            return
        if left_out:
            text, values = f"{text} [and %d like it since the last line]", (*values, left_out)
        self._log.warning(text, *values, stacklevel=2)

    def _begin(self, kind: str) -> int | None:
        """How many were left out before this one; None where it is left out too."""
        now = self._timer()
        with self._lock:
            if len(self._kinds) >= MOST_KINDS and kind not in self._kinds:
                kind = ""
            known = self._kinds.setdefault(kind, _Kind(now))
            if now < known.quiet_until:
                known.left_out += 1
                return None
            left_out, known.left_out = known.left_out, 0
            known.quiet_until = now + QUIET_SECONDS
            return left_out
