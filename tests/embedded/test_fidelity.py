"""The embedded GitHub against what GitHub publishes, and against what it was seen to answer.

Its answers are validated with the models of githubkit-schemas (API version 2026-03-10), which are
generated from GitHub's own description. Where the team's shared folder is at hand, also with the
description itself (2022-11-28) and against recordings: the same members of the same types, the
same headers, the same words in errors.

Known differences: the models ask for ``archived_at`` and ``archived_by`` on labels, which no
recorded answer has, and for ``search_type`` in searches; the description marks some enumerations
nullable without listing null, and takes no null for the body of an issue that was searched for.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from githubkit_schemas.v2026_03_10 import models
from pydantic import TypeAdapter

from github_store.embedded import EmbeddedGitHub

if TYPE_CHECKING:
    from .conftest import Answer, Api

SHARED = Path(os.environ.get("KENER_SHARED") or Path(__file__).parents[3] / "shared")
SAMPLES = SHARED / "github" / "samples"
with_shared = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the team's folder of recordings is not here"
)

ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}"
COMMENT = "/repos/{owner}/{repo}/issues/comments/{comment_id}"
HOOK = "/repos/{owner}/{repo}/hooks/{hook_id}"
DELIVERY = f"{HOOK}/deliveries/{{delivery_id}}"
PERMISSION = "/repos/{owner}/{repo}/collaborators/{username}/permission"


@dataclass(frozen=True)
class Step:
    """One request and what came back; ``template`` and ``model`` tell what it ought to be."""

    method: str
    template: str
    model: Any
    answer: Answer

    def __str__(self) -> str:
        return f"{self.method} {self.template} {self.answer.status}"


class Walk:
    """Goes through the whole API once and keeps every exchange."""

    def __init__(self, owner: Api, headers: Mapping[str, str]) -> None:
        self._owner = owner
        self._headers = headers
        self.steps: list[Step] = []

    def _go(
        self, method: str, template: str, model: Any, body: Any = None, query: str = "", **args: Any
    ) -> Any:
        path = template.format(owner="owner", repo="status", **args) + query
        answer = self._owner.send(method, path, body, headers=self._headers)
        self.steps.append(Step(method, template, model, answer))
        return answer.json() if answer.body else None

    def repository(self) -> None:
        self._go("GET", "/repos/{owner}/{repo}", models.FullRepository)
        self._go("PATCH", "/repos/{owner}/{repo}", models.FullRepository, {"has_issues": True})
        self._go("GET", "/repos/{owner}/{repo}", models.BasicError, query="x")
        self._go("GET", "/user", models.PublicUser)
        self._go("GET", "/rate_limit", models.RateLimitOverview)
        for login in ("owner", "collaborator", "stranger"):
            self._go("GET", PERMISSION, models.RepositoryCollaboratorPermission, username=login)
        self._go("GET", PERMISSION, models.BasicError, username="nobody")

    def issues(self) -> None:
        all_issues = "/repos/{owner}/{repo}/issues"
        fields = {"title": "t", "body": "b", "labels": ["bug", "x"], "assignees": ["owner"]}
        number = self._go("POST", all_issues, models.Issue, fields)["number"]
        self._go("POST", all_issues, models.Issue, {"title": "bare"})
        self._go("POST", all_issues, models.ValidationError, {"title": ""})
        self._go("GET", ISSUE, models.Issue, issue_number=number)
        for fields in (
            {"state": "closed", "state_reason": "not_planned"},
            {"state": "open"},
            {"title": "u", "labels": ["y"], "assignees": []},
        ):
            self._go("PATCH", ISSUE, models.Issue, fields, issue_number=number)
        wrong = {"state": "closed", "state_reason": "reopened"}
        self._go("PATCH", ISSUE, models.ValidationError, wrong, issue_number=number)
        self._owner.github.add_pull_request("owner/status", title="p")
        self._go("GET", all_issues, list[models.Issue], query="?state=all")
        self._go("GET", all_issues, models.ValidationError, query="?state=x")
        self._go("GET", f"{ISSUE}/events", list[models.IssueEvent], issue_number=number)
        self._go("GET", ISSUE, models.BasicError, issue_number=999)
        gone = self._owner.opened()
        self._owner.github.delete_issue("owner/status", gone)
        self._go("GET", ISSUE, models.BasicError, issue_number=gone)

    def labels(self) -> None:
        all_labels, one_label = (
            "/repos/{owner}/{repo}/labels",
            "/repos/{owner}/{repo}/labels/{name}",
        )
        self._go("POST", all_labels, models.Label, {"name": "new", "color": "ff0000"})
        self._go("POST", all_labels, models.ValidationError, {"name": "new"})
        self._go("GET", all_labels, list[models.Label])
        self._go("GET", one_label, models.Label, name="new")
        self._go("PATCH", one_label, models.Label, {"description": "d"}, name="new")
        self._go("DELETE", one_label, None, name="new")
        self._go("GET", one_label, models.BasicError, name="new")
        on_issue, number = f"{ISSUE}/labels", self._owner.opened()
        self._go("POST", on_issue, list[models.Label], {"labels": ["a"]}, issue_number=number)
        self._go("PUT", on_issue, list[models.Label], ["b"], issue_number=number)
        self._go("GET", on_issue, list[models.Label], issue_number=number)
        self._go(
            "DELETE", f"{on_issue}/{{name}}", list[models.Label], issue_number=number, name="b"
        )
        self._go("DELETE", f"{on_issue}/{{name}}", models.BasicError, issue_number=number, name="b")
        self._go("DELETE", on_issue, None, issue_number=number)

    def comments(self) -> None:
        number = self._owner.opened()
        below = f"{ISSUE}/comments"
        made = self._go("POST", below, models.IssueComment, {"body": "x"}, issue_number=number)
        self._go("POST", below, models.ValidationError, {"body": ""}, issue_number=number)
        self._go("GET", below, list[models.IssueComment], issue_number=number)
        everywhere = "/repos/{owner}/{repo}/issues/comments"
        self._go("GET", everywhere, list[models.IssueComment])
        self._go("GET", COMMENT, models.IssueComment, comment_id=made["id"])
        self._go("PATCH", COMMENT, models.IssueComment, {"body": "y"}, comment_id=made["id"])
        self._go("DELETE", COMMENT, None, comment_id=made["id"])
        self._go("GET", COMMENT, models.BasicError, comment_id=made["id"])

    def hooks(self) -> None:
        all_hooks = "/repos/{owner}/{repo}/hooks"
        config = {"url": "http://127.0.0.1:9/", "secret": "s"}
        made = self._go("POST", all_hooks, models.Hook, {"events": ["issues"], "config": config})
        hook = {"hook_id": made["id"]}
        self._owner.github.wait_for_hooks()
        self._go("POST", all_hooks, models.ValidationError, {"config": {"url": "x"}})
        self._go("GET", all_hooks, list[models.Hook])
        self._go("GET", HOOK, models.Hook, **hook)
        self._go("PATCH", HOOK, models.Hook, {"add_events": ["label"]}, **hook)
        self._go("POST", f"{HOOK}/pings", None, **hook)
        self._owner.github.wait_for_hooks()
        told = self._go("GET", f"{HOOK}/deliveries", list[models.HookDeliveryItem], **hook)
        one = {**hook, "delivery_id": told[0]["id"]}
        self._go("GET", DELIVERY, models.HookDelivery, **one)
        self._go("POST", f"{DELIVERY}/attempts", dict[str, Any], **one)
        self._owner.github.wait_for_hooks()
        self._go("DELETE", HOOK, None, **hook)
        self._go("GET", HOOK, models.BasicError, **hook)

    def files(self) -> None:
        file = "/repos/{owner}/{repo}/contents/{path}"
        text = {"message": "m", "content": "eA=="}
        made = self._go("PUT", file, models.FileCommit, text, path="a/b.txt")
        self._go("PUT", file, models.BasicError, text, path="a/b.txt")
        sha = made["content"]["sha"]
        changed = {**text, "content": "eXk=", "sha": sha}
        made = self._go("PUT", file, models.FileCommit, changed, path="a/b.txt")
        self._go("PUT", file, models.BasicError, changed, path="a/b.txt")
        self._go("GET", file, models.ContentFile, path="a/b.txt")
        self._go("GET", file, list[models.ContentDirectoryItems], path="a")
        self._go("GET", file, models.BasicError, path="none")
        gone = {"message": "m", "sha": made["content"]["sha"]}
        self._go("DELETE", file, models.FileCommit, gone, path="a/b.txt")
        self._go("GET", "/repos/{owner}/{repo}/commits", list[models.Commit])

    def git(self) -> None:
        home = "/repos/{owner}/{repo}/git"
        ref = self._go("GET", f"{home}/ref/{{ref}}", models.GitRef, ref="heads/main")
        head = ref["object"]["sha"]
        commit = {"commit_sha": head}
        held = self._go("GET", f"{home}/commits/{{commit_sha}}", models.GitCommit, **commit)
        tree = {"tree_sha": held["tree"]["sha"]}
        self._go("GET", f"{home}/trees/{{tree_sha}}", models.GitTree, query="?recursive=1", **tree)
        blob = self._go("POST", f"{home}/blobs", models.ShortBlob, {"content": "x"})
        self._go("GET", f"{home}/blobs/{{file_sha}}", models.Blob, file_sha=blob["sha"])
        entry = {"path": "c.txt", "mode": "100644", "type": "blob", "sha": blob["sha"]}
        fields = {"base_tree": held["tree"]["sha"], "tree": [entry]}
        made = self._go("POST", f"{home}/trees", models.GitTree, fields)
        fields = {"message": "m", "tree": made["sha"], "parents": [head]}
        new = self._go("POST", f"{home}/commits", models.GitCommit, fields)["sha"]
        main = {"ref": "heads/main"}
        self._go("PATCH", f"{home}/refs/{{ref}}", models.GitRef, {"sha": new}, **main)
        self._go("PATCH", f"{home}/refs/{{ref}}", models.BasicError, {"sha": head}, **main)
        branch = {"ref": "refs/heads/side", "sha": new}
        self._go("POST", f"{home}/refs", models.GitRef, branch)
        self._go("POST", f"{home}/refs", models.BasicError, branch)
        self._go("GET", f"{home}/matching-refs/{{ref}}", list[models.GitRef], ref="heads/")
        self._go("DELETE", f"{home}/refs/{{ref}}", None, ref="heads/side")
        self._go("GET", f"{home}/ref/{{ref}}", models.BasicError, ref="heads/side")

    def search(self) -> None:
        found = "/search/issues"
        query = "?q=repo:owner/status+u+is:issue"
        self._go("GET", found, models.SearchIssuesGetResponse200, query=query)
        self._go("GET", found, models.ValidationError, query="?q=repo:owner/none")


def walked(
    tmp_path: Path, api_class: Callable[[EmbeddedGitHub, str], Api], version: str
) -> list[Step]:
    with EmbeddedGitHub(tmp_path / version) as github:
        github.create_repository("owner/status")
        owner = api_class(github, "owner")
        walk = Walk(owner, {"X-GitHub-Api-Version": version})
        for part in (
            walk.repository,
            walk.issues,
            walk.labels,
            walk.comments,
            walk.hooks,
            walk.files,
            walk.git,
            walk.search,
        ):
            part()
        owner.close()
    return walk.steps


def completed(data: Any) -> Any:
    """With what the models ask for and no recorded answer has (see the top)."""
    if isinstance(data, list):
        return [completed(entry) for entry in data]
    if not isinstance(data, dict):
        return data
    full = {name: completed(value) for name, value in data.items()}
    if {"color", "default", "node_id"} <= data.keys():
        full.update(archived_at=None, archived_by=None)
    if "incomplete_results" in data:
        full["search_type"] = "lexical"
    return full


def test_every_answer_fits_the_published_models(tmp_path: Path, owner: Api) -> None:
    steps = walked(tmp_path, type(owner), "2026-03-10")
    assert len(steps) > 75
    for step in steps:
        if step.model is None:
            assert (step.answer.status, step.answer.body) == (204, b""), step
        else:
            TypeAdapter(step.model).validate_python(completed(step.answer.json()))
            is_error = step.model in (models.BasicError, models.ValidationError)
            assert (step.answer.status >= 400) is is_error, step
    assert {step.answer.status for step in steps} == {200, 201, 202, 204, 404, 409, 410, 422}


# GitHub's own description -----------------------------------------------------------------------


def _mended(part: Any) -> None:
    """Null belongs to nullable enumerations; a discriminator only picks what oneOf picks anyway."""
    if isinstance(part, dict):
        part.pop("discriminator", None)
        if part.get("nullable") and "enum" in part and None not in part["enum"]:
            part["enum"].append(None)
        for value in part.values():
            _mended(value)
    elif isinstance(part, list):
        for value in part:
            _mended(value)


@cache
def description() -> Any:
    document = json.loads((SAMPLES / "openapi-slim.json").read_text())
    _mended(document)
    return document


# Described as required, and absent from recorded answers of 2026.
UNSEEN = ("'search_type' is a required property",)


def problems(step: Step) -> list[str]:
    """What the description finds wrong with an answer; nothing where it does not describe it."""
    from openapi_schema_validator import OAS30ReadValidator, oas30_format_checker
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT4

    document = description()
    responses = document["paths"][step.template][step.method.lower()]["responses"]
    response = responses.get(str(step.answer.status))
    if response is None:
        return [] if step.answer.status in (404, 410, 422) else ["an undescribed status"]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content = response.get("content")
    if content is None:
        return [] if not step.answer.body else ["a body where none is described"]
    resource = Resource(contents=document, specification=DRAFT4)
    registry = Registry().with_resource("urn:description", resource)
    schema = _absolute(content["application/json"]["schema"])
    validator = OAS30ReadValidator(schema, registry=registry, format_checker=oas30_format_checker)
    body = _without_null_values(step.answer.json())
    return [
        f"{error.json_path}: {error.message}"
        for error in validator.iter_errors(body)
        if not (error.validator == "oneOf" and "valid under each of" in error.message)
        and error.message not in UNSEEN
    ]


def _absolute(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_absolute(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: f"urn:description{value}" if name == "$ref" else _absolute(value)
        for name, value in schema.items()
    }


def _without_null_values(body: Any) -> Any:
    """``errors[].value: null`` fits several branches of a oneOf, also in GitHub's own answers."""
    if isinstance(body, dict) and "errors" in body:
        errors = [
            {name: value for name, value in error.items() if (name, value) != ("value", None)}
            for error in body["errors"]
        ]
        return {**body, "errors": errors}
    return body


@with_shared
def test_every_answer_fits_githubs_description(tmp_path: Path, owner: Api) -> None:
    found = {
        str(step): wrong
        for step in walked(tmp_path, type(owner), "2022-11-28")
        if (wrong := problems(step))
    }
    assert found == {}


@with_shared
def test_the_description_notices_a_wrong_answer(tmp_path: Path, owner: Api) -> None:
    """The check above can fail."""
    steps = walked(tmp_path, type(owner), "2022-11-28")
    step = next(step for step in steps if step.model is models.Issue)
    broken = {**step.answer.json(), "number": "one", "user": 7}
    answer = type(step.answer)(201, {}, json.dumps(broken).encode())
    assert problems(Step(step.method, step.template, step.model, answer))


# recordings -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """How to bring about what a recording shows. ``path`` may need something made first."""

    sample: str
    method: str
    path: str | Callable[[Api], str]
    body: Any = None
    login: str | None = "owner"


def _issue(tail: str = "", **fields: Any) -> Callable[[Api], str]:
    return lambda owner: f"issues/{owner.opened(**fields)}{tail}"


def _closed(owner: Api) -> str:
    number = owner.opened()
    owner.patch(f"issues/{number}", {"state": "closed"})
    return f"issues/{number}"


def _comment(owner: Api) -> str:
    made = owner.post(f"issues/{owner.opened()}/comments", {"body": "x"})
    return f"issues/comments/{made.json()['id']}"


def _commented(count: int, tail: str) -> Callable[[Api], str]:
    def made(owner: Api) -> str:
        number = owner.opened()
        for _ in range(count):
            owner.post(f"issues/{number}/comments", {"body": "x"})
        return f"issues/{number}/comments{tail}"

    return made


def _many(query: str) -> Callable[[Api], str]:
    def made(owner: Api) -> str:
        for _ in range(12):
            owner.opened(labels=["bug"])
        return f"issues?{query}"

    return made


def _hook(owner: Api) -> str:
    for hook in owner.get("hooks").json():
        owner.delete(f"hooks/{hook['id']}")
    config = {"url": "http://127.0.0.1:9/", "secret": "s"}
    made = owner.post("hooks", {"config": config}).json()
    owner.github.wait_for_hooks()
    return f"hooks/{made['id']}"


def _renamed(owner: Api) -> str:
    name = f"former-{len(owner.github.hub.repositories.all())}"
    owner.github.create_repository(f"owner/{name}")
    owner.patch(f"/repos/owner/{name}", {"name": f"new-{name}"})
    return f"/repos/owner/{name}"


def _searched(owner: Api) -> str:
    for _ in range(2):
        owner.opened("sesame")
    return "/search/issues?q=sesame+repo:owner/status"


def _head(owner: Api) -> str:
    sha: str = owner.get("git/ref/heads/main").json()["object"]["sha"]
    return sha


@dataclass(frozen=True)
class Latest:
    """A change to a file, which names the file as it is now."""

    path: str
    content: str | None = None

    def body(self, owner: Api) -> dict[str, str]:
        sha = owner.get(f"contents/{self.path}").json()["sha"]
        fields = {"message": "m", "sha": sha}
        return fields if self.content is None else {**fields, "content": self.content}


CASES = (
    Case(
        "issue_create_labels",
        "POST",
        "issues",
        {"title": "t", "body": "b", "labels": ["bug"], "assignees": ["owner"]},
    ),
    Case("issue_create", "POST", "issues", {"title": "t"}),
    Case("issue_create_missing_title_422", "POST", "issues", {}),
    Case("issue_create_blank_title_422", "POST", "issues", {"title": ""}),
    Case("issue_create_no_auth_401", "POST", "issues", {"title": "t"}, login=None),
    Case(
        "issue_create_both_assignee_keys_422",
        "POST",
        "issues",
        {"title": "t", "assignee": "owner", "assignees": ["owner"]},
    ),
    Case("issue_get", "GET", _issue(body="b", labels=["bug"])),
    Case("issue_get_missing_404", "GET", "issues/99999"),
    Case("issue_patch_close", "PATCH", _issue(), {"state": "closed"}),
    Case(
        "issue_patch_not_planned",
        "PATCH",
        _issue(),
        {"state": "closed", "state_reason": "not_planned"},
    ),
    Case("issue_patch_reopen", "PATCH", _closed, {"state": "open"}),
    Case("issue_patch_labels_autocreate", "PATCH", _issue(), {"labels": ["q1", "q2"]}),
    Case("issue_patch_no_rights_403", "PATCH", _issue(), {"title": "t"}, login="stranger"),
    Case("issue_patch_missing_404", "PATCH", "issues/99999", {"title": "t"}),
    Case(
        "issue_patch_state_reason_422",
        "PATCH",
        _issue(),
        {"state": "closed", "state_reason": "reopened"},
    ),
    Case("issues_list_cursor_page1", "GET", _many("per_page=10")),
    Case("issues_list_cursor_page2", "GET", _many("per_page=5&page=2")),
    Case("issues_list_invalid_state_422", "GET", "issues?state=invalid"),
    Case("issues_list_page_too_high_422", "GET", "issues?per_page=100&page=101"),
    Case("issues_list_missing_repo_404", "GET", "/repos/owner/nonexistent/issues/", login=None),
    Case("issue_labels_post", "POST", _issue("/labels"), {"labels": ["a"]}),
    Case("issue_labels_post_autocreate", "POST", _issue("/labels"), {"labels": ["never seen"]}),
    Case("issue_labels_put", "PUT", _issue("/labels"), ["bug", "pdi"]),
    Case("issue_labels_delete_one", "DELETE", _issue("/labels/a", labels=["a", "b"])),
    Case("issue_labels_delete_absent_404", "DELETE", _issue("/labels/a")),
    Case("issue_labels_delete_all_204", "DELETE", _issue("/labels", labels=["a"])),
    Case("labels_list", "GET", "/repos/owner/fresh/labels"),
    Case("label_create", "POST", "labels", {"name": "test-label", "color": "663399"}),
    Case("label_get", "GET", "labels/bug"),
    Case("label_get_404", "GET", "labels/none"),
    Case("label_create_bad_color_422", "POST", "labels", {"name": "foo", "color": "invalid"}),
    Case("label_patch", "PATCH", "labels/wontfix", {"color": "BADA55"}),
    Case("label_delete", "DELETE", "labels/duplicate"),
    Case("comments_list", "GET", _commented(2, "")),
    Case("comments_list_empty", "GET", _commented(0, "")),
    Case("comments_list_paged", "GET", _commented(5, "?per_page=3")),
    Case("comment_create_2025", "POST", _issue("/comments"), {"body": "x"}),
    Case("comment_create_blank_422", "POST", _issue("/comments"), {"body": ""}),
    Case("comment_get", "GET", _comment),
    Case("comment_patch", "PATCH", _comment, {"body": "y"}),
    Case("comment_delete_204", "DELETE", _comment),
    Case("comment_get_404", "GET", "issues/comments/99"),
    Case(
        "hook_create",
        "POST",
        "hooks",
        {"name": "web", "active": True, "config": {"url": "http://127.0.0.1:9/"}},
    ),
    Case("hook_get", "GET", _hook),
    Case("hook_get_404", "GET", "hooks/99"),
    Case("hook_ping_204", "POST", lambda owner: f"{_hook(owner)}/pings"),
    Case("hook_delete_204", "DELETE", _hook),
    Case("repo_get", "GET", ""),
    Case("repo_get_anonymous", "GET", "", login=None),
    Case("repo_renamed_get_301", "GET", _renamed),
    Case("repo_renamed_patch_307", "PATCH", _renamed, {"name": "x"}),
    Case("user_get", "GET", "/user"),
    Case("rate_limit", "GET", "/rate_limit"),
    Case("search_issues", "GET", _searched),
    Case("search_issues_2026", "GET", lambda owner: f"{_searched(owner)}&per_page=1"),
    Case("contents_get_404", "GET", "contents/none"),
    Case("contents_get_dir", "GET", "contents/js"),
    Case("contents_get_dir_2025", "GET", "contents/js"),
    Case("contents_get_file", "GET", "contents/js/a%20b%23.txt"),
    Case("contents_trailing_slash_302", "GET", "/repos/owner/status/contents/js/"),
    Case("contents_put_create_201", "PUT", "contents/n.txt", {"message": "m", "content": "eA=="}),
    Case("contents_put_update_200", "PUT", "contents/put.txt", Latest("put.txt", content="eXk=")),
    Case("contents_delete_200", "DELETE", "contents/gone.txt", Latest("gone.txt")),
    Case("git_ref_get", "GET", "git/ref/heads/main"),
    Case("git_ref_404", "GET", "git/refs/headz"),
    Case("git_refs_list", "GET", "git/refs"),
    Case("git_ref_delete_missing_422", "DELETE", "git/refs/heads/testing/test-ref"),
    Case("git_commit_get", "GET", lambda owner: f"git/commits/{_head(owner)}"),
    Case("git_tree_get", "GET", lambda owner: f"git/trees/{_head(owner)}"),
    Case("git_blob_post", "POST", "git/blobs", {"encoding": "base64", "content": "eA=="}),
)


FILES = {"README.md": b"x", "js/a b#.txt": b"x", "put.txt": b"x", "gone.txt": b"x"}


@pytest.fixture(scope="module")
def recorded_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    """One server for all recordings; the Api class is filled in by the first test."""
    with EmbeddedGitHub(tmp_path_factory.mktemp("recorded")) as github:
        github.create_repository("owner/status", files=FILES)
        github.create_repository("owner/fresh")
        yield [github]


# Members that a recording has for reasons the embedded server does not share.
BEYOND = {
    "issue_field_values",  # organisations with custom fields
    "type",  # issue types: organisations
    "parent", "source",  # forks
    "organization", "custom_properties", "temp_clone_token",  # organisations, anonymous readers
    "plan", "private_gists", "total_private_repos", "owned_private_repos", "disk_usage",
    "collaborators", "two_factor_authentication",  # GET /user with the scope user
}  # fmt: skip
# Members that came after some of the recordings were made.
NEWER = {
    "user_view_type",
    "sub_issues_summary",
    "issue_dependencies_summary",
    "pinned_comment",
    "status",
    "deliveries_url",
    "notification_email",
    "closed_by",
    "has_discussions",
    "has_pull_requests",
    "pull_request_creation_policy",
    "verified_at",
}


def shape_problems(ours: Any, seen: Any, where: str = "") -> list[str]:
    """Members that one side lacks, and values of another type. Null fits everything."""
    if isinstance(seen, dict) and isinstance(ours, dict):
        if where.endswith((".resources", ".config")):
            seen = {name: value for name, value in seen.items() if name in ours}
        missing = sorted(seen.keys() - ours.keys() - BEYOND)
        extra = sorted(ours.keys() - seen.keys() - NEWER - ({"secret"} & ours.keys()))
        found = [f"{where} lacks {missing}"] if missing else []
        found += [f"{where} adds {extra}"] if extra else []
        for name in seen.keys() & ours.keys():
            found += shape_problems(ours[name], seen[name], f"{where}.{name}")
        return found
    if isinstance(seen, list) and isinstance(ours, list):
        if not seen or not ours:
            return []
        # Lists mix kinds (pull requests among issues, directories among files): one must fit.
        compared = [shape_problems(ours[0], entry, f"{where}[0]") for entry in seen]
        return min(compared, key=len)
    numbers = isinstance(ours, int | float) and isinstance(seen, int | float)
    if ours is None or seen is None or type(ours) is type(seen) or numbers:
        return []
    return [f"{where}: {type(ours).__name__}, recorded {type(seen).__name__}"]


SAME_VALUE = ("content-type", "cache-control", "vary", "x-github-media-type")
SAME_PRESENCE = ("etag", "last-modified", "location", "content-type", "cache-control", "vary")


def header_problems(ours: Mapping[str, str], seen: Mapping[str, str], *, modern: bool) -> list[str]:
    found = [
        f"{name}: {ours.get(name)!r}, recorded {seen.get(name)!r}"
        for name in SAME_PRESENCE
        if (name in ours) != (name in seen) and (modern or name in seen or name != "vary")
    ]
    if modern:
        found += [
            f"{name}: {ours[name]!r}, recorded {seen[name]!r}"
            for name in SAME_VALUE
            if name in ours and name in seen and _plain(ours[name]) != _plain(seen[name])
        ]
    rels = [re.findall(r'rel="(\w+)"', headers.get("link", "")) for headers in (ours, seen)]
    rels = [[rel for rel in part if rel != "deprecation"] for part in rels]
    if rels[0] != rels[1]:
        found.append(f"link: {rels[0]}, recorded {rels[1]}")
    weak = [headers.get("etag", "").startswith("W/") for headers in (ours, seen)]
    if weak[0] != weak[1]:
        found.append(f"etag: {ours.get('etag')}, recorded {seen.get('etag')}")
    if "x-ratelimit-used" in seen and "x-ratelimit-used" not in ours:
        found.append("no rate limit headers")
    return found


def _plain(value: str) -> str:
    return value.replace(" ", "").lower()


@with_shared
@pytest.mark.parametrize("case", CASES, ids=[case.sample for case in CASES])
def test_an_answer_is_what_githubs_was(case: Case, recorded_api: list[Any], owner: Api) -> None:
    sample = json.loads((SAMPLES / "rest" / f"{case.sample}.json").read_text())
    seen = sample["response"]
    headers = {name.lower(): value for name, value in seen["headers"].items()}
    modern = int(sample["recorded"].split()[3]) >= 2025
    if len(recorded_api) == 1:
        recorded_api.append(type(owner)(recorded_api[0], "owner"))
    api = recorded_api[1]
    path = case.path if isinstance(case.path, str) else case.path(api)
    encoding = "gzip" if headers.get("etag", "").startswith("W/") else "identity"
    body = case.body.body(api) if isinstance(case.body, Latest) else case.body
    answer = api.as_(case.login).send(
        case.method, path, body, headers={"Accept-Encoding": encoding}
    )
    api.close()
    assert answer.status == seen["status"]
    assert header_problems(answer.headers, headers, modern=modern) == []
    if not answer.body:
        assert not seen["body"]
        return
    assert shape_problems(answer.json(), seen["body"]) == []
    if answer.status >= 300:
        assert answer.message == seen["body"]["message"]
        assert answer.json().get("errors") == seen["body"].get("errors")
        if modern:
            assert answer.json()["documentation_url"] == seen["body"]["documentation_url"]
