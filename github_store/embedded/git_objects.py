"""Objects of one repository by their ids: read and written; nothing is ever changed.

Ids are hexadecimal text. An object that is not found is
looked for again: ``git gc`` may have put it into a pack just between the two looks. What is written
is on the disk for certain after ``sync``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dulwich.file import FileLocked
from dulwich.object_store import BaseObjectStore
from dulwich.objects import Blob, Commit, ObjectID, ShaFile

from .git_history import GitHistory, Link
from .git_names import is_object_id

LOOKS: Final = 3
MOST_SIZES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Person:
    """Author or committer; ``at`` in epoch seconds, always written as UTC."""

    name: str
    email: str
    at: int

    def line(self) -> bytes:
        forbidden = str.maketrans("", "", "<>\n\0")
        name, email = self.name.translate(forbidden), self.email.translate(forbidden)
        return f"{name.strip()} <{email.strip()}>".encode()


class GitObjects:
    """``directory`` is where git keeps loose objects."""

    def __init__(self, objects: BaseObjectStore, directory: Path) -> None:
        self._objects = objects
        self._directory = directory
        self._written: set[str] = set()
        self._sizes: dict[str, int] = {}
        self.history = GitHistory(self._link)

    # reading --------------------------------------------------------------------------------

    def object(self, sha: str) -> ShaFile | None:
        if not is_object_id(sha):
            return None
        for _ in range(LOOKS):
            try:
                return self._objects[ObjectID(sha.encode())]
            except KeyError:
                continue
        return None

    def kind(self, sha: str) -> str | None:
        """blob, tree, commit or tag; None where there is no such object."""
        found = self.object(sha)
        return found.type_name.decode() if found is not None else None

    def has(self, sha: str) -> bool:
        return self.object(sha) is not None

    def commit(self, sha: str) -> Commit | None:
        found = self.object(sha)
        return found if isinstance(found, Commit) else None

    def _link(self, sha: str) -> Link | None:
        commit = self.commit(sha)
        if commit is None:
            return None
        parents = tuple(parent.decode() for parent in commit.parents)
        return Link(commit.tree.decode(), parents, commit.commit_time)

    def blob(self, sha: str) -> bytes | None:
        found = self.object(sha)
        return found.as_raw_string() if isinstance(found, Blob) else None

    def size(self, sha: str) -> int | None:
        """A blob's size in bytes; None for anything else."""
        if sha not in self._sizes:
            found = self.object(sha)
            if not isinstance(found, Blob):
                return None
            if len(self._sizes) >= MOST_SIZES:
                self._sizes.clear()
            self._sizes[sha] = found.raw_length()
        return self._sizes[sha]

    # writing --------------------------------------------------------------------------------

    def add(self, made: ShaFile) -> str:
        try:
            self._objects.add_object(made)
        except FileLocked as locked:  # only this process locks objects: a killed one left it
            break_dead_lock(Path(os.fsdecode(locked.lockfilename)), 0.0)
            self._objects.add_object(made)
        sha: str = made.id.decode()
        self._written.add(sha)
        return sha

    def sync(self) -> None:
        """Bring to the disk what was written since the last time."""
        directories = set()
        for sha in self._written:
            path = self._directory / sha[:2] / sha[2:]
            if path.exists():  # else it is in a pack, which git has synced
                _sync(path)
                directories.add(path.parent)
        for directory in directories:
            _sync(directory)
        if directories:
            _sync(self._directory)
        self._written.clear()

    def add_blob(self, data: bytes) -> str:
        return self.add(Blob.from_string(data))

    def add_commit(
        self, tree: str, parents: Sequence[str], message: str, author: Person, committer: Person
    ) -> str:
        commit = Commit()
        commit.tree = ObjectID(tree.encode())
        commit.parents = [ObjectID(parent.encode()) for parent in parents]
        commit.author, commit.committer = author.line(), committer.line()
        commit.author_time, commit.commit_time = author.at, committer.at
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = message.encode()
        return self.add(commit)


def break_dead_lock(lock: Path, age_seconds: float) -> None:
    """Remove a lock that is at least so old; one that is gone already is no error."""
    try:
        if time.time() - lock.stat().st_mtime >= age_seconds:
            lock.unlink()
    except FileNotFoundError:
        pass


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
