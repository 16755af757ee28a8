"""Asks GitHub once a day and author whether the author may speak for the project."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cachetools import TTLCache

from github_store.issue_tracker import IssueTracker
from github_store.trust import Trust

REMEMBER_SECONDS = 86_400.0
MAX_AUTHORS = 10_000


class Authors:
    """Trust of issue and comment authors; the rules are in trust.py, the question here."""

    def __init__(self, tracker: IssueTracker, trust: Trust, *, clock: Callable[[], float]) -> None:
        self._tracker = tracker
        self._trust = trust
        self._permissions: TTLCache[str, str | None] = TTLCache(
            maxsize=MAX_AUTHORS, ttl=REMEMBER_SECONDS, timer=clock
        )
        self._asking: dict[str, asyncio.Lock] = {}

    async def trusted(self, author: str | None, association: str) -> bool:
        """Whether what this author wrote may be shown. Raises GitHubUnavailable."""
        verdict = self._trust.without_asking(author, association)
        if verdict is not None or author is None:
            return bool(verdict)
        permission = await self._permission(author)
        if permission is None:
            return self._trust.by_association(association)
        return self._trust.by_permission(permission)

    async def _permission(self, login: str) -> str | None:
        key = login.casefold()
        async with self._asking.setdefault(key, asyncio.Lock()):
            if key not in self._permissions:
                self._permissions[key] = await self._tracker.permission(login)
            self._asking.pop(key, None)
            return self._permissions[key]
