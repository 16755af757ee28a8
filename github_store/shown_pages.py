"""What incidents pages of issues show: derived once per page and change of it, and per incident.

An incident whose issue is as it was is the very same object, whichever page, list or answer it
stands in: so whatever is derived from it holds as well.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from weakref import WeakKeyDictionary

from cachetools import LRUCache

from github_store.current_monitors import CurrentMonitors
from github_store.errors import GitHubUnavailable
from github_store.incident import Incident, incident_from, is_incident
from github_store.issue_pages import IssuePage
from github_store.monitor import Monitors
from github_store.records import Issue
from github_store.visible_issues import VisibleIssues

MAX_BYTES: Final = 24 * 1024 * 1024
INCIDENT_BYTES: Final = 1_000
"""Of an issue and its incident in memory beside the text, about."""

Author = tuple[str | None, str]
"""A login, and how GitHub says it is associated with the repository."""


class ShownPage:
    """The incidents of a page that may be seen, newest first. Never changes."""

    __slots__ = ("_all", "_closed", "_open", "numbers")

    def __init__(self, shown: tuple[tuple[Incident, Issue], ...], numbers: frozenset[int]) -> None:
        self._all = shown
        self.numbers = numbers
        """Of all incidents on the page, also of those that may not be seen."""
        self._open = tuple(each for each, _ in shown if each.is_open)
        self._closed = tuple(each for each, _ in shown if not each.is_open)

    def of_state(self, *, is_open: bool) -> tuple[Incident, ...]:
        return self._open if is_open else self._closed

    def but_for(self, numbers: Collection[int]) -> Collection[tuple[Incident, Issue]]:
        """Without these; each with its issue."""
        if self.numbers.isdisjoint(numbers):
            return self._all
        return [each for each in self._all if each[0].number not in numbers]


_Kept = WeakKeyDictionary[IssuePage, tuple[Monitors, frozenset[Author], ShownPage]]


class ShownPages:
    """Made for one event loop."""

    def __init__(self, visible: VisibleIssues, monitors: CurrentMonitors) -> None:
        self._visible = visible
        self._monitors = monitors
        self._pages: _Kept = WeakKeyDictionary()
        self._authors: WeakKeyDictionary[IssuePage, dict[Author, Issue]] = WeakKeyDictionary()
        self._incidents: LRUCache[int, tuple[Monitors, Issue, Incident]] = LRUCache(
            MAX_BYTES, getsizeof=lambda kept: INCIDENT_BYTES + 2 * len(kept[1].body)
        )

    def incident(self, issue: Issue) -> Incident:
        """The incident that an issue is."""
        monitors = self._monitors.now
        kept = self._incidents.get(issue.number)
        if kept and kept[0] is monitors and kept[1] == issue:
            return kept[2]
        incident = incident_from(issue, monitors)
        if INCIDENT_BYTES + 2 * len(issue.body) <= self._incidents.maxsize:
            self._incidents[issue.number] = monitors, issue, incident
        return incident

    async def of(self, page: IssuePage) -> ShownPage:
        """What a page shows. While GitHub is out it is given all the same, without those by
        outsiders of whom it has not told yet."""
        authors = self._authors.get(page)
        if authors is None:
            incidents = sorted(filter(is_incident, page.issues), key=lambda each: each.updated_at)
            # What each wrote last tells how lately GitHub has to have been asked.
            authors = {(each.author, each.author_association): each for each in incidents}
            self._authors[page] = authors
        speakers = frozenset(
            [author for author, one in authors.items() if await self._visible.is_listed(one)]
        )
        monitors = self._monitors.now
        kept = self._pages.get(page)
        if kept and kept[0] is monitors and kept[1] == speakers:
            return kept[2]
        found, is_whole = await self._seen(page, speakers)
        seen = tuple((self.incident(each), each) for each in found)
        numbers = frozenset(each.number for each in page.issues if is_incident(each))
        shown = ShownPage(seen, numbers)
        if is_whole:
            self._pages[page] = monitors, speakers, shown
        return shown

    async def _seen(
        self, page: IssuePage, speakers: Collection[Author]
    ) -> tuple[list[Issue], bool]:
        """The incidents' issues of who may speak, and whether that is all of them."""
        found, is_whole = [], True
        for issue in filter(is_incident, page.issues):
            if (issue.author, issue.author_association) not in speakers:
                self._visible.hide(issue)
            elif not issue.is_cut:
                found.append(issue)
            else:
                try:
                    whole = await self._visible.whole(issue)
                except GitHubUnavailable:
                    is_whole = False
                else:
                    found += [whole] if whole else []
        return found, is_whole
