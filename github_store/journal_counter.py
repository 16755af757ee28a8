"""The journal's counter: what its file must hold, kept apart from it.

``journal.counter`` has two places, one written after the other, each a sealed text: turn, the
journal's id, the number and time of the last sample that was acknowledged, and of the last one
that is on GitHub. A group of samples is acknowledged only when its number is synced here, after
the samples themselves: so the file may know more than the counter, and never less. A power cut
tears one place at most, and the other one tells what was acknowledged before.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
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
    """Numbers of samples, and when those were acknowledged; 0 where there was none."""

    journal_id: str
    last: int = 0
    last_at: float = 0.0
    committed: int = 0
    committed_at: float = 0.0


class JournalCounter:
    """For one thread at a time. ``problem``: why what is there cannot be read, None where it can or
    nothing is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self._turn = 0
        self._descriptor = -1

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
        """Return once it is on disk. Raises OSError."""
        self._turn += 1
        text = sealed(KIND, json.dumps({"turn": self._turn, **asdict(count)}).encode())
        place = text.ljust(PLACE_BYTES)
        if not self._is_open():
            self._make(place)
            return
        os.pwrite(self._descriptor, place, PLACES[self._turn % 2])
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_open(self) -> bool:
        """Whether the file that is open still has its name: nobody finds another one."""
        if self._descriptor >= 0:
            with suppress(OSError):
                return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        return False

    def _make(self, place: bytes) -> None:
        self.close()
        write_private_file(self.path, place.ljust(PLACES[1]) + place)
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
