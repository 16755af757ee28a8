"""Files by path: read, listed, written, removed.

Every write is a commit of its own, made on the branch's head and put there by compare-and-set.
Source: GitHub docs, "Repository contents"; recordings.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final
from urllib.parse import quote

from .exchange import Request, Response, refusal_response, segment
from .git_names import is_sound_path
from .git_people import default_person, person_in
from .git_rendering import GitRendering
from .git_repository import ZERO, GitRepository
from .git_store import DEFAULT_BRANCH
from .git_trees import FILE, Changes, Entry
from .hub import Hub
from .lost_race import maybe_lose
from .media_types import raw_response, wanted_form
from .push import Push, announce
from .refusals import DOCS, Refusal, missing_keys, not_found, text_field
from .routing import FREE, REPOSITORY, Needs, Route

MOST_LISTED: Final = 1000
# How far back Last-Modified looks for the commit that touched a path.
DEEPEST_LOOK: Final = 100
PUT_DOCS: Final = "repos/contents#create-or-update-file-contents"
DELETE_DOCS: Final = "repos/contents#delete-a-file"


def get_contents(hub: Hub, request: Request) -> Response:
    path = segment(request.path_args.get("path", ""))
    if path.endswith("/") and path.strip("/"):
        place = quote(path.strip("/"), safe="/")
        url = f"{hub.base_url}/repositories/{request.repository.id}/contents/{place}"
        html = "text/html;charset=utf-8"
        return Response(302, b"", {"Location": url}, content_type=html, tagged=False)
    path = path.strip("/")
    store = hub.git.open(request.repository)
    if store.is_empty():
        raise Refusal(404, "This repository is empty.")
    wanted = request.parameter("ref") or DEFAULT_BRANCH
    commit = store.commit_named(DEFAULT_BRANCH if wanted == "HEAD" else wanted)
    if commit is None:
        raise Refusal(404, f"No commit found for the ref {wanted}")
    tree = store.tree_id(commit)
    entry = store.find(tree, path) if tree and (not path or is_sound_path(path)) else None
    if entry is None:
        raise not_found()
    response = _shown(hub, request, store, entry, wanted)
    response.etag = f'W/"{entry.sha}"'
    response.last_modified = _last_modified(store, commit, path)
    return response


def _shown(hub: Hub, request: Request, store: GitRepository, entry: Entry, ref: str) -> Response:
    rendering = GitRendering(hub, request.repository)
    form = wanted_form(request)
    if entry.kind != "tree":
        data = store.blob(entry.sha)
        if form == "raw" and data is not None:
            return raw_response(request, data)
        response = Response(200, rendering.file(store, entry, ref))
    else:
        inside = list(store.entries(entry.sha, f"{entry.path}/" if entry.path else ""))
        listed = [rendering.contents(item, ref) for item in inside[:MOST_LISTED]]
        as_object = {**rendering.contents(entry, ref), "entries": listed}
        response = Response(200, as_object if form == "object" else listed)
    if form == "object":
        response.media_type = "github.v3; param=object; format=json"
    return response


def _last_modified(store: GitRepository, commit: str, path: str) -> int | None:
    """When the path was last touched, or a later time where that is far back in the history."""
    at = None
    for count, (sha, link) in enumerate(store.history.newest_first(commit)):
        at = link.at
        if count >= DEEPEST_LOOK or store.touches(sha, path):
            break
    return at


def put_contents(hub: Hub, request: Request) -> Response:
    fields, path = request.fields(), _written_path(request)
    missing = [name for name in ("content", "message") if name not in fields]
    if missing:
        raise missing_keys(*missing)
    message = text_field(fields, "message")
    data = _decoded(text_field(fields, "content") or "")
    write = _Write(hub, request, fields, path, message or "")
    held = write.held
    if held is not None:
        write.check_sha(held)
    mode = held.mode if held is not None else FILE
    blob = write.store.add_blob(data)
    return write.land({path: (mode, blob)}, 200 if held else 201, PUT_DOCS)


def delete_contents(hub: Hub, request: Request) -> Response:
    fields = {**dict(request.query), **request.fields()}
    path = _written_path(request)
    missing = [name for name in ("message", "sha") if name not in fields]
    if missing:
        raise missing_keys(*missing)
    write = _Write(hub, request, fields, path, text_field(fields, "message") or "")
    if write.held is None:
        raise not_found()
    write.check_sha(write.held)
    return write.land({path: None}, 200, DELETE_DOCS)


class _Write:
    """One write to one path of one branch. Raises 404 for a branch that is not there."""

    def __init__(
        self, hub: Hub, request: Request, fields: dict[str, Any], path: str, message: str
    ) -> None:
        self._hub = hub
        self._request = request
        self._path = path
        self._fields = fields
        self._message = message.replace("\0", "")
        self.store = hub.git.open(request.repository)
        self._branch = text_field(fields, "branch", nullable=True) or DEFAULT_BRANCH
        self._branch = self._branch.removeprefix("refs/heads/")
        self._ref = f"refs/heads/{self._branch}"
        self._head = self.store.ref(self._ref)
        is_first = self._branch == DEFAULT_BRANCH and self.store.is_empty()
        if self._head is None and not is_first:
            raise Refusal(404, f"Branch {self._branch} not found")
        self._tree = self.store.tree_id(self._head) if self._head else None
        self.held = self.store.find(self._tree, path) if self._tree else None
        if self._tree is not None and self.held is None:
            self._check_directories()

    def _check_directories(self) -> None:
        names = self._path.split("/")
        for depth in range(1, len(names)):
            above = self.store.find(self._tree or "", "/".join(names[:depth]))
            if above is not None and above.kind != "tree":
                raise Refusal(
                    422, "A file exists where you\u2019re trying to create a subdirectory."
                )

    def check_sha(self, held: Entry) -> None:
        sha = text_field(self._fields, "sha", nullable=True)
        if not sha:
            raise missing_keys("sha")
        if sha != held.sha:
            raise Refusal(409, f"{self._path} does not match {sha}")
        if held.kind == "tree":
            raise Refusal(422, f"{self._path} is a directory")

    def land(self, changes: Changes, status: int, docs: str) -> Response:
        """Commit, move the branch, tell the hooks; 409 when somebody else was faster."""
        hub, request, store = self._hub, self._request, self.store
        default = default_person(hub, request.user)
        committer = person_in(self._fields, "committer", default)
        author = person_in(self._fields, "author", committer)
        tree = store.with_changes(self._tree, changes)
        parents = [self._head] if self._head else []
        commit = store.add_commit(tree, parents, self._message, author, committer)
        maybe_lose(hub, request, store, self._ref)
        if not store.move(self._ref, self._head, commit):
            at = store.ref(self._ref) or ZERO
            wording = f"{self._ref} is at {at} but expected {self._head or ZERO}"
            return refusal_response(Refusal(409, wording), f"{DOCS}/{docs}")
        push = Push(self._ref, self._head or ZERO, commit)
        announce(hub, request.repository, store, request.user, push)
        rendering = GitRendering(hub, request.repository)
        entry = store.find(tree, self._path)
        made = store.commit(commit)
        assert made is not None
        shown = rendering.contents(entry, self._branch) if entry else None
        return Response(status, {"content": shown, "commit": rendering.git_commit(commit, made)})


def _written_path(request: Request) -> str:
    path = segment(request.path_args.get("path", ""))
    if path.startswith("/"):
        raise Refusal(422, "path cannot start with a slash")
    if not is_sound_path(path):
        raise Refusal(422, "path contains a malformed path component")
    return path


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(422, "content is not valid Base64") from error


def raw_file(hub: Hub, request: Request) -> Response:
    """Where ``download_url`` leads: the bytes alone. A ref may have slashes in its name."""
    store = hub.git.open(request.repository)
    names = segment(request.path_args["rest"]).split("/")
    for count in range(1, len(names)):
        commit = store.commit_named("/".join(names[:count]))
        tree = store.tree_id(commit) if commit else None
        entry = store.find(tree, "/".join(names[count:])) if tree else None
        data = store.blob(entry.sha) if entry else None
        if entry is not None and data is not None:
            response = Response(200, data, content_type="text/plain; charset=utf-8")
            response.raw = True
            response.etag = f'W/"{entry.sha}"'
            return response
    raise not_found()


_CONTENTS: Final = f"{REPOSITORY}/contents"
_GET_DOCS: Final = "repos/contents#get-repository-content"
ROUTES: Final = (
    Route("GET", _CONTENTS, get_contents, docs=_GET_DOCS),
    Route("GET", f"{_CONTENTS}/", get_contents, docs=_GET_DOCS),
    Route("GET", f"{_CONTENTS}/{{path:path}}", get_contents, docs=_GET_DOCS),
    Route("PUT", f"{_CONTENTS}/{{path:path}}", put_contents, Needs.PUSH, docs=PUT_DOCS),
    Route("DELETE", f"{_CONTENTS}/{{path:path}}", delete_contents, Needs.PUSH, docs=DELETE_DOCS),
    Route("GET", "/raw/{owner}/{repo}/{rest:path}", raw_file, resource=FREE),
)
