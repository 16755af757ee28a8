"""Incidents kept as GitHub issues: the operations of Kener's API on them.

What the API wrote, or a webhook told, is visible in the very next read. GitHub's lists lag by
seconds and its search by a minute, a single issue does not: so a list that was confirmed before
two minutes after the news leaves these issues to the issues themselves.

Every write first reads its issue anew, and writes only what changes: labels one by one, adding
first, so that a label somebody puts on in the same second survives; title, text and state last,
in one request whose answer is the issue as it then is.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from cachetools import LRUCache, TTLCache

from github_store.authors import Authors
from github_store.errors import (
    AccessLost,
    GitHubUnavailable,
    IncidentEdited,
    IncidentNotFound,
    InvalidEnd,
)
from github_store.held_answers import HeldAnswers
from github_store.held_results import HeldResults
from github_store.incident import (
    INCIDENT_LABEL,
    RESOLVED_LABEL,
    Impact,
    Incident,
    IncidentFields,
    LabelChanges,
    incident_etag,
    incident_from,
    is_incident,
    issue_body,
    label_changes,
    labels_for,
    status_label_changes,
    with_markers_applied,
)
from github_store.issue_tracker import IssueTracker, Listing
from github_store.keyed_writes import KeyedWrite, KeyedWrites, RequestKey
from github_store.labels import label_key, label_keys
from github_store.markers import read_hidden, read_markup, replace_end, write_hidden
from github_store.monitor import Monitors
from github_store.newest_first import newest_first
from github_store.records import Comment, Issue
from github_store.repository_labels import RepositoryLabels
from github_store.search_query import SearchFilter, incident_matches, issue_query

log = logging.getLogger(__name__)

LAG_SECONDS = 120.0
"""How long GitHub's lists and search may miss a write."""
MAX_RECENT = 2_000
MAX_NUMBER = 2**31 - 1
"""GitHub's issue numbers are signed 32-bit; nothing larger can exist."""
MAX_LABEL_LISTS = 5
"""So many lists are merged for a search by tags; for more, the whole list is cheaper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUpdate:
    """What a status update changes; None leaves a field as it is. The end is seconds since 1970."""

    is_identified: bool | None = None
    is_resolved: bool | None = None
    end_datetime: int | None = None


@dataclass(frozen=True, slots=True)
class IncidentComment:
    """An update of an incident; ``created_at`` is seconds since 1970."""

    id: int
    body: str
    created_at: int

    def to_json(self) -> dict[str, Any]:
        """Kener's keys in Kener's order. Source: kener-apis.md, "Add Comment"."""
        return {"commentID": self.id, "body": self.body, "createdAt": self.created_at}


class IncidentStore:
    """Incidents of one repository. Made for one event loop."""

    def __init__(
        self,
        tracker: IssueTracker,
        *,
        monitors: Monitors,
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
        self._news: LRUCache[int, float] = LRUCache(MAX_RECENT)
        self._comment_news: LRUCache[int, dict[int, float]] = LRUCache(MAX_RECENT)
        self.writes = 0
        """How often incidents were written here: whoever derives from them can tell its age."""
        self.listeners: list[Callable[[Incident], None]] = []
        """Called with every incident as it is after a write of ours."""
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._hidden: TTLCache[int, bool] = TTLCache(MAX_RECENT, ttl=86_400.0, timer=clock)
        self._results = HeldResults(
            held, edition=lambda: (self.writes, monitors.edition, authors.edition)
        )

    @property
    def hidden_count(self) -> int:
        """Labelled issues lately met and not shown, because nobody with rights opened them."""
        return len(self._hidden)

    async def ensure_labels(self) -> None:
        """Create every label of ours that is missing. Raises AccessLost where it may not be."""
        await self._labels.ensure()

    async def get(self, number: int) -> Incident:
        """One incident. Raises IncidentNotFound, and GitHubUnavailable where GitHub is out."""

        async def read() -> Incident:
            return self._incident_from(await self._issue(number, renew=False))

        return await self._results.get(number, read)

    async def create(self, fields: IncidentFields, *, key: RequestKey | None = None) -> Incident:
        """Open an incident; with a key once, however often it is asked for.

        Raises InvalidEnd, and OutcomeUnknown where it may or may not have been opened. With a key
        KeyReused, and OutcomePending in its place.
        """
        fields = _checked(fields)
        labels = labels_for(fields, on_creation=True)

        async def send(*hidden: str) -> Issue:
            body = issue_body(fields, hidden=hidden)
            return await self._tracker.create(title=fields.title, body=body, labels=labels)

        if key is None:
            await self._labels.ensure(labels)
            return self._opened(await send(), labels)
        write = KeyedWrite(
            operation="create an incident",
            prepare=lambda: self._labels.ensure(labels),
            send=send,
            find=self._find_issue,
            answer=lambda issue: self._opened(issue, labels),
            revive=_revived,
        )
        return await self._keyed.once(key, write)

    async def replace(
        self, number: int, fields: IncidentFields, *, if_match: Collection[str] | None = None
    ) -> Incident:
        """Write all fields anew; what is left out is cleared, labels that are not ours stay.

        ``if_match``: only where the incident's ETag is one of these. Raises IncidentNotFound,
        InvalidEnd and IncidentEdited.
        """
        fields = _checked(fields)
        async with self._lock(number):
            issue = await self._issue(number, renew=True)
            self._require_match(issue, if_match)
            hidden = read_markup(issue.body).hidden
            changes: dict[str, Any] = {}
            if fields.title != issue.title:
                changes["title"] = fields.title
            if (body := issue_body(fields, hidden=hidden)) != issue.body:
                changes["body"] = body
            labels = label_changes(issue.labels, fields, self._monitors)
            return await self._write(issue, labels, changes, end=fields.end_datetime)

    async def update_status(
        self, number: int, update: StatusUpdate, *, if_match: Collection[str] | None = None
    ) -> Incident:
        """Change progress labels and end time, and nothing else.

        Raises IncidentNotFound, InvalidEnd for an end at or before the stored start, and
        IncidentEdited as ``replace`` does.
        """
        async with self._lock(number):
            issue = await self._issue(number, renew=True)
            self._require_match(issue, if_match)
            changes: dict[str, Any] = {}
            if (end := update.end_datetime) is not None:
                _check_end(read_markup(issue.body).start, end)
                if (body := replace_end(issue.body, end)) != issue.body:
                    changes["body"] = body
            labels = status_label_changes(
                issue.labels, is_identified=update.is_identified, is_resolved=update.is_resolved
            )
            return await self._write(issue, labels, changes, end=end)

    async def search(self, search: SearchFilter, *, page: int, per_page: int) -> list[Incident]:
        """Page ``page`` (from 1) of what matches, newest first; a page past the end is empty.

        Not to be changed: the next search may be answered with the same list.
        """
        return await self._results.get(
            (search, page, per_page), lambda: self._search(search, page=page, per_page=per_page)
        )

    async def _search(self, search: SearchFilter, *, page: int, per_page: int) -> list[Incident]:
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

    async def standing(self, *, updated_since: int) -> list[tuple[Incident, int]]:
        """Every incident that is open or was updated since, and when it was updated last.

        Times are seconds since 1970; the order says nothing.
        """
        issues = await self._standing(("open", None), ("closed", updated_since))
        return [(self._incident_from(issue), issue.updated_at) for issue in issues]

    async def open_incidents(self) -> list[Incident]:
        """Every open incident, in any order."""
        issues = await self._standing(("open", None))
        return [self._incident_from(issue) for issue in issues if issue.is_open]

    async def close_ended(self, number: int, *, end: int) -> bool:
        """Close an open incident that ended at ``end``, seconds since 1970; False where another
        end stands there by now.

        One that was closed at or after its end stays open: somebody opened it again. Raises
        IncidentNotFound and GitHubUnavailable.
        """
        async with self._lock(number):
            issue = await self._issue(number, renew=True)
            if not issue.is_open:
                return True
            if read_markup(issue.body).end != end:
                return False
            if all(at < end for at in await self._tracker.closings(number)):
                self.note_news(number)
                await self._tracker.edit(number, {"state": "closed", "state_reason": "completed"})
                log.info("incident %d is closed: it ended at %d", number, end)
            return True

    async def _standing(self, *lists: tuple[str, int | None]) -> list[Issue]:
        """Incidents by their state and by when they were updated last, news included."""
        listings = [
            await self._tracker.issues(state=state, labels=(INCIDENT_LABEL,), updated_since=since)
            for state, since in lists
        ]
        late = self._later_than(listings)
        issues = {number: await self._issue_or_none(number) for number in late}
        for listing in listings:
            async with aclosing(listing.issues) as listed:
                async for issue in listed:
                    is_news = issue.number not in issues and is_incident(issue)
                    if is_news and await self._speaks(issue):
                        issues[issue.number] = issue
        return [issue for issue in issues.values() if issue]

    async def resolved_at(self, incident: Incident) -> int | None:
        """When ``resolved`` was last put on an incident, seconds since 1970."""
        return await self._tracker.labelled_at(incident.number, RESOLVED_LABEL)

    async def comments(self, number: int) -> list[IncidentComment]:
        """All updates by trusted authors, oldest first. Raises IncidentNotFound."""
        await self._issue(number, renew=False)
        found = await self._tracker.comments(number)
        if found is None:  # gone, and no webhook has told yet
            await self._issue(number, renew=True)
            return []
        comments = {comment.id: comment for comment in found.comments}
        for comment_id, at in self._comment_news.get(number, {}).items():
            if at + LAG_SECONDS <= found.confirmed_at:
                continue
            comments.pop(comment_id, None)
            if late := await self._tracker.comment(comment_id):
                comments[comment_id] = late
        return [
            _incident_comment(comments[comment_id])
            for comment_id in sorted(comments)
            if await self._speaks(comments[comment_id])
        ]

    async def add_comment(
        self, number: int, body: str, *, key: RequestKey | None = None
    ) -> IncidentComment:
        """Publish an update. Raises IncidentNotFound, and what ``create`` raises."""
        text, _ = read_hidden(body)  # only this program writes those

        async def send(*hidden: str) -> Comment:
            return await self._tracker.add_comment(number, write_hidden(text, hidden))

        def published(comment: Comment) -> IncidentComment:
            self._authors.recognise(comment.author)
            self.note_comment(number, comment.id)
            return _incident_comment(comment)

        if key is None:
            await self._issue(number, renew=True)
            return published(await send())
        write = KeyedWrite(
            operation=f"comment on incident {number}",
            prepare=lambda: self._issue(number, renew=True),
            send=send,
            find=lambda hidden, since: self._find_comment(number, hidden, since),
            answer=published,
            revive=lambda data: IncidentComment(**data),
        )
        return await self._keyed.once(key, write)

    async def close(self, *, grace_seconds: float = 1.0) -> None:
        """Let writes with a key end in time, and let go of their intents."""
        await self._keyed.close(grace_seconds=grace_seconds)

    def note_news(self, number: int) -> None:
        """An issue was changed, here or as a webhook told: lists may not show it yet."""
        self._news[number] = self._clock()
        self.writes += 1

    def note_everything(self) -> None:
        """Whoever derives from incidents has to derive anew."""
        self.writes += 1

    def note_comment(self, number: int, comment_id: int) -> None:
        """A comment was written, changed or deleted: the issue's list may not show it yet."""
        self._comment_news[number] = {
            **self._comment_news.get(number, {}),
            comment_id: self._clock(),
        }

    async def _write(
        self, issue: Issue, labels: LabelChanges, changes: dict[str, Any], *, end: int | None
    ) -> Incident:
        """Carry out changes of one issue, and answer with the incident as it then is.

        A closed incident is opened again only where the request itself ends it in the future.
        """
        number = issue.number
        if end is not None and end > self._clock() and not issue.is_open:
            changes["state"] = "open"
        if not (changes or labels.add or labels.remove):
            return self._incident_from(issue)
        self.note_news(number)
        if labels.add:
            await self._labels.ensure(labels.add)
            await self._tracker.add_labels(number, labels.add)
        for label in labels.remove:
            await self._tracker.remove_label(number, label)
        if changes:
            return self._written(await self._tracker.edit(number, changes))
        return self._written(await self._issue(number, renew=True))

    def _opened(self, issue: Issue, labels: Iterable[str]) -> Incident:
        """The incident that an issue just opened is. Raises AccessLost where it is none."""
        self.note_news(issue.number)
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

    def _written(self, issue: Issue) -> Incident:
        incident = self._incident_from(issue)
        for listener in self.listeners:
            listener(incident)
        return incident

    def _require_match(self, issue: Issue, etags: Collection[str] | None) -> None:
        if etags is not None and incident_etag(self._incident_from(issue)) not in etags:
            raise IncidentEdited(issue.number)

    async def _find_issue(self, hidden: str, since: int) -> Issue | None:
        """The first issue by this service since then that has the hidden comment."""
        found: Issue | None = None
        async with aclosing(self._tracker.written_since(since)) as issues:
            async for issue in issues:
                is_ours = self._authors.is_own(issue.author) and issue.created_at >= since
                if is_ours and hidden in read_markup(issue.body).hidden:
                    found = issue  # the list is newest first; a copy of it is younger
        return found

    async def _find_comment(self, number: int, hidden: str, since: int) -> Comment | None:
        """The first comment by this service since then that has the hidden comment."""
        async with aclosing(self._tracker.comments_since(number, since)) as comments:
            async for comment in comments:
                is_ours = self._authors.is_own(comment.author) and comment.created_at >= since
                if is_ours and hidden in read_hidden(comment.body)[1]:
                    return comment
        return None

    def _later_than(self, listings: Iterable[Listing]) -> frozenset[int]:
        """The issues whose news these listings may not show yet."""
        confirmed_at = min((listing.confirmed_at for listing in listings), default=math.inf)
        return frozenset(
            number for number, at in self._news.items() if at + LAG_SECONDS > confirmed_at
        )

    async def _matching(self, search: SearchFilter) -> AsyncGenerator[Incident, None]:
        """Everything that matches, newest first: what GitHub finds, and what is later news."""
        listings = await self._listings(search)
        late = self._later_than(listings)
        issues = await asyncio.gather(*map(self._issue_or_none, late))
        incidents = [self._incident_from(issue) for issue in issues if issue]
        recent = [incident for incident in incidents if incident_matches(search, incident)]
        recent.sort(key=_age_key, reverse=True)
        streams = [_each(recent), self._found(search, listings, leave_out=late)]
        async with aclosing(newest_first(streams, key=_age_key)) as merged:
            async for incident in merged:
                yield incident

    async def _found(
        self, search: SearchFilter, listings: Sequence[Listing], *, leave_out: frozenset[int]
    ) -> AsyncGenerator[Incident, None]:
        """What GitHub finds, each incident once, without the numbers to leave out."""
        seen = set(leave_out)
        listed = newest_first([listing.issues for listing in listings], key=_age_key)
        async with aclosing(listed) as candidates:
            async for issue in candidates:
                if issue.number in seen or not is_incident(issue):
                    continue
                seen.add(issue.number)
                incident = self._incident_from(issue)
                if incident_matches(search, incident) and await self._speaks(issue):
                    yield incident

    async def _listings(self, search: SearchFilter) -> list[Listing]:
        """Listings among which all matching incidents are.

        Titles and dates are GitHub's search to answer; while it can't, the list is read through.
        """
        labels = self._monitors.labels_of(search.tags)
        if search.tags and not labels:
            return []
        if search.needs_search:
            query = issue_query(self._tracker.repository_name, search, labels=labels)
            try:
                return [await self._tracker.search(query)]
            except GitHubUnavailable as error:
                log.warning("GitHub's search is out (%s): reading the issue list instead", error)
        filters: list[tuple[str, ...]] = [(INCIDENT_LABEL, label) for label in labels]
        if not 0 < len(filters) <= MAX_LABEL_LISTS:
            filters = [(INCIDENT_LABEL,)]
        return [await self._tracker.issues(state=search.state, labels=each) for each in filters]

    async def _issue_or_none(self, number: int) -> Issue | None:
        try:
            return await self._issue(number, renew=False)
        except IncidentNotFound:
            return None

    async def _issue(self, number: int, *, renew: bool) -> Issue:
        """The issue of an incident that may be seen and written. Raises IncidentNotFound."""
        if not 0 < number <= MAX_NUMBER:
            raise IncidentNotFound(number)
        issue = await self._tracker.issue(number, renew=renew)
        if issue is None or not is_incident(issue) or not await self._speaks(issue):
            raise IncidentNotFound(number)
        return issue

    async def _speaks(self, writing: Issue | Comment) -> bool:
        """Whether the author may speak for the project; hidden incidents are counted."""
        if await self._authors.trusted(writing.author, writing.author_association):
            return True
        if isinstance(writing, Issue) and writing.number not in self._hidden:
            self._hidden[writing.number] = True
            log.info(
                "issue %d is labelled as an incident but hidden: %s has no write access "
                "(see TRUSTED_AUTHORS)",
                writing.number,
                writing.author or "its deleted author",
            )
        return False

    def _incident_from(self, issue: Issue) -> Incident:
        return incident_from(issue, self._monitors)

    def _lock(self, number: int) -> asyncio.Lock:
        """One write at a time per issue, so that no two of ours mix."""
        lock = self._locks.get(number)
        if lock is None:
            lock = self._locks[number] = asyncio.Lock()
        return lock


def _checked(fields: IncidentFields) -> IncidentFields:
    """The fields with the markers of their own text applied. Raises InvalidEnd."""
    fields = with_markers_applied(fields)
    if fields.end_datetime is not None:
        _check_end(fields.start_datetime, fields.end_datetime)
    return fields


def _check_end(start: int | None, end: int) -> None:
    if start is not None and end <= start:
        raise InvalidEnd(start=start, end=end)


def _incident_comment(comment: Comment) -> IncidentComment:
    return IncidentComment(comment.id, read_hidden(comment.body)[0], comment.created_at)


def _revived(data: dict[str, Any]) -> Incident:
    """An incident from the JSON of its fields."""
    impact = data["impact"]
    return Incident(
        **{**data, "tags": tuple(data["tags"]), "impact": impact and Impact(impact)},
    )


def _age_key(each: Issue | Incident) -> tuple[int, int]:
    return (each.created_at, each.number)


async def _each(incidents: Sequence[Incident]) -> AsyncIterator[Incident]:
    for incident in incidents:
        yield incident
