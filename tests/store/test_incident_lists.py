"""Incidents searched: by labels in lists, by titles and dates in GitHub's search or in the list."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from github_store import (
    Freshness,
    Outcome,
    ReadTrace,
    SearchFilter,
    Store,
    issue_listings,
)
from github_store.embedded import EmbeddedGitHub, search_routes
from github_store.embedded.faults import Kind
from tests.github_person import Person
from tests.store.incident_scene import Clock, with_store


def test_pages_are_exact_whatever_is_filtered_out(
    github: EmbeddedGitHub, owner: Person, stranger: Person
) -> None:
    shown = []
    for i in range(130):
        if i % 5 == 0:
            owner.open_issue(labels=["bug"])
        elif i % 7 == 0:
            number = stranger.open_issue()
            owner.do("POST", f"/issues/{number}/labels", {"labels": ["incident"]})
        else:
            shown.append(owner.open_issue(f"Outage {i}"))
    expected = shown[::-1]

    async def steps(store: Store) -> None:
        for size in (1, 7, 100):
            for page in (1, 2, 3):
                found = await store.incidents.search(SearchFilter(), page=page, per_page=size)
                assert [each.number for each in found] == expected[(page - 1) * size : page * size]
        assert await store.incidents.search(SearchFilter(), page=10**12, per_page=100) == []

    with_store(github, steps)


def test_several_tags_mean_any_of_them_newest_first_each_once(
    github: EmbeddedGitHub, owner: Person
) -> None:
    labels = [["earth"], ["google-search"], ["EARTH", "frogment"], ["old-frog"], []]
    numbers = [owner.open_issue(labels=["incident", *each]) for each in labels]

    async def steps(store: Store) -> None:
        async def found(*tags: str, **more: Any) -> list[int]:
            search = SearchFilter(tags=tags, **more)
            incidents = await store.incidents.search(search, page=1, per_page=100)
            return [each.number for each in incidents]

        assert await found("earth", "frogment") == [numbers[3], numbers[2], numbers[0]]
        assert await found("google-search", "nothing") == [numbers[1]]
        assert await found("nothing") == []
        assert await found("earth", state="closed") == []
        assert await found("earth", "frogment", title_like="outage") == [
            numbers[3], numbers[2], numbers[0],
        ]  # fmt: skip

    with_store(github, steps)


def test_a_title_cannot_act_as_a_qualifier(github: EmbeddedGitHub, owner: Person) -> None:
    github.create_repository("owner/private", private=True)
    other = Person(github.url, github.tokens["owner"], "owner/private")
    other.open_issue("x secret")
    mine = owner.open_issue("x marks the spot OR not")

    async def steps(store: Store) -> None:
        for text in (
            "x repo:owner/private is:pr",
            "x OR secret",
            '" repo:owner/private "',
            "(x) OR (secret)",
            "\\",
            "secret",
        ):
            for each in await store.incidents.search(
                SearchFilter(title_like=text), page=1, per_page=100
            ):
                assert each.number == mine
                assert each.title == "x marks the spot OR not"
        found = await store.incidents.search(SearchFilter(title_like="X or"), page=1, per_page=9)
        assert [each.number for each in found] == [mine]

    with_store(github, steps)


def test_dates_are_inclusive(github: EmbeddedGitHub, owner: Person) -> None:
    number = owner.open_issue()

    async def steps(store: Store) -> None:
        at = (await store.incidents.get(number)).created_at
        for after, before, is_found in (
            (at, at, True), (at + 1, None, False), (None, at - 1, False), (at, None, True),
            (None, at, True),
        ):  # fmt: skip
            search = SearchFilter(created_after=after, created_before=before)
            found = await store.incidents.search(search, page=1, per_page=10)
            assert [each.number for each in found] == ([number] if is_found else [])

    with_store(github, steps)


@pytest.mark.parametrize("fault", ["secondary_limit", "search_timeout", "missing", "error"])
def test_while_search_is_out_or_incomplete_the_list_answers(
    github: EmbeddedGitHub, owner: Person, fault: Kind
) -> None:
    numbers = [owner.open_issue(f"Database is slow {each}") for each in range(3)]
    owner.open_issue("Something else")
    github.faults.add(fault, match="/search/issues")

    async def steps(store: Store) -> None:
        search = SearchFilter(title_like="DATABASE")
        found = await store.incidents.search(search, page=1, per_page=10)
        assert [each.number for each in found] == numbers[::-1]

    with_store(github, steps)


# Where the answer comes from


async def searched(
    store: Store, *, page: int = 1, per_page: int = 100, **search: Any
) -> tuple[list[int], ReadTrace]:
    """The numbers found, and how."""
    with ReadTrace() as trace:
        found = await store.incidents.search(SearchFilter(**search), page=page, per_page=per_page)
    return [each.number for each in found], trace


def asked(github: EmbeddedGitHub, target: str = "") -> int:
    return github.count("GET", target)


def test_a_title_is_githubs_search_to_answer_and_the_lists_while_that_is_at_hand_whole(
    github: EmbeddedGitHub, owner: Person
) -> None:
    numbers = [owner.open_issue(f"Slow {each}") for each in range(120)]
    clock = Clock()

    async def steps(store: Store) -> None:
        found, trace = await searched(store, title_like="slow 7")
        assert (found, trace.is_from_list) == ([numbers[7]], False)
        assert asked(github, "/search/issues") == 1
        await searched(store)  # the first of the list's two pages
        found, trace = await searched(store, title_like="slow 8")
        assert (found, trace.is_from_list) == ([numbers[8]], False)
        await searched(store, page=2)
        before = asked(github)
        for _ in range(2):  # the second time as it was made the first
            found, trace = await searched(store, title_like="slow 9")
            assert (found, trace.is_from_list) == ([numbers[9]], True)
            assert trace.outcome is Outcome.HIT
        assert asked(github) == before
        clock.ahead += 16
        found, trace = await searched(store, title_like="slow 10")
        assert (found, trace.is_from_list) == ([numbers[10]], False)

    with_store(github, steps, clock=clock)


def test_a_list_of_incidents_alone_is_never_said_to_stand_for_the_search(
    github: EmbeddedGitHub, owner: Person
) -> None:
    owner.open_issue()

    async def steps(store: Store) -> None:
        for search in ({}, {"tags": ("earth",)}, {"state": "closed"}):
            _, trace = await searched(store, **search)
            assert not trace.is_from_list

    with_store(github, steps)


def test_distinct_searches_beyond_the_limit_are_answered_from_the_list_for_no_further_request(
    github: EmbeddedGitHub, owner: Person
) -> None:
    numbers = [owner.open_issue(f"Incident {each}") for each in range(110)]

    async def steps(store: Store) -> None:
        held = await store.incidents.get(numbers[0])
        before = asked(github)
        for each in range(1_000):
            found, _ = await searched(store, title_like=f"{each}")
            assert found == numbers[each : each + 1]
        searches, pages = asked(github, "/search/issues"), asked(github, "status/issues[?]")
        assert searches <= 30
        assert pages <= 2
        rest = asked(github) - before - searches - pages
        assert rest <= 1, "whether the repository is there"
        with ReadTrace() as trace:
            assert await store.incidents.get(numbers[0]) == held
        assert trace.outcome is Outcome.HIT, "and what others read is still held"

    with_store(github, steps)


def test_a_search_that_finds_more_than_it_gives_is_answered_from_the_list_to_its_end(
    github: EmbeddedGitHub, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [owner.open_issue("Slow" if each % 3 else "Other") for each in range(30)]
    slow = [number for index, number in enumerate(numbers) if index % 3][::-1]
    monkeypatch.setattr(search_routes, "MOST_RESULTS", 7)
    monkeypatch.setattr(issue_listings, "MOST_FOUND", 7)

    async def steps(store: Store) -> None:
        pages = [await searched(store, title_like="slow", page=n, per_page=4) for n in range(1, 8)]
        assert [number for found, _ in pages for number in found] == slow
        assert all(trace.is_from_list for _, trace in pages)
        found, _ = await searched(store, title_like="slow", page=100)
        assert found == []

    with_store(github, steps)


@pytest.mark.parametrize("fault", ["secondary_limit", "error", "hang"])
def test_while_search_is_out_an_old_answer_of_its_is_not_given_where_the_list_can_be_asked(
    github: EmbeddedGitHub, owner: Person, fault: Kind
) -> None:
    number = owner.open_issue("Slow")
    clock = Clock()

    async def steps(store: Store) -> None:
        assert (await searched(store, title_like="slow"))[0] == [number]
        newer = owner.open_issue("Slow again")
        owner.do("PATCH", f"/issues/{number}", {"title": "Repaired"})
        github.faults.add(fault, match="/search/issues")
        clock.ahead += 3_600
        if fault == "hang":  # one reader's patience is spent on finding out
            found, trace = await searched(store, title_like="slow")
            assert (found, trace.outcome) == ([number], Outcome.OUTAGE)
            await asyncio.gather(*of_lists(store))
        for _ in range(8):  # until the search is known to be out, and then
            found, trace = await searched(store, title_like="slow")
            assert (found, trace.is_from_list) == ([newer], True)
            assert trace.outcome is not Outcome.OUTAGE
        github.faults.clear()

    def of_lists(store: Store) -> list[Any]:
        flights = store.held._flights.items()
        return [flight.task for (path, _), flight in flights if "/search/" not in path]

    freshness = Freshness(patience_seconds=0.3)
    with_store(github, steps, clock=clock, freshness=freshness)


def test_while_all_of_github_is_out_the_search_and_the_list_are_given_as_they_were(
    github: EmbeddedGitHub, owner: Person
) -> None:
    number = owner.open_issue("Slow")
    clock = Clock()

    async def steps(store: Store) -> None:
        assert (await searched(store, title_like="slow"))[0] == [number]
        clock.ahead += 20
        await searched(store)  # the list is held as well, and newer
        clock.ahead += 3_600
        github.faults.add("outage")
        for _ in range(8):
            found, trace = await searched(store, title_like="slow")
            assert (found, trace.outcome) == ([number], Outcome.OUTAGE)
            assert not trace.is_from_list, "it is the search's own answer"
            found, trace = await searched(store, title_like="SLOW")
            assert (found, trace.outcome) == ([number], Outcome.OUTAGE)
            assert trace.is_from_list, "of what was never searched the list knows"
        github.faults.clear()

    with_store(github, steps, clock=clock)
