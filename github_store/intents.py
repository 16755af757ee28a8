"""Writes that clients named with an idempotency key: what was meant, and what came of it.

The order makes a repetition safe: the intent is on disk before GitHub is asked, its answer after.
Whatever is killed in between leaves an intent without an answer, and its mark (an HMAC of the key)
in what was written on GitHub, if it was. Without the secret nobody can tell a mark from its key,
or make one up.

``key-secret`` in the data directory holds the secret, 64 hex digits, and a checksum; nobody but its
owner may read it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol, TypeVar

from github_store.errors import ConfigurationError
from github_store.intent_file import FILE_NAME, Intent, IntentFile
from github_store.private_files import make_private_directory, write_private_file
from github_store.seal import digest
from github_store.set_aside import free_time, set_aside, stamp

__all__ = ["DiskIntents", "Intent", "Intents", "kept_secret"]

log = logging.getLogger(__name__)

T = TypeVar("T")

SECRET_FILE: Final = "key-secret"  # noqa: S105 - the name of the file
SECRET_BYTES: Final = 32
_KIND: Final = "key-secret"


class Intents(Protocol):
    """What keyed writes need, wherever it is kept. All but ``mark_of`` raise JournalUnavailable."""

    def mark_of(self, key: str) -> str:
        """What stands for a key, on disk and on GitHub: 64 hex digits."""

    @property
    def doubted_until(self) -> float:
        """Until then, in seconds since 1970, an intent that is not found may have been lost."""

    async def find(self, mark: str) -> Intent | None:
        """The intent of a mark; None where there is none of the last 24 hours."""

    async def put(self, intent: Intent) -> None:
        """Return once the intent is on disk."""

    async def forget(self, mark: str) -> None:
        """What was meant did not happen: the key means nothing again."""

    def close(self) -> None:
        """Let go of the files."""


class DiskIntents:
    """Intents in files of ``directory``, which the caller holds a lock on.

    One thread writes. ``clock`` gives seconds since 1970. Raises ConfigurationError where the
    files cannot be used.
    """

    def __init__(self, directory: Path, *, clock: Callable[[], float]) -> None:
        self._secret = kept_secret(directory, now=clock())
        self._file = IntentFile(directory, now=clock())
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="intents")

    def mark_of(self, key: str) -> str:
        return hmac.new(self._secret, key.encode(), hashlib.sha256).hexdigest()

    @property
    def doubted_until(self) -> float:
        return self._file.doubted_until

    async def find(self, mark: str) -> Intent | None:
        return await self._do(lambda: self._file.find(mark, now=self._clock()))

    async def put(self, intent: Intent) -> None:
        await self._do(lambda: self._file.put(intent, now=self._clock()))

    async def forget(self, mark: str) -> None:
        await self._do(lambda: self._file.forget(mark))

    def close(self) -> None:
        self._thread.shutdown()
        self._file.close()

    async def _do(self, step: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step)


def kept_secret(directory: Path, *, now: float) -> bytes:
    """The secret in the directory, made on the first call.

    One that is damaged is set aside under a name of ``now``, seconds since 1970, and another made.
    Raises ConfigurationError where the directory cannot be used.
    """
    path = directory / SECRET_FILE
    try:
        make_private_directory(directory)
        text = path.read_bytes() if path.is_file() else b""
        secret, has_checksum = _secret_in(text)
        if secret is None:
            was_there = path.exists() or (directory / FILE_NAME).exists()
            if path.exists():
                set_aside(path, stamp(free_time(directory, now)))
            if was_there:
                log.error(
                    "DATA_DIR: %s holds no whole secret, and another is made: the idempotency keys"
                    " of the last 24 hours are forgotten",
                    path,
                )
            secret = secrets.token_hex(SECRET_BYTES)
        if not has_checksum:
            write_private_file(path, f"{secret} {digest(_KIND, secret.encode())}\n".encode())
    except OSError as error:
        raise ConfigurationError(f"DATA_DIR: {path} cannot be used: {error.strerror}") from None
    return bytes.fromhex(secret)


def _secret_in(text: bytes) -> tuple[str | None, bool]:
    """None where it is not whole; and whether it has a checksum, which those of before lack."""
    found = re.fullmatch(rb"([0-9a-f]{64})(?: ([0-9a-f]{16}))?\n?", text)
    if not found or (found[2] and found[2].decode() != digest(_KIND, found[1])):
        return None, False
    return found[1].decode(), bool(found[2])
