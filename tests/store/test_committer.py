"""When samples are committed: in virtual time, with a writer that does as it is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from itertools import pairwise
from math import inf
from typing import Any

import pytest

from github_store import committer
from github_store.committer import (
    BROKEN_PAUSE_SECONDS,
    LINGER_SECONDS,
    LONGEST_PAUSE_SECONDS,
    SLOW_LOOK_SECONDS,
    STEADY_MARGIN_SECONDS,
    Committer,
    Rhythm,
)
from github_store.errors import (
    AccessLost,
    BrokenDocument,
    Conflict,
    GitHubOut,
    GitHubTimeout,
    GitHubUnavailable,
    OutcomeUnknown,
    RateLimited,
    StoreError,
    Unprocessable,
)
from github_store.journal import Listener, Sequenced
from github_store.monitor import Status
from github_store.sample import Sample
from github_store.strict_json import date_of
from github_store.write_budget import HOUR, WriteBudget

DAY = 20_000
NOON = DAY * 1_440 + 720
NOON_SECONDS = NOON * 60.0
STEADY_AT = 600 - STEADY_MARGIN_SECONDS


class Time:
    """Seconds that pass when a test says so; nobody sleeps."""

    def __init__(self) -> None:
        self.now = 5_000.0
        self.stepped = 0.0
        """How far somebody has stepped the wall's clock."""
        self.waits = 0
        self._alarm = asyncio.Event()
        self._alarm_at = inf

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return NOON_SECONDS + self.now + self.stepped

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        self.waits += 1
        assert seconds is None or seconds > 0
        self._alarm = asyncio.Event()
        self._alarm_at = inf if seconds is None else self.now + seconds
        waiting = [asyncio.create_task(each.wait()) for each in (event, self._alarm)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._alarm_at = inf
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def passes(self, seconds: float) -> None:
        until = self.now + seconds
        await settled()
        while self._alarm_at <= until:
            self.now = max(self.now, self._alarm_at)
            self._alarm.set()
            await settled()
        self.now = until


async def settled() -> None:
    """Let everything happen that needs no time."""
    for _ in range(30):
        await asyncio.sleep(0)


class FakeJournal:
    def __init__(self) -> None:
        self.entries: list[Sequenced] = []
        self.last = 0

    async def append(self, sample: Sample) -> int:
        self.last += 1
        self.entries.append(Sequenced(self.last, sample, NOON_SECONDS))
        return self.last

    def pending(self) -> tuple[Sequenced, ...]:
        return tuple(self.entries)

    def forget(self, *, up_to: int) -> None:
        self.entries = [each for each in self.entries if each.seq > up_to]

    @property
    def depth(self) -> int:
        return len(self.entries)

    @property
    def oldest_at(self) -> float | None:
        return self.entries[0].acknowledged_at if self.entries else None

    def listen(self, listener: Listener) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


class FakeWriter:
    """Notes what it is to commit, and does what ``act`` says with it."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self.calls: list[tuple[float, list[int]]] = []
        """When, in seconds since the beginning, and the samples' minutes since noon."""
        self.act: Callable[[Sequence[Sample]], Awaitable[bool]] = committed

    async def write(self, samples: Sequence[Sample]) -> bool:
        at = round(self._time.now - 5_000, 3)
        self.calls.append((at, [sample.minute - NOON for sample in samples]))
        return await self.act(samples)

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.calls]


async def committed(_: Sequence[Sample]) -> bool:
    return True


def failing(*errors: Exception) -> Callable[[Sequence[Sample]], Awaitable[bool]]:
    """Each error once, the last one for ever; ``None`` in the end means success."""
    left = list(errors)

    async def act(_: Sequence[Sample]) -> bool:
        raise left.pop(0) if len(left) > 1 else left[0]

    return act


class Bench:
    """A committer with everything it needs."""

    def __init__(self, *, rhythm: Rhythm | None = None, jitter: float = 1.0) -> None:
        self.time = Time()
        self.journal = FakeJournal()
        self.writer = FakeWriter(self.time)
        self.budget = WriteBudget()
        self.landed: list[int] = []
        self.hold_off = 0.0
        self.slowness = 1.0
        self.committer = Committer(
            self.journal,
            self.writer,
            self.budget,
            rhythm=rhythm or Rhythm(),
            clock=self.time.wall,
            monotonic=self.time.monotonic,
            jitter=lambda: jitter,
            landed=self._land,
            hold_off=lambda: self.hold_off,
            slowness=lambda: self.slowness,
            wait=self.time.wait,
        )

    def _land(self, up_to: int) -> None:
        self.landed.append(up_to)
        self.journal.forget(up_to=up_to)

    def add(self, *minutes: int) -> None:
        """Acknowledge samples of these minutes since noon, without telling the committer."""
        for minute in minutes:
            self.journal.last += 1
            sample = Sample("earth", NOON + minute, Status.UP, 0.1)
            self.journal.entries.append(Sequenced(self.journal.last, sample, self.time.wall()))

    def acknowledge(self, *minutes: int, is_change: bool = False) -> None:
        """One group of samples."""
        self.add(*minutes)
        self.committer.notice(is_change=is_change)


def run(steps: Callable[[Bench], Coroutine[Any, Any, None]], **options: Any) -> Bench:
    async def started() -> Bench:
        bench = Bench(**options)
        bench.committer.start()
        await settled()
        try:
            await steps(bench)
        finally:
            bench.writer.act = committed
            await bench.committer.close(grace_seconds=5)
        return bench

    return asyncio.run(asyncio.wait_for(started(), 30))


# the rhythm -------------------------------------------------------------------------------------


def test_a_change_is_committed_within_seconds_together_with_all_that_waits() -> None:
    async def steps(bench: Bench) -> None:
        bench.acknowledge(0)
        await bench.time.passes(100)
        assert bench.writer.calls == []
        bench.acknowledge(1, is_change=True)
        await bench.time.passes(5)
        assert bench.writer.calls == [(100 + LINGER_SECONDS, [0, 1])]
        assert bench.journal.depth == 0
        await bench.time.passes(10_000)
        assert len(bench.writer.calls) == 1, "nothing waits, nothing is written"

    run(steps)


def test_changes_soon_after_one_another_share_a_commit() -> None:
    async def steps(bench: Bench) -> None:
        for minute in range(5):
            bench.acknowledge(minute, is_change=True)
            await bench.time.passes(0.15)
        await bench.time.passes(5)
        assert bench.writer.calls == [(1.0, [0, 1, 2, 3, 4])]

    run(steps)


@pytest.mark.parametrize("minutes", [(0,), (0, 1), (0, 1, 2)], ids=["one", "two", "three"])
def test_steady_samples_are_committed_before_they_are_due_also_when_they_came_as_a_group(
    minutes: tuple[int, ...],
) -> None:
    async def steps(bench: Bench) -> None:
        await bench.time.passes(1_000)
        bench.acknowledge(*minutes)
        await bench.time.passes(600)
        assert bench.writer.calls == [(1_000 + STEADY_AT, list(minutes))]

    run(steps)


def test_where_requests_run_short_commits_are_fewer_and_as_usual_soon_after() -> None:
    async def steps(bench: Bench) -> None:
        bench.slowness = 4.0
        bench.acknowledge(0, is_change=True)
        await bench.time.passes(100)
        bench.acknowledge(1)
        await bench.time.passes(3_000)
        assert bench.writer.times == [16.0, 100 + 4 * 600 - STEADY_MARGIN_SECONDS]
        bench.slowness = 20.0
        bench.acknowledge(2)
        await bench.time.passes(1_000)
        bench.slowness = 1.0
        await bench.time.passes(SLOW_LOOK_SECONDS)
        assert len(bench.writer.times) == 3

    run(steps)


def test_a_short_rhythm_is_kept() -> None:
    async def steps(bench: Bench) -> None:
        bench.acknowledge(0)
        await bench.time.passes(2)
        bench.acknowledge(1, is_change=True)
        await bench.time.passes(1)
        assert bench.writer.times == [1.8, 2.5]

    run(steps, rhythm=Rhythm(change_seconds=1, steady_seconds=2))


def test_a_steady_sample_that_arrives_during_a_commit_is_due_from_its_own_time() -> None:
    async def steps(bench: Bench) -> None:
        go_on = asyncio.Event()

        async def slowly(_: Sequence[Sample]) -> bool:
            await go_on.wait()
            return True

        bench.writer.act = slowly
        bench.acknowledge(0, is_change=True)
        await bench.time.passes(1)
        bench.acknowledge(1)
        await bench.time.passes(1)
        go_on.set()
        await bench.time.passes(599)
        assert bench.writer.calls == [(1.0, [0]), (1 + STEADY_AT, [1])]

    run(steps)


def test_a_change_during_a_commit_that_fails_is_still_a_change() -> None:
    async def steps(bench: Bench) -> None:
        go_on = asyncio.Event()

        async def fail_late(_: Sequence[Sample]) -> bool:
            await go_on.wait()
            bench.writer.act = committed
            raise GitHubUnavailable("out")

        bench.writer.act = fail_late
        bench.acknowledge(0)
        await bench.time.passes(STEADY_AT)
        bench.acknowledge(1, is_change=True)
        go_on.set()
        await bench.time.passes(5)
        assert bench.writer.calls[1:] == [(STEADY_AT + 2, [0, 1])]

    run(steps)


def test_what_the_journal_kept_from_before_is_committed_first() -> None:
    async def steps() -> None:
        bench = Bench()
        bench.add(*range(10_000))
        bench.committer.start()
        await bench.time.passes(5)
        assert bench.writer.calls == [(1.0, list(range(10_000)))]
        assert bench.journal.depth == 0
        await bench.committer.close(grace_seconds=1)

    asyncio.run(steps())


@pytest.mark.parametrize("step", [-3_600, 3_600, -86_400 * 365], ids=["back", "forward", "a year"])
def test_a_clock_that_is_stepped_changes_no_wait(step: float) -> None:
    async def steps(bench: Bench) -> None:
        bench.acknowledge(0)
        await bench.time.passes(10)
        bench.time.stepped = step
        await bench.time.passes(STEADY_AT - 10)
        assert bench.writer.times == [STEADY_AT]
        bench.acknowledge(1, is_change=True)
        bench.time.stepped = 0
        await bench.time.passes(5)
        assert bench.writer.times[1:] == [STEADY_AT + 1]
        bench.writer.act = failing(GitHubUnavailable("out"))
        bench.acknowledge(2, is_change=True)
        await bench.time.passes(1)
        bench.time.stepped = step
        await bench.time.passes(3)
        assert len(bench.writer.calls) == 4, "the pause is as long as it would have been"

    run(steps)


def test_a_day_of_pushes_wakes_it_only_for_what_it_does() -> None:
    async def steps(bench: Bench) -> None:
        for minute in range(1_440):
            bench.acknowledge(minute)
            await bench.time.passes(60)
        assert 140 <= len(bench.writer.calls) <= 150
        assert bench.time.waits <= 3 * len(bench.writer.calls)

    run(steps)


# the budget -------------------------------------------------------------------------------------


def test_the_budget_delays_a_commit_and_it_goes_when_there_is_room() -> None:
    async def steps(bench: Bench) -> None:
        bench.budget.note(bench.time.now, 240, status=True)
        bench.acknowledge(0, is_change=True)
        await bench.time.passes(HOUR - 1)
        assert bench.writer.calls == []
        assert bench.time.waits < 20
        await bench.time.passes(HOUR)
        assert len(bench.writer.calls) == 1

    run(steps)


def test_flapping_is_spread_and_each_commit_takes_all_that_waits() -> None:
    async def steps(bench: Bench) -> None:
        async def count(_: Sequence[Sample]) -> bool:
            bench.budget.note(bench.time.now, 3, status=True)
            return True

        bench.writer.act = count
        for minute in range(720):
            bench.acknowledge(minute, is_change=True)
            await bench.time.passes(10)
        assert len(bench.writer.calls) <= 2 * 240 // 3
        assert sum(len(minutes) for _, minutes in bench.writer.calls) > 700
        assert bench.time.waits < 10 * len(bench.writer.calls)

    run(steps)


@pytest.mark.parametrize("seconds", [7, 900, 4_000])
def test_a_moment_that_github_names_is_obeyed_by_all(seconds: int) -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = failing(RateLimited("limit", retry_after_seconds=seconds))
        bench.acknowledge(0, is_change=True)
        await bench.time.passes(1)
        bench.writer.act = committed
        bench.acknowledge(1, is_change=True)
        assert bench.budget.may_write_incident(bench.time.now) == seconds
        await bench.time.passes(seconds - 0.5)
        assert bench.writer.times == [1.0]
        await bench.time.passes(1)
        assert bench.writer.calls[1:] == [(1.0 + seconds, [0, 1])]

    run(steps)


def test_an_outage_with_a_stated_end_is_waited_for() -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = failing(GitHubUnavailable("busy", retry_after_seconds=120))
        bench.acknowledge(0, is_change=True)
        await bench.time.passes(200)
        assert bench.writer.times == [1.0, 121.0]
        assert bench.budget.may_write_incident(bench.time.now) == 0, "it is no rate limit"

    run(steps)


# failures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    "error",
    [
        GitHubUnavailable("out"), GitHubTimeout("slow"), AccessLost("no"), OutcomeUnknown("?"),
        Conflict("again"), RuntimeError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_pauses_between_failures_grow_with_jitter_and_are_bounded(
    error: Exception, jitter: float
) -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = failing(error)
        bench.acknowledge(0, is_change=True)
        await bench.time.passes(2 * HOUR)
        gaps = [later - earlier for earlier, later in pairwise(bench.writer.times)]
        part = 0.5 + jitter / 2
        assert gaps[:4] == pytest.approx([2 * part, 4 * part, 8 * part, 16 * part])
        assert gaps == sorted(gaps)
        assert max(gaps) == pytest.approx(LONGEST_PAUSE_SECONDS * part)
        assert bench.time.waits <= 2 * len(bench.writer.calls) + 2
        assert isinstance(bench.committer.error, StoreError)
        assert bench.journal.depth == 1

    run(steps, jitter=jitter)


def test_steady_samples_are_tried_again_as_changes_are() -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = failing(GitHubUnavailable("out"))
        bench.acknowledge(0)
        await bench.time.passes(STEADY_AT + 7)
        assert bench.writer.times == [STEADY_AT, STEADY_AT + 2, STEADY_AT + 6]

    run(steps)


def test_while_github_is_not_to_be_asked_it_only_looks_whether_it_may_be() -> None:
    async def steps(bench: Bench) -> None:
        bench.hold_off = 5.0
        bench.acknowledge(1, is_change=True)
        await bench.time.passes(600)
        assert bench.writer.calls == []
        assert bench.time.waits < 600 / 5 + 5
        bench.hold_off = 0.0
        await bench.time.passes(5)
        assert bench.writer.times == [601.0]

    run(steps)


def test_when_github_answers_again_the_pause_of_the_last_failure_is_over() -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = failing(*[GitHubUnavailable("out")] * 50)
        bench.acknowledge(1, is_change=True)
        await bench.time.passes(600)
        bench.writer.act, before = committed, len(bench.writer.calls)
        bench.committer.resume()
        await settled()
        assert bench.writer.calls[before:] == [(600.0, [1])]

    run(steps)


def test_a_success_after_failures_clears_the_error_and_the_pauses() -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = failing(GitHubUnavailable("out"))
        bench.acknowledge(0, is_change=True)
        await bench.time.passes(20)
        assert str(bench.committer.error) == "out"
        assert bench.committer.committed_at is None
        bench.writer.act = committed
        await bench.time.passes(20)
        assert bench.committer.error is None
        assert bench.committer.committed_at == NOON_SECONDS + 5_000 + bench.writer.times[-1]
        assert bench.journal.depth == 0
        bench.writer.act = failing(GitHubUnavailable("out"))
        bench.acknowledge(1, is_change=True)
        await bench.time.passes(3.5)
        assert bench.writer.times[-1] - bench.writer.times[-2] == 2, "it begins with a short pause"

    run(steps)


def test_a_commit_that_would_change_nothing_is_no_commit() -> None:
    async def steps(bench: Bench) -> None:
        async def nothing_new(_: Sequence[Sample]) -> bool:
            return False

        bench.writer.act = nothing_new
        bench.acknowledge(0, is_change=True)
        await bench.time.passes(5)
        assert bench.journal.depth == 0
        assert bench.committer.committed_at is None

    run(steps)


def test_a_failure_is_logged_once_however_often_it_happens(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = failing(GitHubUnavailable("out"))
        bench.acknowledge(0, is_change=True)
        await bench.time.passes(HOUR)

    with caplog.at_level(logging.WARNING):
        run(steps)
    messages = [each.message for each in caplog.records]
    assert messages == ["committing: samples wait in the journal (1): out"]


# what a person broke ------------------------------------------------------------------------------


def broken(path: str | None, minutes: range = range(0)) -> BrokenDocument:
    error = BrokenDocument("history/…", "no JSON", line=1, column=1)
    error.path, error.minutes = path, minutes
    return error


def breaks_on(day: int) -> Callable[[Sequence[Sample]], Awaitable[bool]]:
    """The file of one day cannot be read."""

    async def act(samples: Sequence[Sample]) -> bool:
        if any(sample.minute // 1_440 == day for sample in samples):
            raise broken(f"history/{day}", range(day * 1_440, (day + 1) * 1_440))
        return True

    return act


YESTERDAY = -1_440


def test_a_broken_day_holds_back_only_its_own_samples() -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = breaks_on(DAY - 1)
        bench.acknowledge(0, YESTERDAY, 1, is_change=True)
        await bench.time.passes(1)
        assert bench.writer.calls == [(1.0, [0, YESTERDAY, 1]), (1.0, [0, 1])]
        assert isinstance(bench.committer.error, BrokenDocument)
        assert bench.committer.committed_at is not None
        await bench.time.passes(1)
        bench.acknowledge(2, is_change=True)
        await bench.time.passes(1)
        assert bench.writer.calls[2:] == [(3.0, [2])], (
            "a change waits for nobody's mending, and what landed is not written again"
        )
        assert isinstance(bench.committer.error, BrokenDocument)
        bench.writer.act = committed
        await bench.time.passes(BROKEN_PAUSE_SECONDS)
        assert bench.writer.calls[3:] == [(1.0 + BROKEN_PAUSE_SECONDS, [YESTERDAY])]
        assert bench.journal.depth == 0
        assert bench.committer.error is None

    run(steps)


def test_a_broken_day_is_looked_at_again_also_after_github_was_out() -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = breaks_on(DAY - 1)
        bench.acknowledge(YESTERDAY, is_change=True)
        await bench.time.passes(1)
        bench.writer.act = failing(GitHubUnavailable("out"))
        await bench.time.passes(60)
        bench.writer.act = committed
        await bench.time.passes(600)
        assert bench.journal.depth == 0

    run(steps)


def test_a_broken_day_is_looked_at_no_more_often_than_it_has_to_be() -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = breaks_on(DAY - 1)
        bench.acknowledge(YESTERDAY, is_change=True)
        await bench.time.passes(HOUR)
        assert len(bench.writer.calls) >= HOUR / BROKEN_PAUSE_SECONDS - 1
        assert len(bench.writer.calls) <= HOUR / BROKEN_PAUSE_SECONDS + 1

    run(steps)


def test_samples_that_landed_beyond_one_that_waits_are_forgotten_with_it() -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = breaks_on(DAY - 1)
        bench.acknowledge(0, YESTERDAY, 1)
        with pytest.raises(BrokenDocument):
            await bench.committer.flush()
        assert [each.seq for each in bench.journal.pending()] == [2, 3]
        bench.writer.act = committed
        await bench.committer.flush()
        assert bench.writer.calls[-1][1] == [YESTERDAY]
        assert bench.landed[-1] == 3
        assert bench.journal.pending() == ()

    run(steps)


HOUR_BEFORE = -60


@pytest.mark.parametrize("minute", [HOUR_BEFORE, HOUR_BEFORE + 59, YESTERDAY, 5 * YESTERDAY])
def test_a_broken_hour_or_day_holds_back_no_other_hour_or_day(minute: int) -> None:
    minutes = (
        range(NOON - 60, NOON) if minute > YESTERDAY else range(NOON + minute, NOON + minute + 1)
    )

    async def act(samples: Sequence[Sample]) -> bool:
        if any(sample.minute in minutes for sample in samples):
            raise broken("latency/…", minutes)
        return True

    async def steps(bench: Bench) -> None:
        bench.writer.act = act
        bench.acknowledge(0, minute, 1, 3 * YESTERDAY, is_change=True)
        await bench.time.passes(1)
        assert bench.writer.calls[-1][1] == [0, 1, 3 * YESTERDAY]
        assert len(bench.committer.failing) == 1
        bench.writer.act = committed
        await bench.time.passes(BROKEN_PAUSE_SECONDS)
        assert bench.journal.depth == len(bench.committer.failing) == 0

    run(steps)


# what GitHub refuses ------------------------------------------------------------------------------


def refuses(error: Exception, *days: int) -> Callable[[Sequence[Sample]], Awaitable[bool]]:
    """No commit with samples of these days (ago) succeeds."""

    async def act(samples: Sequence[Sample]) -> bool:
        if any(DAY - sample.minute // 1_440 in days for sample in samples):
            raise error
        return True

    return act


@pytest.mark.parametrize(
    "error", [Unprocessable("too large"), KeyError("a bug")], ids=["422", "a fault of ours"]
)
@pytest.mark.parametrize("ago", [1, 2, 40])
def test_a_day_that_is_refused_holds_up_no_other_is_kept_and_is_named(
    error: Exception, ago: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = refuses(error, ago)
        bench.acknowledge(ago * YESTERDAY, 0, 3 * YESTERDAY, is_change=True)
        await bench.time.passes(2)
        assert [each.sample.minute - NOON for each in bench.journal.pending()][:1] == [
            ago * YESTERDAY
        ]
        assert bench.committer.commits == 2
        for minute in range(1, 50):
            bench.acknowledge(minute, is_change=True)
            await bench.time.passes(60)
        calls = [minutes for _, minutes in bench.writer.calls if ago * YESTERDAY in minutes]
        assert len(calls) <= 2 * 7, "it is not tried hot"
        assert bench.committer.commits == 2 + 49
        assert len(bench.committer.failing) == 1
        bench.writer.act = committed
        await bench.time.passes(HOUR)
        assert bench.journal.depth == len(bench.committer.failing) == 0

    run(steps)
    path = f"history/{date_of(DAY - ago)}.json"
    named = [each.getMessage() for each in caplog.records]
    assert named
    assert all(line.startswith(f"committing {path} ") for line in named)


@pytest.mark.parametrize(
    "error",
    [GitHubUnavailable("500"), GitHubTimeout("slow"), OutcomeUnknown("502"), Conflict("again")],
    ids=lambda error: type(error).__name__,
)
def test_a_day_that_always_fails_is_told_from_an_outage_when_it_fails_again(
    error: Exception,
) -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = refuses(error, 1)
        bench.acknowledge(YESTERDAY, 0, is_change=True)
        await bench.time.passes(10)
        assert bench.journal.pending()[0].sample.minute == NOON + YESTERDAY
        assert bench.committer.commits == 1
        assert len(bench.committer.failing) == 1
        bench.acknowledge(1, is_change=True)
        await bench.time.passes(2)
        assert bench.writer.calls[-1][1] == [1]

    run(steps)


@pytest.mark.parametrize("error", [GitHubUnavailable("500"), Unprocessable("no")])
def test_where_no_day_can_be_committed_none_is_to_blame(error: Exception) -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = failing(error)
        bench.acknowledge(*(ago * YESTERDAY for ago in range(6)), is_change=True)
        await bench.time.passes(600)
        assert len(bench.committer.failing) == 0
        bench.writer.act = committed
        await bench.time.passes(LONGEST_PAUSE_SECONDS)
        assert bench.journal.depth == 0

    run(steps)


@pytest.mark.parametrize(
    "error",
    [GitHubOut("out", retry_after_seconds=3), RateLimited("no", retry_after_seconds=60)],
    ids=["out", "limit"],
)
def test_an_outage_blames_no_day(error: Exception) -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = refuses(error, 0)
        bench.acknowledge(YESTERDAY, 0, is_change=True)
        await bench.time.passes(600)
        assert all(len(minutes) == 2 for _, minutes in bench.writer.calls)
        assert len(bench.committer.failing) == 0

    run(steps)


def test_days_are_committed_apart_within_the_budget() -> None:
    async def steps(bench: Bench) -> None:
        inner = refuses(Unprocessable("no"), 7)
        landed: set[int] = set()

        async def act(samples: Sequence[Sample]) -> bool:
            assert bench.budget.may_commit_status(bench.time.now) == 0
            done = await inner(samples)
            bench.budget.note(bench.time.now, 3, status=True)
            landed.update(sample.minute - NOON for sample in samples)
            return done

        bench.writer.act = act
        bench.acknowledge(*(ago * YESTERDAY for ago in range(60)), is_change=True)
        await bench.time.passes(120)
        assert landed == {ago * YESTERDAY for ago in range(60) if ago != 7}
        assert bench.journal.pending()[0].sample.minute == NOON + 7 * YESTERDAY

    run(steps)


def test_the_journal_does_not_grow_behind_a_day_that_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(committer, "MOST_AHEAD", 20)

    async def steps(bench: Bench) -> None:
        bench.writer.act = refuses(Unprocessable("no"), 1)
        bench.acknowledge(YESTERDAY, YESTERDAY + 1)
        for minute in range(500):
            bench.acknowledge(minute, is_change=True)
            await bench.time.passes(10)
        waiting = [each.sample.minute - NOON for each in bench.journal.pending()]
        assert [each for each in waiting if each < 0] == [YESTERDAY, YESTERDAY + 1]
        assert len(waiting) < 30

    run(steps)


def test_a_broken_board_holds_back_everything_until_it_is_mended() -> None:
    async def steps(bench: Bench) -> None:
        bench.writer.act = failing(broken(None))
        bench.acknowledge(0, is_change=True)
        await bench.time.passes(1)
        bench.acknowledge(1, is_change=True)
        await bench.time.passes(60)
        assert bench.writer.times == [1.0, 16.0, 31.0, 46.0, 61.0]
        bench.writer.act = committed
        await bench.time.passes(15)
        assert bench.journal.depth == 0

    run(steps)


# the end ------------------------------------------------------------------------------------------


def test_closing_commits_what_waits() -> None:
    async def steps(bench: Bench) -> None:
        bench.acknowledge(0, 1)

    bench = run(steps)
    assert bench.writer.calls == [(0, [0, 1])]
    assert bench.journal.depth == 0


@pytest.mark.parametrize("is_under_way", [False, True], ids=["at rest", "under way"])
def test_closing_takes_no_longer_than_it_may_and_leaves_the_rest_in_the_journal(
    caplog: pytest.LogCaptureFixture, is_under_way: bool
) -> None:
    async def hang(_: Sequence[Sample]) -> bool:
        await asyncio.Event().wait()
        return True

    async def steps() -> None:
        bench = Bench()
        bench.committer.start()
        bench.writer.act = hang
        bench.acknowledge(0, is_change=True)
        if is_under_way:
            await bench.time.passes(1)
            assert bench.writer.times == [1.0]
        await asyncio.wait_for(bench.committer.close(grace_seconds=0.02), 5)
        assert bench.journal.depth == 1

    with caplog.at_level(logging.WARNING):
        asyncio.run(steps())
    assert "samples stay in the journal (1): GitHub takes too long" in caplog.text


def test_closing_keeps_to_the_budget_and_to_what_github_named() -> None:
    async def steps() -> None:
        bench = Bench()
        bench.committer.start()
        bench.acknowledge(0)
        bench.budget.obey(60, bench.time.now)
        await bench.committer.close(grace_seconds=1)
        assert bench.writer.calls == []
        assert bench.journal.depth == 1

    asyncio.run(steps())


@pytest.mark.parametrize("error", [GitHubUnavailable("out"), RuntimeError("a bug")], ids=str)
def test_closing_ends_whatever_happens(error: Exception) -> None:
    async def steps() -> None:
        bench = Bench()
        bench.acknowledge(0)
        bench.writer.act = failing(error)
        await bench.committer.close(grace_seconds=1)
        assert bench.journal.depth == 1

    asyncio.run(steps())
