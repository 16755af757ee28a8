"""A journal as a killed process leaves it, and everything that may happen to its files."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from github_store.journal_counter import FILE_NAME as COUNTER_NAME
from github_store.journal_damage import Damage
from github_store.journal_file import FILE_NAME, JournalFile
from github_store.journal_record import Sequenced
from github_store.monitor import Status
from github_store.sample import Sample

NOW: Final = 1_790_000_000.0
LOG_NAME: Final = f"{FILE_NAME}-wal"
NAMES: Final = (FILE_NAME, LOG_NAME, COUNTER_NAME, f"{FILE_NAME}-shm")
PAGE: Final = 4_096

Harm = Callable[[Path, random.Random], object]
"""Does something to one file, which may not be there."""


@dataclass(frozen=True)
class Left:
    """Files by name, and what was acknowledged and not committed, in order."""

    files: dict[str, bytes]
    pending: tuple[Sequenced, ...]

    def lay(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (directory / name).write_bytes(content)


def sample(number: int) -> Sample:
    status = (Status.UP, Status.DOWN, Status.DEGRADED)[number % 3]
    return Sample(f"monitor-{number % 7}", 29_000_000 + number, status, number / 8)


def entries(first: int, last: int) -> list[Sequenced]:
    return [Sequenced(seq, sample(seq), NOW - 10_000 + seq) for seq in range(first, last + 1)]


def _push(file: JournalFile, first: int, last: int, *, at_a_time: int) -> None:
    for start in range(first, last + 1, at_a_time):
        file.append(entries(start, min(start + at_a_time - 1, last)))


def _commit(file: JournalFile, up_to: int) -> None:
    file.commit_landed(entries(up_to, up_to)[0])
    while file.tidy():
        pass


def _young(directory: Path) -> JournalFile:
    """All is in the log."""
    file = JournalFile(directory, now=NOW)
    _push(file, 1, 40, at_a_time=1)
    return file


def _closed(directory: Path) -> JournalFile:
    """All is in the file."""
    file = JournalFile(directory, now=NOW)
    _push(file, 1, 300, at_a_time=7)
    _commit(file, 60)
    file.close()
    return file


def _running(directory: Path) -> JournalFile:
    """Some is in the file, some in the log, some is committed, some of the log is of before."""
    file = JournalFile(directory, now=NOW)
    _push(file, 1, 200, at_a_time=9)
    _commit(file, 50)
    file.close()
    file = JournalFile(directory, now=NOW)
    _push(file, 201, 260, at_a_time=3)
    _commit(file, 70)
    _push(file, 261, 280, at_a_time=1)
    return file


STATES: Final = {
    "young": (_young, 1, 40),
    "closed": (_closed, 61, 300),
    "running": (_running, 71, 280),
}


@lru_cache
def left(state: str) -> Left:
    make, first, last = STATES[state]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        file = make(directory)
        files = {path.name: path.read_bytes() for path in directory.iterdir()}
        file.close()
    return Left(files, tuple(entries(first, last)))


# harm ---------------------------------------------------------------------------------------------


def flip_a_bit(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes() if path.exists() else b"")
    if content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)


def flip_many_bits(path: Path, chance: random.Random) -> None:
    for _ in range(chance.randrange(2, 60)):
        flip_a_bit(path, chance)


def zero_a_page(path: Path, chance: random.Random) -> None:
    content = path.read_bytes() if path.exists() else b""
    if content:
        at = chance.randrange(0, len(content), PAGE)
        path.write_bytes((content[:at] + bytes(PAGE) + content[at + PAGE :])[: len(content)])


def zero_anywhere(path: Path, chance: random.Random) -> None:
    content = path.read_bytes() if path.exists() else b""
    if content:
        at = chance.randrange(len(content))
        path.write_bytes((content[:at] + bytes(PAGE) + content[at + PAGE :])[: len(content)])


def swap_pages(path: Path, chance: random.Random) -> None:
    content = path.read_bytes() if path.exists() else b""
    pages = [content[at : at + PAGE] for at in range(0, len(content), PAGE)]
    if pages:
        one, other = chance.randrange(len(pages)), chance.randrange(len(pages))
        pages[one], pages[other] = pages[other], pages[one]
        path.write_bytes(b"".join(pages))


def repeat_a_page(path: Path, chance: random.Random) -> None:
    content = path.read_bytes() if path.exists() else b""
    pages = [content[at : at + PAGE] for at in range(0, len(content), PAGE)]
    if pages:
        pages[chance.randrange(len(pages))] = pages[chance.randrange(len(pages))]
        path.write_bytes(b"".join(pages))


def cut(path: Path, chance: random.Random) -> None:
    content = path.read_bytes() if path.exists() else b""
    path.write_bytes(content[: chance.randrange(len(content) + 1)])


def empty(path: Path, _chance: random.Random) -> None:
    path.write_bytes(b"")


def remove(path: Path, _chance: random.Random) -> None:
    path.unlink(missing_ok=True)


def write_garbage(path: Path, chance: random.Random) -> None:
    path.write_bytes(chance.randbytes(chance.randrange(1, 20_000)))


def write_utf_8(path: Path, chance: random.Random) -> None:
    path.write_text("".join(chr(chance.randrange(0x20, 0xD7FF)) for _ in range(3_000)), "utf-8")


def write_latin_1(path: Path, chance: random.Random) -> None:
    path.write_text("Störung é ü\n" * chance.randrange(1, 900), "latin-1")


def garble_the_inside(path: Path, chance: random.Random) -> None:
    """A stretch of random bytes: huge varints, wrong types, pointers to nowhere."""
    content = path.read_bytes() if path.exists() else b""
    if content:
        at, length = chance.randrange(len(content)), chance.randrange(1, 3_000)
        whole = content[:at] + chance.randbytes(length) + content[at + length :]
        path.write_bytes(whole[: len(content)])


def put_a_directory(path: Path, _chance: random.Random) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "file").write_bytes(b"theirs")


HARMS: Final[tuple[Harm, ...]] = (
    flip_a_bit,
    flip_many_bits,
    zero_a_page,
    zero_anywhere,
    swap_pages,
    repeat_a_page,
    cut,
    empty,
    remove,
    write_garbage,
    write_utf_8,
    write_latin_1,
    garble_the_inside,
    put_a_directory,
)


# what must hold -----------------------------------------------------------------------------------


def require_the_truth(directory: Path, found: Left) -> tuple[Damage, ...]:
    """Start on what is there: nothing false is served, what is missing is told, and it goes on.

    Returns what was told.
    """
    file = JournalFile(directory, now=NOW)
    damages, served = file.damages, file.pending()
    told, owed = (
        [(each.sample, each.acknowledged_at) for each in served],
        {(each.sample, each.acknowledged_at) for each in found.pending},
    )
    assert set(told) <= owed, "something false is served"
    assert told == sorted(told, key=lambda each: each[0].minute), "in the order of acknowledgement"
    assert len(told) == len(set(told)), "once each"
    missing = len(owed) - len(told)
    if all(damage.missing is not None for damage in damages):
        assert missing == sum(damage.missing or 0 for damage in damages)
    next_one = Sequenced(file.last_seq() + 1, sample(1_000), NOW)
    file.append([next_one])
    file.close()
    again = JournalFile(directory, now=NOW + 1)
    assert again.pending() == [*served, next_one]
    assert again.damages == damages, "told once"
    again.close()
    return damages
