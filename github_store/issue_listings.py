"""Listings of issues: by label and state, by GitHub's search, and of what changed since."""

from __future__ import annotations

import urllib.parse
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from github_store.current_labels import CurrentLabels
from github_store.element_reader import ElementReader
from github_store.errors import GitHubUnavailable
from github_store.gateway import Reply
from github_store.held_repository import PAGE_SIZE, HeldRepository
from github_store.issue_numbers import IssueNumbers
from github_store.issue_pages import IssuePage, IssuePages
from github_store.issues import issue_of
from github_store.labels import INCIDENT_LABEL
from github_store.records import Issue, iso_from_seconds, seconds_from_iso

MOST_FOUND: Final = 1_000
"""GitHub's search gives no more than these, whatever it finds."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Pages of issues, newest first, fetched as asked for; to be closed by its reader.

    ``confirmed_at``: when GitHub confirmed the oldest page of it that is held, seconds since 1970;
    infinite where none is.
    """

    pages: AsyncGenerator[IssuePage, None]
    confirmed_at: float


class IssueListings:
    """Knows labels, states and times, not incidents. Times are seconds since 1970."""

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
        self._pages = IssuePages(repository, numbers, labels, clock=clock)
        self._written = ElementReader("issue", self._seen, clock=clock)
        self._updated = ElementReader("issue", _updated, clock=clock)
        self._numbered = ElementReader("issue", _number, clock=clock)
        readers = (self._written, self._updated, self._numbered)
        self.failing = (self._pages.failing, *(each.failing for each in readers))

    async def labelled(
        self,
        labels: Iterable[str],
        *,
        state: str,
        updated_since: int | None = None,
        is_optional: bool = False,
    ) -> Listing:
        """Issues that carry all ``labels``, newest first.

        ``updated_since`` leaves out what was not updated since then. ``is_optional`` as of
        HeldAnswers.
        """
        since = {} if updated_since is None else {"since": iso_from_seconds(updated_since)}
        path = self._labelled_path(labels, state=state, **since)
        first = await self._repository.first_page(path, is_optional=is_optional)
        return self._listing(path, first)

    def is_at_hand(self, labels: Iterable[str], *, state: str) -> bool:
        """Whether ``labelled`` is held whole, and may be given without asking GitHub."""
        return self._pages.is_at_hand(self._labelled_path(labels, state=state))

    async def search(self, query: str, *, is_optional: bool = True) -> Listing | None:
        """What GitHub's issue search finds in this repository, newest first; None where that is
        more than it gives.

        A search that is refused (422), does not exist (404) or ran out of time is an outage:
        the issue list can answer as well, and completely. ``is_optional`` as of HeldAnswers.
        """
        path = self._search_path(query)
        first = await self._repository.held.get(path, is_optional=is_optional)
        if not first.ok:
            raise GitHubUnavailable(f"GitHub's search answers {first.status} {first.message}")
        if first.data.get("incomplete_results"):
            raise GitHubUnavailable("GitHub's search ran out of time")
        if first.data["total_count"] > MOST_FOUND:
            return None
        return self._listing(path, first)

    def is_found(self, query: str) -> bool:
        """Whether an answer to ``search`` is held, however old."""
        held = self._repository.held.peek(self._search_path(query))
        return held is not None and held.reply.ok

    async def written_since(self, since: int) -> AsyncGenerator[Issue, None]:
        """Issues of any state updated since then, newest first, asked past what is held."""
        path = self._repository.path(
            "/issues",
            state="all",
            since=iso_from_seconds(since),
            sort="created",
            direction="desc",
            per_page=PAGE_SIZE,
        )
        async for reply in self._repository.pages_anew(path):
            for issue in self._written.all_of(reply.data):
                yield issue

    async def updated_since(self, since: int) -> list[tuple[int, Mapping[str, Any], int]]:
        """Number, data and time of update of every issue updated since, asked now."""
        path = self._repository.path(
            "/issues",
            state="all",
            sort="updated",
            direction="asc",
            since=iso_from_seconds(since),
            per_page=PAGE_SIZE,
        )
        return [
            updated
            async for reply in self._repository.pages_renewed(path)
            for updated in self._updated.all_of(reply.data)
        ]

    async def incident_numbers(self) -> frozenset[int]:
        """The numbers of all incidents there are, whoever opened them, asked now."""
        path = self._repository.path(
            "/issues",
            state="all",
            labels=self._labels.now.of(INCIDENT_LABEL),
            per_page=PAGE_SIZE,
        )
        pages = self._repository.pages_renewed(path)
        return frozenset([n async for reply in pages for n in self._numbered.all_of(reply.data)])

    def _seen(self, data: Any) -> Issue:
        issue = issue_of(data, self._labels.now)
        self._numbers.note(issue.number)
        return issue

    def _labelled_path(self, labels: Iterable[str], *, state: str, **more: str) -> str:
        return self._repository.path(
            "/issues",
            state=state,
            labels=",".join(map(self._labels.now.of, labels)),
            sort="created",
            direction="desc",
            per_page=PAGE_SIZE,
            **more,
        )

    def _search_path(self, query: str) -> str:
        parameters = {"q": query, "sort": "created", "order": "desc", "per_page": PAGE_SIZE}
        return f"/search/issues?{urllib.parse.urlencode(parameters)}"

    def _listing(self, path: str, first: Reply | None) -> Listing:
        pages = self._pages.from_first(path, first) if first else _nothing()
        return Listing(pages, self._pages.confirmed_at(path))


async def _nothing() -> AsyncGenerator[IssuePage, None]:
    none: tuple[IssuePage, ...] = ()
    for page in none:
        yield page


def _number(data: Mapping[str, Any]) -> int:
    return int(data["number"])


def _updated(data: Mapping[str, Any]) -> tuple[int, Mapping[str, Any], int]:
    return _number(data), data, seconds_from_iso(data["updated_at"])
