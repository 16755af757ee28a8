"""One bare git repository, through dulwich: the only truth about files.

Callers hold the storage's transaction, so nothing of this process runs beside them; ``git push``,
``git pack-refs`` and ``git gc`` in the same directory may. Therefore refs are read anew each time
and moved by compare-and-set.

Order of writing: objects first, synced before a ref is moved to them. After a power cut a ref may
be an older one, and never names an object that is not there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dulwich.file import FileLocked
from dulwich.objects import Commit, ObjectID, Tag
from dulwich.refs import Ref, SymrefLoop
from dulwich.repo import Repo

from .git_names import is_object_id, is_sound_ref
from .git_objects import break_dead_lock
from .git_trees import GitTrees

ZERO: Final = "0" * 40
LOCK_PATIENCE_SECONDS: Final = 0.5
# git holds a ref's lock for milliseconds: an older one was left by a process that was killed.
DEAD_LOCK_SECONDS: Final = 5.0


class GitRepository(GitTrees):
    """Trees and commits, and the refs that name them."""

    def __init__(self, path: Path) -> None:
        self._repo = Repo(str(path))
        super().__init__(self._repo.object_store, path / "objects")
        self._path = path

    def close(self) -> None:
        self._repo.close()

    def refs(self) -> dict[str, str]:
        """Branches, tags and other refs in the order of their names: full name to object id."""
        return {
            name.decode(errors="replace"): value.decode()
            for name, value in sorted(self._repo.refs.as_dict().items())
            if name.startswith(b"refs/")
        }

    def changed_at(self) -> int:
        """When any ref was last moved, by whomever; in epoch seconds of the disk's clock."""
        times = [self._path.stat().st_mtime]
        for place in (self._path / "packed-refs", *(self._path / "refs").rglob("*")):
            try:
                times.append(place.stat().st_mtime)
            except FileNotFoundError:  # packed or removed meanwhile
                continue
        return int(max(times))

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
        self.sync()
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
        found = self.object(sha)
        while isinstance(found, Tag):
            sha = found.object[1].decode()
            found = self.object(sha)
        return sha if isinstance(found, Commit) else None

    def _with_lock(self, action: Callable[[], bool]) -> bool:
        until = time.monotonic() + LOCK_PATIENCE_SECONDS
        while True:
            try:
                return action()
            except FileLocked as locked:
                if time.monotonic() > until:
                    return False
                break_dead_lock(Path(os.fsdecode(locked.lockfilename)), DEAD_LOCK_SECONDS)
                time.sleep(0.005)
