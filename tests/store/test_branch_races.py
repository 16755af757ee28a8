"""Others at work on the same branch: they are first, at once, delete it or rewrite it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from github_store.embedded import EmbeddedGitHub
from github_store.errors import (
    Conflict,
)
from github_store.status_branch import LAG_SECONDS
from tests.github_person import Person
from tests.store.branch_desk import BRANCH, FIRST, Desk, at_desk, head, messages, write


def test_a_lost_race_is_a_conflict_and_made_good_on_a_new_snapshot(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        github.faults.add("lost_race", match="PATCH", count=1)
        with pytest.raises(Conflict):
            await desk.branch.commit(first, {"status.json": b"1"}, message="late")
        again = await desk.branch.snapshot()
        assert again is not None
        assert "another-writer.txt" in again.files
        await desk.branch.commit(again, {"status.json": b"1"}, message="late")

    at_desk(github, steps)
    assert messages(owner) == ["late", "Be first", "begin"]


def test_of_two_who_begin_the_branch_one_wins(github: EmbeddedGitHub, owner: Person) -> None:
    async def steps(desk: Desk) -> None:
        async def other(second: Desk) -> None:
            await second.branch.commit(None, {"theirs": b"x"}, message="theirs")

        assert await desk.branch.snapshot() is None
        await asyncio.to_thread(at_desk, github, other)
        with pytest.raises(Conflict):
            await desk.branch.commit(None, FIRST, message="ours")
        theirs = await desk.branch.snapshot()
        await desk.branch.commit(theirs, FIRST, message="ours")
        assert await desk.files() == {**FIRST, "theirs": b"x"}

    at_desk(github, steps)
    assert messages(owner) == ["ours", "theirs"]


def test_many_writers_at_once_lose_nothing(github: EmbeddedGitHub, owner: Person) -> None:
    async def insist(desk: Desk, path: str) -> None:
        while True:
            base = await desk.branch.snapshot()
            held = (await desk.branch.read(base, path) if base else None) or b""
            try:
                await desk.branch.commit(base, {path: held + b"x"}, message=path)
            except Conflict:
                continue
            return

    def writer(path: str) -> Callable[[Desk], Awaitable[None]]:
        async def steps(desk: Desk) -> None:
            for _ in range(5):
                await insist(desk, path)

        return steps

    async def all_at_once() -> None:
        await asyncio.gather(
            *(asyncio.to_thread(at_desk, github, writer(path)) for path in ("a", "b", "c"))
        )

    asyncio.run(all_at_once())
    assert sorted(messages(owner)) == sorted([*"abc"] * 5)

    async def steps(desk: Desk) -> None:
        assert await desk.files() == dict.fromkeys("abc", b"xxxxx")

    at_desk(github, steps)


# The branch deleted, rewritten; the repository empty


def test_a_branch_deleted_while_running_is_told_and_can_be_begun_again(
    github: EmbeddedGitHub, owner: Person, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        owner.do("DELETE", f"/git/refs/heads/{BRANCH}")
        with pytest.raises(Conflict):
            await desk.branch.commit(first, {"status.json": b"1"}, message="more")
        with caplog.at_level(logging.WARNING):
            assert await desk.branch.snapshot() is None
            assert await desk.branch.snapshot() is None
        assert len(caplog.records) == 1
        again = await desk.branch.commit(None, FIRST, message="anew")
        assert again.commit == head(owner)
        assert await desk.files() == FIRST

    at_desk(github, steps)
    assert messages(owner) == ["anew"]


def test_a_branch_that_comes_back_where_it_was_is_seen(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        await desk.branch.commit(first, {"status.json": b"1"}, message="more")
        owner.do("DELETE", f"/git/refs/heads/{BRANCH}")
        assert await desk.branch.snapshot() is None
        owner.do("POST", "/git/refs", {"ref": f"refs/heads/{BRANCH}", "sha": first.commit})
        assert await desk.branch.snapshot() == first

    at_desk(github, steps)


def test_what_a_lagging_replica_shows_is_not_believed_for_a_minute(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        second = await desk.branch.commit(first, {"status.json": b"1"}, message="more")
        # To a reader a lag looks like this; and what lasts for more than a minute is no lag.
        owner.do("PATCH", f"/git/refs/heads/{BRANCH}", {"sha": first.commit, "force": True})
        assert await desk.branch.snapshot() is second
        desk.now += LAG_SECONDS + 1
        assert await desk.branch.snapshot() == first

    at_desk(github, steps)


def test_a_read_that_a_write_has_overtaken_does_not_undo_it(github: EmbeddedGitHub) -> None:
    async def steps(desk: Desk) -> None:
        github.faults.add("latency", match="GET /repos/owner/status$", seconds=0.2, count=1)
        reading = asyncio.create_task(desk.branch.snapshot())
        while not github.requests:  # noqa: ASYNC110 - it has answered: the branch is missing
            await asyncio.sleep(0.001)
        made = await desk.branch.commit(None, FIRST, message="begin")
        assert not reading.done()
        assert await reading is made
        assert await desk.branch.snapshot() is made

    at_desk(github, steps)


def test_readers_at_once_share_what_one_of_them_lists(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(desk: Desk) -> None:
        await desk.begun()
        write(owner, "status.json", "theirs\n")
        github.requests.clear()
        found = await asyncio.gather(*(desk.branch.snapshot() for _ in range(5)))
        assert all(each is found[0] for each in found)
        assert github.count("GET", "/git/trees/") == 1

    at_desk(github, steps)


def test_a_history_rewritten_by_a_maintainer_is_followed(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        tree = owner.do("GET", f"/git/commits/{first.commit}")["tree"]["sha"]
        body = {"message": "squashed", "tree": tree, "parents": []}
        squashed = owner.do("POST", "/git/commits", body)["sha"]
        owner.do("PATCH", f"/git/refs/heads/{BRANCH}", {"sha": squashed, "force": True})
        with pytest.raises(Conflict):
            await desk.branch.commit(first, {"status.json": b"1"}, message="more")
        found = await desk.branch.snapshot()
        assert found is not None
        assert found.commit == squashed
        await desk.branch.commit(found, {"status.json": b"1"}, message="more")

    at_desk(github, steps)
    assert messages(owner) == ["more", "squashed"]


def test_an_empty_repository_gets_a_readme_first_and_keeps_its_default_branch(
    github: EmbeddedGitHub,
) -> None:
    github.create_repository("owner/empty")
    person = Person(github.url, github.tokens["owner"], "owner/empty")

    async def steps(desk: Desk) -> None:
        assert await desk.branch.snapshot() is None
        github.requests.clear()
        await desk.branch.commit(None, FIRST, message="begin")
        assert desk.lines == [
            "POST /repos/owner/empty/git/trees",
            "PUT /repos/owner/empty/contents/README.md",
            "POST /repos/owner/empty/git/trees",
            "POST /repos/owner/empty/git/commits",
            "POST /repos/owner/empty/git/refs",
        ]
        assert await desk.files() == FIRST

    at_desk(github, steps, repository="owner/empty")
    assert person.do("GET", "")["default_branch"] == "main"
    assert len(messages(person)) == 1
    assert [entry["path"] for entry in person.do("GET", "/git/trees/main")["tree"]] == ["README.md"]


def test_an_empty_repository_takes_large_files_too(github: EmbeddedGitHub) -> None:
    github.create_repository("owner/empty")

    async def steps(desk: Desk) -> None:
        await desk.branch.commit(None, {"a": b"a" * 700}, message="begin")
        assert await desk.files() == {"a": b"a" * 700}

    at_desk(github, steps, repository="owner/empty", inline_bytes=500)


def test_a_repository_that_is_renamed_is_followed(github: EmbeddedGitHub, owner: Person) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        owner.do("PATCH", "", {"name": "renamed"})
        second = await desk.branch.commit(first, {"status.json": b"1"}, message="more")
        assert await desk.branch.snapshot() == second

    at_desk(github, steps)
