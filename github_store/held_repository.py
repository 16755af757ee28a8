"""One repository as its resources: read through what is held, written straight to GitHub.

Listings are followed page by page in the three ways there are: as they are held, asked anew
conditionally, or past everything that is held.
"""

from __future__ import annotations

import asyncio
import math
import urllib.parse
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Final

from github_store.errors import AccessLost, Conflict, GitHubUnavailable, Unprocessable
from github_store.gateway import Gateway, Reply
from github_store.held_answers import HeldAnswers

PAGE_SIZE: Final = "100"
"""GitHub's largest page."""
GONE: Final = Reply(410, {}, {"message": "gone, a webhook said, and GitHub confirmed"})

_NOT_HERE: Final = frozenset({301, 302, 307, 308, 404, 410})
"""A transferred issue's listings redirect into its new repository."""


class HeldRepository:
    """Made for one event loop. Raises GitHubUnavailable where GitHub is out."""

    def __init__(self, gateway: Gateway, held: HeldAnswers) -> None:
        self._gateway = gateway
        self.held = held

    @property
    def name(self) -> str:
        """``owner/name`` as of now."""
        return self._gateway.repository_name

    def path(self, below: str, **parameters: str) -> str:
        """The address of a resource of the repository, with its query."""
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        return f"{self._gateway.repository}{below}{query}"

    async def believe_missing(self, reply: Reply | None = None) -> None:
        """Believe that something is missing only while the repository itself answers: lost access
        looks just the same. Raises AccessLost.

        What was confirmed to be gone needs no second witness.
        """
        if reply is not None and reply.data == GONE.data:
            return
        if not (await self.held.get(self._gateway.repository)).ok:
            raise AccessLost(f"the repository {self.name} is not there for this credential")

    async def write(
        self, method: str, path: str, body: Any = None, *, accept: Collection[int] = ()
    ) -> Reply:
        """Send a write; its answer, or the error that it means. ``accept``: statuses as good."""
        return _checked(await self._gateway.request(method, path, body=body), accept=accept)

    # listings ---------------------------------------------------------------------------------

    async def first_page(self, path: str, *, is_optional: bool = False) -> Reply | None:
        """The first page as it is held; None where what it would list is not there.

        ``is_optional`` as of HeldAnswers.
        """
        first = await self.held.get(path, is_optional=is_optional)
        if first.ok:
            return first
        await self.believe_missing()
        _checked(first, accept=_NOT_HERE)
        return None

    async def pages_from(self, first: Reply) -> AsyncIterator[Reply]:
        """This page and all that follow it (``rel="next"``) as they are held.

        A listing that breaks off in the middle is an outage.
        """
        reply, seen = first, set[str]()
        yield reply
        while following := self.following(reply, seen):
            await asyncio.sleep(0)  # a list of many pages that are held shall not stop the others
            reply = await self.held.get(following)
            if not reply.ok:
                raise GitHubUnavailable(f"GitHub answers {reply.status} for the next page")
            yield reply

    async def pages(self, path: str) -> AsyncIterator[Reply]:
        """Every page as it is held; none where what it would list is not there."""
        if first := await self.first_page(path):
            async for reply in self.pages_from(first):
                yield reply

    async def pages_renewed(self, path: str) -> AsyncIterator[Reply]:
        """Every page asked now, conditionally where it is held."""
        following: str | None = path
        seen = {path}
        while following:
            reply = await self.held.get(following, renew=True)
            if not reply.ok:
                await self.believe_missing()
                return
            yield reply
            following = self.following(reply, seen)

    async def pages_anew(self, path: str) -> AsyncIterator[Reply]:
        """Every page as GitHub gives it now, past what is held.

        Raises GitHubUnavailable where one is not there.
        """
        following: str | None = path
        seen = {path}
        while following:
            reply = await self._gateway.request("GET", following)
            if not reply.ok:
                raise GitHubUnavailable(f"GitHub answers {reply.status} for a listing")
            yield reply
            following = self.following(reply, seen)

    def confirmed_at(self, path: str) -> float:
        """When the oldest page that is held was confirmed; infinite without any."""
        confirmed_at = math.inf
        following: str | None = path
        seen = {path}
        while following and (held := self.held.peek(following)):
            confirmed_at = min(confirmed_at, held.at)
            following = self.following(held.reply, seen)
        return confirmed_at

    def distrust_pages(self, path: str) -> None:
        """Let every page that is held be asked for before it is given, see HeldAnswers."""
        following: str | None = path
        seen = {path}
        while following and (held := self.held.peek(following)):
            self.held.distrust(following)
            following = self.following(held.reply, seen)

    def is_at_hand(self, path: str) -> bool:
        """Whether every page is held, and may be given without asking GitHub."""
        following: str | None = path
        seen = {path}
        while following:
            held = self.held.peek(following)
            if held is None or not self.held.is_fresh(following):
                return False
            following = self.following(held.reply, seen)
        return True

    def following(self, reply: Reply, seen: set[str]) -> str | None:
        """The next page, which is none of those ``seen``: pages that go in a circle would be read
        for ever. Raises GitHubUnavailable, also for what is no address of the API."""
        following = reply.next_url and self._gateway.path_of(reply.next_url)
        if following in seen:
            raise GitHubUnavailable("GitHub's pages go in a circle")
        if following:
            seen.add(following)
        return following


def _checked(reply: Reply, *, accept: Collection[int]) -> Reply:
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
    errors = _errors(reply.data)
    texts = [e.get("message") or e.get("code") for e in errors if isinstance(e, Mapping)]
    return "; ".join(str(text) for text in texts if text) or reply.message


def _errors(data: Any) -> Collection[Any]:
    errors = data.get("errors") if isinstance(data, dict) else None
    return errors if isinstance(errors, list) else ()
