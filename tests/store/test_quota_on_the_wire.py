"""Limits over real sockets: what GitHub forbids is not tried, and the rest goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from github_store import (
    Freshness,
    IncidentFields,
    RateLimited,
    RecurringLines,
    RequestKey,
    SearchFilter,
    StatusUpdate,
    Store,
    TokenCredential,
    incident_lists,
    open_store,
)
from github_store.embedded import EmbeddedGitHub
from github_store.quota import Pressure
from tests.github_person import Person


class Clocks:
    """Both of a service's clocks, moved by hand."""

    def __init__(self, github: EmbeddedGitHub) -> None:
        self.now = github.hub.clock()
        self.passed = 1_000.0

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.passed += seconds


def with_store(
    github: EmbeddedGitHub,
    directory: Path,
    steps: Callable[[Store, Clocks], Awaitable[Any]],
) -> None:
    async def run() -> None:
        clocks = Clocks(github)
        (directory / "monitors.yaml").write_text("[{name: Earth, tag: earth}]")
        store = await open_store(
            repository_name="owner/status",
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            data_dir=directory / "data",
            monitors_path=str(directory / "monitors.yaml"),
            freshness=Freshness(fresh_seconds=1, stale_seconds=1),
            clock=lambda: clocks.now,
            monotonic=lambda: clocks.passed,
            jitter=lambda: 0.0,
        )
        try:
            await steps(store, clocks)
        finally:
            await store.close()

    asyncio.run(run())


@pytest.fixture
def owner(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["owner"])


@pytest.mark.parametrize("status", [403, 429])
def test_a_refusal_with_retry_after_is_followed_by_no_request_until_then(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path, status: int
) -> None:
    read, unread = owner.open_issue("Read"), owner.open_issue("Not read yet")

    async def steps(store: Store, clocks: Clocks) -> None:
        await store.incidents.get(read)
        clocks.wait(30)
        github.faults.add("secondary_limit", count=1, retry_after=2, status=status)
        assert (await store.incidents.get(read)).title == "Read", "held, it is given"
        asked = len(github.requests)
        for seconds in (0.0, 1.0, 0.9):
            clocks.wait(seconds)
            assert (await store.incidents.get(read)).title == "Read"
            with pytest.raises(RateLimited) as caught:
                await store.incidents.get(unread)
            assert caught.value.retry_after_seconds in {1, 2}
            with pytest.raises(RateLimited):
                await store.incidents.create(IncidentFields(title="New", tags=("earth",)))
        assert len(github.requests) == asked
        assert store.quota.pressure(clocks.passed) is Pressure.CLOSED
        clocks.wait(0.2)
        assert (await store.incidents.get(unread)).title == "Not read yet"

    with_store(github, tmp_path, steps)


def test_an_exhausted_search_is_not_asked_again_and_the_list_answers(
    github: EmbeddedGitHub,
    owner: Person,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And it is told once, though every search meets it."""
    log = logging.getLogger("github_store.incident_lists")
    monkeypatch.setattr(incident_lists, "lines", RecurringLines(log))
    number = owner.open_issue("Outage in Mumbai")
    searches = [SearchFilter(title_like=each) for each in ("outage", "mumbai", "in")]

    async def steps(store: Store, clocks: Clocks) -> None:
        github.faults.add("rate_limit", match="/search/", seconds=40)
        for each in searches:
            clocks.wait(2)
            found = await store.incidents.search(each, page=1, per_page=10)
            assert [incident.number for incident in found] == [number]
        assert github.count("GET", "/search/") == 1
        assert caplog.text.count("GitHub's search is out") == 1
        github.faults.clear()
        clocks.wait(40)
        await store.incidents.search(searches[0], page=1, per_page=10)
        assert github.count("GET", "/search/") == 2

    with_store(github, tmp_path, steps)


def test_a_service_never_asks_beyond_its_hour(tmp_path: Path) -> None:
    """Reads hold longer as requests get scarce, and what is refused is refused here."""
    directory = tmp_path / "github"
    with EmbeddedGitHub(directory, core_limit=30) as github:
        github.create_repository("owner/status", files={"README.md": b"# Status\n"})
        collaborator = Person(github.url, github.tokens["collaborator"])
        github.set_role("owner/status", "collaborator", "write")
        numbers = [collaborator.open_issue(f"Issue {each}") for each in range(30)]

        async def steps(store: Store, clocks: Clocks) -> None:
            first = await store.incidents.get(numbers[0])
            for number in numbers * 3:
                with suppress(RateLimited):
                    await store.incidents.get(number)
                clocks.wait(1)
            left = store.quota.left(clocks.passed)["core"]
            assert left.remaining == 1, "kept for an incident's write"
            clocks.wait(120)
            assert await store.incidents.get(numbers[0]) == first

        with_store(github, tmp_path, steps)
        refused = [each for each in github.requests if each.status in {403, 429}]
        assert refused == []


def test_scarce_requests_let_answers_hold_longer(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    number = owner.open_issue("Read")

    async def steps(store: Store, clocks: Clocks) -> None:
        github.hub.quota.look(None, "", "core")
        window = github.hub.quota._windows["owner", "core"]
        window.used = window.limit - 200  # 4 % are left
        await store.incidents.get(number)
        asked = github.count("GET", f"/issues/{number}")
        clocks.wait(15)
        await store.incidents.get(number)
        assert github.count("GET", f"/issues/{number}") == asked
        assert store.quota.pressure(clocks.passed) is Pressure.CRITICAL
        clocks.wait(10)
        await store.incidents.get(number)
        assert github.count("GET", f"/issues/{number}") == asked + 1

    with_store(github, tmp_path, steps)


WRITES: dict[str, Callable[[Store, int], Awaitable[Any]]] = {
    "open": lambda store, _: store.incidents.create(IncidentFields(title="New", tags=("earth",))),
    "write anew": lambda store, number: store.incidents.replace(
        number, IncidentFields(title="Other", tags=("earth",))
    ),
    "progress": lambda store, number: store.incidents.update_status(
        number, StatusUpdate(is_identified=True)
    ),
    "comment": lambda store, number: store.incidents.add_comment(number, "An update"),
    "comment with a key": lambda store, number: store.incidents.add_comment(
        number, "An update", key=RequestKey(f"key {number}", "a body")
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_last_requests_are_for_writes_and_for_what_a_write_reads_itself(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path, write: Callable[..., Awaitable[Any]]
) -> None:
    """The issue as it is now, the rights of an author of whom nothing is known, the labels."""
    github.set_role("owner/status", "collaborator", "write")
    collaborator = Person(github.url, github.tokens["collaborator"])
    known, number, unknown = owner.open_issue("A"), collaborator.open_issue("B"), 3
    assert owner.open_issue("C") == unknown

    async def steps(store: Store, clocks: Clocks) -> None:
        window = github.hub.quota._windows["owner", "core"]
        window.used = window.limit - 40  # of the 50 that are kept
        await store.incidents.get(known)
        assert store.quota.pressure(clocks.passed) is Pressure.CLOSED
        with pytest.raises(RateLimited):
            await store.incidents.get(unknown)
        await write(store, number)
        with pytest.raises(RateLimited):
            await store.incidents.get(unknown)
        assert 20 < window.remaining < 40
        window.used = window.limit - 1
        with suppress(RateLimited):
            await write(store, number)  # learns that nothing is left
        with pytest.raises(RateLimited):
            await write(store, unknown)
        assert window.remaining == 0
        assert all(each.status not in {403, 429} for each in github.requests)

    with_store(github, tmp_path, steps)


def test_a_write_shares_no_request_of_readers_that_may_be_refused(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    number = owner.open_issue("A")

    async def steps(store: Store, clocks: Clocks) -> None:
        window = github.hub.quota._windows["owner", "core"]
        window.used = window.limit - 40
        await store.gateway.request("GET", store.gateway.repository)
        fields = IncidentFields(title="Other", tags=("earth",))

        async def read_on() -> None:
            while True:
                with suppress(RateLimited):
                    await store.incidents.get(number)
                await asyncio.sleep(0)

        readers = [asyncio.create_task(read_on()) for _ in range(20)]
        await asyncio.sleep(0)
        written = await store.incidents.replace(number, fields)
        for each in readers:
            each.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        assert written.title == "Other"

    with_store(github, tmp_path, steps)
