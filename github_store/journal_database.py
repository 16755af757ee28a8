"""The journal's SQLite file: how it is laid out, made, read, and brought to the present layout.

``journal.sqlite`` (``application_id`` 0x4B4A524E, ``user_version`` 2)::

    samples  seq    1, 2, 3 … in the order of acknowledgement, without a gap
             entry  the sample, sealed (``journal_record``)
    head     entry  one row: the journal's id, and what is committed, sealed

Layout 1 had a column for each value and no checksum.
"""

from __future__ import annotations

import sqlite3
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from github_store.disk_trouble import is_disk_trouble, one_line
from github_store.errors import ConfigurationError
from github_store.journal_record import (
    LAYOUT,
    Head,
    Sequenced,
    decoded,
    decoded_head,
    encoded,
    encoded_head,
    heads_in,
)
from github_store.monitor import Status
from github_store.private_files import make_private_file
from github_store.sample import Sample
from github_store.synced_transaction import synced_transaction

APPLICATION_ID: Final = 0x4B4A524E
PAGE_BYTES: Final = 4_096
LOG_PAGES: Final = 1_000
"""The write-ahead log is folded into the file at this length."""
BUSY_SECONDS: Final = 2.0

_TABLES: Final = (
    "CREATE TABLE samples (seq INTEGER PRIMARY KEY, entry BLOB NOT NULL)",
    "CREATE TABLE head (entry BLOB NOT NULL)",
)


@dataclass(slots=True)
class Contents:
    """What a file gave. ``problem``: why it is not whole, None where it is."""

    layout: int = LAYOUT
    head: Head | None = None
    entries: dict[int, Sequenced] = field(default_factory=dict)
    """Those that are whole."""
    problem: str | None = None


def connected(path: Path) -> sqlite3.Connection:
    """Open the file, or a new and empty one, for this process alone. Raises sqlite3.Error."""
    make_private_file(path)  # its log takes its rights
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        for pragma in (
            "locking_mode = EXCLUSIVE",
            f"wal_autocheckpoint = {LOG_PAGES}",
            f"journal_size_limit = {LOG_PAGES * PAGE_BYTES}",
            "synchronous = FULL",
        ):
            db.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        db.close()
        raise
    return db


def create(path: Path, head: Head, entries: Iterable[Sequenced] = ()) -> None:
    """Make a whole file, synced and closed, of which nothing is left where this does not return.

    Raises OSError or sqlite3.Error.
    """
    for suffix in ("", "-wal", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with closing(connected(path)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL").fetchall()
        db.execute("PRAGMA journal_mode = WAL").fetchall()
        with synced_transaction(db):
            _lay_out(db, head, entries)


def examined(path: Path, *, has_log: bool, journal_id: str | None, is_counted: bool) -> Contents:
    """Read everything that waits in a file, as far as that can be done; nothing is changed.

    ``journal_id`` is what the counter says; without, what the file's own head does. ``is_counted``:
    whether there is a counter. Raises ConfigurationError where it is a later version's file or
    another program's, and sqlite3.Error where the disk fails or another program has it.
    """
    try:
        db = _looking(path, has_log=has_log)
    except sqlite3.OperationalError:
        db = connected(path)  # on a full disk: looking at a log needs room for its index
    contents = Contents()
    with closing(db):
        with _noting(contents, path):
            _read_head(path, db, contents, is_counted=is_counted)
        with _noting(contents, path):
            _read_entries(db, contents, journal_id)
        with _noting(contents, path):
            found = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
            if found != "ok":
                raise sqlite3.DatabaseError(found.splitlines()[-1])
    return contents


def _looking(path: Path, *, has_log: bool) -> sqlite3.Connection:
    """A connection that leaves file and log as they are, also at its end: any other one folds what
    it can read of a damaged log into the file, and removes the rest.

    Raises sqlite3.OperationalError where the disk does not allow it.
    """
    how = "mode=ro" if has_log else "immutable=1"
    address = f"file:{urllib.parse.quote(str(path))}?{how}"
    db = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        db.execute("PRAGMA application_id").fetchall()
    except sqlite3.OperationalError:
        db.close()
        raise
    except Exception:  # damage, which shows again to whoever reads on
        return db
    return db


def opened(path: Path, contents: Contents) -> sqlite3.Connection | None:
    """A file that was found whole, to write; None where it cannot be, and why."""
    with _noting(contents, path):
        db = connected(path)
        try:
            _require_a_log(db)
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
        except BaseException:
            db.close()
            raise
        return db
    return None


@contextmanager
def _noting(contents: Contents, path: Path) -> Iterator[None]:
    """Whatever a damaged file makes SQLite or its driver raise is the file's problem:
    UnicodeDecodeError (a message that is no text) and MemoryError among it."""
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:
        if is_disk_trouble(error, path):
            raise
        contents.problem = contents.problem or f"is damaged ({one_line(error)})"


def upgrade(db: sqlite3.Connection, head: Head, entries: Iterable[Sequenced]) -> None:
    """Bring a file of layout 1 to this one, in one transaction. Raises sqlite3.Error."""
    with synced_transaction(db):
        db.execute("DROP TABLE samples")
        db.execute("DROP TABLE committed")
        _lay_out(db, head, entries)


def _lay_out(db: sqlite3.Connection, head: Head, entries: Iterable[Sequenced]) -> None:
    for sql in _TABLES:
        db.execute(sql)
    db.execute("INSERT INTO head VALUES (?)", (encoded_head(head),))
    db.executemany(
        "INSERT INTO samples VALUES (?, ?)",
        ((each.seq, encoded(each, journal_id=head.journal_id)) for each in entries),
    )
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {LAYOUT}")


# reading ------------------------------------------------------------------------------------------


def _read_head(path: Path, db: sqlite3.Connection, contents: Contents, *, is_counted: bool) -> None:
    made_by, layout = _number(db, "PRAGMA application_id"), _number(db, "PRAGMA user_version")
    if (made_by, layout) == (APPLICATION_ID, 1):
        contents.layout = 1
        committed = _number(db, "SELECT max(up_to) FROM committed")
        contents.head = Head("", committed, layout=1)
        return
    if (made_by, layout) != (APPLICATION_ID, LAYOUT):
        _refuse_what_is_no_journal(path, made_by, layout, is_counted=is_counted)
        contents.problem = "is damaged (its first page)"
    rows = [decoded_head(entry) for (entry,) in db.execute("SELECT entry FROM head")]
    if len(rows) != 1 or rows[0] is None or rows[0].layout != LAYOUT:
        contents.problem = "is damaged (a checksum fails)"
    else:
        contents.head = rows[0]


def _refuse_what_is_no_journal(path: Path, made_by: int, layout: int, *, is_counted: bool) -> None:
    """Unless it is a journal whose first page is damaged: it holds a head, or has a counter."""
    layouts = {head.layout for head in heads_in(path.read_bytes())}
    if any(each > LAYOUT for each in layouts):
        raise ConfigurationError(
            f"{path} has layout {layout}, and this version reads {LAYOUT}: start the version that"
            " wrote it"
        )
    if not layouts and not is_counted and made_by != APPLICATION_ID:
        raise ConfigurationError(f"{path} is no journal but another program's file")


def _read_entries(db: sqlite3.Connection, contents: Contents, journal_id: str | None) -> None:
    head = contents.head
    if contents.layout == 1:
        assert head is not None
        for entry in _entries_of_layout_1(db, head.committed):
            contents.entries[entry.seq] = entry
        return
    known_id = journal_id or (head.journal_id if head else None)
    if known_id is None:
        return
    committed = head.committed if head else 0
    for seq, text in db.execute("SELECT seq, entry FROM samples WHERE seq > ?", (committed,)):
        found = decoded(text, journal_id=known_id)
        if found is None or found.seq != seq:
            contents.problem = contents.problem or "is damaged (a checksum fails)"
        else:
            contents.entries[seq] = found


def _entries_of_layout_1(db: sqlite3.Connection, committed: int) -> Iterator[Sequenced]:
    rows: Iterable[Any] = db.execute(
        "SELECT seq, tag, minute, status, latency, acknowledged_at FROM samples"
        " WHERE seq > ? ORDER BY seq",
        (committed,),
    )
    for seq, tag, minute, status, latency, at in rows:
        if [type(each) for each in (tag, minute, at)] != [str, int, float]:
            raise ValueError("a row is no sample")
        if type(latency) not in (int, float):
            raise ValueError("a row is no sample")
        yield Sequenced(seq, Sample(tag, minute, Status(status), latency), at)


def _require_a_log(db: sqlite3.Connection) -> None:
    if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise sqlite3.DatabaseError("its first page")


def _number(db: sqlite3.Connection, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0] or 0)
