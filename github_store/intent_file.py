"""The SQLite file of intents: its layout, and what one transaction of it does.

``intents.sqlite`` in the data directory (``application_id`` 0x4B494E54, ``user_version`` 2)::

    intents  mark          the HMAC of the key, 64 hex digits
             request       hash of the operation and the body the key was first sent with
             begun_at      when it was first sent; seconds since 1970, as all times
             attempted_at  when the write was sent to GitHub last, or was known to be lost
             answer        JSON of the first answer; NULL while there is none
             weight        the answer's length
             checksum      of the first five, and of the file's id
    head     entry         one row, sealed: id, number of transactions, number of intents, and until
                           when an intent may have been lost

Every transaction is synced (``synchronous=FULL``). Intents are kept for KEPT_SECONDS after their
last attempt, at most MAX_INTENTS and MAX_BYTES of answers; beyond, the oldest answered ones go.

``intents.counter`` knows the last transaction. A file that lacks some, cannot be read, or has a row
whose checksum fails, is set aside; what is whole goes on in a new one, and ``doubted_until`` says
that a key may have been known before.
"""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, Final

from github_store.disk_trouble import is_disk_trouble, one_line, trouble
from github_store.errors import ConfigurationError, JournalUnavailable
from github_store.journal_counter import Count, JournalCounter
from github_store.private_files import make_private_file
from github_store.seal import digest, sealed, unsealed
from github_store.set_aside import free_time, set_aside, stamp
from github_store.synced_transaction import synced_transaction

log = logging.getLogger(__name__)

FILE_NAME: Final = "intents.sqlite"
COUNTER_NAME: Final = "intents.counter"
APPLICATION_ID: Final = 0x4B494E54
LAYOUT: Final = 2
KEPT_SECONDS: Final = 86_400.0
MAX_INTENTS: Final = 20_000
"""More than GitHub lets anybody create in a day (500 an hour)."""
MAX_BYTES: Final = 64 * 1024 * 1024

_ROW: Final = "ki2"
_HEAD: Final = "ki2head"
_TABLES: Final = """
CREATE TABLE intents (
    mark TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    begun_at REAL NOT NULL,
    attempted_at REAL NOT NULL,
    answer TEXT,
    weight INTEGER NOT NULL,
    checksum TEXT NOT NULL
);
CREATE INDEX intents_by_age ON intents (attempted_at);
CREATE TABLE head (entry BLOB NOT NULL);
"""
_OLD: Final = "has no checksums"
_COLUMNS: Final = "mark, request, begun_at, attempted_at, answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One write that a client named with a key. Times are seconds since 1970."""

    mark: str
    request: str
    begun_at: float
    attempted_at: float
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class _Head:
    file_id: str
    transactions: int = 0
    intents: int = 0
    doubted_until: float = 0.0


class IntentFile:
    """Opens (or makes) the file in ``directory``. For one thread at a time.

    Raises ConfigurationError where the file cannot be used; it is left as it is. Damage ends
    nothing. ``now`` is seconds since 1970.
    """

    def __init__(
        self,
        directory: Path,
        *,
        now: float,
        max_intents: int = MAX_INTENTS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._path = directory / FILE_NAME
        self._limits = max_intents, max_bytes
        self._counter = JournalCounter(directory / COUNTER_NAME)
        try:
            self._db = self._opened(free_time(directory, now))
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    @property
    def doubted_until(self) -> float:
        """Until then an intent that is not found may have been lost; 0 where none was."""
        return self._head.doubted_until

    def find(self, mark: str, *, now: float) -> Intent | None:
        """The intent of a mark, None once its time is over. Raises JournalUnavailable."""
        try:
            row = self._db.execute(
                f"SELECT {_COLUMNS}, checksum FROM intents"  # noqa: S608 - the file's own words
                " WHERE mark = ? AND attempted_at > ?",
                (mark, now - KEPT_SECONDS),
            ).fetchone()
        except Exception as error:  # a file that is damaged meanwhile makes it raise anything
            raise JournalUnavailable(f"{FILE_NAME} cannot be read: {one_line(error)}") from error
        if row is None:
            return None
        found = _intent(row, self._head.file_id)
        if found is None or found.mark != mark:
            raise JournalUnavailable(f"{FILE_NAME} is damaged: restart the service")
        return found

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
            self._insert(self._db, intent, self._head.file_id)

    def forget(self, mark: str) -> None:
        """What the mark named did not happen. Raises JournalUnavailable."""
        with self._transaction():
            self._db.execute("DELETE FROM intents WHERE mark = ?", (mark,))

    def close(self) -> None:
        with suppress(sqlite3.Error):  # what is in the log is found there at the next start
            self._db.close()
        self._counter.close()

    # opening ----------------------------------------------------------------------------------

    def _opened(self, now: float) -> sqlite3.Connection:
        dated = stamp(now)
        for suffix in ("", "-wal", "-shm", "-journal"):
            path = self._path.with_name(self._path.name + suffix)
            if path.exists() and not path.is_file():
                set_aside(path, dated)
        if self._counter.path.is_dir():
            set_aside(self._counter.path, dated)
        count = self._counter.read()
        is_there = self._path.exists() and self._path.stat().st_size > 0
        if not is_there and count is None and self._counter.problem is None:
            return self._made([], now, doubted_until=0.0)
        whole: list[Intent] = []
        problem = "is missing or empty"
        if is_there:
            db, problem = self._looked_through(count, whole)
            if db and not problem:
                return db
            if db:
                db.close()
            for suffix in () if problem == _OLD else ("-wal", ""):
                path = self._path.with_name(self._path.name + suffix)
                if path.exists():
                    set_aside(path, dated)
        until = now + KEPT_SECONDS
        if not is_there and count and now - count.last_at > KEPT_SECONDS:
            until = 0.0  # nothing that counted any more
        if until and problem != _OLD:
            log.error(
                "DATA_DIR: %s %s: %d idempotency keys of the last 24 hours are known, others may be"
                " forgotten; until they would be anyway, what comes with a key that is not known is"
                " looked for on GitHub before it is written",
                self._path,
                problem,
                len(whole),
            )
        return self._made(whole, now, doubted_until=0.0 if problem == _OLD else until)

    def _looked_through(
        self, count: Count | None, whole: list[Intent]
    ) -> tuple[sqlite3.Connection | None, str]:
        """What can be read goes into ``whole``; what is wrong is named, in no word where nothing
        is."""
        db: sqlite3.Connection | None = None
        try:
            db = self._connected()
            self._read(db, count, whole)
        except _WrongError as error:
            return db, str(error)
        except ConfigurationError:
            if db:
                db.close()
            raise
        except Exception as error:  # UnicodeDecodeError and MemoryError among them
            if is_disk_trouble(error, self._path):
                if db:
                    db.close()
                raise
            return db, f"is damaged ({one_line(error)})"
        return db, ""

    def _read(self, db: sqlite3.Connection, count: Count | None, whole: list[Intent]) -> None:
        made_by = _number(db, "PRAGMA application_id")
        layout = _number(db, "PRAGMA user_version")
        is_counted = count is not None or self._counter.problem is not None
        if made_by != APPLICATION_ID and not is_counted:
            raise ConfigurationError(f"{self._path} is another program's file")
        if (made_by, layout) == (APPLICATION_ID, 1):
            found = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
            if found != "ok":
                raise _WrongError("is damaged, and of a version without checksums")
            rows = db.execute(f"SELECT {_COLUMNS} FROM intents")  # noqa: S608
            whole.extend(_of_layout_1(row) for row in rows)
            raise _WrongError(_OLD)
        if layout > LAYOUT and not is_counted:
            raise ConfigurationError(
                f"{self._path} has layout {layout}, and this version reads {LAYOUT}: start the"
                " version that wrote it"
            )
        head = _head(db.execute("SELECT entry FROM head").fetchall())
        file_id = count.journal_id if count else head.file_id if head else ""
        rows = db.execute(f"SELECT {_COLUMNS}, checksum FROM intents")  # noqa: S608
        seen = 0
        for row in rows:
            seen += 1
            if found_one := _intent(row, file_id):
                whole.append(found_one)
        found = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
        if found != "ok" or (made_by, layout) != (APPLICATION_ID, LAYOUT):
            raise _WrongError("is damaged")
        if head is None or len(whole) != seen:
            raise _WrongError("is damaged (a checksum fails)")
        if count is None:
            raise _WrongError(f"may lack something: {COUNTER_NAME} is missing or damaged")
        if (head.file_id, head.intents) != (count.journal_id, seen):
            raise _WrongError("lacks something, or is another's")
        if head.transactions < count.last:
            raise _WrongError("lacks its newest rows, or is an older copy")
        self._head = head
        db.execute("PRAGMA incremental_vacuum").fetchall()

    def _connected(self) -> sqlite3.Connection:
        make_private_file(self._path)  # its log takes its rights
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
            db.execute("PRAGMA synchronous = FULL").fetchall()
            # Text that is none shall fail its row's checksum, and not the reading.
            db.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        except BaseException:
            db.close()
            raise
        return db

    def _made(
        self, intents: list[Intent], now: float, *, doubted_until: float
    ) -> sqlite3.Connection:
        """A new file with these. The counter first: a file without one may lack something."""
        head = _Head(secrets.token_hex(8), 0, len(intents), doubted_until)
        self._counter.write(Count(journal_id=head.file_id, last_at=now))
        for suffix in ("", "-wal"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        db = self._connected()
        try:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL").fetchall()
            db.execute("PRAGMA journal_mode = WAL").fetchall()
            with synced_transaction(db):
                for sql in _TABLES.split(";"):
                    db.execute(sql)
                for intent in intents:
                    self._insert(db, intent, head.file_id)
                db.execute("INSERT INTO head VALUES (?)", (_sealed_head(head),))
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                db.execute(f"PRAGMA user_version = {LAYOUT}")
        except BaseException:
            db.close()
            raise
        self._head = head
        return db

    # transactions -----------------------------------------------------------------------------

    @staticmethod
    def _insert(db: sqlite3.Connection, intent: Intent, file_id: str) -> None:
        weight = len(intent.answer or "")
        db.execute(
            "INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*astuple(intent), weight, _checksum(intent, file_id)),
        )

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

    def _unusable(self, error: Exception) -> ConfigurationError:
        return ConfigurationError(
            f"{self._path} cannot be used ({one_line(error)}): look for space and rights"
        )

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """Commit, which syncs, or roll back; then count it."""
        try:
            with synced_transaction(self._db):
                yield
                head = replace(
                    self._head,
                    transactions=self._head.transactions + 1,
                    intents=_number(self._db, "SELECT count(*) FROM intents"),
                )
                self._db.execute("UPDATE head SET entry = ?", (_sealed_head(head),))
            self._head = head
        except sqlite3.Error as error:
            raise JournalUnavailable(trouble(error)) from error
        newest = self._db.execute("SELECT max(attempted_at) FROM intents").fetchone()[0]
        try:
            self._counter.write(
                Count(journal_id=head.file_id, last=head.transactions, last_at=newest or 0.0)
            )
            self._counter.sync()
        except OSError as error:  # it is kept all the same
            log.warning("DATA_DIR: %s cannot be written: %s", self._counter.path, error.strerror)


class _WrongError(Exception):
    """What is wrong with the file, after its name."""


def _checksum(intent: Intent, file_id: str) -> str:
    values = (
        intent.mark,
        intent.request,
        float(intent.begun_at),  # as the file has it
        float(intent.attempted_at),
        intent.answer,
    )
    return digest(_ROW, json.dumps(values).encode(), key=file_id)


def _intent(row: tuple[Any, ...], file_id: str) -> Intent | None:
    """None where the checksum fails."""
    mark, request, begun_at, attempted_at, answer, checksum = row
    found = Intent(
        mark=mark, request=request, begun_at=begun_at, attempted_at=attempted_at, answer=answer
    )
    try:
        return found if _checksum(found, file_id) == checksum else None
    except (TypeError, ValueError):  # bytes, or no number
        return None


def _of_layout_1(row: tuple[Any, ...]) -> Intent:
    mark, request, begun_at, attempted_at, answer = row
    if [type(each) for each in row[:4]] != [str, str, float, float]:
        raise ValueError("a row is no intent")
    if answer is not None:
        json.loads(answer)
    return Intent(
        mark=mark, request=request, begun_at=begun_at, attempted_at=attempted_at, answer=answer
    )


def _sealed_head(head: _Head) -> bytes:
    return sealed(_HEAD, json.dumps(astuple(head)).encode())


def _head(rows: list[tuple[object]]) -> _Head | None:
    body = unsealed(_HEAD, rows[0][0]) if len(rows) == 1 else None
    return None if body is None else _Head(*json.loads(body))


def _number(db: sqlite3.Connection, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0] or 0)
