"""What lists may not show yet; and what cannot be had while GitHub is out: the list has to do."""

from __future__ import annotations

import math

import pytest

from github_store import Outcome, SearchFilter, Store, incident_news
from github_store.embedded import EmbeddedGitHub
from github_store.incident_news import LAG_SECONDS, IncidentNews
from tests.github_person import Person
from tests.store.incident_scene import with_store
from tests.store.traced import outcome_of

SEARCHES = (SearchFilter(), SearchFilter(tags=("earth",)), SearchFilter(title_like="outage"))


def test_lists_that_were_read_are_given_though_an_issue_was_news_before_the_outage(
    github: EmbeddedGitHub,
) -> None:
    number = Person(github.url, github.tokens["owner"]).open_issue("Outage")

    async def steps(store: Store) -> None:
        for search in SEARCHES:
            found = await store.incidents.search(search, page=1, per_page=10)
            assert [incident.number for incident in found] == [number]
        standing = await store.incidents.standing(updated_since=0)
        store.incidents.news.note(number)  # the issue alone was never read
        github.faults.add("outage")
        for search in SEARCHES:
            read = store.incidents.search(search, page=1, per_page=10)
            assert await outcome_of(read) == (found, Outcome.OUTAGE)
        assert await store.incidents.standing(updated_since=0) == standing

    with_store(github, steps)


def test_comments_that_were_read_are_given_though_one_was_news_before_the_outage(
    github: EmbeddedGitHub,
) -> None:
    owner = Person(github.url, github.tokens["owner"])
    number = owner.open_issue("Outage")
    first = owner.do("POST", f"/issues/{number}/comments", {"body": "We look."})["id"]

    async def steps(store: Store) -> None:
        read = await store.incidents.comments(number)
        assert [comment.body for comment in read] == ["We look."]
        store.incidents.news.note_comment(number, first)
        store.incidents.news.note_comment(number, first + 1)
        github.faults.add("outage")
        assert await outcome_of(store.incidents.comments(number)) == (read, Outcome.OUTAGE)

    with_store(github, steps)


class Desk:
    """News, the time, and how often lists had to be renewed."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        self.renewals = 0
        self.news = IncidentNews(clock=lambda: self.now, renew_lists=self._renew)

    def _renew(self) -> None:
        self.renewals += 1


def test_an_issue_is_news_to_lists_confirmed_less_than_the_lag_after_it() -> None:
    desk = Desk()
    at = desk.now
    desk.news.note(1)
    desk.news.note_comment(7, 70)
    for confirmed_at, is_news in (
        (at - 3_600, True), (at, True), (at + LAG_SECONDS - 1, True), (at + LAG_SECONDS, False),
        (math.inf, False),
    ):  # fmt: skip
        assert desk.news.since(confirmed_at) == ({1} if is_news else frozenset())
        assert desk.news.comments_since(7, confirmed_at) == ({70} if is_news else frozenset())
    assert desk.news.comments_since(8, at) == frozenset()


def test_a_clock_that_is_set_back_loses_no_news() -> None:
    desk = Desk()
    at = desk.now
    desk.news.note(1)
    desk.now -= 3_600
    desk.news.note(2)
    assert desk.news.since(at) == {1, 2}


def test_when_too_much_is_news_lists_are_asked_anew_and_what_they_show_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(incident_news, "MAX_RECENT", 5)
    desk = Desk()
    for number in range(5):
        desk.news.note(number)
        desk.news.note_comment(1, number)
    desk.now += LAG_SECONDS
    edition = desk.news.edition
    desk.news.note(4)  # the same once more is not more
    assert (desk.renewals, desk.news.edition) == (0, edition + 1)
    desk.news.note(5)
    assert (desk.renewals, desk.news.edition) == (1, edition + 3)
    assert desk.news.since(0.0) == {4, 5}, "younger than the lag: a new list may miss them too"
    desk.news.note_comment(2, 99)
    assert desk.renewals == 2
    assert (desk.news.comments_since(1, 0.0), desk.news.comments_since(2, 0.0)) == (set(), {99})


def test_what_comes_within_the_lag_is_kept_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incident_news, "MAX_RECENT", 5)
    monkeypatch.setattr(incident_news, "MOST_RECENT", 8)
    desk = Desk()
    for number in range(20):
        desk.news.note(number)
    assert desk.news.since(0.0) == set(range(12, 20))
