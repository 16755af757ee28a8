"""SQLite's errors in the words of somebody who has to mend the disk. One line each."""

from __future__ import annotations

import sqlite3
from pathlib import Path


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
