"""Real bare git repositories on disk: made, opened, renamed, removed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from dulwich.repo import Repo

from ..private_files import make_private_directory, sync_directory
from .git_repository import GitRepository
from .rows import Repository

DEFAULT_BRANCH: Final = "main"


class GitStore:
    """The repositories below ``root``, each at ``owner/name.git``; anybody may clone from there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[Path, GitRepository] = {}

    def path(self, repository: Repository) -> Path:
        return self._root / repository.owner / f"{repository.name}.git"

    def create(self, repository: Repository) -> None:
        """Whole or not at all: a process that is killed leaves nothing that is in the way."""
        path = self.path(repository)
        if not (path / "HEAD").exists():
            draft = path.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            make_private_directory(draft)
            Repo.init_bare(draft, default_branch=DEFAULT_BRANCH.encode()).close()
            draft.rename(path)
            sync_directory(path.parent)

    def rename(self, before: Repository, after: Repository) -> None:
        self._close(before)
        make_private_directory(self.path(after).parent)
        self.path(before).rename(self.path(after))
        sync_directory(self.path(after).parent)
        sync_directory(self.path(before).parent)

    def remove(self, repository: Repository) -> None:
        self._close(repository)
        shutil.rmtree(self.path(repository), ignore_errors=True)

    def open(self, repository: Repository) -> GitRepository:
        path = self.path(repository)
        if path not in self._open:
            self._open[path] = GitRepository(path)
        return self._open[path]

    def close(self) -> None:
        for held in self._open.values():
            held.close()
        self._open.clear()

    def _close(self, repository: Repository) -> None:
        held = self._open.pop(self.path(repository), None)
        if held is not None:
            held.close()
