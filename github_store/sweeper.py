"""While webhooks are live: one look every few minutes at what they may have missed.

GitHub never repeats a delivery that failed. So every five minutes, and once after every start, a
sweep asks for the issues and comments that changed since the last change known, where the status
branch is, and what labels are called; four conditional requests, free of quota while nothing
changed. Hourly the full
list tells which issues are gone, monitors.yaml is read, and what is held is confirmed before it is
given again. As long
as sweeps succeed and deliveries are verified, what is held is vouched for: it is fresh whatever
its age. What of a sweep failed is repeated after half a minute. Where GitHub's requests run short
sweeps are further apart, and deliveries are believed for as much longer.

A delivery that is not to be taken at its word lets one look come sooner (``look``).

Hooks are live once a signed delivery was seen, not because a secret is configured.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from github_store.committer import event_or_timeout
from github_store.errors import StoreError
from github_store.failing_items import FailingItems, backoff_after
from github_store.freshness import Vouched
from github_store.held_answers import HeldAnswers
from github_store.held_board import HeldBoard
from github_store.inbox import Inbox
from github_store.incident_news import IncidentNews
from github_store.issue_tracker import IssueTracker
from github_store.item_backoff import Backoff
from github_store.monitors_reload import MonitorsReload
from github_store.recurring_lines import RecurringLines
from github_store.webhook import NO_PAYLOAD, CommentChanged, EverythingChanged, IssueChanged

log = logging.getLogger(__name__)
lines = RecurringLines(log)

SWEEP_SECONDS = 300.0
RETRY_SECONDS = 30.0
FULL_SECONDS = 3600.0
LOOK_SECONDS = 10.0
"""The least between two looks that deliveries cause, however many there are."""
OVERLAP_SECONDS = 120
"""A sweep looks back so much further than needed: clocks differ and lists lag."""


def _backoff(error: Exception) -> Backoff:
    return backoff_after(error, soon=Backoff(RETRY_SECONDS, SWEEP_SECONDS))


class Sweeper:
    """A background task of one event loop. ``clock`` gives seconds since 1970; ``slowness`` how
    many times longer than usual it shall take, and ``hold_off`` for how many seconds it shall not
    ask GitHub at all."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        tracker: IssueTracker,
        news: IncidentNews,
        held: HeldAnswers,
        board: HeldBoard,
        monitors_reload: MonitorsReload,
        look_at_labels: Callable[[], Awaitable[bool]],
        clock: Callable[[], float],
        slowness: Callable[[], float] = lambda: 1.0,
        hold_off: Callable[[], float] = lambda: 0.0,
        wait: Callable[[asyncio.Event, float | None], Awaitable[None]] = event_or_timeout,
    ) -> None:
        self._inbox = inbox
        self._tracker = tracker
        self._news = news
        self._held = held
        self._board = board
        self._monitors_reload = monitors_reload
        self._look_at_labels = look_at_labels
        self._clock = clock
        self._slowness = slowness
        self._hold_off = hold_off
        self._wait = wait
        self._wanted = asyncio.Event()
        self._begun_at = -math.inf
        self._since = self._newest = int(clock()) - OVERLAP_SECONDS
        self._vouched_since: float | None = None
        self._swept_at: float | None = None
        self.failing: FailingItems[str] = FailingItems(
            "sweep", "looking at", clock=clock, backoff=_backoff
        )
        """By name: parts of a sweep that fail, while the others are looked at."""
        self._full_at = clock()
        self._seen: dict[int, Mapping[str, Any]] = {}
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; nothing is asked before hooks are live."""
        self._running = asyncio.create_task(self._run(), name="sweeper")

    def look(self, *, is_full: bool = False) -> None:
        """Let the next look come soon. ``is_full``: as the hourly one, which finds what is gone."""
        if is_full:
            self._full_at = -math.inf
        self._wanted.set()

    async def close(self) -> None:
        """Stop."""
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        next_at = self._clock()
        never = asyncio.Event()
        while True:
            if self._inbox.delivered_at is None:
                await self._wait(never, 1.0)
                continue
            if (wait_seconds := self._seconds_until(next_at)) > 0:
                wake = never if self._wanted.is_set() else self._wanted
                await self._wait(wake, min(wait_seconds, RETRY_SECONDS))
                self._vouch()
                continue
            self._wanted.clear()
            self._begun_at = self._clock()
            next_at = self._begun_at + RETRY_SECONDS
            try:
                await self.sweep()
            except StoreError:  # told by then; answers are held no longer than usual
                self._vouch_no_more()
            except Exception:  # a fault of ours must not end the task
                log.exception("a sweep met a fault of its own")
                self._vouch_no_more()
            else:
                if not len(self.failing):
                    next_at += SWEEP_SECONDS - RETRY_SECONDS

    def _seconds_until(self, usual_at: float) -> float:
        """Until the next sweep, where usually it were due then."""
        due_at = usual_at
        if self._vouched_since is not None:
            due_at += SWEEP_SECONDS * (self._slowness() - 1)
        if self._wanted.is_set():
            due_at = min(due_at, self._begun_at + LOOK_SECONDS)
        wait_seconds = due_at - self._clock()
        return wait_seconds if wait_seconds > 0 else self._hold_off()

    async def sweep(self) -> None:
        """Look once, at one part after the other: one that fails keeps none of the others from
        being looked at, and backs off. Raises StoreError where GitHub is out."""
        begun_at, full_at = self._clock(), self._full_at
        is_full = begun_at - full_at >= FULL_SECONDS
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "labels": self._take_labels,
            "changed issues": self._take_issues,
            "changed comments": self._take_comments,
            "the status branch": self._board.ask,
            "monitors.yaml": lambda: self._monitors_reload.swept(is_full=is_full),
        }
        if is_full:
            parts["what is gone"] = lambda: self._find_gone(full_at, begun_at)
        self.failing.keep(parts)
        with self.failing.walk() as walk:
            for name in self.failing.in_turn(parts):
                with walk.attempt(name):
                    await parts[name]()
        if len(self.failing):
            self._vouch_no_more()
            return
        if self._newest > self._since + 2 * OVERLAP_SECONDS:
            # The same address again is a conditional request: so it moves only with news.
            self._since = self._newest - OVERLAP_SECONDS
        if self._vouched_since is None:
            self._vouched_since = begun_at
        self._swept_at = begun_at
        self._vouch()

    async def _take_labels(self) -> None:
        if await self._look_at_labels():
            await self._inbox.apply(EverythingChanged())

    async def _take_issues(self) -> None:
        changed: dict[int, Mapping[str, Any]] = {}
        begun_at = self._clock()
        listed = await self._tracker.listings.updated_since(self._since)
        told = self._news.noted_since(begun_at)
        for number, data, updated_at in listed:
            changed[number] = data
            if number in told:  # the list may have been read before what was told
                self._tracker.issues.distrust(number)
            elif self._seen.get(number) != data:
                try:
                    await self._inbox.apply(IssueChanged(number, data), is_read_now=True)
                except NO_PAYLOAD:
                    self._tracker.issues.distrust(number)
                    lines.warning(f"issue {number}", "issue %d is listed in another shape", number)
            self._newest = max(self._newest, updated_at)
        self._seen = changed

    async def _take_comments(self) -> None:
        begun_at = self._clock()
        comments = await self._tracker.comments.updated_since(self._since)
        told = self._news.comments_noted_since(begun_at)
        for number, comment_id, data, updated_at in comments:
            self._newest = max(self._newest, updated_at)
            if comment_id in told:
                self._tracker.comments.distrust(comment_id)
                continue
            try:
                changed = CommentChanged(number, comment_id, data)
                await self._inbox.apply(changed, is_read_now=True)
            except NO_PAYLOAD:
                self._tracker.comments.distrust(comment_id)
                name = f"comment {comment_id}"
                lines.warning(name, "%s is listed in another shape", name)

    async def _find_gone(self, full_at: float, begun_at: float) -> None:
        """Forget held issues that the full list does not have any more."""
        listed = await self._tracker.listings.incident_numbers()
        for number in self._tracker.issues.held_numbers() - listed:
            self._tracker.issues.forget(number)
            self._news.note(number)
        # Nothing tells of a comment that was deleted or a label that was renamed while a
        # delivery was lost: so once an hour each answer is asked for anew before it is given.
        self._held.expire()
        self._news.note_everything()
        if self._full_at == full_at:  # nobody wants another one since
            self._full_at = begun_at

    def _vouch(self) -> None:
        """Believe deliveries until the sweep after the next should have been."""
        if self._vouched_since is None or self._swept_at is None:
            return
        until = self._swept_at + 2 * SWEEP_SECONDS * self._slowness()
        self._held.vouched = self._board.vouched = Vouched(self._vouched_since, until)

    def _vouch_no_more(self) -> None:
        self._vouched_since = None
        self._held.vouched = self._board.vouched = None
