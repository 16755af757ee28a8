"""So many things at once, and one more every so often: a bucket of tokens."""

from __future__ import annotations

from collections.abc import Callable


class Allowance:
    """``most`` at once, and again one more each ``seconds``. ``clock`` gives seconds."""

    def __init__(self, most: float, *, seconds: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._left = most
        self._counted_at = clock()

    def take(self) -> bool:
        """Whether there is one left; then it is taken."""
        now = self._clock()
        regained = max(0.0, now - self._counted_at) / self._seconds
        self._left, self._counted_at = min(self._most, self._left + regained), now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """One that was taken was none of those that are to be few."""
        self._left = min(self._most, self._left + 1)
