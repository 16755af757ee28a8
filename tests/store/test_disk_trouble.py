"""What SQLite says, told to somebody who has to mend the disk. The errors are SQLite's own."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from github_store.disk_trouble import advice, trouble

Arrangement = Callable[[Path, ExitStack], sqlite3.Connection]
"""Makes trouble with ``file`` in a directory, until the stack is closed."""


def full(_directory: Path, stack: ExitStack) -> sqlite3.Connection:
    connection = stack.enter_context(closing(sqlite3.connect(":memory:")))
    connection.execute("PRAGMA max_page_count = 1")
    return connection


def read_only(directory: Path, stack: ExitStack) -> sqlite3.Connection:
    (directory / "file").touch()
    address = f"file:{directory / 'file'}?mode=ro"
    return stack.enter_context(closing(sqlite3.connect(address, uri=True)))


def busy(directory: Path, stack: ExitStack) -> sqlite3.Connection:
    other, own = (
        stack.enter_context(closing(sqlite3.connect(directory / "file", timeout=0)))
        for _ in range(2)
    )
    other.execute("BEGIN EXCLUSIVE")
    return own


def no_database(directory: Path, stack: ExitStack) -> sqlite3.Connection:
    (directory / "file").write_bytes(b"text" * 1_000)
    return stack.enter_context(closing(sqlite3.connect(directory / "file")))


def error_of(arrange: Arrangement, directory: Path) -> sqlite3.Error:
    with ExitStack() as stack:
        connection = arrange(directory, stack)
        with pytest.raises(sqlite3.Error) as error:
            connection.execute("CREATE TABLE t (c)")
    return error.value


@pytest.mark.parametrize(
    ("arrange", "told"),
    [
        (full, "the disk is full; free some space"),
        (read_only, "the disk is read-only; make it writable"),
        (busy, "database is locked (SQLITE_BUSY)"),
    ],
    ids=["full", "read-only", "busy"],
)
def test_a_write_that_failed_says_what_would_end_the_trouble(
    tmp_path: Path, arrange: Arrangement, told: str
) -> None:
    assert trouble(error_of(arrange, tmp_path)).endswith(f"nothing was kept: {told}")


def test_a_failing_disk_is_told_with_sqlites_name_of_it() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    assert "the disk fails (SQLITE_IOERR_FSYNC)" in trouble(error)


@pytest.mark.parametrize(
    ("arrange", "told"),
    [
        (read_only, "cannot be opened for writing"),
        (busy, "is in use by another program"),
        (no_database, "is damaged .*left as it is.* bring back a copy"),
    ],
    ids=["read-only", "busy", "no database"],
)
def test_a_file_that_cannot_be_opened_is_named_with_what_to_do(
    tmp_path: Path, arrange: Arrangement, told: str
) -> None:
    path = tmp_path / "file"
    assert re.match(f"{path} {told}", advice(path, error_of(arrange, tmp_path)))
