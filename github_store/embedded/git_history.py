"""Commits and their ancestors, remembered: what was written once never changes.

Looking for an ancestor through thousands of commits would read thousands of files; parents, trees
and times are therefore kept in memory, some 200 bytes for a commit.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

LARGEST_MEMORY: Final = 200_000


@dataclass(frozen=True, slots=True)
class Link:
    """A commit's place in the history. ``at``: commit time in epoch seconds."""

    tree: str
    parents: tuple[str, ...]
    at: int


class GitHistory:
    """``read`` gives a commit's link, None for anything that is no commit."""

    def __init__(self, read: Callable[[str], Link | None]) -> None:
        self._read = read
        self._links: dict[str, Link] = {}

    def link(self, sha: str) -> Link | None:
        held = self._links.get(sha)
        if held is None:
            held = self._read(sha)
            if held is not None:
                if len(self._links) >= LARGEST_MEMORY:
                    self._links.clear()
                self._links[sha] = held
        return held

    def ancestors(self, sha: str) -> set[str]:
        """The commit itself and all before it."""
        waiting, seen = [sha], {sha}
        while waiting:
            link = self.link(waiting.pop())
            for parent in link.parents if link else ():
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return seen

    def contains(self, newer: str, older: str) -> bool:
        """Whether ``older`` is ``newer`` or one of its ancestors."""
        waiting, seen = [newer], {newer}
        while waiting:
            sha = waiting.pop()
            if sha == older:
                return True
            link = self.link(sha)
            for parent in link.parents if link else ():
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return False

    def newest_first(self, start: str, *, but: Collection[str] = ()) -> Iterator[tuple[str, Link]]:
        """The history of ``start`` by commit time; ``but`` and what is only before it left out.

        A commit never comes before one of its descendants that was met already.
        """
        waiting: list[tuple[int, int, str]] = []
        seen: set[str] = set(but)

        def add(sha: str) -> None:
            link = self.link(sha)
            if sha not in seen and link is not None:
                seen.add(sha)
                heapq.heappush(waiting, (-link.at, len(seen), sha))

        add(start)
        while waiting:
            sha = heapq.heappop(waiting)[2]
            link = self.link(sha)
            assert link is not None
            yield sha, link
            for parent in link.parents:
                add(parent)

    def between(self, before: Collection[str], after: str, *, at_most: int) -> list[str]:
        """Commits that ``after`` has and none of ``before`` has, oldest first."""
        link = self.link(after)
        if link is not None and link.parents == tuple(before):  # one commit on a branch's head
            return [after]
        known: set[str] = set()
        for sha in before:
            known |= self.ancestors(sha)
        found: list[str] = []
        for sha, _ in self.newest_first(after, but=known):
            if len(found) == at_most:
                break
            found.append(sha)
        return found[::-1]
