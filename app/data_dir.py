"""DATA_DIR for its owner alone: it holds secrets, and what the next commits are made of."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from github_store import ConfigurationError, make_private, make_private_directory

log = logging.getLogger(__name__)

UMASK = 0o077
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", tempfile.gettempdir())  # noqa: S108 - to be refused


@contextmanager
def private_umask() -> Iterator[None]:
    """What this process and its libraries make meanwhile is for its owner alone."""
    before = os.umask(UMASK)
    try:
        yield
    finally:
        os.umask(before)


def private_data_dir(path: Path) -> None:
    """Make the directory, or close to others what is in it; what stays open is logged.

    Raises ConfigurationError where this user cannot write there, and where it is a place of other
    things, which would be closed to others as well.
    """
    if other := _other_things(path):
        raise ConfigurationError(f"DATA_DIR: {path} is {other}: choose a directory of its own")
    try:
        make_private_directory(path)
    except OSError as error:
        raise ConfigurationError(f"DATA_DIR: {path} cannot be used: {error.strerror}") from None
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise ConfigurationError(f"DATA_DIR: {path} cannot be written by this user")
    if problems := make_private(path):
        others = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        log.warning("DATA_DIR: others may read %s%s", problems[0], others)


def _other_things(path: Path) -> str | None:
    whole = path.resolve()
    if whole == whole.parent:
        return "the root of the file system"
    home = Path("~").expanduser().resolve()
    if whole == home:
        return "a home directory"
    if whole in home.parents:
        return "above a home directory"
    if whole in {Path(each).resolve() for each in _TEMPORARY}:
        return "for everybody's temporary files"
    if (whole / ".git").exists():
        return "a git checkout"
    return None
