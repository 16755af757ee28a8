"""Incidents as issues, over real sockets against the embedded GitHub."""

from __future__ import annotations

import asyncio
import base64
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from github_store import (
    AccessLost,
    Freshness,
    GitHubUnavailable,
    Impact,
    Incident,
    IncidentFields,
    IncidentNotFound,
    InvalidEnd,
    OutcomeUnknown,
    SearchFilter,
    StatusUpdate,
    Store,
    TokenCredential,
    open_store,
)
from github_store.embedded import EmbeddedGitHub
from github_store.embedded.faults import Kind
from tests.github_person import Person

MONITORS = b"""
- {name: Earth, tag: earth}
- {name: Google, tag: google-search}
- {name: Frogment, tag: frogment, aliases: [old-frog]}
"""


class Clock:
    """GitHub's clock and ours; ``ahead`` lets time pass."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def owner(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["owner"])


@pytest.fixture
def collaborator(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["collaborator"])


@pytest.fixture
def stranger(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["stranger"])


def with_store(
    github: EmbeddedGitHub,
    steps: Callable[[Store], Awaitable[Any]],
    *,
    login: str = "owner",
    clock: Clock | None = None,
    **options: Any,
) -> Any:
    """Run ``steps`` with a store of owner/status, opened as ``login``."""

    async def run(data_dir: Path) -> Any:
        store = await open_store(
            repository_name="owner/status",
            credential=TokenCredential(github.tokens[login]),
            api_url=github.url,
            data_dir=data_dir,
            clock=clock or Clock(),
            freshness=options.pop("freshness", Freshness()),
            **options,
        )
        try:
            return await steps(store)
        finally:
            await store.close()

    commit_monitors(github)
    with tempfile.TemporaryDirectory() as data_dir:
        return asyncio.run(run(Path(data_dir)))


def commit_monitors(github: EmbeddedGitHub) -> None:
    owner = Person(github.url, github.tokens["owner"])
    if owner.ask("GET", "/contents/monitors.yaml").status_code == 404:
        content = base64.b64encode(MONITORS).decode()
        owner.do("PUT", "/contents/monitors.yaml", {"message": "monitors", "content": content})


def fields(title: str = "Outage", *tags: str, **changes: Any) -> IncidentFields:
    return IncidentFields(title=title, tags=tags or ("earth",), **changes)


def count(github: EmbeddedGitHub, method: str, part: str) -> int:
    return sum(1 for each in github.requests if each[0] == method and part in each[1])


FULL = IncidentFields(
    title="Outage in Mumbai",
    body="Login cluster is **down**\n\nin mumbai region",
    tags=("earth", "google-search"),
    start_datetime=1_702_405_740,
    end_datetime=1_702_405_920,
    impact=Impact.DOWN,
    is_maintenance=False,
    is_identified=True,
    is_resolved=False,
)


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


def test_what_is_no_incident_is_found_by_no_operation(
    github: EmbeddedGitHub, owner: Person, stranger: Person
) -> None:
    ordinary = owner.open_issue(labels=["bug"])
    strangers = stranger.open_issue()
    owner.do("POST", f"/issues/{strangers}/labels", {"labels": ["incident", "earth"]})
    numbers = [ordinary, strangers, 0, -1, 10**30, 999_999]

    async def steps(store: Store) -> None:
        incidents = store.incidents
        for number in numbers:
            for operation in (
                incidents.get(number),
                incidents.replace(number, fields()),
                incidents.update_status(number, StatusUpdate(is_resolved=True)),
                incidents.comments(number),
                incidents.add_comment(number, "hello"),
            ):
                with pytest.raises(IncidentNotFound):
                    await operation
        assert await incidents.search(SearchFilter(), page=1, per_page=10) == []
        assert incidents.hidden_count == 1
        assert owner.labels_of(ordinary) == {"bug"}

    with_store(github, steps)


def test_a_deleted_or_transferred_incident_is_gone(github: EmbeddedGitHub, owner: Person) -> None:
    deleted, moved = owner.open_issue(), owner.open_issue()
    github.create_repository("owner/elsewhere")
    github.delete_issue("owner/status", deleted)
    github.transfer_issue("owner/status", moved, to="owner/elsewhere")

    async def steps(store: Store) -> None:
        for number in (deleted, moved):
            with pytest.raises(IncidentNotFound):
                await store.incidents.get(number)

    with_store(github, steps)


def test_people_with_write_access_and_trusted_authors_speak_for_the_project(
    github: EmbeddedGitHub, owner: Person, collaborator: Person, stranger: Person
) -> None:
    by_collaborator = collaborator.open_issue("By a collaborator")
    by_stranger = stranger.open_issue("By a stranger")
    owner.do("POST", f"/issues/{by_stranger}/labels", {"labels": ["incident"]})

    async def numbers(store: Store) -> list[int]:
        found = await store.incidents.search(SearchFilter(), page=1, per_page=10)
        return [each.number for each in found]

    assert with_store(github, numbers) == [by_collaborator]
    trusted = with_store(github, numbers, trusted_authors=["Stranger"])
    assert trusted == [by_stranger, by_collaborator]


def test_comments_of_strangers_are_not_published(
    github: EmbeddedGitHub, owner: Person, stranger: Person, collaborator: Person
) -> None:
    number = owner.open_issue()
    owner.do("POST", f"/issues/{number}/comments", {"body": "one"})
    stranger.do("POST", f"/issues/{number}/comments", {"body": "spam"})
    collaborator.do("POST", f"/issues/{number}/comments", {"body": "two"})

    async def steps(store: Store) -> None:
        made = await store.incidents.add_comment(number, "three")
        comments = await store.incidents.comments(number)
        assert [each.body for each in comments] == ["one", "two", "three"]
        assert comments[-1] == made

    with_store(github, steps)


def test_all_comments_are_there_oldest_first(github: EmbeddedGitHub, owner: Person) -> None:
    number = owner.open_issue()
    for i in range(120):
        owner.do("POST", f"/issues/{number}/comments", {"body": f"update {i}"})

    async def steps(store: Store) -> None:
        comments = await store.incidents.comments(number)
        assert [each.body for each in comments] == [f"update {i}" for i in range(120)]
        await store.incidents.add_comment(number, "the latest")
        assert (await store.incidents.comments(number))[-1].body == "the latest"

    with_store(github, steps)


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
