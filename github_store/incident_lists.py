"""Incidents by what they are: searched, or all that stand. Lists, made true by what is later news.

GitHub's lists and its search each show what they know; what is news to them is read from the
issues themselves. All that is listed descends by age, so several lists are merged as they are
read, and no more of each is fetched than is asked for.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sys
from bisect import bisect_right
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Final

from github_store.current_monitors import CurrentMonitors
from github_store.errors import GitHubUnavailable
from github_store.held_reads import note_from_list
from github_store.incident import INCIDENT_LABEL, Incident
from github_store.incident_news import IncidentNews
from github_store.issue_listings import Listing
from github_store.issue_pages import IssuePage
from github_store.issue_tracker import IssueTracker
from github_store.read_trace import Outcome, note_read
from github_store.records import Issue
from github_store.recurring_lines import RecurringLines
from github_store.search_query import (
    SearchFilter,
    incident_matches,
    issue_query,
)
from github_store.shown_pages import ShownPage, ShownPages
from github_store.visible_issues import VisibleIssues

lines = RecurringLines(logging.getLogger(__name__))

MAX_LABEL_LISTS: Final = 5
"""So many lists are merged for a search by tags; for more, the whole list is cheaper."""


class IncidentLists:
    """Made for one event loop. Raises GitHubUnavailable where GitHub is out."""

    def __init__(
        self,
        tracker: IssueTracker,
        visible: VisibleIssues,
        news: IncidentNews,
        monitors: CurrentMonitors,
    ) -> None:
        self._tracker = tracker
        self._visible = visible
        self._news = news
        self._monitors = monitors
        self._shown = ShownPages(visible, monitors)

    async def page(self, search: SearchFilter, *, page: int, per_page: int) -> list[Incident]:
        """Page ``page`` (from 1) of what matches, newest first; a page past the end is empty."""
        found: list[Incident] = []
        to_skip = (page - 1) * per_page
        if search.matches_nothing:
            return found
        async with aclosing(self._matching(search)) as matching:
            async for incidents in matching:
                found += incidents[to_skip : to_skip + per_page - len(found)]
                to_skip = max(0, to_skip - len(incidents))
                if len(found) == per_page:
                    break
        return found

    async def standing(self, *lists: tuple[str, int | None]) -> list[tuple[Incident, Issue]]:
        """Incidents of a state that were updated since a time (seconds since 1970; None: ever),
        with their issues, in any order. One that was changed lately may be of another state."""
        listings = [
            await self._tracker.listings.labelled(
                (INCIDENT_LABEL,), state=state, updated_since=since
            )
            for state, since in lists
        ]
        late = await self._later_than(listings)
        found = [(self.incident(each), each) for each in late.values() if each]
        seen = set(late)
        for listing in listings:
            async with aclosing(listing.pages) as pages:
                async for page in pages:
                    shown = await self._shown.of(page)
                    found += shown.but_for(seen)
                    seen |= shown.numbers
        return found

    def incident(self, issue: Issue) -> Incident:
        """The incident that an issue is."""
        return self._shown.incident(issue)

    async def _later_than(self, listings: Iterable[Listing]) -> dict[int, Issue | None]:
        """The issues whose news these listings may not show yet; None for what is no incident.

        One that GitHub, being out, does not give is left out: there the lists have to do.
        """
        confirmed_at = min((each.confirmed_at for each in listings), default=math.inf)
        issues: dict[int, Issue | None] = {}

        async def find(number: int) -> None:
            try:
                issues[number] = await self._visible.find(number)
            except GitHubUnavailable:
                note_read(Outcome.OUTAGE, confirmed_at)

        numbers = self._news.since(confirmed_at)
        at_hand = [each for each in numbers if self._tracker.issues.is_at_hand(each)]
        for number in at_hand:
            await find(number)
        await asyncio.gather(*map(find, numbers.difference(at_hand)))
        return issues

    async def _matching(self, search: SearchFilter) -> AsyncGenerator[Sequence[Incident], None]:
        """Everything that matches, newest first: what GitHub finds, and what is later news.

        Several listings are read side by side: what is no older than the last of each is in order.
        """
        listings = await self._listings(search)
        late = await self._later_than(listings)
        waiting = [self.incident(issue) for issue in late.values() if issue]
        waiting = [incident for incident in waiting if incident_matches(search, incident)]
        seen = set(late)
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(aclosing(each.pages)) for each in listings]
            heads = [await _Head.of(stream) for stream in streams]
            while heads := [head for head in heads if head.page]:
                for head in heads:
                    if head.is_new:
                        shown = await self._shown.of(head.taken())
                        waiting += _matches(search, shown, seen)
                        seen |= shown.numbers
                reached = max(head.reach for head in heads)
                waiting.sort(key=_age_key, reverse=True)
                ready = bisect_right(waiting, (-reached[0], -reached[1]), key=_youth_key)
                if ready:
                    yield waiting[:ready]
                del waiting[:ready]
                for head in heads:
                    if head.reach == reached:
                        await head.go_on()
        yield sorted(waiting, key=_age_key, reverse=True)

    async def _listings(self, search: SearchFilter) -> list[Listing]:
        """Listings among which all matching incidents are.

        Titles and dates are GitHub's search to answer. While it can't, or finds more than it
        gives, the list of incidents is read through; and where that is at hand whole, it is
        fresher and costs nothing. What the search said long ago is given only where the list
        cannot be asked either.
        """
        listings, whole = self._tracker.listings, (INCIDENT_LABEL,)
        labels = self._monitors.now.labels_of(search.tags)
        if search.tags and not labels:
            return []
        if not search.needs_search:
            return await self._by_labels(search, labels)
        if listings.is_at_hand(whole, state=search.state):
            note_from_list()
            return [await listings.labelled(whole, state=search.state)]
        query = issue_query(
            self._tracker.repository.name,
            search,
            labels=labels,
            incident_label=self._tracker.names.now.of(INCIDENT_LABEL),
        )
        try:
            found = await listings.search(query)
        except GitHubUnavailable as error:
            lines.warning(
                "search", "GitHub's search is out (%s): reading the issue list instead", error
            )
            return await self._instead_of_search(search, labels, query)
        if found:
            return [found]
        note_from_list()
        return await self._by_labels(search, labels)

    async def _instead_of_search(
        self, search: SearchFilter, labels: Collection[str], query: str
    ) -> list[Listing]:
        """The list as it is now, else what the search found last, else the list as it was."""
        listings = self._tracker.listings
        try:
            listed = await self._by_labels(search, labels, is_optional=True)
        except GitHubUnavailable:
            if listings.is_found(query) and (
                found := await listings.search(query, is_optional=False)
            ):
                return [found]
            listed = await self._by_labels(search, labels)
        note_from_list()
        return listed

    async def _by_labels(
        self, search: SearchFilter, labels: Collection[str], *, is_optional: bool = False
    ) -> list[Listing]:
        """Lists by state and tags. ``is_optional`` as of HeldAnswers."""
        filters: list[tuple[str, ...]] = [(INCIDENT_LABEL, label) for label in labels]
        if not 0 < len(filters) <= MAX_LABEL_LISTS:
            filters = [(INCIDENT_LABEL,)]
        return [
            await self._tracker.listings.labelled(each, state=search.state, is_optional=is_optional)
            for each in filters
        ]


class _Head:
    """Where a listing has been read to."""

    __slots__ = ("_stream", "is_new", "page", "reach")

    def __init__(self, stream: AsyncGenerator[IssuePage, None]) -> None:
        self._stream = stream
        self.page: IssuePage | None = None
        self.reach = (sys.maxsize, 0)
        """The key of the last one that was read."""
        self.is_new = False

    @classmethod
    async def of(cls, stream: AsyncGenerator[IssuePage, None]) -> _Head:
        head = cls(stream)
        await head.go_on()
        return head

    async def go_on(self) -> None:
        """To the next page that lists anything; to none at the end."""
        self.page = None
        async for page in self._stream:
            if page.issues:
                self.page, self.is_new = page, True
                self.reach = min(self.reach, _age_key(page.issues[-1]))
                return

    def taken(self) -> IssuePage:
        assert self.page is not None
        self.is_new = False
        return self.page


def _matches(
    search: SearchFilter, shown: ShownPage, leave_out: Collection[int]
) -> Sequence[Incident]:
    """What matches of a page, without these numbers."""
    of_state = shown.of_state(is_open=search.state == "open")
    if search.is_plain and shown.numbers.isdisjoint(leave_out):
        return of_state
    return [
        each for each in of_state if each.number not in leave_out and incident_matches(search, each)
    ]


def _age_key(each: Issue | Incident) -> tuple[int, int]:
    return (each.created_at, each.number)


def _youth_key(each: Issue | Incident) -> tuple[int, int]:
    return (-each.created_at, -each.number)
