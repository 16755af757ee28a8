"""The journal's SQLite file: its layout, and what one transaction of it does.

``journal.sqlite`` in the data directory (``application_id`` 0x4B4A524E, ``user_version`` 1)::

    samples     seq             1, 2, 3 … in the order of acknowledgement, never used twice
                tag, minute     the monitor, and the minute since 1970 (seconds // 60)
                status          UP, DEGRADED or DOWN
                latency         as the client gave it, whole numbers as such
                acknowledged_at seconds since 1970
    committed   up_to           one row: what has a seq up to this is on GitHub

Recovery: open the file, and SQLite brings back every transaction that was synced (its checksums
drop a torn end, which nobody was told of). Samples with a seq above ``up_to`` are pending. Those
at or below it wait for their deletion, which goes on in small portions whenever there is time.
The next seq is one above the highest that either table knows.

The write-ahead log is synced by every transaction (``synchronous=FULL``) and folded into the file
every 1,000 pages; both keep their size by reusing pages, and give back what a backlog took. The
file is locked for this process alone, so that no reader can hold up a write or the folding.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

from github_store.disk_trouble import advice, trouble
from github_store.errors import ConfigurationError, JournalUnavailable
from github_store.monitor import Status
from github_store.private_files import make_private_directory, make_private_file, sync_directory
from github_store.sample import Sample
from github_store.synced_transaction import synced_transaction

FILE_NAME: Final = "journal.sqlite"
APPLICATION_ID: Final = 0x4B4A524E
LAYOUT: Final = 1
PAGE_BYTES: Final = 4_096
LOG_PAGES: Final = 1_000
"""The write-ahead log is folded into the file at this length."""
PORTION: Final = 2_000
"""Rows deleted in one transaction: an append waits for no more than that."""
SPARE_PAGES: Final = 500
"""Free pages kept for the next samples, at least; what is above twice that is given back."""
ROWS_PER_STATEMENT: Final = 150
"""Each has six values, and an older SQLite takes 999."""
BUSY_SECONDS: Final = 2.0

_LAYOUT_SQL: Final = """
BEGIN;
CREATE TABLE samples (
    seq INTEGER PRIMARY KEY,
    tag TEXT NOT NULL,
    minute INTEGER NOT NULL,
    status TEXT NOT NULL,
    latency NOT NULL,
    acknowledged_at REAL NOT NULL
);
CREATE TABLE committed (up_to INTEGER NOT NULL);
INSERT INTO committed VALUES (0);
PRAGMA application_id = 0x4B4A524E;
PRAGMA user_version = 1;
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Sequenced:
    """A sample and its place in the order of acknowledgement; the time is seconds since 1970."""

    seq: int
    sample: Sample
    acknowledged_at: float


class JournalFile:
    """Opens (or makes) the file in ``directory``. For one thread at a time.

    Raises ConfigurationError where the file cannot be used; it is left as it is.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME
        self._committed = 0
        try:
            make_private_directory(directory)
            self._refuse_a_lost_file()
            make_private_file(self.path)  # its log takes its rights
            self._db = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"DATA_DIR: {directory} cannot be used: {error}") from error
        try:
            self._prepare()
            self._inode = self.path.stat().st_ino
            sync_directory(directory)
        except sqlite3.Error as error:
            self._db.close()
            raise ConfigurationError(advice(self.path, error)) from error
        except BaseException:
            self._db.close()
            raise

    def pending(self) -> list[Sequenced]:
        """Everything that is not known to be committed, in order. Raises ConfigurationError."""
        rows = self._db.execute(
            "SELECT seq, tag, minute, status, latency, acknowledged_at FROM samples"
            " WHERE seq > ? ORDER BY seq",
            (self._committed,),
        )
        try:
            return [
                Sequenced(seq, Sample(tag, minute, Status(status), latency), at)
                for seq, tag, minute, status, latency, at in rows
            ]
        except (ValueError, sqlite3.Error) as error:
            raise ConfigurationError(advice(self.path, error)) from error

    def last_seq(self) -> int:
        """The highest sequence number that was ever given out; 0 at first."""
        return max(self._committed, self._number("SELECT max(seq) FROM samples"))

    def append(self, entries: Sequence[Sequenced]) -> None:
        """Return when all are on disk. Raises JournalUnavailable, and none is kept then.

        Raises ValueError for a sample that is none, such as a tag that UTF-8 has no bytes for.
        """
        self._require_presence()
        try:
            # One statement is a transaction by itself. The fewer calls, the better: at each one
            # the driver gives the interpreter away, and a busy event loop is slow to return it.
            with (
                synced_transaction(self._db) if len(entries) > ROWS_PER_STATEMENT else nullcontext()
            ):
                for start in range(0, len(entries), ROWS_PER_STATEMENT):
                    some = entries[start : start + ROWS_PER_STATEMENT]
                    self._db.execute(_insertion(len(some)), _values(some))
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError, OverflowError) as error:
            raise ValueError(f"no sample: {error}") from error
        except sqlite3.Error as error:
            raise JournalUnavailable(trouble(error)) from error

    def commit_landed(self, up_to: int) -> None:
        """Everything up to this seq is on GitHub; ``tidy`` writes it down."""
        self._committed = max(up_to, self._committed)

    def tidy(self) -> bool:
        """Delete a portion of what is committed, or give back space; whether there is more to do.

        Raises JournalUnavailable.
        """
        try:
            oldest = self._number("SELECT min(seq) FROM samples")
            if oldest and oldest <= self._committed:
                self._delete(min(oldest + PORTION - 1, self._committed))
                return True
            if self._number("PRAGMA freelist_count") > 2 * SPARE_PAGES:
                self._db.execute(f"PRAGMA incremental_vacuum({SPARE_PAGES})").fetchall()
                return True
        except sqlite3.Error as error:
            raise JournalUnavailable(trouble(error)) from error
        return False

    def close(self) -> None:
        """Fold the log into the file and let go of it."""
        with suppress(sqlite3.Error):  # what is in the log is found there at the next start
            self._db.close()

    # opening ----------------------------------------------------------------------------------

    def _refuse_a_lost_file(self) -> None:
        """SQLite deletes a log whose file is missing or empty, and the samples in it."""
        log = self.path.with_name(f"{FILE_NAME}-wal")
        is_empty = not self.path.exists() or self.path.stat().st_size == 0
        if is_empty and log.exists() and log.stat().st_size > 0:
            raise ConfigurationError(
                f"{self.path} is missing or empty, but its log {log.name} holds samples: bring"
                " the file back, or move the log away to start without them"
            )

    def _prepare(self) -> None:
        self._set("locking_mode = EXCLUSIVE")
        is_new = self._is_new()
        self._set(f"wal_autocheckpoint = {LOG_PAGES}")
        self._set(f"journal_size_limit = {LOG_PAGES * PAGE_BYTES}")
        self._set("synchronous = FULL")
        if is_new:
            self._set("auto_vacuum = INCREMENTAL")
            self._set("journal_mode = WAL")
            self._db.executescript(_LAYOUT_SQL)
        found = str(self._db.execute("PRAGMA quick_check(1)").fetchone()[0])
        if found != "ok":
            raise sqlite3.DatabaseError(found.splitlines()[-1])
        self._committed = self._number("SELECT max(up_to) FROM committed")

    def _is_new(self) -> bool:
        made_by = self._number("PRAGMA application_id")
        if made_by == 0 and not self._number("SELECT count(*) FROM sqlite_master"):
            return True
        if made_by != APPLICATION_ID:
            raise ConfigurationError(f"{self.path} is no journal but another program's file")
        if (layout := self._number("PRAGMA user_version")) != LAYOUT:
            raise ConfigurationError(
                f"{self.path} has layout {layout}, and this version reads {LAYOUT}: start the"
                " version that wrote it"
            )
        return False

    # transactions -----------------------------------------------------------------------------

    def _set(self, pragma: str) -> None:
        self._db.execute(f"PRAGMA {pragma}").fetchall()

    def _number(self, sql: str) -> int:
        return int(self._db.execute(sql).fetchone()[0] or 0)

    def _delete(self, up_to: int) -> None:
        with synced_transaction(self._db):
            self._db.execute("UPDATE committed SET up_to = ?", (self._committed,))
            self._db.execute("DELETE FROM samples WHERE seq <= ?", (up_to,))

    def _require_presence(self) -> None:
        """A file that was deleted or replaced takes writes, and nobody would ever find them."""
        try:
            if self.path.stat().st_ino == self._inode:
                return
        except OSError:
            pass
        raise JournalUnavailable(
            f"the journal's file {FILE_NAME} was moved or deleted while the service runs: bring"
            " it back, or restart the service"
        )


@lru_cache(maxsize=ROWS_PER_STATEMENT)
def _insertion(rows: int) -> str:
    # Nothing but question marks is put in.
    return f"INSERT INTO samples VALUES {','.join(['(?,?,?,?,?,?)'] * rows)}"  # noqa: S608


def _values(entries: Sequence[Sequenced]) -> list[Any]:
    return list(
        chain.from_iterable(
            (
                each.seq,
                each.sample.tag,
                each.sample.minute,
                each.sample.status.value,
                each.sample.latency,
                each.acknowledged_at,
            )
            for each in entries
        )
    )
