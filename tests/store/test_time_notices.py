"""Times that cannot be used are told: once in the log, and in one comment until they are mended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from github_store import RateLimited, Store, TokenCredential, open_store
from github_store.embedded import EmbeddedGitHub
from github_store.errors import AccessLost, GitHubUnavailable, StoreError
from github_store.records import Issue
from github_store.time_notices import (
    CLOSED_LOOK_SECONDS,
    DELAY_SECONDS,
    LOOK_SECONDS,
    MOST_AT_ONCE,
    TimeNotices,
)
from github_store.time_problems import mark_of, notice, time_problems
from tests.github_person import Person
from tests.store.incident_scene import Clock, commit_monitors
from tests.store.test_time_problems import ISSUE

NOW = 1_790_000_000.0
BAD, WORSE, GOOD = "[start_datetime:soon]", "[start_datetime:sooner]", "[start_datetime:5]"


@dataclass
class World:
    """Issues and their comments in memory, and a clock that goes on only while nobody works."""

    bodies: dict[int, str] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    quiet: set[int] = field(default_factory=set)
    """Without any comment, as GitHub tells."""
    comments: dict[int, list[str]] = field(default_factory=dict)
    now: float = NOW
    looked: list[int] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    written: list[tuple[int, float]] = field(default_factory=list)
    refused: dict[int, StoreError] = field(default_factory=dict)
    outage: StoreError | None = None
    may_write_in: float = 0.0
    updated_at: int = int(NOW)

    def _issue(self, number: int) -> Issue:
        return replace(
            ISSUE,
            number=number,
            body=self.bodies[number],
            state="closed" if number in self.closed else "open",
            updated_at=self.updated_at,
            comment_count=0 if number in self.quiet else None,
        )

    async def issues(self, state: str, *, updated_since: int | None = None) -> list[Issue]:
        self.lists.append(state)
        if self.outage:
            raise self.outage
        found = map(self._issue, self.bodies)
        return [each for each in found if each.state == state]

    async def issue_now(self, number: int) -> Issue | None:
        return self._issue(number) if number in self.bodies else None

    async def marks(self, number: int) -> list[str]:
        self.looked.append(number)
        return [mark_of(text) or "" for text in self.comments.get(number, [])]

    async def put(self, number: int, text: str | None) -> None:
        self.written.append((number, self.now - NOW))
        if number in self.refused:
            raise self.refused[number]
        self.comments[number] = [text] if text else []

    def run(self, *steps: Callable[[], object], notices: TimeNotices | None = None) -> TimeNotices:
        """Look at once, and after each of the steps when the next look is due."""
        notices = notices or TimeNotices(
            self, self, clock=lambda: self.now, may_write=lambda: self.may_write_in
        )

        async def looks(notices: TimeNotices) -> None:
            for step in (lambda: None, *steps):
                step()
                await notices.look()
                self.now += LOOK_SECONDS

        asyncio.run(looks(notices))
        return notices

    def says(self, number: int) -> list[str]:
        """Of the notices on an issue: what is wrong; the rest is the same in all."""
        return [line for text in self.comments.get(number, []) for line in text.split("\n")
                if line.startswith("- **")]  # fmt: skip


def nothing() -> None: ...


def messages(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    return [each.message for each in caplog.records if each.levelno >= level]


def test_one_comment_says_it_and_goes_with_the_problem(caplog: pytest.LogCaptureFixture) -> None:
    world = World({1: BAD, 2: GOOD})
    notices = world.run(nothing, nothing)
    assert world.says(1) == ['- **Start time:** ` "soon" ` cannot be read as a time']
    assert (len(world.written), notices.count) == (1, 1)
    world.run(lambda: world.bodies.update({1: WORSE}), nothing, notices=notices)
    assert world.says(1) == ['- **Start time:** ` "sooner" ` cannot be read as a time']
    world.run(lambda: world.bodies.update({1: GOOD}), nothing, notices=notices)
    assert (world.comments[1], len(world.written), notices.count) == ([], 3, 0)
    assert messages(caplog) == [
        'incident 1: startDatetime: "soon" cannot be read as a time',
        'incident 1: startDatetime: "sooner" cannot be read as a time',
    ]


def test_a_restart_finds_the_comment_and_leaves_removes_or_changes_it() -> None:
    world = World(dict.fromkeys((1, 2, 3), BAD))
    world.run()
    assert len(world.written) == 3
    world.bodies.update({2: GOOD, 3: WORSE})
    world.run(nothing)
    assert [number for number, _ in world.written[3:]] == [3, 2]
    assert (len(world.says(1)), world.says(2), len(world.says(3))) == (1, [], 1)
    assert "sooner" in world.says(3)[0]


def test_comments_are_read_only_where_there_may_be_one_and_once() -> None:
    world = World(dict.fromkeys((1, 2, 3), GOOD), quiet={1})
    world.run(nothing, nothing)
    assert sorted(world.looked) == [2, 3]
    world.looked.clear()
    world.updated_at = int(NOW) - 40 * 86_400
    world.run(nothing)
    assert world.looked == []


def test_what_was_written_is_looked_at_once_more() -> None:
    world = World({1: BAD})
    notices = world.run()
    world.comments[1] *= 2  # another process did the same
    world.run(nothing, notices=notices)
    assert (len(world.says(1)), world.written[1:]) == (1, [(1, 120.0)])


def test_a_refused_issue_holds_up_no_other_and_is_tried_ever_less_often(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(dict.fromkeys((1, 2), BAD), refused={1: AccessLost("locked")})
    notices = world.run(*[nothing] * 30)
    assert len(world.says(2)) == 1
    tries = [at for number, at in world.written if number == 1]
    assert tries == [0, 60, 180, 420, 900]
    assert messages(caplog)[2:] == [
        "the comment on the times of incident 1 fails, tried again in 60 s: locked"
    ]
    world.refused.clear()
    world.run(*[nothing] * 60, notices=notices)
    assert len(world.says(1)) == 1


def test_a_fault_of_its_own_concerns_one_issue() -> None:
    world = World(dict.fromkeys((1, 2), BAD))
    world.refused[1] = KeyError("x")  # type: ignore[assignment]
    world.run()
    assert len(world.says(2)) == 1


def test_where_the_limits_are_near_nothing_is_read_or_written_but_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World({1: BAD}, may_write_in=9.0)
    notices = world.run()
    assert (world.looked, world.written, len(messages(caplog))) == ([], [], 1)
    world.run(lambda: setattr(world, "may_write_in", 0.0), notices=notices)
    assert len(world.says(1)) == 1
    assert len(messages(caplog)) == 1


def test_a_limit_of_github_ends_the_look() -> None:
    world = World(dict.fromkeys((1, 2), BAD), refused={1: RateLimited("no")})
    with pytest.raises(RateLimited):
        world.run()
    assert [number for number, _ in world.written] == [1]


def test_at_most_so_many_are_seen_to_in_one_look_and_problems_come_first() -> None:
    world = World(dict.fromkeys(range(1, 51), GOOD) | {90: BAD})
    world.run()
    assert world.looked[0] == 90
    assert len(world.looked) == MOST_AT_ONCE


def test_the_list_of_closed_ones_is_read_now_and_then_and_once_some_were_closed() -> None:
    world = World({1: GOOD, 2: BAD})
    notices = world.run(*[nothing] * 9)
    assert world.lists.count("closed") == 1
    assert LOOK_SECONDS * 10 == CLOSED_LOOK_SECONDS
    world.run(notices=notices)
    assert world.lists.count("closed") == 2
    world.run(lambda: world.closed.add(2), nothing, notices=notices)
    assert world.lists.count("closed") == 3
    assert len(world.says(2)) == 1


def test_closing_is_no_change_of_the_problem(caplog: pytest.LogCaptureFixture) -> None:
    world = World({1: BAD})
    world.run(lambda: world.closed.add(1), nothing)
    assert (len(world.written), len(messages(caplog))) == (1, 1)


def test_an_issue_that_a_list_lacked_for_a_while_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World({1: BAD, 2: BAD}, refused={1: AccessLost("locked")})
    world.run(lambda: world.bodies.pop(2), lambda: world.bodies.update({2: BAD}), nothing)
    assert len([line for line in messages(caplog) if "soon" in line]) == 2


def test_what_is_no_incident_any_more_loses_its_comment() -> None:
    world = World({1: BAD})
    world.run(nothing, world.bodies.clear, nothing)
    assert world.comments[1] == []


def test_the_task_looks_every_minute_and_outages_only_delay(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World({1: BAD}, outage=GitHubUnavailable("down", retry_after_seconds=200))

    async def run() -> None:
        over = asyncio.Event()

        async def sleep(seconds: float) -> None:
            assert seconds > 0
            world.now += seconds
            if world.now > NOW + 200:
                world.outage = None
            if world.now > NOW + 600:
                over.set()
                await asyncio.Event().wait()

        notices = TimeNotices(world, world, clock=lambda: world.now, sleep=sleep)
        notices.start()
        await asyncio.wait_for(over.wait(), 10)
        await notices.close()

    asyncio.run(run())
    assert world.written == [(1, DELAY_SECONDS + 200)]
    assert len(world.lists) <= 2 * 600 / LOOK_SECONDS
    assert len(messages(caplog)) == 1


# over real sockets


@dataclass
class Looks:
    store: Store
    clock: Clock

    async def __call__(self) -> None:
        """Look as after the time between two looks, with all lists anew."""
        self.clock.ahead += LOOK_SECONDS
        self.store.held.expire()
        await self.store.time_notices.look()


def with_stores(
    github: EmbeddedGitHub,
    directory: Path,
    steps: Callable[..., Any],
    *,
    logins: Iterable[str] = ("owner",),
) -> Any:
    """Run ``steps`` with a store for each login; they look when they are told to."""
    commit_monitors(github)

    async def run() -> Any:
        stores = []
        try:
            clock = Clock()
            for number, login in enumerate(logins):
                store = await open_store(
                    repository_name="owner/status",
                    credential=TokenCredential(github.tokens[login]),
                    api_url=github.url,
                    data_dir=directory / str(number),
                    clock=clock,
                )
                stores.append(store)
                await store.time_notices.close()
            return await steps(*(Looks(store, clock) for store in stores))
        finally:
            for store in stores:
                await store.close()

    return asyncio.run(run())


@pytest.fixture
def owner(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["owner"])


def comments_on(owner: Person, number: int) -> list[str]:
    return [each["body"] for each in owner.do("GET", f"/issues/{number}/comments")]


def test_on_github_the_comment_comes_changes_and_goes_and_no_reader_sees_it(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    number = owner.open_issue(body=BAD)

    async def first(look: Looks) -> None:
        await look()
        await look()
        assert len(comments_on(owner, number)) == 1
        owner.do("POST", f"/issues/{number}/comments", {"body": "We look into it"})
        look.store.held.expire()
        shown = await look.store.incidents.comments(number)
        assert [each.body for each in shown] == ["We look into it"]

    async def later(look: Looks) -> None:
        await look()
        changed, theirs = comments_on(owner, number)
        assert "sooner" in changed
        assert theirs == "We look into it"
        owner.do("PATCH", f"/issues/{number}", {"body": GOOD})
        await look()

    with_stores(github, tmp_path / "first", first)
    owner.do("PATCH", f"/issues/{number}", {"body": WORSE})
    with_stores(github, tmp_path / "without what the first remembered", later)
    assert comments_on(owner, number) == ["We look into it"]


def test_two_processes_leave_one_comment(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    number = owner.open_issue(body=BAD)

    async def steps(*looks: Looks) -> None:
        for _ in range(2):
            await asyncio.gather(*(look() for look in looks))
        assert len(comments_on(owner, number)) == 1
        owner.do("PATCH", f"/issues/{number}", {"body": GOOD})
        await asyncio.gather(*(look() for look in looks))
        assert comments_on(owner, number) == []

    with_stores(github, tmp_path, steps, logins=("owner", "owner", "owner"))


def test_a_strangers_issue_and_a_strangers_forgery_are_left_alone(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    stranger = Person(github.url, github.tokens["stranger"])
    theirs, ours = stranger.open_issue(body=BAD), owner.open_issue(body=BAD)
    owner.do("POST", f"/issues/{theirs}/labels", {"labels": ["incident", "earth"]})
    forged = notice(time_problems(replace(ISSUE, body=BAD)))
    stranger.do("POST", f"/issues/{ours}/comments", {"body": forged})

    async def steps(look: Looks) -> None:
        await look()
        assert comments_on(owner, theirs) == []
        assert comments_on(owner, ours) == [forged, forged]
        owner.do("PATCH", f"/issues/{ours}", {"body": GOOD})
        await look()
        assert comments_on(owner, ours) == [forged]

    with_stores(github, tmp_path, steps)


def test_what_another_account_of_ours_wrote_is_no_update_either_and_not_touched(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    number = owner.open_issue(body=GOOD)
    former = Person(github.url, github.tokens["collaborator"])
    theirs = notice(time_problems(replace(ISSUE, body=BAD)))
    former.do("POST", f"/issues/{number}/comments", {"body": theirs})

    async def steps(look: Looks) -> None:
        await look()
        assert comments_on(owner, number) == [theirs]
        assert await look.store.incidents.comments(number) == []

    with_stores(github, tmp_path, steps)


def test_a_lost_answer_makes_no_second_comment(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    number = owner.open_issue(body=BAD)

    async def steps(look: Looks) -> None:
        github.faults.add("drop_after", match=rf"POST .*/issues/{number}/comments", count=1)
        await look()
        assert len(comments_on(owner, number)) == 1
        await look()
        assert len(comments_on(owner, number)) == 1

    with_stores(github, tmp_path, steps)
