"""Sweeps: what deliveries have missed, for requests that cost nothing while nothing changed."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

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


def test_a_sweep_that_was_read_before_a_delivery_does_not_undo_it(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Before")
        made = owner.do("POST", f"/issues/{number}/comments", {"body": "before"})
        await post.deliver(*post.collected())
        clock.ahead += 200  # what is delivered so late is not believed, but asked for
        issues, comments = store.sweeper._tracker.listings, store.sweeper._tracker.comments
        listed, said = issues.updated_since, comments.updated_since

        async def listed_before(since: int) -> Any:
            found = await listed(since)
            owner.do("PATCH", f"/issues/{number}", {"title": "After"})
            await post.deliver(*post.collected())
            return found

        async def said_before(since: int) -> Any:
            found = await said(since)
            owner.do("PATCH", f"/issues/comments/{made['id']}", {"body": "after"})
            await post.deliver(*post.collected())
            return found

        issues.updated_since, comments.updated_since = listed_before, said_before  # type: ignore
        await store.sweeper.sweep()
        assert (await store.incidents.get(number)).title == "After"
        found = await store.incidents.search(SearchFilter(), page=1, per_page=10)
        assert [each.title for each in found] == ["After"]
        assert [each.body for each in await store.incidents.comments(number)] == ["after"]

    with_post(github, steps)


def test_sweeps_without_news_are_four_conditional_requests(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        await store.statuses.push("earth", status=Status.UP, latency=0, minute=int(clock()))
        await store.statuses.flush()
        await store.sweeper.sweep()
        for _ in range(3):
            before = len(github.requests)
            clock.ahead += 300
            await store.sweeper.sweep()
            statuses = [each.status for each in list(github.requests)[before:]]
            assert statuses == [304, 304, 304, 304]

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


PARTS = {
    "issues": (r"/issues\?(?!.*labels=)", "title"),
    "comments": (r"/issues/comments\?", "comment"),
    "branch": (r"/git/ref/heads", "status"),
    "labels": (r"/labels\?", "labels"),
    "monitors": (r"/contents/monitors", "none"),
    "what is gone": (r"labels=incident&per_page", "gone"),
}


@pytest.mark.parametrize(("match", "missed"), PARTS.values(), ids=PARTS)
def test_a_part_that_fails_keeps_no_other_from_being_looked_at_and_nothing_is_vouched_for(
    github: EmbeddedGitHub, match: str, missed: str
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number, gone = owner.open_issue("Before"), owner.open_issue("Gone")
        await post.deliver(*post.collected())
        for each in (number, gone):
            await store.incidents.get(each)
            await store.incidents.comments(each)
        await store.sweeper.sweep()
        await asyncio.sleep(1.05)  # updated_at has whole seconds, on GitHub's own clock
        owner.do("PATCH", f"/issues/{number}", {"title": "After"})
        owner.do("POST", f"/issues/{number}/comments", {"body": "lost"})
        github.delete_issue("owner/status", gone)
        post.collected()  # and lost
        clock.ahead += 3601
        fault = github.faults.add("error", match=match, status=500)
        asked = len(github.requests)
        await store.sweeper.sweep()
        lines = [f"{each.method} {each.target}" for each in list(github.requests)[asked:]]
        for part, _ in PARTS.values():
            assert any(re.search(part, line) for line in lines), part
        if missed == "none":  # it tells by itself
            return
        assert store.failing["sweep"] == 1
        assert store.held.vouched is None
        github.faults.lift(fault)
        clock.ahead += 60
        await store.sweeper.sweep()
        assert store.failing["sweep"] == 0
        assert store.held.vouched is not None
        assert (await store.incidents.get(number)).title == "After"
        assert [each.body for each in await store.incidents.comments(number)] == ["lost"]
        found = await store.incidents.search(SearchFilter(), page=1, per_page=10)
        assert [each.number for each in found] == [number]

    with_post(github, steps)


def test_one_changed_issue_of_another_shape_keeps_no_other_from_being_told(
    github: EmbeddedGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        first, second = owner.open_issue("First"), owner.open_issue("Second")
        await post.deliver(*post.collected())
        for each in (first, second):
            await store.incidents.get(each)
        await asyncio.sleep(1.05)
        for each in (first, second):
            owner.do("PATCH", f"/issues/{each}", {"title": "After"})
        post.collected()
        told = [owner.do("GET", f"/issues/{each}") for each in (first, second)]
        odd = {**told[0], "labels": [{"colour": "red"}], "title": None}
        at = 1_790_000_000
        listed = [(first, odd, at), (second, told[1], at)]

        async def updated_since(_: int) -> Any:
            return listed

        monkeypatch.setattr(store.incidents._tracker.listings, "updated_since", updated_since)
        await store.sweeper.sweep()
        titles = [(await store.incidents.get(each)).title for each in (first, second)]
        assert titles == ["After", "After"]

    with_post(github, steps)
