"""Files and directories for their owner alone: 0600 and 0700, whatever the umask says.

``write_private_file`` is the one way to put a file into its place: whole or not at all, and there
for certain on return, whenever the process or the machine stops. ``make_private`` closes what an
earlier version, a copy or another umask left open.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o700
OTHERS: Final = 0o077
"""What group and others may do."""
DRAFT: Final = ".draft"


def write_private_file(path: Path, content: bytes, *, is_synced: bool = True) -> None:
    """Put ``content`` in the place of ``path``. Raises OSError, and nothing has changed then.

    Not synced it is whole while the machine runs, and may be lost or empty after a power cut.
    """
    draft = path.with_name(f"{path.name}{DRAFT}")
    try:
        with os.fdopen(_made_anew(draft), "wb") as file:
            file.write(content)
            if is_synced:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    if is_synced:
        sync_directory(path.parent)


def make_private_directory(path: Path) -> None:
    """Make it and its parents where they are missing. Raises OSError."""
    path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Make it, empty, where it is missing: a library would give it the umask's modes.

    Raises OSError.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))


def sync_directory(path: Path) -> None:
    """Have its names on the disk: a renamed file is there after a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private(root: Path) -> list[str]:
    """Take from group and others every right to ``root`` and to all below it.

    Symbolic links are not followed, and what belongs to another user is left alone. Returns what
    stays open to others, each with the reason; never raises.
    """
    return [problem for problem in _made_private(root) if problem]


def open_to_others(path: Path) -> str | None:
    """Why others may get at this file or directory, None where they may not. Raises OSError."""
    found = path.lstat()
    if found.st_uid != os.geteuid():
        return f"{path} belongs to another user"
    if stat.S_IMODE(found.st_mode) & OTHERS:
        return f"{path} has mode {stat.S_IMODE(found.st_mode):04o}"
    return None


def _made_private(root: Path) -> Iterator[str | None]:
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        yield f"{root} ({error.strerror})"
        return
    try:
        yield _close_to_others(descriptor, root)
    finally:
        os.close(descriptor)
    for directory, directories, files, at in os.fwalk(root.resolve(), follow_symlinks=False):
        for name in (*directories, *files):
            yield _tightened(name, at, Path(directory, name))


def _tightened(name: str, at: int, path: Path) -> str | None:
    try:
        found = os.stat(name, dir_fd=at, follow_symlinks=False)
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            return None
        if found.st_uid == os.geteuid() and not found.st_mode & OTHERS:
            return None
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=at)
    except FileNotFoundError:
        return None  # gone meanwhile
    except OSError as error:
        return f"{path} ({error.strerror})"
    try:
        return _close_to_others(descriptor, path)
    finally:
        os.close(descriptor)


def _close_to_others(descriptor: int, path: Path) -> str | None:
    """Through its descriptor: the name may be another file's by now."""
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid():
        return f"{path} (it belongs to another user)"
    if not found.st_mode & OTHERS:
        return None
    try:
        os.fchmod(descriptor, stat.S_IMODE(found.st_mode) & ~OTHERS)
    except OSError as error:
        return f"{path} ({error.strerror})"
    if os.fstat(descriptor).st_mode & OTHERS:
        return f"{path} (this file system keeps no modes)"
    return None


def _made_anew(path: Path) -> int:
    """A descriptor of an empty file of this name that nobody else has open."""
    with suppress(FileNotFoundError):
        path.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, FILE_MODE)
