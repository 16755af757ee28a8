"""Repositories over HTTP: read, rename, hide, delete (see test_server for what a name leads to)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Api


def test_a_repository_is_hidden_by_either_key(owner: Api) -> None:
    assert owner.patch("", {"visibility": "private"}).json()["private"] is True
    assert owner.patch("", {"private": False}).json()["visibility"] == "public"


@pytest.mark.parametrize(
    "fields", [{"private": "yes"}, {"has_issues": 1}, {"name": 7}, {"visibility": True}]
)
def test_a_setting_of_another_type_is_refused(owner: Api, fields: dict[str, Any]) -> None:
    before = owner.get("").json()
    answer = owner.patch("", fields)
    assert answer.status == 422
    assert answer.message.startswith("Invalid request.")
    assert owner.get("").json() == before


@pytest.mark.parametrize("name", ["other", "a/b", "..", "a b", "x" * 101])
def test_a_name_that_is_taken_or_none_is_refused(owner: Api, name: str) -> None:
    owner.github.create_repository("owner/other")
    answer = owner.patch("", {"name": name})
    assert (answer.status, answer.errors[0]["field"]) == (422, "name")
    assert owner.get("").status == 200


def test_a_name_may_change_its_case(owner: Api) -> None:
    assert owner.patch("", {"name": "Status"}).json()["full_name"] == "owner/Status"
    assert owner.get("").status == 200
    assert owner.github.git_path("owner/status").exists()


def test_unknown_settings_are_ignored(owner: Api) -> None:
    before = owner.get("").json()
    assert owner.patch("", {"description": "x"}).json() == before


def test_open_issues_are_counted_with_pull_requests(owner: Api) -> None:
    owner.opened()
    owner.github.add_pull_request("owner/status", title="x")
    owner.patch(f"issues/{owner.opened()}", {"state": "closed"})
    assert owner.get("").json()["open_issues_count"] == 2


def test_a_caller_lists_what_they_may_read(owner: Api) -> None:
    owner.github.create_repository("owner/secret", private=True)
    listed = {
        login: [one["name"] for one in owner.as_(login).get("/user/repos").json()]
        for login in ("owner", "stranger")
    }
    assert listed == {"owner": ["status", "secret"], "stranger": ["status"]}


def test_changes_are_for_administrators(owner: Api) -> None:
    assert owner.as_("collaborator").patch("", {"name": "x"}).status == 403
    assert owner.as_("stranger").patch("", {"name": "x"}).status == 404
    assert owner.as_(None).patch("", {"name": "x"}).status == 401
