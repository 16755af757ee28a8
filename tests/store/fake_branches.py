"""GitHub's branches in memory, behind the gateway's ``request``: small, exact, no sockets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from github_store.errors import StoreError
from github_store.gateway import Gateway, Reply

INLINE_LIMIT = 1_000_000
Files = dict[str, bytes]


def blob_sha(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class FakeBranches(Gateway):
    """A repository's branches, and what shall go wrong with requests to them.

    ``before`` is awaited before each request is carried out; what it raises, the caller gets.
    ``after`` is awaited between that and the answer, with the same power.
    """

    def __init__(self, branches: Mapping[str, Files] | None = None) -> None:
        self.repository_name = "octo/status"
        self.is_there = True
        self.may_write = True
        self.gives_etags = True
        self.branches = {name: dict(files) for name, files in (branches or {}).items()}
        self.commits: list[tuple[str, str]] = []
        self.requests: list[str] = []
        self.before: Callable[[str], Awaitable[None]] | None = None
        self.after: Callable[[str], Awaitable[None]] | None = None
        self._trees: dict[str, Files] = {}

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        etag: str | None = None,
        accept: Collection[int] = (),
    ) -> Reply:
        line = f"{method} {path.removeprefix(self.repository)}"
        self.requests.append(line)
        await asyncio.sleep(0)  # as any exchange would, let others run
        if self.before:
            await self.before(line)
        status, data, reply_etag = self._answer(line, (params or {}).get("ref"), body or {}, etag)
        if self.after:
            await self.after(line)
        return Reply(status, {"etag": reply_etag} if reply_etag else {}, data)

    @property
    def writes(self) -> list[str]:
        return [line for line in self.requests if not line.startswith("GET ")]

    def commit(self, branch: str, path: str, content: bytes, message: str) -> None:
        self.branches.setdefault(branch, {})[path] = content
        self.commits.append((branch, message))

    def fail_once(self, match: str, error: StoreError, *, after: bool = False) -> None:
        """The next request whose line contains ``match`` fails, carried out or not."""

        async def strike(line: str) -> None:
            if match in line and not struck:
                struck.append(line)
                raise error

        struck: list[str] = []
        if after:
            self.after = strike
        else:
            self.before = strike

    def _answer(
        self, line: str, ref: str | None, body: dict[str, Any], etag: str | None
    ) -> tuple[int, Any, str | None]:
        method, _, path = line.partition(" ")
        if not self.is_there or (method != "GET" and not self.may_write):
            return 404, {"message": "Not Found"}, None
        if path == "":
            return 200, {"full_name": self.repository_name, "default_branch": "main"}, None
        if path.startswith("/contents/"):
            name = path.removeprefix("/contents/")
            return self._get(name, ref, etag) if method == "GET" else (*self._put(name, body), None)
        if path.startswith("/git/") and not self.branches:
            return 409, {"message": "Git Repository is empty."}, None
        return (*self._git(method, path.removeprefix("/git/"), body), None)

    def _get(self, name: str, ref: str | None, etag: str | None) -> tuple[int, Any, str | None]:
        files = self.branches.get(ref or "main", {})
        content = files.get(name)
        if any(other.startswith(f"{name}/") for other in files):
            return 200, [], None
        if content is None:
            return 404, {"message": "Not Found"}, None
        sha = blob_sha(content)
        if self.gives_etags and etag == f'W/"{sha}"':
            return 304, None, etag
        fits = len(content) <= INLINE_LIMIT
        data = {
            "type": "file",
            "sha": sha,
            "encoding": "base64" if fits else "none",
            "content": base64.encodebytes(content).decode() if fits else "",
        }
        return 200, data, f'W/"{sha}"' if self.gives_etags else None

    def _put(self, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        branch = body.get("branch", "main")
        if branch not in self.branches and self.branches:
            return 404, {"message": f"Branch {branch} not found"}
        held = self.branches.get(branch, {}).get(name)
        if held is not None and "sha" not in body:
            return 422, {"message": 'Invalid request.\n\n"sha" wasn\'t supplied.'}
        if held is not None and blob_sha(held) != body["sha"]:
            return 409, {"message": f"{name} does not match {body['sha']}"}
        content = base64.b64decode(body["content"])
        self.commit(branch, name, content, body["message"])
        return 200 if held else 201, {"content": {"sha": blob_sha(content)}}

    def _git(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if method == "GET" and path.startswith("ref/heads/"):
            found = path.removeprefix("ref/heads/") in self.branches
            return (200, {}) if found else (404, {"message": "Not Found"})
        if method == "GET" and path.startswith("blobs/"):
            contents = [c for files in self.branches.values() for c in files.values()]
            content = next(c for c in contents if blob_sha(c) == path.removeprefix("blobs/"))
            return 200, {"encoding": "base64", "content": base64.encodebytes(content).decode()}
        if path == "trees":
            files = {entry["path"]: entry["content"].encode() for entry in body["tree"]}
            sha = f"tree {len(self._trees)}"
            self._trees[sha] = files
            listing = [{"path": name, "sha": blob_sha(content)} for name, content in files.items()]
            return 201, {"sha": sha, "tree": listing}
        if path == "commits":
            assert body["parents"] == []
            return 201, {"sha": f"{body['tree']}\n{body['message']}"}
        assert path == "refs"
        branch = body["ref"].removeprefix("refs/heads/")
        if branch in self.branches:
            return 422, {"message": "Reference already exists"}
        tree, _, message = body["sha"].partition("\n")
        self.branches[branch] = dict(self._trees[tree])
        self.commits.append((branch, message))
        return 201, {}
