"""``/repos/{owner}/{repo}/issues/{number}/labels``: the labels on one issue."""

from __future__ import annotations

from .exchange import Request, Response, segment
from .hub import Hub
from .issue_edits import IssueEdit
from .issue_fields import label_names_in
from .paging import numbered_links, numbered_page
from .refusals import Refusal, admin_rights_required
from .routing import REPOSITORY, Needs, Route
from .rows import Issue, Label


def _writable(hub: Hub, request: Request) -> Issue:
    """The issue in the path, for a caller who may label it."""
    issue = hub.find_issue(request.repository, request.number("number"))
    if not request.may_push:
        raise admin_rights_required()
    return issue


def _on(hub: Hub, request: Request, issue: Issue) -> list[Label]:
    known = hub.labels_by_id(request.repository)
    return [known[label_id] for label_id in issue.labels if label_id in known]


def _named_in_body(hub: Hub, request: Request) -> list[Label]:
    """The body is ``{"labels": [...]}`` or the bare list; missing labels are made."""
    data = request.json()
    value = data.get("labels", []) if isinstance(data, dict) else data
    names = label_names_in(value)
    return hub.labels.ensure(request.repository, names, now=hub.now())


def _changed(hub: Hub, request: Request, issue: Issue, wanted: list[Label]) -> Response:
    edit = IssueEdit(hub, request.repository, request.user.login)
    issue = edit.labels(issue, wanted)
    shown = [hub.label(request.repository, label) for label in _on(hub, request, issue)]
    return Response(200, shown)


def list_on_issue(hub: Hub, request: Request) -> Response:
    repository = request.repository
    issue = hub.find_issue(repository, request.number("number"))
    labels = _on(hub, request, issue)
    base = f"{hub.base_url}/repositories/{repository.id}/issues/{issue.number}/labels"
    links = numbered_links(request, base, total=len(labels))
    shown = [hub.label(repository, label) for label in numbered_page(request, labels)]
    return Response(200, shown, links)


def add_to_issue(hub: Hub, request: Request) -> Response:
    issue = _writable(hub, request)
    return _changed(hub, request, issue, [*_on(hub, request, issue), *_named_in_body(hub, request)])


def replace_on_issue(hub: Hub, request: Request) -> Response:
    issue = _writable(hub, request)
    return _changed(hub, request, issue, _named_in_body(hub, request))


def clear_issue(hub: Hub, request: Request) -> Response:
    _changed(hub, request, _writable(hub, request), [])
    return Response(204)


def remove_from_issue(hub: Hub, request: Request) -> Response:
    issue = _writable(hub, request)
    name = segment(request.path_args["name"]).casefold()
    labels = _on(hub, request, issue)
    kept = [label for label in labels if label.name.casefold() != name]
    if len(kept) == len(labels):
        raise Refusal(404, "Label does not exist")
    return _changed(hub, request, issue, kept)


LABELS = f"{REPOSITORY}/issues/{{number}}/labels"
DOCS = "issues/labels"
ROUTES = (
    Route("GET", LABELS, list_on_issue, docs=f"{DOCS}#list-labels-for-an-issue"),
    Route("POST", LABELS, add_to_issue, Needs.USER, docs=f"{DOCS}#add-labels-to-an-issue"),
    Route("PUT", LABELS, replace_on_issue, Needs.USER, docs=f"{DOCS}#set-labels-for-an-issue"),
    Route(
        "DELETE", LABELS, clear_issue, Needs.USER, docs=f"{DOCS}#remove-all-labels-from-an-issue"
    ),
    Route(
        "DELETE",
        f"{LABELS}/{{name}}",
        remove_from_issue,
        Needs.USER,
        docs=f"{DOCS}#remove-a-label-from-an-issue",
    ),
)
