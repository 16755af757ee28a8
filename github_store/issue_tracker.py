"""The issues of one repository: reads through what is held, writes straight to GitHub.

One GitHub call per method. Knows labels, states and comments, not incidents.
"""

from __future__ import annotations

import math
import urllib.parse
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from github_store.errors import (
    AccessLost,
    Conflict,
    GitHubUnavailable,
    OutcomeUnknown,
    Unprocessable,
)
from github_store.gateway import Gateway, Reply
from github_store.held_answers import HeldAnswers
from github_store.labels import INCIDENT_LABEL, label_key, label_keys
from github_store.records import (
    Comment,
    Issue,
    comment_from,
    iso_from_seconds,
    issue_from,
    seconds_from_iso,
)

PAGE_SIZE = 100
"""GitHub's largest page."""
MAX_DISPUTED = 10_000
"""So many issues and comments are remembered as told differently for one second."""
CLOCKS_DIFFER_SECONDS = 60
_NOT_HERE = frozenset({301, 302, 307, 308, 404, 410})
"""A transferred issue's listings redirect into its new repository."""
_GONE = Reply(410, {}, {"message": "gone, a webhook said"})


@dataclass(frozen=True, slots=True)
class Listing:
    """Issues, newest first, fetched page by page as asked for; to be closed by its reader.

    ``confirmed_at``: when GitHub confirmed the oldest page of it that is held, seconds since 1970;
    infinite where none is.
    """

    issues: AsyncGenerator[Issue, None]
    confirmed_at: float


@dataclass(frozen=True, slots=True)
class Comments:
    """All comments of an issue, oldest first; ``confirmed_at`` as of a Listing."""

    comments: list[Comment]
    confirmed_at: float


class IssueTracker:
    """Issues, their labels and comments. Raises GitHubUnavailable where GitHub is out."""

    def __init__(self, gateway: Gateway, held: HeldAnswers) -> None:
        self._gateway = gateway
        self._held = held
        self._disputed: LRUCache[str, int] = LRUCache(MAX_DISPUTED)
        self._labels_changed_at = -1

    @property
    def repository_name(self) -> str:
        """``owner/name`` as of now."""
        return self._gateway.repository_name

    async def issue(self, number: int, *, renew: bool = False) -> Issue | None:
        """The issue, or None where it does not exist, was deleted or transferred away.

        A missing issue is believed only while the repository itself answers: lost access
        looks just the same.
        """
        reply = await self._held.get(self._issue_path(number), renew=renew)
        if not reply.ok:
            await self._require_repository(reply)
            return None
        issue = _issue(reply.data)
        return issue if self._is_ours(issue) else None

    async def issues(
        self, *, state: str, labels: Iterable[str], updated_since: int | None = None
    ) -> Listing:
        """Issues that carry all ``labels``, newest first.

        ``updated_since`` leaves out what was not updated since then (seconds since 1970).
        """
        since = {} if updated_since is None else {"since": iso_from_seconds(updated_since)}
        path = self._path(
            "/issues",
            state=state,
            labels=",".join(labels),
            sort="created",
            direction="desc",
            per_page=str(PAGE_SIZE),
            **since,
        )
        first = await self._first_page(path)
        return self._listing(path, self._listed(first) if first else _nothing())

    async def search(self, query: str) -> Listing:
        """What GitHub's issue search finds in this repository, newest first, at most 1,000.

        A search that is refused (422), does not exist (404) or ran out of time is an outage:
        the issue list can answer as well, and completely.
        """
        parameters = {"q": query, "sort": "created", "order": "desc", "per_page": str(PAGE_SIZE)}
        path = f"/search/issues?{urllib.parse.urlencode(parameters)}"
        first = await self._held.get(path)
        if not first.ok:
            raise GitHubUnavailable(f"GitHub's search answers {first.status} {first.message}")
        _check_complete(first)
        return self._listing(path, self._found(first))

    async def _listed(self, first: Reply) -> AsyncGenerator[Issue, None]:
        async for reply in self._pages_from(first):
            for data in reply.data:
                yield _issue(data)

    async def _found(self, first: Reply) -> AsyncGenerator[Issue, None]:
        async for reply in self._pages_from(first):
            _check_complete(reply)
            for data in reply.data["items"]:
                issue = _issue(data)
                if self._is_ours(issue):
                    yield issue

    def _listing(self, path: str, issues: AsyncGenerator[Issue, None]) -> Listing:
        return Listing(issues, self._confirmed_at(path))

    def _confirmed_at(self, path: str) -> float:
        """When the oldest page of a listing that is held was confirmed; infinite without any."""
        confirmed_at = math.inf
        following: str | None = path
        while following and (held := self._held.peek(following)):
            confirmed_at = min(confirmed_at, held.at)
            following = held.reply.next_url and self._gateway.absolute(held.reply.next_url)
        return confirmed_at

    async def comments(self, number: int) -> Comments | None:
        """All comments of an issue, oldest first; None where the issue is not there any more."""
        path = self._comments_path(number)
        first = await self._first_page(path)
        if first is None:
            return None
        comments = [
            comment_from(data)
            async for reply in self._pages_from(first)
            for data in reply.data or ()
        ]
        return Comments(comments, self._confirmed_at(path))

    async def labelled_at(self, number: int, label: str) -> int | None:
        """When a label was last put on an issue, seconds since 1970; None if never.

        An issue's labels carry no time, its events do.
        """
        path = self._path(f"/issues/{number}/events", per_page=str(PAGE_SIZE))
        last: int | None = None
        async for reply in self._pages(path):
            for event in reply.data or ():
                name = (event.get("label") or {}).get("name", "")
                if event.get("event") == "labeled" and label_key(name) == label_key(label):
                    last = seconds_from_iso(event["created_at"])
        return last

    async def closings(self, number: int) -> list[int]:
        """When an issue was closed, each time, asked anew; seconds since 1970.

        Raises GitHubUnavailable on a server that gives no events.
        """
        path = self._path(f"/issues/{number}/events", per_page=str(PAGE_SIZE))
        return [
            seconds_from_iso(event["created_at"])
            async for reply in self._pages_anew(path)
            for event in reply.data or ()
            if event.get("event") == "closed"
        ]

    async def written_since(self, since: int) -> AsyncGenerator[Issue, None]:
        """Issues of any state updated since then (seconds since 1970), newest first, asked anew."""
        path = self._path(
            "/issues",
            state="all",
            since=iso_from_seconds(since),
            sort="created",
            direction="desc",
            per_page=str(PAGE_SIZE),
        )
        async for reply in self._pages_anew(path):
            for data in reply.data or ():
                yield _issue(data)

    async def comments_since(self, number: int, since: int) -> AsyncGenerator[Comment, None]:
        """Comments of an issue updated since then, oldest first, asked anew."""
        path = self._path(
            f"/issues/{number}/comments", since=iso_from_seconds(since), per_page=str(PAGE_SIZE)
        )
        async for reply in self._pages_anew(path):
            for data in reply.data or ():
                yield comment_from(data)

    async def create(self, *, title: str, body: str, labels: Iterable[str]) -> Issue:
        """Open an issue. Raises OutcomeUnknown where it may or may not have been opened."""
        reply = await self._write(
            "POST", self._path("/issues"), {"title": title, "body": body, "labels": list(labels)}
        )
        try:
            issue = _issue(reply.data)
        except GitHubUnavailable as error:
            raise OutcomeUnknown(str(error)) from None
        self._held.put(self._issue_path(issue.number), reply)
        return issue

    async def edit(self, number: int, changes: Mapping[str, Any]) -> Issue:
        """Change title, body or state, and nothing else."""
        with self._distrusted(number):
            reply = await self._write("PATCH", self._issue_path(number), dict(changes))
        self._held.put(self._issue_path(number), reply)
        return _issue(reply.data)

    async def add_labels(self, number: int, labels: Iterable[str]) -> None:
        """Put labels on an issue beside those that are there."""
        path = f"{self._issue_path(number)}/labels"
        with self._distrusted(number):
            await self._write("POST", path, {"labels": list(labels)})

    async def remove_label(self, number: int, label: str) -> None:
        """Take one label off; somebody else having taken it off already is as good."""
        name = urllib.parse.quote(label, safe="")
        path = f"{self._issue_path(number)}/labels/{name}"
        with self._distrusted(number):
            _checked(await self._gateway.request("DELETE", path), accept={404})

    async def comment(self, comment_id: int) -> Comment | None:
        """One comment, None where it is gone."""
        reply = await self._held.get(self._comment_path(comment_id))
        if not reply.ok:
            await self._require_repository(reply)
            return None
        return comment_from(reply.data)

    async def add_comment(self, number: int, body: str) -> Comment:
        """Comment on an issue."""
        path = self._path(f"/issues/{number}/comments")
        try:
            reply = await self._write("POST", path, {"body": body})
        finally:  # even a lost answer may have been a comment
            self._held.distrust(self._comments_path(number))
        try:
            comment = comment_from(reply.data)
        except (KeyError, TypeError, ValueError):
            raise OutcomeUnknown("GitHub's answer is no comment") from None
        self._held.put(self._comment_path(comment.id), reply)
        return comment

    async def issues_since(self, since: int) -> list[tuple[int, Mapping[str, Any], int]]:
        """Number, data and time of update of every issue updated since (seconds since 1970)."""
        path = self._path(
            "/issues",
            state="all",
            sort="updated",
            direction="asc",
            since=iso_from_seconds(since),
            per_page=str(PAGE_SIZE),
        )
        return [
            (int(data["number"]), data, seconds_from_iso(data["updated_at"]))
            async for reply in self._renewed_pages(path)
            for data in reply.data
        ]

    async def all_comments_since(self, since: int) -> list[tuple[int, int, Mapping[str, Any], int]]:
        """Issue, id, data and time of update of every comment updated since."""
        path = self._path(
            "/issues/comments",
            sort="updated",
            direction="asc",
            since=iso_from_seconds(since),
            per_page=str(PAGE_SIZE),
        )
        return [
            (
                int(data["issue_url"].rsplit("/", 1)[1]),
                int(data["id"]),
                data,
                seconds_from_iso(data["updated_at"]),
            )
            async for reply in self._renewed_pages(path)
            for data in reply.data
        ]

    async def all_numbers(self) -> frozenset[int]:
        """The numbers of all incidents there are, whoever opened them."""
        path = self._path("/issues", state="all", labels=INCIDENT_LABEL, per_page=str(PAGE_SIZE))
        return frozenset(
            [
                int(data["number"])
                async for reply in self._renewed_pages(path)
                for data in reply.data
            ]
        )

    def held_numbers(self) -> frozenset[int]:
        """The numbers of the incidents that are held."""
        prefix = self._path("/issues/")
        held = (self._held.peek(path) for path in self._held.paths() if path.startswith(prefix))
        return frozenset(
            int(each.reply.data["number"])
            for each in held
            if each and each.reply.ok and _is_labelled(each.reply.data)
        )

    def forget_issue(self, number: int) -> None:
        """Let the next read ask GitHub."""
        self._held.forget(self._issue_path(number))

    async def _renewed_pages(self, path: str) -> AsyncIterator[Reply]:
        """Every page of a listing, asked now, conditionally where it is held."""
        following: str | None = path
        while following:
            reply = await self._held.get(following, renew=True)
            if not reply.ok:
                await self._require_repository()
                return
            yield reply
            following = reply.next_url and self._gateway.absolute(reply.next_url)

    def note_labels_changed(self, *, told_at: float) -> None:
        """A label was changed: payloads from before that, however late they come, name the old one.

        A label carries no time of its own, so it is when it was told, seconds since 1970.
        """
        self._labels_changed_at = int(told_at) + CLOCKS_DIFFER_SECONDS

    def take_issue(self, number: int, data: Mapping[str, Any]) -> None:
        """Hold an issue as somebody else was told it is."""
        self._take(self._issue_path(number), data)

    def bury_issue(self, number: int) -> None:
        """The issue is gone for good: its number is never given again."""
        self._held.put(self._issue_path(number), _GONE)

    def take_comment(self, comment_id: int, data: Mapping[str, Any]) -> None:
        """Hold a comment as somebody else was told it is."""
        self._take(self._comment_path(comment_id), data)

    def bury_comment(self, comment_id: int) -> None:
        """The comment is gone for good."""
        self._held.put(self._comment_path(comment_id), _GONE)

    def _take(self, path: str, data: Mapping[str, Any]) -> None:
        """Newer data replaces older; of the same second neither is believed, and GitHub is asked.

        Raises KeyError, TypeError or ValueError for what has no ``updated_at``.
        """
        updated_at = seconds_from_iso(data["updated_at"])
        held = self._held.peek(path)
        if held is None:
            if updated_at <= self._disputed.get(path, -1):
                return
        elif not held.reply.ok:
            if held.reply.status == 410:
                return
        else:
            known_at = seconds_from_iso(held.reply.data["updated_at"])
            if updated_at < known_at:
                return
            if updated_at == known_at:
                if _shown(held.reply.data) != _shown(data):
                    self._dispute(path, updated_at)
                return
        if updated_at <= self._labels_changed_at:
            self._dispute(path, updated_at)
            return
        self._held.put(path, Reply(200, {}, dict(data), len(str(data))))

    def _dispute(self, path: str, updated_at: int) -> None:
        """Believe nothing that is told of this second or before: let GitHub be asked."""
        self._disputed[path] = max(updated_at, self._disputed.get(path, -1))
        self._held.forget(path)

    async def permission(self, login: str) -> str | None:
        """``admin``, ``write``, ``read`` or ``none``; None where we may not ask.

        Source: REST docs, "Get repository permissions for a user"; needs push access.
        """
        name = urllib.parse.quote(login, safe="")
        path = self._path(f"/collaborators/{name}/permission")
        try:
            reply = await self._held.get(path, accept={403}, renew=True)
        except GitHubUnavailable:  # what it said last holds, from before a restart as well
            known = self._held.peek(path)
            if known is None:
                raise
            reply = known.reply
        if not reply.ok or not isinstance(reply.data, dict):
            return None
        permission = reply.data.get("permission")
        return permission if isinstance(permission, str) else None

    async def label_keys(self) -> frozenset[str]:
        """The names of the repository's labels, as ``label_key`` compares them."""
        path = self._path("/labels", per_page=str(PAGE_SIZE))
        return label_keys(
            [data["name"] async for reply in self._pages(path) for data in reply.data or ()]
        )

    async def create_label(self, *, name: str, color: str, description: str) -> None:
        """Create a label; one that somebody created meanwhile is as good."""
        body = {"name": name, "color": color, "description": description}
        _checked(
            await self._gateway.request("POST", self._path("/labels"), body=body), accept={422}
        )
        self._held.forget(self._path("/labels", per_page=str(PAGE_SIZE)))

    async def _pages(self, path: str) -> AsyncIterator[Reply]:
        """Every page of a listing, following ``rel="next"`` as GitHub gives it.

        A listing that is not there is empty; one that breaks off in the middle is an outage.
        """
        if first := await self._first_page(path):
            async for reply in self._pages_from(first):
                yield reply

    async def _first_page(self, path: str) -> Reply | None:
        first = await self._held.get(path)
        if first.ok:
            return first
        await self._require_repository()
        _checked(first, accept=_NOT_HERE)
        return None

    async def _pages_anew(self, path: str) -> AsyncIterator[Reply]:
        """Every page of a listing as GitHub gives it now, past what is held.

        Raises GitHubUnavailable where one is not there.
        """
        following: str | None = path
        while following:
            reply = await self._gateway.request("GET", following)
            if not reply.ok:
                raise GitHubUnavailable(f"GitHub answers {reply.status} for a listing")
            yield reply
            following = reply.next_url and self._gateway.absolute(reply.next_url)

    async def _pages_from(self, reply: Reply) -> AsyncIterator[Reply]:
        yield reply
        while following := reply.next_url:
            reply = await self._held.get(self._gateway.absolute(following))
            if not reply.ok:
                raise GitHubUnavailable(f"GitHub answers {reply.status} for the next page")
            yield reply

    async def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Reply:
        return _checked(await self._gateway.request(method, path, body=dict(body)))

    async def _require_repository(self, missing: Reply | None = None) -> None:
        """Believe that something is missing only while the repository answers.

        What a webhook said is gone needs no second witness.
        """
        if missing is not None and missing.data == _GONE.data:
            return
        reply = await self._held.get(self._gateway.repository)
        if not reply.ok:
            raise AccessLost(
                f"the repository {self.repository_name} is not there for this credential"
            )

    def _is_ours(self, issue: Issue) -> bool:
        """Whether an answer is of this repository: a transferred issue answers from another."""
        own = f"/repos/{self.repository_name}".casefold()
        return issue.repository_url.casefold().endswith(own) or not issue.repository_url

    @contextmanager
    def _distrusted(self, number: int) -> Iterator[None]:
        """While an issue is written and after: what was held of it may be what it was before."""
        try:
            yield
        finally:
            self._held.distrust(self._issue_path(number))

    def _comment_path(self, comment_id: int) -> str:
        return self._path(f"/issues/comments/{comment_id}")

    def _comments_path(self, number: int) -> str:
        return self._path(f"/issues/{number}/comments", per_page=str(PAGE_SIZE))

    def _issue_path(self, number: int) -> str:
        return self._path(f"/issues/{number}")

    def _path(self, path: str, **parameters: str) -> str:
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        return f"{self._gateway.repository}{path}{query}"


def _issue(data: Any) -> Issue:
    try:
        return issue_from(data)
    except (KeyError, TypeError, ValueError):
        raise GitHubUnavailable("GitHub's answer is no issue") from None


def _shown(data: Mapping[str, Any]) -> tuple[Any, ...]:
    """What of an issue or comment is read here."""
    labels = [
        label if isinstance(label, str) else label["name"] for label in data.get("labels", ())
    ]
    keys = ("title", "body", "state", "closed_at")
    return (*(data.get(key) for key in keys), sorted(labels))


def _is_labelled(data: Any) -> bool:
    """Whether held data is that of an issue labelled as an incident."""
    if not isinstance(data, dict) or "number" not in data:
        return False
    names = [label if isinstance(label, str) else label["name"] for label in data.get("labels", ())]
    return INCIDENT_LABEL in label_keys(names)


async def _nothing() -> AsyncGenerator[Issue, None]:
    none: tuple[Issue, ...] = ()
    for issue in none:
        yield issue


def _check_complete(reply: Reply) -> None:
    if reply.data.get("incomplete_results"):
        raise GitHubUnavailable("GitHub's search ran out of time")


def _checked(reply: Reply, *, accept: frozenset[int] | set[int] = frozenset()) -> Reply:
    """A write's answer, or the error that it means."""
    if reply.ok or reply.status in accept:
        return reply
    if reply.status == 409:
        raise Conflict(f"GitHub reports a conflict: {reply.message}")
    if reply.status == 422:
        raise Unprocessable(f"GitHub refuses the content: {_reason(reply)}")
    if reply.status in {404, 410}:
        raise AccessLost(
            f"GitHub answers {reply.status} to a write: the issue is gone, issues are switched "
            "off, or the credential lacks the permission Issues: read and write"
        )
    raise GitHubUnavailable(f"GitHub answers {reply.status} to a write")


def _reason(reply: Reply) -> str:
    errors = reply.data.get("errors", ()) if isinstance(reply.data, dict) else ()
    texts = [e.get("message") or e.get("code") for e in errors if isinstance(e, dict)]
    return "; ".join(str(text) for text in texts if text) or reply.message
