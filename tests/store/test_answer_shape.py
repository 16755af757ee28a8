"""What an answer has to be of what is read of it; a sample of each kind, and each spoilt."""

from __future__ import annotations

from typing import Any

import pytest

from github_store.answer_shape import misshapen

REPOSITORY = "/repos/owner/status"
AT = "2026-11-24T04:55:52Z"
ISSUE: dict[str, Any] = {
    "number": 3, "title": "t", "body": None, "state": "open", "labels": [{"name": "incident"}],
    "created_at": AT, "updated_at": AT, "closed_at": None, "user": {"login": "owner"},
}  # fmt: skip
COMMENT: dict[str, Any] = {
    "id": 5, "body": "b", "created_at": AT, "updated_at": AT, "user": None,
    "issue_url": "https://api.github.com/repos/owner/status/issues/3",
}  # fmt: skip
EVENT: dict[str, Any] = {"event": "labeled", "created_at": AT, "label": {"name": "resolved"}}
FOUND: dict[str, Any] = {"total_count": 1, "incomplete_results": False, "items": [ISSUE]}
LIMIT: dict[str, Any] = {"limit": 5_000, "remaining": 0, "reset": 1_790_000_000}
WHOLE: list[tuple[str, str, Any]] = [
    ("GET", REPOSITORY, {"full_name": "owner/status", "id": 1, "permissions": {"push": True}}),
    ("GET", REPOSITORY, {}),
    ("GET", "/repositories/7", {"full_name": "owner/status"}),
    ("GET", f"{REPOSITORY}/issues?state=all", []),
    ("GET", f"{REPOSITORY}/issues?state=all", [ISSUE]),
    ("GET", "/repositories/7/issues?page=2", [ISSUE]),
    ("POST", f"{REPOSITORY}/issues", ISSUE),
    ("PATCH", f"{REPOSITORY}/issues/3", ISSUE),
    ("GET", f"{REPOSITORY}/issues/3/comments?per_page=100", [COMMENT]),
    ("GET", f"{REPOSITORY}/issues/comments?sort=updated", [COMMENT]),
    ("GET", f"{REPOSITORY}/issues/comments/5", COMMENT),
    ("GET", f"{REPOSITORY}/issues/3/events", [EVENT, {"event": "closed", "created_at": AT}]),
    ("GET", f"{REPOSITORY}/labels?per_page=100", [{"name": "incident"}]),
    ("GET", "/search/issues?q=x", FOUND),
    ("GET", "/user", {"login": "owner"}),
    ("GET", "/rate_limit", {"resources": {"core": LIMIT}}),
    ("POST", f"{REPOSITORY}/issues/3/labels", "of no interest"),
    ("DELETE", f"{REPOSITORY}/issues/3/labels/x", None),
]


@pytest.mark.parametrize(("method", "path", "data"), WHOLE)
def test_what_github_answers_is_as_it_should(method: str, path: str, data: Any) -> None:
    assert misshapen(method, path, data) is None


READ = [(method, path) for method, path, _ in WHOLE if "/labels" not in path or method == "GET"]
NOTHING_NEEDED = {REPOSITORY, "/repositories/7"}


@pytest.mark.parametrize("data", [None, True, 1, "text", [[]], [None]], ids=repr)
@pytest.mark.parametrize(("method", "path"), READ)
def test_something_else_in_its_place_is_named(method: str, path: str, data: Any) -> None:
    problem = misshapen(method, path, data)
    assert problem
    assert problem.startswith("no ")
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("method", "path"), [each for each in READ if each[1] not in NOTHING_NEEDED]
)
def test_an_object_without_what_is_read_of_it_is_named(method: str, path: str) -> None:
    assert misshapen(method, path, {"number": 3})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"number": True}, "whole number"),
        ({"number": 1.9}, "whole number"),
        ({"number": 10**30}, "out of range"),
        ({"number": 0}, "out of range"),
        ({"number": "3"}, "whole number"),
        ({"title": None}, "expected a text"),
        ({"labels": {"incident": 1}}, "no list but dict"),
        ({"labels": [{}]}, "name is missing"),
        ({"user": "owner"}, "no object but str"),
        ({"created_at": "yesterday"}, "Invalid isoformat"),
        ({"created_at": "2026-11-24T04:55:52"}, "without an offset"),
        ({"closed_at": 5}, "must be str"),
    ],
)
def test_an_issue_with_a_field_of_another_kind_is_none(
    change: dict[str, Any], problem: str
) -> None:
    told = misshapen("GET", f"{REPOSITORY}/issues/3", ISSUE | change)
    assert told
    assert told.startswith("no issue (")
    assert problem in told


def test_what_was_swept_for_tells_its_time() -> None:
    undated = {key: value for key, value in ISSUE.items() if key != "updated_at"}
    assert misshapen("GET", f"{REPOSITORY}/issues?state=all", [undated]) is None
    told = misshapen("GET", f"{REPOSITORY}/issues?sort=updated&state=all", [undated])
    assert told == "no list of issues (updated_at is missing)"


@pytest.mark.parametrize("name", ["", "owner", "a/b/c", "../x", "a b/c", "/x", "owner/", 7])
def test_a_repository_is_called_by_owner_and_name(name: Any) -> None:
    assert misshapen("GET", REPOSITORY, {"full_name": name})


LISTS = ("/issues?state=all", "/issues?sort=updated", "/issues/3/comments", "/labels")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("odd", [None, 7, {}, {"number": 7}, "text"], ids=repr)
def test_one_odd_element_makes_no_list_another_thing_and_nothing_but_odd_ones_does(
    path: str, odd: Any
) -> None:
    good = {"/labels": {"name": "incident"}, "/issues/3/comments": COMMENT}.get(path, ISSUE)
    assert misshapen("GET", REPOSITORY + path, [odd, good]) is None
    assert misshapen("GET", REPOSITORY + path, [good, odd]) is None
    assert misshapen("GET", REPOSITORY + path, [odd, odd])
