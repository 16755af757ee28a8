"""The SQLite file below issues, labels, comments, events and hooks.

One connection behind one re-entrant lock: whoever holds a transaction is alone, so a handler sees
no half-made change of another. WAL keeps a killed process's file readable; what was committed
before is there after the next start. Actions registered with ``after_commit`` (index updates,
webhook deliveries) run once the transaction is durable, and never for one that was rolled back.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..private_files import make_private_file

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL UNIQUE COLLATE NOCASE,
    type TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS repositories (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    private INTEGER NOT NULL,
    has_issues INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    pushed_at INTEGER NOT NULL,
    last_number INTEGER NOT NULL DEFAULT 0,
    UNIQUE (owner, name)
);
CREATE TABLE IF NOT EXISTS former_names (
    full_name TEXT PRIMARY KEY COLLATE NOCASE,
    repository_id INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS permissions (
    repository_id INTEGER NOT NULL,
    login TEXT NOT NULL COLLATE NOCASE,
    role TEXT NOT NULL,
    PRIMARY KEY (repository_id, login)
);
CREATE TABLE IF NOT EXISTS issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    body TEXT,
    state TEXT NOT NULL,
    state_reason TEXT,
    author TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    closed_at INTEGER,
    closed_by TEXT,
    locked INTEGER NOT NULL DEFAULT 0,
    is_pull_request INTEGER NOT NULL DEFAULT 0,
    assignees TEXT NOT NULL DEFAULT '[]',
    labels TEXT NOT NULL DEFAULT '[]',
    comments INTEGER NOT NULL DEFAULT 0,
    gone TEXT NOT NULL DEFAULT '',
    moved_to TEXT NOT NULL DEFAULT '',
    UNIQUE (repository_id, number)
);
CREATE TABLE IF NOT EXISTS labels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    color TEXT NOT NULL,
    description TEXT,
    is_default INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL,
    UNIQUE (repository_id, key)
);
CREATE TABLE IF NOT EXISTS comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository_id INTEGER NOT NULL,
    issue_id INTEGER NOT NULL,
    issue_number INTEGER NOT NULL,
    author TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS comments_of_issue ON comments (issue_id, id);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    issue_id INTEGER NOT NULL,
    actor TEXT NOT NULL,
    event TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_issue ON events (issue_id, id);
CREATE TABLE IF NOT EXISTS hooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository_id INTEGER NOT NULL,
    active INTEGER NOT NULL,
    events TEXT NOT NULL,
    config TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_response TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hook_id INTEGER NOT NULL,
    guid TEXT NOT NULL,
    event TEXT NOT NULL,
    action TEXT,
    delivered_at REAL NOT NULL,
    duration REAL NOT NULL,
    status TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    redelivery INTEGER NOT NULL,
    request TEXT NOT NULL,
    response TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_of_hook ON deliveries (hook_id, id);
"""

# Ids start where GitHub's are today: clients that keep them in 32 bits shall notice here.
FIRST_IDS = {
    "users": 90_000_000,
    "repositories": 1_100_000_000,
    "issues": 4_700_000_000,
    "labels": 9_800_000_000,
    "comments": 4_900_000_000,
    "events": 25_000_000_000,
    "hooks": 580_000_000,
    "deliveries": 200_000_000_000,
}


class Storage:
    """Opens (or makes) the database file at ``path``."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._afterwards: list[Callable[[], None]] = []
        make_private_file(path)  # it holds the secrets of webhooks; its log takes its rights
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)
        for table, first in FIRST_IDS.items():
            self._db.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?, ?"
                " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
                (table, first, table),
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Alone with the database; the outermost block commits, or rolls back on an exception."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN")
            self._depth += 1
            try:
                yield self._db
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("ROLLBACK")
                    self._afterwards.clear()
                raise
            self._depth -= 1
            if self._depth == 0:
                self._commit()
                actions, self._afterwards = self._afterwards, []
                for action in actions:
                    action()

    def _commit(self) -> None:
        """A full disk may refuse; then nothing of the transaction stays behind."""
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error:
            self._afterwards.clear()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run ``action`` when the transaction around has been committed."""
        assert self._depth > 0, "only inside a transaction"
        self._afterwards.append(action)

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        with self._lock:
            found: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return found

    def execute(self, sql: str, *values: Any) -> int:
        """Run one writing statement; the new row's id, where it made one."""
        with self.transaction() as db:
            return int(db.execute(sql, values).lastrowid or 0)

    def insert(self, table: str, **columns: Any) -> int:
        names = ", ".join(columns)
        marks = ", ".join("?" * len(columns))
        # Table and column names are this package's own words, never a caller's.
        return self.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
            *columns.values(),
        )

    def close(self) -> None:
        with self._lock:
            self._db.close()
