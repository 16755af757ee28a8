"""What was made of held answers is given again while those answers would be, and no longer."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable

import pytest

from github_store.errors import GitHubUnavailable
from github_store.freshness import Freshness
from github_store.gateway import Reply
from github_store.held_answers import HeldAnswers
from github_store.held_results import HeldResults
from github_store.read_trace import Outcome, ReadTrace
from tests.store.test_held_answers import PATH, Clock, ScriptedGateway, reply

UNCHANGED = Reply(304, {"etag": '"1"'}, None)


class Scene:
    """One result, made of one held answer; ``made`` counts how often."""

    def __init__(self, *answers: Reply | Exception, max_bytes: int = 1_000_000) -> None:
        self.clock = Clock()
        self.gateway = ScriptedGateway(*answers)
        freshness = Freshness(fresh_seconds=15, stale_seconds=60, outage_seconds=1000)
        self.held = HeldAnswers(self.gateway, freshness=freshness, clock=self.clock)  # type: ignore[arg-type]
        self.edition = 0
        self.weight = 0
        self.results = HeldResults(
            self.held,
            edition=lambda: self.edition,
            weigh=lambda _: self.weight,
            max_bytes=max_bytes,
        )
        self.made = 0

    async def get(self) -> list[str]:
        return await self.results.get("key", self.make)

    async def make(self) -> list[str]:
        self.made += 1
        return [(await self.held.get(PATH)).data]


def played(scene: Scene, steps: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await steps()
        await scene.held.close()

    asyncio.run(run())


def test_the_same_object_is_given_while_its_answer_is_fresh() -> None:
    scene = Scene(reply("a"))

    async def steps() -> None:
        first = await scene.get()
        scene.clock.now += 14.9
        with ReadTrace() as trace:
            assert await scene.get() is first
        assert scene.made == 1
        assert (trace.outcome, trace.confirmed_at) == (Outcome.HIT, scene.clock.now - 14.9)

    played(scene, steps)


def test_a_stale_answer_is_renewed_behind_the_reader_and_the_result_made_anew_then() -> None:
    scene = Scene(reply("a"), reply("b", etag='"2"'))

    async def steps() -> None:
        first = await scene.get()
        scene.clock.now += 16
        with ReadTrace() as trace:
            assert await scene.get() is first
        assert trace.outcome is Outcome.STALE
        await asyncio.gather(*(flight.task for flight in scene.held._flights.values()))
        assert await scene.get() == ["b"]
        assert len(scene.gateway.etags) == 2

    played(scene, steps)


def test_an_expired_answer_is_asked_for_first() -> None:
    scene = Scene(reply("a"), UNCHANGED)

    async def steps() -> None:
        await scene.get()
        scene.clock.now += 61
        with ReadTrace() as trace:
            assert await scene.get() == ["a"]
        assert trace.outcome is Outcome.REVALIDATED
        assert scene.made == 2

    played(scene, steps)


def test_what_a_write_answered_is_seen_at_once() -> None:
    scene = Scene(reply("a"))

    async def steps() -> None:
        await scene.get()
        scene.held.put(PATH, reply("written"))
        assert await scene.get() == ["written"]

    played(scene, steps)


def test_another_edition_is_made_anew() -> None:
    scene = Scene(reply("a"))

    async def steps() -> None:
        await scene.get()
        scene.edition += 1
        await scene.get()
        assert scene.made == 2

    played(scene, steps)


def test_news_while_a_result_was_made_keep_it_from_being_kept() -> None:
    scene = Scene(reply("a"))

    async def steps() -> None:
        async def make() -> list[str]:
            made = await scene.make()
            scene.edition += 1
            return made

        await scene.results.get("key", make)
        await scene.get()
        assert scene.made == 2

    played(scene, steps)


def test_a_result_made_while_github_was_out_is_not_kept() -> None:
    scene = Scene(GitHubUnavailable("out"), reply("a"))

    async def steps() -> None:
        async def make() -> list[str]:
            scene.made += 1
            with pytest.raises(GitHubUnavailable):
                await scene.held.get("/search")
            return [(await scene.held.get(PATH)).data]

        await scene.results.get("key", make)
        await scene.get()
        assert scene.made == 2

    played(scene, steps)


def test_an_outage_answer_asks_again_each_time() -> None:
    scene = Scene(reply("a"), GitHubUnavailable("out"), GitHubUnavailable("out"))

    async def steps() -> None:
        await scene.get()
        scene.clock.now += 61
        for made in (2, 3):
            with ReadTrace() as trace:
                assert await scene.get() == ["a"]
            assert trace.outcome is Outcome.OUTAGE
            assert scene.made == made

    played(scene, steps)


def test_a_result_is_kept_whatever_its_sources_weigh() -> None:
    scene = Scene(reply("a", size=50_000), max_bytes=10_000)

    async def steps() -> None:
        await scene.get()
        await scene.get()
        assert scene.made == 1

    played(scene, steps)


def test_a_result_that_is_too_large_itself_is_made_anew() -> None:
    scene = Scene(reply("a"), max_bytes=10_000)
    scene.weight = 10_000

    async def steps() -> None:
        await scene.get()
        await scene.get()
        assert scene.made == 2

    played(scene, steps)


def test_a_result_keeps_nothing_alive_that_it_was_made_of() -> None:
    scene = Scene(reply("a"), reply("b"))

    async def steps() -> None:
        await scene.get()
        held = weakref.ref(scene.held.peek(PATH))
        scene.held.forget(PATH)
        await asyncio.sleep(0)  # the loop lets go of what it has just handed over
        assert held() is None
        assert await scene.get() == ["b"]

    played(scene, steps)
