"""Whose writing may be shown: asked once a day and author, and learned from what we write."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from github_store.authors import REMEMBER_SECONDS, Authors
from github_store.collaborators import Collaborators
from github_store.errors import GitHubUnavailable
from github_store.trust import Trust


class Tracker:
    """Answers the one question; ``permissions`` by login, None while GitHub is out."""

    def __init__(self, permissions: dict[str, str | None] | None) -> None:
        self.permissions = permissions
        self.asked: list[str] = []

    async def permission(self, login: str) -> str | None:
        self.asked.append(login)
        await asyncio.sleep(0)
        if self.permissions is None:
            raise GitHubUnavailable("out")
        return self.permissions.get(login)


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def authors(tracker: Tracker, clock: Clock | None = None) -> Authors:
    trust = Trust(own_logins=frozenset({"kener"}), trusted_authors=frozenset({"Ada"}))
    return Authors(cast(Collaborators, tracker), trust, clock=clock or Clock())


def test_many_questions_about_one_author_are_one_request_a_day() -> None:
    tracker, clock = Tracker({"Bob": "write"}), Clock()
    asked = authors(tracker, clock)

    async def ten_times(login: str) -> list[bool]:
        return await asyncio.gather(*(asked.trusted(login, "NONE") for _ in range(10)))

    assert asyncio.run(ten_times("Bob")) == [True] * 10
    assert asyncio.run(ten_times("bob")) == [True] * 10
    assert tracker.asked == ["Bob"]
    clock.now += REMEMBER_SECONDS
    tracker.permissions = {"Bob": "read"}
    assert asyncio.run(ten_times("Bob")) == [False] * 10
    assert tracker.asked == ["Bob", "Bob"]


def test_what_was_said_last_holds_while_github_is_out() -> None:
    tracker, clock = Tracker({"Bob": "write"}), Clock()
    asked = authors(tracker, clock)
    assert asyncio.run(asked.trusted("Bob", "NONE"))
    clock.now += 2 * REMEMBER_SECONDS
    tracker.permissions = None
    assert asyncio.run(asked.trusted("Bob", "NONE"))
    with pytest.raises(GitHubUnavailable):
        asyncio.run(asked.trusted("Eve", "NONE"))


def test_where_the_permission_may_not_be_asked_the_association_decides() -> None:
    asked = authors(Tracker({}))
    assert asyncio.run(asked.trusted("Bob", "COLLABORATOR"))
    assert not asyncio.run(asked.trusted("Eve", "CONTRIBUTOR"))
    assert not asyncio.run(asked.trusted(None, "COLLABORATOR"))


def test_whoever_stands_as_the_author_of_what_we_wrote_is_us(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An App's token may not ask ``GET /user``, so the login known from the start may be wrong."""
    asked = authors(Tracker({}))
    assert not asyncio.run(asked.trusted("my-app[bot]", "NONE"))
    for author in ("my-app[bot]", "My-App[bot]", "kener", "ada", None):
        asked.recognise(author)
    assert asyncio.run(asked.trusted("my-app[bot]", "NONE"))
    assert [each.message for each in caplog.records] == [
        "this service writes as my-app[bot]: name it in TRUSTED_AUTHORS, or after a restart what "
        "it wrote may be hidden"
    ]
