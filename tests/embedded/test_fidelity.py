"""The embedded GitHub against what GitHub publishes about its API.

Its answers are validated with the models of githubkit-schemas (API version 2026-03-10), which are
generated from GitHub's own description. Where the team's shared folder is at hand, also with the
description itself (2022-11-28). ``test_recordings.py`` holds them against what GitHub answered.

Known differences: the models ask for ``archived_at`` and ``archived_by`` on labels, which no
recorded answer has, and for ``search_type`` in searches; the description marks some enumerations
nullable without listing null, and takes no null for the body of an issue that was searched for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
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
