"""What is news to a list and cannot be had while GitHub is out: the list has to do."""

from __future__ import annotations

from github_store import Outcome, SearchFilter, Store
from github_store.embedded import EmbeddedGitHub
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
