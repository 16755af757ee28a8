"""Commits and readings of a branch that fail: what has happened, and what has not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from github_store.embedded import EmbeddedGitHub
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
from github_store.status_branch import StatusBranch
from tests.github_person import Person
from tests.store.branch_desk import BRANCH, COMMIT, FIRST, REF, Desk, at_desk, messages, write
from tests.store.scripted_http import Answer, scripted


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
