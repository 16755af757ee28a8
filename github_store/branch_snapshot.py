"""A branch as it is at one commit: which commit, which files, what is in them.

Source: REST docs, "Git references", "Git commits", "Git trees", "Git blobs".
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from cachetools import LRUCache

from github_store.errors import AccessLost, GitHubUnavailable
from github_store.gateway import Gateway, Reply
from github_store.git_tree import blob_sha, files_in, sizes_in

ORDINARY_BYTES: Final = 1_000_000
MAX_LARGE: Final = 10_000
"""So many contents above that are known by their sizes."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The branch at one commit. ``files`` gives the blob's sha by path, of ordinary files."""

    commit: str
    tree: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Head:
    """Which commit the branch is at, None where there is none; by an answer with this ETag."""

    commit: str | None
    etag: str | None
    is_unchanged: bool = False
    """The branch is where the answer asked about said; ``commit`` is not told again."""


class BranchReader:
    """Asks anew each time; all of it raises GitHubUnavailable or one of its kinds."""

    def __init__(self, gateway: Gateway, *, branch: str) -> None:
        self._gateway = gateway
        self._branch = branch
        self._repository_etag: str | None = None
        self._large: LRUCache[str, int] = LRUCache(MAX_LARGE)

    def known_size(self, sha: str) -> int | None:
        """The bytes of a content; None for those of ordinary size."""
        size: int | None = self._large.get(sha)
        return size

    async def head(self, *, etag: str | None) -> Head:
        """Where the branch is.

        A missing branch is believed while the repository answers, as is one without any commit,
        where git data is 409 "Git Repository is empty."
        """
        reply = await self._get(f"/git/ref/heads/{urllib.parse.quote(self._branch)}", etag=etag)
        if reply.status == 304:
            return Head(None, etag, is_unchanged=True)
        if reply.ok:
            return Head(text_at(reply.data, "object", "sha"), reply.etag)
        await self._require_repository()
        return Head(None, None)

    async def snapshot(self, commit: str) -> Snapshot:
        """All files of a commit: two requests, or some more for very many files."""
        tree = text_at(await self._object(f"/git/commits/{commit}"), "tree", "sha")
        return Snapshot(commit, tree, MappingProxyType(await self._files(tree)))

    async def content(self, sha: str) -> bytes | None:
        """A blob of any size; None where GitHub has it no more (a history that was rewritten)."""
        reply = await self._get(f"/git/blobs/{sha}")
        if not reply.ok:
            await self._require_repository()
            return None
        content = await asyncio.to_thread(_decoded, reply.data)
        if blob_sha(content) != sha:
            raise GitHubUnavailable("GitHub's answer about a file is not that file")
        return content

    async def _files(self, root: str) -> dict[str, str]:
        """Blobs by path of a whole tree; a listing too long for one answer is walked."""
        listing = await self._object(f"/git/trees/{root}", recursive="1")
        self._large.update(sizes_in(listing, above=ORDINARY_BYTES))
        if not listing.get("truncated"):
            return dict(files_in(listing))
        files: dict[str, str] = {}
        unread = [("", root)]
        while unread:
            prefix, tree = unread.pop()
            listing = await self._object(f"/git/trees/{tree}")
            if listing.get("truncated"):
                raise GitHubUnavailable(f"{self._branch}: too many files to list in /{prefix}")
            files.update(files_in(listing, prefix))
            self._large.update(sizes_in(listing, above=ORDINARY_BYTES))
            unread += [
                (f"{prefix}{entry['path']}/", entry["sha"])
                for entry in listing["tree"]
                if entry["type"] == "tree"
            ]
        return files

    async def _object(self, path: str, **params: str) -> dict[str, Any]:
        reply = await self._get(path, params=params)
        if reply.ok and isinstance(reply.data, dict):
            return reply.data
        await self._require_repository()
        raise GitHubUnavailable(f"GitHub does not show {self._branch} as it is ({reply.message})")

    async def _require_repository(self) -> None:
        reply = await self._gateway.request(
            "GET", self._gateway.repository, etag=self._repository_etag
        )
        if reply.status == 304:
            return
        if not reply.ok:
            raise AccessLost("the repository is gone, or the credential may not see it any more")
        self._repository_etag = reply.etag

    async def _get(
        self, path: str, *, params: Mapping[str, str] | None = None, etag: str | None = None
    ) -> Reply:
        return await self._gateway.request(
            "GET", self._gateway.repository + path, params=params, etag=etag
        )


def _decoded(data: Any) -> bytes:
    """A blob's content. Raises GitHubUnavailable where the answer has none."""
    try:
        return base64.b64decode(data["content"])
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise GitHubUnavailable("GitHub's answer about a file has no content") from None


def text_at(data: Any, *path: str) -> str:
    """The string at a place in an answer. Raises GitHubUnavailable where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    if not isinstance(data, str):
        raise GitHubUnavailable(f"GitHub's answer has no {'.'.join(path)}")
    return data
