"""Asks GitHub once a day and author whether the author may speak for the project.

While GitHub is out, what it said of an author last still holds: an outage must not empty the page.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from cachetools import LRUCache

from github_store.collaborators import Collaborators
from github_store.errors import GitHubUnavailable
from github_store.trust import Trust

log = logging.getLogger(__name__)

REMEMBER_SECONDS = 86_400.0
MAX_AUTHORS = 10_000


@dataclass(frozen=True, slots=True)
class _Answer:
    """``permission`` is None where GitHub would not tell; ``at`` is seconds since 1970."""

    permission: str | None
    at: float


class Authors:
    """Trust of issue and comment authors; the rules are in trust.py, the question here."""

    def __init__(
        self, collaborators: Collaborators, trust: Trust, *, clock: Callable[[], float]
    ) -> None:
        self._collaborators = collaborators
        self._trust = trust
        self._clock = clock
        self._known: LRUCache[str, _Answer] = LRUCache(MAX_AUTHORS)
        self._asking: dict[str, asyncio.Lock] = {}
        self.edition = 0
        """Another one once somebody else is trusted unasked."""

    async def trusted(self, author: str | None, association: str) -> bool:
        """Whether what this author wrote may be shown. Raises GitHubUnavailable."""
        verdict = self._trust.without_asking(author, association)
        if verdict is not None or author is None:
            return bool(verdict)
        permission = await self._permission(author)
        if permission is None:
            return self._trust.by_association(association)
        return self._trust.by_permission(permission)

    def is_own(self, login: str | None) -> bool:
        """Whether ``login`` is this service's own account."""
        own = {each.casefold() for each in self._trust.own_logins}
        return login is not None and login.casefold() in own

    def recognise(self, login: str | None) -> None:
        """``login`` stands as the author of what this service just wrote: it is this service.

        ``GET /user`` is refused to an App's token, so the name known from the start may be wrong.
        """
        if login is None or self._trust.without_asking(login, ""):
            return
        log.warning(
            "this service writes as %s: name it in TRUSTED_AUTHORS, or after a restart what it "
            "wrote may be hidden",
            login,
        )
        self._trust = replace(self._trust, own_logins=self._trust.own_logins | {login})
        self.edition += 1

    async def _permission(self, login: str) -> str | None:
        key = login.casefold()
        async with self._asking.setdefault(key, asyncio.Lock()):
            try:
                if not self._is_known(key):
                    self._known[key] = _Answer(
                        await self._collaborators.permission(login), self._clock()
                    )
            except GitHubUnavailable:
                if key not in self._known:
                    raise
            finally:
                self._asking.pop(key, None)
            return self._known[key].permission

    def _is_known(self, key: str) -> bool:
        answer = self._known.get(key)
        return answer is not None and 0 <= self._clock() - answer.at < REMEMBER_SECONDS
