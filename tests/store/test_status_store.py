"""Pushing and reading status against branches in memory: races, outages, broken files.

The same over real sockets is in ``test_status_over_http``.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable

import pytest

from github_store.errors import (
    AccessLost,
    BrokenDocument,
    Conflict,
    GitHubUnavailable,
    OutcomeUnknown,
    RateLimited,
    StoreError,
    Unprocessable,
)
from github_store.freshness import Freshness
from github_store.monitor import Monitor, Monitors, Status
from github_store.monitor_status import MonitorStatus
from github_store.status_document import Sample, StatusDocument
from github_store.status_format import dump, parse
from github_store.status_store import ATTEMPTS, StatusStore
from tests.store.fake_branches import FakeBranches

UP, DOWN, DEGRADED = Status.UP, Status.DOWN, Status.DEGRADED
NOW = 1_700_000_040
"""The first second of a minute."""
BRANCH, FILE = "status-data", "status.json"
MONITORS = Monitors(
    [Monitor("earth", "Earth", aliases=("globe",)), Monitor("moon", "Moon"), Monitor("mars", "M")]
)


class Desk:
    """One service at work on one repository, at a time of its own."""

    def __init__(self, github: FakeBranches, *, patience_seconds: float = 5) -> None:
        self.github = github
        self.now = float(NOW)
        self.pauses: list[float] = []
        self.store = StatusStore(
            github,
            branch=BRANCH,
            monitors=MONITORS,
            freshness=Freshness(fresh_seconds=15),
            clock=lambda: self.now,
            patience_seconds=patience_seconds,
            jitter=lambda: 0.5,
            sleep=self._pause,
        )

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def push(self, tag: str = "earth", status: Status = UP, *, minutes_ago: int = 0) -> None:
        minute = int(self.now) - 60 * minutes_ago
        await self.store.push(tag, status=status, latency=1, minute=minute)

    async def current(self, tag: str = "earth") -> MonitorStatus:
        return await self.store.current(tag, since_seconds=7_776_000)

    @property
    def committed(self) -> dict[tuple[str, int], Status]:
        """The minutes on the branch, counted back from now."""
        document = parse(self.github.branches[BRANCH][FILE], name=FILE)
        return {
            (tag, back): newest[1]
            for tag, history in document.histories.items()
            for back in range(5)
            if (newest := history.newest_until(NOW // 60 - back)) and newest[0] == NOW // 60 - back
        }


def file_of(*samples: Sample) -> bytes:
    return dump(StatusDocument().apply(samples))


def sample(tag: str = "earth", status: Status = UP, *, minutes_ago: int = 0) -> Sample:
    return Sample(tag, NOW // 60 - minutes_ago, status, 1)


def with_status(*samples: Sample) -> FakeBranches:
    """A repository whose status branch holds these samples."""
    return FakeBranches({"main": {"README.md": b"hi"}, BRANCH: {FILE: file_of(*samples)}})


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await asyncio.wait_for(scene(), timeout=10)

    asyncio.run(whole())


async def settled(condition: Callable[[], bool]) -> None:
    """Let the others run until it is so."""
    while not condition():  # noqa: ASYNC110 - what it waits for are steps, not one event
        await asyncio.sleep(0)


# Reading


def test_a_monitor_without_a_file_has_no_data() -> None:
    async def scene() -> None:
        desk = Desk(FakeBranches({"main": {}}))
        assert await desk.current() == MonitorStatus("NO_DATA", "-", None)
        assert desk.github.writes == []

    run(scene)


def test_what_others_committed_is_read() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample(status=DOWN), sample(minutes_ago=1)))
        assert await desk.current() == MonitorStatus("DOWN", "50", NOW)

    run(scene)


def test_a_file_of_more_than_a_megabyte_is_read_and_written() -> None:
    async def scene() -> None:
        many = [sample(f"retired-{i:05}-{'x' * 40}") for i in range(5_000)]
        desk = Desk(with_status(sample(), *many))
        assert len(desk.github.branches[BRANCH][FILE]) > 1_000_000
        assert (await desk.current()).status == "UP"
        assert any("/git/blobs/" in line for line in desk.github.requests)
        await desk.push(status=DOWN)
        assert desk.committed["earth", 0] is DOWN

    run(scene)


def test_a_large_file_is_not_fetched_again_while_its_sha_stays() -> None:
    async def scene() -> None:
        many = [sample(f"retired-{i:05}-{'x' * 40}") for i in range(5_000)]
        desk = Desk(with_status(sample(), *many))
        desk.github.gives_etags = False
        for _ in range(3):
            assert (await desk.current()).status == "UP"
            desk.now += 16
        assert sum("/git/blobs/" in line for line in desk.github.requests) == 1

    run(scene)


def test_a_former_tags_history_is_kept_through_reads_and_writes() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample("globe", DOWN, minutes_ago=1)))
        assert (await desk.current()).status == "DOWN"
        await desk.push(status=UP)
        assert desk.committed == {("earth", 1): DOWN, ("earth", 0): UP}

    run(scene)


def test_while_fresh_nothing_is_asked_and_later_conditionally() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample()))
        await desk.current()
        await desk.current("moon")
        assert len(desk.github.requests) == 1
        desk.now += 16
        assert (await desk.current()).status == "UP"
        assert len(desk.github.requests) == 2
        desk.github.commit(BRANCH, FILE, file_of(sample(status=DOWN)), "by hand")
        desk.now += 16
        assert (await desk.current()).status == "DOWN"

    run(scene)


def test_many_cold_readers_share_one_request() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample()))
        answers = await asyncio.gather(*(desk.current() for _ in range(200)))
        assert {answer.status for answer in answers} == {"UP"}
        assert len(desk.github.requests) == 1

    run(scene)


def test_a_reader_who_hangs_up_does_not_take_the_answer_from_the_others() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample()))
        hasty = asyncio.create_task(desk.current())
        patient = asyncio.create_task(desk.current())
        await settled(lambda: bool(desk.github.requests))
        hasty.cancel()
        assert (await patient).status == "UP"

    run(scene)


def test_during_an_outage_what_is_held_is_read() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample()))
        await desk.current()
        desk.now += 3_600
        desk.github.fail_once("GET", GitHubUnavailable("out"))
        assert (await desk.current()).status == "UP"

    run(scene)


@pytest.mark.parametrize("error", [GitHubUnavailable("out"), RateLimited("slow down")])
def test_an_outage_is_told_where_nothing_is_held(error: StoreError) -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample()))
        desk.github.fail_once("GET", error)
        with pytest.raises(type(error)):
            await desk.current()
        assert (await desk.current()).status == "UP"

    run(scene)


def test_lost_access_is_no_missing_file() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample()))
        desk.github.is_there = False
        with pytest.raises(AccessLost):
            await desk.current()
        with pytest.raises(AccessLost):
            await desk.push()

    run(scene)


def test_a_reader_waits_no_longer_than_its_patience_for_a_slow_github() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample()), patience_seconds=0.01)
        await desk.current()
        desk.now += 16
        answered = asyncio.Event()

        async def slow(line: str) -> None:
            await answered.wait()

        desk.github.before = slow
        desk.github.commit(BRANCH, FILE, file_of(sample(status=DOWN)), "by hand")
        assert (await desk.current()).status == "UP"
        answered.set()
        for _ in range(1_000):
            if (await desk.current()).status == "DOWN":
                return
            await asyncio.sleep(0)
        pytest.fail("the slow answer was never taken")

    run(scene)


# Pushing


def test_a_push_returns_when_its_commit_has_landed_and_is_read_at_once() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample(minutes_ago=1)))
        await desk.push(status=DOWN)
        assert desk.committed == {("earth", 1): UP, ("earth", 0): DOWN}
        asked = len(desk.github.requests)
        assert await desk.current() == MonitorStatus("DOWN", "50", NOW)
        assert len(desk.github.requests) == asked

    run(scene)


def test_a_later_push_of_the_same_minute_replaces_the_earlier() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        await desk.push(status=DOWN)
        await desk.push(status=DEGRADED)
        assert desk.committed == {("earth", 0): DEGRADED}

    run(scene)


def test_a_second_push_costs_one_request() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        await desk.push()
        desk.github.requests.clear()
        desk.now += 60
        await desk.push()
        assert desk.github.requests == [f"PUT /contents/{FILE}"]

    run(scene)


def test_what_is_there_already_is_not_committed_again() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample()))
        await desk.push()
        assert desk.github.commits == []

    run(scene)


def test_days_out_of_the_window_are_dropped_with_the_next_sample_but_are_no_reason_to_commit() -> (
    None
):
    async def scene() -> None:
        desk = Desk(with_status(sample(), sample(minutes_ago=92 * 1_440)))
        await desk.push()
        assert desk.github.commits == []
        await desk.push(minutes_ago=1)
        assert desk.github.branches[BRANCH][FILE].decode().count('"minutes"') == 1

    run(scene)


def test_that_it_is_there_already_is_believed_only_of_a_fresh_answer() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample()))
        await desk.current()
        desk.github.commit(BRANCH, FILE, file_of(), "emptied by hand")
        desk.now += 30
        await desk.push(minutes_ago=0)
        assert desk.committed == {("earth", 0): UP}

    run(scene)


def test_pushes_that_come_during_a_commit_share_the_next() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        pushes = [desk.push(tag, minutes_ago=ago) for ago in range(5) for tag in MONITORS.tags]
        await asyncio.gather(*pushes)
        assert len(desk.committed) == 15
        assert [message for _, message in desk.github.commits] == [
            "earth UP, mars UP, moon UP · 15 samples [skip ci]"
        ]
        await asyncio.gather(*(desk.push(tag, DOWN) for tag in MONITORS.tags))
        assert len(desk.github.commits) == 2

    run(scene)


def test_reads_do_not_wait_for_a_commit_under_way() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample(minutes_ago=1)))
        await desk.current()
        landed = asyncio.Event()

        async def slow(line: str) -> None:
            await landed.wait()

        desk.github.before = slow
        push = asyncio.create_task(desk.push(status=DOWN))
        await settled(lambda: bool(desk.github.writes))
        assert (await desk.current()).status == "UP"
        landed.set()
        await push
        assert (await desk.current()).status == "DOWN"

    run(scene)


def test_the_push_of_a_client_that_hangs_up_is_committed_all_the_same() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        hasty = asyncio.create_task(desk.push())
        patient = asyncio.create_task(desk.push("moon"))
        await settled(lambda: bool(desk.github.requests))
        hasty.cancel()
        await patient
        assert desk.committed == {("earth", 0): UP, ("moon", 0): UP}

    run(scene)


def test_an_unknown_tag_is_refused() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        with pytest.raises(Unprocessable):
            await desk.push("pluto")
        with pytest.raises(Unprocessable):
            await desk.current("globe")

    run(scene)


# Other writers


def test_a_lost_race_is_read_again_and_everybodys_samples_stay() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        others = itertools.count(1)

        async def somebody_first(line: str) -> None:
            if line.startswith("PUT") and (ago := next(others)) <= 3:
                theirs = [sample("moon", DOWN, minutes_ago=back) for back in range(1, ago + 1)]
                desk.github.commit(BRANCH, FILE, file_of(*theirs), "theirs")

        desk.github.before = somebody_first
        await desk.push()
        assert desk.committed == {("moon", back): DOWN for back in (1, 2, 3)} | {("earth", 0): UP}
        assert desk.pauses == [0.1, 0.2, 0.4]

    run(scene)


def test_a_race_that_is_always_lost_ends_in_a_conflict() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        others = itertools.count(1)

        async def somebody_first(line: str) -> None:
            if line.startswith("PUT"):
                desk.github.commit(
                    BRANCH, FILE, file_of(sample("moon", minutes_ago=next(others))), "theirs"
                )

        desk.github.before = somebody_first
        with pytest.raises(Conflict):
            await desk.push()
        assert len(desk.github.writes) == ATTEMPTS
        assert desk.pauses == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]

    run(scene)


def test_two_services_on_one_branch_lose_nothing() -> None:
    async def scene() -> None:
        github = FakeBranches({"main": {}})
        first, second = Desk(github), Desk(github)
        pushes = [
            desk.push(tag, minutes_ago=ago)
            for ago in range(5)
            for desk, tag in ((first, "earth"), (second, "moon"))
        ]
        await asyncio.gather(*pushes)
        assert len(first.committed) == 10

    run(scene)


def test_a_read_that_lags_behind_a_write_of_ours_is_discarded() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample(minutes_ago=1)))
        await desk.push(status=DOWN)
        ours = desk.github.branches[BRANCH][FILE]
        desk.github.branches[BRANCH][FILE] = file_of(sample(minutes_ago=1))
        desk.now += 16
        assert (await desk.current()).status == "DOWN"
        desk.github.branches[BRANCH][FILE] = ours
        assert (await desk.current()).status == "DOWN"

    run(scene)


def test_what_a_person_brought_back_is_read_although_we_once_replaced_it() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        for status in (UP, DOWN, UP):
            await desk.push(status=status)
        ours = desk.github.branches[BRANCH][FILE]
        for content, expected in ((file_of(sample("moon")), "NO_DATA"), (ours, "UP")):
            desk.github.commit(BRANCH, FILE, content, "by hand")
            desk.now += 16
            assert (await desk.current()).status == expected

    run(scene)


def test_a_read_asked_before_a_write_of_ours_is_discarded() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample(minutes_ago=1)))
        await desk.current()
        desk.github.commit(BRANCH, FILE, file_of(sample("moon")), "theirs")
        desk.now += 16
        held_back, answered = slow_reads(desk.github)
        read = asyncio.create_task(desk.current())
        await held_back.wait()
        desk.github.branches[BRANCH][FILE] = file_of(sample(minutes_ago=1))
        await desk.push(status=DOWN)
        answered.set()
        assert (await read).status == "DOWN"

    run(scene)


def test_after_a_lost_race_github_is_asked_anew_and_not_by_a_read_under_way() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample(minutes_ago=1)))
        await desk.current()
        desk.now += 16
        held_back, answered = slow_reads(desk.github)
        read = asyncio.create_task(desk.current())
        await held_back.wait()
        desk.github.commit(BRANCH, FILE, file_of(sample("moon")), "theirs")
        push = asyncio.create_task(desk.push(status=DOWN))
        await settled(lambda: bool(desk.pauses))
        answered.set()
        await asyncio.gather(read, push)
        assert desk.committed == {("moon", 0): UP, ("earth", 0): DOWN}
        assert len(desk.github.writes) == 2

    run(scene)


def slow_reads(github: FakeBranches) -> tuple[asyncio.Event, asyncio.Event]:
    """Carry out reads at once, which sets the first event, and answer them after the second."""
    held_back, answered = asyncio.Event(), asyncio.Event()

    async def hold_back(line: str) -> None:
        if line.startswith("GET"):
            held_back.set()
            await answered.wait()

    github.after = hold_back
    return held_back, answered


# Missing branches


def test_a_missing_branch_is_created_without_history() -> None:
    async def scene() -> None:
        desk = Desk(FakeBranches({"main": {"README.md": b"hi"}}))
        await desk.push()
        assert desk.github.branches["main"] == {"README.md": b"hi"}
        assert list(desk.github.branches[BRANCH]) == [FILE]
        assert desk.committed == {("earth", 0): UP}
        await desk.push("moon")
        assert len(desk.github.commits) == 2

    run(scene)


def test_a_missing_file_is_added_to_the_branch_that_is_there() -> None:
    async def scene() -> None:
        desk = Desk(FakeBranches({"main": {}, BRANCH: {"notes.md": b"keep"}}))
        await desk.push()
        assert sorted(desk.github.branches[BRANCH]) == ["notes.md", FILE]

    run(scene)


def test_an_empty_repository_gets_its_default_branch_first() -> None:
    async def scene() -> None:
        desk = Desk(FakeBranches())
        assert (await desk.current()).status == "NO_DATA"
        await desk.push()
        assert [branch for branch, _ in desk.github.commits] == ["main", BRANCH]
        assert BRANCH in desk.github.branches["main"]["README.md"].decode()
        assert desk.committed == {("earth", 0): UP}

    run(scene)


def test_the_race_for_creating_the_branch_is_settled_like_any_other() -> None:
    async def scene() -> None:
        desk = Desk(FakeBranches({"main": {}}))

        async def somebody_first(line: str) -> None:
            if line == "POST /git/refs" and BRANCH not in desk.github.branches:
                desk.github.commit(BRANCH, FILE, file_of(sample("moon", DOWN)), "theirs")

        desk.github.before = somebody_first
        await desk.push()
        assert desk.committed == {("moon", 0): DOWN, ("earth", 0): UP}

    run(scene)


def test_a_branch_deleted_while_running_comes_back_from_what_is_held(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample(minutes_ago=1), sample("moon", DOWN)))
        await desk.current()
        del desk.github.branches[BRANCH]
        await desk.push(status=DOWN)
        assert desk.committed == {("earth", 1): UP, ("earth", 0): DOWN, ("moon", 0): DOWN}

    with caplog.at_level(logging.WARNING):
        run(scene)
    assert "status-data is gone" in caplog.text


def test_reads_notice_a_deleted_branch_and_keep_what_is_held(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample()))
        await desk.current()
        del desk.github.branches[BRANCH]
        desk.now += 16
        assert (await desk.current()).status == "UP"
        await desk.push(minutes_ago=0)
        assert desk.committed == {("earth", 0): UP}

    with caplog.at_level(logging.WARNING):
        run(scene)
    assert "brings back what is held" in caplog.text


# Failures of writes


def test_a_write_whose_answer_was_lost_but_that_landed_is_not_repeated() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        desk.github.fail_once("PUT", OutcomeUnknown("dropped"), after=True)
        await desk.push()
        assert len(desk.github.commits) == 1
        assert (await desk.current()).status == "UP"

    run(scene)


def test_a_write_that_did_not_land_is_repeated() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        desk.github.fail_once("PUT", OutcomeUnknown("dropped"))
        await desk.push()
        assert desk.committed == {("earth", 0): UP}

    run(scene)


@pytest.mark.parametrize("step", ["PUT /contents/README", "/trees", "/commits", "/refs"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_lost_answer_while_creating_the_branch_is_settled(step: str, after: bool) -> None:
    async def scene() -> None:
        desk = Desk(FakeBranches())
        desk.github.fail_once(step, OutcomeUnknown("dropped"), after=after)
        await desk.push()
        assert [branch for branch, _ in desk.github.commits] == ["main", BRANCH]
        assert desk.committed == {("earth", 0): UP}

    run(scene)


@pytest.mark.parametrize(
    "error",
    [GitHubUnavailable("down"), RateLimited("wait", retry_after_seconds=7), AccessLost("403")],
    ids=["unreachable", "rate limit", "forbidden"],
)
def test_a_push_fails_with_what_went_wrong_and_can_be_made_again(error: StoreError) -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        desk.github.fail_once("PUT", error)
        results = await asyncio.gather(desk.push(), desk.push("moon"), return_exceptions=True)
        assert [type(result) for result in results] == [type(error)] * 2
        assert desk.github.commits == []
        assert (await desk.current()).status == "NO_DATA"
        await desk.push()
        assert desk.committed == {("earth", 0): UP}

    run(scene)


def test_a_refused_write_names_the_missing_permission() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        desk.github.may_write = False
        with pytest.raises(AccessLost, match="Contents: write"):
            await desk.push()

    run(scene)


# Files broken by hand

GARBAGE = b'{\n"version": 1,\n"monitors": }\n'


def test_a_broken_file_leaves_the_last_good_state_to_reads_and_refuses_writes() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample(status=DOWN)))
        await desk.current()
        desk.github.commit(BRANCH, FILE, GARBAGE, "oops")
        with pytest.raises(BrokenDocument, match="status-data, line 3, column 13"):
            await desk.push(minutes_ago=1)
        assert desk.github.branches[BRANCH][FILE] == GARBAGE
        assert (await desk.current()).status == "DOWN"
        assert desk.store.problem is not None

    run(scene)


def test_a_broken_file_is_told_where_nothing_is_held() -> None:
    async def scene() -> None:
        desk = Desk(FakeBranches({"main": {}, BRANCH: {FILE: GARBAGE}}))
        for _ in range(2):
            with pytest.raises(BrokenDocument, match="line 3, column 13"):
                await desk.current()
        assert len(desk.github.requests) == 1
        with pytest.raises(BrokenDocument):
            await desk.push()
        assert desk.github.writes == []

    run(scene)


@pytest.mark.parametrize("is_held", [False, True])
def test_a_mended_file_is_written_again_at_once(is_held: bool) -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        if is_held:
            await desk.current()
        desk.github.commit(BRANCH, FILE, GARBAGE, "oops")
        with pytest.raises(BrokenDocument):
            await desk.push()
        desk.github.commit(BRANCH, FILE, file_of(sample("moon", DOWN)), "mended")
        await desk.push()
        assert desk.committed == {("moon", 0): DOWN, ("earth", 0): UP}
        assert desk.store.problem is None

    run(scene)


def test_a_file_mended_to_what_it_was_is_read_again() -> None:
    async def scene() -> None:
        desk = Desk(with_status(sample(status=DOWN)))
        await desk.current()
        good = desk.github.branches[BRANCH][FILE]
        for content in (GARBAGE, good):
            desk.github.commit(BRANCH, FILE, content, "by hand")
            desk.now += 16
            assert (await desk.current()).status == "DOWN"
        assert desk.store.problem is None

    run(scene)


def test_a_folder_in_the_files_place_is_told_once_and_left_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene() -> None:
        desk = Desk(FakeBranches({"main": {}, BRANCH: {f"{FILE}/notes.md": b"mine"}}))
        for _ in range(2):
            with pytest.raises(BrokenDocument, match="not a folder"):
                await desk.push()
        assert desk.github.writes == []

    run(scene)
    assert [record.message for record in caplog.records if "not a folder" in record.message] == [
        "status.json on the branch status-data, line 1, column 1: expected a file, not a folder;"
        " nothing is committed until it is mended"
    ]


# Stopping


def test_stopping_lets_a_commit_under_way_land_and_takes_no_more() -> None:
    async def scene() -> None:
        desk = Desk(with_status())
        push = asyncio.create_task(desk.push())
        await settled(lambda: bool(desk.github.requests))
        await desk.store.close()
        await push
        assert desk.committed == {("earth", 0): UP}
        with pytest.raises(GitHubUnavailable, match="stopping"):
            await desk.push()

    run(scene)


def test_stopping_does_not_wait_for_ever_and_acknowledges_nothing() -> None:
    async def scene() -> None:
        desk = Desk(with_status())

        async def never(line: str) -> None:
            await asyncio.Event().wait()

        await desk.current()
        desk.github.before = never
        under_way = asyncio.create_task(desk.push())
        await settled(lambda: bool(desk.github.writes))
        waiting = asyncio.create_task(desk.push("moon"))
        await asyncio.sleep(0)
        await desk.store.close(grace_seconds=0)
        with pytest.raises(OutcomeUnknown):
            await under_way
        with pytest.raises(GitHubUnavailable, match="stopping"):
            await waiting

    run(scene)
