"""Writes that clients named with an idempotency key: what was meant, and what came of it.

The order makes a repetition safe: the intent is on disk before GitHub is asked, its answer after.
Whatever is killed in between leaves an intent without an answer, and its mark (an HMAC of the key)
in what was written on GitHub, if it was. Without the secret nobody can tell a mark from its key,
or make one up.

``key-secret`` in the data directory holds the secret, 64 hex digits, readable by its owner alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol, TypeVar

from github_store.errors import ConfigurationError
from github_store.intent_file import Intent, IntentFile
from github_store.private_files import make_private_directory, write_private_file

__all__ = ["DiskIntents", "Intent", "Intents", "kept_secret"]

T = TypeVar("T")

SECRET_FILE: Final = "key-secret"  # noqa: S105 - the name of the file
SECRET_BYTES: Final = 32


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
        self._secret = kept_secret(directory)
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


def kept_secret(directory: Path) -> bytes:
    """The secret in the directory, made on the first call. Raises ConfigurationError."""
    path = directory / SECRET_FILE
    try:
        make_private_directory(directory)
        if not path.exists():
            write_private_file(path, f"{secrets.token_hex(SECRET_BYTES)}\n".encode())
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"DATA_DIR: {path} cannot be used: {error.strerror}") from None
    if not re.fullmatch(rb"[0-9a-f]{64}\n?", text):
        raise ConfigurationError(
            f"DATA_DIR: {path} holds no secret: bring it back, or remove it, and the idempotency"
            " keys of the last 24 hours are forgotten"
        )
    return bytes.fromhex(text.decode())
