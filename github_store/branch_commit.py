"""One commit by GitHub's git data API: made on no branch, then the branch is moved to it.

Source: REST docs, "Git database"; GitHub's wordings as recorded and reported.
"""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Collection, Mapping
from typing import Any, Final

from cachetools import LRUCache

from github_store.branch_snapshot import Snapshot, text_at
from github_store.errors import (
    AccessLost,
    Conflict,
    GitHubUnavailable,
    OutcomeUnknown,
    Unprocessable,
)
from github_store.gateway import Gateway, Reply
from github_store.git_tree import TreeChange, files_in

MAX_REMEMBERED: Final = 1_000

_README: Final = "README.md"
_MOVED_WORDS: Final = (
    *("fast forward", "already exists", "does not exist", "reference update failed"),
    *("base_tree", "is not a valid"),
)
"""What GitHub says (422) when the branch, or what was built on, is not there, or not there yet."""


class BranchWriter:
    """Writes on the snapshot it is given (None: the branch is to be made)."""

    def __init__(self, gateway: Gateway, *, branch: str) -> None:
        self._gateway = gateway
        self._branch = branch
        self._uploaded: LRUCache[str, bool] = LRUCache(MAX_REMEMBERED)

    async def make(self, base: Snapshot | None, change: TreeChange, message: str) -> Snapshot:
        """The commit, as yet on no branch: what fails here has changed no branch.

        Raises Conflict, Unprocessable, and GitHubUnavailable or its kinds except OutcomeUnknown.
        """
        try:
            return await self._make(base, change, message)
        except OutcomeUnknown as error:
            # Objects that no branch names, or a README: the branch stands where it stood.
            raise GitHubUnavailable(f"nothing was committed: {error}") from error
        except Conflict:
            self._uploaded.clear()  # they may be what GitHub does not know
            raise

    async def move(self, base: Snapshot | None, made: Snapshot) -> str | None:
        """Point the branch to the commit, which is when it happens; the ref's new ETag.

        Raises Conflict where the branch is elsewhere by now, OutcomeUnknown, and the like.
        """
        if base:
            address = f"/git/refs/heads/{urllib.parse.quote(self._branch)}"
            reply = await self._request("PATCH", address, {"sha": made.commit})
        else:
            ref = {"ref": f"refs/heads/{self._branch}", "sha": made.commit}
            reply = await self._request("POST", "/git/refs", ref)
        self._checked(reply)
        return reply.etag

    async def _make(self, base: Snapshot | None, change: TreeChange, message: str) -> Snapshot:
        for sha, content in change.uploads.items():
            if sha not in self._uploaded:
                blob = await self._create("/git/blobs", _blob(content), begins=base is None)
                _require_same(blob.get("sha"), sha)
                self._uploaded[sha] = True  # a race lost later does not send it again
        wanted: dict[str, Any] = {"tree": change.entries}
        if base:
            wanted["base_tree"] = base.tree
        tree = await self._create("/git/trees", wanted, begins=base is None)
        for path, sha in files_in(tree):  # the top of it
            _require_same(sha, change.files.get(path))
        parents = [base.commit] if base else []
        commit = await self._create(
            "/git/commits", {"message": message, "tree": text_at(tree, "sha"), "parents": parents}
        )
        return Snapshot(text_at(commit, "sha"), text_at(tree, "sha"), change.files)

    async def _create(
        self, path: str, body: Mapping[str, Any], *, begins: bool = False
    ) -> dict[str, Any]:
        reply = await self._request("POST", path, body)
        if reply.status == 409 and begins:  # "Git Repository is empty."
            await self._write_readme()
            reply = await self._request("POST", path, body)
        return self._checked(reply)

    async def _write_readme(self) -> None:
        """The first commit of an empty repository; somebody else's first commit is as good."""
        name = self._gateway.repository_name.rpartition("/")[2]
        text = (
            f"# {name}\n\nIncidents are issues of this repository; the status of monitors is"
            f" committed to the branch `{self._branch}`.\n"
        )
        body = {
            "message": f"Begin with a README, so that {self._branch} is not the default branch",
            "content": base64.b64encode(text.encode()).decode("ascii"),
        }
        reply = await self._request("PUT", f"/contents/{_README}", body)
        self._checked(reply, conflicts={409, 422})

    def _checked(self, reply: Reply, *, conflicts: Collection[int] = (409,)) -> dict[str, Any]:
        """The data of a success; GitHub hides from those without the right to write by a 404."""
        if reply.ok and isinstance(reply.data, dict):
            return reply.data
        words = reply.message.lower() if reply.status == 422 else ""
        if reply.status in conflicts or any(each in words for each in _MOVED_WORDS):
            raise Conflict(f"{self._branch} was written by somebody else ({reply.message})")
        if reply.status == 404:
            raise AccessLost("GitHub refuses to write: the credential needs Contents: write")
        if reply.status == 422:
            raise Unprocessable(f"GitHub refuses the commit to {self._branch}: {reply.message}")
        raise GitHubUnavailable(f"GitHub answered {reply.status} {reply.message}".rstrip())

    async def _request(self, method: str, path: str, body: Mapping[str, Any]) -> Reply:
        return await self._gateway.request(method, self._gateway.repository + path, body=body)


def _require_same(stored: object, sent: str | None) -> None:
    if stored != sent:
        raise GitHubUnavailable("GitHub stored something else than it was sent")


def _blob(content: bytes) -> dict[str, str]:
    try:
        return {"content": content.decode(), "encoding": "utf-8"}
    except UnicodeDecodeError:  # a file that somebody else put on the branch
        return {"content": base64.b64encode(content).decode("ascii"), "encoding": "base64"}
