"""What lists may not show yet; and what cannot be had while GitHub is out: the list has to do."""

from __future__ import annotations

import math

import pytest

from github_store import GitHubUnavailable, Outcome, SearchFilter, Store, incident_news
from github_store.embedded import EmbeddedGitHub
from github_store.incident_news import LAG_SECONDS, IncidentNews
from github_store.webhook import IssueChanged
from tests.github_person import Person
from tests.store.incident_scene import Clock, with_store
from tests.store.test_inbox import Post, with_post
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


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        pytest.param("read", ["We look."], id="a stranger's is not shown"),
        pytest.param("write", ["We look.", "Me too."], id="a collaborator's is"),
    ],
)
def test_a_comment_by_whom_nothing_is_known_keeps_no_others_back_while_github_is_out(
    github: EmbeddedGitHub, role: str, shown: list[str]
) -> None:
    newcomer = Person(github.url, github.add_user("newcomer"))
    github.set_role("owner/status", "newcomer", role)

    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Outage")
        owner.do("POST", f"/issues/{number}/comments", {"body": "We look."})
        assert len(await store.incidents.comments(number)) == 1
        newcomer.do("POST", f"/issues/{number}/comments", {"body": "Me too."})
        github.faults.add("outage")
        await post.deliver(*post.collected())
        read, outcome = await outcome_of(store.incidents.comments(number))
        assert [comment.body for comment in read] == shown
        assert outcome is Outcome.OUTAGE

    with_post(github, steps)


def test_an_incident_that_was_told_in_two_ways_is_given_as_it_was_while_github_is_out(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Outage")
        read = await store.incidents.get(number)
        of_the_same_second = {**owner.do("GET", f"/issues/{number}"), "title": "Outage in Mumbai"}
        fault = github.faults.add("outage")
        await store.inbox.apply(IssueChanged(number, of_the_same_second))
        assert await outcome_of(store.incidents.get(number)) == (read, Outcome.OUTAGE)
        found = store.incidents.search(SearchFilter(), page=1, per_page=10)
        with pytest.raises(GitHubUnavailable):
            await found  # no list was ever read
        github.faults.lift(fault)

    with_post(github, steps)
