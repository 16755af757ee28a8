"""The journal's SQLite file: what one transaction of it does.

A group of samples is safe when its transaction is synced; the counter is written after it. What is
committed is written down in the counter first, and deleted in small portions whenever there is
time. ``journal_database`` tells how the file is laid out, ``journal_recovery`` what happens at
start.

The write-ahead log is synced by every transaction (``synchronous=FULL``) and folded into the file
every 1,000 pages; both keep their size by reusing pages, and give back what a backlog took. The
file is locked for this process alone, so that no reader can hold up a write or the folding.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

from github_store.disk_trouble import advice, trouble
from github_store.errors import ConfigurationError, JournalUnavailable
from github_store.journal_damage import Damage, noted
from github_store.journal_record import Head, Sequenced, decoded, encoded, encoded_head
from github_store.journal_recovery import FILE_NAME, open_journal
from github_store.private_files import make_private_directory
from github_store.synced_transaction import synced_transaction

__all__ = ["FILE_NAME", "JournalFile", "Sequenced"]

PORTION: Final = 2_000
"""Rows deleted in one transaction: an append waits for no more than that."""
SPARE_PAGES: Final = 500
"""Free pages kept for the next samples, at least; what is above twice that is given back."""
ROWS_PER_STATEMENT: Final = 450
"""Each has two values, and an older SQLite takes 999."""


class JournalFile:
    """Opens (or makes) the file in ``directory``. For one thread at a time.

    Damage is mended as far as it can be, and noted at ``now``, seconds since 1970. Raises
    ConfigurationError where the file cannot be used; it is left as it is.
    """

    def __init__(self, directory: Path, *, now: float) -> None:
        self.path = directory / FILE_NAME
        try:
            make_private_directory(directory)
            opened = open_journal(directory, now=now)
            self._inode = self.path.stat().st_ino
        except OSError as error:
            raise ConfigurationError(f"DATA_DIR: {directory} cannot be used: {error}") from error
        except sqlite3.Error as error:
            raise ConfigurationError(advice(self.path, error)) from error
        self._db, self._counter, self._count = opened.db, opened.counter, opened.count
        self._landed: Sequenced | None = None
        self._has_strays = False
        """Whether the file has samples that were refused, as the counter could not be written."""

    @property
    def damages(self) -> tuple[Damage, ...]:
        """What was noted and whose note nobody has removed, at this start or an earlier one."""
        return noted(self.path.parent)

    def pending(self) -> list[Sequenced]:
        """Everything that is not known to be committed, in order. Raises ConfigurationError."""
        rows = self._db.execute(
            "SELECT entry FROM samples WHERE seq > ? AND seq <= ? ORDER BY seq",
            (self._count.committed, self._count.last),
        )
        try:
            found = [decoded(text, journal_id=self._count.journal_id) for (text,) in rows]
        except sqlite3.Error as error:
            raise ConfigurationError(advice(self.path, error)) from error
        return [each for each in found if each]

    def last_seq(self) -> int:
        """The highest sequence number that was ever given out; 0 at first."""
        return self._count.last

    def append(self, entries: Sequence[Sequenced]) -> None:
        """Return when all are on disk. Raises JournalUnavailable, and none is kept then.

        Their numbers go on from ``last_seq``. Raises ValueError for a sample that is none, such as
        a tag that UTF-8 has no bytes for.
        """
        self._require_presence()
        rows = [(each.seq, encoded(each, journal_id=self._count.journal_id)) for each in entries]
        last = entries[-1]
        try:
            self._insert(rows)
            self._has_strays = True
            self._write_count(last=last.seq, last_at=last.acknowledged_at)
            self._has_strays = False
        except (OSError, sqlite3.Error) as error:
            raise JournalUnavailable(trouble(error)) from error

    def commit_landed(self, entry: Sequenced) -> None:
        """Everything up to this one is on GitHub; ``tidy`` writes it down."""
        self._landed = entry

    def tidy(self) -> bool:
        """Delete a portion of what is committed, or give back space; whether there is more to do.

        Raises JournalUnavailable.
        """
        try:
            if (landed := self._landed) and landed.seq > self._count.committed:
                self._write_count(committed=landed.seq, committed_at=landed.acknowledged_at)
                self._counter.sync()  # before what it speaks of is deleted
            oldest = self._number("SELECT min(seq) FROM samples")
            if oldest and oldest <= self._count.committed:
                self._delete(min(oldest + PORTION - 1, self._count.committed))
                return True
            if self._number("PRAGMA freelist_count") > 2 * SPARE_PAGES:
                self._db.execute(f"PRAGMA incremental_vacuum({SPARE_PAGES})").fetchall()
                return True
        except (OSError, sqlite3.Error) as error:
            raise JournalUnavailable(trouble(error)) from error
        return False

    @property
    def is_count_synced(self) -> bool:
        return self._counter.is_synced

    def sync_count(self) -> None:
        """What was acknowledged is missed from now on, should it be gone after a power cut.

        Raises JournalUnavailable.
        """
        try:
            self._counter.sync()
        except OSError as error:
            raise JournalUnavailable(trouble(error)) from error

    def close(self) -> None:
        """Fold the log into the file and let go of it."""
        with suppress(OSError):
            self._counter.sync()
        with suppress(sqlite3.Error):  # what is in the log is found there at the next start
            self._db.close()
        self._counter.close()

    # transactions -----------------------------------------------------------------------------

    def _insert(self, rows: Sequence[tuple[int, bytes]]) -> None:
        # One statement is a transaction by itself. The fewer calls, the better: at each one the
        # driver gives the interpreter away, and a busy event loop is slow to return it.
        is_one = len(rows) <= ROWS_PER_STATEMENT and not self._has_strays
        with nullcontext() if is_one else synced_transaction(self._db):
            if self._has_strays:
                self._db.execute("DELETE FROM samples WHERE seq > ?", (self._count.last,))
            for start in range(0, len(rows), ROWS_PER_STATEMENT):
                some = rows[start : start + ROWS_PER_STATEMENT]
                self._db.execute(_insertion(len(some)), list(chain.from_iterable(some)))

    def _delete(self, up_to: int) -> None:
        head = Head(self._count.journal_id, self._count.committed)
        with synced_transaction(self._db):
            self._db.execute("UPDATE head SET entry = ?", (encoded_head(head),))
            self._db.execute("DELETE FROM samples WHERE seq <= ?", (up_to,))

    def _write_count(self, **changes: Any) -> None:
        count = replace(self._count, **changes)
        self._counter.write(count)
        self._count = count

    def _number(self, sql: str) -> int:
        return int(self._db.execute(sql).fetchone()[0] or 0)

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
    return f"INSERT INTO samples VALUES {','.join(['(?,?)'] * rows)}"  # noqa: S608
