"""SQLite's errors in the words of somebody who has to mend the disk. One line each."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

_DISK_TROUBLE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
    }
)


def trouble(error: sqlite3.Error | OSError) -> str:
    """Why nothing was kept, and what would end it."""
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    if name.startswith("SQLITE_FULL"):
        reason = "the disk is full; free some space"
    elif name.startswith("SQLITE_READONLY"):
        reason = "the disk is read-only; make it writable"
    elif name.startswith("SQLITE_IOERR"):
        reason = f"the disk fails ({name}); look for space, quotas and the system's log"
    else:
        reason = f"{error} ({name})"
    return f"the journal in DATA_DIR cannot be written, nothing was kept: {reason}"


def advice(path: Path, error: Exception) -> str:
    """Why the file cannot be opened, and what a person can do who wants its samples back."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"{path} is in use by another program: close it there"
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_FULL", "SQLITE_IOERR")):
        return f"{path} cannot be opened for writing ({error}): look for space and rights"
    return (
        f"{path} is damaged ({error}). It may hold samples that are not on GitHub yet, so it is"
        f" left as it is: bring back a copy, or move it away, together with {path.name}-wal"
    )


def is_disk_trouble(error: Exception, path: Path) -> bool:
    """Whether the disk fails, rights are missing or somebody else has the file: not damage."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None:
        return False
    if code & 0xFF == sqlite3.SQLITE_READONLY:
        return not os.access(path, os.W_OK)
    return code & 0xFF in _DISK_TROUBLE and code != sqlite3.SQLITE_IOERR_SHORT_READ


def one_line(error: Exception) -> str:
    """Of SQLite's words; from a damaged file they may be no text at all."""
    said = " ".join(str(error).split()) if not isinstance(error, UnicodeError) else "no text"
    return said.encode("ascii", "backslashreplace").decode()[:200] or type(error).__name__
