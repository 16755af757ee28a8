"""Trees of one repository: what is at a path, what differs, what a change makes of them.

Paths are text with ``/`` between the names.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dulwich.objects import Commit, ObjectID, Tag, Tree

from .git_objects import GitObjects

DIRECTORY: Final = 0o040000
FILE: Final = 0o100644
SUBMODULE: Final = 0o160000


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


class GitTrees(GitObjects):
    """The objects, and the trees among them by path."""

    def tree_id(self, sha: str) -> str | None:
        """The tree that a tree's, commit's or tag's id stands for."""
        found = self.object(sha)
        if isinstance(found, Tag):
            return self.tree_id(found.object[1].decode())
        if isinstance(found, Commit):
            tree: str = found.tree.decode()
            return tree
        return sha if isinstance(found, Tree) else None

    def _tree(self, sha: str) -> Tree:
        found = self.object(sha)
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

    def with_changes(self, tree: str | None, changes: Changes) -> str:
        """``tree`` (None: nothing yet) with files set and removed; empty directories go.

        Each tree is written once however many files change. Raises KeyError when something that
        is to be removed is not there.
        """
        return self._changed(tree, changes) or self.add(Tree())

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
        return self.add(made) if len(made) else None


def _tree_or_file(line: tuple[int, str] | None) -> tuple[str | None, str | None]:
    if line is None:
        return None, None
    return (line[1], None) if stat.S_ISDIR(line[0]) else (None, line[1])


def _directory(line: tuple[int, bytes]) -> str | None:
    return line[1].decode() if stat.S_ISDIR(line[0]) else None
