"""All files of a branch, read and replaced together: one commit, or nothing.

A write builds on the snapshot it is given: a tree from it, a commit on it, and the branch moved to
that commit without force, so that a race has one winner and the loser gets Conflict. Names of
blobs are computed here as git does, so a commit needs three requests and no read, and what follows
from it is known without asking. A missing branch is created without history (an orphan). In a
repository without any commit the git endpoints answer 409, and the first branch ever written
becomes the default one; so a README on the default branch comes first.

Only the last request, which moves the branch, can leave the outcome unknown: before it, whatever
happened is in no branch.

Source: REST docs, "Git database"; GitHub's replicas may show for 30 s what a write has replaced.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from cachetools import TTLCache

from github_store.blob_cache import BlobCache
from github_store.branch_commit import BranchWriter
from github_store.branch_snapshot import BranchReader, Snapshot
from github_store.errors import Conflict, FileTooLarge
from github_store.gateway import Gateway
from github_store.git_tree import tree_change

__all__ = ["Snapshot", "StatusBranch"]

log = logging.getLogger(__name__)

INLINE_BYTES: Final = 5_000_000
"""Contents up to this size together travel in the request for the tree, as JSON writes them."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""What is read of one file: a day of six thousand monitors."""
LAG_SECONDS: Final = 60.0
"""How long a read may show a commit that a write here has replaced."""
MAX_REPLACED: Final = 1_000


class StatusBranch:
    """Made for one event loop. ``clock`` gives seconds; any that goes forward will do.

    Reads may run beside each other and beside one write; two writes at once would only race.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        branch: str,
        blobs: BlobCache | None,
        clock: Callable[[], float],
        inline_bytes: int = INLINE_BYTES,
    ) -> None:
        self._reader = BranchReader(gateway, branch=branch)
        self._writer = BranchWriter(gateway, branch=branch)
        self._branch = branch
        self._blobs = blobs
        self._inline_bytes = inline_bytes
        self._held: Snapshot | None = None
        self._etag: str | None = None
        self._unsettled: tuple[Snapshot | None, Snapshot] | None = None
        self._replaced: TTLCache[str, bool] = TTLCache(MAX_REPLACED, ttl=LAG_SECONDS, timer=clock)
        self._looking = asyncio.Lock()

    @property
    def name(self) -> str:
        """The branch, without ``refs/heads/``."""
        return self._branch

    async def snapshot(self) -> Snapshot | None:
        """The branch now; None where there is none though the repository answers.

        Unchanged, it is the very object given before, for one request that costs nothing (304).
        Raises GitHubUnavailable or one of its kinds.
        """
        async with self._looking:
            held = self._held
            head = await self._reader.head(etag=self._etag)
            if head.is_unchanged or (head.commit and head.commit in self._replaced):
                return self._held
            found = await self._at(head.commit) if head.commit else None
            if self._held is held:  # else a write came between, and knows better
                self._take(found, head.etag)
            return self._held

    async def read(
        self, snapshot: Snapshot, path: str, *, most_bytes: int = MOST_BYTES
    ) -> bytes | None:
        """A file's content as of the snapshot; None where it has none.

        Raises FileTooLarge for one of more bytes, before it is fetched, and Conflict where GitHub
        has it no more (a history that was rewritten).
        """
        sha = snapshot.files.get(path)
        if sha is None:
            return None
        if (size := self._reader.known_size(sha) or 0) > most_bytes:
            raise FileTooLarge(f"{path} on the branch {self._branch}", size, most=most_bytes)
        held = await self.read_held(snapshot, path)
        if held is not None:
            return held
        content = await self._reader.content(sha)
        if content is None:
            raise Conflict(f"{path} on the branch {self._branch} is gone from GitHub")
        await self._keep(content)
        return content

    async def read_held(self, snapshot: Snapshot, path: str) -> bytes | None:
        """A file's content where it is on this machine's disk, else None."""
        sha = snapshot.files.get(path)
        if sha is None or self._blobs is None:
            return None
        return await asyncio.to_thread(self._blobs.get, sha)

    async def commit(
        self, snapshot: Snapshot | None, changes: Mapping[str, bytes | None], *, message: str
    ) -> Snapshot:
        """Commit the changes (None removes a file) on ``snapshot``; the branch as it is then.

        ``snapshot`` None creates the branch, with the files given and no others. Changes that
        change nothing make no commit and no request. Raises

        * Conflict: the branch is not at ``snapshot`` any more, or is there already, or is gone;
        * OutcomeUnknown: it may have moved, take a new snapshot; whoever then applies the same
          samples to that finds out, as nothing is left to change if it has;
        * GitHubUnavailable and its other kinds, Unprocessable: it has not moved.
        """
        change = await asyncio.to_thread(
            tree_change,
            snapshot.files if snapshot else {},
            changes,
            inline_bytes=self._inline_bytes,
        )
        if not change.entries:
            if snapshot is None:
                raise ValueError("a branch begins with at least one file")
            return snapshot
        made = await self._writer.make(snapshot, change, message)
        self._unsettled = snapshot, made
        self._wrote(snapshot, made, await self._writer.move(snapshot, made))
        for content in changes.values():
            if content is not None:
                await self._keep(content)
        return made

    async def _at(self, commit: str) -> Snapshot:
        """The snapshot of a commit, read only where it is none that is known."""
        if self._unsettled and self._unsettled[1].commit == commit:
            return self._unsettled[1]
        if self._held and self._held.commit == commit:
            return self._held
        return await self._reader.snapshot(commit)

    def _take(self, found: Snapshot | None, etag: str | None) -> None:
        """Believe what a read has shown."""
        if self._unsettled and found is self._unsettled[1]:
            self._wrote(*self._unsettled, etag)
            return
        if found is None:
            if self._held:
                log.warning("the branch %s is gone", self._branch)
            self._unsettled = None
            self._replaced.clear()
        self._held, self._etag = found, etag

    def _wrote(self, base: Snapshot | None, made: Snapshot, etag: str | None) -> None:
        if base:
            self._replaced[base.commit] = True
        self._replaced.pop(made.commit, None)
        self._held, self._etag, self._unsettled = made, etag, None

    async def _keep(self, content: bytes) -> None:
        if self._blobs:
            await asyncio.to_thread(self._blobs.put, content)
