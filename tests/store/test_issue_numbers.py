"""Numbers that are not there yet: asked for a few times, then known to lie above the newest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from github_store import GitHubUnavailable, IncidentNotFound, SearchFilter, StatusUpdate, Store
from github_store.embedded import EmbeddedGitHub
from github_store.issue_numbers import GUESS_SECONDS, GUESSES
from tests.github_person import Person
from tests.store.incident_scene import Clock, fields, with_store
from tests.store.test_inbox import Post, with_post

MANY = range(1_000, 11_000)
HANDFUL = int(GUESSES) + 2
"""The guesses, whether the repository is there, and the newest number."""


async def absent(store: Store, number: int) -> bool:
    try:
        await store.incidents.get(number)
    except IncidentNotFound:
        return True
    return False


def asked(github: EmbeddedGitHub) -> int:
    """How many requests there were since this was last asked."""
    count = len(github.requests)
    github.requests.clear()
    return count


def test_ten_thousand_absent_numbers_are_a_handful_of_requests_and_push_nothing_out(
    github: EmbeddedGitHub, owner: Person
) -> None:
    number = owner.open_issue()

    async def steps(store: Store) -> None:
        await store.incidents.get(number)
        asked(github)
        assert all([await absent(store, each) for each in MANY])
        assert asked(github) <= HANDFUL
        before = await store.incidents.get(number)
        assert (before.number, asked(github)) == (number, 0), "still held"
        held = [path for path in store.held.paths() if "/issues/" in path]
        assert held == [f"/repos/owner/status/issues/{number}"]

    with_store(github, steps)


def test_all_at_once_they_are_no_more(github: EmbeddedGitHub) -> None:
    async def steps(store: Store) -> None:
        asked(github)
        assert all(await asyncio.gather(*(absent(store, each) for each in MANY)))
        assert asked(github) <= HANDFUL

    with_store(github, steps)


def test_whoever_goes_on_guessing_costs_one_conditional_request_for_as_long_as_it_is_fresh(
    github: EmbeddedGitHub, owner: Person
) -> None:
    owner.open_issue()
    clock = Clock()
    minutes = 10

    async def steps(store: Store) -> None:
        for each in MANY[:100]:
            await absent(store, each)
        asked(github)
        lines: list[Any] = []
        for round_ in range(minutes * 4):
            clock.ahead += 15.01
            for each in MANY[100 * round_ : 100 * round_ + 100]:
                assert await absent(store, each)
            lines += [line for line in github.requests if "/issues" in line.target]
            github.requests.clear()
        costly = [line for line in lines if line.status != 304]
        assert len(costly) <= minutes * 60 / GUESS_SECONDS + 1
        assert len(lines) - len(costly) <= minutes * 4

    with_store(github, steps, clock=clock)


WRITES: dict[str, Callable[[Store, int], Awaitable[Any]]] = {
    "comments": lambda store, number: store.incidents.comments(number),
    "replace": lambda store, number: store.incidents.replace(number, fields()),
    "update": lambda store, number: store.incidents.update_status(number, StatusUpdate()),
    "comment": lambda store, number: store.incidents.add_comment(number, "hello"),
}


@pytest.mark.parametrize("operation", WRITES.values(), ids=WRITES)
def test_every_operation_is_bounded_so(
    github: EmbeddedGitHub, operation: Callable[[Store, int], Awaitable[Any]]
) -> None:
    async def steps(store: Store) -> None:
        asked(github)
        for each in MANY[:200]:
            with pytest.raises(IncidentNotFound):
                await operation(store, each)
        assert asked(github) <= HANDFUL

    with_store(github, steps)


@pytest.mark.parametrize("is_guessed_at", [False, True], ids=["calm", "amid guesses"])
def test_a_maintainers_new_issue_is_there_at_once_or_amid_guesses_when_the_newest_is_asked_again(
    github: EmbeddedGitHub, owner: Person, is_guessed_at: bool
) -> None:
    clock = Clock()

    async def steps(store: Store) -> None:
        first = owner.open_issue()
        assert await absent(store, first + 1)
        if is_guessed_at:
            for each in MANY[:50]:
                await absent(store, each)
            clock.ahead += 15.01
        github.add_pull_request("owner/status", title="Takes a number")
        number = owner.open_issue("New")
        assert (await store.incidents.get(number)).title == "New"
        assert await absent(store, number - 1), "a pull request"

    with_store(github, steps, clock=clock)


def test_what_a_list_or_a_write_shows_is_there_however_many_guess(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(store: Store) -> None:
        for each in MANY[:50]:
            await absent(store, each)
        seen = owner.open_issue("Seen in the list")
        found = await store.incidents.search(SearchFilter(), page=1, per_page=10)
        assert [each.number for each in found] == [seen]
        made = await store.incidents.create(fields("Written"))
        assert (await store.incidents.get(seen)).number == seen
        assert (await store.incidents.get(made.number)).number == made.number

    with_store(github, steps)


def test_what_a_delivery_tells_is_there_however_many_guess(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        for each in MANY[:50]:
            await absent(store, each)
        number = owner.open_issue("Told")
        await post.deliver(*post.collected())
        assert (await store.incidents.get(number)).title == "Told"
        clock.ahead += 500
        asked(github)
        assert all([await absent(store, each) for each in MANY[50:90]])
        assert asked(github) <= 500 // GUESS_SECONDS + 1, "deliveries vouch for the newest too"

    with_post(github, steps)


def test_during_an_outage_a_number_that_may_be_there_is_no_missing_incident(
    github: EmbeddedGitHub, owner: Person
) -> None:
    clock = Clock()

    async def steps(store: Store) -> None:
        for each in MANY[:50]:
            await absent(store, each)
        clock.ahead += 16
        github.faults.add("outage")
        with pytest.raises(GitHubUnavailable):
            await store.incidents.get(MANY[50])

    with_store(github, steps, clock=clock)


@pytest.mark.parametrize("how", ["delete", "transfer"])
def test_a_number_that_is_gone_is_remembered_for_as_long_as_it_is_fresh(
    github: EmbeddedGitHub, owner: Person, how: str
) -> None:
    github.create_repository("owner/elsewhere")
    number = owner.open_issue()
    if how == "delete":
        github.delete_issue("owner/status", number)
    else:
        github.transfer_issue("owner/status", number, to="owner/elsewhere")

    async def steps(store: Store) -> None:
        assert await absent(store, number)
        asked(github)
        assert all([await absent(store, number) for _ in range(100)])
        assert asked(github) == 0

    with_store(github, steps)


def test_all_who_ask_for_one_number_at_once_are_one_guess(
    github: EmbeddedGitHub, owner: Person
) -> None:
    number = owner.open_issue()

    async def steps(store: Store) -> None:
        asked(github)
        await asyncio.gather(*(store.incidents.get(number) for _ in range(200)))
        assert asked(github) == 1

    with_store(github, steps)
