"""Which spans incidents on GitHub give, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from github_store import (
    GitHubUnavailable,
    Impact,
    IncidentFields,
    Outcome,
    Status,
    StatusUpdate,
    Store,
)
from github_store.coverage import IncidentSpan
from github_store.embedded import EmbeddedGitHub
from github_store.gateway import Reply
from github_store.held_reads import Held
from github_store.incident_coverage import IncidentCoverage
from tests.github_person import Person
from tests.store.incident_scene import Clock, count, with_store
from tests.store.traced import outcome_of

START = 1_790_000_040
STEPS = Callable[[Store, IncidentCoverage, Person], Any]


def over(github: EmbeddedGitHub, steps: STEPS, clock: Clock | None = None) -> None:
    clock = clock or Clock()
    owner = Person(github.url, github.tokens["owner"])

    async def run(store: Store) -> None:
        coverage = IncidentCoverage(store.incidents, monitors=store.current_monitors, clock=clock)
        try:
            await steps(store, coverage, owner)
        finally:
            await coverage.close()

    with_store(github, run, clock=clock)


def outage(owner: Person, *labels: str, end: str = "") -> int:
    body = f"[start_datetime:{START}]{end}"
    return owner.open_issue(labels=["incident", "incident-down", "earth", *labels], body=body)


def down(last: int | None) -> IncidentSpan:
    return IncidentSpan(frozenset({"earth"}), Status.DOWN, START // 60, last)


def test_open_and_closed_incidents_cover_and_automatic_ones_do_not(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        outage(owner)
        closed = outage(owner, end=f"[end_datetime:{START + 600}]")
        owner.do("PATCH", f"/issues/{closed}", {"state": "closed"})
        outage(owner, "auto")
        owner.open_issue(labels=["incident", "earth"])
        assert set(await coverage.spans()) == {down(None), down(START // 60 + 10)}

    over(github, steps)


def test_a_resolved_incident_covers_until_the_label_was_put_on_last(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        number = outage(owner)
        owner.do("POST", f"/issues/{number}/labels", {"labels": ["resolved"]})
        events = owner.do("GET", f"/issues/{number}/events")
        at = await store.incidents.resolved_at(await store.incidents.get(number))
        assert at is not None
        assert any(event["event"] == "labeled" for event in events)
        assert await coverage.spans() == (down(at // 60),)

    over(github, steps)


def test_an_incident_resolved_before_its_end_covers_until_then(github: EmbeddedGitHub) -> None:
    clock = Clock()
    end = int(clock()) + 86_400

    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        number = outage(owner, end=f"[end_datetime:{end}]")
        assert await coverage.spans() == (down(end // 60),)
        await store.incidents.update_status(number, StatusUpdate(is_resolved=True))
        at = await store.incidents.resolved_at(await store.incidents.get(number))
        assert at is not None
        assert await coverage.spans() == (down(at // 60),)
        clock.ahead += 2 * 86_400
        asked = count(github, "GET", "/events")
        assert await coverage.spans() == (down(at // 60),), "nor does it come back with its end"
        assert count(github, "GET", "/events") == asked

    over(github, steps, clock)


def test_one_resolved_again_covers_until_then_however_soon_after_the_first_time(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        number = outage(owner)
        labels = f"/issues/{number}/labels"
        owner.do("POST", labels, {"labels": ["resolved"]})
        assert await coverage.spans() != (down(None),)
        first_at = await store.incidents.resolved_at(await store.incidents.get(number))
        owner.do("DELETE", f"{labels}/resolved")
        await asyncio.sleep(1.05)  # events have whole seconds, on GitHub's own clock
        owner.do("POST", labels, {"labels": ["resolved"]})
        again_at = await store.incidents.resolved_at(await store.incidents.get(number))
        assert first_at is not None
        assert again_at is not None
        assert again_at > first_at, "the events held from the first time are not taken for all"

    over(github, steps)


@pytest.mark.parametrize("reason", ["not_planned", "duplicate"])
def test_one_that_was_closed_as_none_covers_nothing_until_it_is_opened_again(
    github: EmbeddedGitHub, reason: str
) -> None:
    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        number = outage(owner)
        owner.do("PATCH", f"/issues/{number}", {"state": "closed", "state_reason": reason})
        assert await coverage.spans() == ()
        given = await store.incidents.get(number)
        assert not given.is_open
        owner.do("PATCH", f"/issues/{number}", {"state": "open"})
        store.incidents.news.note(number)
        store.held.expire()
        assert await coverage.spans() == (down(None),)

    over(github, steps)


def test_where_no_event_tells_when_it_was_resolved_the_last_update_does(
    github: EmbeddedGitHub,
) -> None:
    github.faults.add("missing", match="/events")

    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        number = outage(owner)
        owner.do("POST", f"/issues/{number}/labels", {"labels": ["resolved"]})
        [(_, updated_at)] = await store.incidents.standing(updated_since=0)
        assert await coverage.spans() == (down(updated_at // 60),)

    over(github, steps)


def test_what_was_derived_is_given_without_asking_and_our_own_writes_show_at_once(
    github: EmbeddedGitHub,
) -> None:
    github.faults.add("list_lag", seconds=5)

    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        assert await coverage.spans() == ()
        before = len(github.requests)
        assert await coverage.spans() == ()
        assert len(github.requests) == before
        made = await store.incidents.create(_fields())
        assert await coverage.spans() == (down(None),)
        await store.incidents.replace(made.number, _fields(end_datetime=START + 60))
        assert await coverage.spans() == (down(START // 60 + 1),)

    over(github, steps)


def _fields(**changes: Any) -> Any:
    return IncidentFields(
        title="Outage", tags=("earth",), impact=Impact.DOWN, start_datetime=START, **changes
    )


def test_an_edit_of_which_no_webhook_tells_shows_in_the_read_after_the_first_stale_one(
    github: EmbeddedGitHub,
) -> None:
    clock = Clock()

    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        assert await coverage.spans() == ()
        outage(owner)
        clock.ahead += 16
        assert await coverage.spans() == (), "given at once, and derived anew behind it"
        assert coverage._deriving
        await coverage._deriving
        assert await coverage.spans() == (down(None),)

    over(github, steps, clock)


def test_when_it_was_resolved_is_asked_again_where_an_outage_left_it_to_what_was_held(
    github: EmbeddedGitHub,
) -> None:
    clock = Clock()

    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        number = outage(owner)
        owner.do("POST", f"/issues/{number}/labels", {"labels": ["resolved"]})
        await coverage.spans()
        await asyncio.sleep(1.05)  # updated_at has whole seconds, on GitHub's own clock
        owner.do("PATCH", f"/issues/{number}", {"title": "Again"})
        clock.ahead += 3600
        fault = github.faults.add("error", match="/events")
        _, outcome = await outcome_of(coverage.spans())
        assert outcome is Outcome.OUTAGE
        github.faults.lift(fault)
        asked = github.count("GET", "/events")
        clock.ahead += 61
        await coverage.spans()
        assert github.count("GET", "/events") > asked

    over(github, steps, clock)


def test_an_outage_keeps_the_last_known_spans(github: EmbeddedGitHub) -> None:
    clock = Clock()

    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        outage(owner)
        known = await coverage.spans()
        github.faults.add("outage")
        clock.ahead += 3600
        for _ in range(2):
            assert await outcome_of(coverage.spans()) == (known, Outcome.OUTAGE)
        with pytest.raises(GitHubUnavailable):
            await IncidentCoverage(
                _without_held(store), monitors=store.current_monitors, clock=clock
            ).spans()

    over(github, steps, clock)


def _without_held(store: Store) -> Any:
    """The same incidents with nothing held of GitHub's answers."""
    held = store.held
    held._held.clear()
    held._shelf = None
    return store.incidents


EVENTS_FAIL: dict[str, dict[str, Any]] = {
    "500": {"kind": "error", "status": 500},
    "503 in HTML": {"kind": "error", "status": 503, "html": True},
    "403": {"kind": "forbidden"},
    "dropped": {"kind": "drop_before"},
}


@pytest.mark.parametrize("fault", EVENTS_FAIL.values(), ids=EVENTS_FAIL)
def test_one_incident_whose_events_fail_keeps_no_other_from_covering(
    github: EmbeddedGitHub, fault: dict[str, Any]
) -> None:
    clock = Clock()

    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        numbers = [outage(owner, "resolved") for _ in range(6)]
        outage(owner)
        github.faults.add(match=f"/issues/{numbers[2]}/events", **fault)
        assert len(await coverage.spans()) == 7
        assert len(coverage.failing) == 1
        asked = count(github, "GET", f"/issues/{numbers[2]}/events")
        for _ in range(20):
            store.incidents.news.note(numbers[0])
            assert len(await coverage.spans()) == 7
        assert count(github, "GET", f"/issues/{numbers[2]}/events") == asked, "it is not asked hot"
        github.faults.clear()
        clock.ahead += 3_600
        assert len(await coverage.spans()) == 7
        assert len(coverage.failing) == 0

    over(github, steps, clock)


def test_a_github_that_is_out_makes_no_incident_back_off(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, coverage: IncidentCoverage, owner: Person) -> None:
        outage(owner)
        known = await coverage.spans()
        for _ in range(6):
            outage(owner, "resolved")
        github.faults.add("outage")
        store.incidents.news.note(99)
        assert await coverage.spans() == known
        assert len(coverage.failing) == 0

    over(github, steps)


def test_what_another_version_put_by_is_not_taken(github: EmbeddedGitHub) -> None:
    class OddShelf:
        def load(self, path: str) -> Held | None:
            return Held(Reply(200, {}, [["earth", "DOWN"], 7]), 1.0)

        def save(self, path: str, held: Held) -> None:
            pass

        def forget(self, path: str) -> None:
            pass

    async def steps(store: Store, _: IncidentCoverage, owner: Person) -> None:
        outage(owner)
        coverage = IncidentCoverage(
            store.incidents, monitors=store.current_monitors, clock=Clock(), shelf=OddShelf()
        )
        assert await coverage.spans() == (down(None),)

    over(github, steps)
