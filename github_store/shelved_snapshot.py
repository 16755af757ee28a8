"""Where a branch was last, on the shelf: which commit, and which files of which content.

Contents themselves are in the BlobCache, so that a start during an outage finds both on disk.
"""

from __future__ import annotations

from types import MappingProxyType

from github_store.branch_snapshot import Snapshot
from github_store.gateway import Reply
from github_store.held_answers import Shelf
from github_store.held_reads import Held


class ShelvedSnapshot:
    """Of one branch. Never raises, as the shelf does not."""

    def __init__(self, shelf: Shelf, branch: str) -> None:
        self._shelf = shelf
        self._mark = f"snapshot of {branch}"  # no path, so that no answer has this name

    def load(self) -> tuple[Snapshot, float] | None:
        """The snapshot, and when GitHub confirmed it, seconds since 1970."""
        held = self._shelf.load(self._mark)
        if held is None:
            return None
        commit, tree, files = held.reply.data
        return Snapshot(commit, tree, MappingProxyType(files)), held.at

    def save(self, snapshot: Snapshot, at: float) -> None:
        data = [snapshot.commit, snapshot.tree, dict(snapshot.files)]
        self._shelf.save(self._mark, Held(Reply(200, {}, data), at))
