"""One SQLite transaction of the files that must not lose what they acknowledged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def synced_transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit, which syncs, or roll back: SQLite writes over what a failed one left.

    Raises sqlite3.Error where the disk does not take it.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise
