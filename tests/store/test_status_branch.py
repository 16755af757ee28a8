"""A branch read and written as a whole, over real sockets against the embedded GitHub."""

from __future__ import annotations

import asyncio
import logging
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from github_store.blob_cache import BlobCache
from github_store.embedded import EmbeddedGitHub, git_routes
from github_store.errors import (
    AccessLost,
    Conflict,
    GitHubUnavailable,
    OutcomeUnknown,
    RateLimited,
    Unprocessable,
)
from github_store.gateway import Gateway, TokenCredential
from github_store.git_tree import blob_sha
from github_store.status_branch import LAG_SECONDS, Snapshot, StatusBranch
from tests.github_person import Person
from tests.store.scripted_http import Answer, scripted

BRANCH = "status-data"
FIRST: dict[str, bytes | None] = {"status.json": b"{}\n", "history/2026-11-22.json": b"22\n"}
REF = f"GET /repos/owner/status/git/ref/heads/{BRANCH}"
COMMIT = [
    "POST /repos/owner/status/git/trees",
    "POST /repos/owner/status/git/commits",
    f"PATCH /repos/owner/status/git/refs/heads/{BRANCH}",
]


class Desk:
    """One program at work on the branch; what it asked GitHub is in ``lines``."""

    def __init__(self, github: EmbeddedGitHub, branch: StatusBranch) -> None:
        self.github = github
        self.branch = branch
        self.now = 0.0

    @property
    def lines(self) -> list[str]:
        """The requests since last asked, each as method and path."""
        asked = [f"{r.method} {r.target.partition('?')[0]}" for r in self.github.requests]
        self.github.requests.clear()
        return asked

    async def begun(self) -> Snapshot:
        """The branch with FIRST in it."""
        made = await self.branch.commit(None, FIRST, message="begin")
        self.github.requests.clear()
        return made

    async def files(self) -> dict[str, bytes | None]:
        """Everything on the branch, as it is now."""
        snapshot = await self.branch.snapshot()
        assert snapshot is not None
        return {path: await self.branch.read(snapshot, path) for path in sorted(snapshot.files)}


def at_desk(
    github: EmbeddedGitHub,
    steps: Callable[[Desk], Awaitable[None]],
    *,
    repository: str = "owner/status",
    login: str = "owner",
    blobs: BlobCache | None = None,
    **options: Any,
) -> None:
    async def run() -> None:
        gateway = Gateway(
            repository_name=repository,
            credential=TokenCredential(github.tokens[login]),
            api_url=github.url,
        )
        desk: Desk | None = None
        branch = StatusBranch(
            gateway, branch=BRANCH, blobs=blobs, clock=lambda: desk.now if desk else 0.0, **options
        )
        desk = Desk(github, branch)
        github.requests.clear()
        try:
            await asyncio.wait_for(steps(desk), timeout=20)
        finally:
            await gateway.close()

    asyncio.run(run())


@pytest.fixture
def owner(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["owner"])


def messages(owner: Person, branch: str = BRANCH) -> list[str]:
    """The branch's log, newest first."""
    commits = owner.do("GET", f"/commits?sha={branch}&per_page=100")
    return [commit["commit"]["message"] for commit in commits]


def head(owner: Person) -> str:
    return str(owner.do("GET", f"/git/ref/heads/{BRANCH}")["object"]["sha"])


def write(owner: Person, path: str, content: str, *, message: str = "by hand") -> str:
    """Commit one file as somebody else does; the new commit."""
    before = head(owner)
    base = owner.do("GET", f"/git/commits/{before}")["tree"]["sha"]
    entry = {"path": path, "mode": "100644", "type": "blob", "content": content}
    tree = owner.do("POST", "/git/trees", {"base_tree": base, "tree": [entry]})["sha"]
    body = {"message": message, "tree": tree, "parents": [before]}
    commit = str(owner.do("POST", "/git/commits", body)["sha"])
    owner.do("PATCH", f"/git/refs/heads/{BRANCH}", {"sha": commit})
    return commit


# What each operation asks of GitHub


def test_a_missing_branch_is_none_while_the_repository_answers(github: EmbeddedGitHub) -> None:
    async def steps(desk: Desk) -> None:
        assert await desk.branch.snapshot() is None
        assert desk.lines == [REF, "GET /repos/owner/status"]

    at_desk(github, steps)


def test_the_first_commit_is_an_orphan_with_all_its_files(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(desk: Desk) -> None:
        made = await desk.branch.commit(None, FIRST, message="begin")
        assert desk.lines == [
            "POST /repos/owner/status/git/trees",
            "POST /repos/owner/status/git/commits",
            "POST /repos/owner/status/git/refs",
        ]
        assert made.files == {path: blob_sha(content or b"") for path, content in FIRST.items()}
        assert made.commit == head(owner)
        assert await desk.files() == FIRST

    at_desk(github, steps)
    assert messages(owner) == ["begin"]
    assert messages(owner, "main") != messages(owner)


def test_a_commit_takes_three_requests_and_no_read(github: EmbeddedGitHub, owner: Person) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        changes = {"status.json": b"{1}\n", "history/2026-11-22.json": None, "latency/13": b"13\n"}
        second = await desk.branch.commit(first, changes, message="second")
        assert desk.lines == COMMIT
        third = await desk.branch.commit(second, {"status.json": b"{2}\n"}, message="third")
        assert desk.lines == COMMIT
        assert third.commit == head(owner)
        assert await desk.files() == {"status.json": b"{2}\n", "latency/13": b"13\n"}

    at_desk(github, steps)
    assert messages(owner) == ["third", "second", "begin"]


def test_what_is_known_after_a_commit_is_what_a_newcomer_reads(github: EmbeddedGitHub) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        changes = {"a/b/c.json": b"deep\n", "history/2026-11-22.json": None}
        made = await desk.branch.commit(first, changes, message="more")

        async def newcomer(other: Desk) -> None:
            assert await other.branch.snapshot() == made
            assert other.lines == [
                REF,
                f"GET /repos/owner/status/git/commits/{made.commit}",
                f"GET /repos/owner/status/git/trees/{made.tree}",
            ]

        await asyncio.to_thread(at_desk, github, newcomer)

    at_desk(github, steps)


def test_an_unchanged_branch_is_the_same_object_and_costs_nothing(github: EmbeddedGitHub) -> None:
    async def steps(desk: Desk) -> None:
        await desk.begun()
        held = await desk.branch.snapshot()
        github.requests.clear()
        for _ in range(3):
            assert await desk.branch.snapshot() is held
        assert [request.status for request in github.requests] == [304, 304, 304]

    at_desk(github, steps)


def test_own_commits_are_known_and_the_branch_is_asked_for_conditionally_at_once(
    github: EmbeddedGitHub,
) -> None:
    async def steps(desk: Desk) -> None:
        made = await desk.begun()
        for content in (b"1", b"2"):
            assert await desk.branch.snapshot() is made
            made = await desk.branch.commit(made, {"status.json": content}, message="more")
        assert await desk.branch.snapshot() is made
        asked = [request.status for request in github.requests if request.method == "GET"]
        assert len(asked) == 3  # never more than the ref
        assert asked[-1] == 304

    at_desk(github, steps)


def test_what_others_commit_is_seen_with_three_reads(github: EmbeddedGitHub, owner: Person) -> None:
    async def steps(desk: Desk) -> None:
        await desk.begun()
        theirs = write(owner, "history/2026-11-21.json", "21\n")
        github.requests.clear()
        found = await desk.branch.snapshot()
        assert found is not None
        assert found.commit == theirs
        assert len(desk.lines) == 3
        assert await desk.files() == {**FIRST, "history/2026-11-21.json": b"21\n"}

    at_desk(github, steps)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="no changes"),
        pytest.param({"status.json": b"{}\n"}, id="the same content"),
        pytest.param({"gone.json": None}, id="removing what is not there"),
    ],
)
def test_changes_that_change_nothing_ask_nothing(
    github: EmbeddedGitHub, changes: dict[str, bytes | None]
) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        assert await desk.branch.commit(first, changes, message="nothing") is first
        assert desk.lines == []

    at_desk(github, steps)


def test_a_branch_does_not_begin_without_a_file(github: EmbeddedGitHub) -> None:
    async def steps(desk: Desk) -> None:
        with pytest.raises(ValueError, match="at least one file"):
            await desk.branch.commit(None, {"gone": None}, message="nothing")

    at_desk(github, steps)


def test_a_file_that_is_not_there_is_none_and_asks_nothing(github: EmbeddedGitHub) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        assert await desk.branch.read(first, "history/1999-01-01.json") is None
        assert desk.lines == []

    at_desk(github, steps)


# The cache of blobs


def test_a_blob_is_fetched_once_and_by_no_later_process(
    github: EmbeddedGitHub, tmp_path: Path, owner: Person
) -> None:
    async def steps(desk: Desk) -> None:
        snapshot = await desk.branch.snapshot()
        assert snapshot is not None
        github.requests.clear()
        assert await desk.branch.read(snapshot, "status.json") == b"theirs\n"

    async def begin(desk: Desk) -> None:
        await desk.begun()

    at_desk(github, begin)
    write(owner, "status.json", "theirs\n")
    at_desk(github, steps, blobs=BlobCache(tmp_path / "blobs"))
    assert github.count("GET", "/git/blobs/") == 1
    at_desk(github, steps, blobs=BlobCache(tmp_path / "blobs"))
    assert github.count("GET", "/git/blobs/") == 0


def test_what_was_committed_here_is_never_fetched(github: EmbeddedGitHub, tmp_path: Path) -> None:
    async def steps(desk: Desk) -> None:
        await desk.begun()
        assert await desk.files() == FIRST
        assert github.count("GET", "/git/blobs/") == 0

    at_desk(github, steps, blobs=BlobCache(tmp_path / "blobs"))


def test_a_damaged_blob_is_fetched_again(github: EmbeddedGitHub, tmp_path: Path) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        (tmp_path / "blobs" / first.files["status.json"]).write_bytes(b"rubbish")
        assert await desk.branch.read(first, "status.json") == b"{}\n"
        assert github.count("GET", "/git/blobs/") == 1

    at_desk(github, steps, blobs=BlobCache(tmp_path / "blobs"))


# Large files, many files


def test_a_file_of_more_than_a_megabyte_is_read_and_written(github: EmbeddedGitHub) -> None:
    large = b"0123456789abcdef\n" * 100_000

    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        await desk.branch.commit(first, {"status.json": large}, message="large")
        assert desk.lines == COMMIT
        assert (await desk.files())["status.json"] == large

    at_desk(github, steps)


def test_files_too_large_for_one_request_go_ahead_one_by_one(github: EmbeddedGitHub) -> None:
    changes: dict[str, bytes | None] = {"a": b"a" * 700, "b": b"b" * 600, "c": b"c" * 20}

    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        made = await desk.branch.commit(first, changes, message="much")
        assert desk.lines == ["POST /repos/owner/status/git/blobs"] * 2 + COMMIT
        assert made == await desk.branch.snapshot()
        assert await desk.files() == {**FIRST, **changes}

    at_desk(github, steps, inline_bytes=500)


def test_what_went_ahead_is_not_sent_again_after_a_lost_race(github: EmbeddedGitHub) -> None:
    changes: dict[str, bytes | None] = {"a": b"a" * 700}

    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        github.faults.add("lost_race", match="PATCH", count=1)
        with pytest.raises(Conflict):
            await desk.branch.commit(first, changes, message="much")
        again = await desk.branch.snapshot()
        await desk.branch.commit(again, changes, message="much")
        assert github.count("POST", "/git/blobs") == 1
        assert (await desk.files())["a"] == b"a" * 700

    at_desk(github, steps, inline_bytes=500)


def test_a_listing_that_is_cut_short_is_walked(
    github: EmbeddedGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    many: dict[str, bytes | None] = {f"{y}/{m}/{d}": b"x" for y in "ab" for m in "cd" for d in "ef"}

    async def begin(desk: Desk) -> None:
        await desk.branch.commit(None, many, message="begin")

    async def steps(desk: Desk) -> None:
        snapshot = await desk.branch.snapshot()
        assert snapshot is not None
        assert set(snapshot.files) == set(many)

    at_desk(github, begin)
    monkeypatch.setattr(git_routes, "MOST_ENTRIES", 3)
    at_desk(github, steps)
    assert github.count("GET", "/git/trees/") == 1 + 7


def test_a_folder_that_cannot_be_listed_at_all_is_an_outage_and_not_an_empty_one(
    github: EmbeddedGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def begin(desk: Desk) -> None:
        await desk.branch.commit(None, dict.fromkeys("abc", b"x"), message="begin")

    async def steps(desk: Desk) -> None:
        with pytest.raises(GitHubUnavailable, match="too many files"):
            await desk.branch.snapshot()

    at_desk(github, begin)
    monkeypatch.setattr(git_routes, "MOST_ENTRIES", 2)
    at_desk(github, steps)


# Races


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


# Failures


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        *((kind, step) for kind in ("error", "drop_before", "drop_after") for step in COMMIT[:2]),
        ("error", "PATCH"),
        ("drop_before", "PATCH"),
    ],
)
def test_a_commit_that_fails_has_not_happened_and_can_be_made_again(
    github: EmbeddedGitHub, owner: Person, kind: Any, step: str
) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        github.faults.add(kind, match=step, count=1)
        with pytest.raises(GitHubUnavailable) as failed:
            await desk.branch.commit(first, {"status.json": b"1"}, message="again")
        # Only of the branch's own move it cannot be known whether it happened.
        assert isinstance(failed.value, OutcomeUnknown) == (step == "PATCH")
        assert await desk.branch.snapshot() is first
        await desk.branch.commit(first, {"status.json": b"1"}, message="again")

    at_desk(github, steps)
    assert messages(owner) == ["again", "begin"]


def test_a_commit_whose_answer_was_lost_is_found_without_listing_the_branch(
    github: EmbeddedGitHub, owner: Person
) -> None:
    changes: dict[str, bytes | None] = {"status.json": b"1"}

    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        github.faults.add("drop_after", match="PATCH", count=1)
        with pytest.raises(OutcomeUnknown):
            await desk.branch.commit(first, changes, message="once")
        github.requests.clear()
        made = await desk.branch.snapshot()
        assert made is not None
        assert desk.lines == [REF]
        assert made.files["status.json"] == blob_sha(b"1")
        assert await desk.branch.commit(made, changes, message="twice") is made

    at_desk(github, steps)
    assert messages(owner) == ["once", "begin"]


def test_whoever_does_not_look_again_after_a_lost_answer_gets_a_conflict(
    github: EmbeddedGitHub, owner: Person
) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        github.faults.add("drop_after", match="PATCH", count=1)
        with pytest.raises(OutcomeUnknown):
            await desk.branch.commit(first, {"status.json": b"1"}, message="once")
        with pytest.raises(Conflict):
            await desk.branch.commit(first, {"status.json": b"2"}, message="blindly")

    at_desk(github, steps)
    assert messages(owner) == ["once", "begin"]


@pytest.mark.parametrize("kind", ["error", "drop_before", "drop_after"])
@pytest.mark.parametrize("step", ["POST .*/trees", "POST .*/commits", "POST .*/refs"])
def test_a_beginning_that_fails_can_be_made_again(
    github: EmbeddedGitHub, owner: Person, kind: Any, step: str
) -> None:
    async def steps(desk: Desk) -> None:
        github.faults.add(kind, match=step, count=1)
        with pytest.raises(GitHubUnavailable):
            await desk.branch.commit(None, FIRST, message="begin")
        found = await desk.branch.snapshot()
        await desk.branch.commit(found, FIRST, message="begin")
        assert await desk.files() == FIRST

    at_desk(github, steps)
    assert messages(owner) == ["begin"]


@pytest.mark.parametrize("step", [REF, "GET .*/git/commits/", "GET .*/git/trees/"])
def test_a_reading_that_fails_leaves_what_is_known(
    github: EmbeddedGitHub, owner: Person, step: str
) -> None:
    async def steps(desk: Desk) -> None:
        await desk.begun()
        theirs = write(owner, "status.json", "theirs\n")
        broken = github.faults.add("error", match=step)
        with pytest.raises(GitHubUnavailable):
            await desk.branch.snapshot()
        github.faults.lift(broken)
        found = await desk.branch.snapshot()
        assert found is not None
        assert found.commit == theirs

    at_desk(github, steps)


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("secondary_limit", {"retry_after": 30}, RateLimited),
        ("rate_limit", {"seconds": 30}, RateLimited),
        ("forbidden", {}, AccessLost),
        ("missing", {}, AccessLost),
    ],
)
@pytest.mark.parametrize("step", COMMIT)
def test_a_refusal_says_what_it_is(
    github: EmbeddedGitHub,
    owner: Person,
    fault: Any,
    options: dict[str, Any],
    error: type[GitHubUnavailable],
    step: str,
) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        github.faults.add(fault, match=step, count=1, **options)
        with pytest.raises(error) as refused:
            await desk.branch.commit(first, {"status.json": b"1"}, message="late")
        if error is RateLimited:
            assert refused.value.retry_after_seconds in range(28, 33)

    at_desk(github, steps)
    assert messages(owner) == ["begin"]


def test_who_may_not_write_is_told_so(github: EmbeddedGitHub) -> None:
    async def steps(desk: Desk) -> None:
        assert await desk.branch.snapshot() is None
        with pytest.raises(AccessLost):
            await desk.branch.commit(None, FIRST, message="begin")

    at_desk(github, steps, login="stranger")


def test_a_branch_that_lost_its_repository_is_an_outage_and_not_missing(
    github: EmbeddedGitHub,
) -> None:
    async def steps(desk: Desk) -> None:
        await desk.begun()
        github.faults.add("missing")
        with pytest.raises(AccessLost):
            await desk.branch.snapshot()

    at_desk(github, steps)


def test_a_path_that_github_refuses_is_no_race(github: EmbeddedGitHub) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.begun()
        with pytest.raises(Unprocessable):
            await desk.branch.commit(first, {"a/../b": b"x"}, message="odd")

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


# What GitHub stores must be what was sent


OTHER = {"path": "a", "mode": "100644", "type": "blob", "sha": "of something else"}


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        pytest.param([{"sha": "t", "tree": [OTHER]}], "something else", id="another content"),
        pytest.param([{"sha": "t", "tree": []}, {}], "has no sha", id="a commit without a name"),
    ],
)
def test_an_answer_that_does_not_fit_moves_no_branch(answers: list[Any], problem: str) -> None:
    with scripted(*(Answer(201, body) for body in answers)) as server:

        async def run() -> None:
            gateway = Gateway(
                repository_name="owner/status",
                credential=TokenCredential("made-up"),
                api_url=server.url,
            )
            branch = StatusBranch(gateway, branch=BRANCH, blobs=None, clock=lambda: 0.0)
            try:
                with pytest.raises(GitHubUnavailable, match=problem):
                    await branch.commit(None, {"a": b"1"}, message="begin")
            finally:
                await gateway.close()

        asyncio.run(run())
    assert not [line for line in server.lines if "refs" in line]


# As git sees it


@pytest.mark.skipif(shutil.which("git") is None, reason="reads the repository with git itself")
def test_git_sees_one_orphan_root_and_a_line_of_commits(
    github: EmbeddedGitHub, tmp_path: Path
) -> None:
    async def steps(desk: Desk) -> None:
        made = await desk.begun()
        for number in range(3):
            changes = {"status.json": b"%d\n" % number, f"history/{number}.json": b"day\n"}
            made = await desk.branch.commit(made, changes, message=f"step {number} [skip ci]")

    def git(*command: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(clone), *command], capture_output=True, check=True, text=True
        )
        return done.stdout.strip()

    at_desk(github, steps)
    clone = tmp_path / "clone"
    bare = github.git_path("owner/status")
    subprocess.run(
        ["git", "clone", "-q", "--branch", BRANCH, str(bare), str(clone)],
        check=True,
        capture_output=True,
    )
    assert git("log", "--format=%s").splitlines() == [
        *(f"step {number} [skip ci]" for number in (2, 1, 0)),
        "begin",
    ]
    assert git("rev-list", "--max-parents=0", "HEAD").count("\n") == 0
    assert git("rev-list", "--min-parents=2", "HEAD") == ""
    assert git("merge-base", "--all", "HEAD", "HEAD~3") == git("rev-parse", "HEAD~3")
    assert git("rev-list", "--count", "HEAD", "^origin/main") == "4"
    assert git("fsck", "--full", "--strict") == ""
    assert git("diff", "--name-status", "HEAD~1", "HEAD").splitlines() == [
        "A\thistory/2.json",
        "M\tstatus.json",
    ]
    assert (clone / "status.json").read_bytes() == b"2\n"
