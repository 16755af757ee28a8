"""Contents of committed files, kept on disk under the name git gives them.

One file per blob, named by its sha, below one directory that nobody else uses. Nothing here is a
promise: whatever is missing, cut short, or cannot be written is fetched from GitHub again. So
nothing is synced, every content is checked against its name when it is read, and an error of the
disk is logged and otherwise ignored. What was used longest ago goes first when there is too much.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

from github_store.git_tree import blob_sha
from github_store.private_files import DRAFT, make_private_directory, write_private_file

log = logging.getLogger(__name__)

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_FILES: Final = 2_000

_SHA: Final = re.compile(r"[0-9a-f]{40}")


class BlobCache:
    """Thread-safe. Never raises for what the disk does; the directory is made when needed.

    ``max_bytes`` counts contents, ``max_files`` files; neither is exceeded by what stays.
    """

    def __init__(
        self, directory: Path, *, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES
    ) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._lock = threading.Lock()
        self._sizes: OrderedDict[str, int] | None = None
        self._bytes = 0
        self._is_failing = False

    def get(self, sha: str) -> bytes | None:
        """The content of that name; None where it is not held, or not whole."""
        if not _SHA.fullmatch(sha):
            return None
        with self._lock:
            if sha not in self._held():
                return None
            try:
                content = self._path(sha).read_bytes()
                if blob_sha(content) != sha:
                    log.warning("the cached blob %s is damaged; it will be fetched again", sha)
                    self._drop(sha)
                    return None
                os.utime(self._path(sha))  # so that the next start knows what was used last
            except OSError as error:
                self._failed(error)
                self._drop(sha)
                return None
            self._held().move_to_end(sha)
            return content

    def put(self, content: bytes) -> str:
        """Keep a content, if it fits at all; its sha."""
        sha = blob_sha(content)
        with self._lock:
            if len(content) > self._max_bytes or self._max_files < 1 or sha in self._held():
                return sha
            try:
                make_private_directory(self._directory)
                write_private_file(self._path(sha), content, is_synced=False)
            except OSError as error:
                self._failed(error)
                return sha
            self._is_failing = False
            self._note(sha, len(content))
            self._shrink()
        return sha

    def _held(self) -> OrderedDict[str, int]:
        """Sizes by sha, used longest ago first; read from the disk once."""
        if self._sizes is None:
            self._sizes = OrderedDict()
            for _, sha, size in sorted(self._found()):
                self._note(sha, size)
            self._shrink()
        return self._sizes

    def _found(self) -> list[tuple[float, str, int]]:
        """Time of last use, sha and size of what an earlier process left; its drafts go."""
        found = []
        try:
            with os.scandir(self._directory) as entries:
                for entry in entries:
                    if entry.name.endswith(DRAFT):
                        _unlink(Path(entry.path))
                    elif _SHA.fullmatch(entry.name):
                        about = entry.stat()
                        found.append((about.st_mtime, entry.name, about.st_size))
        except FileNotFoundError:
            pass  # not made yet
        except OSError as error:
            self._failed(error)
        return found

    def _note(self, sha: str, size: int) -> None:
        self._held()[sha] = size
        self._bytes += size

    def _shrink(self) -> None:
        held = self._held()
        while held and (len(held) > self._max_files or self._bytes > self._max_bytes):
            self._drop(next(iter(held)))

    def _drop(self, sha: str) -> None:
        self._bytes -= self._held().pop(sha)
        _unlink(self._path(sha))

    def _path(self, sha: str) -> Path:
        return self._directory / sha

    def _failed(self, error: OSError) -> None:
        """Said once until the disk takes something again: a full one would fill the log too."""
        if not self._is_failing:
            log.warning("the cache of blobs cannot use its directory: %s", error)
        self._is_failing = True


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.debug("%s stays: %s", path, error)
