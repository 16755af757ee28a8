"""The updates of incidents: comments by who may speak, and how one is published."""

from __future__ import annotations

import math
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from github_store.authors import Authors
from github_store.errors import GitHubUnavailable
from github_store.incident_news import IncidentNews
from github_store.issue_comments import IssueComments
from github_store.keyed_writes import KeyedWrite, KeyedWrites, RequestKey
from github_store.markers import read_hidden, write_hidden
from github_store.read_trace import Outcome, note_read
from github_store.records import Comment
from github_store.time_problems import mark_of
from github_store.visible_issues import VisibleIssues


@dataclass(frozen=True, slots=True)
class IncidentComment:
    """An update of an incident; ``created_at`` is seconds since 1970."""

    id: int
    body: str
    created_at: int

    def to_json(self) -> dict[str, Any]:
        """Kener's keys in Kener's order. Source: kener-apis.md, "Add Comment"."""
        return {"commentID": self.id, "body": self.body, "createdAt": self.created_at}


class IncidentUpdates:
    """Made for one event loop. Raises GitHubUnavailable where GitHub is out."""

    def __init__(
        self,
        comments: IssueComments,
        visible: VisibleIssues,
        news: IncidentNews,
        *,
        authors: Authors,
        keyed: KeyedWrites,
    ) -> None:
        self._comments = comments
        self._visible = visible
        self._news = news
        self._authors = authors
        self._keyed = keyed

    async def of(self, number: int) -> list[IncidentComment]:
        """All updates of an incident, oldest first. Raises IncidentNotFound.

        Notices about its times are none, whichever account this service had when it wrote them.
        """
        await self._visible.get(number)
        found = await self._comments.of(number)
        if found is None:  # gone, and no webhook has told yet
            await self._visible.get(number, renew=True)
            return []
        comments = {comment.id: comment for comment in found.comments}
        for comment_id in self._news.comments_since(number, found.confirmed_at):
            try:
                late = await self._comments.get(comment_id)
            except GitHubUnavailable:  # then the list has to do
                note_read(Outcome.OUTAGE, found.confirmed_at)
                continue
            comments.pop(comment_id, None)
            if late:
                comments[comment_id] = late
        seen = [
            await self._whole(comments[comment_id])
            for comment_id in sorted(comments)
            if await self._visible.is_listed(comments[comment_id])
        ]
        return [_shown(each) for each in seen if each and mark_of(each.body) is None]

    async def _whole(self, comment: Comment) -> Comment | None:
        """The comment of who may speak, which was cut where it was read before they might; None
        where it is gone, or GitHub is out."""
        if not comment.is_cut:
            return comment
        try:
            return await self._comments.whole(comment)
        except GitHubUnavailable:
            note_read(Outcome.OUTAGE, math.inf)
            return None

    async def publish(
        self, number: int, body: str, *, key: RequestKey | None = None
    ) -> IncidentComment:
        """Write an update; with a key once, however often it is asked for.

        Raises IncidentNotFound, and as ``IncidentStore.create``.
        """
        text, _ = read_hidden(body)  # only this program writes those

        async def send(*hidden: str) -> Comment:
            comment = await self._comments.add(number, write_hidden(text, hidden))
            self._authors.learn(comment.author)
            return comment

        def published(comment: Comment) -> IncidentComment:
            self._authors.recognise(comment.author)
            self._news.note_comment(number, comment.id)
            return _shown(comment)

        if key is None:
            await self._visible.get(number, renew=True)
            return published(await send())
        write = KeyedWrite(
            operation=f"comment on incident {number}",
            prepare=lambda: self._visible.get(number, renew=True),
            send=send,
            find=lambda hidden, since: self._find(number, hidden, since),
            answer=published,
            revive=lambda data: IncidentComment(**data),
        )
        return await self._keyed.once(key, write)

    async def _find(self, number: int, hidden: str, since: int) -> Comment | None:
        """The first comment by this service since then that has the hidden comment."""
        async with aclosing(self._comments.written_since(number, since)) as comments:
            async for comment in comments:
                is_ours = self._authors.is_own(comment.author) and comment.created_at >= since
                if is_ours and hidden in read_hidden(comment.body)[1]:
                    return comment
        return None


def _shown(comment: Comment) -> IncidentComment:
    return IncidentComment(comment.id, read_hidden(comment.body)[0], comment.created_at)
