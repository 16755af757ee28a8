"""How many connections are kept open, and which give way when there are more.

Only those give way that nothing is being done for: they are idle, or have not sent a whole request
yet, or do not read their answer. Of these the ones from the address that has most go first, and
then the oldest. There is no limit for an address: all that comes through a proxy comes from one.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

log = logging.getLogger(__name__)

BATCH: Final = 16
"""A part of all that gives way at once, so that looking at all of them is rare."""
QUIET_SECONDS: Final = 60.0
"""Between two lines in the log about it."""


class Waiting(Protocol):
    """One connection."""

    @property
    def address(self) -> str:
        """Of its other end."""
        ...

    @property
    def waits_since(self) -> float | None:
        """When it last did anything, in the event loop's seconds; None while it is served."""
        ...

    def give_way(self) -> None:
        """End at once, and be among the open ones no longer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many connections are open, how many at most, and of how many was rid since the start."""

    connections: int = 0
    most: int = 0
    gave_way: int = 0
    turned_away: int = 0


class OpenConnections:
    """``timer`` gives seconds that never go back."""

    def __init__(self, *, most: int, timer: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._timer = timer
        self._quiet_until = 0.0
        self._gave_way = self._turned_away = 0
        self.count = 0
        """How many there are; whoever opens and closes them says so."""

    @property
    def crowd(self) -> Crowd:
        return Crowd(
            connections=self.count,
            most=self.most,
            gave_way=self._gave_way,
            turned_away=self._turned_away,
        )

    def make_room(self, others: Iterable[Waiting]) -> bool:
        """Let some give way; False where every one is being served."""
        waiting = [(since, each) for each in others if (since := each.waits_since) is not None]
        if (now := self._timer()) >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            log.warning(
                "%d connections are open, as many as are kept; %d wait, and give way to new ones",
                self.most,
                len(waiting),
            )
        held = Counter(each.address for _, each in waiting)
        waiting.sort(key=lambda pair: (-held[pair[1].address], pair[0]))
        leaving = waiting[: max(1, self.most // BATCH)]
        for _, each in leaving:
            each.give_way()
        self._gave_way += len(leaving)
        self._turned_away += not leaving
        return bool(leaving)
