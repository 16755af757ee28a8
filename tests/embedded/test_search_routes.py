"""GET /search/issues over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest

from github_store.embedded import EmbeddedGitHub
from github_store.search_query import SearchFilter, issue_query

if TYPE_CHECKING:
    from .conftest import Answer, Api

HERE = "repo:owner/status"


def search(api: Api, query: str, **parameters: object) -> Answer:
    extra = "".join(f"&{name}={value}" for name, value in parameters.items())
    return api.get(f"/search/issues?q={quote_plus(query)}{extra}")


def titles(api: Api, query: str, **parameters: object) -> list[str]:
    answer = search(api, query, **parameters)
    assert answer.status == 200, answer.body
    return [item["title"] for item in answer.json()["items"]]


def refusal(api: Api, query: str, **parameters: object) -> dict[str, Any]:
    answer = search(api, query, **parameters)
    assert answer.status == 422, answer.body
    body: dict[str, Any] = answer.json()
    return body


def test_an_issue_is_found_by_its_words_labels_and_state(owner: Api) -> None:
    owner.opened("Mail is late", labels=["incident", "in progress"])
    owner.opened("Mail is fine", labels=["incident"])
    owner.opened("Web is late")
    assert titles(owner, f"{HERE} is:issue state:open mail") == ["Mail is fine", "Mail is late"]
    assert titles(owner, f'{HERE} label:"in progress"') == ["Mail is late"]
    assert titles(owner, f"{HERE} late -label:incident") == ["Web is late"]
    assert titles(owner, f"{HERE} no:label OR fine") == ["Web is late", "Mail is fine"]


def test_words_are_found_in_bodies_and_comments_unless_the_query_says_where(owner: Api) -> None:
    owner.opened("One", body="the queue is full")
    number = owner.opened("Two")
    assert owner.post(f"issues/{number}/comments", {"body": "Emptied the queue"}).status == 201
    assert titles(owner, f"{HERE} queue") == ["Two", "One"]
    assert titles(owner, f"{HERE} queue in:body") == ["One"]
    assert titles(owner, f"{HERE} queue in:comments") == ["Two"]
    assert titles(owner, f"{HERE} queue in:title") == []
    assert titles(owner, f"{HERE} commenter:owner") == ["Two"]


def test_pull_requests_are_mixed_in_unless_the_query_says_otherwise(
    github: EmbeddedGitHub, owner: Api
) -> None:
    owner.opened("Fix me")
    github.add_pull_request("owner/status", title="Fix it")
    assert titles(owner, f"{HERE} fix") == ["Fix it", "Fix me"]
    assert titles(owner, f"{HERE} fix is:issue") == ["Fix me"]
    (item,) = search(owner, f"{HERE} is:pr").json()["items"]
    assert "pull_request" in item


def test_the_answer_has_a_score_and_no_etag_and_is_not_kept(owner: Api) -> None:
    owner.opened()
    answer = search(owner, f"{HERE} mail")
    assert set(answer.json()) == {"total_count", "incomplete_results", "items"}
    assert answer.json()["total_count"] == 1
    assert answer.json()["incomplete_results"] is False
    assert answer.json()["items"][0]["score"] == 1.0
    assert "closed_by" not in answer.json()["items"][0]
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-ratelimit-resource"] == "search"
    assert answer.headers["x-ratelimit-limit"] == "30"


@pytest.mark.parametrize("query", ["", "   "])
def test_a_search_for_nothing_is_refused(owner: Api, query: str) -> None:
    assert refusal(owner, query)["errors"] == [
        {"resource": "Search", "field": "q", "code": "missing"}
    ]
    assert owner.get("/search/issues").status == 422


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param("x" * 257, "The search is longer than 256 characters.", id="too long"),
        pytest.param("a OR b OR c OR d OR e OR f OR g", "More than five AND", id="operators"),
        pytest.param("created:soon", "not a recognized date/time format", id="no time"),
    ],
)
def test_a_wrong_query_is_refused(owner: Api, query: str, message: str) -> None:
    body = refusal(owner, f"{HERE} {query}")
    assert body["message"] == "Validation Failed"
    (error,) = body["errors"]
    assert message in error.pop("message")
    assert error == {"resource": "Search", "field": "q", "code": "invalid"}


def test_a_repository_that_is_not_there_and_one_that_is_hidden_look_the_same(
    github: EmbeddedGitHub, owner: Api
) -> None:
    github.create_repository("owner/secret", private=True)
    stranger = owner.as_("stranger")
    missing, hidden = (
        refusal(stranger, "repo:owner/nowhere a"),
        refusal(stranger, "repo:owner/secret a"),
    )
    assert missing == hidden
    assert missing["errors"][0]["message"].startswith("The listed users and repositories cannot")
    assert refusal(stranger, "user:nobody-at-all a") == missing
    assert titles(owner, "repo:owner/secret a") == []


def test_hidden_repositories_are_left_out_where_others_are_visible(
    github: EmbeddedGitHub, owner: Api
) -> None:
    github.create_repository("owner/secret", private=True)
    owner.opened("Seen by all")
    assert owner.post("/repos/owner/secret/issues", {"title": "Seen by few"}).status == 201
    stranger = owner.as_("stranger")
    for query in ("seen", "user:owner seen", f"{HERE} repo:owner/secret seen"):
        assert titles(owner, query) == ["Seen by few", "Seen by all"]
        assert titles(stranger, query) == ["Seen by all"]
        assert titles(owner.as_(None), query) == ["Seen by all"]
    assert titles(owner, "seen -repo:owner/secret") == ["Seen by all"]


def test_pages_are_numbered_and_keep_the_callers_parameters(owner: Api) -> None:
    for number in range(5):
        owner.opened(f"Issue {number}")
    first = search(owner, f"{HERE} issue", per_page=2, sort="created", order="asc")
    assert [item["title"] for item in first.json()["items"]] == ["Issue 0", "Issue 1"]
    assert first.json()["total_count"] == 5
    start = f"{owner.github.url}/search/issues?q=repo%3Aowner%2Fstatus+issue&per_page=2"
    assert first.link("next") == f"{start}&sort=created&order=asc&page=2"
    assert first.link("last") == f"{start}&sort=created&order=asc&page=3"
    last = owner.get(first.link("last") or "")
    assert [item["title"] for item in last.json()["items"]] == ["Issue 4"]
    assert last.link("next") is None
    assert owner.get(last.link("first") or "").json() == first.json()
    assert "link" not in search(owner, f"{HERE} issue").headers


def test_only_the_first_thousand_results_can_be_had(owner: Api) -> None:
    assert search(owner, HERE, per_page=100, page=10).json()["items"] == []
    assert search(owner, HERE, page=34).status == 200
    for beyond in ({"per_page": 100, "page": 11}, {"page": 35}, {"per_page": 1, "page": 1001}):
        body = refusal(owner, HERE, **beyond)
        assert body["message"] == "Only the first 1000 search results are available"


def test_results_come_in_the_order_asked_for(owner: Api) -> None:
    first, second = owner.opened("First"), owner.opened("Second")
    owner.post(f"issues/{first}/comments", {"body": "hm"})
    assert titles(owner, HERE) == ["Second", "First"]
    assert titles(owner, HERE, sort="created", order="asc") == ["First", "Second"]
    assert titles(owner, HERE, sort="comments") == ["First", "Second"]
    assert titles(owner, f"{HERE} sort:created-asc") == ["First", "Second"]
    assert titles(owner, HERE, sort="bogus", order="asc") == ["Second", "First"]
    assert second == first + 1


# faults -----------------------------------------------------------------------------------------


class Clock:
    now = 1_777_600_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def github(tmp_path: Path, clock: Clock) -> Iterator[EmbeddedGitHub]:
    """With a clock that stands still until a test moves it."""
    with EmbeddedGitHub(tmp_path / "github", clock=clock, search_limit=30) as running:
        running.create_repository("owner/status", files={"README.md": b"# Status\n"})
        yield running


def test_a_lagging_index_shows_issues_as_they_were(owner: Api, clock: Clock) -> None:
    number = owner.opened("Early")
    clock.now += 60
    owner.opened("Late")
    assert owner.patch(f"issues/{number}", {"title": "Changed"}).status == 200
    clock.now += 10
    fault = owner.github.faults.add("search_lag", seconds=30)
    assert titles(owner, HERE) == ["Early"]
    clock.now += 30
    assert titles(owner, HERE) == ["Late", "Changed"]
    owner.github.faults.lift(fault)
    assert titles(owner, HERE) == ["Late", "Changed"]


def test_a_search_that_ran_out_of_time_says_that_it_is_incomplete(owner: Api) -> None:
    for number in range(4):
        owner.opened(f"Issue {number}")
    owner.github.faults.add("search_timeout", count=1)
    answer = search(owner, HERE)
    assert answer.status == 200
    assert answer.json()["incomplete_results"] is True
    assert len(answer.json()["items"]) == answer.json()["total_count"] == 2
    assert search(owner, HERE).json()["incomplete_results"] is False


def test_created_times_are_inclusive_to_the_second(owner: Api, clock: Clock) -> None:
    owner.opened("Now")
    at = "2026-05-01T01:46:40"
    assert titles(owner, f"{HERE} created:>={at}Z") == ["Now"]
    assert titles(owner, f"{HERE} created:>{at}Z") == []
    assert titles(owner, f"{HERE} created:{at}Z..{at}Z") == ["Now"]
    assert titles(owner, f"{HERE} created:<=2026-05-01T03:46:40+02:00") == ["Now"]
    plus_as_space = f"/search/issues?q={quote(HERE, safe='')}+created:<=2026-05-01T03:46:40+02:00"
    # The plus became a space: 03:46:40 in UTC, and a word that is nowhere.
    assert owner.get(plus_as_space).json()["total_count"] == 0


# the product's own queries ----------------------------------------------------------------------

HOSTILE = [
    "x OR is:closed",
    "label:secret",
    "-label:incident",
    "in:body mail",
    "repo:owner/other mail",
    ") OR (mail",
    'x" OR mail "',
    'x\\" OR mail',
    "NOT x",
    "sort:created-asc",
]


@pytest.fixture
def mixed(owner: Api) -> Api:
    """One open incident, and issues that no search for incidents may show."""
    owner.github.create_repository("owner/other")
    owner.post("/repos/owner/other/issues", {"title": "Mail elsewhere", "labels": ["incident"]})
    owner.opened("Secret mail", labels=["secret"])
    closed = owner.opened("Closed mail", labels=["incident"])
    owner.patch(f"issues/{closed}", {"state": "closed"})
    owner.opened("Web", body="no mail", labels=["incident"])
    owner.opened("Mail is late", labels=["incident"])
    return owner


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_have_no_effect_where_the_product_quotes_them(mixed: Api, text: str) -> None:
    query = issue_query("owner/status", SearchFilter(title_like=text))
    assert titles(mixed, query) == []


def test_the_products_query_finds_the_incident(mixed: Api) -> None:
    query = issue_query("owner/status", SearchFilter(title_like="LATE mail", created_after=0))
    assert titles(mixed, query) == ["Mail is late"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x OR is:closed", ["Closed mail"]),
        ("web OR repo:owner/other", ["Mail is late", "Mail elsewhere"]),
        (") OR (mail", ["Mail is late", "Closed mail", "Secret mail"]),
        ("x OR secret", ["Secret mail"]),
        ("NOT x", ["Mail is late", "Web"]),
        ("in:body no", ["Web"]),
        ("mail sort:created-asc", ["Mail is late"]),
    ],
)
def test_the_same_words_have_an_effect_where_nobody_quotes_them(
    mixed: Api, text: str, shown: list[str]
) -> None:
    found = titles(mixed, f"{HERE} state:open label:incident {text} in:title")
    assert set(shown) <= set(found)
