"""The SQLite file of intents: its layout, and what one transaction of it does.

``intents.sqlite`` in the data directory (``application_id`` 0x4B494E54, ``user_version`` 1)::

    intents  mark          the HMAC of the key, 64 hex digits
             request       hash of the operation and the body the key was first sent with
             begun_at      when it was first sent; seconds since 1970, as all times
             attempted_at  when the write was sent to GitHub last, or was known to be lost
             answer        JSON of the first answer; NULL while there is none
             weight        the answer's length

Every transaction is synced (``synchronous=FULL``). Intents are kept for KEPT_SECONDS after their
last attempt, at most MAX_INTENTS and MAX_BYTES of answers; beyond, the oldest answered ones go.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from github_store.disk_trouble import trouble
from github_store.errors import ConfigurationError, JournalUnavailable
from github_store.private_files import make_private_file
from github_store.synced_transaction import synced_transaction

FILE_NAME: Final = "intents.sqlite"
APPLICATION_ID: Final = 0x4B494E54
LAYOUT: Final = 1
KEPT_SECONDS: Final = 86_400.0
MAX_INTENTS: Final = 20_000
"""More than GitHub lets anybody create in a day (500 an hour)."""
MAX_BYTES: Final = 64 * 1024 * 1024

_LAYOUT_SQL: Final = f"""
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE intents (
    mark TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    begun_at REAL NOT NULL,
    attempted_at REAL NOT NULL,
    answer TEXT,
    weight INTEGER NOT NULL
);
CREATE INDEX intents_by_age ON intents (attempted_at);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {LAYOUT};
COMMIT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One write that a client named with a key. Times are seconds since 1970."""

    mark: str
    request: str
    begun_at: float
    attempted_at: float
    answer: str | None = None


class IntentFile:
    """Opens (or makes) the file in ``directory``. For one thread at a time.

    Raises ConfigurationError where the file cannot be used; it is left as it is.
    """

    def __init__(
        self, directory: Path, *, max_intents: int = MAX_INTENTS, max_bytes: int = MAX_BYTES
    ) -> None:
        self._path = directory / FILE_NAME
        self._limits = max_intents, max_bytes
        try:
            make_private_file(self._path)  # its log takes its rights
            self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._db.close()
            raise self._unusable(error) from error
        except BaseException:
            self._db.close()
            raise

    def find(self, mark: str, *, now: float) -> Intent | None:
        """The intent of a mark, None once its time is over. Raises JournalUnavailable."""
        try:
            row = self._db.execute(
                "SELECT mark, request, begun_at, attempted_at, answer FROM intents"
                " WHERE mark = ? AND attempted_at > ?",
                (mark, now - KEPT_SECONDS),
            ).fetchone()
        except sqlite3.Error as error:
            raise JournalUnavailable(trouble(error)) from error
        if row is None:
            return None
        mark, request, begun_at, attempted_at, answer = row
        return Intent(
            mark=mark, request=request, begun_at=begun_at, attempted_at=attempted_at, answer=answer
        )

    def put(self, intent: Intent, *, now: float) -> None:
        """Return once it is on disk, in the place of what its mark meant before.

        Raises JournalUnavailable, and nothing has changed then.
        """
        weight = len(intent.answer or "")
        with self._transaction():
            self._db.execute(
                "DELETE FROM intents WHERE attempted_at <= ? OR mark = ?",
                (now - KEPT_SECONDS, intent.mark),
            )
            self._make_room(weight)
            self._db.execute(
                "INSERT INTO intents VALUES (?, ?, ?, ?, ?, ?)",
                (
                    intent.mark,
                    intent.request,
                    intent.begun_at,
                    intent.attempted_at,
                    intent.answer,
                    weight,
                ),
            )

    def forget(self, mark: str) -> None:
        """What the mark named did not happen. Raises JournalUnavailable."""
        with self._transaction():
            self._db.execute("DELETE FROM intents WHERE mark = ?", (mark,))

    def close(self) -> None:
        with suppress(sqlite3.Error):  # what is in the log is found there at the next start
            self._db.close()

    def _make_room(self, weight: int) -> None:
        most, most_bytes = self._limits
        while True:
            sql = "SELECT count(*), total(weight) FROM intents"
            count, held = self._db.execute(sql).fetchone()
            if not count or (count < most and held + weight <= most_bytes):
                return
            self._db.execute(
                "DELETE FROM intents WHERE mark IN (SELECT mark FROM intents"
                " ORDER BY answer IS NULL, attempted_at LIMIT ?)",
                (max(1, count // 10),),
            )

    def _prepare(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        self._db.execute("PRAGMA synchronous = FULL").fetchall()
        made_by = self._number("PRAGMA application_id")
        if made_by == 0 and not self._number("SELECT count(*) FROM sqlite_master"):
            self._db.executescript(_LAYOUT_SQL)
            return
        if made_by != APPLICATION_ID:
            raise ConfigurationError(f"{self._path} is another program's file")
        if (layout := self._number("PRAGMA user_version")) != LAYOUT:
            raise ConfigurationError(
                f"{self._path} has layout {layout}, and this version reads {LAYOUT}: start the"
                " version that wrote it"
            )
        found = str(self._db.execute("PRAGMA quick_check(1)").fetchone()[0])
        if found != "ok":
            raise sqlite3.DatabaseError(found.splitlines()[-1])
        self._db.execute("PRAGMA incremental_vacuum").fetchall()

    def _number(self, sql: str) -> int:
        return int(self._db.execute(sql).fetchone()[0] or 0)

    def _unusable(self, error: Exception) -> ConfigurationError:
        return ConfigurationError(
            f"{self._path} cannot be used ({error}): look for space and rights; if it is damaged,"
            f" move it away together with {FILE_NAME}-wal, and the idempotency keys of the last"
            " 24 hours are forgotten"
        )

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """Commit, which syncs, or roll back."""
        try:
            with synced_transaction(self._db):
                yield
        except sqlite3.Error as error:
            raise JournalUnavailable(trouble(error)) from error
