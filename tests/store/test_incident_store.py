"""Incidents as issues, over real sockets against the embedded GitHub."""

from __future__ import annotations

import asyncio
import time

import pytest

from github_store import (
    AccessLost,
    Freshness,
    GitHubUnavailable,
    Incident,
    IncidentFields,
    InvalidEnd,
    OutcomeUnknown,
    SearchFilter,
    StatusUpdate,
    Store,
)
from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person
from tests.store.incident_scene import FULL, Clock, count, fields, with_store


def same_fields(incident: Incident, expected: IncidentFields) -> bool:
    return all(getattr(incident, name) == getattr(expected, name) for name in expected.__slots__)


def test_what_was_created_is_what_is_read(github: EmbeddedGitHub, owner: Person) -> None:
    async def steps(store: Store) -> None:
        created = await store.incidents.create(FULL)
        assert same_fields(created, FULL)
        assert await store.incidents.get(created.number) == created
        assert created.closed_at is None
        assert abs(created.created_at - time.time()) < 60
        issue = owner.do("GET", f"/issues/{created.number}")
        assert issue["body"] == (
            "Login cluster is **down**\n\nin mumbai region"
            " [start_datetime:1702405740] [end_datetime:1702405920]"
        )
        assert owner.labels_of(created.number) == {
            "incident", "incident-down", "identified", "manual", "earth", "google-search",
        }  # fmt: skip

    with_store(github, steps)


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("🚨 Ausfall — 停電 \u202eabc", "Zeile\r\nzwei\n\n```\ncode\n```\n<!-- note -->"),
        ("t" * 256, "x" * 60_000),
        ("[start_datetime:5]", "no [markers: here] [start_datetime:x]"),
        ('"quotes" \\ repo:a/b', "\uff45\uff4e\uff44\u200b"),
    ],
    ids=["unicode and markdown", "long", "marker in the title", "syntax"],
)
def test_any_text_survives_the_round_trip(github: EmbeddedGitHub, title: str, body: str) -> None:
    async def steps(store: Store) -> None:
        created = await store.incidents.create(fields(title, body=body))
        read = await store.incidents.get(created.number)
        assert (read.title, read.body) == (title, body)

    with_store(github, steps)


def test_a_write_is_seen_in_the_next_read_list_and_search_while_github_lags(
    github: EmbeddedGitHub,
) -> None:
    github.faults.add("search_lag", seconds=60)
    github.faults.add("list_lag", seconds=5)

    async def steps(store: Store) -> None:
        incidents = store.incidents
        by_title = SearchFilter(title_like="mumbai")
        assert await incidents.search(by_title, page=1, per_page=10) == []
        assert await incidents.search(SearchFilter(), page=1, per_page=10) == []
        created = await incidents.create(FULL)
        for search in (by_title, SearchFilter(), SearchFilter(tags=("earth",))):
            assert await incidents.search(search, page=1, per_page=10) == [created]
        replaced = await incidents.replace(created.number, fields("Delhi", "frogment"))
        assert await incidents.search(by_title, page=1, per_page=10) == []
        for search in (SearchFilter(title_like="DELHI"), SearchFilter(tags=("frogment",))):
            assert await incidents.search(search, page=1, per_page=10) == [replaced]
        assert await incidents.search(SearchFilter(tags=("earth",)), page=1, per_page=10) == []

    with_store(github, steps)


def test_two_hundred_cold_reads_of_one_incident_make_one_request(
    github: EmbeddedGitHub, owner: Person
) -> None:
    number = owner.open_issue()
    github.faults.add("latency", match=f"/issues/{number}", seconds=0.1)

    async def steps(store: Store) -> None:
        before = count(github, "GET", "")
        reads = await asyncio.gather(*(store.incidents.get(number) for _ in range(200)))
        assert {each.number for each in reads} == {number}
        assert count(github, "GET", "") - before == 1

    with_store(github, steps)


def test_replacing_clears_what_is_left_out_and_keeps_foreign_labels(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(store: Store) -> None:
        created = await store.incidents.create(FULL)
        owner.do("POST", f"/issues/{created.number}/labels", {"labels": ["postmortem", "bug"]})
        replaced = await store.incidents.replace(created.number, fields("New", "google-search"))
        assert same_fields(replaced, fields("New", "google-search"))
        assert owner.labels_of(created.number) == {
            "incident", "google-search", "manual", "postmortem", "bug",
        }  # fmt: skip
        assert await store.incidents.get(created.number) == replaced

    with_store(github, steps)


def test_replacing_with_the_same_writes_nothing(github: EmbeddedGitHub) -> None:
    async def steps(store: Store) -> None:
        created = await store.incidents.create(FULL)
        before = len(github.requests)
        assert await store.incidents.replace(created.number, FULL) == created
        assert {each[0] for each in list(github.requests)[before:]} == {"GET"}

    with_store(github, steps)


def test_a_status_update_touches_only_the_labels_that_change(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(store: Store) -> None:
        created = await store.incidents.create(FULL)
        before = len(github.requests)
        updated = await store.incidents.update_status(
            created.number, StatusUpdate(is_identified=False, is_resolved=True)
        )
        writes = [each[:2] for each in list(github.requests)[before:] if each[0] != "GET"]
        path = f"/repos/owner/status/issues/{created.number}/labels"
        assert writes == [("POST", path), ("DELETE", f"{path}/identified")]
        assert (updated.is_identified, updated.is_resolved) == (False, True)
        assert (updated.body, updated.end_datetime) == (FULL.body, FULL.end_datetime)

    with_store(github, steps)


def test_an_end_at_or_before_the_stored_start_is_refused(github: EmbeddedGitHub) -> None:
    async def steps(store: Store) -> None:
        created = await store.incidents.create(FULL)
        assert FULL.start_datetime is not None
        with pytest.raises(InvalidEnd):
            await store.incidents.update_status(
                created.number, StatusUpdate(end_datetime=FULL.start_datetime)
            )
        with pytest.raises(InvalidEnd):
            await store.incidents.create(fields(body="[start_datetime:9]", end_datetime=9))
        assert await store.incidents.get(created.number) == created

    with_store(github, steps)


@pytest.mark.parametrize(
    ("ends_in_seconds", "is_open"), [(-60, False), (3600, True), (None, False)]
)
def test_a_closed_incident_opens_again_only_for_an_end_in_the_future(
    github: EmbeddedGitHub, owner: Person, ends_in_seconds: int | None, is_open: bool
) -> None:
    end = None if ends_in_seconds is None else int(time.time()) + ends_in_seconds

    async def steps(store: Store) -> None:
        for write in ("replace", "update_status"):
            number = owner.open_issue()
            owner.do("PATCH", f"/issues/{number}", {"state": "closed"})
            if write == "replace":
                incident = await store.incidents.replace(number, fields(end_datetime=end))
            else:
                incident = await store.incidents.update_status(
                    number, StatusUpdate(is_resolved=True, end_datetime=end)
                )
            assert incident.is_open is is_open
            assert (owner.do("GET", f"/issues/{number}")["state"] == "open") is is_open

    with_store(github, steps)


def test_an_edit_on_github_shows_when_the_held_answer_expires(
    github: EmbeddedGitHub, owner: Person
) -> None:
    number = owner.open_issue("Before")
    clock = Clock()

    async def steps(store: Store) -> None:
        assert (await store.incidents.get(number)).title == "Before"
        owner.do("PATCH", f"/issues/{number}", {"title": "After", "state": "closed"})
        clock.ahead += 61
        read = await store.incidents.get(number)
        assert (read.title, read.is_open) == ("After", False)
        assert await store.incidents.search(SearchFilter(), page=1, per_page=10) == []

    with_store(github, steps, clock=clock)


def test_an_outage_serves_what_is_held_and_says_no_to_the_rest(
    github: EmbeddedGitHub, owner: Person
) -> None:
    number, unread = owner.open_issue(), owner.open_issue()
    clock = Clock()

    async def steps(store: Store) -> None:
        before = await store.incidents.get(number)
        github.faults.add("outage")
        clock.ahead += 3600
        assert await store.incidents.get(number) == before
        with pytest.raises(GitHubUnavailable):
            await store.incidents.get(unread)
        with pytest.raises(GitHubUnavailable):
            await store.incidents.replace(number, fields())

    with_store(github, steps, clock=clock)


def test_a_write_that_fails_midway_leaves_the_last_known_incident_for_the_outage(
    github: EmbeddedGitHub, owner: Person
) -> None:
    number = owner.open_issue("Before")

    async def steps(store: Store) -> None:
        before = await store.incidents.get(number)
        github.faults.add("outage", match="^(POST|PATCH)")
        github.faults.add("error", match="^PATCH")
        with pytest.raises(GitHubUnavailable):
            await store.incidents.replace(number, fields("After"))
        github.faults.add("outage")
        assert await store.incidents.get(number) == before
        github.faults.clear()
        assert (await store.incidents.get(number)).title in {"Before", "After"}

    with_store(github, steps)


def test_lost_access_is_an_outage_and_not_a_missing_incident(
    github: EmbeddedGitHub, owner: Person
) -> None:
    number = owner.open_issue()

    async def steps(store: Store) -> None:
        github.faults.add("missing", match="/repos/owner/status")
        with pytest.raises(AccessLost):
            await store.incidents.get(number)

    with_store(github, steps, freshness=Freshness(fresh_seconds=0))


def test_lost_access_leaves_what_was_read_for_as_long_as_an_outage_may_last(
    github: EmbeddedGitHub, owner: Person
) -> None:
    number, clock = owner.open_issue("Still here"), Clock()

    async def steps(store: Store) -> None:
        async def reads() -> tuple[object, ...]:
            incidents = store.incidents
            found = await incidents.search(SearchFilter(), page=1, per_page=10)
            return await incidents.get(number), found, await incidents.comments(number)

        before = await reads()
        github.faults.add("missing", match="/repos/owner/status|/search/")
        for _ in range(3):
            clock.ahead += 100
            assert await reads() == before

    with_store(github, steps, clock=clock)


def test_a_creation_whose_answer_is_lost_is_sent_once_and_said_to_be_unknown(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store) -> None:
        github.faults.add("drop_after", match="^POST /repos/owner/status/issues$", count=1)
        with pytest.raises(OutcomeUnknown):
            await store.incidents.create(FULL)

    with_store(github, steps)
    assert count(github, "POST", "/issues") == 1


def test_a_label_put_on_in_the_same_second_survives(github: EmbeddedGitHub, owner: Person) -> None:
    async def steps(store: Store) -> None:
        created = await store.incidents.create(FULL)
        slow = github.faults.add("latency", match="^POST .*/labels$", seconds=0.2)
        writing = asyncio.create_task(
            store.incidents.update_status(created.number, StatusUpdate(is_resolved=True))
        )
        await asyncio.sleep(0.05)
        path = f"/issues/{created.number}/labels"
        github.faults.lift(slow)
        await asyncio.to_thread(owner.do, "PUT", path, {"labels": ["incident", "earth", "late"]})
        await writing
        assert owner.labels_of(created.number) == {"incident", "earth", "late", "resolved"}

    with_store(github, steps)


def test_missing_labels_are_created_with_colour_and_description(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(store: Store) -> None:
        pass

    with_store(github, steps)
    labels = {each["name"]: each for each in owner.do("GET", "/labels?per_page=100")}
    assert labels["incident-down"]["color"] == "b60205"
    assert labels["earth"]["description"] == "Monitor: Earth"
    assert labels["google-search"]["color"] != "ededed"
