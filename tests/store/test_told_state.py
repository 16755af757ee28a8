"""What was told is held against what is known, in any order and however late."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from github_store.freshness import Freshness
from github_store.gateway import Reply
from github_store.held_answers import HeldAnswers
from github_store.records import iso_from_seconds
from github_store.told_state import CLOCKS_DIFFER_SECONDS, LATE_SECONDS, ToldState
from tests.store.test_held_answers import PATH, ScriptedGateway, reply

NOW = 1_790_000_000


def issue(title: str, *, seconds_ago: int) -> dict[str, Any]:
    return {"title": title, "updated_at": iso_from_seconds(NOW - seconds_ago)}


class Desk:
    """One issue of GitHub's, what is held of it, and what is told."""

    def __init__(self) -> None:
        self.gateway = ScriptedGateway(reply("asked"))
        self.held = HeldAnswers(
            self.gateway,  # type: ignore[arg-type]
            freshness=Freshness(),
            clock=lambda: NOW,
        )
        self.told = ToldState(self.held, clock=lambda: NOW)

    def known(self, data: Any, *, status: int = 200) -> None:
        self.held.put(PATH, Reply(status, {}, data))

    def given(self) -> Any:
        """The title that the next reader gets, or ``asked`` where GitHub is asked."""
        data = asyncio.run(self.held.get(PATH)).data
        return data["title"] if isinstance(data, dict) else data


@pytest.mark.parametrize(
    ("known_ago", "told_ago", "given"),
    [
        (10, 5, "told"),
        (10, 15, "known"),
        (10, 10, "asked"),
        (None, 5, "told"),
        (None, LATE_SECONDS + 1, "asked"),
        (LATE_SECONDS + 9, LATE_SECONDS + 1, "asked"),
        (LATE_SECONDS + 1, LATE_SECONDS + 9, "known"),
        (LATE_SECONDS + 9, LATE_SECONDS + 9, "asked"),
    ],
    ids=[
        "newer",
        "older",
        "of the same second",
        "nothing is known",
        "nothing is known and it comes late",
        "newer than what is known and late",
        "older and late",
        "of the same second and late",
    ],
)
def test_what_is_told_is_held_where_it_is_newer_and_comes_in_time(
    known_ago: int | None, told_ago: int, given: str
) -> None:
    desk = Desk()
    if known_ago is not None:
        desk.known(issue("known", seconds_ago=known_ago))
    desk.told.take(PATH, issue("told", seconds_ago=told_ago))
    assert desk.given() == given


def test_what_github_itself_says_now_is_never_late() -> None:
    desk = Desk()
    desk.told.take(PATH, issue("told", seconds_ago=9_999), is_read_now=True)
    assert desk.given() == "told"


def test_the_same_told_again_changes_nothing() -> None:
    desk = Desk()
    for _ in range(3):
        desk.told.take(PATH, issue("told", seconds_ago=5))
    assert desk.given() == "told"


def test_what_was_disputed_does_not_come_back_with_the_same_second() -> None:
    desk = Desk()
    for title in ("one", "another", "one"):
        desk.told.take(PATH, issue(title, seconds_ago=5))
    assert desk.given() == "asked"


def test_what_is_gone_stays_gone() -> None:
    desk = Desk()
    desk.told.bury(PATH)
    desk.told.take(PATH, issue("late", seconds_ago=5))
    assert asyncio.run(desk.held.get(PATH)).status == 410


def test_what_was_not_there_yet_comes_to_be() -> None:
    desk = Desk()
    desk.known({"message": "Not Found"}, status=404)
    desk.told.take(PATH, issue("new", seconds_ago=5))
    assert desk.given() == "new"


@pytest.mark.parametrize(("after_seconds", "given"), [(0, "told"), (1, "asked")])
def test_payloads_from_before_a_change_of_labels_may_name_the_old_ones(
    after_seconds: int, given: str
) -> None:
    desk = Desk()
    desk.told.note_labels_changed(told_at=NOW - 5 - CLOCKS_DIFFER_SECONDS - 1 + after_seconds)
    desk.told.take(PATH, issue("told", seconds_ago=5))
    assert desk.given() == given


@pytest.mark.parametrize("data", [{}, {"updated_at": None}, {"updated_at": "yesterday"}])
def test_what_has_no_time_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Desk().told.take(PATH, data)


@pytest.mark.parametrize("part", ["title", "body", "state", "state_reason", "closed_at"])
def test_two_tellings_of_one_second_that_differ_in_what_is_read_let_github_be_asked(
    part: str,
) -> None:
    desk = Desk()
    known = issue("same", seconds_ago=5)
    desk.known(known)
    desk.told.take(PATH, known | {"comments": 7})
    assert desk.given() == "same"
    desk.told.take(PATH, known | {part: "other"})
    assert desk.given() == "asked"
