"""Who there is, what each may do, and what the API tells about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Api


@pytest.mark.parametrize("login", ["owner", "collaborator", "stranger"])
def test_a_token_tells_who_its_user_is(owner: Api, login: str) -> None:
    answer = owner.as_(login).get("/user")
    assert (answer.json()["login"], answer.json()["type"]) == (login, "User")
    assert "last-modified" in answer.headers


def test_without_a_token_there_is_no_user(owner: Api) -> None:
    answer = owner.as_(None).get("/user")
    assert (answer.status, answer.message) == (401, "Requires authentication")


def test_anybody_looks_up_a_user(owner: Api) -> None:
    assert owner.as_(None).get("/users/OWNER").json()["login"] == "owner"
    assert owner.get("/users/nobody").status == 404


@pytest.mark.parametrize(
    ("login", "permission", "role"),
    [
        ("owner", "admin", "admin"),
        ("collaborator", "write", "write"),
        ("stranger", "read", "read"),
        ("triager", "read", "triage"),
        ("maintainer", "write", "maintain"),
    ],
)
def test_the_permission_of_a_person(owner: Api, login: str, permission: str, role: str) -> None:
    for user, given in (("triager", "triage"), ("maintainer", "maintain")):
        owner.github.add_user(user)
        owner.github.set_role("owner/status", user, given)
    shown = owner.get(f"collaborators/{login}/permission").json()
    assert (shown["permission"], shown["role_name"]) == (permission, role)
    assert shown["user"]["login"] == login
    assert shown["user"]["permissions"]["push"] is (permission in ("write", "admin"))


def test_permissions_are_told_to_people_with_push(owner: Api) -> None:
    path = "collaborators/owner/permission"
    assert owner.as_("collaborator").get(path).status == 200
    refused = owner.as_("stranger").get(path)
    assert refused.status == 403
    assert refused.message == "Must have push access to view collaborator permission."
    assert owner.as_(None).get(path).status == 401
    assert owner.get("collaborators/nobody/permission").status == 404


def test_a_stranger_in_a_private_repository_has_no_permission(owner: Api) -> None:
    owner.patch("", {"private": True})
    assert owner.get("collaborators/stranger/permission").json()["permission"] == "none"


def test_a_role_that_is_taken_away_counts_at_once(owner: Api) -> None:
    collaborator = owner.as_("collaborator")
    assert collaborator.post("labels", {"name": "a"}).status == 201
    owner.github.set_role("owner/status", "collaborator", "read")
    assert collaborator.post("labels", {"name": "b"}).status == 404
    assert collaborator.get("").json()["permissions"]["push"] is False


def test_the_repository_tells_the_callers_rights(owner: Api) -> None:
    rights = {
        login: owner.as_(login).get("").json().get("permissions")
        for login in ("owner", "collaborator", "stranger", None)
    }
    assert rights["owner"]["admin"] is True
    assert (rights["collaborator"]["push"], rights["collaborator"]["admin"]) == (True, False)
    assert (rights["stranger"]["pull"], rights["stranger"]["push"]) == (True, False)
    assert rights[None] is None


def test_looking_at_the_rate_limit_is_free(owner: Api) -> None:
    owner.get("issues")
    for _ in range(3):
        shown = owner.get("/rate_limit")
        assert shown.json()["resources"]["core"]["used"] == 1
    assert shown.json()["rate"]["limit"] == 5000
    assert shown.json()["resources"]["search"]["limit"] == 30
    assert shown.headers["cache-control"] == "no-cache"
    assert "etag" not in shown.headers
    anonymous = owner.as_(None).get("/rate_limit").json()
    assert (anonymous["rate"]["limit"], anonymous["resources"]["search"]["limit"]) == (60, 10)


def test_the_newer_api_version_has_no_rate(owner: Api) -> None:
    newer = owner.get("/rate_limit", headers={"X-GitHub-Api-Version": "2026-03-10"})
    assert newer.json().keys() == {"resources"}
