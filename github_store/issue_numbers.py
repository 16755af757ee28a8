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

from cachetools import LRUCache

from github_store.allowance import Allowance
from github_store.errors import GitHubUnavailable
from github_store.held_repository import HeldRepository
from github_store.records import whole_number

GUESSES: Final = 10.0
"""So many numbers above the highest known may turn out not to be there, one after the other."""
GUESS_SECONDS: Final = 60.0
"""And again one more after this time."""
MAX_TOLD: Final = 1_000


class IssueNumbers:
    """``clock`` gives seconds since 1970. Made for one event loop."""

    def __init__(self, repository: HeldRepository, *, clock: Callable[[], float]) -> None:
        self._repository = repository
        self._highest = 0
        self._guesses = Allowance(GUESSES, seconds=GUESS_SECONDS, clock=clock)
        self._told: LRUCache[int, bool] = LRUCache(MAX_TOLD)
        self._asking = asyncio.Lock()

    async def rules_out(self, number: int) -> bool:
        """Whether this number is surely not given yet. Raises GitHubUnavailable.

        Where it is not ruled out and lies above all that is known, that was a guess.
        """
        if number <= self._highest or number in self._told or self._guesses.take():
            return False
        self.note(await self._newest())
        return number > self._highest

    def note(self, number: int) -> None:
        """This number is given."""
        if number > self._highest:
            self._highest = number
            self._guesses.give_back()
        self._told.pop(number, None)

    def note_told(self, number: int) -> None:
        """Somebody says that it is given; to ask for it is no guess."""
        if number > self._highest:
            self._told[number] = True

    def is_told(self, number: int) -> bool:
        """Whether somebody says that it is given, and GitHub was not asked since."""
        return number in self._told

    def note_absent(self, number: int) -> None:
        """GitHub says that it is not given."""
        self._told.pop(number, None)

    def lies_above(self, number: int) -> bool:
        """Whether a number is above all that are known to be given."""
        return number > self._highest

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
        try:
            return max((whole_number(each["number"]) for each in reply.data), default=0)
        except (KeyError, TypeError, ValueError):
            raise GitHubUnavailable("GitHub's answer is no list of issues") from None
