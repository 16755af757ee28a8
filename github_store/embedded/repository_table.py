"""Repositories in the database: made, found by name, former name or id, renamed."""

from __future__ import annotations

import sqlite3

from .rows import Repository
from .storage import Storage


def _repository(row: sqlite3.Row) -> Repository:
    return Repository(
        id=row["id"],
        owner=row["owner"],
        name=row["name"],
        private=bool(row["private"]),
        has_issues=bool(row["has_issues"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        pushed_at=row["pushed_at"],
    )


class RepositoryTable:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add(self, full_name: str, *, private: bool, now: int) -> Repository:
        owner, _, name = full_name.partition("/")
        made = self._storage.insert(
            "repositories",
            owner=owner,
            name=name,
            private=private,
            created_at=now,
            updated_at=now,
            pushed_at=now,
        )
        self._storage.execute("DELETE FROM former_names WHERE full_name = ?", full_name)
        return self.by_id(made)

    def all(self) -> list[Repository]:
        return [_repository(row) for row in self._storage.rows("SELECT * FROM repositories")]

    def by_id(self, repository_id: int) -> Repository:
        """Raises KeyError where there is none."""
        row = self._storage.row("SELECT * FROM repositories WHERE id = ?", repository_id)
        if row is None:
            raise KeyError(repository_id)
        return _repository(row)

    def find(self, full_name: str) -> Repository | None:
        owner, _, name = full_name.partition("/")
        row = self._storage.row(
            "SELECT * FROM repositories WHERE owner = ? AND name = ?", owner, name
        )
        return _repository(row) if row else None

    def formerly(self, full_name: str) -> Repository | None:
        """The repository that had this name before it was renamed."""
        row = self._storage.row("SELECT * FROM former_names WHERE full_name = ?", full_name)
        return self.by_id(row["repository_id"]) if row else None

    def rename(self, repository: Repository, full_name: str, *, now: int) -> Repository:
        owner, _, name = full_name.partition("/")
        with self._storage.transaction():
            self._storage.execute(
                "UPDATE repositories SET owner = ?, name = ?, updated_at = ? WHERE id = ?",
                owner,
                name,
                now,
                repository.id,
            )
            self._storage.execute(
                "INSERT OR REPLACE INTO former_names VALUES (?, ?)",
                repository.full_name,
                repository.id,
            )
            self._storage.execute("DELETE FROM former_names WHERE full_name = ?", full_name)
        return self.by_id(repository.id)

    def pushed(self, repository: Repository, *, now: int) -> None:
        self._storage.execute(
            "UPDATE repositories SET pushed_at = ?, updated_at = ? WHERE id = ?",
            now,
            now,
            repository.id,
        )

    def configure(
        self, repository: Repository, *, private: bool, has_issues: bool, now: int
    ) -> Repository:
        self._storage.execute(
            "UPDATE repositories SET private = ?, has_issues = ?, updated_at = ? WHERE id = ?",
            private,
            has_issues,
            now,
            repository.id,
        )
        return self.by_id(repository.id)

    def remove(self, repository: Repository) -> None:
        """Forget the repository; what belonged to it is out of reach without it."""
        for sql in (
            "DELETE FROM former_names WHERE repository_id = ?",
            "DELETE FROM permissions WHERE repository_id = ?",
            "DELETE FROM hooks WHERE repository_id = ?",
            "DELETE FROM repositories WHERE id = ?",
        ):
            self._storage.execute(sql, repository.id)

    def next_number(self, repository: Repository) -> int:
        """The next issue number: counts on, also past deleted issues."""
        self._storage.execute(
            "UPDATE repositories SET last_number = last_number + 1 WHERE id = ?", repository.id
        )
        row = self._storage.row("SELECT last_number FROM repositories WHERE id = ?", repository.id)
        assert row is not None
        return int(row["last_number"])
