"""Our one comment on an issue that says which of its times cannot be used.

It is known by our login and its hidden mark alone, so that it is found again by any later process.
GitHub has no conditional write for comments: of two that two processes wrote in the same moment,
each of them takes away all but the oldest.
"""

from __future__ import annotations

from github_store.authors import Authors
from github_store.issue_comments import IssueComments
from github_store.records import Comment
from github_store.time_problems import mark_of


class IssueNotices:
    """Made for one event loop. Raises GitHubUnavailable where GitHub is out."""

    def __init__(self, comments: IssueComments, authors: Authors) -> None:
        self._comments = comments
        self._authors = authors

    async def marks(self, number: int) -> list[str]:
        """Of all notices on an issue; none where it is gone."""
        found = await self._comments.of(number)
        comments = found.comments if found else []
        return [mark_of(each.body) or "" for each in comments if self._is_notice(each)]

    async def put(self, number: int, text: str | None) -> None:
        """Let ``text`` be the only notice on an issue, None for no notice at all.

        What other processes wrote up to now is taken into account.
        """
        there = await self._now(number)
        if text is not None and not there:
            comment = await self._comments.add(number, text)
            self._authors.learn(comment.author)
            there = await self._now(number)
        elif text is not None and mark_of(there[0].body) != mark_of(text):
            await self._comments.edit(number, there[0].id, text)
        for each in there[0 if text is None else 1 :]:
            await self._comments.remove(number, each.id)

    async def _now(self, number: int) -> list[Comment]:
        """The notices on an issue, the oldest first, asked past what is held."""
        comments = self._comments.written_since(number, 0)
        found = [each async for each in comments if self._is_notice(each)]
        return sorted(found, key=lambda each: each.id)

    def _is_notice(self, comment: Comment) -> bool:
        return mark_of(comment.body) is not None and self._authors.is_own(comment.author)
