"""What GitHub answered lately: one request per resource, renewed by ETag, kept in an outage."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from github_store.errors import AccessLost, GitHubTimeout, GitHubUnavailable
from github_store.freshness import Freshness
from github_store.gateway import Reply
from github_store.held_answers import HeldAnswers
from github_store.held_reads import Held
from github_store.read_trace import Outcome, ReadTrace

PATH = "/repos/owner/status/issues/1"


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


class ScriptedGateway:
    """Answers each request with the next of ``answers``; waits for ``gate`` where there is one."""

    repository = "/repos/owner/status"

    def __init__(self, *answers: Reply | Exception) -> None:
        self.answers = list(answers)
        self.etags: list[str | None] = []
        self.gate: asyncio.Event | None = None

    async def request(
        self, method: str, path: str, *, etag: str | None = None, accept: Collection[int] = ()
    ) -> Reply:
        self.etags.append(etag)
        answer = self.answers.pop(0)
        if self.gate:
            await self.gate.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


def reply(data: Any, *, etag: str = '"1"', status: int = 200, size: int = 10) -> Reply:
    return Reply(status, {"etag": etag}, data, size)


def held_over(gateway: ScriptedGateway, clock: Clock, **options: Any) -> HeldAnswers:
    freshness = Freshness(fresh_seconds=15, stale_seconds=15, outage_seconds=1000)
    return HeldAnswers(gateway, freshness=freshness, clock=clock, **options)  # type: ignore[arg-type]


def impatient(gateway: ScriptedGateway, clock: Clock) -> HeldAnswers:
    freshness = Freshness(fresh_seconds=15, stale_seconds=15, patience_seconds=0.01)
    return HeldAnswers(gateway, freshness=freshness, clock=clock)  # type: ignore[arg-type]


def test_a_fresh_answer_is_given_without_asking() -> None:
    async def run() -> None:
        gateway, clock = ScriptedGateway(reply("a")), Clock()
        held = held_over(gateway, clock)
        assert (await held.get(PATH)).data == "a"
        clock.now += 14.9
        assert (await held.get(PATH)).data == "a"
        assert len(gateway.etags) == 1

    asyncio.run(run())


def test_an_expired_answer_is_renewed_by_its_etag() -> None:
    async def run() -> None:
        unchanged = Reply(304, {"etag": '"1"'}, None)
        gateway, clock = ScriptedGateway(reply("a"), unchanged, reply("b", etag='"2"')), Clock()
        held = held_over(gateway, clock)
        await held.get(PATH)
        clock.now += 15
        assert (await held.get(PATH)).data == "a"
        clock.now += 14
        assert (await held.get(PATH)).data == "a", "a 304 makes it fresh again"
        clock.now += 15
        assert (await held.get(PATH)).data == "b"
        assert gateway.etags == [None, '"1"', '"1"']

    asyncio.run(run())


def test_an_outage_gives_what_is_held_until_it_is_too_old() -> None:
    async def run() -> None:
        out = GitHubUnavailable("out")
        gateway, clock = ScriptedGateway(reply("a"), out, out), Clock()
        held = held_over(gateway, clock)
        await held.get(PATH)
        clock.now += 999
        assert (await held.get(PATH)).data == "a"
        clock.now += 10
        with pytest.raises(GitHubUnavailable):
            await held.get(PATH)

    asyncio.run(run())


MISSING = reply({"message": "Not Found"}, status=404)


def test_what_is_held_gives_way_to_a_404_only_while_the_repository_answers() -> None:
    async def run() -> None:
        there = reply({"full_name": "owner/status"})
        gateway, clock = ScriptedGateway(reply("a"), MISSING, MISSING, MISSING, there), Clock()
        held = held_over(gateway, clock)
        await held.get(PATH)
        clock.now += 15
        assert (await held.get(PATH)).data == "a"
        clock.now += 15
        assert (await held.get(PATH)).status == 404
        assert gateway.answers == []

    asyncio.run(run())


def test_access_that_is_lost_is_not_asked_for_again_with_every_read() -> None:
    async def run() -> None:
        refused = AccessLost("Bad credentials")
        gateway, clock = ScriptedGateway(reply("a"), refused, reply("b")), Clock()
        held = held_over(gateway, clock)
        await held.get(PATH)
        clock.now += 15
        for _ in range(100):
            assert (await held.get(PATH)).data == "a"
        assert len(gateway.etags) == 2
        clock.now += 15
        assert (await held.get(PATH)).data == "b"

    asyncio.run(run())


def test_lost_access_does_not_keep_a_read_that_must_be_new_from_asking() -> None:
    async def run() -> None:
        refused = AccessLost("Bad credentials")
        gateway, clock = ScriptedGateway(reply("a"), refused, reply("b"), reply("c")), Clock()
        held = held_over(gateway, clock)
        await held.get(PATH)
        clock.now += 15
        await held.get(PATH)
        assert (await held.get(PATH, renew=True)).data == "b"
        held.distrust(PATH)
        assert (await held.get(PATH)).data == "c"

    asyncio.run(run())


def test_asking_anew_never_settles_for_what_is_held() -> None:
    async def run() -> None:
        gateway = ScriptedGateway(reply("a"), reply("b"), GitHubUnavailable("out"))
        held = held_over(gateway, Clock())
        await held.get(PATH)
        assert (await held.get(PATH, renew=True)).data == "b"
        with pytest.raises(GitHubUnavailable):
            await held.get(PATH, renew=True)

    asyncio.run(run())


def test_however_many_readers_wait_one_request_is_made() -> None:
    async def run() -> None:
        gateway = ScriptedGateway(reply("a"))
        gateway.gate = asyncio.Event()
        held = held_over(gateway, Clock())
        readers = [asyncio.create_task(held.get(PATH)) for _ in range(200)]
        await asyncio.sleep(0)
        readers[0].cancel()
        await asyncio.sleep(0)
        gateway.gate.set()
        answers = await asyncio.gather(*readers, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert [answer.data for answer in answers[1:] if isinstance(answer, Reply)] == ["a"] * 199
        assert len(gateway.etags) == 1

    asyncio.run(run())


def test_readers_of_a_failed_request_fail_and_the_next_one_asks_anew() -> None:
    async def run() -> None:
        gateway = ScriptedGateway(GitHubUnavailable("out"), reply("a"))
        held = held_over(gateway, Clock())
        failed = await asyncio.gather(held.get(PATH), held.get(PATH), return_exceptions=True)
        assert all(isinstance(each, GitHubUnavailable) for each in failed)
        assert (await held.get(PATH)).data == "a"

    asyncio.run(run())


def test_an_answer_asked_for_before_a_write_does_not_replace_it() -> None:
    async def run() -> None:
        gateway = ScriptedGateway(reply("before the write"))
        gateway.gate = asyncio.Event()
        held = held_over(gateway, Clock())
        reader = asyncio.create_task(held.get(PATH))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        held.put(PATH, reply("written"))
        gateway.gate.set()
        assert (await reader).data == "written"
        assert (await held.get(PATH)).data == "written"

    asyncio.run(run())


def test_an_answer_asked_for_before_something_was_forgotten_is_asked_again() -> None:
    async def run() -> None:
        gateway = ScriptedGateway(reply("before"), reply("after"))
        gateway.gate = asyncio.Event()
        held = held_over(gateway, Clock())
        reader = asyncio.create_task(held.get(PATH))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        held.forget(PATH)
        gateway.gate.set()
        assert (await reader).data == "after"

    asyncio.run(run())


def test_what_is_held_is_bounded_in_bytes_and_entries() -> None:
    async def run() -> None:
        sizes = [10] * 20
        gateway = ScriptedGateway(*(reply(i, size=size) for i, size in enumerate(sizes)))
        held = held_over(gateway, Clock(), max_bytes=40_960)
        for number in range(20):
            await held.get(f"/issues/{number}")
        assert len(held._held) == 10
        gateway.answers.append(reply("huge", size=1_000_000))
        assert (await held.get("/huge")).data == "huge"
        assert len(held._held) == 10, "what can't be held pushes nothing out"

    asyncio.run(run())


def test_a_stale_answer_is_given_at_once_and_renewed_behind_its_reader() -> None:
    async def run() -> None:
        gateway, clock = ScriptedGateway(reply("a"), reply("b", etag='"2"')), Clock()
        freshness = Freshness(fresh_seconds=15, stale_seconds=60)
        held = HeldAnswers(gateway, freshness=freshness, clock=clock)  # type: ignore[arg-type]
        await held.get(PATH)
        clock.now += 20
        with ReadTrace() as trace:
            assert (await held.get(PATH)).data == "a"
        assert trace.outcome is Outcome.STALE
        assert trace.confirmed_at == clock.now - 20
        for _ in range(3):
            await asyncio.sleep(0)
        with ReadTrace() as trace:
            assert (await held.get(PATH)).data == "b"
        assert trace.outcome is Outcome.HIT
        assert gateway.etags == [None, '"1"']

    asyncio.run(run())


def test_every_read_tells_how_it_came_about() -> None:
    async def run() -> None:
        unchanged, out = Reply(304, {}, None), GitHubUnavailable("out")
        gateway, clock = ScriptedGateway(reply("a"), unchanged, out), Clock()
        seen: list[Outcome] = []
        held = held_over(gateway, clock, observe=seen.append)
        for seconds in (0, 1, 20, 20):
            clock.now += seconds
            await held.get(PATH)
        assert seen == [Outcome.MISS, Outcome.HIT, Outcome.REVALIDATED, Outcome.OUTAGE]

    asyncio.run(run())


class DictShelf:
    """A shelf that is a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, Held] = {}

    def load(self, path: str) -> Held | None:
        return self.kept.get(path)

    def save(self, path: str, held: Held) -> None:
        self.kept[path] = held

    def forget(self, path: str) -> None:
        self.kept.pop(path, None)


def test_what_stands_on_the_shelf_is_renewed_or_given_in_an_outage_after_a_restart() -> None:
    async def run() -> None:
        shelf, clock = DictShelf(), Clock()
        await held_over(ScriptedGateway(reply("a")), clock, shelf=shelf).get(PATH)
        clock.now += 100
        out = held_over(ScriptedGateway(GitHubUnavailable("out")), clock, shelf=shelf)
        assert (await out.get(PATH)).data == "a"
        gateway = ScriptedGateway(Reply(304, {}, None))
        assert (await held_over(gateway, clock, shelf=shelf).get(PATH)).data == "a"
        assert gateway.etags == ['"1"']
        held_over(gateway, clock, shelf=shelf).forget(PATH)
        assert not shelf.kept

    asyncio.run(run())


def test_what_is_distrusted_is_asked_for_and_given_only_in_an_outage() -> None:
    async def run() -> None:
        gateway = ScriptedGateway(reply("a"), GitHubUnavailable("out"), reply("b", etag='"2"'))
        held = held_over(gateway, Clock())
        await held.get(PATH)
        held.distrust(PATH)
        assert (await held.get(PATH)).data == "a", "GitHub is out"
        assert (await held.get(PATH)).data == "b"
        assert (await held.get(PATH)).data == "b"
        assert gateway.etags == [None, '"1"', '"1"']

    asyncio.run(run())


def test_an_answer_asked_for_before_something_was_distrusted_is_asked_again() -> None:
    async def run() -> None:
        gateway, clock = ScriptedGateway(reply("a"), reply("before"), reply("after")), Clock()
        held = held_over(gateway, clock)
        await held.get(PATH)
        clock.now += 20
        gateway.gate = asyncio.Event()
        reader = asyncio.create_task(held.get(PATH))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        held.distrust(PATH)
        gateway.gate.set()
        assert (await reader).data == "after"

    asyncio.run(run())


def test_a_reader_waits_no_longer_than_its_patience_and_the_request_goes_on() -> None:
    async def run() -> None:
        gateway, clock = ScriptedGateway(reply("a"), reply("b", etag='"2"')), Clock()
        held = impatient(gateway, clock)
        await held.get(PATH)
        clock.now += 20
        gateway.gate = asyncio.Event()
        with ReadTrace() as trace:
            assert (await held.get(PATH)).data == "a"
        assert trace.outcome is Outcome.OUTAGE
        assert trace.confirmed_at == clock.now - 20
        assert (await asyncio.wait_for(held.get(PATH), 0.01)).data == "a", "patience is at an end"
        assert gateway.etags == [None, '"1"'], "it is the same request that everybody waits for"
        gateway.gate.set()
        for _ in range(5):
            await asyncio.sleep(0)
        with ReadTrace() as trace:
            assert (await held.get(PATH)).data == "b"
        assert trace.outcome is Outcome.HIT

    asyncio.run(run())


def test_what_github_answers_within_patience_is_given() -> None:
    async def run() -> None:
        gateway, clock = ScriptedGateway(reply("a"), reply("b", etag='"2"')), Clock()
        held = held_over(gateway, clock)
        await held.get(PATH)
        clock.now += 20
        gateway.gate = asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, gateway.gate.set)
        assert (await held.get(PATH)).data == "b"

    asyncio.run(run())


@pytest.mark.parametrize("renew", [False, True])
def test_where_nothing_is_held_or_it_must_be_new_patience_has_no_end(renew: bool) -> None:
    async def run() -> None:
        gateway, clock = ScriptedGateway(reply("a"), reply("b")), Clock()
        held = impatient(gateway, clock)
        if renew:
            await held.get(PATH)
        gateway.gate = asyncio.Event()
        asyncio.get_running_loop().call_later(0.03, gateway.gate.set)
        assert (await held.get(PATH, renew=renew)).data == ("b" if renew else "a")

    asyncio.run(run())


def test_where_github_need_not_be_asked_what_is_held_is_given_unasked() -> None:
    async def run() -> None:
        gateway, clock = ScriptedGateway(reply("a"), GitHubUnavailable("out")), Clock()
        asked: list[str] = []
        held = held_over(gateway, clock, may_ask=lambda path: bool(asked.append(path)))
        with ReadTrace() as trace:
            await held.get(PATH)
        assert trace.outcome is Outcome.MISS, "what is not held has to be asked for"
        for _ in range(3):
            clock.now += 20
            with ReadTrace() as trace:
                assert (await held.get(PATH)).data == "a"
            assert trace.outcome is Outcome.OUTAGE
        assert asked == [PATH] * 3
        with pytest.raises(GitHubUnavailable):
            await held.get(PATH, renew=True)
        assert len(gateway.etags) == 2

    asyncio.run(run())


def test_a_reader_waits_in_vain_once_however_much_it_reads() -> None:
    async def run() -> None:
        gateway, clock = ScriptedGateway(*[reply("a")] * 4), Clock()
        freshness = Freshness(fresh_seconds=15, stale_seconds=15, patience_seconds=0.2)
        held = HeldAnswers(gateway, freshness=freshness, clock=clock)  # type: ignore[arg-type]
        for path in (PATH, "/other"):
            await held.get(path)
        clock.now += 20
        gateway.gate = asyncio.Event()
        with ReadTrace():
            await held.get(PATH)
            assert (await asyncio.wait_for(held.get("/other"), 0.1)).data == "a"
        assert len(gateway.etags) == 4, "it is asked for all the same"
        gateway.gate.set()
        await asyncio.sleep(0)

    asyncio.run(run())


def test_who_knows_another_way_waits_no_longer_than_its_patience_for_what_is_not_held() -> None:
    async def run() -> None:
        gateway, clock = ScriptedGateway(reply("a")), Clock()
        held = impatient(gateway, clock)
        gateway.gate = asyncio.Event()
        for _ in range(2):
            with pytest.raises(GitHubTimeout):
                await held.get(PATH, is_optional=True)
        gateway.gate.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert (await held.get(PATH, is_optional=True)).data == "a"
        assert len(gateway.etags) == 1

    asyncio.run(run())
