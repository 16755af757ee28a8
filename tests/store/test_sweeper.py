"""Sweeps: what deliveries have missed, for requests that cost nothing while nothing changed."""

from __future__ import annotations

import asyncio

from github_store import SearchFilter, Status, Store
from github_store.embedded import EmbeddedGitHub
from github_store.sweeper import LOOK_SECONDS
from tests.github_person import Person
from tests.store.incident_scene import Clock
from tests.store.test_inbox import Post, with_post
from tests.store.test_scarcity import CountedSweeper, swept


def test_a_sweep_finds_what_no_delivery_told(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Before")
        await post.deliver(*post.collected())
        found = await store.incidents.search(SearchFilter(), page=1, per_page=10)
        assert [each.title for each in found] == ["Before"]
        await asyncio.sleep(1.05)  # updated_at has whole seconds, on GitHub's own clock
        owner.do("PATCH", f"/issues/{number}", {"title": "After"})
        owner.do("POST", f"/issues/{number}/comments", {"body": "lost"})
        post.collected()  # and lost
        clock.ahead += 200
        assert (await store.incidents.get(number)).title == "Before"
        await store.sweeper.sweep()
        assert (await store.incidents.get(number)).title == "After"
        found = await store.incidents.search(SearchFilter(), page=1, per_page=10)
        assert [each.title for each in found] == ["After"]
        assert [each.body for each in await store.incidents.comments(number)] == ["lost"]

    with_post(github, steps)


def test_sweeps_without_news_are_three_conditional_requests(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        await store.statuses.push("earth", status=Status.UP, latency=0, minute=int(clock()))
        await store.statuses.flush()
        await store.sweeper.sweep()
        for _ in range(3):
            before = len(github.requests)
            clock.ahead += 300
            await store.sweeper.sweep()
            statuses = [each.status for each in list(github.requests)[before:]]
            assert statuses == [304, 304, 304]

    with_post(github, steps)


def test_the_hourly_look_finds_deleted_issues(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number, kept = owner.open_issue("Gone"), owner.open_issue("Kept")
        await post.deliver(*post.collected())
        await store.incidents.get(number)
        github.delete_issue("owner/status", number)
        post.collected()
        clock.ahead += 3601
        await store.sweeper.sweep()
        found = await store.incidents.search(SearchFilter(), page=1, per_page=10)
        assert [each.number for each in found] == [kept]

    with_post(github, steps)


def test_the_hourly_look_finds_what_no_listing_tells(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue(labels=["incident", "earth"])
        made = owner.do("POST", f"/issues/{number}/comments", {"body": "withdrawn"})
        await post.deliver(*post.collected())
        assert len(await store.incidents.comments(number)) == 1
        owner.do("DELETE", f"/issues/comments/{made['id']}")
        owner.do("PATCH", "/labels/earth", {"new_name": "planet"})
        post.collected()  # and lost
        clock.ahead += 3601
        await store.sweeper.sweep()
        assert await store.incidents.comments(number) == []
        assert (await store.incidents.get(number)).tags == ()

    with_post(github, steps)


def test_a_look_that_is_wanted_comes_at_once_and_the_next_ones_together_ten_seconds_later() -> None:
    wanted = {at / 10: CountedSweeper.look for at in range(1_000, 1_400)}
    sweeper = swept(seconds=290, steps=wanted, step_seconds=0.1)
    assert [round(at) for at in sweeper.looks] == [0, 100, 110, 120, 130, 140]
    assert LOOK_SECONDS == 10


def test_a_full_look_finds_at_once_what_was_deleted_unheard_of(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number, kept = owner.open_issue("Gone"), owner.open_issue("Kept")
        await post.deliver(*post.collected())
        await store.incidents.get(number)
        github.delete_issue("owner/status", number)
        post.collected()
        store.sweeper.look(is_full=True)
        await store.sweeper.sweep()
        found = await store.incidents.search(SearchFilter(), page=1, per_page=10)
        assert [each.number for each in found] == [kept]
        before = github.count("GET", "labels=incident&per_page")
        await store.sweeper.sweep()
        assert github.count("GET", "labels=incident&per_page") == before, "the next is none"

    with_post(github, steps)
