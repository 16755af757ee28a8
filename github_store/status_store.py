"""Status of a repository's monitors: Kener's two operations on it.

A push is answered once its sample is in the journal, and never waits for GitHub; the committer
makes commits of the journal behind it. A read is computed from the committed board, the samples
that are not committed yet, and the incidents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from github_store.committer import Committer
from github_store.coverage import IncidentSpan, by_tag
from github_store.current_monitors import CurrentMonitors
from github_store.day_minutes import NO_MINUTES, DayMinutes, spread
from github_store.errors import (
    BrokenDocument,
    Conflict,
    GitHubUnavailable,
    JournalUnavailable,
    StoreError,
    Unprocessable,
)
from github_store.failing_items import FailingItems
from github_store.held_board import Base, HeldBoard
from github_store.incident_coverage import IncidentCoverage
from github_store.journal import Journal, Sequenced
from github_store.journal_damage import Damage
from github_store.monitor import Monitor, Monitors, Status
from github_store.past_days import KEPT_DAYS
from github_store.pending_samples import PendingSamples
from github_store.read_trace import Outcome, note_read
from github_store.sample import Sample
from github_store.status_board import Board
from github_store.status_files import board_under_present_tags, shared_days
from github_store.status_writer import StatusWriter
from github_store.tag_aliases import AliasMap
from github_store.window_status import DaysNeeded, MonitorStatus, window_status

MAX_ANSWERS = 4_096
"""Answers held for whoever asks the same again."""


@dataclass(frozen=True, slots=True)
class _Answers:
    """Answers by tag and minutes asked for, as long as all that they depend on is the same: the
    monitors, the board (past days come with it), the minute; and each with its pending samples and
    its monitor's spans.

    All but the latter are replaced and never changed, so identity tells.
    """

    monitors: Monitors
    board: Board
    minute: int
    by_question: LRUCache[tuple[str, int], _Answer]


@dataclass(frozen=True, slots=True)
class _Answer:
    """A status, and what it was made of."""

    pending: tuple[Sequenced, ...]
    spans: tuple[IncidentSpan, ...]
    status: MonitorStatus


@dataclass(frozen=True, slots=True)
class _View:
    """A board under the present tags of these monitors."""

    monitors: Monitors
    committed: Board
    board: Board
    is_estimate: bool = False
    """Whether GitHub, being out, did not give a day on which two tags of a monitor have samples."""


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
    damages: tuple[Damage, ...] = ()
    """What was found of the journal's damage, until a person removes the note of it."""


class StatusStore:
    """Made for one event loop. ``clock`` gives seconds since 1970."""

    def __init__(
        self,
        journal: Journal,
        held: HeldBoard,
        *,
        coverage: IncidentCoverage,
        monitors: CurrentMonitors,
        clock: Callable[[], float],
        writer: StatusWriter,
        committer: Callable[[Callable[[int], None]], Committer],
    ) -> None:
        self._journal = journal
        self._held = held
        self._coverage = coverage
        self._monitors = monitors
        self._clock = clock
        self._pending = PendingSamples()
        self._answers: _Answers | None = None
        self._spans: tuple[tuple[IncidentSpan, ...], Mapping[str, tuple[IncidentSpan, ...]]] = (
            (),
            {},
        )
        self._latest: dict[str, tuple[int, Status]] = {}
        self._view: _View | None = None
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
            damages=tuple(self._journal.damages),
        )

    @property
    def failing(self) -> FailingItems[str]:
        """By path: files that cannot be written, while others are."""
        return self._committer.failing

    def start(self) -> None:
        """Let the journal be committed in the background."""
        self._committer.start()

    async def push(self, tag: str, *, status: Status, latency: float, minute: int) -> None:
        """Keep one sample; ``minute`` is any second of it, since 1970.

        Raises JournalUnavailable where the disk does not take it: then it is not kept.
        """
        sample = Sample(_monitor(self._monitors.now, tag).tag, minute // 60, status, latency)
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
        own = _monitor(self._monitors.now, tag).tag
        await self._writer.write(
            [Sample(own, minute // 60, status, latency) for minute, status, latency in samples]
        )

    async def current(self, tag: str, *, since_seconds: int) -> MonitorStatus:
        """The newest status, and the uptime of the current minute and the seconds before it.

        A past day whose minutes GitHub does not give, or somebody broke, is taken as it was read
        last, else from its counts, as if each status were spread evenly over it. Raises
        GitHubUnavailable or BrokenDocument where nothing is held to answer from.
        """
        while True:
            monitors = self._monitors.now
            found = await self._current(monitors, tag, since_seconds=since_seconds)
            if monitors is self._monitors.now:  # else part of it is of others
                return found

    async def _current(self, monitors: Monitors, tag: str, *, since_seconds: int) -> MonitorStatus:
        monitor, aliases = _monitor(monitors, tag), monitors.aliases
        # A commit may land while this waits: then what it held is pending no more, and the board
        # below may still be the one from before.
        noted = self._pending.of(tag, aliases)
        base = await self._held.base()
        spans = self._of_monitor(await self._coverage.spans(), tag)
        view = await self._under_present_tags(base, monitors)
        board = view.board
        past: dict[int, DayMinutes] = {}
        is_estimate = view.is_estimate
        while True:
            pending = self._with_news(noted, tag, aliases)
            minute, since_minutes = int(self._clock()) // 60, since_seconds // 60
            answers = self._answers_of(monitors, board, minute)
            known = answers.get((tag, since_minutes))
            if known and known.pending is pending and known.spans == spans:
                return known.status
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
                    answers[tag, since_minutes] = _Answer(pending, spans, found)
                return found
            for day in found.days:
                try:
                    minutes = await self._held.minutes(base, day)
                    past[day] = minutes.under(aliases).get(tag, NO_MINUTES)
                except (GitHubUnavailable, BrokenDocument, Conflict) as error:
                    if isinstance(error, GitHubUnavailable):
                        note_read(Outcome.OUTAGE, self._held.confirmed_at or 0.0)
                    last = self._held.last_minutes(day)
                    past[day] = (
                        _estimated(board, tag, day)
                        if last is None
                        else last.under(aliases).get(tag, NO_MINUTES)
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

    def _of_monitor(self, spans: tuple[IncidentSpan, ...], tag: str) -> tuple[IncidentSpan, ...]:
        """Its own, found in an index that is made once of all spans."""
        if self._spans[0] is not spans:
            self._spans = spans, by_tag(spans)
        return self._spans[1].get(tag, ())

    def _answers_of(
        self, monitors: Monitors, board: Board, minute: int
    ) -> LRUCache[tuple[str, int], _Answer]:
        held = self._answers
        if (
            held is None
            or held.minute != minute
            or held.monitors is not monitors
            or held.board is not board
        ):
            held = self._answers = _Answers(monitors, board, minute, LRUCache(MAX_ANSWERS))
        return held.by_question

    def _with_news(
        self, noted: tuple[Sequenced, ...], tag: str, aliases: AliasMap
    ) -> tuple[Sequenced, ...]:
        """What was pending, then what has been acknowledged meanwhile."""
        now = self._pending.of(tag, aliases)
        if now is noted:
            return noted
        last = noted[-1].seq if noted else 0
        return (*noted, *(each for each in now if each.seq > last))

    async def _under_present_tags(self, base: Base, monitors: Monitors) -> _View:
        """The board with former tags' histories under the present ones.

        A past day that cannot be read is taken as it was read last, else from the counts of the
        present tag.
        """
        view, aliases = self._view, monitors.aliases
        if view and view.committed is base.board and view.monitors is monitors:
            return view
        minutes: dict[int, Mapping[str, DayMinutes]] = {}
        is_estimate = False
        for day in sorted(shared_days(base.board, aliases)):
            try:
                minutes[day] = (await self._held.minutes(base, day)).under(aliases)
            except (GitHubUnavailable, BrokenDocument, Conflict) as error:
                if isinstance(error, GitHubUnavailable):
                    note_read(Outcome.OUTAGE, self._held.confirmed_at or 0.0)
                    is_estimate = True
                if last := self._held.last_minutes(day):
                    minutes[day] = last.under(aliases)
        board = board_under_present_tags(base.board, minutes, aliases)
        view = _View(monitors, base.board, board, is_estimate)
        if not is_estimate:
            self._view = view
        return view

    def _acknowledged(self, entries: Sequence[Sequenced]) -> None:
        self._committer.notice(is_change=self._remember(entries))

    def _remember(self, entries: Sequence[Sequenced]) -> bool:
        """Put samples over the board; whether one of them is another status than before."""
        is_change = False
        for entry in entries:
            sample = entry.sample
            self._pending.add(entry)
            latest = self._latest.get(sample.tag) or self._committed(sample.tag)
            if latest is None or sample.minute >= latest[0]:
                is_change = is_change or latest is None or latest[1] is not sample.status
                self._latest[sample.tag] = sample.minute, sample.status
        return is_change

    def _committed(self, tag: str) -> tuple[int, Status] | None:
        """The newest sample on the board by any name of the monitor."""
        board, monitor = self._held.board, self._monitors.now.get(tag)
        names = (tag, *monitor.aliases) if monitor else (tag,)
        entries = filter(None, map(board.entries.get, names)) if board else ()
        latest = max((each.latest for each in entries), key=lambda one: one.minute, default=None)
        return (latest.minute, latest.status) if latest else None

    def _landed(self, up_to: int) -> None:
        """Samples up to this number are on the held board."""
        self._journal.forget(up_to=up_to)
        self._pending.drop(up_to)


def _monitor(monitors: Monitors, tag: str) -> Monitor:
    monitor = monitors.get(tag)
    if monitor is None:
        raise Unprocessable("no monitor has this tag", field="tag")
    return monitor


def _estimated(board: Board, tag: str, day: int) -> DayMinutes:
    """A past day as far as the board alone tells of it."""
    entry, ago = board.entries.get(tag), board.today - day
    return spread(entry.days.before(ago)) if entry and 1 <= ago <= KEPT_DAYS else NO_MINUTES
