"""When the journal becomes commits: at once when a status changed, else rarely.

A change of a monitor's status is committed within ``change_seconds``, together with whatever
waits; steady samples ride along, and are committed at the latest ``steady_seconds`` after they
were acknowledged. The budget of content-creating requests may delay both, and so may scarce
requests. While GitHub fails the
pauses grow, with jitter; a time that GitHub names is kept. Nothing is ever given up: what is not
committed stays in the journal.

Samples whose file a person broke stay behind until it is mended, those of a day that GitHub refuses
until it takes them; others go on. Which day is to blame is found by committing each by itself.

Times to wait are measured on a clock that nobody steps.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Protocol

from github_store.day_file_format import day_path
from github_store.day_minutes import MINUTES_OF_DAY
from github_store.errors import (
    AccessLost,
    BrokenDocument,
    GitHubOut,
    GitHubUnavailable,
    JournalUnavailable,
    RateLimited,
    StoreError,
    Unprocessable,
)
from github_store.failing_items import SUSPICIOUS, FailingItems, backoff_after
from github_store.item_backoff import Backoff
from github_store.journal import Journal, Sequenced
from github_store.sample import Sample
from github_store.write_budget import WriteBudget

log = logging.getLogger(__name__)

LINGER_SECONDS = 1.0
"""How long a change waits for others to share its commit: one outage hits many monitors."""
STEADY_MARGIN_SECONDS = 10.0
"""Steady samples set out so much before they are due."""
LONGEST_PAUSE_SECONDS = 300.0
SLOW_LOOK_SECONDS = 60.0
BROKEN_PAUSE_SECONDS = 15.0
"""How often a file that a person broke is looked at again."""
MOST_AHEAD = 10_000
"""Samples that landed beyond one that waits: of more, those that wait are put at the journal's end,
so that it does not grow."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When samples are committed, in seconds after they were acknowledged."""

    change_seconds: float = 5.0
    steady_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class _HeldBack:
    """A file that cannot be written, and which minutes it holds."""

    problem: StoreError
    minutes: range

    def is_of_any(self, entries: Iterable[Sequenced]) -> bool:
        """Whether one of the samples goes into it."""
        return any(each.sample.minute in self.minutes for each in entries)


class Writer(Protocol):
    """Commits samples; see ``StatusWriter.write``."""

    async def write(self, samples: Sequence[Sample]) -> bool: ...


async def event_or_timeout(event: asyncio.Event, seconds: float | None) -> None:
    """Return once the event is set, or so many seconds later."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


class Committer:
    """A background task of one event loop.

    ``clock`` gives seconds since 1970, ``monotonic`` seconds that never go back, ``jitter`` numbers
    from 0 to 1; ``wait`` waits for an event for at most so many seconds. ``landed`` is called with
    the sequence number up to which samples are on GitHub. ``hold_off`` gives the seconds for which
    GitHub is not to be asked by work that nobody waits for, 0 for none; ``slowness`` how many times
    longer than usual it may take to commit.
    """

    def __init__(
        self,
        journal: Journal,
        writer: Writer,
        budget: WriteBudget,
        *,
        rhythm: Rhythm,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        jitter: Callable[[], float],
        landed: Callable[[int], None],
        hold_off: Callable[[], float] = lambda: 0.0,
        slowness: Callable[[], float] = lambda: 1.0,
        wait: Callable[[asyncio.Event, float | None], Awaitable[None]] = event_or_timeout,
    ) -> None:
        self._journal = journal
        self._writer = writer
        self._budget = budget
        self._rhythm = rhythm
        self._clock = clock
        self._monotonic = monotonic
        self._jitter = jitter
        self._landed = landed
        self._hold_off = hold_off
        self._slowness = slowness
        self._wait = wait
        self._waiting_since = inf
        self._changed_since = inf
        self._look_again_at = inf
        self._not_before = -inf
        self._ahead: set[int] = set()
        self._failures = 0
        self._held_back: dict[str, _HeldBack] = {}
        self._problems: list[StoreError] = []
        self.failing: FailingItems[str] = FailingItems(
            "commit", "committing", clock=monotonic, backoff=_backoff
        )
        """By path: files that cannot be written, while others are."""
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self.error: StoreError | None = None
        """Why the last flush failed, None after one that did not."""
        self.committed_at: float | None = None
        """When the last commit landed, seconds since 1970."""
        self.commits = 0
        """How many landed."""
        self.failures = 0
        """How many flushes failed."""
        self.lag_seconds: float | None = None
        """How long the oldest sample of the last commit had waited for it."""

    def start(self) -> None:
        """Begin; what the journal kept from before is committed first."""
        if self._journal.depth:
            self._changed_since = self._monotonic()
        self._running = asyncio.create_task(self._run(), name="committer")

    def notice(self, *, is_change: bool) -> None:
        """Samples were acknowledged; ``is_change``: a monitor's status is another now."""
        now = self._monotonic()
        is_news = self._waiting_since == inf or (is_change and self._changed_since == inf)
        self._waiting_since = min(self._waiting_since, now)
        if is_change:
            self._changed_since = min(self._changed_since, now)
        if is_news:
            self._wake.set()

    async def flush(self) -> None:
        """Commit everything that waits, now, also what backs off. Raises StoreError; what waits is
        kept then.

        A file that cannot be written does not hold up the others: they are committed, then what is
        wrong with it is raised.
        """
        if problem := await self._flush(with_all=True):
            raise problem

    async def _flush(self, *, with_all: bool) -> StoreError | None:
        """Likewise, and return what is wrong with a file that holds up no others. ``with_all``:
        also what backs off."""
        async with self._flushing:
            before = self._waiting_since, self._changed_since, self._look_again_at
            self._waiting_since = self._changed_since = self._look_again_at = inf
            try:
                problem = await self._write(with_all=with_all)
            except BaseException:
                self._waiting_since = min(self._waiting_since, before[0])
                self._changed_since = min(self._changed_since, before[1])
                self._look_again_at = before[2]
                raise
            self._look_again_at = self._when_to_look_again()
            return problem

    async def close(self, *, grace_seconds: float) -> None:
        """Commit what waits if that may be done and takes no longer; the rest stays for later."""
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])
        if not self._journal.depth:
            return
        reason = "GitHub wants to be left alone, or the budget is used up"
        if not self._budget.may_commit_status(self._monotonic()):
            try:
                await asyncio.wait_for(self.flush(), grace_seconds)
            except TimeoutError:
                reason = "GitHub takes too long"
            except Exception as error:  # whatever it is, the journal has to be closed next
                reason = str(error) or type(error).__name__
            else:
                return
        log.warning("samples stay in the journal (%d): %s", self._journal.depth, reason)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            wait_seconds = self._seconds_to_wait()
            if wait_seconds > 0:
                await self._wait(self._wake, None if wait_seconds == inf else wait_seconds)
                continue
            try:
                problem = await self._flush(with_all=False)
            except StoreError as error:
                self._note_failure(error)
            except Exception as error:  # a fault of ours must not end the task
                log.exception("the committer met a fault of its own; it tries again")
                self._note_failure(_fault(error))
            else:
                self._failures = 0
                self.failures += problem is not None
                self.error = next((each.problem for each in self._held_back.values()), None)
                self.failing.went_on()

    def _seconds_to_wait(self) -> float:
        """Until the next flush; infinite while nothing waits."""
        now, rhythm = self._monotonic(), self._rhythm
        margin = min(STEADY_MARGIN_SECONDS, rhythm.steady_seconds / 10)
        linger = min(LINGER_SECONDS, rhythm.change_seconds / 2)
        longer = self._slowness() - 1
        due_at = min(
            self._waiting_since + rhythm.steady_seconds * (1 + longer) - margin,
            self._changed_since + linger + rhythm.change_seconds * longer,
            self._look_again_at,
        )
        wait_seconds = max(due_at, self._not_before) - now
        if wait_seconds > 0:
            # The hour of scarce requests ends by itself.
            return min(wait_seconds, SLOW_LOOK_SECONDS) if longer else wait_seconds
        return max(self._budget.may_commit_status(now), self._hold_off())

    def resume(self) -> None:
        """GitHub answers again: go on now, whatever the last failure said."""
        self._not_before = -inf
        self._wake.set()

    def _note_failure(self, error: StoreError) -> None:
        meanwhile = f"samples wait in the journal ({self._journal.depth})"
        self.failing.stopped(error, meanwhile=meanwhile)
        self.error = error
        self.failures += 1
        if isinstance(error, BrokenDocument):
            self._failures = 0
            self._not_before = self._monotonic() + BROKEN_PAUSE_SECONDS
            return
        self._failures += 1
        pause = min(LONGEST_PAUSE_SECONDS, 2.0 ** min(self._failures, 10))
        pause *= 0.5 + self._jitter() / 2
        if isinstance(error, GitHubUnavailable) and error.retry_after_seconds is not None:
            pause = max(pause, error.retry_after_seconds)
            if isinstance(error, RateLimited):
                self._budget.obey(error.retry_after_seconds, self._monotonic())
        self._not_before = self._monotonic() + pause

    async def _write(self, *, with_all: bool) -> StoreError | None:
        """Commit all, or all but what goes into files that cannot be written; what is wrong with
        the first of these, where one was tried."""
        await self._let_the_journal_shrink()
        self._problems.clear()
        ready = self._ready(with_all=with_all)
        try:
            await self._commit_readable(ready)
        except Exception as error:
            days = _by_day(ready)
            if not self._may_be_one_day(error, days):
                raise
            await self._commit_apart(days)
        return next(iter(self._problems), None)

    def _ready(self, *, with_all: bool) -> list[Sequenced]:
        """What waits, with all that backs off or without."""
        waiting = [each for each in self._journal.pending() if each.seq not in self._ahead]
        self._held_back = {
            path: held for path, held in self._held_back.items() if held.is_of_any(waiting)
        }
        self.failing.keep(self._held_back)
        left_out = [
            held.minutes
            for path, held in self._held_back.items()
            if not with_all and not self.failing.is_due(path)
        ]
        return [each for each in waiting if not any(each.sample.minute in m for m in left_out)]

    def _when_to_look_again(self) -> float:
        """When the first file that backs off may be tried again."""
        now = self._monotonic()
        return min((max(now, self.failing.retry_at(path)) for path in self._held_back), default=inf)

    def _may_be_one_day(self, error: Exception, days: Collection[int]) -> bool:
        """Whether a commit may have failed for one of its days alone: at once where it was refused,
        else where it failed before as well."""
        if isinstance(error, GitHubOut | RateLimited | AccessLost):
            return False
        if len(days) == 1:
            return any(day_path(day) in self._held_back for day in days)
        is_refused = isinstance(error, Unprocessable) or not isinstance(error, StoreError)
        return is_refused or self._failures > 0

    async def _commit_apart(self, days: Mapping[int, Sequence[Sequenced]]) -> None:
        """Commit each day by itself, the newest first. Raises where none can be, and none was known
        to be to blame."""
        failed: dict[int, Exception] = {}
        has_landed = False
        for day, entries in sorted(days.items(), reverse=True):
            if has_landed and self._budget.may_commit_status(self._monotonic()) > 0:
                self._changed_since = self._monotonic()  # the others' turn comes with the next
                break
            try:
                await self._commit_readable(entries)
            except (GitHubOut, RateLimited, AccessLost):
                raise
            except Exception as error:
                failed[day] = error
                if len(failed) >= SUSPICIOUS and not has_landed:
                    raise
            else:
                has_landed = True
        if not has_landed and not any(day_path(day) in self._held_back for day in failed):
            raise next(iter(failed.values()))
        for day, fault in failed.items():
            minutes = range(day * MINUTES_OF_DAY, (day + 1) * MINUTES_OF_DAY)
            self._hold_back(day_path(day), fault, minutes)

    async def _commit_readable(self, entries: Sequence[Sequenced]) -> None:
        """Commit all, or all but what goes into files that somebody broke."""
        while entries:
            try:
                await self._commit(entries)
            except BrokenDocument as error:
                others = [each for each in entries if each.sample.minute not in error.minutes]
                if error.path is None or len(others) == len(entries):
                    raise
                self._hold_back(error.path, error, error.minutes)
                entries = others
            else:
                break

    async def _commit(self, entries: Sequence[Sequenced]) -> None:
        with self._budget.committing():
            has_changed = await self._writer.write([each.sample for each in entries])
        if has_changed:
            self.committed_at = self._clock()
            self.commits += 1
            self.lag_seconds = self.committed_at - min(each.acknowledged_at for each in entries)
        for path in [path for path, held in self._held_back.items() if held.is_of_any(entries)]:
            del self._held_back[path]
            self.failing.succeeded(path)
        self._settle(entries)

    def _hold_back(self, path: str, error: Exception, minutes: range) -> None:
        """Leave a file's samples in the journal for now."""
        self.failing.failed(path, error)
        problem = error if isinstance(error, StoreError) else _fault(error)
        self._held_back[path] = _HeldBack(problem, minutes)
        self._problems.append(problem)

    async def _let_the_journal_shrink(self) -> None:
        """What waits for long is put behind what landed since, which can be forgotten then."""
        waiting = self._journal.depth - len(self._ahead)
        if len(self._ahead) <= max(MOST_AHEAD, 2 * waiting):
            return
        pending = self._journal.pending()
        stuck = [each.sample for each in pending if each.seq not in self._ahead]
        with suppress(JournalUnavailable):  # a full disk needs commits more than ever
            await asyncio.gather(*map(self._journal.append, stuck))
            self._settle(pending)

    def _settle(self, written: Sequence[Sequenced]) -> None:
        """Forget what landed. What did so beyond a sample that waits is not written again:
        somebody else may have said otherwise since."""
        self._ahead.update(each.seq for each in written)
        waiting = (each.seq for each in self._journal.pending() if each.seq not in self._ahead)
        up_to = next(waiting, max(self._ahead, default=0) + 1) - 1
        self._ahead = {seq for seq in self._ahead if seq > up_to}
        self._landed(up_to)


def _backoff(error: Exception) -> Backoff:
    """What a person broke is looked at often: that costs nothing while it is unchanged."""
    if isinstance(error, BrokenDocument):
        return Backoff(BROKEN_PAUSE_SECONDS, BROKEN_PAUSE_SECONDS)
    return backoff_after(error)


def _by_day(entries: Sequence[Sequenced]) -> dict[int, list[Sequenced]]:
    days: dict[int, list[Sequenced]] = {}
    for each in entries:
        days.setdefault(each.sample.minute // MINUTES_OF_DAY, []).append(each)
    return days


def _fault(error: Exception) -> StoreError:
    return GitHubUnavailable(f"a fault of the committer's own: {error}")
