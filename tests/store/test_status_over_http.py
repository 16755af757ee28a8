"""Monitor status over real sockets, against the embedded GitHub and its git repository."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from github_store.embedded import EmbeddedGitHub
from github_store.errors import AccessLost, BrokenDocument, GitHubUnavailable, RateLimited
from github_store.freshness import Freshness
from github_store.gateway import Gateway, TokenCredential
from github_store.monitor import Monitor, Monitors, Status
from github_store.status_document import Sample, StatusDocument
from github_store.status_format import dump, parse
from github_store.status_store import StatusStore
from tests.github_person import Person

UP, DOWN = Status.UP, Status.DOWN
BRANCH, FILE = "status-data", "status.json"
MONITORS = Monitors([Monitor(tag, tag) for tag in ("earth", "moon", "mars")])
NOW = int(time.time()) // 60 * 60
QUARTER = 7_776_000


def with_statuses(
    github: EmbeddedGitHub,
    steps: Callable[[StatusStore], Awaitable[None]],
    *,
    repository: str = "owner/status",
    login: str = "owner",
    fresh_seconds: float = 0,
) -> None:
    """Run ``steps`` with a store; unless told otherwise nothing it holds is fresh."""

    async def run() -> None:
        gateway = Gateway(
            repository_name=repository,
            credential=TokenCredential(github.tokens[login]),
            api_url=github.url,
        )
        store = StatusStore(
            gateway,
            branch=BRANCH,
            monitors=MONITORS,
            freshness=Freshness(fresh_seconds=fresh_seconds),
            clock=lambda: float(NOW),
            jitter=lambda: 0.0,
        )
        try:
            await asyncio.wait_for(steps(store), timeout=20)
        finally:
            await store.close()
            await gateway.close()

    asyncio.run(run())


async def push(
    store: StatusStore, tag: str = "earth", status: Status = UP, *, minutes_ago: int = 0
) -> None:
    await store.push(tag, status=status, latency=0.25, minute=NOW - 60 * minutes_ago)


def committed(owner: Person) -> dict[tuple[str, int], Status]:
    """Who was what how many minutes ago, says the file on GitHub."""
    document = parse(file_on(owner), name=FILE)
    return {
        (tag, back): newest[1]
        for tag, history in document.histories.items()
        for back in range(60)
        if (newest := history.newest_until(NOW // 60 - back)) and newest[0] == NOW // 60 - back
    }


def file_on(owner: Person) -> bytes:
    return base64.b64decode(owner.do("GET", f"/contents/{FILE}?ref={BRANCH}")["content"])


def messages(owner: Person, branch: str = BRANCH) -> list[str]:
    """The branch's log, newest first."""
    commits = owner.do("GET", f"/commits?sha={branch}&per_page=100")
    return [commit["commit"]["message"] for commit in commits]


def edit(owner: Person, content: bytes) -> None:
    """Replace the file as a person does on the website."""
    held = owner.do("GET", f"/contents/{FILE}?ref={BRANCH}")
    owner.do(
        "PUT",
        f"/contents/{FILE}",
        {
            "message": "by hand",
            "content": base64.b64encode(content).decode(),
            "sha": held["sha"],
            "branch": BRANCH,
        },
    )


@pytest.fixture
def owner(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["owner"])


def test_what_is_pushed_is_committed_and_read(github: EmbeddedGitHub, owner: Person) -> None:
    async def steps(store: StatusStore) -> None:
        assert (await store.current("earth", since_seconds=QUARTER)).status == "NO_DATA"
        await push(store, status=DOWN, minutes_ago=1)
        await push(store)
        answer = await store.current("earth", since_seconds=QUARTER)
        assert (answer.status, answer.uptime, answer.last_updated_at) == ("UP", "50", NOW)

    with_statuses(github, steps)
    assert committed(owner) == {("earth", 1): DOWN, ("earth", 0): UP}
    assert messages(owner) == [
        "earth UP · 1 sample [skip ci]",
        "earth DOWN · 1 sample [skip ci]",
    ]


def test_the_status_branch_begins_without_the_repositorys_history(
    github: EmbeddedGitHub, owner: Person
) -> None:
    with_statuses(github, push)
    tree = owner.do("GET", f"/git/trees/{BRANCH}")["tree"]
    assert [entry["path"] for entry in tree] == [FILE]
    assert len(messages(owner)) == 1
    assert len(messages(owner, "main")) == 1


def test_an_empty_repository_keeps_main_as_its_default_branch(github: EmbeddedGitHub) -> None:
    github.create_repository("owner/empty")
    person = Person(github.url, github.tokens["owner"], "owner/empty")

    async def steps(store: StatusStore) -> None:
        assert (await store.current("earth", since_seconds=QUARTER)).status == "NO_DATA"
        await push(store)

    with_statuses(github, steps, repository="owner/empty")
    assert person.do("GET", "")["default_branch"] == "main"
    assert [branch["name"] for branch in person.do("GET", "/branches")] == ["main", BRANCH]
    assert committed(person) == {("earth", 0): UP}


def test_concurrent_pushes_share_commits(github: EmbeddedGitHub, owner: Person) -> None:
    async def steps(store: StatusStore) -> None:
        await push(store, "moon", minutes_ago=59)
        await asyncio.gather(
            *(push(store, tag, minutes_ago=back) for back in range(30) for tag in MONITORS.tags)
        )

    with_statuses(github, steps)
    assert len(committed(owner)) == 91
    assert len(messages(owner)) == 2


def test_two_services_on_one_branch_lose_nothing(github: EmbeddedGitHub, owner: Person) -> None:
    """Each writes six times, so that neither can lose more races than it has attempts."""

    async def steps(store: StatusStore) -> None:
        async def others(second: StatusStore) -> None:
            await push(second, "moon")
            for back in range(1, 6):
                await push(second, "moon", DOWN, minutes_ago=back)

        async def ours() -> None:
            for back in range(6):
                await push(store, "earth", minutes_ago=back)

        await asyncio.gather(ours(), asyncio.to_thread(with_statuses, github, others))

    with_statuses(github, steps)
    moon = {("moon", back): DOWN for back in range(1, 6)} | {("moon", 0): UP}
    assert committed(owner) == moon | {("earth", back): UP for back in range(6)}


def test_a_race_for_the_branch_is_lost_and_made_good(github: EmbeddedGitHub, owner: Person) -> None:
    async def steps(store: StatusStore) -> None:
        await push(store)
        github.faults.add("lost_race", match="PUT", count=2)
        await push(store, "moon", DOWN)

    with_statuses(github, steps)
    assert committed(owner) == {("earth", 0): UP, ("moon", 0): DOWN}
    assert messages(owner).count("Be first") == 2


def test_a_person_who_edits_the_file_is_heard(github: EmbeddedGitHub, owner: Person) -> None:
    async def steps(store: StatusStore) -> None:
        await push(store)
        theirs = StatusDocument().apply([Sample("earth", NOW // 60, DOWN, 1)])
        edit(owner, dump(theirs))
        assert (await store.current("earth", since_seconds=QUARTER)).status == "DOWN"
        await push(store, "moon")

    with_statuses(github, steps)
    assert committed(owner) == {("earth", 0): DOWN, ("moon", 0): UP}


def test_an_unchanged_file_is_asked_for_conditionally(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(store: StatusStore) -> None:
        await push(store)
        github.requests.clear()
        for _ in range(3):
            await store.current("earth", since_seconds=QUARTER)
        assert [request.status for request in github.requests] == [304, 304, 304]

    with_statuses(github, steps)


def test_a_file_of_more_than_a_megabyte_is_read_and_written(
    github: EmbeddedGitHub, owner: Person
) -> None:
    retired = [Sample(f"retired-{i:05}-{'x' * 40}", NOW // 60, UP, 1) for i in range(5_000)]
    large = dump(StatusDocument().apply(retired))
    assert len(large) > 1024 * 1024

    async def steps(store: StatusStore) -> None:
        await push(store)
        edit(owner, large)
        await push(store, "moon", DOWN)
        assert (await store.current("moon", since_seconds=QUARTER)).status == "DOWN"

    with_statuses(github, steps)
    sha = next(e for e in owner.do("GET", f"/git/trees/{BRANCH}")["tree"] if e["path"] == FILE)
    blob = owner.do("GET", f"/git/blobs/{sha['sha']}")
    assert len(parse(base64.b64decode(blob["content"]), name=FILE).histories) == 5_001


def test_a_branch_deleted_while_running_comes_back(github: EmbeddedGitHub, owner: Person) -> None:
    async def steps(store: StatusStore) -> None:
        await push(store, status=DOWN, minutes_ago=1)
        owner.do("DELETE", f"/git/refs/heads/{BRANCH}")
        await push(store)

    with_statuses(github, steps)
    assert committed(owner) == {("earth", 1): DOWN, ("earth", 0): UP}


def test_a_file_replaced_by_garbage_is_told_and_left_alone(
    github: EmbeddedGitHub, owner: Person
) -> None:
    garbage = b'{\n"version": 1,\n<<<<<<< HEAD\n'

    async def steps(store: StatusStore) -> None:
        await push(store, status=DOWN)
        edit(owner, garbage)
        with pytest.raises(BrokenDocument, match="line 3, column 1"):
            await push(store, "moon")
        assert (await store.current("earth", since_seconds=QUARTER)).status == "DOWN"

    with_statuses(github, steps)
    assert file_on(owner) == garbage


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "error"])
@pytest.mark.parametrize("step", ["PUT", "POST .*/git/(trees|commits)", "POST .*/git/refs"])
def test_a_write_whose_answer_is_lost_is_settled(
    github: EmbeddedGitHub, owner: Person, kind: str, step: str
) -> None:
    async def steps(store: StatusStore) -> None:
        if step == "PUT":
            await push(store, "moon")
        github.faults.add(kind, match=step, count=1)  # type: ignore[arg-type]
        await push(store)
        assert not github.faults.active()

    with_statuses(github, steps)
    assert committed(owner)["earth", 0] is UP
    assert len(messages(owner)) == (2 if step == "PUT" else 1)


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("secondary_limit", {"retry_after": 30}, RateLimited),
        ("forbidden", {}, AccessLost),
        ("missing", {}, AccessLost),
        ("outage", {}, GitHubUnavailable),
    ],
)
def test_a_push_that_github_does_not_take_fails_and_can_be_made_again(
    github: EmbeddedGitHub, owner: Person, fault: Any, options: dict[str, Any], error: type
) -> None:
    async def steps(store: StatusStore) -> None:
        await push(store, status=DOWN, minutes_ago=1)
        switched = github.faults.add(fault, match="" if fault == "outage" else "PUT", **options)
        with pytest.raises(error):
            await push(store)
        github.faults.lift(switched)
        assert (await store.current("earth", since_seconds=QUARTER)).status == "DOWN"
        await push(store)

    with_statuses(github, steps)
    assert committed(owner) == {("earth", 1): DOWN, ("earth", 0): UP}


def test_the_push_of_a_stranger_fails_with_what_is_missing(github: EmbeddedGitHub) -> None:
    async def steps(store: StatusStore) -> None:
        with pytest.raises(AccessLost):
            await push(store)

    with_statuses(github, steps, login="stranger")


def test_a_read_during_an_outage_gives_what_is_held(github: EmbeddedGitHub) -> None:
    async def steps(store: StatusStore) -> None:
        await push(store, status=DOWN)
        github.faults.add("outage")
        assert (await store.current("earth", since_seconds=QUARTER)).status == "DOWN"

    with_statuses(github, steps)
