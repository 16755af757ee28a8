"""Asks GitHub once a day and author whether the author may speak for the project.

Somebody who was trusted and may not write any more publishes nothing new for long: what was written
or edited since GitHub was asked lets it be asked again minutes later, and a webhook that tells of
changed rights (``expire``) within half a minute.

While GitHub is out, what it said of an author last still holds: an outage must not empty the page.

Which account is this service's own GitHub tells, or does not: then it is not known before the first
write. Until then any bot may be it, for one purpose: to find again by its hidden mark what may have
been written (keyed_writes.py). Why that is safe:

* Only a token of an App (a workflow's is one) may not ask who it is, and what Apps write is by a
  login that ends in ``[bot]``, which no person's can. A bot writes only where the repository's
  owner installed it. So a person who copied the mark out of a public text is never taken for us.
* Nobody can make the mark up. A copy by another bot is younger than what it was copied from, and
  of all that carry the mark the oldest is taken.
* What is found so is shown, as it was written by us or copied by a bot of the owner's; but it
  teaches nothing that outlives the process. That takes GitHub's answer to a write (``learn``).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from cachetools import LRUCache

from github_store.allowance import Allowance
from github_store.collaborators import Collaborators
from github_store.errors import GitHubUnavailable
from github_store.failing_items import FailingItems, backoff_after
from github_store.item_backoff import Backoff
from github_store.read_trace import Outcome, note_read
from github_store.trust import INSIDERS, Trust

log = logging.getLogger(__name__)

REMEMBER_SECONDS = 86_400.0
RECHECK_SECONDS: Final = 300.0
"""A trusted author's answer is no older for what was written after it."""
LEAST_SECONDS: Final = 30.0
"""No author is asked for more often, whatever is written or told of them."""
CLOCKS_DIFFER_SECONDS: Final = 60.0
STRANGERS: Final = 100
STRANGER_SECONDS: Final = 30.0
"""So many authors that look like strangers are asked about at once, each costs a request, and one
more after each time of this length: who opens more accounts waits unseen, and does not use up what
GitHub allows."""
MAX_AUTHORS = 10_000
UNTOLD = Backoff(15.0, 900.0)
"""For an author of whom GitHub does not tell: readers wait for it."""
BOT = "[bot]"
"""How the login of an App ends."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """``permission`` is None where GitHub would not tell; ``at`` is seconds since 1970.

    ``is_expired``: somebody's rights were changed since.
    """

    permission: str | None
    at: float
    is_expired: bool = False

    def seconds_for(self, written_at: int, *, stretch: float) -> float:
        """How long it holds for what was written then; ``stretch`` above 1 where requests run
        short."""
        if self.is_expired:
            return LEAST_SECONDS
        is_trusted = self.permission is not None and Trust.by_permission(self.permission)
        is_later = written_at > self.at - CLOCKS_DIFFER_SECONDS
        return RECHECK_SECONDS if is_trusted and is_later else REMEMBER_SECONDS * stretch


def _backoff(error: Exception) -> Backoff:
    return backoff_after(error, soon=UNTOLD)


class Authors:
    """Trust of issue and comment authors; the rules are in trust.py, the question here.

    ``stretch`` is asked how much longer than usual an answer holds. ``is_own_known``: whether the
    own logins of ``trust`` are all of ours; ``remember`` is told of one that is learned.
    """

    def __init__(
        self,
        collaborators: Collaborators,
        trust: Trust,
        *,
        clock: Callable[[], float],
        stretch: Callable[[], float] = lambda: 1.0,
        is_own_known: bool = True,
        remember: Callable[[str], object] = lambda _login: None,
    ) -> None:
        self._collaborators = collaborators
        self._trust = trust
        self._clock = clock
        self._stretch = stretch
        self._is_own_known = is_own_known
        self._remember = remember
        self._known: LRUCache[str, _Answer] = LRUCache(MAX_AUTHORS)
        self._asking: dict[str, asyncio.Lock] = {}
        self.failing: FailingItems[str] = FailingItems(
            "author", "asking for the rights of", clock=clock, backoff=_backoff
        )
        """By login: authors of whom GitHub does not say which rights they have."""
        self._changes = 0
        self._due_at = math.inf
        """When the first of the answers that were given holds no longer."""
        self._strangers = Allowance(STRANGERS, seconds=STRANGER_SECONDS, clock=clock)

    @property
    def edition(self) -> int:
        """Another one once somebody else is trusted, or GitHub is to be asked for that."""
        if self._clock() >= self._due_at:
            self._due_at = math.inf
            self._changes += 1
        return self._changes

    def expire(self, login: str | None) -> None:
        """The rights of this author were changed, or with None of whoever it may be."""
        for key in list(self._known) if login is None else [login.casefold()]:
            if key in self._known:
                self._known[key] = replace(self._known[key], is_expired=True)
        self._changes += 1

    async def trusted(self, author: str | None, association: str, *, written_at: int = 0) -> bool:
        """Whether what this author wrote may be shown. ``written_at``: when it was written or
        edited last, seconds since 1970.

        Raises GitHubUnavailable where that is not known, GitHub is out, and the author is no
        insider by association either.
        """
        verdict = self._trust.without_asking(author, association)
        if verdict is not None or author is None:
            return bool(verdict)
        key = author.casefold()
        is_due = self._holds_until(key, written_at) <= self._clock()
        if is_due and self.failing.is_due(key) and not self._may_ask(author, association):
            permission = self._permission_known(author)
            return permission is not None and self._trust.by_permission(permission)
        try:
            permission = await self._permission(author, written_at)
        except GitHubUnavailable:
            note_read(Outcome.OUTAGE, math.inf)
            if self._trust.by_association(association):
                return True
            raise
        if permission is None:
            return self._trust.by_association(association)
        return self._trust.by_permission(permission)

    def is_own(self, login: str | None) -> bool:
        """Whether ``login`` is this service's own account, or while that is not known may be."""
        if login is None:
            return False
        is_bot = login.casefold().endswith(BOT)
        return login.casefold() in self._own_keys() or (is_bot and not self._is_own_known)

    def recognise(self, login: str | None) -> None:
        """``login`` stands as the author of what this service wrote: what it writes is shown."""
        if login is None or login.casefold() in self._own_keys():
            return
        log.info("this service writes as %s", login)
        self._trust = replace(self._trust, own_logins=self._trust.own_logins | {login})
        self._changes += 1

    def learn(self, login: str | None) -> None:
        """GitHub named ``login`` as the author in its answer to a write of this service's."""
        if login is None:
            return
        if not self._is_own_known or login.casefold() not in self._own_keys():
            self._is_own_known = True
            self._remember(login)
        self.recognise(login)

    def _own_keys(self) -> frozenset[str]:
        return frozenset(each.casefold() for each in self._trust.own_logins)

    async def _permission(self, login: str, written_at: int) -> str | None:
        key = login.casefold()
        async with self._asking.setdefault(key, asyncio.Lock()):
            try:
                if self._holds_until(key, written_at) <= self._clock():
                    self._known[key] = await self._asked(login)
            except GitHubUnavailable:
                if key not in self._known:
                    raise
            finally:
                self._asking.pop(key, None)
            retry_at = self._clock() + LEAST_SECONDS
            due_at = self._holds_until(key, written_at)
            self._due_at = min(self._due_at, due_at if due_at > self._clock() else retry_at)
            return self._known[key].permission

    async def _asked(self, login: str) -> _Answer:
        """Raises GitHubUnavailable, without asking while this author's question backs off: every
        read of a list would send it."""
        key = login.casefold()
        if not self.failing.is_due(key):
            raise GitHubUnavailable(f"GitHub did not say lately which rights {login} has")
        with self.failing.attempt(key):
            return _Answer(await self._collaborators.permission(login), self._clock())

    def _permission_known(self, login: str) -> str | None:
        """What GitHub said of an author last, however long ago."""
        known = self._known.get(login.casefold())
        return known.permission if known else self._collaborators.permission_known(login)

    def _may_ask(self, author: str, association: str) -> bool:
        """Whether this author may be asked about now. Insiders always; and bots, for only the
        repository's owner lets one in."""
        key = author.casefold()
        is_no_stranger = association in INSIDERS or key.endswith(BOT) or key in self._asking
        return is_no_stranger or self._strangers.take()

    def _holds_until(self, key: str, written_at: int) -> float:
        """When GitHub is to be asked of this author again; in the past, now."""
        answer = self._known.get(key)
        if answer is None or answer.at > self._clock():
            return -math.inf
        return answer.at + answer.seconds_for(written_at, stretch=self._stretch())
