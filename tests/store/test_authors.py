"""Whose writing may be shown: asked once a day and author, and learned from what we write."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from github_store.authors import (
    CLOCKS_DIFFER_SECONDS,
    LEAST_SECONDS,
    RECHECK_SECONDS,
    REMEMBER_SECONDS,
    Authors,
)
from github_store.collaborators import Collaborators
from github_store.errors import GitHubOut, GitHubUnavailable, RateLimited
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
    assert asyncio.run(asked.trusted("Cleo", "COLLABORATOR")), "of whom nothing is known yet"


def test_where_the_permission_may_not_be_asked_the_association_decides() -> None:
    asked = authors(Tracker({}))
    assert asyncio.run(asked.trusted("Bob", "COLLABORATOR"))
    assert not asyncio.run(asked.trusted("Eve", "CONTRIBUTOR"))
    assert not asyncio.run(asked.trusted(None, "COLLABORATOR"))


def unknown(remembered: list[str]) -> Authors:
    """Of a token whose owner GitHub does not tell; Ada's bot is trusted, whoever it is."""
    trust = Trust(
        own_logins=frozenset({"github-actions[bot]"}), trusted_authors=frozenset({"ada-app[bot]"})
    )
    return Authors(
        cast(Collaborators, Tracker({})),
        trust,
        clock=Clock(),
        is_own_known=False,
        remember=remembered.append,
    )


def test_whoever_stands_as_the_author_of_what_we_wrote_is_us() -> None:
    """An App's token may not ask ``GET /user``, so the login known from the start may be wrong."""
    asked = authors(Tracker({}))
    assert not asyncio.run(asked.trusted("my-app[bot]", "NONE"))
    edition = asked.edition
    for author in ("my-app[bot]", "My-App[bot]", "kener", None):
        asked.recognise(author)
    assert asyncio.run(asked.trusted("my-app[bot]", "NONE"))
    assert asked.edition == edition + 1


@pytest.mark.parametrize("login", ["eve", "Eve-bot", "bot", "ada", None])
def test_a_person_is_never_taken_for_a_service_whose_account_is_not_known(
    login: str | None,
) -> None:
    assert not unknown([]).is_own(login)


def test_until_it_is_known_any_bot_may_be_this_service_and_then_that_one_alone() -> None:
    remembered: list[str] = []
    asked = unknown(remembered)
    assert asked.is_own("my-app[bot]")
    assert asked.is_own("another-app[Bot]")
    asked.recognise("another-app[bot]")
    assert remembered == [], "what was found by its mark teaches nothing that outlives the process"
    for author in (None, "my-app[bot]", "My-App[bot]"):
        asked.learn(author)
    assert remembered == ["my-app[bot]"]
    assert asked.is_own("my-app[bot]")
    assert not asked.is_own("dependabot[bot]")
    assert asyncio.run(asked.trusted("my-app[bot]", "NONE"))


def test_an_account_that_is_trusted_anyway_is_learned_as_our_own_all_the_same() -> None:
    remembered: list[str] = []
    asked = unknown(remembered)
    asked.learn("ada-app[bot]")
    assert remembered == ["ada-app[bot]"]
    assert asked.is_own("ada-app[bot]")


def test_a_known_account_is_not_remembered_and_no_bot_may_be_it() -> None:
    remembered: list[str] = []
    trust = Trust(own_logins=frozenset({"kener"}), trusted_authors=frozenset())
    asked = Authors(
        cast(Collaborators, Tracker({})), trust, clock=Clock(), remember=remembered.append
    )
    asked.learn("Kener")
    assert remembered == []
    assert asked.is_own("KENER")
    assert not asked.is_own("my-app[bot]")


def test_where_requests_run_short_an_answer_holds_longer() -> None:
    tracker, clock = Tracker({"Bob": "write"}), Clock()
    trust = Trust(own_logins=frozenset(), trusted_authors=frozenset())
    asked = Authors(cast(Collaborators, tracker), trust, clock=clock, stretch=lambda: 4.0)
    for seconds in (0, 3 * REMEMBER_SECONDS, REMEMBER_SECONDS):
        clock.now += seconds
        assert asyncio.run(asked.trusted("Bob", "NONE"))
    assert tracker.asked == ["Bob", "Bob"]


async def trusted_in_turn(
    asked: Authors, clock: Clock, *steps: tuple[float, float]
) -> list[tuple[bool, int]]:
    """After each pause, whether what Bob wrote so many seconds ago is shown, and the edition."""
    found = []
    for pause, ago in steps:
        clock.now += pause
        is_shown = await asked.trusted("Bob", "NONE", written_at=int(clock.now - ago))
        found.append((is_shown, asked.edition))
    return found


def test_what_is_written_after_the_answer_lets_it_be_asked_again_once_it_is_some_minutes_old() -> (
    None
):
    tracker, clock = Tracker({"Bob": "write"}), Clock()
    asked = authors(tracker, clock)

    async def run() -> None:
        assert await asked.trusted("Bob", "NONE", written_at=int(clock.now) - 9_999)
        tracker.permissions = {"Bob": "read"}
        edition = asked.edition
        clock.now += 100
        assert await asked.trusted("Bob", "NONE", written_at=int(clock.now))
        assert asked.edition == edition, "results of now may be given again"
        clock.now += RECHECK_SECONDS - 100
        assert asked.edition != edition, "and from now on may not"
        assert not await asked.trusted("Bob", "NONE", written_at=int(clock.now) - 200)
        assert tracker.asked == ["Bob", "Bob"]
        edition = asked.edition
        clock.now += 10 * RECHECK_SECONDS
        assert not await asked.trusted("Bob", "NONE", written_at=int(clock.now))
        assert (tracker.asked, asked.edition) == (["Bob", "Bob"], edition), "no stranger's matters"

    asyncio.run(run())


def test_what_is_older_than_the_answer_needs_no_other_one_for_a_day() -> None:
    tracker, clock = Tracker({"Bob": "write"}), Clock()
    asked = authors(tracker, clock)
    ago = CLOCKS_DIFFER_SECONDS + 1
    steps = [(0.0, ago), (RECHECK_SECONDS, RECHECK_SECONDS + ago), (9_000.0, 99_999.0)]
    assert len(asyncio.run(trusted_in_turn(asked, clock, *steps))) == 3
    assert tracker.asked == ["Bob"]


@pytest.mark.parametrize("login", ["bob", None], ids=["of them", "of whoever it may be"])
def test_a_change_of_rights_counts_within_half_a_minute_however_often_it_is_told(
    login: str | None,
) -> None:
    tracker, clock = Tracker({"Bob": "write"}), Clock()
    asked = authors(tracker, clock)

    async def run() -> None:
        assert await asked.trusted("Bob", "NONE")
        tracker.permissions = {"Bob": "none"}
        for _ in range(int(LEAST_SECONDS) * 4):
            clock.now += 0.25
            before = asked.edition
            asked.expire(login)
            assert asked.edition != before
            is_shown = await asked.trusted("Bob", "NONE")
        assert not is_shown
        assert tracker.asked == ["Bob", "Bob"]

    asyncio.run(run())


def test_a_change_of_rights_that_is_told_while_github_is_out_counts_afterwards() -> None:
    tracker, clock = Tracker({"Bob": "write"}), Clock()
    asked = authors(tracker, clock)

    async def run() -> None:
        assert await asked.trusted("Bob", "NONE")
        asked.expire("Bob")
        tracker.permissions = None
        clock.now += LEAST_SECONDS
        assert await asked.trusted("Bob", "NONE"), "what it said last"
        tracker.permissions = {"Bob": "read"}
        edition = asked.edition
        clock.now += LEAST_SECONDS
        assert asked.edition != edition
        assert not await asked.trusted("Bob", "NONE")

    asyncio.run(run())


def test_an_author_of_whom_github_does_not_tell_is_not_asked_for_with_every_read() -> None:
    tracker, clock = Tracker(None), Clock()
    asked = authors(tracker, clock)
    for _ in range(600):
        clock.now += 1
        with pytest.raises(GitHubUnavailable):
            asyncio.run(asked.trusted("Eve", "NONE"))
        assert asyncio.run(asked.trusted("Cleo", "COLLABORATOR"))
    assert tracker.asked.count("Eve") == tracker.asked.count("Cleo") == 6
    assert len(asked.failing) == 2
    tracker.permissions = {"Bob": "write", "Eve": "write"}
    assert asyncio.run(asked.trusted("Bob", "NONE")), "the others have nothing to do with it"
    clock.now += 900
    assert asyncio.run(asked.trusted("Eve", "NONE"))
    assert len(asked.failing) == 1


@pytest.mark.parametrize("error", [GitHubOut("out", retry_after_seconds=3), RateLimited("limit")])
def test_an_outage_makes_no_author_wait_longer(error: GitHubUnavailable) -> None:
    class Out(Tracker):
        async def permission(self, login: str) -> str | None:
            if self.permissions is None:
                raise error
            return await super().permission(login)

    tracker = Out(None)
    asked = authors(tracker)
    with pytest.raises(GitHubUnavailable):
        asyncio.run(asked.trusted("Eve", "NONE"))
    tracker.permissions = {"Eve": "write"}
    assert asyncio.run(asked.trusted("Eve", "NONE"))
