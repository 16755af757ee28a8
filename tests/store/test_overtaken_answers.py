"""The answer to a write of ours comes after a delivery that tells of somebody's later edit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from github_store import IncidentNotFound, StatusUpdate, Store
from github_store.embedded import EmbeddedGitHub
from github_store.errors import GitHubUnavailable
from github_store.gateway import Reply
from github_store.records import seconds_from_iso
from github_store.told_state import ToldState
from tests.github_person import Person
from tests.store.incident_scene import Clock, fields
from tests.store.test_held_answers import PATH, ScriptedGateway, held_over
from tests.store.test_held_answers import Clock as HeldClock
from tests.store.test_inbox import Post, with_post

WRITES: dict[str, Callable[[Store, int], Awaitable[Any]]] = {
    "create": lambda store, _: store.incidents.create(fields("Ours")),
    "replace": lambda store, number: store.incidents.replace(number, fields("Ours")),
    "update": lambda store, number: store.incidents.update_status(
        number, StatusUpdate(end_datetime=1_790_000_000)
    ),
}


def overtake(store: Store, post: Post, method: str, edit: Callable[[Reply], object]) -> None:
    """Let ``edit`` happen, and be delivered, between the next such write and its answer."""
    request = store.gateway.request

    async def slow(asked: str, *arguments: Any, **options: Any) -> Reply:
        reply = await request(asked, *arguments, **options)
        if asked == method:
            store.gateway.request = request  # type: ignore[method-assign]
            edit(reply)
            await post.deliver(*post.collected())
        return reply

    store.gateway.request = slow  # type: ignore[method-assign]


@pytest.mark.parametrize("wait_seconds", [0.0, 1.05], ids=["same second", "later"])
@pytest.mark.parametrize("write", WRITES, ids=WRITES)
def test_the_later_edit_is_what_is_read(
    github: EmbeddedGitHub, write: str, wait_seconds: float
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        def edit(reply: Reply) -> None:
            written.append(reply.data["number"])
            time.sleep(wait_seconds)  # updated_at has whole seconds, on GitHub's own clock
            owner.do("PATCH", f"/issues/{written[0]}", {"title": "Theirs"})

        written: list[int] = []
        number = owner.open_issue("Before")
        await post.deliver(*post.collected())
        overtake(store, post, "POST" if write == "create" else "PATCH", edit)
        await WRITES[write](store, number)
        assert (await store.incidents.get(written[0])).title == "Theirs"

    with_post(github, steps)


@pytest.mark.parametrize("told_at", ["10:00:01", "10:00:02"], ids=["before it", "same second"])
def test_what_a_client_was_answered_is_given_while_github_is_out(told_at: str) -> None:
    """A label that the same write put on first is told of within the answer's second."""

    def issue(title: str, at: str, *labels: str) -> dict[str, Any]:
        updated_at = f"2026-11-25T{at}Z"
        return {"title": title, "labels": list(labels), "updated_at": updated_at}

    async def run() -> None:
        clock = HeldClock()
        clock.now = seconds_from_iso("2026-11-25T10:00:03Z")
        gateway = ScriptedGateway(GitHubUnavailable("out"), GitHubUnavailable("out"))
        held = held_over(gateway, clock)
        told = ToldState(held, clock=clock)
        held.put(PATH, Reply(200, {}, issue("Before", "10:00:00"), 1))
        before = held.peek(PATH)
        told.take(PATH, issue("Before", told_at, "mars"))
        answer = Reply(200, {}, issue("Ours", "10:00:02", "mars"), 1)
        told.answered(PATH, answer, before=before)
        assert (await held.get(PATH)).data["title"] == "Ours"
        told.take(PATH, issue("Before", "10:00:02", "mars"))
        assert (await held.get(PATH)).data["title"] == "Ours"
        assert gateway.etags, "GitHub was asked which of them it is"

    asyncio.run(run())


@pytest.mark.parametrize("seconds", [0, 1.05], ids=["within the second", "a second later"])
def test_what_was_deleted_meanwhile_stays_gone(github: EmbeddedGitHub, seconds: float) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Before")
        await post.deliver(*post.collected())
        assert (await store.incidents.get(number)).title == "Before"
        await asyncio.sleep(seconds)  # updated_at has whole seconds, on GitHub's own clock
        overtake(store, post, "PATCH", lambda _: github.delete_issue("owner/status", number))
        await store.incidents.replace(number, fields("Ours"))
        with pytest.raises(IncidentNotFound):
            await store.incidents.get(number)

    with_post(github, steps)


def test_a_comment_that_was_edited_meanwhile_is_read_as_it_is(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Outage")
        await post.deliver(*post.collected())
        assert await store.incidents.comments(number) == []

        def edit(reply: Reply) -> None:
            owner.do("PATCH", f"/issues/comments/{reply.data['id']}", {"body": "Theirs"})

        overtake(store, post, "POST", edit)
        await store.incidents.add_comment(number, "Ours")
        assert [each.body for each in await store.incidents.comments(number)] == ["Theirs"]

    with_post(github, steps)


def test_without_a_delivery_the_answer_is_what_is_read_unasked(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        made = await store.incidents.create(fields("Ours"))
        await store.incidents.replace(made.number, fields("Ours as well"))
        asked = len(github.requests)
        assert (await store.incidents.get(made.number)).title == "Ours as well"
        await post.deliver(*post.collected())
        assert len(github.requests) == asked

    with_post(github, steps)
