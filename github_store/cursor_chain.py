"""Which page of a list to read next, so that those which are held serve again. Pure.

GitHub's pages of issues begin after a cursor, the place of the entry before, newest first. When an
issue comes on top, every page's own "next" is another one than before, though all but the first
pages are as they were. So a page that is held is gone on to wherever it leaves no gap: where it
begins no later than what has been read, and reaches further. Of a list of any length that costs,
for what is new, one page more than the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

Place = tuple[str, int]
"""Of an entry: when it was created, as GitHub writes it, and its number."""

_CURSOR: Final = re.compile(r"[?&]after=")


@dataclass(slots=True)
class CursorChain:
    """The pages of one list that were read. Made for one event loop."""

    _begins: dict[str, Place] = field(default_factory=dict)
    """By address, the last entry before the page."""
    superseded: list[str] = field(default_factory=list)
    """Pages that nothing leads to any more, for whoever holds them to let go."""

    def following(
        self,
        own_next: str,
        reached: Place | None,
        *,
        seen: Collection[str],
        reach_of: Callable[[str], Place | None],
    ) -> str:
        """The page to read after one that ended at ``reached`` and names ``own_next``.

        ``reach_of`` gives the last entry of a page that is held, None for one that is not. What is
        ``seen`` was read before.
        """
        if reached is None or not _CURSOR.search(own_next):
            return own_next
        self._begins[own_next] = reached
        if reach_of(own_next) is not None:
            return own_next
        fitting: list[tuple[Place, str]] = []
        for address, place in list(self._begins.items()):
            reach = reach_of(address)
            if reach is None and address != own_next:
                del self._begins[address]
            elif reach is not None and place >= reached > reach and address not in seen:
                fitting.append((place, address))
        if not fitting:
            return own_next
        best = min(fitting)
        for place, address in fitting:
            if place > best[0]:  # the best one begins further on: nobody needs these any more
                del self._begins[address]
                self.superseded.append(address)
        return best[1]
