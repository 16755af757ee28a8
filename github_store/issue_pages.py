"""Pages of GitHub's lists of issues, each read into values once, however often it is read again."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, Final

from cachetools import LRUCache

from github_store.current_labels import CurrentLabels
from github_store.cursor_chain import CursorChain, Place
from github_store.element_reader import ElementReader
from github_store.errors import GitHubUnavailable
from github_store.gateway import Reply
from github_store.held_repository import HeldRepository
from github_store.issue_numbers import IssueNumbers
from github_store.issues import is_of, issue_of
from github_store.label_names import LabelNames
from github_store.lean_answers import writings_in
from github_store.records import Issue

MAX_BYTES: Final = 32 * 1024 * 1024
MAX_CHAINS: Final = 1_000
ISSUE_BYTES: Final = 700
"""Of an issue in memory beside its text, about."""


class IssuePage:
    """What one answer listed, newest first; by identity, as it never changes."""

    __slots__ = ("__weakref__", "issues", "reach", "weight")

    def __init__(self, issues: tuple[Issue, ...], reach: Place | None) -> None:
        self.issues = issues
        self.reach = reach
        """The place of the last one."""
        self.weight = ISSUE_BYTES + sum(ISSUE_BYTES + len(each.body) for each in issues)


class IssuePages:
    """Made for one event loop. Raises GitHubUnavailable where GitHub is out."""

    def __init__(
        self,
        repository: HeldRepository,
        numbers: IssueNumbers,
        labels: CurrentLabels,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._repository = repository
        self._numbers = numbers
        self._labels = labels
        self._issues = ElementReader("issue", lambda each: issue_of(each, labels.now), clock=clock)
        self.failing = self._issues.failing
        self._chains: LRUCache[str, CursorChain] = LRUCache(MAX_CHAINS)
        self._pages: LRUCache[str, tuple[Any, LabelNames, IssuePage]] = LRUCache(
            MAX_BYTES, getsizeof=lambda kept: kept[2].weight
        )

    async def from_first(self, path: str, first: Reply) -> AsyncGenerator[IssuePage, None]:
        """The list at ``path``, whose first page was answered so, page by page as it is held.

        A list that breaks off in the middle is an outage.
        """
        held, address, reply, seen = self._repository.held, path, first, {path}
        while True:
            yield self._page(address, reply)
            following = self._following(path, address, reply, seen)
            if following is None:
                return
            await asyncio.sleep(0)  # a list of many pages that are held shall not stop the others
            address = following
            reply = await held.get(address)
            if not reply.ok:
                raise GitHubUnavailable(f"GitHub answers {reply.status} for the next page")

    def confirmed_at(self, path: str) -> float:
        """When the oldest page that is held was confirmed; infinite without any."""
        held = self._repository.held
        pages = filter(None, map(held.peek, self._at_hand(path)))
        return min((each.at for each in pages), default=math.inf)

    def is_at_hand(self, path: str) -> bool:
        """Whether every page is held, and may be given without asking GitHub."""
        return all(map(self._repository.held.is_fresh, self._at_hand(path)))

    def _at_hand(self, path: str) -> Iterator[str]:
        """The addresses of the pages, up to the first one that is not held."""
        following: str | None = path
        seen = {path}
        while following:
            yield following
            held = self._repository.held.peek(following)
            if held is None or not held.reply.ok:
                return
            following = self._following(path, following, held.reply, seen)

    def _following(self, path: str, address: str, reply: Reply, seen: set[str]) -> str | None:
        own_next = self._repository.following(reply, seen)
        if own_next is None:
            return None
        chain = self._chains.get(path)
        if chain is None:
            chain = self._chains[path] = CursorChain()
        reached = self._page(address, reply).reach
        following = chain.following(own_next, reached, seen=seen, reach_of=self._reach_of)
        for superseded in chain.superseded:
            self._repository.held.forget(superseded)
            self._pages.pop(superseded, None)
        chain.superseded.clear()
        seen.add(following)
        return following

    def _reach_of(self, address: str) -> Place | None:
        held = self._repository.held.peek(address)
        return self._page(address, held.reply).reach if held and held.reply.ok else None

    def _page(self, address: str, reply: Reply) -> IssuePage:
        names = self._labels.now
        kept = self._pages.get(address)
        if kept and kept[0] is reply.data and kept[1] is names:
            return kept[2]
        page = self._read(address, reply)
        if page.weight <= self._pages.maxsize:
            self._pages[address] = reply.data, names, page
        return page

    def _read(self, address: str, reply: Reply) -> IssuePage:
        writings = writings_in(address, reply.data)
        issues = self._issues.all_of(writings)
        if isinstance(reply.data, dict):
            if reply.data.get("incomplete_results"):
                raise GitHubUnavailable("GitHub's search ran out of time")
            issues = [each for each in issues if is_of(self._repository.name, each)]
        for issue in issues:
            self._numbers.note(issue.number)
        return IssuePage(tuple(issues), _place(writings[-1]) if writings else None)


def _place(writing: Any) -> Place | None:
    """None where it is not as GitHub writes it, so that nothing is made of it."""
    told = writing if isinstance(writing, dict) else {}
    created_at, number = told.get("created_at"), told.get("number")
    if isinstance(created_at, str) and created_at.endswith("Z") and isinstance(number, int):
        return created_at, number
    return None
