"""Status of a repository's monitors: Kener's two operations on it.

A push is answered once its sample is in the journal, and never waits for GitHub; the committer
makes commits of the journal behind it. A read is computed from the committed board, the samples
that are not committed yet, and the incidents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from github_store.committer import Committer
from github_store.coverage import IncidentSpan
from github_store.day_file_format import day_path
from github_store.day_minutes import NO_MINUTES, DayMinutes, spread
from github_store.errors import (
    BrokenDocument,
    GitHubUnavailable,
    JournalUnavailable,
    StoreError,
    Unprocessable,
)
from github_store.held_board import Base, HeldBoard
from github_store.incident_coverage import IncidentCoverage
from github_store.journal import Journal, Sequenced
from github_store.monitor import Monitor, Monitors, Status
from github_store.past_days import KEPT_DAYS
from github_store.pending_samples import Pending
from github_store.present_tags import PresentTags
from github_store.read_trace import Outcome, note_read
from github_store.sample import Sample
from github_store.status_board import Board
from github_store.status_files import (
    shared_days,
    under_present_tags,
)
from github_store.status_writer import StatusWriter
from github_store.window_status import DaysNeeded, MonitorStatus, window_status

MAX_ANSWERS = 4_096
"""Answers held for whoever asks the same again."""


@dataclass(frozen=True, slots=True)
class _Answers:
    """Answers by tag and minutes asked for, as long as all that they depend on is the same: the
    board (past days come with it), the spans, the minute; and each with its pending samples.

    These are replaced and never changed, so identity tells.
    """

    board: Board
    spans: tuple[IncidentSpan, ...]
    minute: int
    by_question: LRUCache[tuple[str, int], tuple[tuple[Sequenced, ...], MonitorStatus]]


@dataclass(frozen=True, slots=True)
class StatusHealth:
    """How commits are getting on. Times are seconds since 1970."""

    waiting: int
    """Samples that are acknowledged and not committed."""
    oldest_at: float | None
    committed_at: float | None
    error: StoreError | None
    """Why the last commit failed."""
    problem: BrokenDocument | None
    """What a person broke in the committed board."""
    is_board_held: bool = False
    """Whether a board is held to answer from, however old."""
    board_confirmed_at: float | None = None
    """When GitHub last said that this is the board."""
    refused_at: float | None = None
    """When the journal last refused a sample, None since it takes them again."""
    commits: int = 0
    """Commits that landed since the start."""
    failures: int = 0
    """Attempts to commit that failed since the start."""
    lag_seconds: float | None = None
    """How long the oldest sample of the last commit had waited for it."""


class StatusStore:
    """Made for one event loop. ``clock`` gives seconds since 1970."""

    def __init__(
        self,
        journal: Journal,
        held: HeldBoard,
        *,
        coverage: IncidentCoverage,
        monitors: Monitors,
        tags: PresentTags,
        clock: Callable[[], float],
        writer: StatusWriter,
        committer: Callable[[Callable[[int], None]], Committer],
    ) -> None:
        self._journal = journal
        self._held = held
        self._coverage = coverage
        self._monitors = monitors
        self._tags = tags
        self._clock = clock
        self._pending: dict[str, Pending] = {}
        self._answers: _Answers | None = None
        self._latest: dict[str, tuple[int, Status]] = {}
        self._view: tuple[Board, Board] | None = None
        self._writer = writer
        self._refused_at: float | None = None
        self._remember(journal.pending())
        journal.listen(self._acknowledged)
        self._committer = committer(self._landed)

    @property
    def health(self) -> StatusHealth:
        return StatusHealth(
            waiting=self._journal.depth,
            oldest_at=self._journal.oldest_at,
            committed_at=self._committer.committed_at,
            error=self._committer.error,
            problem=self._held.problem,
            is_board_held=self._held.is_held,
            board_confirmed_at=self._held.confirmed_at,
            refused_at=self._refused_at,
            commits=self._committer.commits,
            failures=self._committer.failures,
            lag_seconds=self._committer.lag_seconds,
        )

    def start(self) -> None:
        """Let the journal be committed in the background."""
        self._committer.start()

    async def push(self, tag: str, *, status: Status, latency: float, minute: int) -> None:
        """Keep one sample; ``minute`` is any second of it, since 1970.

        Raises JournalUnavailable where the disk does not take it: then it is not kept.
        """
        sample = Sample(self._monitor(tag).tag, minute // 60, status, latency)
        try:
            await self._journal.append(sample)
        except JournalUnavailable:
            self._refused_at = self._clock()
            raise
        self._refused_at = None

    async def commit(self, tag: str, samples: Iterable[tuple[int, Status, float]]) -> None:
        """Commit one monitor's samples now, past the journal: each a minute (any second of it),
        a status and a latency.

        Raises Conflict, OutcomeUnknown, BrokenDocument or GitHubUnavailable; they may be given
        again after any of them.
        """
        own = self._monitor(tag).tag
        await self._writer.write(
            [Sample(own, minute // 60, status, latency) for minute, status, latency in samples]
        )

    async def current(self, tag: str, *, since_seconds: int) -> MonitorStatus:
        """The newest status, and the uptime of the current minute and the seconds before it.

        A past day whose minutes GitHub, being out, does not give is taken as it was read last, else
        from its counts, as if each status were spread evenly over it. Raises GitHubUnavailable or
        BrokenDocument where nothing is held to answer from.
        """
        monitor = self._monitor(tag)
        # A commit may land while this waits: then what it held is pending no more, and the board
        # below may still be the one from before.
        noted = self._pending_of(tag)
        base = await self._held.base()
        spans = await self._coverage.spans()
        board = await self._under_present_tags(base)
        past: dict[int, DayMinutes] = {}
        is_estimate = False
        while True:
            pending = self._with_news(noted, tag)
            minute, since_minutes = int(self._clock()) // 60, since_seconds // 60
            answers = self._answers_of(board, spans, minute)
            known = answers.get((tag, since_minutes))
            if known and known[0] is pending:
                return known[1]
            found = window_status(
                board,
                monitor,
                now=minute,
                since_minutes=since_minutes,
                spans=spans,
                pending=[each.sample for each in pending],
                past=past,
            )
            if not isinstance(found, DaysNeeded):
                if not is_estimate:
                    answers[tag, since_minutes] = pending, found
                return found
            for day in found.days:
                try:
                    past[day] = (await self._held.minutes(base, day)).get(tag, NO_MINUTES)
                except GitHubUnavailable:
                    note_read(Outcome.OUTAGE, self._held.confirmed_at or 0.0)
                    last = self._held.last_minutes(day)
                    past[day] = (
                        _estimated(board, tag, day) if last is None else last.get(tag, NO_MINUTES)
                    )
                    is_estimate = True

    async def recall(self) -> None:
        """Have at hand what an earlier process knew, without asking GitHub."""
        await self._held.recall()

    def resume(self) -> None:
        """GitHub answers again: commit what waits."""
        self._committer.resume()

    async def flush(self) -> None:
        """Commit what waits, now. Raises StoreError; what waits is kept then."""
        await self._committer.flush()

    async def close(self, *, grace_seconds: float = 1.0) -> None:
        """Take no further push; what waits has this long to be committed, or stays for later."""
        await self._committer.close(grace_seconds=grace_seconds)
        await self._journal.close()
        await self._coverage.close()
        await self._held.close()

    def _answers_of(
        self, board: Board, spans: tuple[IncidentSpan, ...], minute: int
    ) -> LRUCache[tuple[str, int], tuple[tuple[Sequenced, ...], MonitorStatus]]:
        held = self._answers
        if (
            held is None
            or held.minute != minute
            or held.board is not board
            or held.spans is not spans
        ):
            held = self._answers = _Answers(board, spans, minute, LRUCache(MAX_ANSWERS))
        return held.by_question

    def _pending_of(self, tag: str) -> tuple[Sequenced, ...]:
        pending = self._pending.get(tag)
        return pending.entries if pending else ()

    def _with_news(self, noted: tuple[Sequenced, ...], tag: str) -> tuple[Sequenced, ...]:
        """What was pending, then what has been acknowledged meanwhile."""
        now = self._pending_of(tag)
        if now is noted:
            return noted
        last = noted[-1].seq if noted else 0
        return (*noted, *(each for each in now if each.seq > last))

    async def _under_present_tags(self, base: Base) -> Board:
        """The board with former tags' histories under the present ones."""
        if self._view is None or self._view[0] is not base.board:
            shared = map(day_path, shared_days(base.board, self._tags))
            files = await self._held.files(base, tuple(shared))
            self._view = base.board, under_present_tags(files, self._tags).board
        return self._view[1]

    def _acknowledged(self, entries: Sequence[Sequenced]) -> None:
        self._committer.notice(is_change=self._remember(entries))

    def _remember(self, entries: Sequence[Sequenced]) -> bool:
        """Put samples over the board; whether one of them is another status than before."""
        is_change = False
        for entry in entries:
            sample = entry.sample
            pending = self._pending.get(sample.tag)
            if pending is None:
                pending = self._pending[sample.tag] = Pending()
            pending.add(entry)
            latest = self._latest.get(sample.tag) or self._committed(sample.tag)
            if latest is None or sample.minute >= latest[0]:
                is_change = is_change or latest is None or latest[1] is not sample.status
                self._latest[sample.tag] = sample.minute, sample.status
        return is_change

    def _committed(self, tag: str) -> tuple[int, Status] | None:
        board = self._held.board
        entry = board.entries.get(tag) if board else None
        return (entry.latest.minute, entry.latest.status) if entry else None

    def _landed(self, up_to: int) -> None:
        """Samples up to this number are on the held board."""
        self._journal.forget(up_to=up_to)
        for tag, pending in list(self._pending.items()):
            pending.drop(up_to)
            if not pending.entries:
                del self._pending[tag]

    def _monitor(self, tag: str) -> Monitor:
        monitor = self._monitors.get(tag)
        if monitor is None:
            raise Unprocessable("no monitor has this tag", field="tag")
        return monitor


def _estimated(board: Board, tag: str, day: int) -> DayMinutes:
    """A past day as far as the board alone tells of it."""
    entry, ago = board.entries.get(tag), board.today - day
    return spread(entry.days.before(ago)) if entry and 1 <= ago <= KEPT_DAYS else NO_MINUTES
