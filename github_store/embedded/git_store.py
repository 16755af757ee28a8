"""Real bare git repositories on disk, through dulwich: the only truth about files.

Object ids cross this module's border as hexadecimal text, paths as text with ``/`` between the
names. Callers hold the storage's transaction, so nothing of this process runs beside them; a
``git push`` into the same directory may, which is why refs are moved by compare-and-set.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from .rows import Repository

DEFAULT_BRANCH = "main"
DIRECTORY = 0o040000
FILE = 0o100644
ZERO = "0" * 40


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
    def kind(self) -> str:
        if stat.S_ISDIR(self.mode):
            return "tree"
        return "commit" if self.mode == 0o160000 else "blob"


class GitStore:
    """The repositories below ``root``, each at ``owner/name.git``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[str, Repo] = {}

    def path(self, repository: Repository) -> Path:
        return self._root / repository.owner / f"{repository.name}.git"

    def create(self, repository: Repository) -> None:
        path = self.path(repository)
        if not (path / "HEAD").exists():
            path.mkdir(parents=True, exist_ok=True)
            Repo.init_bare(path, default_branch=DEFAULT_BRANCH.encode()).close()

    def rename(self, before: Repository, after: Repository) -> None:
        held = self._open.pop(str(self.path(before)), None)
        if held is not None:
            held.close()
        self.path(after).parent.mkdir(parents=True, exist_ok=True)
        self.path(before).rename(self.path(after))

    def open(self, repository: Repository) -> GitRepository:
        path = str(self.path(repository))
        if path not in self._open:
            self._open[path] = Repo(path)
        return GitRepository(self._open[path])

    def close(self) -> None:
        for held in self._open.values():
            held.close()
        self._open.clear()


class GitRepository:
    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._objects = repo.object_store

    # refs -----------------------------------------------------------------------------------

    def refs(self) -> dict[str, str]:
        """Branches and tags: full name to object id."""
        return {
            name.decode(): value.decode()
            for name, value in sorted(self._repo.refs.as_dict().items())
            if name.startswith(b"refs/")
        }

    def is_empty(self) -> bool:
        return not any(True for name in self._repo.refs.allkeys() if name.startswith(b"refs/"))

    def ref(self, name: str) -> str | None:
        """The object a full ref name (``refs/heads/main``) points to."""
        try:
            value = self._repo.refs.read_ref(Ref(name.encode()))
        except (ValueError, OSError):
            return None
        return value.decode() if value else None

    def move(self, name: str, expected: str | None, new: str) -> bool:
        """Point a ref to ``new``; False when it was not at ``expected`` (None: not there)."""
        ref, target = Ref(name.encode()), ObjectID(new.encode())
        if expected is None:
            return bool(self._repo.refs.add_if_new(ref, target))
        return bool(self._repo.refs.set_if_equals(ref, ObjectID(expected.encode()), target))

    def delete_ref(self, name: str, expected: str) -> bool:
        ref = Ref(name.encode())
        return bool(self._repo.refs.remove_if_equals(ref, ObjectID(expected.encode())))

    def commit_named(self, name: str) -> str | None:
        """The commit that a branch, tag, full ref or object id stands for."""
        for prefix in ("refs/heads/", "refs/tags/", "refs/", ""):
            if prefix or name.startswith("refs/"):
                found = self.ref(prefix + name)
                if found is not None:
                    return found
        return name if self.commit(name) is not None else None

    # objects --------------------------------------------------------------------------------

    def _object(self, sha: str) -> ShaFile | None:
        if len(sha) != 40 or any(char not in "0123456789abcdef" for char in sha):
            return None
        try:
            return self._objects[ObjectID(sha.encode())]
        except KeyError:
            return None

    def commit(self, sha: str) -> Commit | None:
        found = self._object(sha)
        return found if isinstance(found, Commit) else None

    def blob(self, sha: str) -> bytes | None:
        found = self._object(sha)
        return found.as_raw_string() if isinstance(found, Blob) else None

    def tree_id(self, sha: str) -> str | None:
        """The tree that a tree's or commit's id stands for."""
        found = self._object(sha)
        if isinstance(found, Commit):
            tree: ObjectID = found.tree
            return tree.decode()
        return sha if isinstance(found, Tree) else None

    def has(self, sha: str) -> bool:
        return self._object(sha) is not None

    def _tree(self, sha: str) -> Tree:
        found = self._object(sha)
        assert isinstance(found, Tree)
        return found

    def entries(self, tree: str, prefix: str = "") -> Iterator[Entry]:
        """One level of a tree."""
        for name, mode, sha in self._tree(tree).iteritems():
            assert name is not None
            assert mode is not None
            assert sha is not None
            found = self._object(sha.decode())
            size = found.raw_length() if isinstance(found, Blob) else None
            yield Entry(prefix + name.decode(errors="replace"), mode, sha.decode(), size)

    def all_entries(self, tree: str, prefix: str = "") -> Iterator[Entry]:
        """A whole tree, directories before what is in them."""
        for entry in self.entries(tree, prefix):
            yield entry
            if entry.kind == "tree":
                yield from self.all_entries(entry.sha, f"{entry.path}/")

    def find(self, tree: str, path: str) -> Entry | None:
        """What is at ``path``; for "" the tree itself."""
        here = Entry("", DIRECTORY, tree, None)
        for name in filter(None, path.split("/")):
            if here.kind != "tree":
                return None
            try:
                mode, sha = self._tree(here.sha)[name.encode()]
            except KeyError:
                return None
            found = self._object(sha.decode())
            size = found.raw_length() if isinstance(found, Blob) else None
            full = f"{here.path}/{name}" if here.path else name
            here = Entry(full, mode, sha.decode(), size)
        return here

    # writing --------------------------------------------------------------------------------

    def add_blob(self, data: bytes) -> str:
        blob = Blob.from_string(data)
        self._objects.add_object(blob)
        return blob.id.decode()

    def empty_tree(self) -> str:
        tree = Tree()
        self._objects.add_object(tree)
        return tree.id.decode()

    def with_entry(self, tree: str | None, path: str, mode: int, sha: str | None) -> str | None:
        """``tree`` with one path set, or removed for ``sha`` None; None when nothing is left.

        Raises KeyError when the path to remove is not there.
        """
        name, _, rest = path.partition("/")
        key = name.encode()
        changed = self._tree(tree).copy() if tree else Tree()
        assert isinstance(changed, Tree)
        if rest:
            inner = changed[key] if key in changed else None
            below = inner[1].decode() if inner and stat.S_ISDIR(inner[0]) else None
            if below is None and sha is None:
                raise KeyError(path)
            new = self.with_entry(below, rest, mode, sha)
            mode = DIRECTORY
        else:
            new = sha
        if new is None:
            del changed[key]
        else:
            changed[key] = (mode, ObjectID(new.encode()))
        if not len(changed):
            return None
        self._objects.add_object(changed)
        return changed.id.decode()

    def add_commit(
        self, tree: str, parents: Sequence[str], message: str, author: Person, committer: Person
    ) -> str:
        commit = Commit()
        commit.tree = ObjectID(tree.encode())
        commit.parents = [ObjectID(parent.encode()) for parent in parents]
        commit.author, commit.committer = author.line(), committer.line()
        commit.author_time, commit.commit_time = author.at, committer.at
        commit.author_timezone = commit.commit_timezone = 0
        commit.encoding = b"UTF-8"
        commit.message = message.encode()
        self._objects.add_object(commit)
        return commit.id.decode()

    def contains(self, newer: str, older: str) -> bool:
        """Whether ``older`` is ``newer`` or one of its ancestors."""
        waiting, seen = [newer], set()
        while waiting:
            sha = waiting.pop()
            if sha == older:
                return True
            if sha in seen:
                continue
            seen.add(sha)
            commit = self.commit(sha)
            if commit is not None:
                waiting.extend(parent.decode() for parent in commit.parents)
        return False
