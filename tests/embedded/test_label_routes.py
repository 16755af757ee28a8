"""Labels over HTTP: the repository's own, and those on an issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Answer, Api

DEFAULTS = [
    "bug",
    "documentation",
    "duplicate",
    "enhancement",
    "good first issue",
    "help wanted",
    "invalid",
    "question",
    "wontfix",
]


def names(answer: Answer) -> list[str]:
    return [label["name"] for label in answer.json()]


# the repository's labels ------------------------------------------------------------------------


def test_a_new_repository_has_githubs_nine(owner: Api) -> None:
    answer = owner.get("labels")
    assert names(answer) == DEFAULTS
    assert all(label["default"] for label in answer.json())


def test_labels_are_listed_by_name_in_numbered_pages(owner: Api) -> None:
    owner.post("labels", {"name": "Alpha"})
    first = owner.get("labels?per_page=4")
    assert names(first)[0] == "Alpha"
    last = owner.get(first.link("last") or "")
    assert names(last) == ["question", "wontfix"]
    assert last.link("next") is None
    assert last.link("first") is not None


def test_a_label_is_made_read_changed_and_deleted(owner: Api) -> None:
    fields = {"name": "in progress", "color": "BADA55", "description": "Somebody is at it"}
    made = owner.post("labels", fields)
    assert made.status == 201
    assert made.headers["location"].endswith("/labels/in%20progress")
    assert {name: made.json()[name] for name in fields} == fields
    read = owner.get("labels/IN%20progress")
    assert read.json() == made.json()
    changed = owner.patch("labels/in%20progress", {"new_name": "doing", "color": "000000"})
    assert changed.status == 200
    assert (changed.json()["id"], changed.json()["name"]) == (made.json()["id"], "doing")
    assert changed.json()["description"] == "Somebody is at it"
    assert owner.delete("labels/doing").status == 204
    assert owner.get("labels/doing").status == 404


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        pytest.param(
            {"name": "foo", "color": "invalid"},
            {"resource": "Label", "code": "invalid", "field": "color"},
            id="color",
        ),
        pytest.param(
            {"name": "foo", "color": "#aabbcc"},
            {"resource": "Label", "code": "invalid", "field": "color"},
            id="color with hash",
        ),
        pytest.param(
            {"name": "BUG"},
            {"resource": "Label", "code": "already_exists", "field": "name"},
            id="taken in another case",
        ),
        pytest.param(
            {"name": "x" * 51},
            {
                "resource": "Label",
                "code": "custom",
                "field": "name",
                "message": "name is too long (maximum is 50 characters)",
            },
            id="long name",
        ),
        pytest.param(
            {"name": "x", "description": "y" * 101},
            {
                "resource": "Label",
                "code": "custom",
                "field": "description",
                "message": "description is too long (maximum is 100 characters)",
            },
            id="long description",
        ),
    ],
)
def test_a_bad_label_is_refused(owner: Api, fields: dict[str, Any], error: dict[str, Any]) -> None:
    answer = owner.post("labels", fields)
    assert (answer.status, answer.message) == (422, "Validation Failed")
    assert answer.errors == [error]


def test_a_label_may_change_the_case_of_its_own_name_only(owner: Api) -> None:
    assert owner.patch("labels/bug", {"new_name": "Bug"}).json()["name"] == "Bug"
    taken = owner.patch("labels/bug", {"new_name": "Question"})
    assert taken.errors[0]["code"] == "already_exists"


def test_a_deleted_label_leaves_its_issues_and_a_renamed_one_stays_on_them(owner: Api) -> None:
    number = owner.opened(labels=["bug", "question"])
    owner.patch("labels/bug", {"new_name": "fault"})
    owner.delete("labels/question")
    assert names(owner.get(f"issues/{number}/labels")) == ["fault"]
    assert [one["number"] for one in owner.get("issues?labels=fault").json()] == [number]


def test_labels_are_for_people_with_push(owner: Api) -> None:
    assert owner.as_("stranger").post("labels", {"name": "x"}).status == 404
    assert owner.as_("collaborator").post("labels", {"name": "x"}).status == 201
    assert owner.as_(None).post("labels", {"name": "y"}).status == 401
    assert owner.as_(None).get("labels/x").status == 200


# on an issue ------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"labels": ["b", "BUG"]}, ["b", "BUG"]], ids=["object", "bare"])
def test_labels_are_added_in_either_form_in_order_of_attachment(owner: Api, body: Any) -> None:
    number = owner.opened(labels=["z"])
    answer = owner.post(f"issues/{number}/labels", body)
    assert answer.status == 200
    assert names(answer) == ["z", "b", "bug"]
    assert names(owner.get(f"issues/{number}/labels")) == ["z", "b", "bug"]


def test_adding_what_is_there_changes_nothing(owner: Api) -> None:
    number = owner.opened(labels=["a"])
    before = owner.get(f"issues/{number}/events").json()
    assert names(owner.post(f"issues/{number}/labels", ["A"])) == ["a"]
    assert owner.get(f"issues/{number}/events").json() == before


def test_labels_are_replaced_and_cleared(owner: Api) -> None:
    number = owner.opened(labels=["a", "b"])
    assert names(owner.put(f"issues/{number}/labels", ["c", "b"])) == ["b", "c"]
    assert owner.delete(f"issues/{number}/labels").status == 204
    assert owner.get(f"issues/{number}/labels").json() == []


def test_one_label_is_removed_once(owner: Api) -> None:
    number = owner.opened(labels=["a", "in progress"])
    gone = owner.delete(f"issues/{number}/labels/In%20Progress")
    assert (gone.status, names(gone)) == (200, ["a"])
    again = owner.delete(f"issues/{number}/labels/in%20progress")
    assert (again.status, again.message) == (404, "Label does not exist")


@pytest.mark.parametrize("name", ["x" * 51, " "], ids=["long", "blank"])
def test_an_impossible_label_is_refused_and_nothing_is_added(owner: Api, name: str) -> None:
    number = owner.opened()
    answer = owner.post(f"issues/{number}/labels", ["fine", name])
    assert answer.errors == [
        {"value": name, "resource": "Label", "field": "name", "code": "invalid"}
    ]
    assert owner.get("labels/fine").status == 404


def test_labelling_needs_push(owner: Api) -> None:
    number = owner.opened(labels=["a"])
    stranger = owner.as_("stranger")
    for answer in (
        stranger.post(f"issues/{number}/labels", ["b"]),
        stranger.put(f"issues/{number}/labels", []),
        stranger.delete(f"issues/{number}/labels"),
        stranger.delete(f"issues/{number}/labels/a"),
    ):
        assert (answer.status, answer.message) == (403, "Must have admin rights to Repository.")
    assert names(owner.get(f"issues/{number}/labels")) == ["a"]
