"""How an answer to a client came about: from what was held, or from GitHub, and how old it is.

A reader opens a trace around its work; whatever is read from what is held notes it there. The
least fresh part tells of the whole.
"""

from __future__ import annotations

from contextvars import ContextVar
from enum import IntEnum


class Outcome(IntEnum):
    """Where a part of an answer came from; the highest of several tells of the whole."""

    HIT = 0
    """Held and fresh."""
    STALE = 1
    """Held; GitHub is asked behind it."""
    REVALIDATED = 2
    """Held; GitHub has just said that it is unchanged."""
    MISS = 3
    """Fetched from GitHub."""
    OUTAGE = 4
    """Held; GitHub was asked and did not answer."""

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {each: each.name.lower() for each in Outcome}


class ReadTrace:
    """What is read while it is entered, by this task and those it starts.

    ``confirmed_at``: when GitHub confirmed the oldest part, seconds since 1970. ``is_from_list``:
    whether the issue list answered what is for GitHub's search to answer. ``patient_until``: when
    the reader's patience ends, in the loop's time; None before its first wait. ``takes_stale``:
    whether the reader is served with what is stale, or else waits for GitHub as where that expired.
    """

    __slots__ = (
        "_token",
        "confirmed_at",
        "is_from_list",
        "outcome",
        "patient_until",
        "takes_stale",
    )

    def __init__(self, *, takes_stale: bool = True, patient_until: float | None = None) -> None:
        self.outcome = Outcome.HIT
        self.confirmed_at: float | None = None
        self.is_from_list = False
        self.patient_until = patient_until
        self.takes_stale = takes_stale

    def __enter__(self) -> ReadTrace:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)

    def note(self, outcome: Outcome, at: float) -> None:
        self.outcome = max(self.outcome, outcome)
        self.confirmed_at = at if self.confirmed_at is None else min(self.confirmed_at, at)


_current: ContextVar[ReadTrace | None] = ContextVar("read_trace", default=None)


def note_read(outcome: Outcome, at: float) -> None:
    """Tell the trace that is open, if any."""
    if trace := _current.get():
        trace.note(outcome, at)


def note_from_list() -> None:
    """Tell the trace that is open, if any."""
    if trace := _current.get():
        trace.is_from_list = True


def takes_stale() -> bool:
    """Whether whoever reads takes what is stale."""
    trace = _current.get()
    return trace is None or trace.takes_stale


def patient_until(now: float, *, patience_seconds: float, begun_at: float | None = None) -> float:
    """Until when a reader waits for GitHub where something is held, in the loop's time.

    Patience begins with the first wait, and is one for all that is being read; with a request that
    was ``begun_at`` before, it began then.
    """
    until = now + patience_seconds
    if trace := _current.get():
        if trace.patient_until is None:
            trace.patient_until = until
        until = trace.patient_until
    return until if begun_at is None else min(until, begun_at + patience_seconds)
