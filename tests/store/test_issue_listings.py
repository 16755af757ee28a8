"""Listings, on servers that answer otherwise than the embedded GitHub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from github_store.errors import GitHubUnavailable
from github_store.freshness import Freshness
from github_store.gateway import Gateway, TokenCredential
from github_store.held_answers import HeldAnswers
from github_store.issue_tracker import IssueTracker
from tests.store.scripted_http import Answer, scripted

NOW = 1_790_000_000.0


def issue(number: int) -> dict[str, Any]:
    return {
        "number": number,
        "title": f"Issue {number}",
        "state": "open",
        "created_at": "2026-11-24T04:55:52Z",
        "user": {"login": "owner"},
    }


def ask(url: str, question: Callable[[IssueTracker], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        gateway = Gateway(
            repository_name="owner/status",
            credential=TokenCredential("made-up"),
            api_url=f"{url}/api/v3",
            clock=lambda: NOW,
        )
        held = HeldAnswers(gateway, freshness=Freshness(), clock=lambda: NOW)
        try:
            return await question(IssueTracker(gateway, held, clock=lambda: NOW))
        finally:
            await gateway.close()

    return asyncio.run(run())


async def numbers(tracker: IssueTracker) -> list[int]:
    listing = await tracker.listings.labelled(["incident"], state="open")
    return [each.number async for page in listing.pages for each in page.issues]


@pytest.mark.parametrize(
    "link",
    ["BASE/api/v3/repositories/7/issues?page=2", "http://inside:1/api/v3/repositories/7/issues?page=2",
     "/api/v3/repositories/7/issues?page=2"],
    ids=["as GitHub writes it", "another name of the server", "without a host"],
)  # fmt: skip
def test_pages_are_followed_however_the_server_names_itself(link: str) -> None:
    first = Answer(200, [issue(2)], {"Link": f'<{link}>; rel="next"'})
    with scripted(first, Answer(200, [issue(1)])) as server:
        assert ask(server.url, numbers) == [2, 1]
    assert server.lines[1:] == ["GET /api/v3/repositories/7/issues?page=2"]


@pytest.mark.parametrize("again", ["2", "1"], ids=["the page itself", "the page before"])
def test_pages_that_go_in_a_circle_are_an_outage_and_do_not_hold_up_the_service(again: str) -> None:
    def page(number: int, following: str) -> Answer:
        link = f'</api/v3/repositories/7/issues?page={following}>; rel="next"'
        return Answer(200, [issue(number)], {"Link": link})

    async def read_twice(tracker: IssueTracker) -> None:
        for _ in range(2):
            with pytest.raises(GitHubUnavailable, match="in a circle"):
                await numbers(tracker)

    with scripted(page(3, "2"), page(2, again), page(3, "2")) as server:
        ask(server.url, read_twice)


@pytest.mark.parametrize("status", [404, 410, 422])
def test_a_listing_that_breaks_off_is_an_outage_and_not_its_end(status: int) -> None:
    first = Answer(200, [issue(2)], {"Link": '</api/v3/repositories/1/lost?page=2>; rel="next"'})
    with scripted(first, Answer(status, {"message": "Not Found"})) as server:  # noqa: SIM117
        with pytest.raises(GitHubUnavailable, match=f"{status} for the next page"):
            ask(server.url, numbers)


@pytest.mark.parametrize("status", [404, 410])
def test_a_gone_issue_has_no_listing_while_the_repository_is_there(status: int) -> None:
    with scripted(Answer(status), Answer(200, {"full_name": "owner/status"})) as server:
        assert ask(server.url, lambda it: it.comments.of(1)) is None


@pytest.mark.parametrize("status", [404, 410, 422])
def test_a_search_that_is_refused_is_an_outage_and_not_an_empty_answer(status: int) -> None:
    async def found(tracker: IssueTracker) -> list[int]:
        listing = await tracker.listings.search("repo:owner/status is:issue")
        return [each.number async for each in listing.issues]

    with scripted(Answer(status, {"message": "Validation Failed"})) as server:  # noqa: SIM117
        with pytest.raises(GitHubUnavailable, match=f"search answers {status} Validation Failed"):
            ask(server.url, found)


@pytest.mark.parametrize("odd", [None, 7, "text", [], {}, {"number": 4}, {"title": "x"}], ids=repr)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_odd_issue_is_left_out_of_a_list_and_named(
    odd: Any, place: int, caplog: pytest.LogCaptureFixture
) -> None:
    listed: list[Any] = [issue(3), issue(2)]
    listed.insert(place, odd)
    with scripted(Answer(200, listed)) as server:
        assert ask(server.url, numbers) == [3, 2]
    assert "it is left out" in caplog.text


def test_a_list_of_odd_issues_alone_is_an_outage() -> None:
    answers = [Answer(200, [{}, {"number": 4}])] * 2
    with scripted(*answers) as server, pytest.raises(GitHubUnavailable):
        ask(server.url, numbers)
