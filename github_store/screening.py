"""The text of who may not speak for the project is dropped before anything is held.

Anybody can open issues and comment on a public repository, as often as they like, with 64 KiB and
more of text each. What they write is not shown, so it need not be kept: in memory, on the disk, or
for the next read. Should an author be trusted later, what was cut is read anew, one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from github_store.authors import Authors
from github_store.errors import GitHubUnavailable
from github_store.lean_answers import size_of, with_writings, without_text, writings_in
from github_store.reply import Reply


class Screening:
    """Made for one event loop."""

    def __init__(self, authors: Authors) -> None:
        self._authors = authors

    async def screened(self, path: str, reply: Reply) -> Reply:
        """An answer of this address, without the texts of who may not speak."""
        writings = writings_in(path, reply.data) if reply.ok else []
        if not writings:
            return reply
        seen = [await self.writing(each) for each in writings]
        if all(before is after for before, after in zip(writings, seen, strict=True)):
            return reply
        return replace(reply, data=with_writings(reply.data, seen), size=size_of(seen))

    async def writing(self, data: Any) -> Any:
        """One issue or comment likewise. Where GitHub does not tell, outsiders are not trusted."""
        if not isinstance(data, Mapping) or not (data.get("body") or data.get("title")):
            return data
        user = data.get("user")
        login = user.get("login") if isinstance(user, Mapping) else None
        association = data.get("author_association")
        if not isinstance(login, str | None) or not isinstance(association, str | None):
            return data
        try:
            is_trusted = await self._authors.trusted(login, association or "NONE")
        except GitHubUnavailable:
            is_trusted = False
        return data if is_trusted else without_text(data)
