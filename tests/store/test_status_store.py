"""Monitor status over real sockets: journal, commits, and the answers computed from both."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from github_store import (
    AccessLost,
    BrokenDocument,
    ConfigurationError,
    Freshness,
    GitHubUnavailable,
    Impact,
    IncidentFields,
    MonitorStatus,
    Outcome,
    Rhythm,
    Status,
    Store,
    TokenCredential,
    branch_snapshot,
    held_board,
    open_store,
)
from github_store.day_file_format import parse_day
from github_store.embedded import EmbeddedGitHub
from github_store.status_board_format import parse_board
from tests.github_person import Person
from tests.store.incident_scene import commit_monitors
from tests.store.traced import outcome_of

UP, DOWN, DEGRADED = Status.UP, Status.DOWN, Status.DEGRADED
MIDNIGHT = 1_790_035_200  # 2026-09-22T00:00:00Z
NOON = MIDNIGHT + 12 * 3600
DAY = 86_400
QUARTER = 90 * DAY
NEVER = Rhythm(change_seconds=3600, steady_seconds=3600)
"""Nothing is committed by itself: the tests flush."""


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def owner(github: EmbeddedGitHub) -> Person:
    commit_monitors(github)
    return Person(github.url, github.tokens["owner"])


def with_statuses(
    github: EmbeddedGitHub,
    data_dir: Path,
    steps: Callable[[Store], Awaitable[Any]],
    *,
    clock: Clock | None = None,
    rhythm: Rhythm = NEVER,
    fresh_seconds: float = 0,
    patience_seconds: float = 5.0,
    flush_at_the_end: bool = True,
) -> Any:
    """Run ``steps`` with a store; unless told otherwise nothing it holds is fresh."""

    async def run() -> Any:
        store = await open_store(
            repository_name="owner/status",
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            data_dir=data_dir,
            server_name="embedded",
            freshness=Freshness(fresh_seconds=fresh_seconds, patience_seconds=patience_seconds),
            rhythm=rhythm,
            clock=clock or Clock(),
            jitter=lambda: 0.0,
        )
        try:
            return await asyncio.wait_for(steps(store), timeout=30)
        finally:
            if not flush_at_the_end:
                github.faults.add("outage")
            await store.close()
            github.faults.clear()

    return asyncio.run(run())


async def push(
    store: Store, tag: str = "earth", status: Status = UP, *, at: int = NOON, latency: float = 0.25
) -> None:
    await store.statuses.push(tag, status=status, latency=latency, minute=at)


async def current(
    store: Store, tag: str = "earth", *, since: int = QUARTER
) -> tuple[str, str, int | None]:
    found: MonitorStatus = await store.statuses.current(tag, since_seconds=since)
    return found.status, found.uptime, found.last_updated_at


def file_on(owner: Person, path: str = "status.json") -> bytes:
    found = owner.do("GET", f"/contents/{path}?ref=status-data")
    return base64.b64decode(found["content"])


def log_of(github: EmbeddedGitHub) -> list[str]:
    path = github.git_path("owner/status")
    command = ["git", "-C", str(path), "log", "--format=%s", "status-data"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def edit(owner: Person, path: str, content: str) -> None:
    sha = owner.do("GET", f"/contents/{path}?ref=status-data")["sha"]
    encoded = base64.b64encode(content.encode()).decode()
    body = {"message": "by hand", "content": encoded, "sha": sha, "branch": "status-data"}
    owner.do("PUT", f"/contents/{path}", body)


def test_a_push_never_waits_for_github_and_is_read_at_once(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        assert await current(store) == ("NO_DATA", "-", None)
        github.faults.add("outage")
        await push(store, status=DOWN, at=NOON - 60)
        await push(store, at=NOON)
        assert await current(store) == ("UP", "50", NOON)

    with_statuses(github, tmp_path, steps, flush_at_the_end=False)


def test_what_was_acknowledged_and_not_committed_is_there_after_a_restart(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def acknowledge(store: Store) -> None:
        await push(store, status=DOWN)

    async def find(store: Store) -> None:
        assert store.statuses.health.waiting == 1
        assert await current(store) == ("DOWN", "0", NOON)
        await store.statuses.flush()
        assert store.statuses.health.waiting == 0
        assert await current(store) == ("DOWN", "0", NOON)

    with_statuses(github, tmp_path, acknowledge, flush_at_the_end=False)
    with_statuses(github, tmp_path, find)
    assert log_of(github) == ["earth DOWN · 1 sample [skip ci]"]


def test_a_change_is_committed_within_seconds_and_steady_samples_wait(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        await push(store, at=NOON - 60)
        await committed(1)
        await push(store, at=NOON)
        await push(store, status=DOWN, at=NOON + 60)
        await committed(2)
        assert store.statuses.health.waiting == 0

    async def committed(commits: int) -> None:
        def there() -> bool:
            moved = github.count("PATCH", "/git/refs") + github.count("POST", "/git/refs")
            return moved >= commits

        while not there():  # noqa: ASYNC110 - it is GitHub that is waited for
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)

    with_statuses(
        github, tmp_path, steps, clock=RealClock(),
        rhythm=Rhythm(change_seconds=0.2, steady_seconds=3600), flush_at_the_end=False,
    )  # fmt: skip
    assert log_of(github) == [
        "earth DOWN · 2 samples [skip ci]",
        "earth UP · 1 sample [skip ci]",
    ]


class RealClock(Clock):
    def __call__(self) -> float:
        return self.now + time.monotonic()


def test_a_steady_flush_is_three_requests_in_one_atomic_commit(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        await push(store, at=NOON - 60)
        await store.statuses.flush()
        before = len(github.requests)
        await push(store)
        await push(store, "google-search", DOWN)
        await store.statuses.flush()
        assert [each.method for each in list(github.requests)[before:]] == ["POST", "POST", "PATCH"]
        await store.statuses.flush()
        assert len(github.requests) == before + 3, "nothing changed, nothing is asked"

    with_statuses(github, tmp_path, steps)
    assert log_of(github)[0] == "google-search DOWN · 2 samples [skip ci]"
    listed = owner.do("GET", "/git/trees/status-data?recursive=1")["tree"]
    assert [each["path"] for each in listed if each["type"] == "blob"] == [
        "latency/2026-09-22T11.json",
        "latency/2026-09-22T12.json",
        "status.json",
    ]


def test_a_commit_that_lands_during_a_read_hides_nothing_from_it(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        await push(store, "google-search")
        await store.statuses.flush()
        await push(store, status=DOWN)
        github.faults.add("latency", match="GET .*/issues", seconds=0.5)
        before = github.count("GET", "/git/ref/heads")
        reading = asyncio.create_task(current(store))
        while github.count("GET", "/git/ref/heads") == before:  # noqa: ASYNC110 - GitHub again
            await asyncio.sleep(0.01)
        await store.statuses.flush()
        assert store.statuses.health.waiting == 0
        assert await reading == ("DOWN", "0", NOON)

    with_statuses(github, tmp_path, steps)


def test_a_new_day_folds_the_old_one_into_its_file(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    clock = Clock(MIDNIGHT + DAY - 60)

    async def steps(store: Store) -> None:
        await push(store, status=DOWN, at=MIDNIGHT + DAY - 120, latency=0.1)
        await push(store, status=UP, at=MIDNIGHT + DAY - 60, latency=0.2)
        await store.statuses.flush()
        clock.now += 60
        await push(store, at=MIDNIGHT + DAY)
        assert await current(store) == ("UP", "66.6667", MIDNIGHT + DAY)
        await store.statuses.flush()
        assert await current(store) == ("UP", "66.6667", MIDNIGHT + DAY)
        assert await current(store, since=60) == ("UP", "100", MIDNIGHT + DAY)

    with_statuses(github, tmp_path, steps, clock=clock)
    listed = owner.do("GET", "/git/trees/status-data?recursive=1")["tree"]
    paths = [each["path"] for each in listed if each["type"] == "blob"]
    assert paths == ["history/2026-09-22.json", "latency/2026-09-23T00.json", "status.json"]
    assert b"[0.1,0.2]" in file_on(owner, "history/2026-09-22.json")


def test_a_day_that_ends_in_the_middle_of_a_commit_is_folded_by_it(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    last = MIDNIGHT + DAY - 60

    class MidnightStrikes(Clock):
        """It is the next day as soon as a race was lost."""

        def __call__(self) -> float:
            return last + 30 + 60 * github.count("PATCH", "/git/refs/")

    async def steps(store: Store) -> None:
        await push(store, at=last - 60, latency=0.1)
        await store.statuses.flush()
        github.faults.add("lost_race", match="PATCH .*/git/refs/", count=1)
        await push(store, status=DOWN, at=last, latency=0.2)
        await store.statuses.flush()

    with_statuses(github, tmp_path, steps, clock=MidnightStrikes())
    assert log_of(github)[0] == "earth DOWN, 2026-09-22 ended · 1 sample [skip ci]"
    assert b"[0.1,0.2]" in file_on(owner, "history/2026-09-22.json")
    entry = parse_board(file_on(owner)).entries["earth"]
    assert (entry.minutes.counts.total, entry.days.before(1).total) == (0, 2)


def test_an_outage_over_midnight_and_days_is_caught_up_with_in_one_commit(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    clock = Clock(MIDNIGHT + DAY - 600)

    async def steps(store: Store) -> None:
        await push(store, at=int(clock.now))
        await store.statuses.flush()
        github.faults.add("outage")
        for minutes in range(0, 3 * 1440, 60):
            clock.now = MIDNIGHT + DAY - 600 + 60 * minutes
            await push(store, status=DOWN if minutes % 120 else UP, at=int(clock.now))
        with pytest.raises(GitHubUnavailable):
            await store.statuses.flush()
        github.faults.clear()
        before = await current(store)
        await store.statuses.flush()
        assert await current(store) == before == ("DOWN", "50", int(clock.now))

    with_statuses(github, tmp_path, steps, clock=clock)
    assert len(log_of(github)) == 2
    listed = owner.do("GET", "/git/trees/status-data?recursive=1")["tree"]
    paths = [each["path"] for each in listed if each["type"] == "blob"]
    assert [each for each in paths if each.startswith("history/")] == [
        f"history/2026-09-{day}.json" for day in (22, 23, 24)
    ]
    assert all("2026-09-25T" in each for each in paths if each.startswith("latency/"))


def test_a_late_push_touches_its_day_and_its_counts_in_one_commit(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    late = MIDNIGHT - 90 * DAY + 12 * 3600

    async def steps(store: Store) -> None:
        await push(store)
        await store.statuses.flush()
        await push(store, status=DOWN, at=late)
        assert await current(store) == ("UP", "50", NOON)
        await store.statuses.flush()
        assert await current(store) == ("UP", "50", NOON)
        assert await current(store, since=QUARTER - 60) == ("UP", "100", NOON)

    with_statuses(github, tmp_path, steps)
    assert len(log_of(github)) == 2
    assert b'"minutes": "720-D"' in file_on(owner, "history/2026-06-24.json")
    assert b'"days": "89x-' in file_on(owner)


def test_a_cold_start_answers_from_the_board_and_reads_only_the_days_it_needs(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def fill(store: Store) -> None:
        for days in range(91):
            await push(store, status=DOWN if days % 2 else UP, at=NOON - days * DAY)

    async def read(store: Store) -> None:
        before = github.count("GET", "/git/blobs/")
        assert (await current(store))[0] == "UP"
        assert github.count("GET", "/git/blobs/") - before == 2, "the board and the oldest day"

    with_statuses(github, tmp_path / "one", fill)
    with_statuses(github, tmp_path / "two", read)


def test_a_past_day_that_was_never_read_is_taken_from_its_counts_while_github_is_out(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    yesterday = NOON - DAY

    async def fill(store: Store) -> None:
        await push(store, at=NOON)
        await push(store, status=DOWN, at=yesterday - 60)
        await push(store, at=yesterday - 120)
        await push(store, at=yesterday - DAY)  # the day it is known since is always read

    async def read(store: Store) -> None:
        assert await current(store) == ("UP", "75.0000", NOON)
        github.faults.add("outage")
        await push(store, status=DOWN, at=yesterday + 60)
        assert await outcome_of(current(store)) == (("UP", "60", NOON), Outcome.OUTAGE)
        assert await outcome_of(current(store)) == (("UP", "60", NOON), Outcome.OUTAGE)

    with_statuses(github, tmp_path / "one", fill)
    with_statuses(github, tmp_path / "two", read)


def test_nobody_waits_for_a_past_day_that_comes_slowly(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    yesterday = NOON - DAY

    async def fill(store: Store) -> None:
        await push(store, at=NOON)
        await push(store, status=DOWN, at=yesterday - 60)
        await push(store, at=yesterday - DAY)

    async def read(store: Store) -> None:
        assert (await current(store))[1] == "66.6667"
        await push(store, at=yesterday + 60)
        github.faults.add("latency", match="/git/blobs/", seconds=2)
        begun_at = time.monotonic()
        assert await outcome_of(current(store)) == (("UP", "75.0000", NOON), Outcome.OUTAGE)
        assert time.monotonic() - begun_at < 1.5

    with_statuses(github, tmp_path / "one", fill)
    with_statuses(github, tmp_path / "two", read, patience_seconds=0.3, flush_at_the_end=False)


def test_a_past_day_that_others_wrote_is_given_as_it_was_while_its_file_cannot_be_had(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    yesterday = NOON - DAY

    async def steps(store: Store) -> None:
        await push(store, status=DOWN, at=yesterday)
        await store.statuses.flush()
        await push(store, at=yesterday + 60)
        assert await current(store) == ("UP", "50", yesterday + 60)

        async def write(other: Store) -> None:
            await push(other, status=DOWN, at=yesterday + 120)

        await asyncio.to_thread(with_statuses, github, tmp_path / "other", write)
        sha = owner.do("GET", "/contents/history/2026-09-21.json?ref=status-data")["sha"]
        fault = github.faults.add("error", match=f"/git/blobs/{sha}")
        held = ("DOWN", "50", yesterday + 120)  # the board is the new one, its day is not
        for _ in range(2):
            assert await outcome_of(current(store)) == (held, Outcome.OUTAGE)
        github.faults.lift(fault)

    async def read(store: Store) -> None:
        assert await current(store) == ("DOWN", "33.3333", yesterday + 120)

    with_statuses(github, tmp_path / "one", steps)
    with_statuses(github, tmp_path / "another", read)


def test_incidents_beat_samples_and_samples_beat_the_default(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        for minutes in range(10):
            await push(store, at=NOON - 60 * minutes)
        incident = IncidentFields(
            title="Outage",
            tags=("earth",),
            impact=Impact.DOWN,
            start_datetime=NOON - 60 * 4,
            end_datetime=NOON - 60 * 3,
        )
        assert (await current(store))[1] == "100"
        made = await store.incidents.create(incident)
        assert await current(store) == ("UP", "80", NOON)
        ongoing = IncidentFields(
            title="Outage", tags=("earth",), impact=Impact.DEGRADED, start_datetime=0
        )
        await store.incidents.replace(made.number, ongoing)
        assert await current(store) == ("DEGRADED", "100", NOON)

    with_statuses(github, tmp_path, steps)


def test_two_services_and_a_person_on_one_branch_lose_nothing(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def run(name: str, first: int) -> None:
        store = await open_store(
            repository_name="owner/status",
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            data_dir=tmp_path / name,
            rhythm=NEVER,
            clock=Clock(),
        )
        try:
            for i in range(5):
                await push(store, at=NOON - 60 * (first + 2 * i))
                await store.statuses.flush()
        finally:
            await store.close()

    async def both() -> None:
        await asyncio.gather(run("one", 0), run("two", 1))

    asyncio.run(both())
    board = parse_board(file_on(owner))
    assert board.entries["earth"].minutes.counts.up == 10


def test_a_lost_race_is_made_good(github: EmbeddedGitHub, owner: Person, tmp_path: Path) -> None:
    async def steps(store: Store) -> None:
        await push(store, at=NOON - 60)
        await store.statuses.flush()
        github.faults.add("lost_race", match="PATCH .*/git/refs/", count=2)
        await push(store, status=DOWN)
        await store.statuses.flush()
        assert store.statuses.health.waiting == 0

    with_statuses(github, tmp_path, steps)
    assert parse_board(file_on(owner)).entries["earth"].latest.status is DOWN
    listed = owner.do("GET", "/git/trees/status-data")["tree"]
    assert "another-writer.txt" in {each["path"] for each in listed}


@pytest.mark.parametrize("place", ["POST .*/git/trees", "POST .*/git/commits", "PATCH .*/git/refs"])
@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
def test_an_answer_that_is_lost_is_settled(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path, place: str, kind: Any
) -> None:
    async def steps(store: Store) -> None:
        await push(store, at=NOON - 60)
        await store.statuses.flush()
        github.faults.add(kind, match=place, count=1)
        await push(store, status=DOWN)
        await store.statuses.flush()

    with_statuses(github, tmp_path, steps)
    assert parse_board(file_on(owner)).entries["earth"].minutes.counts.total == 2
    assert len(log_of(github)) == 2


def test_a_branch_deleted_while_running_comes_back_whole_and_says_so(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps(store: Store) -> None:
        await push(store, at=NOON - 3 * DAY)
        await push(store, at=NOON)
        await store.statuses.flush()
        owner.do("DELETE", "/git/refs/heads/status-data")
        assert await current(store) == ("UP", "100", NOON)
        await push(store, status=DOWN, at=NOON - 60)
        await store.statuses.flush()

    with_statuses(github, tmp_path, steps)
    board = parse_board(file_on(owner))
    assert board.entries["earth"].minutes.counts.total == 2
    assert board.entries["earth"].days.before(3).up == 1
    assert file_on(owner, "history/2026-09-19.json")
    assert log_of(github) == ["No status changed · 1 sample [skip ci]"]
    head = owner.do("GET", "/git/ref/heads/status-data")["object"]["sha"]
    told = owner.do("GET", f"/git/commits/{head}")["message"]
    assert told.endswith("\n\nThe branch was gone: what the service held of it is back.")
    assert "the branch status-data is back with what was held: 3 of its 3 files" in caplog.text


def test_a_board_that_a_person_broke_is_told_and_left_alone_until_it_is_mended(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        await push(store, at=NOON - 60)
        await store.statuses.flush()
        good = file_on(owner).decode()
        edit(owner, "status.json", good.replace('"today"', "today"))
        assert await current(store) == ("UP", "100", NOON - 60)
        await push(store, status=DOWN)
        assert await current(store) == ("DOWN", "50", NOON)
        with pytest.raises(BrokenDocument, match=r"status\.json.*line 3, column 1"):
            await store.statuses.flush()
        assert store.statuses.health.problem is not None
        assert "today" in file_on(owner).decode()
        edit(owner, "status.json", good)
        await store.statuses.flush()
        assert store.statuses.health.problem is None
        assert store.statuses.health.waiting == 0

    with_statuses(github, tmp_path, steps)
    assert parse_board(file_on(owner)).entries["earth"].minutes.counts.total == 2


def test_a_broken_past_day_holds_up_only_its_own_samples(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        await push(store, at=NOON - DAY)
        await store.statuses.flush()
        good = file_on(owner, "history/2026-09-21.json").decode()
        edit(owner, "history/2026-09-21.json", "garbage")
        await push(store, status=DOWN, at=NOON - DAY + 60)
        await push(store)
        with pytest.raises(BrokenDocument):
            await store.statuses.flush()
        assert parse_board(file_on(owner)).entries["earth"].latest.minute == NOON // 60
        assert file_on(owner, "history/2026-09-21.json") == b"garbage"
        edit(owner, "history/2026-09-21.json", good)
        await store.statuses.flush()
        assert store.statuses.health.waiting == 0

    with_statuses(github, tmp_path, steps)
    entry = parse_board(file_on(owner)).entries["earth"]
    assert (entry.days.before(1).up, entry.days.before(1).down) == (1, 1)


def test_a_board_that_is_too_large_is_refused_by_its_size_and_never_fetched(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(branch_snapshot, "ORDINARY_BYTES", 10_000)
    monkeypatch.setattr(held_board, "MOST_BOARD_BYTES", 20_000)

    async def steps(store: Store) -> None:
        await push(store)
        await store.statuses.flush()
        good, fetched = file_on(owner).decode(), github.count("GET", "/git/blobs/")
        edit(owner, "status.json", good + " " * 20_000)
        assert await current(store) == ("UP", "100", NOON)
        await push(store, status=DOWN, at=NOON - 60)
        with pytest.raises(BrokenDocument, match=r"status\.json.* no more than 20,000 are read"):
            await store.statuses.flush()
        assert github.count("GET", "/git/blobs/") == fetched
        edit(owner, "status.json", good)
        await store.statuses.flush()
        assert store.statuses.health.waiting == 0

    with_statuses(github, tmp_path, steps)


YESTERDAYS_FILE, NOON_HOUR = "history/2026-09-21.json", "latency/2026-09-22T12.json"


def test_a_broken_hour_holds_up_only_its_own_samples_also_at_the_days_end(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    clock = Clock()

    async def steps(store: Store) -> None:
        await push(store, latency=1.5)
        await store.statuses.flush()
        good = file_on(owner, NOON_HOUR).decode()
        edit(owner, NOON_HOUR, "garbage")
        clock.now = NOON + 3600
        await push(store, at=NOON + 60)
        await push(store, at=NOON + 3600, latency=2.5)
        with pytest.raises(BrokenDocument, match=r"latency/2026-09-22T12\.json"):
            await store.statuses.flush()
        assert parse_board(file_on(owner)).entries["earth"].minutes.counts.total == 2
        assert store.failing["commit"] == 1
        clock.now = NOON + DAY
        await push(store, status=DOWN, at=NOON + DAY)
        await store.statuses.flush()
        assert parse_board(file_on(owner)).entries["earth"].latest.minute == (NOON + DAY) // 60
        assert store.failing["file"] == 1
        assert file_on(owner, NOON_HOUR) == b"garbage"
        edit(owner, NOON_HOUR, good)
        await push(store, at=NOON + DAY + 60)
        await store.statuses.flush()
        assert store.statuses.health.waiting == 0
        assert not any(store.failing.values())

    with_statuses(github, tmp_path, steps, clock=clock)
    day = parse_day(file_on(owner, "history/2026-09-22.json"), name="")
    assert day.records["earth"].sampled() == [1.5, 0.25, 2.5]
    assert owner.ask("GET", f"/contents/{NOON_HOUR}?ref=status-data").status_code == 404


@pytest.mark.parametrize("content", ["garbage", "", '{"version": 1}'])
def test_a_file_that_somebody_made_of_a_day_before_its_end_holds_up_nothing(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path, content: str
) -> None:
    clock = Clock(NOON - DAY)

    async def steps(store: Store) -> None:
        await push(store, at=NOON - DAY)
        await store.statuses.flush()
        encoded = base64.b64encode(content.encode()).decode()
        body = {"message": "by hand", "content": encoded, "branch": "status-data"}
        owner.do("PUT", f"/contents/{YESTERDAYS_FILE}", body)
        clock.now = NOON
        await push(store, status=DOWN)
        await store.statuses.flush()
        assert await current(store, since=DAY) == ("DOWN", "50", NOON)

    with_statuses(github, tmp_path, steps, clock=clock)
    assert parse_day(file_on(owner, YESTERDAYS_FILE), name="").minutes("earth").counts.up == 1
    assert file_on(owner, f"{YESTERDAYS_FILE}.broken").decode() == content
    assert parse_board(file_on(owner)).entries["earth"].days.before(1).up == 1


@pytest.mark.parametrize("trouble", ["500", "slow", "garbage"])
def test_a_past_day_that_cannot_be_read_keeps_no_status_from_being_told_and_is_not_asked_for_hot(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path, trouble: str
) -> None:
    clock = Clock()
    part_of_yesterday = 20 * 3600

    async def write(store: Store) -> None:
        for minute in range(0, 600, 60):
            await push(store, at=NOON - DAY + minute)
            await push(store, at=NOON + minute)
        await store.statuses.flush()

    async def read(store: Store) -> None:
        good = file_on(owner, YESTERDAYS_FILE).decode()
        if trouble == "garbage":
            edit(owner, YESTERDAYS_FILE, "garbage")
        elif trouble == "slow":
            github.faults.add("latency", match="GET .*/git/blobs/", seconds=2)
        else:
            github.faults.add("error", match="GET .*/git/blobs/", status=500)
        clock.now = NOON + 601
        asked = github.count("GET", "/git/blobs/")
        for _ in range(10):
            assert (await current(store, since=part_of_yesterday))[0] == "UP"
        assert github.count("GET", "/git/blobs/") - asked <= 2, "its one repetition included"
        assert store.failing["day"] == 1
        github.faults.clear()
        if trouble == "garbage":
            edit(owner, YESTERDAYS_FILE, good)
        clock.now += 60
        assert await current(store, since=part_of_yesterday) == ("UP", "100", NOON + 540)
        assert store.failing["day"] == 0

    with_statuses(github, tmp_path / "writer", write, clock=clock)
    # another machine, which has nothing on disk but the board
    with_statuses(github, tmp_path / "reader", board_first(read), clock=clock, patience_seconds=0.5)


def board_first(steps: Callable[[Store], Awaitable[None]]) -> Callable[[Store], Awaitable[None]]:
    async def run(store: Store) -> None:
        await current(store, since=60)
        await steps(store)

    return run


def test_a_deleted_branch_comes_back_with_what_is_no_text(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        await push(store, at=NOON - 60)
        await store.statuses.flush()
        picture = base64.b64encode(b"\x89PNG\xff").decode()
        body = {"message": "by hand", "content": picture, "branch": "status-data"}
        owner.do("PUT", "/contents/logo.png", body)
        await current(store)
        owner.do("DELETE", "/git/refs/heads/status-data")
        await push(store)
        await store.statuses.flush()

    with_statuses(github, tmp_path, steps)
    assert file_on(owner, "logo.png") == b"\x89PNG\xff"
    assert parse_board(file_on(owner)).entries["earth"].minutes.counts.total == 2


def test_a_second_process_on_one_data_directory_is_refused(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        with pytest.raises(ConfigurationError, match="is in use by process"):
            await open_store(
                repository_name="owner/status",
                credential=TokenCredential(github.tokens["owner"]),
                api_url=github.url,
                data_dir=tmp_path,
                server_name="embedded",
                clock=Clock(),
            )

    with_statuses(github, tmp_path, steps)


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"kind": "outage"}, GitHubUnavailable), ({"kind": "forbidden"}, AccessLost)],
    ids=["outage", "permission lost"],
)
def test_a_flush_that_github_does_not_take_keeps_everything(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path, fault: dict[str, Any], error: Any
) -> None:
    async def steps(store: Store) -> None:
        await push(store)
        github.faults.add(**fault)
        with pytest.raises(error):
            await store.statuses.flush()
        assert store.statuses.health.waiting == 1
        github.faults.clear()
        await store.statuses.flush()
        assert store.statuses.health.waiting == 0

    with_statuses(github, tmp_path, steps)


def test_access_that_is_lost_is_not_asked_for_again_with_every_status(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    clock = Clock()

    async def steps(store: Store) -> None:
        await push(store)
        await store.statuses.flush()
        before = await current(store)
        github.faults.add("forbidden")
        clock.now += 100
        asked = len(github.requests)
        for _ in range(20):
            assert (await current(store))[0] == before[0]
        heads = [line for line in list(github.requests)[asked:] if "/git/ref/" in line.target]
        assert len(heads) == 1
        github.faults.clear()
        clock.now += 15
        outcome, _ = await outcome_of(current(store))
        assert outcome is not Outcome.OUTAGE

    with_statuses(github, tmp_path, steps, clock=clock, fresh_seconds=15)


def test_the_history_of_a_renamed_monitor_is_kept(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    now = {
        "status": "DOWN", "latency": 1, "lastUpdatedAt": MIDNIGHT + 36_000,
        "knownSince": MIDNIGHT - DAY,
    }  # fmt: skip
    entry = {"now": now, "minutes": "600-D", "days": "1440"}
    former = json.dumps({"version": 2, "today": "2026-09-22", "monitors": {"old-frog": entry}})

    async def seed(store: Store) -> None:
        await push(store)

    async def read(store: Store) -> None:
        assert (await current(store, "frogment"))[0] == "DOWN"
        await push(store, "frogment")
        await store.statuses.flush()
        assert (await current(store, "frogment"))[0] == "UP"

    with_statuses(github, tmp_path, seed)
    edit(owner, "status.json", former)
    with_statuses(github, tmp_path, read)
    entries = parse_board(file_on(owner)).entries
    assert "old-frog" not in entries
    assert entries["frogment"].minutes.counts.total == 2
    assert entries["frogment"].days.before(1).up == 1440


def test_a_clock_stepped_back_an_hour_loses_nothing(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    clock = Clock(MIDNIGHT + 1800)

    async def steps(store: Store) -> None:
        await push(store, at=MIDNIGHT + 1800)
        await store.statuses.flush()
        clock.now -= 3600
        await push(store, status=DOWN, at=MIDNIGHT - 1800)
        assert (await current(store))[0] == "DOWN"
        await store.statuses.flush()
        assert await current(store) == ("DOWN", "0", MIDNIGHT - 1800)
        clock.now += 3600
        assert await current(store) == ("UP", "50", MIDNIGHT + 1800)

    with_statuses(github, tmp_path, steps, clock=clock)


def test_after_a_start_only_a_status_that_differs_from_the_committed_one_is_a_change(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def fill(store: Store) -> None:
        await push(store, at=NOON - 60)
        await push(store, "google-search", at=NOON - 60)

    async def go_on(store: Store) -> None:
        await push(store)  # nothing was read yet, so this might be a change
        await waited_for(store)
        await push(store, "google-search")
        await asyncio.sleep(0.3)
        assert store.statuses.health.waiting == 1, "it is as it was"
        await push(store, "google-search", DOWN, at=NOON + 60)
        await waited_for(store)

    async def waited_for(store: Store) -> None:
        while store.statuses.health.waiting:  # noqa: ASYNC110 - it is GitHub that is waited for
            await asyncio.sleep(0.02)

    with_statuses(github, tmp_path, fill)
    with_statuses(
        github, tmp_path, go_on, rhythm=Rhythm(change_seconds=0.1, steady_seconds=3600)
    )  # fmt: skip
    assert len(log_of(github)) == 3
