"""The status branch as GitHub had it last: the board parsed, other files read where needed.

Fresh it is given at once. Later GitHub is asked, by one free conditional request however many
readers wait, and no reader waits longer than the patience of freshness.py: what is held is given
then, as it is while GitHub is out. What was committed here is seen at once.

Of past days only the minutes are held, under the tags they were committed with: the latencies of
one day of a thousand monitors are a million and more numbers. To be written a day's file is read
anew. Nothing here depends on the monitors.

A board that a person broke leaves the last good one held, and stays as it is until mended. A
branch that is gone leaves everything held, for the next commit to put back.

Which board it was is on the shelf as well: a process that starts while GitHub is out answers from
the last one of the process before, and commits on none but what GitHub shows.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cachetools import LRUCache

from github_store.day_file import DayFile, HourFile
from github_store.day_file_format import (
    day_at,
    day_path,
    hour_at,
    hour_path,
    parse_day,
    parse_hour,
)
from github_store.day_minutes import MINUTES_OF_DAY
from github_store.errors import (
    AccessLost,
    BrokenDocument,
    Conflict,
    FileTooLarge,
    GitHubOut,
    GitHubTimeout,
    GitHubUnavailable,
    RateLimited,
    StoreError,
)
from github_store.failing_items import FailingItems, backoff_after
from github_store.freshness import Freshness, Verdict, Vouched
from github_store.held_answers import Shelf
from github_store.item_backoff import Backoff
from github_store.read_trace import Outcome, note_read, patient_until
from github_store.shelved_snapshot import ShelvedSnapshot
from github_store.status_board import Board
from github_store.status_board_format import BOARD_PATH, parse_board
from github_store.status_branch import Snapshot, StatusBranch
from github_store.status_files import NO_DAY, CommittedMinutes, StatusFiles, committed_minutes

log = logging.getLogger(__name__)

MOST_BOARD_BYTES = 32 * 1024 * 1024
"""Several thousand monitors whose status changes every minute."""
MAX_HELD_DAYS = 100
"""Past days whose minutes are held: the 91 that a window touches, and some more."""

_File = TypeVar("_File", covariant=True)


class _Parse(Protocol[_File]):
    def __call__(self, content: bytes, *, name: str) -> _File: ...


@dataclass(frozen=True, slots=True)
class Base:
    """What a write builds on. ``snapshot`` None: the branch is not there.

    ``lost`` is the last one that was, when the branch was deleted under way.
    """

    snapshot: Snapshot | None
    board: Board
    lost: Snapshot | None = None

    @property
    def present(self) -> Collection[str]:
        """The paths that can be read."""
        snapshot = self.snapshot or self.lost
        return snapshot.files.keys() if snapshot else ()


class HeldBoard:
    """Made for one event loop. ``clock`` gives seconds since 1970; ``stretch`` is asked how much
    longer than usual a board counts as fresh and stale, and ``may_ask`` whether GitHub is worth
    asking: where it is not, nobody waits to hear that."""

    def __init__(
        self,
        branch: StatusBranch,
        *,
        freshness: Freshness,
        clock: Callable[[], float],
        shelf: Shelf | None = None,
        stretch: Callable[[], float] = lambda: 1.0,
        may_ask: Callable[[], bool] = lambda: True,
    ) -> None:
        self._branch = branch
        self._shelf = ShelvedSnapshot(shelf, branch.name) if shelf else None
        self._kept: tuple[Base, float] | None = None
        self._looked_for_kept = False
        self._freshness = freshness
        self._clock = clock
        self._stretch = stretch
        self._may_ask = may_ask
        self._base: Base | None = None
        self._asked_at: float | None = None
        self._expired_at = -math.inf
        self._refused_at = -math.inf
        """When access was lost; for as long as a board would be fresh that is not asked again."""
        self.vouched: Vouched | None = None
        """Set while webhooks tell of every push; see freshness.py."""
        self._broken: tuple[BrokenDocument, Snapshot] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._asking_since = -math.inf  # in the loop's time
        self._minutes: LRUCache[str, CommittedMinutes] = LRUCache(MAX_HELD_DAYS)
        self._good: LRUCache[int, CommittedMinutes] = LRUCache(MAX_HELD_DAYS)
        self._reading_day = asyncio.Lock()
        self._failed_days: LRUCache[str, tuple[str, StoreError]] = LRUCache(MAX_HELD_DAYS)
        """The blob that could not be read, by path."""
        self.failing: FailingItems[str] = FailingItems(
            "day", "reading for answers", clock=clock, backoff=_backoff
        )
        """By path: past days that cannot be read; their counts stand for them."""

    @property
    def problem(self) -> BrokenDocument | None:
        """What is wrong with the committed board, None while it can be read."""
        return self._broken[0] if self._broken else None

    @property
    def is_held(self) -> bool:
        """Whether there is a board to answer from, however old."""
        return self._base is not None or self._kept is not None

    @property
    def board(self) -> Board | None:
        """The board as it was seen or written last; None before that."""
        return self._base.board if self._base else None

    @property
    def confirmed_at(self) -> float | None:
        """When GitHub last said that this is the board, seconds since 1970."""
        return self._kept[1] if self._asked_at is None and self._kept else self._asked_at

    async def base(self) -> Base:
        """To answer from. Raises GitHubUnavailable or BrokenDocument where nothing is held."""
        verdict = self._verdict()
        if self._base and verdict in {Verdict.FRESH, Verdict.STALE}:
            outcome = Outcome.HIT
            if verdict is Verdict.STALE:
                outcome = Outcome.STALE
                if self._is_worth_asking():
                    self._start_asking()
            return self._given(outcome)
        before, kept = self._base, await self._from_before()
        is_usable = before is not None and verdict is not Verdict.WORTHLESS
        try:
            is_told = await self._asked_in_time() if is_usable or kept else await self._asked()
        except GitHubUnavailable:
            if not is_usable and not kept:
                raise
            is_told = False
        if self._base is None and kept:  # GitHub is out or takes its time, or the board is broken
            return self._given_kept(*kept)
        if not is_told:
            return self._given(Outcome.OUTAGE)
        self._usable()
        return self._given(Outcome.MISS if self._base is not before else Outcome.REVALIDATED)

    async def recall(self) -> None:
        """Have the board of an earlier process at hand, without asking GitHub."""
        await self._from_before()

    async def base_to_write(self, *, renew: bool) -> Base:
        """To commit on; ``renew`` asks GitHub, with a request not yet under way.

        Raises GitHubUnavailable, or BrokenDocument where the board cannot be read.
        """
        if renew and self._asking:
            await asyncio.wait([self._asking])
        if renew or self._base is None or self._broken:
            await self._asked()
        if self._broken:
            raise self._broken[0]
        return self._usable()

    async def minutes(self, base: Base, day: int) -> CommittedMinutes:
        """All minutes of a past day as of ``base``; none where it has no file.

        Where a person broke the file, as it could be read last; else raises BrokenDocument. Raises
        GitHubUnavailable, which is GitHubTimeout at the end of a reader's patience.
        """
        snapshot = base.snapshot or base.lost
        sha = snapshot.files.get(day_path(day)) if snapshot else None
        if snapshot is None or sha is None:
            return NO_DAY
        is_reading = False
        try:
            # One at a time: a large file takes much memory while it is read, and nobody needs
            # it twice.
            until = patient_until(
                asyncio.get_running_loop().time(),
                patience_seconds=self._freshness.patience_seconds,
            )
            async with asyncio.timeout_at(until), self._reading_day:
                if sha not in self._minutes:
                    is_reading = True
                    self._minutes[sha] = await self._committed_minutes(snapshot, day, sha)
        except TimeoutError:
            error = GitHubTimeout(f"{day_path(day)} did not come in time")
            if is_reading:
                self._blame(day_path(day), sha, error)
            raise error from None
        except BrokenDocument:
            if day not in self._good:
                raise
        else:
            self._good[day] = self._minutes[sha]
        return self._good[day]

    async def _committed_minutes(self, snapshot: Snapshot, day: int, sha: str) -> CommittedMinutes:
        """A day's minutes as they are in this blob; one that could not be read backs off, as every
        read of a status would ask for it."""
        path = day_path(day)
        failed = self._failed_days.get(path)
        if failed and failed[0] == sha and not self.failing.is_due(path):
            raise failed[1].with_traceback(None)
        try:
            minutes = committed_minutes(await self._read_day(snapshot, day))
        except (GitHubOut, RateLimited):
            raise
        except StoreError as error:
            self._blame(path, sha, error)
            raise
        self.failing.succeeded(path)
        return minutes

    def _blame(self, path: str, sha: str, error: StoreError) -> None:
        self._failed_days[path] = sha, error
        self.failing.failed(path, error)

    def last_minutes(self, day: int) -> CommittedMinutes | None:
        """As ``minutes`` gave them last, of whatever board; None where it never did."""
        return self._good.get(day)

    async def files(
        self, base: Base, paths: Collection[str]
    ) -> tuple[StatusFiles, Mapping[str, BrokenDocument]]:
        """The board with these files of it parsed, and which of them cannot be read."""
        days: dict[int, DayFile] = {}
        hours: dict[int, HourFile] = {}
        broken: dict[str, BrokenDocument] = {}
        snapshot = base.snapshot or base.lost
        for path in sorted(paths):
            if snapshot is None or path not in snapshot.files:
                continue
            try:
                if (day := day_at(path)) is not None:
                    days[day] = await self._read_day(snapshot, day)
                elif (hour := hour_at(path)) is not None:
                    hours[hour] = await self._read_hour(snapshot, hour)
            except BrokenDocument as error:
                broken[path] = error
        return StatusFiles(base.board, days, hours), broken

    async def content(self, base: Base, path: str) -> bytes | None:
        """A file as it is, read or not; None where there is none, or one that is too large."""
        snapshot = base.snapshot or base.lost
        try:
            return await self._branch.read(snapshot, path) if snapshot else None
        except FileTooLarge:
            return None

    async def everything(self, lost: Snapshot) -> dict[str, bytes]:
        """All files of a branch that is gone, as far as they can still be had."""
        found: dict[str, bytes] = {}
        for path in lost.files:
            try:
                content = await self._branch.read(lost, path)
            except (Conflict, FileTooLarge):
                log.warning("%s is lost with the branch %s", path, self._branch.name)
                continue
            if content is not None:
                found[path] = content
        return found

    def wrote(self, snapshot: Snapshot, files: StatusFiles) -> None:
        """Hold what has just been committed."""
        self._base = Base(snapshot, files.board)
        self._asked_at = self._clock()
        self._put_by()
        self._broken = None
        for day, file in files.days.items():
            if sha := snapshot.files.get(day_path(day)):
                self._minutes[sha] = committed_minutes(file)

    async def ask(self) -> None:
        """Ask GitHub where the branch is now. Raises GitHubUnavailable."""
        await self._asked()

    def expire(self, *, unless_at: str) -> None:
        """The branch has moved: ask before the next answer, unless it is at this commit already."""
        snapshot = self._base.snapshot if self._base else None
        if snapshot is None or snapshot.commit != unless_at:
            self._expired_at = self._clock()

    async def close(self) -> None:
        """Stop asking."""
        if self._asking:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _read_day(self, snapshot: Snapshot, day: int) -> DayFile:
        path = day_path(day)
        return await self._read(parse_day, snapshot, path, minutes=_minutes(day, MINUTES_OF_DAY))

    async def _read_hour(self, snapshot: Snapshot, hour: int) -> HourFile:
        return await self._read(parse_hour, snapshot, hour_path(hour), minutes=_minutes(hour, 60))

    async def _read(
        self, parse: _Parse[_File], snapshot: Snapshot, path: str, *, minutes: range
    ) -> _File:
        try:
            content = await self._branch.read(snapshot, path)
            assert content is not None, "the snapshot has it"
            return await asyncio.to_thread(parse, content, name=self._name(path))
        except BrokenDocument as error:
            error.path, error.minutes = path, minutes
            raise

    def _verdict(self) -> Verdict:
        if self._asked_at is None:
            return Verdict.WORTHLESS
        verdict = self._freshness.judge(
            self._asked_at, now=self._clock(), vouched=self.vouched, stretch=self._stretch()
        )
        is_expired = self._asked_at <= self._expired_at and verdict is not Verdict.WORTHLESS
        return Verdict.EXPIRED if is_expired else verdict

    async def _from_before(self) -> tuple[Base, float] | None:
        """The board an earlier process had last, and when it was confirmed; for answers alone.

        None once there is one of this process, or where it is too old or not to be had.
        """
        if self._base or self._shelf is None:
            return None
        if not self._looked_for_kept:
            self._looked_for_kept = True
            if held := self._shelf.load():
                self._kept = await self._parsed(*held)
        if self._kept is None:
            return None
        verdict = self._freshness.judge(self._kept[1], now=self._clock())
        return None if verdict is Verdict.WORTHLESS else self._kept

    async def _parsed(self, snapshot: Snapshot, at: float) -> tuple[Base, float] | None:
        """Only from what is on disk: GitHub is asked for what it has now, not for this."""
        content = await self._branch.read_held(snapshot, BOARD_PATH)
        if content is None:
            return None
        try:
            board = await asyncio.to_thread(parse_board, content, name=self._name(BOARD_PATH))
        except BrokenDocument:
            return None
        return Base(snapshot, board), at

    def _put_by(self) -> None:
        """Let the next process have this board, should it find GitHub down."""
        if self._shelf and self._base and self._base.snapshot and self._asked_at:
            self._shelf.save(self._base.snapshot, self._asked_at)

    def _usable(self) -> Base:
        if self._base is None:
            assert self._broken is not None
            raise self._broken[0]
        return self._base

    def _given_kept(self, base: Base, at: float) -> Base:
        note_read(Outcome.OUTAGE, at)
        return base

    def _given(self, outcome: Outcome) -> Base:
        base = self._usable()
        note_read(outcome, self._asked_at or 0.0)
        return base

    def _start_asking(self) -> asyncio.Task[None]:
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking_since = asyncio.get_running_loop().time()
            self._asking.add_done_callback(self._ended)
        return self._asking

    async def _asked(self) -> bool:
        """Ask GitHub, however long it takes."""
        await asyncio.shield(self._start_asking())
        return True

    async def _asked_in_time(self) -> bool:
        """Ask GitHub; False where it takes longer than a reader's patience, which begins with the
        request, or need not be asked."""
        if not self._is_worth_asking():
            return False
        asking, now = self._start_asking(), asyncio.get_running_loop().time()
        until = patient_until(
            now, patience_seconds=self._freshness.patience_seconds, begun_at=self._asking_since
        )
        await asyncio.wait([asking], timeout=until - now)
        if not asking.done() or asking.cancelled():
            return False
        asking.result()
        return True

    def _is_worth_asking(self) -> bool:
        since_refused = self._clock() - self._refused_at
        return not 0 <= since_refused < self._freshness.fresh_seconds and self._may_ask()

    def _ended(self, asking: asyncio.Task[None]) -> None:
        self._asking = None
        if not asking.cancelled():
            error = asking.exception()  # seen, in case every reader has left
            self._refused_at = self._clock() if isinstance(error, AccessLost) else -math.inf

    async def _ask(self) -> None:
        begun_at, before = self._clock(), self._base
        snapshot = await self._branch.snapshot()
        known = self._broken[1] if self._broken else before and before.snapshot
        if before is None or snapshot is not known:
            await self._take(snapshot, before)
        if self._base is before or before is None or self._broken:
            self._asked_at = begun_at
        else:
            self._asked_at = max(begun_at, self._asked_at or begun_at)
        self._put_by()

    async def _take(self, snapshot: Snapshot | None, before: Base | None) -> None:
        """Believe a snapshot that is news, unless a write of ours came between."""
        if snapshot is None:
            lost = (before.snapshot or before.lost) if before else None
            board = before.board if before else Board(int(self._clock()) // 86_400)
            self._settle(Base(None, board, lost), before)
            return
        try:
            content = await self._branch.read(snapshot, BOARD_PATH, most_bytes=MOST_BOARD_BYTES)
            board = (
                await asyncio.to_thread(parse_board, content, name=self._name(BOARD_PATH))
                if content is not None
                else self._without_file(before)
            )
        except BrokenDocument as error:
            log.error("%s; nothing is committed until it is mended", error)  # noqa: TRY400
            if self._base is before:
                self._broken = error, snapshot
            return
        self._settle(Base(snapshot, board), before)

    def _settle(self, base: Base, before: Base | None) -> None:
        if self._base is before:
            self._base, self._broken = base, None

    def _without_file(self, before: Base | None) -> Board:
        """A branch without the board's file: what is held goes back there with the next commit."""
        if before is None:
            return Board(int(self._clock()) // 86_400)
        log.warning("%s is gone; it comes back with the next commit", self._name(BOARD_PATH))
        return before.board

    def _name(self, path: str) -> str:
        return f"{path} on the branch {self._branch.name}"


def _minutes(number: int, length: int) -> range:
    """The minutes of a day or hour of that number, since 1970."""
    return range(number * length, (number + 1) * length)


def _backoff(error: Exception) -> Backoff:
    return backoff_after(error, soon=Backoff(15.0, 900.0))
