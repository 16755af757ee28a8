"""When the journal becomes commits: at once when a status changed, else rarely.

A change of a monitor's status is committed within ``change_seconds``, together with whatever
waits; steady samples ride along, and are committed at the latest ``steady_seconds`` after they
were acknowledged. The budget of content-creating requests may delay both. While GitHub fails the
pauses grow, with jitter; a time that GitHub names is kept. Nothing is ever given up: what is not
committed stays in the journal.

Samples of a past day whose file a person broke stay behind until it is mended; others go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from github_store.day_minutes import MINUTES_OF_DAY
from github_store.errors import BrokenDocument, GitHubUnavailable, RateLimited, StoreError
from github_store.journal import Journal, Sequenced
from github_store.status_writer import StatusWriter
from github_store.write_budget import WriteBudget

log = logging.getLogger(__name__)

LINGER_SECONDS = 1.0
"""How long a change waits for others to share its commit: one outage hits many monitors."""
STEADY_MARGIN_SECONDS = 10.0
"""Steady samples set out so much before they are due."""
LONGEST_PAUSE_SECONDS = 300.0
BROKEN_PAUSE_SECONDS = 15.0
"""How often a file that a person broke is looked at again."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When samples are committed, in seconds after they were acknowledged."""

    change_seconds: float = 5.0
    steady_seconds: float = 600.0


class Committer:
    """A background task of one event loop.

    ``clock`` gives seconds since 1970, ``monotonic`` seconds that never go back, ``jitter`` numbers
    from 0 to 1. ``landed`` is called with the sequence number up to which samples are on GitHub.
    """

    def __init__(
        self,
        journal: Journal,
        writer: StatusWriter,
        budget: WriteBudget,
        *,
        rhythm: Rhythm,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        jitter: Callable[[], float],
        landed: Callable[[int], None],
    ) -> None:
        self._journal = journal
        self._writer = writer
        self._budget = budget
        self._rhythm = rhythm
        self._clock = clock
        self._monotonic = monotonic
        self._jitter = jitter
        self._landed = landed
        self._changed_at: float | None = None
        self._not_before = 0.0
        self._failures = 0
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self.error: StoreError | None = None
        """Why the last flush failed, None after one that did not."""
        self.committed_at: float | None = None
        """When the last commit landed, seconds since 1970."""

    def start(self) -> None:
        """Begin; what the journal kept from before is committed first."""
        if self._journal.depth:
            self._changed_at = self._clock()
        self._running = asyncio.create_task(self._run(), name="committer")

    def notice(self, *, is_change: bool) -> None:
        """Samples were acknowledged; ``is_change``: a monitor's status is another now."""
        if is_change and self._changed_at is None:
            self._changed_at = self._clock()
            self._wake.set()
        elif self._journal.depth == 1:
            self._wake.set()

    async def flush(self) -> None:
        """Commit everything that waits, now. Raises StoreError; what waits is kept then."""
        async with self._flushing:
            pending = self._journal.pending()
            if not pending:
                return
            changed_at, self._changed_at = self._changed_at, None
            try:
                await self._write(pending)
            except BaseException:
                self._changed_at = changed_at
                raise

    async def close(self, *, grace_seconds: float) -> None:
        """Commit what waits if that takes no longer; the rest stays in the journal."""
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])
        try:
            await asyncio.wait_for(self.flush(), grace_seconds)
        except (StoreError, TimeoutError) as error:
            waiting = self._journal.depth
            log.warning(
                "%d samples stay in the journal (%s)", waiting, error or "GitHub takes too long"
            )

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            wait_seconds = self._seconds_to_wait()
            if wait_seconds is None or wait_seconds > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), wait_seconds)
                continue
            try:
                await self.flush()
            except StoreError as error:
                self._note_failure(error)
            except Exception as error:  # a fault of ours must not end the task
                log.exception("the committer met a fault of its own; it tries again")
                self._note_failure(GitHubUnavailable(f"a fault of the committer's own: {error}"))
            else:
                self._failures, self.error = 0, None

    def _seconds_to_wait(self) -> float | None:
        """Until the next flush; None while nothing waits."""
        now, oldest_at = self._clock(), self._journal.oldest_at
        if oldest_at is None:
            return None
        margin = min(STEADY_MARGIN_SECONDS, self._rhythm.steady_seconds / 10)
        due_at = oldest_at + self._rhythm.steady_seconds - margin
        if self._changed_at is not None:
            linger = min(LINGER_SECONDS, self._rhythm.change_seconds / 2)
            due_at = min(due_at, self._changed_at + linger)
        # A clock that was stepped back must not put a commit off by as much.
        wait = min(max(due_at, self._not_before) - now, self._longest_wait())
        if wait <= 0:
            wait = self._budget.may_commit_status(self._monotonic())
        return max(0.0, wait)

    def _longest_wait(self) -> float:
        return max(self._rhythm.steady_seconds, LONGEST_PAUSE_SECONDS)

    def _note_failure(self, error: StoreError) -> None:
        if type(error) is not type(self.error):
            log.warning("samples wait in the journal (%d): %s", self._journal.depth, error)
        self.error = error
        self._failures += 1
        pause = min(LONGEST_PAUSE_SECONDS, 2.0 ** min(self._failures, 10)) * (
            0.5 + self._jitter() / 2
        )
        if isinstance(error, BrokenDocument):
            pause = BROKEN_PAUSE_SECONDS
        if isinstance(error, GitHubUnavailable) and error.retry_after_seconds is not None:
            pause = max(pause, error.retry_after_seconds)
            if isinstance(error, RateLimited):
                self._budget.obey(error.retry_after_seconds, self._monotonic())
        self._not_before = self._clock() + pause

    async def _write(self, pending: Sequence[Sequenced]) -> None:
        """Commit all, or all but those of past days that cannot be read now."""
        broken: dict[int, BrokenDocument] = {}
        while True:
            ready = [each for each in pending if each.sample.minute // MINUTES_OF_DAY not in broken]
            try:
                with self._budget.committing():
                    has_changed = await self._writer.write([each.sample for each in ready])
                if has_changed:
                    self.committed_at = self._clock()
            except BrokenDocument as error:
                if error.day is None or error.day in broken:
                    raise
                broken[error.day] = error
                continue
            break
        kept = [each.seq for each in pending if each.sample.minute // MINUTES_OF_DAY in broken]
        up_to = min(kept) - 1 if kept else pending[-1].seq
        self._landed(up_to)
        if broken:
            raise next(iter(broken.values()))
