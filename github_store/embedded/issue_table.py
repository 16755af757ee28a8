"""Issues in the database, and the held copy that lists and searches read.

The copy remembers for an hour what each issue was when, so that a list or the search index can be
shown as it was some seconds ago: GitHub's are late in just that way. It is rebuilt from the
database at start, and changes only when a transaction has been committed.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from .rows import Issue, Repository
from .storage import Storage

REMEMBERED_SECONDS = 3600.0


def _issue(row: sqlite3.Row) -> Issue:
    columns: dict[str, Any] = dict(row)
    columns["locked"] = bool(columns["locked"])
    columns["is_pull_request"] = bool(columns["is_pull_request"])
    columns["assignees"] = tuple(json.loads(columns["assignees"]))
    columns["labels"] = tuple(json.loads(columns["labels"]))
    return Issue(**columns)


def _columns(issue: Issue) -> dict[str, Any]:
    columns = asdict(issue)
    columns["assignees"] = json.dumps(columns["assignees"])
    columns["labels"] = json.dumps(columns["labels"])
    return columns


class IssueTable:
    def __init__(self, storage: Storage, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._clock = clock
        self._held: dict[int, dict[int, list[tuple[float, Issue]]]] = defaultdict(dict)
        for row in storage.rows("SELECT * FROM issues"):
            issue = _issue(row)
            self._held[issue.repository_id][issue.id] = [(float("-inf"), issue)]

    def find(self, repository: Repository, number: int) -> Issue | None:
        row = self._storage.row(
            "SELECT * FROM issues WHERE repository_id = ? AND number = ?", repository.id, number
        )
        return _issue(row) if row else None

    def add(self, issue: Issue) -> Issue:
        """Store a new issue; its ``id`` is given here."""
        with self._storage.transaction():
            columns = _columns(issue)
            del columns["id"]
            made = replace(issue, id=self._storage.insert("issues", **columns))
            self._storage.after_commit(lambda: self._hold(made))
        return made

    def save(self, issue: Issue) -> Issue:
        with self._storage.transaction():
            columns = _columns(issue)
            del columns["id"]
            changes = ", ".join(f"{name} = ?" for name in columns)
            self._storage.execute(
                f"UPDATE issues SET {changes} WHERE id = ?",  # noqa: S608 - our own column names
                *columns.values(),
                issue.id,
            )
            self._storage.after_commit(lambda: self._hold(issue))
        return issue

    def with_label(self, repository: Repository, label_id: int) -> list[Issue]:
        return [issue for issue in self.listed(repository) if label_id in issue.labels]

    def listed(self, repository: Repository, *, as_of: float | None = None) -> list[Issue]:
        """All issues and pull requests that are there, or were at ``as_of`` (epoch seconds)."""
        with self._storage.transaction():
            held = self._held[repository.id].values()
            found = [
                versions[-1][1] if as_of is None else _version(versions, as_of) for versions in held
            ]
        return [issue for issue in found if issue is not None and not issue.gone]

    def _hold(self, issue: Issue) -> None:
        now = self._clock()
        versions = self._held[issue.repository_id].setdefault(issue.id, [])
        versions.append((now, issue))
        while len(versions) > 1 and versions[1][0] < now - REMEMBERED_SECONDS:
            versions.pop(0)


def _version(versions: list[tuple[float, Issue]], as_of: float) -> Issue | None:
    for at, issue in reversed(versions):
        if at <= as_of:
            return issue
    return None
