"""Issue comments and issue events in the database."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from .rows import Comment, Issue, Repository
from .storage import Storage


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an issue's history. ``details`` are the members its kind adds."""

    id: int
    issue_id: int
    actor: str
    event: str
    created_at: int
    details: dict[str, Any]


def _comment(row: sqlite3.Row) -> Comment:
    return Comment(**dict(row))


class CommentTable:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add(
        self, repository: Repository, issue: Issue, *, author: str, body: str, at: int
    ) -> Comment:
        columns = {
            "repository_id": repository.id,
            "issue_id": issue.id,
            "issue_number": issue.number,
            "author": author,
            "body": body,
            "created_at": at,
            "updated_at": at,
        }
        made = self._storage.insert("comments", **columns)
        found = self.find(repository, made)
        assert found is not None
        return found

    def find(self, repository: Repository, comment_id: int) -> Comment | None:
        row = self._storage.row(
            "SELECT * FROM comments WHERE repository_id = ? AND id = ?", repository.id, comment_id
        )
        return _comment(row) if row else None

    def of_issue(self, issue: Issue) -> list[Comment]:
        rows = self._storage.rows("SELECT * FROM comments WHERE issue_id = ? ORDER BY id", issue.id)
        return [_comment(row) for row in rows]

    def of_repository(self, repository: Repository) -> list[Comment]:
        rows = self._storage.rows(
            "SELECT * FROM comments WHERE repository_id = ? ORDER BY id", repository.id
        )
        return [_comment(row) for row in rows]

    def save(self, comment: Comment) -> Comment:
        self._storage.execute(
            "UPDATE comments SET body = ?, updated_at = ? WHERE id = ?",
            comment.body,
            comment.updated_at,
            comment.id,
        )
        return comment

    def move(self, source: Issue, target: Issue) -> None:
        """Comments follow their issue into another repository."""
        self._storage.execute(
            "UPDATE comments SET issue_id = ?, issue_number = ?, repository_id = ?"
            " WHERE issue_id = ?",
            target.id,
            target.number,
            target.repository_id,
            source.id,
        )

    def remove(self, comment: Comment) -> None:
        self._storage.execute("DELETE FROM comments WHERE id = ?", comment.id)

    def remove_all(self, issue: Issue) -> None:
        self._storage.execute("DELETE FROM comments WHERE issue_id = ?", issue.id)


class EventTable:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add(self, issue: Issue, actor: str, event: str, *, at: int, **details: Any) -> None:
        self._storage.insert(
            "events",
            issue_id=issue.id,
            actor=actor,
            event=event,
            created_at=at,
            details=json.dumps(details),
        )

    def move(self, source: Issue, target: Issue) -> None:
        """The history follows its issue into another repository."""
        self._storage.execute(
            "UPDATE events SET issue_id = ? WHERE issue_id = ?", target.id, source.id
        )

    def of_issue(self, issue: Issue) -> list[Event]:
        rows = self._storage.rows("SELECT * FROM events WHERE issue_id = ? ORDER BY id", issue.id)
        return [
            Event(
                row["id"],
                row["issue_id"],
                row["actor"],
                row["event"],
                row["created_at"],
                json.loads(row["details"]),
            )
            for row in rows
        ]
