"""``/repos/{owner}/{repo}`` itself: read, rename, hide, delete."""

from __future__ import annotations

from typing import Any

from .administration import NAME
from .exchange import Request, Response
from .hub import Hub
from .refusals import invalid, text_field, wrong_type
from .repository_rendering import MERGE_SETTINGS, permissions_json
from .routing import REPOSITORY, Needs, Route
from .rows import Repository


def _shown(hub: Hub, request: Request, repository: Repository) -> dict[str, Any]:
    """With what the caller may do, and with merge settings for those who can merge."""
    shown = hub.repository(repository)
    if request.actor is not None:
        fine = hub.accounts.fine_role(repository, request.actor.login)
        shown["permissions"] = permissions_json(fine)
        if request.may_push:
            shown.update(MERGE_SETTINGS)
    return {**shown, "network_count": 0, "subscribers_count": 0}


def get_repository(hub: Hub, request: Request) -> Response:
    repository = request.repository
    shown = _shown(hub, request, repository)
    return Response(200, shown, last_modified=repository.updated_at)


def edit_repository(hub: Hub, request: Request) -> Response:
    """``name``, ``private`` (or ``visibility``) and ``has_issues``; anything else is ignored."""
    repository, fields = request.repository, request.fields()
    name = text_field(fields, "name")
    private, has_issues = repository.private, repository.has_issues
    if "visibility" in fields:
        private = text_field(fields, "visibility") == "private"
    if "private" in fields:
        private = _flag(fields, "private")
    if "has_issues" in fields:
        has_issues = _flag(fields, "has_issues")
    if name is not None and name != repository.name:
        repository = _renamed(hub, repository, name)
    if (private, has_issues) != (repository.private, repository.has_issues):
        repository = hub.repositories.configure(
            repository, private=private, has_issues=has_issues, now=hub.now()
        )
    return Response(200, _shown(hub, request, repository))


def _flag(fields: dict[str, Any], name: str) -> bool:
    value = fields[name]
    if not isinstance(value, bool):
        raise wrong_type(name, value, "boolean")
    return value


def _renamed(hub: Hub, repository: Repository, name: str) -> Repository:
    full_name = f"{repository.owner}/{name}"
    taken = hub.repositories.find(full_name)
    if not NAME.fullmatch(name) or (taken is not None and taken.id != repository.id):
        what = "name already exists on this account" if taken else "name is invalid"
        raise invalid(
            {"resource": "Repository", "code": "custom", "field": "name", "message": what}
        )
    after = hub.repositories.rename(repository, full_name, now=hub.now())
    hub.git.rename(repository, after)
    changes = {"repository": {"name": {"from": repository.name}}}
    hub.announce(after, "repository", "renamed", repository.owner, lambda: {"changes": changes})
    return after


def delete_repository(hub: Hub, request: Request) -> Response:
    hub.repositories.remove(request.repository)
    hub.storage.after_commit(lambda: hub.git.remove(request.repository))
    return Response(204)


def list_own(hub: Hub, request: Request) -> Response:
    """``/user/repos``: what the caller may read here, oldest first, on one page."""
    login = request.user.login
    seen = [
        hub.repository(repository)
        for repository in hub.repositories.all()
        if hub.accounts.role(repository, login) != "none"
    ]
    return Response(200, seen)


DOCS = "repos/repos"
ROUTES = (
    Route("GET", REPOSITORY, get_repository, docs=f"{DOCS}#get-a-repository"),
    Route("PATCH", REPOSITORY, edit_repository, Needs.ADMIN, docs=f"{DOCS}#update-a-repository"),
    Route("DELETE", REPOSITORY, delete_repository, Needs.ADMIN, docs=f"{DOCS}#delete-a-repository"),
    Route("GET", "/user/repos", list_own, Needs.USER, docs=f"{DOCS}#list-repositories"),
)
