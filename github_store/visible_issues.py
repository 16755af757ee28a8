"""The issues that are incidents and may be seen, and the writings of who may speak.

What is no incident (an ordinary issue, a pull request, a stranger's, what is deleted) is not there
for any operation: the API's token is no key to other issues.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

from github_store.authors import Authors
from github_store.errors import GitHubUnavailable, IncidentNotFound
from github_store.incident import is_incident
from github_store.issues import Issues
from github_store.records import MAX_NUMBER, Comment, Issue

log = logging.getLogger(__name__)

MAX_HIDDEN: Final = 2_000
HIDDEN_SECONDS: Final = 86_400.0


class VisibleIssues:
    """``clock`` gives seconds since 1970. Raises GitHubUnavailable where GitHub is out."""

    def __init__(self, issues: Issues, authors: Authors, *, clock: Callable[[], float]) -> None:
        self._issues = issues
        self._authors = authors
        self._hidden: TTLCache[int, bool] = TTLCache(MAX_HIDDEN, ttl=HIDDEN_SECONDS, timer=clock)

    @property
    def hidden_count(self) -> int:
        """Labelled issues lately met and not shown, because nobody with rights opened them."""
        return len(self._hidden)

    async def get(self, number: int, *, renew: bool = False) -> Issue:
        """The issue of an incident; ``renew`` asks GitHub now. Raises IncidentNotFound."""
        issue = await self.find(number, renew=renew)
        if issue is None:
            raise IncidentNotFound(number)
        return issue

    async def find(self, number: int, *, renew: bool = False) -> Issue | None:
        """As ``get``, with None where there is no such incident."""
        if not 0 < number <= MAX_NUMBER:
            return None
        issue = await self._issues.get(number, renew=renew)
        if issue is None or not is_incident(issue) or not await self.speaks(issue):
            return None
        if issue.is_cut:  # it was read before its author might speak
            self._issues.forget(number)
            issue = await self._issues.get(number)
            is_whole = issue is not None and is_incident(issue) and not issue.is_cut
            return issue if is_whole else None
        return issue

    async def whole(self, listed: Issue) -> Issue | None:
        """A listed issue that was cut, as it is, for its author may speak now.

        None where it is there no more.
        """
        issue = await self.find(listed.number)
        if issue and issue.updated_at < listed.updated_at:
            issue = await self.find(listed.number, renew=True)
        return issue

    async def is_listed(self, writing: Issue | Comment) -> bool:
        """As ``speaks``, for one of many: while GitHub is out they are given all the same, without
        those by outsiders of whom it has not told yet."""
        try:
            return await self.speaks(writing)
        except GitHubUnavailable:
            return False

    async def speaks(self, writing: Issue | Comment) -> bool:
        """Whether the author may speak for the project; hidden incidents are counted."""
        association, written_at = writing.author_association, writing.updated_at
        if await self._authors.trusted(writing.author, association, written_at=written_at):
            return True
        if isinstance(writing, Issue):
            self.hide(writing)
        return False

    def hide(self, issue: Issue) -> None:
        """Count an incident whose author may not speak, and say so once."""
        if issue.number not in self._hidden:
            self._hidden[issue.number] = True
            log.info(
                "issue %d is labelled as an incident but hidden: %s has no write access "
                "(see TRUSTED_AUTHORS)",
                issue.number,
                issue.author or "its deleted author",
            )
