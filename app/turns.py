"""Connections take turns: who showed no token is answered a few at a time, in the order of asking.

An event loop runs everything that is ready before it looks at the network again, so 600 requests
that nobody may make would hold up the one that counts by as long as all of them take.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

FEW: Final = 8
"""So many are begun in one turn of the event loop, while not so many wait that they would for
long."""
PARTS: Final = 32
"""However many wait, in so many turns they are nearly two thirds fewer."""


class Turns:
    """Made for one event loop."""

    def __init__(self, few: int = FEW) -> None:
        self._few = few
        self._waiting: deque[Callable[[], object]] = deque()
        self._is_next_due = False

    def wait(self, work: Callable[[], object]) -> None:
        """Do it in one of the next turns."""
        self._waiting.append(work)
        self._ask_for_next()

    def _ask_for_next(self) -> None:
        if self._waiting and not self._is_next_due:
            self._is_next_due = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._is_next_due = False
        for _ in range(min(len(self._waiting), max(self._few, len(self._waiting) // PARTS))):
            self._waiting.popleft()()
        self._ask_for_next()
