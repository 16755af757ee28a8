"""One file on a branch of the repository, read and replaced through the REST API.

Every write names the version it replaces (the blob's sha), so that a race has one winner and
the loser gets Conflict. A missing branch is created without history (an orphan: tree, commit
without parents, ref). In a repository without any commit the git endpoints answer 409, and the
first branch ever written becomes the default one; so a README on the default branch comes first.

Source: REST docs, "Repository contents" and "Git database".
"""

from __future__ import annotations

import base64
import binascii
import logging
import urllib.parse
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from github_store.errors import (
    AccessLost,
    BrokenDocument,
    Conflict,
    GitHubUnavailable,
    Unprocessable,
)
from github_store.gateway import Gateway, Reply

log = logging.getLogger(__name__)

_README: Final = "README.md"


@dataclass(frozen=True, slots=True)
class FileVersion:
    """The file as GitHub has it. ``content`` and ``sha`` are None where there is no such file."""

    content: bytes | None
    sha: str | None
    etag: str | None


ABSENT: Final = FileVersion(None, None, None)


class BranchFile:
    """A file that only programs and careful people write."""

    def __init__(self, gateway: Gateway, *, branch: str, path: str) -> None:
        self._gateway = gateway
        self._branch = branch
        self._path = path

    @property
    def name(self) -> str:
        """What the file is called in messages."""
        return f"{self._path} on the branch {self._branch}"

    async def read(self, *, etag: str | None = None, sha: str | None = None) -> FileVersion | None:
        """The file now; None if it is the version held (``etag`` or ``sha`` of it).

        Missing is believed only while the repository itself answers. Raises BrokenDocument
        where something else than a file has the name.
        """
        reply = await self._request("GET", self._contents, ref=self._branch, etag=etag)
        if reply.status == 304:
            return None
        if not reply.ok:
            await self._require_repository()
            return ABSENT
        if not isinstance(reply.data, dict) or reply.data.get("type") != "file":
            raise BrokenDocument(self.name, "expected a file, not a folder", line=1, column=1)
        if reply.data["sha"] == sha:
            return None
        return FileVersion(await self._content(reply.data), reply.data["sha"], reply.etag)

    async def write(self, content: bytes, *, sha: str | None, message: str) -> FileVersion:
        """Commit the file in place of version ``sha`` (None: there is none yet).

        Raises Conflict where another version is there, OutcomeUnknown where the answer was lost.
        """
        if sha is None and not await self._branch_exists():
            return await self._create_branch(content, message)
        body = {"message": message, "content": _encoded(content), "branch": self._branch}
        reply = await self._request(
            "PUT", self._contents, body={**body, "sha": sha} if sha else body
        )
        if reply.status == 404 and sha and not await self._branch_exists():
            log.warning("the branch %s is gone; creating it again", self._branch)
            return await self._create_branch(content, message)
        written = self._checked(reply, conflicts={409, 422})["content"]["sha"]
        return _written(content, written)

    async def _create_branch(self, content: bytes, message: str) -> FileVersion:
        entry = {"path": self._path, "mode": "100644", "type": "blob", "content": content.decode()}
        reply = await self._request("POST", "/git/trees", body={"tree": [entry]})
        if reply.status == 409:  # "Git Repository is empty."
            await self._write_readme()
            reply = await self._request("POST", "/git/trees", body={"tree": [entry]})
        tree = self._checked(reply, conflicts={409})
        commit = self._checked(
            await self._request(
                "POST",
                "/git/commits",
                body={"message": message, "tree": tree["sha"], "parents": []},
            )
        )
        ref = {"ref": f"refs/heads/{self._branch}", "sha": commit["sha"]}
        self._checked(await self._request("POST", "/git/refs", body=ref), conflicts={409, 422})
        return _written(
            content, next(each["sha"] for each in tree["tree"] if each["path"] == self._path)
        )

    async def _write_readme(self) -> None:
        """The first commit of an empty repository; somebody else's first commit is as good."""
        name = self._gateway.repository_name.rpartition("/")[2]
        text = (
            f"# {name}\n\nIncidents are issues of this repository; the status of monitors is"
            f" committed to the branch `{self._branch}`.\n"
        )
        body = {
            "message": f"Begin with a README, so that {self._branch} is not the default branch",
            "content": _encoded(text.encode()),
        }
        reply = await self._request("PUT", f"/contents/{_README}", body=body)
        self._checked(reply, conflicts={409, 422})

    async def _branch_exists(self) -> bool:
        """Whether the branch is there. A repository without any commit answers 409."""
        branch = urllib.parse.quote(self._branch)
        reply = await self._request("GET", f"/git/ref/heads/{branch}")
        if not reply.ok:
            await self._require_repository()
        return reply.ok

    async def _content(self, data: dict[str, Any]) -> bytes:
        """The bytes; above 1 MB the contents API leaves them out, and the blob has them."""
        if data.get("encoding") != "base64":
            data = (await self._request("GET", f"/git/blobs/{data['sha']}")).data
        try:
            return base64.b64decode(data["content"])
        except (KeyError, TypeError, binascii.Error):
            raise GitHubUnavailable(f"GitHub's answer about {self.name} has no content") from None

    async def _require_repository(self) -> None:
        reply = await self._gateway.request("GET", self._gateway.repository)
        if not reply.ok:
            raise AccessLost("the repository is gone, or the credential may not see it any more")

    @property
    def _contents(self) -> str:
        return f"/contents/{urllib.parse.quote(self._path)}"

    async def _request(
        self,
        method: str,
        path: str,
        *,
        ref: str | None = None,
        body: Any = None,
        etag: str | None = None,
    ) -> Reply:
        params = {"ref": ref} if ref else None
        return await self._gateway.request(
            method, self._gateway.repository + path, params=params, body=body, etag=etag
        )

    def _checked(self, reply: Reply, *, conflicts: Collection[int] = ()) -> dict[str, Any]:
        """The data of a success; GitHub hides from those without the right to write by a 404."""
        if reply.ok and isinstance(reply.data, dict):
            return reply.data
        if reply.status in conflicts:
            raise Conflict(f"{self.name} was written by somebody else ({reply.message})")
        if reply.status == 404:
            raise AccessLost("GitHub refuses to write: the credential needs Contents: write")
        if reply.status == 422:
            raise Unprocessable(f"GitHub refuses {self.name}: {reply.message}")
        raise GitHubUnavailable(f"GitHub answered {reply.status} {reply.message}".rstrip())


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _written(content: bytes, sha: str) -> FileVersion:
    """A version just written, with the ETag that GitHub will give it: the sha, weak."""
    return FileVersion(content, sha, f'W/"{sha}"')
