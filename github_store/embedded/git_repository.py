"""One bare git repository, through dulwich: the only truth about files.

Object ids cross this module's border as hexadecimal text, paths as text with ``/`` between the
names. Callers hold the storage's transaction, so nothing of this process runs beside them; ``git
push``, ``git pack-refs`` and ``git gc`` in the same directory may. Therefore refs are read anew
each time and moved by compare-and-set, and an object that is not found is looked for again: it may
have gone into a pack just between the two looks.

Order of writing: objects first, synced before a ref is moved to them. After a power cut a ref may
be an older one, and never names an object that is not there.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dulwich.file import FileLocked
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tag, Tree
from dulwich.refs import Ref, SymrefLoop
from dulwich.repo import Repo

from .git_history import GitHistory, Link
from .git_names import is_object_id, is_sound_ref

DIRECTORY: Final = 0o040000
FILE: Final = 0o100644
SUBMODULE: Final = 0o160000
ZERO: Final = "0" * 40
LOOKS: Final = 3
LOCK_PATIENCE_SECONDS: Final = 0.5
# git holds a ref's lock for milliseconds: an older one was left by a process that was killed.
DEAD_LOCK_SECONDS: Final = 5.0
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


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree. ``size`` in bytes, None for anything but a blob."""

    path: str
    mode: int
    sha: str
    size: int | None

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def kind(self) -> str:
        if stat.S_ISDIR(self.mode):
            return "tree"
        return "commit" if self.mode == SUBMODULE else "blob"


@dataclass(frozen=True, slots=True)
class Change:
    """A file that two trees do not share; ids are None where it is not there."""

    path: str
    before: str | None
    after: str | None


# A path's new mode and object, or None to remove it.
Changes = Mapping[str, tuple[int, str] | None]


class GitRepository:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._repo = Repo(str(path))
        self._objects = self._repo.object_store
        self._written: set[str] = set()
        self._sizes: dict[str, int] = {}
        self.history = GitHistory(self._link)

    def close(self) -> None:
        self._repo.close()

    # refs -----------------------------------------------------------------------------------

    def refs(self) -> dict[str, str]:
        """Branches, tags and other refs in the order of their names: full name to object id."""
        return {
            name.decode(errors="replace"): value.decode()
            for name, value in sorted(self._repo.refs.as_dict().items())
            if name.startswith(b"refs/")
        }

    def is_empty(self) -> bool:
        return not any(True for name in self._repo.refs.allkeys() if name.startswith(b"refs/"))

    def ref(self, name: str) -> str | None:
        """The object a full ref name (``refs/heads/main``) points to."""
        if not is_sound_ref(name):
            return None
        try:
            value = self._repo.refs[Ref(name.encode())].decode()
        except (KeyError, ValueError, OSError, SymrefLoop):
            return None
        return value if is_object_id(value) else None

    def clashes(self, name: str) -> bool:
        """Whether a ref is where this one's directory would be, or the other way round."""
        return any(
            held.startswith(f"{name}/") or name.startswith(f"{held}/") for held in self.refs()
        )

    def move(self, name: str, expected: str | None, new: str) -> bool:
        """Point a ref to ``new``; False when it was not at ``expected`` (None: not there).

        Everything written before is on the disk before the ref is moved. False also where somebody
        else holds the ref's lock for long.
        """
        ref, target = Ref(name.encode()), ObjectID(new.encode())
        self._sync_objects()
        if expected is None:
            return self._with_lock(lambda: bool(self._repo.refs.add_if_new(ref, target)))
        old = ObjectID(expected.encode())
        return self._with_lock(lambda: bool(self._repo.refs.set_if_equals(ref, old, target)))

    def delete_ref(self, name: str, expected: str) -> bool:
        ref, old = Ref(name.encode()), ObjectID(expected.encode())
        return self._with_lock(lambda: bool(self._repo.refs.remove_if_equals(ref, old)))

    def commit_named(self, name: str) -> str | None:
        """The commit that a branch, tag, full ref or object id stands for."""
        for full in (f"refs/heads/{name}", f"refs/tags/{name}", name):
            found = self.ref(full)
            if found is not None:
                return self._peeled(found)
        return self._peeled(name) if is_object_id(name) else None

    def _peeled(self, sha: str) -> str | None:
        found = self._object(sha)
        while isinstance(found, Tag):
            sha = found.object[1].decode()
            found = self._object(sha)
        return sha if isinstance(found, Commit) else None

    def _with_lock(self, action: Callable[[], bool]) -> bool:
        until = time.monotonic() + LOCK_PATIENCE_SECONDS
        while True:
            try:
                return action()
            except FileLocked as locked:
                if time.monotonic() > until:
                    return False
                _break_dead_lock(Path(os.fsdecode(locked.lockfilename)), DEAD_LOCK_SECONDS)
                time.sleep(0.005)

    # objects --------------------------------------------------------------------------------

    def _object(self, sha: str) -> ShaFile | None:
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
        found = self._object(sha)
        return found.type_name.decode() if found is not None else None

    def has(self, sha: str) -> bool:
        return self._object(sha) is not None

    def commit(self, sha: str) -> Commit | None:
        found = self._object(sha)
        return found if isinstance(found, Commit) else None

    def _link(self, sha: str) -> Link | None:
        commit = self.commit(sha)
        if commit is None:
            return None
        parents = tuple(parent.decode() for parent in commit.parents)
        return Link(commit.tree.decode(), parents, commit.commit_time)

    def blob(self, sha: str) -> bytes | None:
        found = self._object(sha)
        return found.as_raw_string() if isinstance(found, Blob) else None

    def size(self, sha: str) -> int | None:
        """A blob's size in bytes; None for anything else."""
        if sha not in self._sizes:
            found = self._object(sha)
            if not isinstance(found, Blob):
                return None
            if len(self._sizes) >= MOST_SIZES:
                self._sizes.clear()
            self._sizes[sha] = found.raw_length()
        return self._sizes[sha]

    def tree_id(self, sha: str) -> str | None:
        """The tree that a tree's, commit's or tag's id stands for."""
        found = self._object(sha)
        if isinstance(found, Tag):
            return self.tree_id(found.object[1].decode())
        if isinstance(found, Commit):
            tree: str = found.tree.decode()
            return tree
        return sha if isinstance(found, Tree) else None

    def _tree(self, sha: str) -> Tree:
        found = self._object(sha)
        if not isinstance(found, Tree):
            raise KeyError(sha)
        return found

    def _lines(self, tree: str | None) -> dict[bytes, tuple[int, str]]:
        if tree is None:
            return {}
        return {
            name: (mode, sha.decode())
            for name, mode, sha in self._tree(tree).iteritems()
            if name is not None and mode is not None and sha is not None
        }

    def entries(self, tree: str, prefix: str = "") -> Iterator[Entry]:
        """One level of a tree."""
        for name, (mode, sha) in self._lines(tree).items():
            yield self._entry(prefix + name.decode(errors="replace"), mode, sha)

    def _entry(self, path: str, mode: int, sha: str) -> Entry:
        is_file = not stat.S_ISDIR(mode) and mode != SUBMODULE
        return Entry(path, mode, sha, self.size(sha) if is_file else None)

    def all_entries(self, tree: str, prefix: str = "") -> Iterator[Entry]:
        """A whole tree, directories before what is in them."""
        for entry in self.entries(tree, prefix):
            yield entry
            if entry.kind == "tree":
                yield from self.all_entries(entry.sha, f"{entry.path}/")

    def find(self, tree: str, path: str) -> Entry | None:
        """What is at ``path``; for "" the tree itself."""
        line = self._line(tree, path)
        return self._entry(path, *line) if line else None

    def _line(self, tree: str, path: str) -> tuple[int, str] | None:
        line = (DIRECTORY, tree)
        for name in path.split("/") if path else ():
            if not stat.S_ISDIR(line[0]):
                return None
            try:
                mode, sha = self._tree(line[1])[name.encode()]
            except KeyError:
                return None
            line = (mode, sha.decode())
        return line

    def changes(self, before: str | None, after: str | None, prefix: str = "") -> Iterator[Change]:
        """The files that differ between two trees, by path."""
        old, new = self._lines(before), self._lines(after)
        for name in sorted(old.keys() | new.keys()):
            was, now = old.get(name), new.get(name)
            if was == now:
                continue
            path = prefix + name.decode(errors="replace")
            old_tree, old_file = _tree_or_file(was)
            new_tree, new_file = _tree_or_file(now)
            if old_file != new_file or (was and now and old_file and was[0] != now[0]):
                yield Change(path, old_file, new_file)
            if old_tree != new_tree:
                yield from self.changes(old_tree, new_tree, f"{path}/")

    def touches(self, sha: str, path: str) -> bool:
        """Whether a commit left something else at ``path`` than each of its parents has there."""
        link = self.history.link(sha)
        if link is None:
            return False
        here = self._line(link.tree, path)
        befores = [self.history.link(parent) for parent in link.parents]
        lines = [self._line(before.tree, path) for before in befores if before]
        return here not in lines if lines else here is not None

    # writing --------------------------------------------------------------------------------

    def _add(self, made: ShaFile) -> str:
        try:
            self._objects.add_object(made)
        except FileLocked as locked:  # only this process locks objects: a killed one left it
            _break_dead_lock(Path(os.fsdecode(locked.lockfilename)), 0.0)
            self._objects.add_object(made)
        sha: str = made.id.decode()
        self._written.add(sha)
        return sha

    def _sync_objects(self) -> None:
        directories = set()
        for sha in self._written:
            path = self._path / "objects" / sha[:2] / sha[2:]
            if path.exists():  # else it is in a pack, which git has synced
                _sync(path)
                directories.add(path.parent)
        for directory in directories:
            _sync(directory)
        if directories:
            _sync(self._path / "objects")
        self._written.clear()

    def add_blob(self, data: bytes) -> str:
        return self._add(Blob.from_string(data))

    def with_changes(self, tree: str | None, changes: Changes) -> str:
        """``tree`` (None: nothing yet) with files set and removed; empty directories go.

        Each tree is written once however many files change. Raises KeyError when something that
        is to be removed is not there.
        """
        return self._changed(tree, changes) or self._add(Tree())

    def _changed(self, tree: str | None, changes: Changes) -> str | None:
        made = self._tree(tree).copy() if tree else Tree()
        assert isinstance(made, Tree)
        below: dict[bytes, dict[str, tuple[int, str] | None]] = {}
        for path, change in changes.items():
            name, _, rest = path.partition("/")
            key = name.encode()
            if rest:
                below.setdefault(key, {})[rest] = change
            elif change is None:
                del made[key]
            else:
                made[key] = (change[0], ObjectID(change[1].encode()))
        for key, inner in below.items():
            held = key in made
            directory = _directory(made[key]) if held else None
            if directory is None:
                missing = [path for path, change in inner.items() if change is None]
                if missing:
                    raise KeyError(missing[0])
            sha = self._changed(directory, inner)
            if sha is not None:
                made[key] = (DIRECTORY, ObjectID(sha.encode()))
            elif held:
                del made[key]
        return self._add(made) if len(made) else None

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
        return self._add(commit)


def _tree_or_file(line: tuple[int, str] | None) -> tuple[str | None, str | None]:
    if line is None:
        return None, None
    return (line[1], None) if stat.S_ISDIR(line[0]) else (None, line[1])


def _directory(line: tuple[int, bytes]) -> str | None:
    return line[1].decode() if stat.S_ISDIR(line[0]) else None


def _break_dead_lock(lock: Path, age_seconds: float) -> None:
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
