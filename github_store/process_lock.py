"""One process per data directory: a locked file that says who holds it.

The lock is the kernel's (``flock``): it ends with the process, however that ends, and the file
may stay. Its text, the process id and the start in UTC, is for the one who comes second.
"""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from github_store.errors import ConfigurationError
from github_store.private_files import make_private_directory

FILE_NAME: Final = "lock"

_held: Final[set[int]] = set()
"""Descriptors of this process's locks. A forked child would go on holding them."""


def _let_go_in_a_child() -> None:
    while _held:
        os.close(_held.pop())  # the parent's lock stays: its own descriptor is open


os.register_at_fork(after_in_child=_let_go_in_a_child)


class ProcessLock:
    """Takes ``directory``, made if missing, until ``release`` or the end of the process.

    ``now`` is seconds since 1970. Raises ConfigurationError when another one holds the lock, also
    another of the same process, or when the directory cannot be used.
    """

    def __init__(self, directory: Path, *, now: float) -> None:
        try:
            make_private_directory(directory)
            self._descriptor = os.open(directory / FILE_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"DATA_DIR: {directory} cannot be used: {error.strerror}"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sign(now)
        except BlockingIOError as error:
            holder = self._holder()
            os.close(self._descriptor)
            raise ConfigurationError(f"DATA_DIR: {directory} is in use by {holder}") from error
        except OSError as error:
            os.close(self._descriptor)
            raise ConfigurationError(
                f"DATA_DIR: {directory} cannot be locked: {error.strerror}"
            ) from error
        _held.add(self._descriptor)

    def release(self) -> None:
        """Let the next one in. A second call does nothing, nor does one in a forked child."""
        if self._descriptor in _held:
            _held.remove(self._descriptor)
            os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> ProcessLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _sign(self, now: float) -> None:
        since = datetime.fromtimestamp(now, UTC)
        text = f"{os.getpid()} {since:%Y-%m-%dT%H:%M:%SZ}\n".encode()
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))

    def _holder(self) -> str:
        match os.pread(self._descriptor, 100, 0).decode("utf-8", "replace").split():
            case [process, since] if process.isdecimal():
                return f"process {process} (since {since})"
            case _:  # it has the lock and has not signed yet
                return "another process"
