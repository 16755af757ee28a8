"""Files that hold nothing usable any more: moved aside under a dated name, never deleted."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from github_store.private_files import sync_directory

log = logging.getLogger(__name__)

DAMAGED: Final = ".damaged-"


def stamp(at: float) -> str:
    """A time, in seconds since 1970, to the millisecond, as part of a file's name."""
    whole, thousandths = divmod(int(at * 1_000), 1_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y%m%dT%H%M%S}.{thousandths:03}Z"


def free_time(directory: Path, at: float) -> float:
    """The first one from ``at`` on that no name in the directory has."""
    while any(directory.glob(f"*{stamp(at)}*")):
        at += 0.001
    return at


def set_aside(path: Path, dated: str) -> str:
    """The name it has from now on. Raises OSError."""
    kept = path.with_name(f"{path.name}{DAMAGED}{dated}")
    path.rename(kept)
    sync_directory(path.parent)
    log.warning("DATA_DIR: %s is set aside as %s", path, kept.name)
    return kept.name
