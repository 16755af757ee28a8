"""A repository's labels in the database; names are unique and found without regard to case."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from .rows import Label, Repository
from .storage import Storage

# What a new repository has on GitHub: name, colour, description.
DEFAULT_LABELS = (
    ("bug", "d73a4a", "Something isn't working"),
    ("documentation", "0075ca", "Improvements or additions to documentation"),
    ("duplicate", "cfd3d7", "This issue or pull request already exists"),
    ("enhancement", "a2eeef", "New feature or request"),
    ("good first issue", "7057ff", "Good for newcomers"),
    ("help wanted", "008672", "Extra attention is needed"),
    ("invalid", "e4e669", "This doesn't seem right"),
    ("question", "d876e3", "Further information is requested"),
    ("wontfix", "ffffff", "This will not be worked on"),
)
UNCHOSEN_COLOR = "ededed"


def _label(row: sqlite3.Row) -> Label:
    return Label(
        id=row["id"],
        repository_id=row["repository_id"],
        name=row["name"],
        color=row["color"],
        description=row["description"],
        is_default=bool(row["is_default"]),
        updated_at=row["updated_at"],
    )


class LabelTable:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add_defaults(self, repository: Repository, *, now: int) -> None:
        for name, color, description in DEFAULT_LABELS:
            self.add(repository, name, color, description, is_default=True, now=now)

    def add(
        self,
        repository: Repository,
        name: str,
        color: str,
        description: str | None,
        *,
        is_default: bool = False,
        now: int,
    ) -> Label:
        label_id = self._storage.insert(
            "labels",
            repository_id=repository.id,
            name=name,
            key=name.casefold(),
            color=color,
            description=description,
            is_default=is_default,
            updated_at=now,
        )
        return Label(label_id, repository.id, name, color, description, is_default, now)

    def all(self, repository: Repository) -> list[Label]:
        rows = self._storage.rows(
            "SELECT * FROM labels WHERE repository_id = ? ORDER BY key", repository.id
        )
        return [_label(row) for row in rows]

    def find(self, repository: Repository, name: str) -> Label | None:
        row = self._storage.row(
            "SELECT * FROM labels WHERE repository_id = ? AND key = ?",
            repository.id,
            name.casefold(),
        )
        return _label(row) if row else None

    def ensure(self, repository: Repository, names: Iterable[str], *, now: int) -> list[Label]:
        """The labels of these names, each once and in this order; missing ones are made."""
        found: dict[int, Label] = {}
        for name in names:
            label = self.find(repository, name)
            if label is None:
                label = self.add(repository, name, UNCHOSEN_COLOR, None, now=now)
            found.setdefault(label.id, label)
        return list(found.values())

    def save(self, label: Label) -> Label:
        self._storage.execute(
            "UPDATE labels SET name = ?, key = ?, color = ?, description = ?, updated_at = ?"
            " WHERE id = ?",
            label.name,
            label.name.casefold(),
            label.color,
            label.description,
            label.updated_at,
            label.id,
        )
        return label

    def remove(self, label: Label) -> None:
        self._storage.execute("DELETE FROM labels WHERE id = ?", label.id)
