"""Comments: below their issue, and by their own id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .exchange import Request, Response
from .hub import Hub
from .issue_fields import LONGEST_BODY
from .issue_list import since_in
from .paging import numbered_links, numbered_page
from .refusals import Refusal, admin_rights_required, invalid, not_found, text_field
from .rendering import api_url
from .routing import REPOSITORY, Needs, Route
from .rows import Comment, Issue, Repository


def _text_in(fields: Mapping[str, Any]) -> str:
    body = text_field(fields, "body", required=True)
    assert body is not None
    if not body.strip():
        raise _unprocessable("Body cannot be blank")
    if len(body) > LONGEST_BODY:
        raise _unprocessable(f"Body is too long (maximum is {LONGEST_BODY} characters)")
    return body


def _unprocessable(message: str) -> Refusal:
    error = {"resource": "IssueComment", "code": "unprocessable", "field": "data"}
    return invalid({**error, "message": message})


def _commented(hub: Hub, repository: Repository, comment: Comment) -> Issue | None:
    issue = hub.issues.find(repository, comment.issue_number)
    return issue if issue is not None and not issue.gone else None


def _found(hub: Hub, request: Request) -> tuple[Comment, Issue]:
    comment = hub.comments.find(request.repository, request.number("comment"))
    issue = _commented(hub, request.repository, comment) if comment else None
    if comment is None or issue is None:
        raise not_found()
    return comment, issue


def _own(hub: Hub, request: Request) -> tuple[Comment, Issue]:
    """The comment in the path, for its author or somebody with write access."""
    comment, issue = _found(hub, request)
    if not request.may_push and comment.author.lower() != request.user.login.lower():
        raise admin_rights_required()
    return comment, issue


def _page(hub: Hub, request: Request, comments: list[Comment], tail: str) -> Response:
    since = since_in(request, "IssueComment")
    if since is not None:
        comments = [comment for comment in comments if comment.updated_at >= since]
    base = f"{hub.base_url}/repositories/{request.repository.id}/issues/{tail}"
    links = numbered_links(request, base, total=len(comments))
    shown = [hub.comment(request.repository, one) for one in numbered_page(request, comments)]
    return Response(200, shown, links)


def list_on_issue(hub: Hub, request: Request) -> Response:
    issue = hub.find_issue(request.repository, request.number("number"))
    return _page(hub, request, hub.comments.of_issue(issue), f"{issue.number}/comments")


def list_in_repository(hub: Hub, request: Request) -> Response:
    """By id; with ``sort`` by a time, and then ``direction`` counts as well."""
    comments = hub.comments.of_repository(request.repository)
    sort = request.parameter("sort")
    if sort in ("created", "updated"):
        comments.sort(
            key=lambda one: (one.created_at if sort == "created" else one.updated_at, one.id),
            reverse=request.parameter("direction") == "desc",
        )
    return _page(hub, request, comments, "comments")


def create_comment(hub: Hub, request: Request) -> Response:
    repository = request.repository
    issue = hub.find_issue(repository, request.number("number"))
    body = _text_in(request.fields())
    if issue.locked and not request.may_push:
        raise Refusal(403, "Unable to create comment because issue is locked.")
    now = hub.now()
    comment = hub.comments.add(repository, issue, author=request.user.login, body=body, at=now)
    issue = hub.issues.save(replace(issue, comments=issue.comments + 1, updated_at=now))
    shown = hub.comment(repository, comment)
    _announce(hub, request, "created", issue, shown)
    location = f"{api_url(hub.base_url, repository)}/issues/comments/{comment.id}"
    return Response(201, shown, {"Location": location})


def get_comment(hub: Hub, request: Request) -> Response:
    comment, _ = _found(hub, request)
    return Response(200, hub.comment(request.repository, comment))


def edit_comment(hub: Hub, request: Request) -> Response:
    comment, issue = _own(hub, request)
    body, now = _text_in(request.fields()), hub.now()
    if body != comment.body:
        changes = {"body": {"from": comment.body}}
        comment = hub.comments.save(replace(comment, body=body, updated_at=now))
        issue = hub.issues.save(replace(issue, updated_at=now))
        shown = hub.comment(request.repository, comment)
        _announce(hub, request, "edited", issue, shown, changes=changes)
    return Response(200, hub.comment(request.repository, comment))


def delete_comment(hub: Hub, request: Request) -> Response:
    comment, issue = _own(hub, request)
    shown = hub.comment(request.repository, comment)
    hub.comments.remove(comment)
    left = max(0, issue.comments - 1)
    issue = hub.issues.save(replace(issue, comments=left, updated_at=hub.now()))
    _announce(hub, request, "deleted", issue, shown)
    return Response(204)


def _announce(
    hub: Hub, request: Request, action: str, issue: Issue, comment: dict[str, Any], **more: Any
) -> None:
    repository = request.repository
    hub.announce(
        repository,
        "issue_comment",
        action,
        request.user.login,
        lambda: {
            **more,
            "issue": hub.issue(repository, issue, single=True),
            "comment": comment,
        },
    )


ON_ISSUE = f"{REPOSITORY}/issues/{{number}}/comments"
IN_REPOSITORY = f"{REPOSITORY}/issues/comments"
COMMENT = f"{IN_REPOSITORY}/{{comment}}"
DOCS = "issues/comments"
ROUTES = (
    Route("GET", ON_ISSUE, list_on_issue, docs=f"{DOCS}#list-issue-comments"),
    Route("POST", ON_ISSUE, create_comment, Needs.USER, docs=f"{DOCS}#create-an-issue-comment"),
    Route(
        "GET",
        IN_REPOSITORY,
        list_in_repository,
        docs=f"{DOCS}#list-issue-comments-for-a-repository",
    ),
    Route("GET", COMMENT, get_comment, docs=f"{DOCS}#get-an-issue-comment"),
    Route("PATCH", COMMENT, edit_comment, Needs.USER, docs=f"{DOCS}#update-an-issue-comment"),
    Route("DELETE", COMMENT, delete_comment, Needs.USER, docs=f"{DOCS}#delete-an-issue-comment"),
)
