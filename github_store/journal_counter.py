"""The journal's counter: what its file must hold, kept apart from it.

``journal.counter`` has two places, one written after the other, each a sealed text: turn, the
journal's id, the number and time of the last sample that was acknowledged, and of the last one
that is on GitHub. A group of samples is acknowledged only when its number stands here, after the
samples themselves were synced: so the file may know more than the counter, and never less. The
counter is synced a tenth of a second later: a kill takes nothing of it, and a power cut at most
that tenth, in which it knows less. What is torn then is one place at most, and the other one tells
what was acknowledged before.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from github_store.private_files import write_private_file
from github_store.seal import found_in, sealed

FILE_NAME: Final = "journal.counter"
KIND: Final = "kj2count"
PLACES: Final = (0, 4_096)
PLACE_BYTES: Final = 512
"""What a disk writes whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Numbers of samples, and when those were acknowledged; 0 where there was none.

    ``committed_at`` of a journal without any is a time before its first sample.
    """

    journal_id: str
    last: int = 0
    last_at: float = 0.0
    committed: int = 0
    committed_at: float = 0.0


class JournalCounter:
    """For one thread at a time.

    ``problem``: why what is there cannot be read, None where it can or nothing is. ``is_synced``:
    whether a power cut takes nothing of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self.is_synced = True
        self._turn = 0
        self._descriptor = -1
        self._place = b""

    def read(self) -> Count | None:
        """The newest whole count. Raises OSError where the disk fails."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            found = [json.loads(body) for body in found_in(KIND, raw)]
            self._turn, newest = max((each.pop("turn"), Count(**each)) for each in found)
        except (ValueError, TypeError, KeyError):
            self.problem = "is damaged" if raw else "is empty"
            return None
        return newest

    def write(self, count: Count) -> None:
        """Whoever kills this process finds it; a power cut may take it until ``sync``.

        Raises OSError.
        """
        self._turn += 1
        body = (
            f'{{"turn":{self._turn},"journal_id":"{count.journal_id}",'
            f'"last":{count.last},"last_at":{count.last_at!r},'
            f'"committed":{count.committed},"committed_at":{count.committed_at!r}}}'
        )
        self._place = sealed(KIND, body.encode()).ljust(PLACE_BYTES)
        if self._descriptor < 0:
            self._make()
            return
        os.pwrite(self._descriptor, self._place, PLACES[self._turn % 2])
        self.is_synced = False

    def sync(self) -> None:
        """Return once what was written is on disk. Raises OSError."""
        if self.is_synced:
            return
        if not self._has_its_name():
            self._make()
        os.fdatasync(self._descriptor)
        self.is_synced = True

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _has_its_name(self) -> bool:
        """Whether the file that is open is still the one that a start would find."""
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        return False

    def _make(self) -> None:
        self.close()
        write_private_file(self.path, self._place.ljust(PLACES[1]) + self._place)
        self.is_synced = True
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
