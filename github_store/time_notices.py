"""Tells people of times that cannot be used, where they see it: in a comment on the issue.

Looked at are open incidents, and those closed that were updated lately; in step with the closer,
so that one list serves both. A problem is a warning in the log once for each change of it. The
comment is written, changed with the problem and removed with it; each is checked at a later look.
An incident without a problem is asked for a comment left by an earlier process once, and only where
it was updated lately and has comments at all.

An issue whose comment fails backs off by itself, and holds up no other (failing_items.py). Writes
keep within what ``may_write`` allows; while GitHub is out everything waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass
from math import inf
from typing import Final, Protocol

from cachetools import LRUCache

from github_store.errors import GitHubUnavailable, StoreError
from github_store.failing_items import FailingItems
from github_store.records import Issue
from github_store.time_problems import TimeProblem, notice, notice_mark, time_problems, told

log = logging.getLogger(__name__)

DELAY_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 60.0
CLOSED_LOOK_SECONDS: Final = 600.0
RECENT_DAYS: Final = 14
MOST_AT_ONCE: Final = 10
"""Issues asked or written in one look: comments on many old ones must not use up the hour."""
MAX_REMEMBERED: Final = 10_000
_DAY_SECONDS: Final = 86_400


class Incidents(Protocol):
    """See ``IncidentStore``."""

    async def issues(self, state: str, *, updated_since: int | None = None) -> list[Issue]: ...

    async def issue_now(self, number: int) -> Issue | None: ...


class Notices(Protocol):
    """See ``IssueNotices``."""

    async def marks(self, number: int) -> list[str]: ...

    async def put(self, number: int, text: str | None) -> None: ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """An issue as listed; ``text`` is a hash of what its problems were read from."""

    text: int
    problems: tuple[TimeProblem, ...]
    mark: str | None
    """Of the comment that should be there."""
    may_have_notice: bool


class TimeNotices:
    """A task of one event loop. ``clock`` gives seconds since 1970; ``may_write`` and ``slowness``
    as of Closer."""

    def __init__(
        self,
        incidents: Incidents,
        notices: Notices,
        *,
        clock: Callable[[], float],
        may_write: Callable[[], float] = lambda: 0.0,
        slowness: Callable[[], float] = lambda: 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._incidents = incidents
        self._notices = notices
        self._clock = clock
        self._may_write = may_write
        self._slowness = slowness
        self._sleep = sleep
        self._look_at = self._closed_look_at = -inf
        self._open: Set[int] = frozenset()
        self._closed: dict[int, _Seen] = {}
        self._seen: dict[int, _Seen] = {}
        self._told: LRUCache[int, str | None] = LRUCache(MAX_REMEMBERED)
        """The marks of what the log said; kept while a list lacks an issue, as in an outage."""
        self._standing: dict[int, str | None] = {}
        """The mark that an issue's comments were seen to have, None for no notice."""
        self._written: dict[int, str | None] = {}
        """Likewise as it was written, until that is seen."""
        self._running: asyncio.Task[None] | None = None
        self._error: StoreError | None = None
        self.failing: FailingItems[int] = FailingItems(
            "notice", "the comment on the times of incident", clock=clock
        )

    @property
    def count(self) -> int:
        """Incidents with a time that cannot be used, as of the last look."""
        return sum(bool(each.problems) for each in self._seen.values())

    def start(self) -> None:
        """Begin, with the first look after DELAY_SECONDS."""
        self._look_at = self._clock() + DELAY_SECONDS
        self._running = asyncio.create_task(self._run(), name="time notices")

    async def close(self) -> None:
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def look(self) -> None:
        """Look once, and write what is due. Raises StoreError where GitHub is out."""
        now = self._clock()
        self._look_at = now + LOOK_SECONDS * self._slowness()
        self._seen = await self._listed(now)
        self._tell()
        self._forget_what_is_over()
        with self.failing.walk() as walk:
            for number in self._due()[:MOST_AT_ONCE]:
                if self._may_write() > 0:
                    return
                with walk.attempt(number):
                    await self._settle(number)

    async def _listed(self, now: float) -> dict[int, _Seen]:
        """What is looked at; where the two lists differ the open one is younger."""
        since = max(0, (int(now) // _DAY_SECONDS - RECENT_DAYS) * _DAY_SECONDS)
        opened = await self._read(await self._incidents.issues("open"), since)
        closed_seconds = CLOSED_LOOK_SECONDS * self._slowness()
        is_due = not 0 < self._closed_look_at - now <= closed_seconds
        if is_due or self._open - opened.keys():  # some were closed, or are gone
            closed = await self._incidents.issues("closed", updated_since=since)
            self._closed = await self._read(closed, since)
            self._closed_look_at = now + closed_seconds
        self._open = opened.keys()
        return self._closed | opened

    async def _read(self, issues: list[Issue], since: int) -> dict[int, _Seen]:
        found = {}
        for issue in issues:
            known = self._seen.get(issue.number)
            text = hash((issue.body, issue.state, issue.state_reason))
            if known and known.text == text:
                problems = known.problems
            else:
                problems = time_problems(issue)
                await asyncio.sleep(0)  # many long texts shall not stop the others
            may_have = issue.updated_at >= since and issue.comment_count != 0
            mark = notice_mark(problems) if problems else None
            found[issue.number] = _Seen(text, problems, mark, may_have)
        return found

    def _tell(self) -> None:
        """Log what is another problem now."""
        for number, seen in self._seen.items():
            if seen.mark == self._told.get(number):
                continue
            if seen.mark:
                log.warning("incident %d: %s", number, told(seen.problems))
            else:
                log.info("incident %d: its times can be used now", number)
            self._told[number] = seen.mark

    def _forget_what_is_over(self) -> None:
        for number in self._standing.keys() - self._seen.keys():
            if self._standing[number] is None:
                del self._standing[number]
        for number, seen in self._seen.items():
            if not seen.may_have_notice:
                self._standing.setdefault(number, None)  # who writes looks all the same
        known = self._seen.keys() | self._standing.keys()
        self._written = {number: mark for number, mark in self._written.items() if number in known}
        self.failing.keep(known)

    def _due(self) -> list[int]:
        """Numbers of which the comment is not known to be as it should be; problems first."""
        due = [
            number
            for number in self._seen.keys() | self._standing.keys()
            if self._standing.get(number, "") != self._wanted(number)
        ]
        due.sort(key=lambda number: (self._wanted(number) is None, number))
        return self.failing.in_turn(due)

    def _wanted(self, number: int) -> str | None:
        seen = self._seen.get(number)
        return seen.mark if seen else None

    async def _settle(self, number: int) -> None:
        """Let the comment be as it should be."""
        marks, wanted = await self._notices.marks(number), self._wanted(number)
        if number in self._seen and marks == ([wanted] if wanted else []):
            self._standing[number] = wanted
            self._written.pop(number, None)
            return
        if self._written.pop(number, "") == wanted:
            raise GitHubUnavailable("GitHub does not show it as it was written")
        issue = await self._incidents.issue_now(number)
        problems = time_problems(issue) if issue else ()
        await self._notices.put(number, notice(problems) if problems else None)
        self._written[number] = notice_mark(problems) if problems else None
        self._standing.pop(number, None)  # the next look at it says whether that was it
        log.info("incident %d: the comment on its times %s", number,
                 "says what is wrong" if problems else "is gone")  # fmt: skip

    async def _run(self) -> None:
        while True:
            if (wait_seconds := self._look_at - self._clock()) > 0:
                await self._sleep(min(wait_seconds, LOOK_SECONDS))
                continue
            try:
                await self.look()
            except StoreError as error:
                self._note_failure(error)
            except Exception:  # a fault of ours must not end the task
                log.exception("the look at incidents' times met a fault of its own")
            else:
                self._error = None

    def _note_failure(self, error: StoreError) -> None:
        if type(error) is not type(self._error):
            log.info("incidents' times are looked at later: %s", error)
        self._error = error
        seconds = error.retry_after_seconds if isinstance(error, GitHubUnavailable) else None
        self._look_at = self._clock() + max(LOOK_SECONDS, seconds or 0)
