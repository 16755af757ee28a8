"""Which issue numbers there are, so that numbers that are not there yet need not be asked for.

Issues and pull requests are numbered upwards together, and no number is given twice: so nothing
lies above the newest. What is seen (lists, writes, deliveries) raises the highest number known. A
number above that is asked for as any other, as long as such guesses are few: a maintainer's issue
shows at once. Who guesses more makes the newest number be asked for, once while that is fresh, and
what lies above it is not asked for at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from github_store.errors import GitHubUnavailable
from github_store.held_repository import HeldRepository

GUESSES: Final = 10.0
"""So many numbers above the highest known may turn out not to be there, one after the other."""
GUESS_SECONDS: Final = 60.0
"""And again one more after this time."""


class IssueNumbers:
    """``clock`` gives seconds since 1970. Made for one event loop."""

    def __init__(self, repository: HeldRepository, *, clock: Callable[[], float]) -> None:
        self._repository = repository
        self._clock = clock
        self._highest = 0
        self._guesses = GUESSES
        self._counted_at = clock()
        self._asking = asyncio.Lock()

    async def rules_out(self, number: int) -> bool:
        """Whether this number is surely not given yet. Raises GitHubUnavailable.

        Where it is not ruled out and lies above all that is known, that was a guess.
        """
        if number <= self._highest:
            return False
        if self._may_guess():
            return False
        self.note(await self._newest())
        return number > self._highest

    def note(self, number: int) -> None:
        """This number is given."""
        if number > self._highest:
            self._highest = number
            self._guesses = min(GUESSES, self._guesses + 1)

    def lies_above(self, number: int) -> bool:
        """Whether a number is above all that are known to be given."""
        return number > self._highest

    def _may_guess(self) -> bool:
        now = self._clock()
        regained = max(0.0, now - self._counted_at) / GUESS_SECONDS
        self._guesses, self._counted_at = min(GUESSES, self._guesses + regained), now
        if self._guesses < 1:
            return False
        self._guesses -= 1
        return True

    async def _newest(self) -> int:
        """The newest number of all, no older than what is fresh; 0 where there is none."""
        path = self._repository.path(
            "/issues", state="all", sort="created", direction="desc", per_page="1"
        )
        held = self._repository.held
        async with self._asking:
            reply = await held.get(path, renew=not held.is_fresh(path))
        if not reply.ok or not isinstance(reply.data, list):
            raise GitHubUnavailable(f"GitHub answers {reply.status} for the list of issues")
        return max((int(each["number"]) for each in reply.data), default=0)
