"""``/repos/{owner}/{repo}/issues``: list, open, read, change, lock; and their history."""

from __future__ import annotations

from typing import Any

from .administration import blank_issue
from .comment_table import Event
from .exchange import Request, Response
from .hub import Hub
from .issue_edits import IssueEdit
from .issue_fields import (
    assignees_in,
    body_in,
    check_milestone,
    label_names_in,
    state_in,
    title_in,
)
from .issue_list import filters_in, ordered
from .paging import cursor_page, numbered_links, numbered_page
from .refusals import Refusal, admin_rights_required
from .rendering import api_url, iso, node_id
from .response_headers import DEFAULT_VERSION
from .routing import REPOSITORY, Needs, Route
from .rows import Issue, Repository

# Since 2026 on every answer to a write of issues under the older API version.
DEPRECATION = {
    "Deprecation": "Tue, 10 Mar 2026 00:00:00 GMT",
    "Sunset": "Fri, 10 Mar 2028 00:00:00 GMT",
    "Link": "<https://docs.github.com/en/rest/about-the-rest-api/api-versions>;"
    ' rel="deprecation"; type="text/html"',
}


def _deprecation(request: Request) -> dict[str, str]:
    version = request.headers.get("x-github-api-version", DEFAULT_VERSION)
    return dict(DEPRECATION) if version == DEFAULT_VERSION else {}


def list_issues(hub: Hub, request: Request) -> Response:
    repository = request.repository
    if not repository.has_issues:
        raise Refusal(410, "Issues are disabled for this repo")
    lag = hub.faults.strike("list_lag", f"{request.method} {request.target}")
    as_of = hub.clock() - lag.seconds if lag else None
    labels = hub.labels_by_id(repository)
    filters = filters_in(request, labels.values())
    found = [
        issue
        for issue in hub.issues.listed(repository, as_of=as_of)
        if all(fits(issue) for fits in filters)
    ]
    keyed, descending = ordered(request, found)
    base = f"{hub.base_url}/repositories/{repository.id}/issues"
    shown, headers = cursor_page(request, base, keyed, descending=descending)
    body = [hub.issue(repository, issue, labels=labels) for issue in shown]
    return Response(200, body, headers)


def get_issue(hub: Hub, request: Request) -> Response:
    issue = hub.find_issue(request.repository, request.number("number"))
    shown = hub.issue(request.repository, issue, single=True)
    return Response(200, shown, last_modified=issue.updated_at)


def create_issue(hub: Hub, request: Request) -> Response:
    """Anybody who reads may open one; labels and people of callers without push are dropped."""
    repository, fields = request.repository, request.fields()
    if not repository.has_issues:
        raise Refusal(410, "Issues are disabled for this repo")
    title, body = title_in(fields, required=True), body_in(fields)
    assert title is not None
    names = label_names_in(fields.get("labels") or [])
    edit = IssueEdit(hub, repository, request.user.login)
    issue = blank_issue(hub, repository, title=title, author=request.user.login, body=body)
    assignees: tuple[str, ...] | None = None
    if request.may_push:
        assignees = assignees_in(hub, repository, fields)
        check_milestone(fields)
    labels = hub.labels.ensure(repository, names if request.may_push else (), now=hub.now())
    issue = edit.opened(issue, labels, assignees or ())
    shown = hub.issue(repository, issue, single=True)
    location = f"{api_url(hub.base_url, repository)}/issues/{issue.number}"
    return Response(201, shown, {"Location": location, **_deprecation(request)})


def edit_issue(hub: Hub, request: Request) -> Response:
    """Authors may change text and state of their own; the rest needs push, and is else dropped."""
    repository = request.repository
    issue = hub.find_issue(repository, request.number("number"))
    if not request.may_push and issue.author.lower() != request.user.login.lower():
        raise admin_rights_required()
    fields = request.fields()
    title = title_in(fields, required=False)
    body = body_in(fields) if "body" in fields else issue.body
    state, reason = state_in(fields)
    edit = IssueEdit(hub, repository, request.user.login)
    if request.may_push:
        issue = _edit_with_push(hub, repository, edit, issue, fields)
    issue = edit.texts(issue, title=title or issue.title, body=body)
    if state is not None:
        issue = edit.state(issue, state, reason)
    shown = hub.issue(repository, issue, single=True)
    return Response(200, shown, _deprecation(request))


def _edit_with_push(
    hub: Hub, repository: Repository, edit: IssueEdit, issue: Issue, fields: dict[str, Any]
) -> Issue:
    assignees = assignees_in(hub, repository, fields)
    check_milestone(fields)
    if "labels" in fields:
        names = label_names_in(fields["labels"] or [])
        issue = edit.labels(issue, hub.labels.ensure(repository, names, now=hub.now()))
    if assignees is not None:
        issue = edit.assignees(issue, assignees)
    return issue


def lock_issue(hub: Hub, request: Request) -> Response:
    return _set_locked(hub, request, locked=True)


def unlock_issue(hub: Hub, request: Request) -> Response:
    return _set_locked(hub, request, locked=False)


def _set_locked(hub: Hub, request: Request, *, locked: bool) -> Response:
    issue = hub.find_issue(request.repository, request.number("number"))
    IssueEdit(hub, request.repository, request.user.login).locked(issue, locked)
    return Response(204)


def list_events(hub: Hub, request: Request) -> Response:
    repository = request.repository
    issue = hub.find_issue(repository, request.number("number"))
    events = hub.events.of_issue(issue)
    base = f"{hub.base_url}/repositories/{repository.id}/issues/{issue.number}/events"
    links = numbered_links(request, base, total=len(events))
    shown = [_event_json(hub, repository, event) for event in numbered_page(request, events)]
    return Response(200, shown, links)


def _event_json(hub: Hub, repository: Repository, event: Event) -> dict[str, Any]:
    details = dict(event.details)
    for person in ("assignee", "assigner"):
        if person in details:
            details[person] = hub.user(details[person])
    return {
        "id": event.id,
        "node_id": node_id("EV", event.id),
        "url": f"{api_url(hub.base_url, repository)}/issues/events/{event.id}",
        "actor": hub.user(event.actor),
        "event": event.event,
        "commit_id": None,
        "commit_url": None,
        "created_at": iso(event.created_at),
        **details,
        "performed_via_github_app": None,
    }


ISSUES = f"{REPOSITORY}/issues"
ISSUE = f"{ISSUES}/{{number}}"
ROUTES = (
    Route("GET", ISSUES, list_issues, docs="issues/issues#list-repository-issues"),
    Route("POST", ISSUES, create_issue, Needs.USER, docs="issues/issues#create-an-issue"),
    Route("GET", ISSUE, get_issue, docs="issues/issues#get-an-issue"),
    Route("PATCH", ISSUE, edit_issue, Needs.USER, docs="issues/issues#update-an-issue"),
    Route("PUT", f"{ISSUE}/lock", lock_issue, Needs.PUSH, docs="issues/issues#lock-an-issue"),
    Route(
        "DELETE", f"{ISSUE}/lock", unlock_issue, Needs.PUSH, docs="issues/issues#unlock-an-issue"
    ),
    Route("GET", f"{ISSUE}/events", list_events, docs="issues/events#list-issue-events"),
)
