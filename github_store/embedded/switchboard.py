"""``/_embedded``: what a test or a person does to the server itself, with the owner's token only.

| request | does |
|---|---|
| GET /_embedded/faults | the faults that are on |
| POST /_embedded/faults | switch one on: the members of ``faults.Fault``; answers its id |
| DELETE /_embedded/faults | switch all off |
| DELETE /_embedded/faults/{id} | switch one off |
| GET /_embedded/requests | the last requests, oldest first: method, target, status |
| POST /_embedded/users | ``{"login"}``: make a user if need be; answers a token for it |
| POST /_embedded/repositories | ``{"full_name", "private", "files": {path: text}}`` |
| PUT /_embedded/repositories/{owner}/{repo}/roles/{login} | ``{"role"}`` |
| POST /_embedded/repositories/{owner}/{repo}/pulls | ``{"title", "author"}``: a pull request |
| POST /_embedded/repositories/{owner}/{repo}/issues/{number}/delete | as on the website |
| POST /_embedded/repositories/{owner}/{repo}/issues/{number}/transfer | ``{"to": "owner/repo"}`` |

A wrong body is 422 with a sentence. None of it counts against a quota or is struck by a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from . import administration
from .exchange import Request, Response, segment
from .faults import fault_from
from .hub import Hub
from .refusals import Refusal, not_found, text_field
from .routing import Route
from .rows import Repository

ROOT: Final = "/_embedded"
REPOSITORIES: Final = f"{ROOT}/repositories"
REPOSITORY: Final = f"{REPOSITORIES}/{{owner}}/{{repo}}"


def _said(body: Any, status: int = 200) -> Response:
    return Response(status, body, tagged=False, cache_control="no-store")


def _repository(hub: Hub, full_name: str) -> Repository:
    found = hub.repositories.find(full_name)
    if found is None:
        raise not_found()
    return found


def _in_path(hub: Hub, request: Request) -> Repository:
    owner, repo = (segment(request.path_args[name]) for name in ("owner", "repo"))
    return _repository(hub, f"{owner}/{repo}")


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = text_field(fields, name, required=True)
    assert value is not None
    return value


def _sensible(action: Callable[[], Any]) -> Any:
    """What the action gives; its ValueError is the caller's mistake."""
    try:
        return action()
    except ValueError as error:
        raise Refusal(422, str(error)) from error


def list_faults(hub: Hub, _: Request) -> Response:
    return _said(hub.faults.active())


def add_fault(hub: Hub, request: Request) -> Response:
    fault = _sensible(lambda: fault_from(request.fields()))
    return _said({"id": hub.faults.switch_on(fault)}, 201)


def clear_faults(hub: Hub, _: Request) -> Response:
    hub.faults.clear()
    return Response(204)


def lift_fault(hub: Hub, request: Request) -> Response:
    hub.faults.lift(request.number("id"))
    return Response(204)


def add_user(hub: Hub, request: Request) -> Response:
    login = _text(request.fields(), "login")
    hub.accounts.ensure(login, now=hub.now())
    return _said({"login": login, "token": hub.accounts.add_token(login)}, 201)


def add_repository(hub: Hub, request: Request) -> Response:
    fields = request.fields()
    files = fields.get("files") or {}
    if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
        raise Refusal(422, "files is an object of path and text")
    made: Repository = _sensible(
        lambda: administration.create_repository(
            hub,
            _text(fields, "full_name"),
            private=fields.get("private") is True,
            files={path: text.encode() for path, text in files.items()},
        )
    )
    return _said(hub.repository(made), 201)


def set_role(hub: Hub, request: Request) -> Response:
    login, role = segment(request.path_args["login"]), _text(request.fields(), "role")
    repository = _in_path(hub, request)
    by = request.user.login
    _sensible(lambda: administration.set_role(hub, repository, login, role, by=by))
    return Response(204)


def add_pull(hub: Hub, request: Request) -> Response:
    fields, repository = request.fields(), _in_path(hub, request)
    author = text_field(fields, "author") or request.user.login
    made = administration.add_pull_request(
        hub, repository, title=_text(fields, "title"), author=author
    )
    return _said({"number": made.number}, 201)


def delete_issue(hub: Hub, request: Request) -> Response:
    repository = _in_path(hub, request)
    administration.delete_issue(hub, repository, request.number("number"), by=request.user.login)
    return Response(204)


def transfer_issue(hub: Hub, request: Request) -> Response:
    source = _in_path(hub, request)
    target = _repository(hub, _text(request.fields(), "to"))
    moved = administration.transfer_issue(
        hub, source, request.number("number"), target, by=request.user.login
    )
    return _said({"number": moved.number})


def switchboard_routes(requests: Iterable[tuple[str, str, int]]) -> tuple[Route, ...]:
    """The table above; ``requests`` is the server's own log."""

    def list_requests(_: Hub, __: Request) -> Response:
        names = ("method", "target", "status")
        return _said([dict(zip(names, line, strict=True)) for line in list(requests)])

    return (
        Route("GET", f"{ROOT}/faults", list_faults),
        Route("POST", f"{ROOT}/faults", add_fault),
        Route("DELETE", f"{ROOT}/faults", clear_faults),
        Route("DELETE", f"{ROOT}/faults/{{id}}", lift_fault),
        Route("GET", f"{ROOT}/requests", list_requests),
        Route("POST", f"{ROOT}/users", add_user),
        Route("POST", REPOSITORIES, add_repository),
        Route("PUT", f"{REPOSITORY}/roles/{{login}}", set_role),
        Route("POST", f"{REPOSITORY}/pulls", add_pull),
        Route("POST", f"{REPOSITORY}/issues/{{number}}/delete", delete_issue),
        Route("POST", f"{REPOSITORY}/issues/{{number}}/transfer", transfer_issue),
    )
