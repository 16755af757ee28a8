"""Git objects by id: blobs, trees, commits; made, they belong to no branch until a ref is moved.

Source: GitHub docs, "Git database"; recordings. ``ROUTES`` holds those of refs and of the history
as well: all that is below a repository's git data.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from . import history_routes, ref_routes
from .exchange import Request, Response, segment
from .git_names import is_sound_path
from .git_people import default_person, person_in
from .git_rendering import GitRendering
from .git_repository import GitRepository
from .git_trees import SUBMODULE
from .hub import Hub
from .media_types import raw_response, wanted_form
from .ref_routes import filled_store
from .refusals import Refusal, missing_keys, not_found, text_field, wrong_type
from .routing import REPOSITORY, Needs, Route

MOST_ENTRIES: Final = 100_000
MODES: Final = ("100644", "100755", "040000", "160000", "120000")
KINDS: Final = {"040000": "tree", "160000": "commit"}
# What a tree's id never changes, GitHub lets be kept for a day.
KEPT_SECONDS: Final = 86_400


def get_blob(hub: Hub, request: Request) -> Response:
    store, sha = filled_store(hub, request), segment(request.path_args["sha"])
    data = store.blob(sha)
    if data is None:
        raise not_found()
    if wanted_form(request) == "raw":
        return raw_response(request, data)
    return Response(200, GitRendering(hub, request.repository).blob(sha, data))


def create_blob(hub: Hub, request: Request) -> Response:
    store, fields = filled_store(hub, request), request.fields()
    content = text_field(fields, "content", required=True) or ""
    encoding = text_field(fields, "encoding") or "utf-8"
    if encoding == "base64":
        try:
            data = base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refusal(422, "content is not valid Base64") from error
    elif encoding == "utf-8":
        data = content.encode()
    else:
        raise Refusal(422, f"Invalid request.\n\n{encoding!r} is not utf-8 or base64.")
    sha = store.add_blob(data)
    url = GitRendering(hub, request.repository).git_url("blob", sha)
    return Response(201, {"sha": sha, "url": url}, {"Location": url})


def get_tree(hub: Hub, request: Request) -> Response:
    """By the id of a tree or commit, or by a branch's or tag's name; the answer repeats the id."""
    store, name = filled_store(hub, request), segment(request.path_args["sha"])
    sha = name if store.tree_id(name) else store.commit_named(name)
    tree = store.tree_id(sha) if sha else None
    if sha is None or tree is None:
        raise not_found()
    recursive = any(key == "recursive" for key, _ in request.query)
    found = list(store.all_entries(tree) if recursive else store.entries(tree))
    listed, truncated = found[:MOST_ENTRIES], len(found) > MOST_ENTRIES
    shown = GitRendering(hub, request.repository).tree(sha, listed, truncated=truncated)
    response = Response(200, shown, last_modified=store.changed_at())
    if sha == name:
        scope = "private" if request.actor else "public"
        response.cache_control = f"{scope}, max-age={KEPT_SECONDS}, s-maxage={KEPT_SECONDS}"
    return response


def create_tree(hub: Hub, request: Request) -> Response:
    store, fields = filled_store(hub, request), request.fields()
    if "tree" not in fields:
        raise missing_keys("tree")
    if not isinstance(fields["tree"], list):
        raise wrong_type("tree", fields["tree"], "array")
    base = text_field(fields, "base_tree", nullable=True)
    base_tree = store.tree_id(base) if base else None
    if base and base_tree is None:
        raise Refusal(422, "base_tree is not a valid tree oid")
    if not fields["tree"] and base_tree is None:
        raise Refusal(422, "Invalid tree info")
    changes = dict(_change(store, entry) for entry in fields["tree"])
    try:
        sha = store.with_changes(base_tree, changes)
    except KeyError as error:  # something to delete that is not there
        raise Refusal(422, "GitRPC::BadObjectState") from error
    shown = GitRendering(hub, request.repository).tree(sha, list(store.entries(sha)))
    return Response(201, shown, {"Location": shown["url"]})


def _change(store: GitRepository, entry: object) -> tuple[str, tuple[int, str] | None]:
    """One entry of a new tree. Raises the 422 for whatever is wrong with it."""
    if not isinstance(entry, dict):
        raise wrong_type("tree", entry, "object")
    path = text_field(entry, "path", required=True) or ""
    if not is_sound_path(path):
        raise Refusal(422, "tree.path contains a malformed path component")
    if "sha" in entry and entry["sha"] is None and "content" not in entry:
        return path, None
    mode = text_field(entry, "mode", required=True) or ""
    if mode not in MODES:
        raise Refusal(422, "tree.mode is not one of 100644, 100755, 040000, 160000, 120000")
    if entry.get("type") not in (None, KINDS.get(mode, "blob")):
        raise Refusal(422, "tree.type does not fit tree.mode")
    return path, (int(mode, 8), _object(store, entry, mode))


def _object(store: GitRepository, entry: Mapping[str, Any], mode: str) -> str:
    content, sha = text_field(entry, "content"), text_field(entry, "sha", nullable=True)
    if (content is None) == (sha is None):
        raise Refusal(422, "Must supply either tree.sha or tree.content")
    wanted = KINDS.get(mode, "blob")
    if sha is None:
        if wanted != "blob":
            raise Refusal(422, "tree.content needs a file's mode")
        return store.add_blob((content or "").encode())
    is_there = len(sha) == 40 if int(mode, 8) == SUBMODULE else store.kind(sha) == wanted
    if not is_there:
        raise Refusal(422, f"tree.sha {sha} is not a valid {wanted}")
    return sha


def get_commit(hub: Hub, request: Request) -> Response:
    store, sha = filled_store(hub, request), segment(request.path_args["sha"])
    commit = store.commit(sha)
    if commit is None:
        raise not_found()
    shown = GitRendering(hub, request.repository).git_commit(sha, commit)
    return Response(200, shown, last_modified=commit.commit_time)


def create_commit(hub: Hub, request: Request) -> Response:
    store, fields = filled_store(hub, request), request.fields()
    missing = [name for name in ("message", "tree") if name not in fields]
    if missing:
        raise missing_keys(*missing)
    message = (text_field(fields, "message") or "").replace("\0", "")
    tree = text_field(fields, "tree") or ""
    parents = fields.get("parents", [])
    if not isinstance(parents, list) or not all(isinstance(parent, str) for parent in parents):
        raise wrong_type("parents", parents, "array")
    author = person_in(fields, "author", default_person(hub, request.user))
    committer = person_in(fields, "committer", author)
    if store.kind(tree) != "tree":
        raise Refusal(422, "Tree SHA does not exist")
    if not all(store.kind(parent) == "commit" for parent in parents):
        raise Refusal(422, "Parent SHA does not exist or is not a commit object")
    sha = store.add_commit(tree, parents, message, author, committer)
    made = store.commit(sha)
    assert made is not None
    shown = GitRendering(hub, request.repository).git_commit(sha, made)
    return Response(201, shown, {"Location": shown["url"]})


_GIT: Final = f"{REPOSITORY}/git"
ROUTES: Final = (
    *ref_routes.ROUTES,
    Route("GET", f"{_GIT}/blobs/{{sha}}", get_blob, docs="git/blobs#get-a-blob"),
    Route("POST", f"{_GIT}/blobs", create_blob, Needs.PUSH, docs="git/blobs#create-a-blob"),
    Route("GET", f"{_GIT}/trees/{{sha:path}}", get_tree, docs="git/trees#get-a-tree"),
    Route("POST", f"{_GIT}/trees", create_tree, Needs.PUSH, docs="git/trees#create-a-tree"),
    Route("GET", f"{_GIT}/commits/{{sha}}", get_commit, docs="git/commits#get-a-commit-object"),
    Route("POST", f"{_GIT}/commits", create_commit, Needs.PUSH, docs="git/commits#create-a-commit"),
    *history_routes.ROUTES,
)
