"""Incidents by what they are: searched, or all that stand. Lists, made true by what is later news.

GitHub's lists and its search each show what they know; what is news to them is read from the
issues themselves. All that is listed descends by age, so several lists are merged as they are
read, and no more of each is fetched than is asked for.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Sequence
from contextlib import aclosing
from typing import Final

from github_store.current_monitors import CurrentMonitors
from github_store.errors import GitHubUnavailable
from github_store.held_reads import note_from_list
from github_store.incident import INCIDENT_LABEL, Incident, incident_from, is_incident
from github_store.incident_news import IncidentNews
from github_store.issue_listings import Listing
from github_store.issue_tracker import IssueTracker
from github_store.newest_first import newest_first
from github_store.read_trace import Outcome, note_read
from github_store.records import Issue
from github_store.recurring_lines import RecurringLines
from github_store.search_query import (
    SearchFilter,
    incident_matches,
    issue_query,
    matches_but_for_tags,
)
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

    async def page(self, search: SearchFilter, *, page: int, per_page: int) -> list[Incident]:
        """Page ``page`` (from 1) of what matches, newest first; a page past the end is empty."""
        found: list[Incident] = []
        skipped = 0
        if search.matches_nothing:
            return found
        async with aclosing(self._matching(search)) as matching:
            async for incident in matching:
                if skipped < (page - 1) * per_page:
                    skipped += 1
                    continue
                found.append(incident)
                if len(found) == per_page:
                    break
        return found

    async def standing(self, *lists: tuple[str, int | None]) -> list[Issue]:
        """Incidents of a state that were updated since a time (seconds since 1970; None: ever),
        in any order. One that was changed lately may be of another state."""
        listings = [
            await self._tracker.listings.labelled(
                (INCIDENT_LABEL,), state=state, updated_since=since
            )
            for state, since in lists
        ]
        issues = await self._later_than(listings)
        for listing in listings:
            async with aclosing(listing.issues) as listed:
                async for issue in listed:
                    is_new = issue.number not in issues and is_incident(issue)
                    if is_new and await self._visible.is_listed(issue):
                        issues[issue.number] = issue
        return [issue for issue in issues.values() if issue]

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

        await asyncio.gather(*map(find, self._news.since(confirmed_at)))
        return issues

    async def _matching(self, search: SearchFilter) -> AsyncGenerator[Incident, None]:
        """Everything that matches, newest first: what GitHub finds, and what is later news."""
        listings = await self._listings(search)
        late = await self._later_than(listings)
        incidents = [incident_from(issue, self._monitors.now) for issue in late.values() if issue]
        recent = [incident for incident in incidents if incident_matches(search, incident)]
        recent.sort(key=_age_key, reverse=True)
        streams = [_each(recent), self._listed(search, listings, leave_out=late.keys())]
        async with aclosing(newest_first(streams, key=_age_key)) as merged:
            async for incident in merged:
                yield incident

    async def _listed(
        self, search: SearchFilter, listings: Sequence[Listing], *, leave_out: Collection[int]
    ) -> AsyncGenerator[Incident, None]:
        """What matches of the listings, each incident once, without the numbers to leave out."""
        seen = set(leave_out)
        merged = newest_first([listing.issues for listing in listings], key=_age_key)
        async with aclosing(merged) as candidates:
            async for issue in candidates:
                if issue.number in seen or not is_incident(issue):
                    continue
                seen.add(issue.number)
                if not matches_but_for_tags(search, issue):
                    continue
                incident = incident_from(issue, self._monitors.now)
                if incident_matches(search, incident) and await self._visible.is_listed(issue):
                    yield incident

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


def _age_key(each: Issue | Incident) -> tuple[int, int]:
    return (each.created_at, each.number)


async def _each(incidents: Sequence[Incident]) -> AsyncIterator[Incident]:
    for incident in incidents:
        yield incident
