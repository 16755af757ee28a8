"""A branch read and written as a whole, over real sockets against the embedded GitHub."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from github_store.blob_cache import BlobCache
from github_store.embedded import EmbeddedGitHub, git_routes
from github_store.errors import (
    Conflict,
    GitHubUnavailable,
)
from github_store.git_tree import blob_sha
from tests.github_person import Person
from tests.store.branch_desk import BRANCH, COMMIT, FIRST, REF, Desk, at_desk, head, messages, write

# What each operation asks of GitHub


def test_a_missing_branch_is_none_while_the_repository_answers(github: EmbeddedGitHub) -> None:
    async def steps(desk: Desk) -> None:
        assert await desk.branch.snapshot() is None
        assert desk.lines == [REF, "GET /repos/owner/status"]

    at_desk(github, steps)


def test_a_branch_that_stays_away_costs_one_request_of_the_quota_each_time(
    github: EmbeddedGitHub,
) -> None:
    async def steps(desk: Desk) -> None:
        for _ in range(3):
            assert await desk.branch.snapshot() is None
        assert [line.status for line in desk.github.requests] == [404, 200, 404, 304, 404, 304]

    github.requests.clear()
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
