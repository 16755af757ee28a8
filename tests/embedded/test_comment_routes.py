"""Comments over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Answer, Api


def bodies(answer: Answer) -> list[str]:
    return [comment["body"] for comment in answer.json()]


def test_a_comment_is_written_read_changed_and_deleted(owner: Api) -> None:
    number = owner.opened()
    made = owner.post(f"issues/{number}/comments", {"body": "Looking."})
    assert made.status == 201
    place = f"issues/comments/{made.json()['id']}"
    assert made.headers["location"].endswith(f"/repos/owner/status/{place}")
    read = owner.get(place)
    assert read.json() == made.json()
    assert read.headers["etag"] == made.headers["etag"]
    assert "last-modified" not in read.headers
    assert owner.get(f"issues/{number}").json()["comments"] == 1
    changed = owner.patch(place, {"body": "Found it."})
    assert (changed.status, changed.json()["body"]) == (200, "Found it.")
    assert owner.delete(place).status == 204
    assert (owner.get(place).status, owner.delete(place).status) == (404, 404)
    assert owner.get(f"issues/{number}").json()["comments"] == 0


def test_comments_come_oldest_first_in_numbered_pages(owner: Api) -> None:
    number, other = owner.opened(), owner.opened()
    for text in "abcde":
        owner.post(f"issues/{number}/comments", {"body": text})
    owner.post(f"issues/{other}/comments", {"body": "elsewhere"})
    first = owner.get(f"issues/{number}/comments?per_page=2")
    assert bodies(first) == ["a", "b"]
    middle = owner.get(first.link("next") or "")
    assert bodies(middle) == ["c", "d"]
    assert bodies(owner.get(middle.link("last") or "")) == ["e"]
    assert bodies(owner.get(middle.link("prev") or "")) == ["a", "b"]
    assert owner.get(f"issues/{number}/comments?page=9").json() == []
    assert bodies(owner.get("issues/comments")) == [*"abcde", "elsewhere"]
    newest = owner.get("issues/comments?sort=created&direction=desc&per_page=1")
    assert bodies(newest) == ["elsewhere"]


def test_since_is_inclusive(owner: Api) -> None:
    number = owner.opened()
    made = owner.post(f"issues/{number}/comments", {"body": "x"}).json()
    assert bodies(owner.get(f"issues/{number}/comments?since={made['updated_at']}")) == ["x"]
    assert owner.get(f"issues/{number}/comments?since=2999-01-01T00:00:00Z").json() == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (" \n", "Body cannot be blank"),
        ("x" * 65_537, "Body is too long (maximum is 65536 characters)"),
    ],
    ids=["blank", "long"],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_impossible_text_is_refused(owner: Api, method: str, body: str, message: str) -> None:
    number = owner.opened()
    made = owner.post(f"issues/{number}/comments", {"body": "x"}).json()
    place = f"issues/{number}/comments" if method == "POST" else f"issues/comments/{made['id']}"
    answer = owner.send(method, place, {"body": body})
    assert answer.status == 422
    assert answer.errors == [
        {
            "resource": "IssueComment",
            "code": "unprocessable",
            "field": "data",
            "message": message,
        }
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, 'Invalid request.\n\n"body" wasn\'t supplied.'),
        ({"body": 1}, "Invalid request.\n\nFor 'properties/body', 1 is not a string."),
    ],
    ids=["missing", "number"],
)
def test_a_comment_is_text(owner: Api, body: Any, message: str) -> None:
    answer = owner.post(f"issues/{owner.opened()}/comments", body)
    assert (answer.status, answer.message) == (422, message)


def test_anybody_comments_and_changes_only_their_own(owner: Api) -> None:
    number, stranger = owner.opened(), owner.as_("stranger")
    own = stranger.post(f"issues/{number}/comments", {"body": "Me too."}).json()
    assert own["author_association"] == "NONE"
    others = owner.post(f"issues/{number}/comments", {"body": "Thanks."}).json()
    assert stranger.patch(f"issues/comments/{own['id']}", {"body": "Not me."}).status == 200
    assert stranger.patch(f"issues/comments/{others['id']}", {"body": "x"}).status == 403
    assert stranger.delete(f"issues/comments/{others['id']}").status == 403
    assert owner.delete(f"issues/comments/{own['id']}").status == 204


def test_a_comment_of_another_repository_is_not_found(owner: Api) -> None:
    owner.github.create_repository("owner/other")
    made = owner.post(f"issues/{owner.opened()}/comments", {"body": "x"}).json()
    assert owner.get(f"/repos/owner/other/issues/comments/{made['id']}").status == 404
