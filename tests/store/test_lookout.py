"""GitHub is tried while it is out, and only then, until it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from github_store.breaker import Breaker
from github_store.circuit import FAILURES, LONGEST_PAUSE_SECONDS
from github_store.errors import GitHubTimeout
from github_store.gateway import Exchange, Gateway, Reply
from github_store.lookout import Lookout

HANG_SECONDS = 12.0


class World:
    """A GitHub that hangs while ``is_out``, and time that passes only while somebody waits."""

    repository = "/repos/owner/status"

    def __init__(self) -> None:
        self.now = 1_000.0
        self.is_out = False
        self.asked: list[tuple[float, str, str | None]] = []
        self.recovered: list[float] = []
        self.breaker = Breaker(jitter=lambda: 1.0)
        self._alarms: list[tuple[float, asyncio.Future[None]]] = []

    async def request(self, method: str, path: str, *, etag: str | None = None) -> Reply:
        self.breaker.admit(method, path, self.now)
        sent_at, is_out = self.now, self.is_out
        self.asked.append((sent_at, f"{method} {path}", etag))
        if is_out:
            await self.sleep(HANG_SECONDS)
        status = None if is_out else 200
        self.breaker.observe(Exchange(method, path, status, self.now - sent_at, {}), self.now)
        if is_out:
            raise GitHubTimeout("hangs")
        return Reply(200, {"etag": '"1"'}, {})

    async def sleep(self, seconds: float) -> None:
        ended = asyncio.get_running_loop().create_future()
        self._alarms.append((self.now + seconds, ended))
        await ended

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        if seconds is None:
            await event.wait()
            return
        told = asyncio.create_task(event.wait())
        alarm = asyncio.create_task(self.sleep(seconds))
        await asyncio.wait([told, alarm], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        alarm.cancel()

    async def settle(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        await self.settle()
        while due := [each for each in self._alarms if each[0] <= until and not each[1].done()]:
            at, alarm = min(due, key=lambda each: each[0])
            self.now = max(self.now, at)
            alarm.set_result(None)
            await self.settle()
        self.now = until

    def fail(self) -> None:
        """Clients' requests fail until GitHub counts as out."""
        self.is_out = True
        places = ("issues", "labels", "hooks", "git/ref/heads/main", "issues/7")
        for place in places[:FAILURES]:
            failed = Exchange("GET", f"{self.repository}/{place}", None, 0.0, {})
            self.breaker.observe(failed, self.now)


def run(steps: Callable[[World], Any]) -> World:
    async def main() -> World:
        world = World()
        lookout = Lookout(
            cast(Gateway, world),
            world.breaker,
            monotonic=lambda: world.now,
            recovered=lambda: world.recovered.append(world.now),
            wait=world.wait,
        )
        lookout.start()
        try:
            await steps(world)
        finally:
            await lookout.close()
        return world

    return asyncio.run(main())


def test_nothing_is_asked_while_github_answers() -> None:
    assert run(lambda world: world.pass_time(86_400)).asked == []


def test_a_github_that_hangs_is_tried_at_growing_intervals_and_no_trial_waits_for_another() -> None:
    async def steps(world: World) -> None:
        await world.settle()
        world.fail()
        await world.pass_time(600)

    world = run(steps)
    times = [at - 1_000 for at, _, _ in world.asked]
    assert times[:7] == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5]
    assert len(times) <= 600 / LONGEST_PAUSE_SECONDS + 5
    assert {line for _, line, _ in world.asked} == {"GET /repos/owner/status"}
    assert world.recovered == []


def test_recovery_shows_within_seconds_and_is_told_once() -> None:
    async def steps(world: World) -> None:
        await world.settle()
        world.fail()
        await world.pass_time(600)
        world.is_out = False
        await world.pass_time(LONGEST_PAUSE_SECONDS)
        assert world.breaker.hold_off(world.now) == 0
        asked = len(world.asked)
        await world.pass_time(3_600)
        assert len(world.asked) == asked

    world = run(steps)
    assert len(world.recovered) == 1
    assert world.recovered[0] - 1_600 <= LONGEST_PAUSE_SECONDS


def test_trials_after_the_first_answer_are_conditional() -> None:
    async def steps(world: World) -> None:
        for _ in range(2):
            await world.settle()
            world.fail()
            world.is_out = False
            await world.pass_time(10)

    assert [etag for _, _, etag in run(steps).asked] == [None, '"1"']
