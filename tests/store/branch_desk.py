"""A program at work on the status branch of the embedded GitHub, and what others do there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from github_store.blob_cache import BlobCache
from github_store.embedded import EmbeddedGitHub
from github_store.gateway import Gateway, TokenCredential
from github_store.status_branch import Snapshot, StatusBranch
from tests.github_person import Person

BRANCH = "status-data"
FIRST: dict[str, bytes | None] = {"status.json": b"{}\n", "history/2026-11-22.json": b"22\n"}
REF = f"GET /repos/owner/status/git/ref/heads/{BRANCH}"
COMMIT = [
    "POST /repos/owner/status/git/trees",
    "POST /repos/owner/status/git/commits",
    f"PATCH /repos/owner/status/git/refs/heads/{BRANCH}",
]


class Desk:
    """One program at work on the branch; what it asked GitHub is in ``lines``."""

    def __init__(self, github: EmbeddedGitHub, branch: StatusBranch) -> None:
        self.github = github
        self.branch = branch
        self.now = 0.0

    @property
    def lines(self) -> list[str]:
        """The requests since last asked, each as method and path."""
        asked = [f"{r.method} {r.target.partition('?')[0]}" for r in self.github.requests]
        self.github.requests.clear()
        return asked

    async def begun(self) -> Snapshot:
        """The branch with FIRST in it."""
        made = await self.branch.commit(None, FIRST, message="begin")
        self.github.requests.clear()
        return made

    async def files(self) -> dict[str, bytes | None]:
        """Everything on the branch, as it is now."""
        snapshot = await self.branch.snapshot()
        assert snapshot is not None
        return {path: await self.branch.read(snapshot, path) for path in sorted(snapshot.files)}


def at_desk(
    github: EmbeddedGitHub,
    steps: Callable[[Desk], Awaitable[None]],
    *,
    repository: str = "owner/status",
    login: str = "owner",
    blobs: BlobCache | None = None,
    **options: Any,
) -> None:
    async def run() -> None:
        gateway = Gateway(
            repository_name=repository,
            credential=TokenCredential(github.tokens[login]),
            api_url=github.url,
        )
        desk: Desk | None = None
        branch = StatusBranch(
            gateway, branch=BRANCH, blobs=blobs, clock=lambda: desk.now if desk else 0.0, **options
        )
        desk = Desk(github, branch)
        github.requests.clear()
        try:
            await asyncio.wait_for(steps(desk), timeout=20)
        finally:
            await gateway.close()

    asyncio.run(run())


def messages(owner: Person, branch: str = BRANCH) -> list[str]:
    """The branch's log, newest first."""
    commits = owner.do("GET", f"/commits?sha={branch}&per_page=100")
    return [commit["commit"]["message"] for commit in commits]


def head(owner: Person) -> str:
    return str(owner.do("GET", f"/git/ref/heads/{BRANCH}")["object"]["sha"])


def write(owner: Person, path: str, content: str, *, message: str = "by hand") -> str:
    """Commit one file as somebody else does; the new commit."""
    before = head(owner)
    base = owner.do("GET", f"/git/commits/{before}")["tree"]["sha"]
    entry = {"path": path, "mode": "100644", "type": "blob", "content": content}
    tree = owner.do("POST", "/git/trees", {"base_tree": base, "tree": [entry]})["sha"]
    body = {"message": message, "tree": tree, "parents": [before]}
    commit = str(owner.do("POST", "/git/commits", body)["sha"])
    owner.do("PATCH", f"/git/refs/heads/{BRANCH}", {"sha": commit})
    return commit
