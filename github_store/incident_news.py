"""What was written here or told by webhooks lately: GitHub's lists may not show it yet.

Lists lag by seconds and search by a minute, a single issue or comment does not. So what is news to
a list is left to the issue itself, until the list was confirmed LAG_SECONDS after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cachetools import LRUCache

LAG_SECONDS: Final = 120.0
"""How long GitHub's lists and search may miss a write."""
MAX_RECENT: Final = 2_000


class IncidentNews:
    """``clock`` gives seconds since 1970. Made for one event loop."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._issues: LRUCache[int, float] = LRUCache(MAX_RECENT)
        self._comments: LRUCache[int, dict[int, float]] = LRUCache(MAX_RECENT)
        self.edition = 0
        """Rises with all news of issues: whoever derives from incidents looks here."""

    def note(self, number: int) -> None:
        """An issue was changed."""
        self._issues[number] = self._clock()
        self.edition += 1

    def note_everything(self) -> None:
        """Whoever derives from incidents has to derive anew."""
        self.edition += 1

    def note_comment(self, number: int, comment_id: int) -> None:
        """A comment was written, changed or deleted."""
        self._comments[number] = {**self._comments.get(number, {}), comment_id: self._clock()}

    def since(self, confirmed_at: float) -> frozenset[int]:
        """The issues that a list confirmed at that time may not show as they are."""
        return frozenset(
            number for number, at in self._issues.items() if at + LAG_SECONDS > confirmed_at
        )

    def comments_since(self, number: int, confirmed_at: float) -> frozenset[int]:
        """Likewise, of one issue's comments, by their ids."""
        return frozenset(
            comment_id
            for comment_id, at in self._comments.get(number, {}).items()
            if at + LAG_SECONDS > confirmed_at
        )
