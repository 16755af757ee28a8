"""``/repos/{owner}/{repo}/labels``: a repository's labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from .exchange import Request, Response, segment
from .hub import Hub
from .issue_fields import LONGEST_LABEL
from .label_table import UNCHOSEN_COLOR
from .paging import numbered_links, numbered_page
from .refusals import Refusal, invalid, not_found, text_field
from .rendering import api_url
from .routing import REPOSITORY, Needs, Route
from .rows import Label

LONGEST_DESCRIPTION: Final = 100
COLOR: Final = re.compile(r"[0-9a-fA-F]{6}")


def _wrong(code: str, field: str, message: str | None = None) -> Refusal:
    error: dict[str, Any] = {"resource": "Label", "code": code, "field": field}
    return invalid(error if message is None else {**error, "message": message})


def _checked_name(hub: Hub, request: Request, name: str, *, own: Label | None = None) -> str:
    """Raises 422 for a blank, long or taken name; ``own`` may keep its name in another case."""
    if not name.strip():
        raise _wrong("missing_field", "name")
    if len(name) > LONGEST_LABEL:
        message = f"name is too long (maximum is {LONGEST_LABEL} characters)"
        raise _wrong("custom", "name", message)
    taken = hub.labels.find(request.repository, name)
    if taken is not None and (own is None or taken.id != own.id):
        raise _wrong("already_exists", "name")
    return name


def _checked_color(fields: Mapping[str, Any], otherwise: str) -> str:
    color = text_field(fields, "color", nullable=True)
    if color is None:
        return otherwise
    if not COLOR.fullmatch(color):
        raise _wrong("invalid", "color")
    return color


def _checked_description(fields: Mapping[str, Any], otherwise: str | None) -> str | None:
    if "description" not in fields:
        return otherwise
    description = text_field(fields, "description", nullable=True)
    if description is not None and len(description) > LONGEST_DESCRIPTION:
        message = f"description is too long (maximum is {LONGEST_DESCRIPTION} characters)"
        raise _wrong("custom", "description", message)
    return description


def _named(hub: Hub, request: Request) -> Label:
    label = hub.labels.find(request.repository, segment(request.path_args["name"]))
    if label is None:
        raise not_found()
    return label


def list_labels(hub: Hub, request: Request) -> Response:
    repository = request.repository
    labels = hub.labels.all(repository)
    base = f"{hub.base_url}/repositories/{repository.id}/labels"
    links = numbered_links(request, base, total=len(labels))
    shown = [hub.label(repository, label) for label in numbered_page(request, labels)]
    return Response(200, shown, links)


def get_label(hub: Hub, request: Request) -> Response:
    label = _named(hub, request)
    return Response(200, hub.label(request.repository, label), last_modified=label.updated_at)


def create_label(hub: Hub, request: Request) -> Response:
    repository, fields = request.repository, request.fields()
    name = text_field(fields, "name", required=True)
    assert name is not None
    name = _checked_name(hub, request, name)
    color = _checked_color(fields, UNCHOSEN_COLOR)
    description = _checked_description(fields, None)
    label = hub.labels.add(repository, name, color, description, now=hub.now())
    shown = hub.label(repository, label)
    hub.announce(repository, "label", "created", request.user.login, lambda: {"label": shown})
    location = f"{api_url(hub.base_url, repository)}/labels/{quote(name, safe=':')}"
    return Response(201, shown, {"Location": location})


def edit_label(hub: Hub, request: Request) -> Response:
    repository, fields, label = request.repository, request.fields(), _named(hub, request)
    new_name = text_field(fields, "new_name")
    changed = replace(
        label,
        name=label.name if new_name is None else _checked_name(hub, request, new_name, own=label),
        color=_checked_color(fields, label.color),
        description=_checked_description(fields, label.description),
        updated_at=hub.now(),
    )
    hub.labels.save(changed)
    members = ("name", "color", "description")
    changes = {
        name: {"from": getattr(label, name) or ""}
        for name in members
        if getattr(label, name) != getattr(changed, name)
    }
    shown = hub.label(repository, changed)
    hub.announce(
        repository,
        "label",
        "edited",
        request.user.login,
        lambda: {"label": shown, "changes": changes},
    )
    return Response(200, shown)


def delete_label(hub: Hub, request: Request) -> Response:
    """It disappears from every issue; none of them counts as updated, as on GitHub."""
    repository, label = request.repository, _named(hub, request)
    for issue in hub.issues.with_label(repository, label.id):
        kept = tuple(label_id for label_id in issue.labels if label_id != label.id)
        hub.issues.save(replace(issue, labels=kept))
    hub.labels.remove(label)
    shown = hub.label(repository, label)
    hub.announce(repository, "label", "deleted", request.user.login, lambda: {"label": shown})
    return Response(204)


LABELS = f"{REPOSITORY}/labels"
LABEL = f"{LABELS}/{{name}}"
DOCS = "issues/labels"
ROUTES = (
    Route("GET", LABELS, list_labels, docs=f"{DOCS}#list-labels-for-a-repository"),
    Route("POST", LABELS, create_label, Needs.PUSH, docs=f"{DOCS}#create-a-label"),
    Route("GET", LABEL, get_label, docs=f"{DOCS}#get-a-label"),
    Route("PATCH", LABEL, edit_label, Needs.PUSH, docs=f"{DOCS}#update-a-label"),
    Route("DELETE", LABEL, delete_label, Needs.PUSH, docs=f"{DOCS}#delete-a-label"),
)
