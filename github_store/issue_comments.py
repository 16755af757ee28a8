"""Comments of issues: an issue's list of them, single ones, and those that changed since."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from github_store.element_reader import ElementReader
from github_store.errors import GitHubUnavailable, OutcomeUnknown
from github_store.held_repository import PAGE_SIZE, HeldRepository
from github_store.records import Comment, comment_from, iso_from_seconds, seconds_from_iso
from github_store.told_state import ToldState


@dataclass(frozen=True, slots=True)
class Comments:
    """All comments of an issue, oldest first; ``confirmed_at`` as of a Listing."""

    comments: list[Comment]
    confirmed_at: float


class IssueComments:
    """One GitHub call per method, or page. Times are seconds since 1970."""

    def __init__(
        self, repository: HeldRepository, told: ToldState, *, clock: Callable[[], float]
    ) -> None:
        self._repository = repository
        self._told = told
        self._comments = ElementReader("comment", comment_from, clock=clock)
        self._updated = ElementReader("comment", _updated, clock=clock)
        self.failing = (self._comments.failing, self._updated.failing)

    async def of(self, number: int) -> Comments | None:
        """All comments of an issue; None where the issue is not there any more."""
        path = self._list_path(number)
        first = await self._repository.first_page(path)
        if first is None:
            return None
        comments = [
            comment
            async for reply in self._repository.pages_from(first)
            for comment in self._comments.all_of(reply.data)
        ]
        return Comments(comments, self._repository.confirmed_at(path))

    async def whole(self, cut: Comment) -> Comment | None:
        """A comment that was cut, now that its author may speak; None where it is gone."""
        comment = await self.get(cut.id)
        if comment and (comment.is_cut or comment.updated_at < cut.updated_at):
            self._repository.held.forget(self._path(cut.id))
            comment = await self.get(cut.id)
        return None if comment is None or comment.is_cut else comment

    async def get(self, comment_id: int) -> Comment | None:
        """One comment, None where it is gone."""
        path = self._path(comment_id)
        reply = await self._repository.held.get(path)
        if not reply.ok:
            await self._repository.believe_missing(reply)
            if self._told.is_told_gone(path):
                self._told.bury(path)
            return None
        try:
            return comment_from(reply.data)
        except (KeyError, TypeError, ValueError):
            raise GitHubUnavailable("GitHub's answer is no comment") from None

    async def add(self, number: int, body: str) -> Comment:
        """Comment on an issue. Raises OutcomeUnknown where it may or may not have happened."""
        path = self._repository.path(f"/issues/{number}/comments")
        try:
            reply = await self._repository.write("POST", path, {"body": body})
        finally:  # even a lost answer may have been a comment
            self._repository.held.distrust(self._list_path(number))
        try:
            comment = comment_from(reply.data)
        except (KeyError, TypeError, ValueError):
            raise OutcomeUnknown("GitHub's answer is no comment") from None
        self._told.answered(self._path(comment.id), reply, before=None)
        return comment

    async def edit(self, number: int, comment_id: int, body: str) -> None:
        """Change a comment's text; one that is gone stays gone."""
        await self._change("PATCH", number, comment_id, {"body": body})

    async def remove(self, number: int, comment_id: int) -> None:
        """Delete a comment; somebody else having done so is as good."""
        await self._change("DELETE", number, comment_id)

    async def _change(
        self, method: str, number: int, comment_id: int, body: Mapping[str, str] | None = None
    ) -> None:
        path = self._path(comment_id)
        try:
            await self._repository.write(method, path, body, accept={404})
        finally:
            self._repository.held.distrust(path)
            self._repository.held.distrust(self._list_path(number))

    async def written_since(self, number: int, since: int) -> AsyncGenerator[Comment, None]:
        """Comments of an issue updated since then, oldest first, asked past what is held."""
        path = self._repository.path(
            f"/issues/{number}/comments", since=iso_from_seconds(since), per_page=PAGE_SIZE
        )
        async for reply in self._repository.pages_anew(path):
            for comment in self._comments.all_of(reply.data):
                yield comment

    async def updated_since(self, since: int) -> list[tuple[int, int, Mapping[str, Any], int]]:
        """Issue, id, data and time of update of every comment updated since, asked now."""
        path = self._repository.path(
            "/issues/comments",
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

    def take(self, comment_id: int, data: Mapping[str, Any], *, is_read_now: bool = False) -> None:
        """Hold a comment as somebody else was told it is; see told_state.py. Raises KeyError,
        TypeError or ValueError for what is none."""
        comment_from(data)
        self._told.take(self._path(comment_id), data, is_read_now=is_read_now)

    def is_in_question(self, comment_id: int) -> bool:
        """Whether the next read asks GitHub anyway, since what is known was doubted."""
        held = self._repository.held.peek(self._path(comment_id))
        return held is not None and held.is_distrusted

    def note_gone(self, comment_id: int) -> None:
        """Somebody says that the comment is gone."""
        self._told.note_gone(self._path(comment_id))

    def distrust(self, comment_id: int) -> None:
        """Let the next read ask GitHub; what is held is given only while it is out."""
        self._repository.held.distrust(self._path(comment_id))

    def _path(self, comment_id: int) -> str:
        return self._repository.path(f"/issues/comments/{comment_id}")

    def _list_path(self, number: int) -> str:
        return self._repository.path(f"/issues/{number}/comments", per_page=PAGE_SIZE)


def _updated(data: Mapping[str, Any]) -> tuple[int, int, Mapping[str, Any], int]:
    number = int(data["issue_url"].rsplit("/", 1)[1])
    return number, int(data["id"]), data, seconds_from_iso(data["updated_at"])
