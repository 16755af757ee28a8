"""The journal at start: is all there that was acknowledged, and what is done where it is not.

The counter tells what the file must hold. Where SQLite cannot read the file, a checksum fails, a
number is missing or a whole file is, every whole sample is gathered: from what SQLite still reads,
and from the bytes of the file and its log, each by its own checksum. They go on in a new file with
new numbers; the old files are set aside under a dated name, and the damage is noted.

The new file and its counter are complete before anything is moved. A repair that was cut off then,
``journal.sqlite.repaired-<time>``, is completed at the next start.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from github_store import journal_damage, journal_database
from github_store.journal_counter import FILE_NAME as COUNTER_NAME
from github_store.journal_counter import Count, JournalCounter
from github_store.journal_damage import Damage
from github_store.journal_database import Contents
from github_store.journal_record import LAYOUT, Head, Sequenced, entries_in, heads_in
from github_store.label_memory import FILE as LABELS_NAME
from github_store.private_files import sync_directory
from github_store.set_aside import DAMAGED, free_time, set_aside, stamp

log = logging.getLogger(__name__)

FILE_NAME: Final = "journal.sqlite"
LOG_NAME: Final = f"{FILE_NAME}-wal"
INDEX_NAME: Final = f"{FILE_NAME}-shm"
BESIDE: Final = (LOG_NAME, f"{FILE_NAME}-journal")
REPAIRED: Final = ".repaired-"
ID_BYTES: Final = 8


@dataclass(slots=True)
class OpenedJournal:
    """A journal that is whole, with its counter. ``count`` is what the counter says."""

    db: sqlite3.Connection
    counter: JournalCounter
    count: Count
    entries: list[Sequenced]
    """All that wait, in order and without a gap."""


def open_journal(directory: Path, *, now: float) -> OpenedJournal:
    """Open what is there, or make it; damage is noted at ``now``, seconds since 1970.

    Raises ConfigurationError, OSError or sqlite3.Error where the disk fails, rights are missing or
    the file is another program's; never for damage.
    """
    return _Start(directory, free_time(directory, now)).opened()


class _Start:
    """One start."""

    def __init__(self, directory: Path, now: float) -> None:
        self._directory = directory
        self._path = directory / FILE_NAME
        self._log_path = directory / LOG_NAME
        self._now = now
        self._stamp = stamp(now)
        self._counter = JournalCounter(directory / COUNTER_NAME)
        self._moved: list[str] = []
        self._log = b""
        """The bytes of SQLite's."""

    def opened(self) -> OpenedJournal:
        complete_repair(self._directory)
        for name in (FILE_NAME, *BESIDE, INDEX_NAME, COUNTER_NAME):
            path = self._directory / name
            if path.exists() and not path.is_file():
                self._moved.append(set_aside(path, self._stamp))
                if name == COUNTER_NAME:
                    self._counter.problem = "is no file"
        count = self._counter.read()
        self._log = _bytes_of(self._directory / LOG_NAME)
        if not self._path.exists() or self._path.stat().st_size == 0:
            return self._bare(count)
        return self._examined(count)

    # what may be found ------------------------------------------------------------------------

    def _bare(self, count: Count | None) -> OpenedJournal:
        what = "is empty" if self._path.exists() else "is missing"
        if self._log or self._moved or self._counter.problem:
            return self._repaired(Contents(problem=what), count)
        if count and count.last > count.committed:
            return self._repaired(Contents(problem=what), count)
        if count is None and (self._directory / LABELS_NAME).exists():
            # Labels are looked for, and remembered, only once a journal was open.
            return self._repaired(Contents(problem=f"and {COUNTER_NAME} are missing"), None)
        if count and count.last:
            log.warning("DATA_DIR: %s %s; no sample waited in it", self._path, what)
        new = Count(journal_id=secrets.token_hex(ID_BYTES), committed_at=self._now)
        return self._begun(count or new)

    def _begun(self, count: Count) -> OpenedJournal:
        """A new file. The counter comes first: a file without one has lost it."""
        self._counter.write(count)
        journal_database.create(self._path, Head(count.journal_id, count.committed))
        sync_directory(self._directory)
        return OpenedJournal(journal_database.connected(self._path), self._counter, count, [])

    def _examined(self, count: Count | None) -> OpenedJournal:
        contents = journal_database.examined(
            self._path,
            has_log=bool(self._log),
            journal_id=count.journal_id if count else None,
            is_counted=count is not None or self._counter.problem is not None,
        )
        (self._directory / INDEX_NAME).unlink(missing_ok=True)  # of the log, made by looking
        entries = self._whole(contents, count)
        db = None if contents.problem else journal_database.opened(self._path, contents)
        if db is None:
            return self._repaired(contents, count)
        try:
            if contents.layout == 1:
                return self._upgraded(db, contents, count)
            return self._going_on(db, contents, count, entries)
        except BaseException:
            db.close()
            raise

    def _whole(self, contents: Contents, count: Count | None) -> list[Sequenced]:
        """All that wait; where something is missing or wrong, ``contents`` says what then."""
        head = contents.head
        if head and count and head.journal_id not in ("", count.journal_id):
            contents.problem = f"is no file of the journal that {COUNTER_NAME} counts"
        if contents.problem or head is None or contents.layout == 1:
            return []
        committed = max(head.committed, count.committed if count else 0)
        entries = [contents.entries[seq] for seq in sorted(contents.entries) if seq > committed]
        last = max(committed + len(entries), count.last if count else 0)
        if [each.seq for each in entries] != list(range(committed + 1, last + 1)):
            contents.problem = self._problem_of_a_gap(last, entries)
        return entries

    def _going_on(
        self,
        db: sqlite3.Connection,
        contents: Contents,
        count: Count | None,
        entries: list[Sequenced],
    ) -> OpenedJournal:
        assert contents.head is not None
        known = count or Count(journal_id=contents.head.journal_id)
        committed = max(contents.head.committed, known.committed)
        last = max(committed, known.last)
        counted = _counting(replace(known, last=last, committed=committed), entries)
        if count is None:
            problem = f"{COUNTER_NAME} {self._counter.problem or 'is missing'}"
            newest = entries[-1].acknowledged_at if entries else None
            self._note(problem, None, (newest, None), len(entries))
            self._counter.write(counted)
        return OpenedJournal(db, self._counter, counted, entries)

    def _problem_of_a_gap(self, last: int, entries: list[Sequenced]) -> str:
        if entries and entries[-1].seq == last:
            return "lacks samples in its midst"
        if self._log:
            return f"lacks its newest samples: its log {LOG_NAME} is damaged or cut short"
        return f"lacks its newest samples: its log {LOG_NAME} is missing, or it is an older copy"

    def _upgraded(
        self, db: sqlite3.Connection, contents: Contents, before: Count | None
    ) -> OpenedJournal:
        """Layout 1 knew gaps; its samples get new numbers. The counter first, as ever."""
        assert contents.head is not None
        if before and before.last > before.committed:
            missing = before.last - before.committed
            bounds = before.committed_at or None, before.last_at or None
            self._note(f"{FILE_NAME} is an older copy", missing, bounds, len(contents.entries))
        found = contents.entries
        base = max(found, default=contents.head.committed)
        count = Count(journal_id=secrets.token_hex(ID_BYTES), last=base, committed=base)
        self._counter.write(count)
        entries = _numbered([found[seq] for seq in sorted(found)], base)
        journal_database.upgrade(db, Head(count.journal_id, base), entries)
        count = _counting(count, entries)
        self._counter.write(count)
        return OpenedJournal(db, self._counter, count, entries)

    # repair -----------------------------------------------------------------------------------

    def _repaired(self, contents: Contents, count: Count | None) -> OpenedJournal:
        found, committed = self._salvaged(contents, count)
        whole = [found[seq] for seq in sorted(found) if seq > committed]
        last = max(count.last if count else committed, *(each.seq for each in whole), 0)
        entries = _numbered(whole, last)
        head = Head(secrets.token_hex(ID_BYTES), last)
        draft = self._directory / f"{FILE_NAME}.draft"
        journal_database.create(draft, head, entries)
        missing = last - committed - len(whole) if count else None
        self._note(
            f"{FILE_NAME} {contents.problem}",
            missing,
            _bounds(whole, committed, last, count),
            len(entries),
        )
        oldest = whole[0].acknowledged_at if whole else self._now
        new = Count(journal_id=head.journal_id, last=last, committed=last, committed_at=oldest)
        new = _counting(new, entries)
        counter = JournalCounter(self._directory / f"{COUNTER_NAME}{REPAIRED}{self._stamp}")
        counter.write(new)
        counter.close()
        draft.replace(self._directory / f"{FILE_NAME}{REPAIRED}{self._stamp}")
        sync_directory(self._directory)
        complete_repair(self._directory)
        self._counter.read()
        return OpenedJournal(journal_database.connected(self._path), self._counter, new, entries)

    def _salvaged(
        self, contents: Contents, count: Count | None
    ) -> tuple[dict[int, Sequenced], int]:
        """Every whole sample by its number, and up to which all are on GitHub."""
        ruin = _bytes_of(self._path) + b"\0" + self._log
        heads = list(heads_in(ruin))
        if contents.head and contents.layout == LAYOUT:
            heads.insert(0, contents.head)
        journal_id = count.journal_id if count else heads[0].journal_id if heads else None
        if journal_id is None:
            return {}, 0
        found = _unambiguous(entries_in(ruin, journal_id=journal_id))
        if count:  # what was not acknowledged may have been refused
            found = {seq: each for seq, each in found.items() if seq <= count.last}
        own = [head.committed for head in heads if head.journal_id == journal_id]
        if contents.layout == LAYOUT:
            found |= contents.entries
        return found, max(count.committed if count else 0, *own, 0)

    def _note(
        self,
        problem: str,
        missing: int | None,
        bounds: tuple[float | None, float | None],
        saved: int,
    ) -> None:
        will_be = [
            f"{path.name}{DAMAGED}{self._stamp}"
            for path in (self._path, self._directory / LOG_NAME)
            if path.exists() and not problem.startswith(COUNTER_NAME)
        ]
        journal_damage.note(
            self._directory,
            Damage(
                noticed_at=self._now,
                problem=problem,
                missing=missing,
                after=bounds[0],
                before=bounds[1],
                saved=saved,
                kept_as=(*self._moved, *will_be),
            ),
        )


def complete_repair(directory: Path) -> None:
    """Put a complete new file in the place of the old ones. Raises OSError."""
    for repaired in sorted(directory.glob(f"{FILE_NAME}{REPAIRED}*")):
        dated = repaired.name.removeprefix(f"{FILE_NAME}{REPAIRED}")
        for name in (FILE_NAME, *BESIDE):
            if (directory / name).exists():
                set_aside(directory / name, dated)
        counter = directory / f"{COUNTER_NAME}{REPAIRED}{dated}"
        if counter.exists():
            counter.replace(directory / COUNTER_NAME)
            sync_directory(directory)
        repaired.replace(directory / FILE_NAME)
        sync_directory(directory)
    for useless in directory.glob(f"{COUNTER_NAME}{REPAIRED}*"):
        useless.unlink()  # of a repair whose file was never complete


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _unambiguous(entries: Iterable[Sequenced]) -> dict[int, Sequenced]:
    """By number, without those of which there are several that differ: one of them was refused."""
    found: dict[int, Sequenced] = {}
    differing = set()
    for entry in entries:
        if found.setdefault(entry.seq, entry) != entry:
            differing.add(entry.seq)
    return {seq: entry for seq, entry in found.items() if seq not in differing}


def _numbered(entries: Iterable[Sequenced], after: int) -> list[Sequenced]:
    return [replace(each, seq=seq) for seq, each in enumerate(entries, after + 1)]


def _counting(count: Count, entries: Sequence[Sequenced]) -> Count:
    """With these acknowledged as well."""
    if not entries:
        return count
    return replace(count, last=entries[-1].seq, last_at=entries[-1].acknowledged_at)


def _bounds(
    whole: Sequence[Sequenced], committed: int, last: int, count: Count | None
) -> tuple[float | None, float | None]:
    """Between which times the missing ones were acknowledged, as far as the others tell."""
    missing = set(range(committed + 1, last + 1)) - {each.seq for each in whole}
    first, final = min(missing, default=last + 1), max(missing, default=last + 1)
    before = [each.acknowledged_at for each in whole if each.seq < first]
    after = [each.acknowledged_at for each in whole if each.seq > final]
    since = before[-1] if before else count.committed_at if count else 0.0
    until = after[0] if after else count.last_at if count else 0.0
    return since or None, until or None
