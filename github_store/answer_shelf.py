"""What GitHub answered, kept on disk: for a start during an outage, and for what memory let go.

Nothing here is a promise. A file that cannot be used is thrown away, a disk that fails is said
once in the log and otherwise ignored, and a killed process loses what it was about to write.
``save`` and ``forget`` only take notice: one thread of its own writes, many answers at once, and
until then ``load`` gives what waits. The file is bounded; what was used longest ago goes first
(searches before others: the issue list answers them as well).

No credential gets there: of the headers only the known ones are kept. Whose credential an answer
was given to is not kept either: GitHub takes an ETag from another credential for none of its own
and answers in full, so a rotated token renews what is here little by little.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from sqlite3 import Error
from typing import Final, TypeVar

from github_store.answer_file import AnswerFile, DamagedFile
from github_store.held_reads import Held

log = logging.getLogger(__name__)

_T = TypeVar("_T")

MAX_BYTES: Final = 128 * 1024 * 1024
MAX_ENTRIES: Final = 20_000
MAX_WAITING: Final = 5_000
"""So many answers wait for the writer at most; one more is not kept."""
LINGER_SECONDS: Final = 0.2
"""How long the writer lets more arrive before it writes."""


class AnswerShelf:
    """Thread-safe. Never raises for what the disk does.

    ``max_bytes`` counts answers as they are kept, compressed; both bounds hold after each write.
    """

    def __init__(
        self,
        directory: Path,
        *,
        api_url: str,
        max_bytes: int = MAX_BYTES,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._directory = directory
        self._opened: Callable[[], AnswerFile] = lambda: AnswerFile(
            directory, api_url=api_url, max_bytes=max_bytes, max_entries=max_entries
        )
        self._waiting: dict[str, Held | None] = {}
        self._being_written: Mapping[str, Held | None] = {}
        self._used: set[str] = set()
        self._damage: str | None = None
        self._is_closed = False
        self._is_failing = False
        self._changed = threading.Condition()
        self._file: AnswerFile | None = None
        self._reading = threading.Lock()
        """Held while the file is read, and while it is replaced by another."""
        self._open()
        self._writer = threading.Thread(target=self._write_on, name="answer shelf", daemon=True)
        self._writer.start()

    def load(self, path: str) -> Held | None:
        """The answer kept of a path; some tens of microseconds where there is none."""
        with self._changed:
            for waiting in (self._waiting, self._being_written):
                if path in waiting:
                    return waiting[path]
        found = self._read(path)
        if found is not None:
            with self._changed:
                self._used.add(path)
        return found

    def save(self, path: str, held: Held) -> None:
        """Keep an answer in place of the one before."""
        self._note(path, held)

    def forget(self, path: str) -> None:
        """Keep no answer of this path."""
        self._note(path, None)

    def close(self, *, grace_seconds: float = 2.0) -> None:
        """Write what waits; a disk that hangs is left to itself. Nothing is kept any more then."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._writer.join(grace_seconds)

    def _note(self, path: str, held: Held | None) -> None:
        with self._changed:
            if self._is_closed:
                return
            if len(self._waiting) >= MAX_WAITING and path not in self._waiting:
                held = None  # and what the disk has is older: it may not stand for this one
            self._waiting[path] = held
            self._changed.notify_all()

    def newest(self, pattern: str, *, most: int) -> list[str]:
        """The paths on the disk that match a GLOB pattern; what was confirmed last comes first."""
        return self._asked(lambda file: file.newest(pattern, most=most)) or []

    def _read(self, path: str) -> Held | None:
        return self._asked(lambda file: file.read(path))

    def _asked(self, question: Callable[[AnswerFile], _T]) -> _T | None:
        """What the file says; None where it cannot be used."""
        with self._reading:
            if self._file is None:
                return None
            try:
                return question(self._file)
            except DamagedFile as error:
                self._note_damage(str(error))
            except (OSError, Error) as error:
                self._failed(error)
        return None

    def _note_damage(self, problem: str) -> None:
        with self._changed:
            self._damage = problem
            self._changed.notify_all()

    # on the writer's thread -------------------------------------------------------------------

    def _write_on(self) -> None:
        is_last = False
        while not is_last:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._waiting or self._damage is not None or self._is_closed
                )
                self._changed.wait_for(lambda: self._is_closed, LINGER_SECONDS)
                self._being_written, self._waiting = self._waiting, {}
                used, self._used = self._used, set()
                damage, self._damage = self._damage, None
                is_last = self._is_closed
            if damage is not None:
                self._throw_away(damage)
            if self._being_written or used:
                self._write(self._being_written, used)
            with self._changed:
                self._being_written = {}
        self._let_go()

    def _write(self, answers: Mapping[str, Held | None], used: set[str]) -> None:
        if self._file is None:
            self._open()  # the disk may be usable again
        for _ in range(2):
            if self._file is None:
                return
            try:
                self._file.write(answers, used=used)
            except DamagedFile as error:
                self._throw_away(str(error))
            except (OSError, Error) as error:
                self._failed(error)
                return
            except Exception:  # whatever it is, it must neither end the thread nor keep others out
                if len(answers) <= 1:
                    log.exception("an answer that cannot be kept: %s", "".join(answers))
                    return
                for path, held in answers.items():
                    self._write({path: held}, used & {path})
                return
            else:
                self._is_failing = False
                return

    # opening and replacing --------------------------------------------------------------------

    def _open(self) -> None:
        for _ in range(2):
            try:
                opened = self._opened()
            except DamagedFile as error:
                self._throw_away(str(error), reopen=False)
            except (OSError, Error) as error:
                self._failed(error)
                return
            else:
                with self._reading:
                    self._file = opened
                return

    def _throw_away(self, problem: str, *, reopen: bool = True) -> None:
        log.warning(
            "GitHub's answers kept on disk are thrown away, the file is no use: %s", problem
        )
        self._let_go()
        try:
            AnswerFile.delete(self._directory)
        except OSError as error:
            self._failed(error)
        if reopen:
            self._open()

    def _let_go(self) -> None:
        with self._reading:
            if self._file:
                self._file.close()
            self._file = None

    def _failed(self, error: Exception) -> None:
        """Said once until the disk takes something again: a full one would fill the log too."""
        if not self._is_failing:
            log.warning("GitHub's answers cannot be kept on disk: %s", error)
        self._is_failing = True
