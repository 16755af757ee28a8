"""Who the caller is, who others are and what they may do, and how much quota is left."""

from __future__ import annotations

from .accounts import COARSE
from .exchange import Request, Response, segment
from .hub import Hub
from .refusals import not_found, push_access_required
from .rendering import user_json
from .repository_rendering import own_account_json, permissions_json
from .response_headers import SHORT_VARY
from .routing import FREE, REPOSITORY, Needs, Route
from .rows import User


def _public_repositories(hub: Hub, user: User) -> int:
    return sum(
        1
        for repository in hub.repositories.all()
        if not repository.private and repository.owner.lower() == user.login.lower()
    )


def _named(hub: Hub, request: Request) -> User:
    user = hub.accounts.find(segment(request.path_args["login"]))
    if user is None:
        raise not_found()
    return user


def own_account(hub: Hub, request: Request) -> Response:
    user = request.user
    shown = own_account_json(hub.base_url, user, public_repos=_public_repositories(hub, user))
    return Response(200, shown, last_modified=user.created_at)


def account(hub: Hub, request: Request) -> Response:
    user = _named(hub, request)
    shown = own_account_json(hub.base_url, user, public_repos=_public_repositories(hub, user))
    del shown["notification_email"]
    return Response(200, shown, last_modified=user.created_at)


def permission(hub: Hub, request: Request) -> Response:
    if not request.may_push:
        raise push_access_required("view collaborator permission.")
    user = _named(hub, request)
    fine = hub.accounts.fine_role(request.repository, user.login)
    person = {
        **user_json(hub.base_url, user),
        "permissions": permissions_json(fine),
        "role_name": fine,
    }
    shown = {"permission": COARSE.get(fine, fine), "user": person, "role_name": fine}
    return Response(200, shown)


def rate_limit(hub: Hub, request: Request) -> Response:
    def left(resource: str) -> dict[str, int]:
        return hub.quota.look(request.actor, request.peer, resource).json()

    core, search = left("core"), left("search")
    shown = {"resources": {"core": core, "search": search}, "rate": core}
    headers = {"Vary": SHORT_VARY}
    return Response(200, shown, headers, tagged=False, cache_control="no-cache")


ROUTES = (
    Route("GET", "/user", own_account, Needs.USER, docs="users/users#get-the-authenticated-user"),
    Route("GET", "/users/{login}", account, docs="users/users#get-a-user"),
    Route("GET", "/rate_limit", rate_limit, resource=FREE, docs="rate-limit/rate-limit"),
    Route(
        "GET",
        f"{REPOSITORY}/collaborators/{{login}}/permission",
        permission,
        Needs.USER,
        docs="collaborators/collaborators#get-repository-permissions-for-a-user",
    ),
)
