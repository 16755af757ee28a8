"""Answers that are held, and which of them something was made of.

A reader opens a record around its work; whatever is given to it from what is held is noted there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from weakref import ref

from github_store import read_trace
from github_store.gateway import Reply

LEAST_WEIGHT = 4 * 1024
"""Every answer weighs at least this many bytes, so that entries are bounded with the bytes."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Held:
    """An answer and when GitHub last confirmed it (seconds since 1970)."""

    reply: Reply
    at: float
    is_distrusted: bool = False
    """It may be what it was before a write of ours."""

    @property
    def weight(self) -> int:
        """Bytes in memory, about."""
        return max(LEAST_WEIGHT, 4 * self.reply.size)


class Reads:
    """Answers by their paths; ``ends`` are those that were confirmed first and last, if any.

    They are kept alive by who holds them, and not from here.
    """

    __slots__ = ("each", "ends", "is_from_list", "seen_at_change")

    def __init__(self, each: tuple[tuple[str, Held], ...], *, is_from_list: bool = False) -> None:
        self.each = tuple((path, ref(held)) for path, held in each)
        self.is_from_list = is_from_list
        by_age = sorted((held for _, held in each), key=lambda held: held.at)
        self.ends = tuple(map(ref, (by_age[0], by_age[-1]) if len(by_age) > 1 else by_age))
        self.seen_at_change = -1
        """After which change of all that is held these were last seen there."""


class Record:
    """What was read; ``is_whole`` unless GitHub was out for some of it. ``is_from_list`` as of a
    ReadTrace."""

    __slots__ = ("_given", "is_from_list", "is_whole")

    def __init__(self) -> None:
        self._given: list[tuple[str, Held]] = []
        self.is_whole = True
        self.is_from_list = False

    def note(self, path: str, held: Held) -> None:
        self._given.append((path, held))

    def reads(self) -> Reads:
        return Reads(tuple(self._given), is_from_list=self.is_from_list)


_record: ContextVar[Record | None] = ContextVar("held_reads", default=None)


@contextmanager
def recorded_reads() -> Iterator[Record]:
    """Collect the answers given within, to this task and those it starts.

    What is asked of GitHub whatever is held is left out: it holds by rules of its own.
    """
    record = Record()
    token = _record.set(record)
    try:
        yield record
    finally:
        _record.reset(token)


def note_given(path: str, held: Held) -> None:
    """Tell the record that is open, if any."""
    if record := _record.get():
        record.note(path, held)


def note_from_list() -> None:
    """The issue list answers what is for GitHub's search to answer."""
    read_trace.note_from_list()
    if record := _record.get():
        record.is_from_list = True


def note_outage() -> None:
    """GitHub was out for something that the record's owner wanted to know."""
    if record := _record.get():
        record.is_whole = False
