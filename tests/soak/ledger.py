"""What writers know of their pushes: which value a minute must have in the end, or may have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Value(NamedTuple):
    """What one push said; no two pushes of a test have the same latency."""

    status: str
    latency: float


class Place(NamedTuple):
    """A monitor's minute, numbered since 1970."""

    tag: str
    minute: int


@dataclass
class Written:
    """One writer's pushes to one minute, one after the other."""

    acknowledged: Value | None = None
    unknown: set[Value] = field(default_factory=set)
    """Sent after the acknowledged one and unanswered: each may have been kept."""
    late: set[Value] = field(default_factory=set)
    """Unanswered while the server lived: they may even have been kept after later ones."""

    @property
    def possible(self) -> set[Value | None]:
        return {self.acknowledged, *self.unknown, *self.late}


@dataclass
class Ledger:
    """One writer's pushes. For one thread."""

    written: dict[Place, Written] = field(default_factory=dict)
    acknowledged: int = 0
    unanswered: int = 0
    slowest_seconds: float = 0.0

    def keep(self, place: Place, value: Value) -> None:
        """The push was acknowledged."""
        own = self.written.setdefault(place, Written())
        own.acknowledged = value
        own.unknown.clear()
        self.acknowledged += 1

    def doubt(self, place: Place, value: Value, *, may_come_late: bool = False) -> None:
        """There was no answer, or one that leaves it open."""
        own = self.written.setdefault(place, Written())
        (own.late if may_come_late else own.unknown).add(value)
        self.unanswered += 1


def possible_values(ledgers: Iterable[Ledger]) -> dict[Place, set[Value | None]]:
    """By minute, what may stand in the end; None is no sample at all.

    Of several writers of one minute each one's last value will do.
    """
    possible: dict[Place, set[Value | None]] = {}
    must: set[Place] = set()
    for ledger in ledgers:
        for place, written in ledger.written.items():
            possible.setdefault(place, set()).update(written.possible)
            if written.acknowledged is not None:
                must.add(place)
    for place in must:
        possible[place].discard(None)
    return possible
