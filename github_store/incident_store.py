"""Incidents kept as GitHub issues: the operations of Kener's API on them.

What the API wrote, or a webhook told, is visible in the very next read (incident_news.py).

Every write first reads its issue anew, and writes only what changes: labels one by one, adding
first, so that a label somebody puts on in the same second survives; title, text and state last,
in one request whose answer is the issue as it then is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Hashable, Iterable
from contextlib import aclosing
from typing import Any
from weakref import WeakValueDictionary

from github_store.authors import Authors
from github_store.current_monitors import CurrentMonitors
from github_store.errors import AccessLost, IncidentEdited
from github_store.held_answers import HeldAnswers
from github_store.held_results import HeldResults
from github_store.incident import (
    RESOLVED_LABEL,
    Impact,
    Incident,
    IncidentFields,
    incident_etag,
    is_incident,
    issue_body,
    labels_for,
)
from github_store.incident_changes import IssueChanges, StatusUpdate, checked, replaced, updated
from github_store.incident_lists import IncidentLists
from github_store.incident_news import IncidentNews
from github_store.incident_updates import IncidentComment, IncidentUpdates
from github_store.issue_tracker import IssueTracker
from github_store.keyed_writes import KeyedWrite, KeyedWrites, RequestKey
from github_store.labels import INCIDENT_LABEL, label_key, label_keys
from github_store.listeners import tell_all
from github_store.markers import read_markup
from github_store.precedence import incident_write
from github_store.records import Issue
from github_store.repository_labels import LabelHealth, RepositoryLabels
from github_store.search_query import SearchFilter
from github_store.visible_issues import VisibleIssues

log = logging.getLogger(__name__)


class IncidentStore:
    """Incidents of one repository. Made for one event loop.

    Every method raises GitHubUnavailable where GitHub is out.
    """

    def __init__(
        self,
        tracker: IssueTracker,
        *,
        monitors: CurrentMonitors,
        authors: Authors,
        labels: RepositoryLabels,
        keyed: KeyedWrites,
        held: HeldAnswers,
        clock: Callable[[], float],
    ) -> None:
        self._tracker = tracker
        self._monitors = monitors
        self._authors = authors
        self._labels = labels
        self._keyed = keyed
        self._clock = clock
        self.news = IncidentNews(clock=clock, renew_lists=held.expire)
        self._visible = VisibleIssues(tracker.issues, authors, clock=clock)
        self._lists = IncidentLists(tracker, self._visible, self.news, monitors)
        self._updates = IncidentUpdates(
            tracker.comments, self._visible, self.news, authors=authors, keyed=keyed
        )
        self.listeners: list[Callable[[Incident], None]] = []
        """Called with every incident as it is after a write of ours."""
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._results = HeldResults(held, edition=lambda: self.revision, weigh=_weight)

    @property
    def revision(self) -> Hashable:
        """Equal while incidents depend on nothing new but what is held of GitHub: whatever is
        derived from them is keyed by it."""
        names = self._tracker.names.now
        return self.news.edition, self._monitors.now, self._authors.edition, names

    @property
    def hidden_count(self) -> int:
        """Labelled issues lately met and not shown, because nobody with rights opened them."""
        return self._visible.hidden_count

    async def ensure_labels(self) -> None:
        """Create every label of ours that is missing. Raises AccessLost where it may not be."""
        await self._labels.ensure()

    async def look_at_labels(self) -> bool:
        """Follow what was renamed and make what was deleted; whether any label is another."""
        return await self._labels.look()

    @property
    def label_health(self) -> LabelHealth:
        return self._labels.health

    # reading ----------------------------------------------------------------------------------

    async def get(self, number: int) -> Incident:
        """One incident. Raises IncidentNotFound."""

        async def read() -> Incident:
            return self._incident_from(await self._visible.get(number))

        return await self._results.get(number, read)

    async def search(self, search: SearchFilter, *, page: int, per_page: int) -> list[Incident]:
        """Page ``page`` (from 1) of what matches, newest first; a page past the end is empty.

        Not to be changed: the next search may be answered with the same list.
        """
        return await self._results.get(
            (search, page, per_page),
            lambda: self._lists.page(search, page=page, per_page=per_page),
        )

    async def comments(self, number: int) -> list[IncidentComment]:
        """All updates by trusted authors, oldest first. Raises IncidentNotFound."""
        return await self._updates.of(number)

    async def standing(self, *, updated_since: int) -> list[tuple[Incident, int]]:
        """Every incident that is open or was updated since, and when it was updated last.

        Times are seconds since 1970; the order says nothing.
        """
        standing = await self._lists.standing(("open", None), ("closed", updated_since))
        return [(incident, issue.updated_at) for incident, issue in standing]

    async def open_incidents(self) -> list[Incident]:
        """Every open incident, in any order."""
        standing = await self._lists.standing(("open", None))
        return [incident for incident, _ in standing if incident.is_open]

    async def issues(self, state: str, *, updated_since: int | None = None) -> list[Issue]:
        """The issues of all incidents of a state (``open``, ``closed``), in any order.

        ``updated_since``: seconds since 1970. One changed lately may be of the other state.
        """
        return [issue for _, issue in await self._lists.standing((state, updated_since))]

    async def issue_now(self, number: int) -> Issue | None:
        """An incident's issue as GitHub gives it now; None where it is no incident."""
        return await self._visible.find(number, renew=True)

    async def resolved_at(self, incident: Incident) -> int | None:
        """When ``resolved`` was last put on an incident, seconds since 1970."""
        return await self._tracker.events.labelled_at(incident.number, RESOLVED_LABEL)

    # writing ----------------------------------------------------------------------------------

    async def create(self, fields: IncidentFields, *, key: RequestKey | None = None) -> Incident:
        """Open an incident; with a key once, however often it is asked for.

        Raises InvalidEnd, and OutcomeUnknown where it may or may not have been opened. With a key
        KeyReused, and OutcomePending in its place.
        """
        fields = checked(fields)
        labels = labels_for(fields, on_creation=True)

        async def send(*hidden: str) -> Issue:
            body = issue_body(fields, hidden=hidden)
            issue = await self._tracker.issues.create(title=fields.title, body=body, labels=labels)
            self._authors.learn(issue.author)
            return issue

        if key is None:
            with incident_write():
                await self._labels.ensure(labels)
                return self._opened(await send(), labels)
        taken_back: set[int] = set()

        async def find(hidden: str, since: int) -> Issue | None:
            issue = await self._find_opened(hidden, since)
            if issue and not is_incident(issue) and await self._was_incident(issue.number):
                taken_back.add(issue.number)
            return issue

        def answer(issue: Issue) -> Incident:
            if issue.number in taken_back:
                return self._incident_from(issue)
            return self._opened(issue, labels)

        write = KeyedWrite(
            operation="create an incident",
            prepare=lambda: self._labels.ensure(labels),
            send=send,
            find=find,
            answer=answer,
            revive=_revived,
        )
        with incident_write():
            return await self._keyed.once(key, write)

    async def replace(
        self, number: int, fields: IncidentFields, *, if_match: Collection[str] | None = None
    ) -> Incident:
        """Write all fields anew; what is left out is cleared, labels that are not ours stay.

        ``if_match``: only where the incident's ETag is one of these. Raises IncidentNotFound,
        InvalidEnd and IncidentEdited.
        """
        fields = checked(fields)
        with incident_write():
            async with self._lock(number):
                issue = await self._read_to_write(number, if_match)
                changes = replaced(issue, fields, self._monitors.now, now=self._clock())
                return await self._write(issue, changes)

    async def update_status(
        self, number: int, update: StatusUpdate, *, if_match: Collection[str] | None = None
    ) -> Incident:
        """Change progress labels and end time, and nothing else.

        Raises IncidentNotFound, InvalidEnd for an end at or before the stored start, and
        IncidentEdited as ``replace`` does.
        """
        with incident_write():
            async with self._lock(number):
                issue = await self._read_to_write(number, if_match)
                return await self._write(issue, updated(issue, update, now=self._clock()))

    async def add_comment(
        self, number: int, body: str, *, key: RequestKey | None = None
    ) -> IncidentComment:
        """Publish an update. Raises IncidentNotFound, and what ``create`` raises."""
        with incident_write():
            return await self._updates.publish(number, body, key=key)

    async def close_ended(self, number: int, *, end: int) -> bool:
        """Close an open incident that ended at ``end``, seconds since 1970; False where another
        end stands there by now.

        One that was closed at or after its end stays open: somebody opened it again. Raises
        IncidentNotFound.
        """
        async with self._lock(number):
            issue = await self._visible.get(number, renew=True)
            if not issue.is_open:
                return True
            if read_markup(issue.body).end != end:
                return False
            if all(at < end for at in await self._tracker.events.closings(number)):
                self.news.note(number)
                closed = {"state": "closed", "state_reason": "completed"}
                await self._tracker.issues.edit(number, closed)
                log.info("incident %d is closed: it ended at %d", number, end)
            return True

    async def close(self, *, grace_seconds: float = 1.0) -> None:
        """Let writes with a key end in time, and let go of their intents."""
        await self._keyed.close(grace_seconds=grace_seconds)

    async def _read_to_write(self, number: int, if_match: Collection[str] | None) -> Issue:
        issue = await self._visible.get(number, renew=True)
        if if_match is not None and incident_etag(self._incident_from(issue)) not in if_match:
            raise IncidentEdited(number)
        return issue

    async def _write(self, issue: Issue, changes: IssueChanges) -> Incident:
        """Carry out changes of one issue, and answer with the incident as it then is."""
        number, labels = issue.number, changes.labels
        if not changes:
            return self._incident_from(issue)
        self.news.note(number)
        if labels.add:
            await self._labels.ensure(labels.add)
            await self._tracker.issues.add_labels(number, labels.add)
        for label in labels.remove:
            await self._tracker.issues.remove_label(number, label)
        if changes.edits:
            return self._written(await self._tracker.issues.edit(number, changes.edits))
        return self._written(await self._visible.get(number, renew=True))

    def _opened(self, issue: Issue, labels: Iterable[str]) -> Incident:
        """The incident that an issue just opened is. Raises AccessLost where it is none."""
        self.news.note(issue.number)
        self._authors.recognise(issue.author)
        if not is_incident(issue):
            there = label_keys(issue.labels)
            dropped = [each for each in labels if label_key(each) not in there]
            raise AccessLost(
                f"GitHub opened issue {issue.number} but dropped its labels "
                f"({', '.join(dropped)}): the token needs the permission Issues: read and write, "
                "and its account write access to the repository"
            )
        return self._written(issue)

    async def _find_opened(self, hidden: str, since: int) -> Issue | None:
        """The first issue by this service since then that has the hidden comment."""
        found: Issue | None = None
        async with aclosing(self._tracker.listings.written_since(since)) as issues:
            async for issue in issues:
                is_ours = self._authors.is_own(issue.author) and issue.created_at >= since
                if is_ours and hidden in read_markup(issue.body).hidden:
                    found = issue  # the list is newest first; a copy of it is younger
        return found

    async def _was_incident(self, number: int) -> bool:
        """Whether the label was there once: then a maintainer took it off, and GitHub did not."""
        return await self._tracker.events.labelled_at(number, INCIDENT_LABEL) is not None

    def _written(self, issue: Issue) -> Incident:
        incident = self._incident_from(issue)
        tell_all(self.listeners, incident)
        return incident

    def _incident_from(self, issue: Issue) -> Incident:
        return self._lists.incident(issue)

    def _lock(self, number: int) -> asyncio.Lock:
        """One write at a time per issue, so that no two of ours mix."""
        lock = self._locks.get(number)
        if lock is None:
            lock = self._locks[number] = asyncio.Lock()
        return lock


def _weight(found: Incident | list[Incident]) -> int:
    """Bytes of a result, about."""
    incidents = [found] if isinstance(found, Incident) else found
    return sum(64 + len(each.body) for each in incidents)


def _revived(data: dict[str, Any]) -> Incident:
    """An incident from the JSON of its fields."""
    impact = data["impact"]
    return Incident(
        **{**data, "tags": tuple(data["tags"]), "impact": impact and Impact(impact)},
    )
