"""Refs: read, listed, made, moved, removed. Source: GitHub docs, "Git references"; recordings."""

from __future__ import annotations

from typing import Any, Final

from .exchange import Request, Response, refusal_response, segment
from .git_names import is_sound_ref
from .git_rendering import GitRendering
from .git_repository import ZERO, GitRepository
from .git_store import DEFAULT_BRANCH
from .hub import Hub
from .lost_race import maybe_lose
from .paging import numbered_links, numbered_page
from .push import Push, announce
from .refusals import DOCS, Refusal, missing_keys, not_found, text_field, wrong_type
from .routing import REPOSITORY, Needs, Route

GET_DOCS: Final = "git/refs#get-a-reference"
LIST_DOCS: Final = "git/refs#list-matching-references"
CREATE_DOCS: Final = "git/refs#create-a-reference"
UPDATE_DOCS: Final = "git/refs#update-a-reference"
DELETE_DOCS: Final = "git/refs#delete-a-reference"


def filled_store(hub: Hub, request: Request) -> GitRepository:
    """The repository's files. Raises the 409 of a repository without a single commit."""
    store = hub.git.open(request.repository)
    if store.is_empty():
        raise Refusal(409, "Git Repository is empty.")
    return store


def get_ref(hub: Hub, request: Request) -> Response:
    store, name = filled_store(hub, request), _full_name(request)
    sha = store.ref(name)
    if sha is None:
        raise not_found()
    shown = _ref_json(hub, request, store, name, sha)
    return Response(200, shown, last_modified=store.changed_at())


def matching_refs(hub: Hub, request: Request) -> Response:
    return _listed(hub, request, _full_name(request))


def all_refs(hub: Hub, request: Request) -> Response:
    return _listed(hub, request, "refs/")


def get_ref_or_directory(hub: Hub, request: Request) -> Response:
    """The older address of both: one ref, or those below a directory of refs."""
    store, name = filled_store(hub, request), _full_name(request)
    if store.ref(name) is not None:
        return get_ref(hub, request)
    below = f"{name.rstrip('/')}/"
    if not any(held.startswith(below) for held in store.refs()):
        raise not_found()
    return _listed(hub, request, below)


def _listed(hub: Hub, request: Request, prefix: str) -> Response:
    store = filled_store(hub, request)
    found = [item for item in store.refs().items() if item[0].startswith(prefix)]
    place = request.path.partition("/git/")[2]
    base = f"{hub.base_url}/repositories/{request.repository.id}/git/{place}"
    shown = [
        _ref_json(hub, request, store, name, sha) for name, sha in numbered_page(request, found)
    ]
    links = numbered_links(request, base, total=len(found))
    return Response(200, shown, links, last_modified=store.changed_at())


def create_ref(hub: Hub, request: Request) -> Response:
    store, fields = filled_store(hub, request), request.fields()
    missing = [name for name in ("ref", "sha") if name not in fields]
    if missing:
        raise missing_keys(*missing)
    name, sha = text_field(fields, "ref") or "", text_field(fields, "sha") or ""
    if not is_sound_ref(name) or name.startswith("refs/pull/"):
        raise Refusal(422, f"{name} is not a valid ref name.")
    kind = _checked_kind(store, name, sha)
    if store.clashes(name):
        raise Refusal(422, "Reference update failed")
    maybe_lose(hub, request, store, name)
    if not store.move(name, None, sha):
        return refusal_response(Refusal(422, "Reference already exists"), f"{DOCS}/{CREATE_DOCS}")
    announce(hub, request.repository, store, request.user, Push(name, ZERO, sha))
    shown = GitRendering(hub, request.repository).ref(name, sha, kind)
    return Response(201, shown, {"Location": shown["url"]})


def update_ref(hub: Hub, request: Request) -> Response:
    store, fields = filled_store(hub, request), request.fields()
    name, _ = _held_ref(store, request)
    sha = text_field(fields, "sha", required=True) or ""
    force = fields.get("force", False)
    if not isinstance(force, bool):
        raise wrong_type("force", force, "boolean")
    kind = _checked_kind(store, name, sha)
    maybe_lose(hub, request, store, name)
    seen = store.ref(name)
    forward = seen is not None and store.history.contains(sha, seen)
    if seen is None or not (forward or force) or not store.move(name, seen, sha):
        wording = "Update is not a fast forward" if seen else "Reference does not exist"
        return refusal_response(Refusal(422, wording), f"{DOCS}/{UPDATE_DOCS}")
    if seen != sha:
        push = Push(name, seen, sha, forced=not forward)
        announce(hub, request.repository, store, request.user, push)
    return Response(200, GitRendering(hub, request.repository).ref(name, sha, kind))


def delete_ref(hub: Hub, request: Request) -> Response:
    store = filled_store(hub, request)
    name, before = _held_ref(store, request)
    if name == f"refs/heads/{DEFAULT_BRANCH}":
        raise Refusal(422, "Cannot delete the default branch")
    if not store.delete_ref(name, before):
        raise Refusal(422, "Reference update failed")
    announce(hub, request.repository, store, request.user, Push(name, before, ZERO))
    return Response(204)


def _full_name(request: Request) -> str:
    return f"refs/{segment(request.path_args.get('ref', ''))}"


def _held_ref(store: GitRepository, request: Request) -> tuple[str, str]:
    name = _full_name(request)
    sha = store.ref(name)
    if sha is None:
        raise Refusal(422, "Reference does not exist")
    return name, sha


def _checked_kind(store: GitRepository, name: str, sha: str) -> str:
    """The kind of the object a ref is to point to; a branch's is a commit."""
    kind = store.kind(sha)
    if kind is None:
        raise Refusal(422, "Object does not exist")
    if name.startswith("refs/heads/") and kind != "commit":
        raise Refusal(422, "Object is not a commit")
    return kind


def _ref_json(
    hub: Hub, request: Request, store: GitRepository, name: str, sha: str
) -> dict[str, Any]:
    return GitRendering(hub, request.repository).ref(name, sha, store.kind(sha) or "commit")


_GIT: Final = f"{REPOSITORY}/git"
ROUTES: Final = (
    Route("GET", f"{_GIT}/ref/{{ref:path}}", get_ref, docs=GET_DOCS),
    Route("GET", f"{_GIT}/matching-refs/", matching_refs, docs=LIST_DOCS),
    Route("GET", f"{_GIT}/matching-refs/{{ref:path}}", matching_refs, docs=LIST_DOCS),
    Route("GET", f"{_GIT}/refs", all_refs, docs=LIST_DOCS),
    Route("GET", f"{_GIT}/refs/{{ref:path}}", get_ref_or_directory, docs=GET_DOCS),
    Route("POST", f"{_GIT}/refs", create_ref, Needs.PUSH, docs=CREATE_DOCS),
    Route("PATCH", f"{_GIT}/refs/{{ref:path}}", update_ref, Needs.PUSH, docs=UPDATE_DOCS),
    Route("DELETE", f"{_GIT}/refs/{{ref:path}}", delete_ref, Needs.PUSH, docs=DELETE_DOCS),
)
