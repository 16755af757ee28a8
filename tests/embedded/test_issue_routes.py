"""Issues over HTTP: list, open, read, change, lock, history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from github_store.embedded import EmbeddedGitHub

if TYPE_CHECKING:
    from .conftest import Api


class Clock:
    """Moves when told to; whole seconds."""

    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def __call__(self) -> float:
        return self.now


def names(labels: list[dict[str, Any]]) -> list[str]:
    return [label["name"] for label in labels]


def numbers(issues: list[dict[str, Any]]) -> list[int]:
    return [issue["number"] for issue in issues]


# opening ----------------------------------------------------------------------------------------


def test_a_new_issue_is_answered_with_its_place_and_read_back_the_same(owner: Api) -> None:
    made = owner.post("issues", {"title": "Mail is late", "body": "Since noon."})
    assert made.status == 201
    assert made.headers["location"].endswith("/repos/owner/status/issues/1")
    read = owner.get("issues/1")
    assert read.json() == made.json()
    assert read.headers["etag"] == made.headers["etag"]


def test_numbers_go_on_after_a_deleted_issue(owner: Api) -> None:
    owner.opened()
    last = owner.opened()
    owner.github.delete_issue("owner/status", last)
    assert owner.opened() == last + 1


@pytest.mark.parametrize("body", [None, ""], ids=["null", "empty"])
def test_an_issue_without_text_reads_back_as_null(owner: Api, body: str | None) -> None:
    assert owner.get(f"issues/{owner.opened(body=body)}").json()["body"] is None


def test_unknown_labels_are_made_on_the_way_in_grey(owner: Api) -> None:
    made = owner.post("issues", {"title": "x", "labels": ["incident", "INCIDENT", {"name": "Bug"}]})
    assert names(made.json()["labels"]) == ["incident", "bug"]
    label = made.json()["labels"][0]
    assert (label["color"], label["default"], label["description"]) == ("ededed", False, None)


def test_a_caller_without_push_loses_labels_and_people_silently(owner: Api) -> None:
    stranger = owner.as_("stranger")
    fields = {"title": "x", "labels": ["incident"], "assignees": ["owner"], "milestone": 1}
    made = stranger.post("issues", fields)
    assert made.status == 201
    shown = made.json()
    assert (shown["labels"], shown["assignees"], shown["milestone"]) == ([], [], None)
    assert shown["author_association"] == "NONE"
    assert owner.get("labels/incident").status == 404


@pytest.mark.parametrize(
    ("fields", "message", "error"),
    [
        pytest.param({}, 'Invalid request.\n\n"title" wasn\'t supplied.', None, id="no title"),
        pytest.param(
            {"title": " "},
            "Validation Failed",
            {
                "message": "title can't be blank",
                "value": None,
                "resource": "Issue",
                "field": "title",
                "code": "invalid",
            },
            id="blank title",
        ),
        pytest.param(
            {"title": "x" * 257},
            "Validation Failed",
            {
                "resource": "Issue",
                "code": "custom",
                "field": "title",
                "message": "title is too long (maximum is 256 characters)",
            },
            id="long title",
        ),
        pytest.param(
            {"title": "x", "body": "y" * 65_537},
            "Validation Failed",
            {
                "resource": "Issue",
                "code": "custom",
                "field": "body",
                "message": "body is too long (maximum is 65536 characters)",
            },
            id="long body",
        ),
        pytest.param(
            {"title": "x", "labels": ["y" * 51]},
            "Validation Failed",
            {"value": "y" * 51, "resource": "Label", "field": "name", "code": "invalid"},
            id="long label",
        ),
        pytest.param(
            {"title": "x", "assignee": "owner", "assignees": ["owner"]},
            "You cannot pass both `assignee` and `assignees`. Only one may be provided.",
            None,
            id="both assignee keys",
        ),
        pytest.param(
            {"title": "x", "assignees": ["nobody"]},
            "Validation Failed",
            {"value": "nobody", "resource": "Issue", "field": "assignees", "code": "invalid"},
            id="unknown assignee",
        ),
        pytest.param(
            {"title": ["x"]},
            "Invalid request.\n\nFor 'properties/title', ['x'] is not a string.",
            None,
            id="title of another type",
        ),
        pytest.param(
            {"title": "x", "body": 1},
            "Invalid request.\n\nFor 'properties/body', 1 is not a string.",
            None,
            id="body of another type",
        ),
        pytest.param(
            {"title": "x", "labels": "bug"},
            "Invalid request.\n\nFor 'properties/labels', 'bug' is not an array.",
            None,
            id="labels in a string",
        ),
        pytest.param(
            {"title": "x", "labels": [1]},
            "Invalid request.\n\nFor 'properties/labels', 1 is not a string.",
            None,
            id="label of another type",
        ),
        pytest.param(
            {"title": "x", "assignees": "owner"},
            "Invalid request.\n\nFor 'properties/assignees', 'owner' is not an array.",
            None,
            id="assignees in a string",
        ),
        pytest.param(
            {"title": "x", "milestone": 1},
            "Validation Failed",
            {"value": 1, "resource": "Issue", "field": "milestone", "code": "invalid"},
            id="no such milestone",
        ),
        pytest.param(
            {"title": None},
            "Invalid request.\n\nFor 'properties/title', nil is not a string.",
            None,
            id="null title",
        ),
    ],
)
def test_a_bad_issue_is_refused_and_leaves_nothing_behind(
    owner: Api, fields: dict[str, Any], message: str, error: dict[str, Any] | None
) -> None:
    answer = owner.post("issues", fields)
    assert (answer.status, answer.message) == (422, message)
    assert answer.json().get("errors") == (None if error is None else [error])
    assert answer.json()["status"] == "422"
    assert owner.get("issues").json() == []
    assert owner.opened() == 1


def test_a_number_is_a_title(owner: Api) -> None:
    assert owner.post("issues", {"title": 7}).json()["title"] == "7"


def test_one_assignee_may_be_given_alone_and_taken_away_with_null(owner: Api) -> None:
    number = owner.opened(assignee="Collaborator")
    shown = owner.get(f"issues/{number}").json()
    assert shown["assignee"]["login"] == "collaborator"
    events = [event["event"] for event in owner.get(f"issues/{number}/events").json()]
    assert events == ["assigned"]
    assert owner.patch(f"issues/{number}", {"assignee": None}).json()["assignees"] == []


def test_a_state_that_is_none_is_refused(owner: Api) -> None:
    answer = owner.patch(f"issues/{owner.opened()}", {"state": "ajar"})
    assert answer.errors == [
        {"value": "ajar", "resource": "Issue", "field": "state", "code": "invalid"}
    ]


def test_limits_count_characters_not_bytes(owner: Api) -> None:
    number = owner.opened("ü" * 256, body="ü" * 65_536)
    assert len(owner.get(f"issues/{number}").json()["body"]) == 65_536


def test_opening_needs_a_token(owner: Api) -> None:
    answer = owner.as_(None).post("issues", {"title": "x"})
    assert (answer.status, answer.message) == (401, "Requires authentication")
    assert "www-authenticate" not in answer.headers


# changing ---------------------------------------------------------------------------------------


def test_closing_without_a_reason_stores_completed_and_reopening_keeps_who_closed(
    owner: Api,
) -> None:
    number = owner.opened()
    closed = owner.as_("collaborator").patch(f"issues/{number}", {"state": "closed"}).json()
    assert (closed["state"], closed["state_reason"]) == ("closed", "completed")
    assert closed["closed_by"]["login"] == "collaborator"
    assert closed["closed_at"] == closed["updated_at"]
    reopened = owner.patch(f"issues/{number}", {"state": "open"}).json()
    assert (reopened["state"], reopened["state_reason"]) == ("open", "reopened")
    assert reopened["closed_at"] is None
    assert reopened["closed_by"]["login"] == "collaborator"


@pytest.mark.parametrize("reason", ["completed", "not_planned", "duplicate"])
def test_a_reason_for_closing_is_kept(owner: Api, reason: str) -> None:
    number = owner.opened()
    fields = {"state": "closed", "state_reason": reason}
    assert owner.patch(f"issues/{number}", fields).json()["state_reason"] == reason


def test_a_reason_is_ignored_where_the_state_stays(owner: Api) -> None:
    number = owner.opened()
    owner.patch(f"issues/{number}", {"state": "closed"})
    fields = {"state": "closed", "state_reason": "not_planned"}
    assert owner.patch(f"issues/{number}", fields).json()["state_reason"] == "completed"


@pytest.mark.parametrize(
    ("state", "reason"),
    [("closed", "reopened"), ("open", "completed"), ("closed", "because")],
)
def test_an_impossible_reason_is_refused(owner: Api, state: str, reason: str) -> None:
    number = owner.opened()
    answer = owner.patch(f"issues/{number}", {"state": state, "state_reason": reason})
    assert answer.status == 422
    assert answer.errors == [
        {
            "resource": "Issue",
            "code": "custom",
            "field": "state_reason",
            "message": "state_reason Cannot transition to this state",
        }
    ]


def test_labels_in_a_change_replace_all_and_an_empty_list_clears(owner: Api) -> None:
    number = owner.opened(labels=["a", "b"])
    changed = owner.patch(f"issues/{number}", {"labels": ["c", "B"]}).json()
    assert names(changed["labels"]) == ["b", "c"]
    assert owner.patch(f"issues/{number}", {"labels": []}).json()["labels"] == []


def test_what_a_change_does_not_name_stays(owner: Api) -> None:
    number = owner.opened("Mail is late", body="Since noon.", labels=["a"], assignees=["owner"])
    before = owner.get(f"issues/{number}").json()
    assert owner.patch(f"issues/{number}", {"unknown": 1}).json() == before


def test_a_stranger_changes_text_and_state_of_an_own_issue_only(owner: Api) -> None:
    stranger = owner.as_("stranger")
    own, other = stranger.opened(), owner.opened()
    changed = stranger.patch(f"issues/{own}", {"title": "new", "labels": ["a"], "state": "closed"})
    assert changed.status == 200
    assert (changed.json()["title"], changed.json()["labels"]) == ("new", [])
    refused = stranger.patch(f"issues/{other}", {"title": "new"})
    assert (refused.status, refused.message) == (403, "Must have admin rights to Repository.")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(tmp_path: Path, clock: Clock) -> Iterator[EmbeddedGitHub]:
    with EmbeddedGitHub(tmp_path / "timed", clock=clock) as running:
        running.create_repository("owner/status")
        yield running


@pytest.fixture
def timed_owner(timed: EmbeddedGitHub, owner: Api) -> Iterator[Api]:
    api = type(owner)(timed, "owner")
    yield api
    api.close()


def test_only_real_changes_move_updated_at(timed_owner: Api, clock: Clock) -> None:
    number = timed_owner.opened(labels=["a"])
    before = timed_owner.get(f"issues/{number}").json()["updated_at"]
    clock.now += 60
    same = {"title": "Mail is late", "labels": ["A"], "state": "open"}
    assert timed_owner.patch(f"issues/{number}", same).json()["updated_at"] == before
    after = timed_owner.patch(f"issues/{number}", {"title": "b"}).json()["updated_at"]
    assert after > before
    clock.now += 60
    commented = timed_owner.post(f"issues/{number}/comments", {"body": "x"})
    assert commented.status == 201
    assert timed_owner.get(f"issues/{number}").json()["updated_at"] > after


# gone, moved, hidden ----------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["99", "0", "-1", "x", "9" * 40, "1%2F2"])
def test_an_issue_that_does_not_exist_is_404(owner: Api, number: str) -> None:
    answer = owner.get(f"issues/{number}")
    assert (answer.status, answer.message) == (404, "Not Found")


def test_a_deleted_issue_is_gone_everywhere(owner: Api) -> None:
    number = owner.opened(labels=["a"])
    comment = owner.post(f"issues/{number}/comments", {"body": "x"}).json()["id"]
    owner.github.delete_issue("owner/status", number)
    assert owner.get(f"issues/{number}").status == 410
    assert owner.patch(f"issues/{number}", {"title": "x"}).status == 410
    assert owner.post(f"issues/{number}/comments", {"body": "x"}).status == 410
    assert owner.get(f"issues/comments/{comment}").status == 404
    assert owner.get("issues?state=all").json() == []


def test_a_transferred_issue_leads_to_its_new_place_with_comments_and_history(owner: Api) -> None:
    owner.github.create_repository("owner/other")
    number = owner.opened(labels=["bug", "here only"])
    owner.post(f"issues/{number}/comments", {"body": "x"})
    owner.github.transfer_issue("owner/status", number, to="owner/other")
    answer = owner.get(f"issues/{number}")
    assert (answer.status, answer.message) == (301, "Moved Permanently")
    place = answer.headers["location"]
    moved = owner.get(place).json()
    assert moved["repository_url"].endswith("/owner/other")
    assert names(moved["labels"]) == ["bug"]
    assert [one["body"] for one in owner.get(f"{place}/comments").json()] == ["x"]
    events = [event["event"] for event in owner.get(f"{place}/events").json()]
    assert events == ["labeled", "labeled", "transferred"]
    assert owner.get("issues").json() == []


def test_without_issues_everything_of_them_is_410(owner: Api) -> None:
    number = owner.opened()
    assert owner.patch("", {"has_issues": False}).status == 200
    for answer in (
        owner.get("issues"),
        owner.get(f"issues/{number}"),
        owner.post("issues", {"title": "x"}),
    ):
        assert (answer.status, answer.message) == (410, "Issues are disabled for this repo")


# listing ----------------------------------------------------------------------------------------


def test_the_list_shows_open_ones_newest_first_with_pull_requests_among_them(owner: Api) -> None:
    first, second = owner.opened(), owner.opened()
    pull = owner.github.add_pull_request("owner/status", title="Fix")
    owner.patch(f"issues/{first}", {"state": "closed"})
    shown = owner.get("issues").json()
    assert numbers(shown) == [pull, second]
    assert "pull_request" in shown[0]
    assert "pull_request" not in shown[1]
    assert numbers(owner.get("issues?state=closed").json()) == [first]
    assert numbers(owner.get("issues?state=all&direction=asc").json()) == [first, second, pull]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("labels=a", [2, 1]),
        ("labels=A,b", [2]),
        ("labels=a,unknown", []),
        ("labels=%20a%20,", [2, 1]),
        ("assignee=owner", [3]),
        ("assignee=none", [4, 2, 1]),
        ("assignee=*", [3]),
        ("creator=Stranger", [4]),
        ("mentioned=owner", [1]),
        ("milestone=none", [4, 3, 2, 1]),
        ("milestone=*", []),
        ("sort=comments&direction=desc&per_page=1", [2]),
        ("sort=nonsense", [4, 3, 2, 1]),
        ("nonsense=1", [4, 3, 2, 1]),
    ],
)
def test_parameters_select(owner: Api, query: str, found: list[int]) -> None:
    owner.opened(labels=["a"], body="ask @owner")
    owner.opened(labels=["a", "b"])
    owner.opened(assignees=["owner"], body="not @owner-other")
    owner.as_("stranger").opened()
    owner.post("issues/2/comments", {"body": "x"})
    assert numbers(owner.get(f"issues?{query}").json()) == found


def test_a_bad_state_is_refused_with_the_old_documentation(owner: Api) -> None:
    answer = owner.get("issues?state=invalid")
    assert answer.status == 422
    assert answer.errors == [
        {"value": "invalid", "resource": "Issue", "field": "state", "code": "invalid"}
    ]
    assert answer.json()["documentation_url"].endswith("/v3/issues/#list-issues")


def test_since_is_inclusive_and_follows_updates(timed_owner: Api, clock: Clock) -> None:
    first = timed_owner.opened()
    clock.now += 100
    second = timed_owner.opened()
    at = timed_owner.get(f"issues/{second}").json()["updated_at"]
    assert numbers(timed_owner.get(f"issues?since={at}").json()) == [second]
    clock.now += 100
    timed_owner.patch(f"issues/{first}", {"title": "new"})
    shown = timed_owner.get(f"issues?since={at}&sort=updated&direction=asc").json()
    assert numbers(shown) == [second, first]
    assert timed_owner.get("issues?since=yesterday").status == 422


def test_pages_are_reached_by_cursor_in_both_directions_and_have_no_last(owner: Api) -> None:
    expected = [owner.opened() for _ in range(5)][::-1]
    answer = owner.get("issues?per_page=2&labels=")
    assert answer.link("last") is None
    assert answer.link("first") is None
    assert answer.link("prev") is None
    seen = numbers(answer.json())
    while (place := answer.link("next")) is not None:
        assert "/repositories/" in place
        assert "after=" in place
        answer = owner.get(place)
        seen += numbers(answer.json())
    assert seen == expected
    back = owner.get(answer.link("prev") or "")
    assert numbers(back.json()) == expected[2:4]


def test_a_cursor_still_leads_on_when_entries_before_it_change(owner: Api) -> None:
    expected = [owner.opened() for _ in range(4)][::-1]
    place = owner.get("issues?per_page=2").link("next")
    owner.opened()
    owner.patch(f"issues/{expected[0]}", {"state": "closed"})
    assert place is not None
    assert numbers(owner.get(place).json()) == expected[2:]


@pytest.mark.parametrize(
    ("query", "size", "shown"),
    [("per_page=500", 35, None), ("per_page=0", 30, "30"), ("per_page=x&page=0", 30, "30")],
)
def test_page_sizes_are_corrected(owner: Api, query: str, size: int, shown: str | None) -> None:
    for _ in range(35):
        owner.opened()
    answer = owner.get(f"issues?{query}")
    assert len(answer.json()) == size
    place = answer.link("next")
    assert (f"per_page={shown}&" in place) if place else shown is None


def test_a_page_too_deep_asks_for_a_cursor(owner: Api) -> None:
    answer = owner.get("issues?per_page=100&page=101")
    assert answer.status == 422
    assert answer.message.startswith("Pagination with the page parameter is not supported")
    assert "errors" not in answer.json()
    assert owner.get("issues?page=50").json() == []
    assert owner.get("issues?after=nonsense").status == 422


# locking and history ----------------------------------------------------------------------------


def test_a_locked_issue_takes_comments_from_people_with_push_only(owner: Api) -> None:
    number = owner.opened()
    assert owner.put(f"issues/{number}/lock").status == 204
    assert owner.get(f"issues/{number}").json()["locked"] is True
    refused = owner.as_("stranger").post(f"issues/{number}/comments", {"body": "x"})
    assert refused.status == 403
    assert refused.message == "Unable to create comment because issue is locked."
    assert owner.post(f"issues/{number}/comments", {"body": "x"}).status == 201
    assert owner.delete(f"issues/{number}/lock").status == 204
    assert owner.as_("stranger").post(f"issues/{number}/comments", {"body": "x"}).status == 201


def test_the_history_tells_who_did_what_oldest_first(owner: Api) -> None:
    number = owner.opened("one", labels=["a"])
    collaborator = owner.as_("collaborator")
    collaborator.patch(f"issues/{number}", {"title": "two", "labels": ["b"], "state": "closed"})
    owner.patch(f"issues/{number}", {"state": "open"})
    events = owner.get(f"issues/{number}/events").json()
    told = [(event["event"], event["actor"]["login"]) for event in events]
    assert told == [
        ("labeled", "owner"),
        ("unlabeled", "collaborator"),
        ("labeled", "collaborator"),
        ("renamed", "collaborator"),
        ("closed", "collaborator"),
        ("reopened", "owner"),
    ]
    assert events[0]["label"] == {"name": "a", "color": "ededed"}
    assert events[3]["rename"] == {"from": "one", "to": "two"}
    assert events[4]["state_reason"] == "completed"
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)


def test_the_history_comes_in_numbered_pages(owner: Api) -> None:
    number = owner.opened(labels=["a", "b", "c"])
    answer = owner.get(f"issues/{number}/events?per_page=2")
    assert len(answer.json()) == 2
    assert answer.link("last") == answer.link("next")
    assert len(owner.get(answer.link("next") or "").json()) == 1


def test_the_newer_api_version_drops_assignee(owner: Api) -> None:
    number = owner.opened(assignees=["owner"])
    newer = {"X-GitHub-Api-Version": "2026-03-10"}
    shown = owner.get(f"issues/{number}", headers=newer)
    assert "assignee" not in shown.json()
    assert shown.json()["assignees"][0]["login"] == "owner"
    assert shown.headers["x-github-api-version-selected"] == "2026-03-10"
    assert owner.get(f"issues/{number}").json()["assignee"]["login"] == "owner"
