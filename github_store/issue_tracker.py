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

from github_store.errors import AccessLost, Conflict, GitHubUnavailable, Unprocessable
from github_store.gateway import Gateway, Reply
from github_store.held_answers import HeldAnswers
from github_store.labels import label_key, label_keys
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
            await self._require_repository()
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

    async def comments(self, number: int) -> Comments:
        """All comments of an issue, oldest first."""
        path = self._comments_path(number)
        comments = [
            comment_from(data) async for reply in self._pages(path) for data in reply.data or ()
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

    async def create(self, *, title: str, body: str, labels: Iterable[str]) -> Issue:
        """Open an issue. Raises OutcomeUnknown where it may or may not have been opened."""
        reply = await self._write(
            "POST", self._path("/issues"), {"title": title, "body": body, "labels": list(labels)}
        )
        issue = _issue(reply.data)
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
        reply = await self._held.get(self._path(f"/issues/comments/{comment_id}"))
        if not reply.ok:
            await self._require_repository()
            return None
        return comment_from(reply.data)

    async def add_comment(self, number: int, body: str) -> Comment:
        """Comment on an issue."""
        path = self._path(f"/issues/{number}/comments")
        try:
            reply = await self._write("POST", path, {"body": body})
        finally:  # even a lost answer may have been a comment
            self._held.forget(self._comments_path(number))
        comment = comment_from(reply.data)
        self._held.put(self._path(f"/issues/comments/{comment.id}"), reply)
        return comment

    async def permission(self, login: str) -> str | None:
        """``admin``, ``write``, ``read`` or ``none``; None where we may not ask.

        Source: REST docs, "Get repository permissions for a user"; needs push access.
        """
        name = urllib.parse.quote(login, safe="")
        path = self._path(f"/collaborators/{name}/permission")
        reply = await self._gateway.request("GET", path, accept={403})
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
        _checked(first, accept={404, 410})
        return None

    async def _pages_from(self, reply: Reply) -> AsyncIterator[Reply]:
        yield reply
        while following := reply.next_url:
            reply = await self._held.get(self._gateway.absolute(following))
            if not reply.ok:
                raise GitHubUnavailable(f"GitHub answers {reply.status} for the next page")
            yield reply

    async def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Reply:
        return _checked(await self._gateway.request(method, path, body=dict(body)))

    async def _require_repository(self) -> None:
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
            self._held.forget(self._issue_path(number))

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
