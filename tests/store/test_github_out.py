"""GitHub out over real sockets: nobody waits for it long, nothing is asked in vain, and what was
read is given; within seconds of its return all is as before."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from github_store import (
    Freshness,
    GitHubOut,
    GitHubUnavailable,
    IncidentFields,
    Outcome,
    Rhythm,
    SearchFilter,
    Status,
    StatusUpdate,
    Store,
    TokenCredential,
    open_store,
)
from github_store.circuit import LONGEST_PAUSE_SECONDS
from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person
from tests.store.traced import outcome_of

TITLES = SearchFilter(title_like="outage")
FIELDS = IncidentFields(title="Outage", tags=("earth",), body="Down.")


class Clock:
    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def with_store(
    github: EmbeddedGitHub,
    directory: Path,
    steps: Callable[[Store, Clock], Awaitable[Any]],
    *,
    patience_seconds: float = 0.2,
    rhythm: Rhythm | None = None,
) -> None:
    async def run() -> None:
        clock = Clock()
        (directory / "monitors.yaml").write_text("[{name: Earth, tag: earth}]")
        store = await open_store(
            repository_name="owner/status",
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            data_dir=directory / "data",
            monitors_path=str(directory / "monitors.yaml"),
            freshness=Freshness(fresh_seconds=15, patience_seconds=patience_seconds),
            rhythm=rhythm,
            clock=clock,
            jitter=lambda: 0.5,
        )
        try:
            await asyncio.wait_for(steps(store, clock), 30)
        finally:
            github.faults.clear()
            await store.close()

    asyncio.run(run())


@pytest.fixture
def number(github: EmbeddedGitHub) -> int:
    return Person(github.url, github.tokens["owner"]).open_issue("Outage", body="Down.")


async def everything(store: Store, number: int) -> list[Any]:
    status = await store.statuses.current("earth", since_seconds=3_600)
    return [
        await store.incidents.get(number),
        await store.incidents.comments(number),
        await store.incidents.search(SearchFilter(), page=1, per_page=10),
        await store.incidents.search(TITLES, page=1, per_page=10),
        status.uptime,
    ]


async def until(condition: Callable[[], Any], timeout_seconds: float = 10.0) -> None:
    async with asyncio.timeout(timeout_seconds):
        while not condition():  # noqa: ASYNC110 - of other threads
            await asyncio.sleep(0.02)


async def put_out(store: Store) -> None:
    """Ask for what is not held until GitHub counts as out."""
    unread = iter(range(1_000, 2_000))
    while not store.breaker.hold_off(time.monotonic()):
        with pytest.raises(GitHubUnavailable):
            await store.incidents.get(next(unread))


@pytest.mark.parametrize("fault", [{"kind": "outage"}, {"kind": "error", "status": 503}])
def test_while_github_is_out_what_was_read_is_given_and_nothing_else_is_asked(
    github: EmbeddedGitHub, tmp_path: Path, number: int, fault: dict[str, Any]
) -> None:
    async def steps(store: Store, clock: Clock) -> None:
        read = await everything(store, number)
        github.faults.add(**fault)
        clock.ahead = 3_600
        await put_out(store)
        seen = len(github.requests)
        for _ in range(20):
            assert await outcome_of(everything(store, number)) == (read, Outcome.OUTAGE)
            with pytest.raises(GitHubOut):
                await store.incidents.get(999)
            for write in (
                store.incidents.create(FIELDS),
                store.incidents.update_status(number, StatusUpdate(is_resolved=True)),
                store.incidents.add_comment(number, "We look."),
            ):
                with pytest.raises(GitHubOut) as refused:
                    await write
                assert 1 <= (refused.value.retry_after_seconds or 0) <= LONGEST_PAUSE_SECONDS + 2
        asked = [f"{each.method} {each.target}" for each in list(github.requests)[seen:]]
        assert set(asked) <= {"GET /repos/owner/status"}, "trials, and no write among them"
        github.faults.clear()
        await until(lambda: not store.breaker.hold_off(time.monotonic()))
        assert (await store.incidents.create(FIELDS)).title == "Outage"
        _, outcome = await outcome_of(store.incidents.get(number))
        assert outcome is Outcome.REVALIDATED

    with_store(github, tmp_path, steps)


def test_nobody_waits_for_a_slow_github_where_something_is_held_and_it_is_renewed(
    github: EmbeddedGitHub, tmp_path: Path, number: int
) -> None:
    async def steps(store: Store, clock: Clock) -> None:
        await everything(store, number)
        Person(github.url, github.tokens["owner"]).do(
            "PATCH", f"/issues/{number}", {"title": "Outage in Mumbai"}
        )
        github.faults.add("latency", seconds=0.6)
        clock.ahead = 600
        begun = time.monotonic()
        found = await asyncio.gather(*(outcome_of(everything(store, number)) for _ in range(50)))
        assert time.monotonic() - begun < 5 * 0.6, "as long as one after the other would take"
        assert {outcome for _, outcome in found} == {Outcome.OUTAGE}
        await until(lambda: not store.held._flights)
        assert (await store.incidents.get(number)).title == "Outage in Mumbai"
        assert store.breaker.hold_off(time.monotonic()) == 0, "slow is not out"

    with_store(github, tmp_path, steps)


def test_nobody_waits_for_the_daily_question_whether_an_author_may_still_write(
    github: EmbeddedGitHub, tmp_path: Path
) -> None:
    github.set_role("owner/status", "collaborator", "write")
    number = Person(github.url, github.tokens["collaborator"]).open_issue("Outage")
    owner = Person(github.url, github.tokens["owner"])
    owner.do("POST", f"/issues/{number}/labels", {"labels": ["incident"]})

    async def steps(store: Store, clock: Clock) -> None:
        read = await store.incidents.search(SearchFilter(), page=1, per_page=10)
        assert [each.number for each in read] == [number]
        clock.ahead = 90_000
        github.faults.add("hang", match="/collaborators/")
        async with asyncio.timeout(2):
            assert await store.incidents.search(SearchFilter(), page=1, per_page=10) == read

    with_store(github, tmp_path, steps)


def test_a_share_of_errors_is_no_outage(
    github: EmbeddedGitHub, tmp_path: Path, number: int
) -> None:
    async def steps(store: Store, clock: Clock) -> None:
        github.faults.add("error", status=502, rate=0.1)
        for _ in range(60):
            clock.ahead += 61
            await asyncio.gather(everything(store, number), return_exceptions=True)
            assert store.breaker.hold_off(time.monotonic()) == 0

    with_store(github, tmp_path, steps)


def test_acknowledged_status_is_committed_soon_after_github_is_back(
    github: EmbeddedGitHub, tmp_path: Path, number: int
) -> None:
    async def steps(store: Store, clock: Clock) -> None:
        github.faults.add("outage")
        await put_out(store)
        await store.statuses.push("earth", status=Status.DOWN, latency=1, minute=int(clock()))
        await asyncio.sleep(0.3)
        assert store.statuses.health.waiting == 1
        assert store.statuses.health.failures <= 3, "it does not try in vain"
        github.faults.clear()
        await until(lambda: store.statuses.health.waiting == 0)

    with_store(github, tmp_path, steps, rhythm=Rhythm(change_seconds=0.1, steady_seconds=600))


@pytest.mark.parametrize(
    ("match", "kind"),
    [
        (r"^GET /repos/[^/]+/[^/]+/issues\?", "issues"),
        (r"^GET /repos/[^/]+/[^/]+/issues/\d+$", "issues"),
        (r"^\w+ /repos/[^/]+/[^/]+/issues(?!.*comments)", "issues"),
        (r"/comments", "comments"),
    ],
)
def test_one_endpoint_that_fails_for_long_is_out_alone_and_is_told_once(
    github: EmbeddedGitHub,
    tmp_path: Path,
    number: int,
    caplog: pytest.LogCaptureFixture,
    match: str,
    kind: str,
) -> None:
    """Readers and pushers all the while; everything else is answered as ever."""
    caplog.set_level(logging.INFO)
    minute = int(time.time()) // 60 * 60

    async def steps(store: Store, clock: Clock) -> None:
        def out() -> list[str]:
            seconds = store.breaker.out_for(time.monotonic())
            return [name for name, each in seconds.items() if each]

        async def all_at_once() -> None:
            clock.ahead += 61
            await asyncio.gather(everything(store, number), return_exceptions=True)

        read = await everything(store, number)
        github.faults.add("error", status=500, match=match)
        async with asyncio.timeout(10):
            while out() != [kind]:
                await all_at_once()
                await asyncio.sleep(0.02)
        for step in range(20):
            latency = 1 + step
            await store.statuses.push("earth", status=Status.UP, latency=latency, minute=minute)
            await all_at_once()
            assert (await everything(store, number))[:-1] == read[:-1]
            assert store.breaker.hold_off(time.monotonic()) == 0
            await asyncio.sleep(0.1)
        await store.statuses.flush()
        assert store.statuses.health.waiting == 0, "pushes are committed as ever"
        github.faults.clear()
        async with asyncio.timeout(10):
            while out():
                await all_at_once()
                await asyncio.sleep(0.1)

    with_store(github, tmp_path, steps)
    told = [each.message for each in caplog.records if each.name == "github_store.breaker"]
    assert len(told) == 2, told
    assert told[0].startswith(f"GitHub is out for {kind} alone")
    assert told[1].startswith(f"GitHub answers for {kind} again, after ")
