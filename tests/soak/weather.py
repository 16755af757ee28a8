"""What goes wrong at GitHub meanwhile: each kind of fault in turn, in a random shape."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from github_store.embedded import EmbeddedGitHub

ANYWHERE = ""
GIT_DATA = "/git/"
MOVES = "(PATCH|POST) .*/git/refs"

Options = dict[str, Any]

SHAPES: dict[str, Callable[[random.Random], Options]] = {
    "latency": lambda chance: {
        "seconds": chance.choice([0.05, 0.3, 1.5]), "jitter_seconds": 0.5, "rate": 0.5,
    },
    "error": lambda chance: {
        "status": chance.choice([500, 502, 503]), "html": chance.random() < 0.5,
        "rate": chance.choice([0.1, 0.3]), "match": chance.choice([ANYWHERE, GIT_DATA, MOVES]),
    },
    "drop_before": lambda chance: {
        "rate": 0.2, "match": chance.choice([ANYWHERE, GIT_DATA, MOVES]),
    },
    "drop_after": lambda chance: {
        "rate": chance.choice([0.2, 0.5]), "match": chance.choice([GIT_DATA, MOVES]),
    },
    "lost_race": lambda chance: {"rate": chance.choice([0.2, 0.6])},
    "search_lag": lambda chance: {"seconds": chance.choice([1, 30])},
    "search_timeout": lambda _: {"rate": 0.5},
    "list_lag": lambda chance: {"seconds": chance.choice([1, 5])},
    "rate_limit": lambda chance: {
        "seconds": chance.choice([1, 3]), "count": chance.randint(1, 3), "match": GIT_DATA,
    },
    "secondary_limit": lambda chance: {
        "retry_after": chance.choice([1, 2]), "count": chance.randint(1, 3), "match": GIT_DATA,
        "status": chance.choice([403, 429]),
    },
    "write_limits": lambda _: {},
    "outage": lambda chance: {"count": chance.randint(1, 15)},
    "hang": lambda chance: {"seconds": chance.choice([3, 20]), "count": chance.randint(1, 3)},
    "forbidden": lambda chance: {"count": chance.randint(1, 3), "match": GIT_DATA},
    "missing": lambda chance: {"count": chance.randint(1, 3), "match": GIT_DATA},
}  # fmt: skip
"""Every kind that the switchboard has."""


class Weather:
    """Thunderstorms over an embedded GitHub. ``seen`` counts the kinds that were switched on."""

    def __init__(self, github: EmbeddedGitHub, chance: random.Random) -> None:
        self._github = github
        self._chance = chance
        self._kinds = self._in_turn()
        self.seen: Counter[str] = Counter()

    def change(self) -> None:
        """Other faults than before; sometimes none."""
        self._github.faults.clear()
        for _ in range(self._chance.choice([0, 1, 2, 2, 3, 4])):
            kind: Any = next(self._kinds)
            self._github.faults.add(kind, **SHAPES[kind](self._chance))
            self.seen[kind] += 1

    def clear(self) -> None:
        self._github.faults.clear()

    def _in_turn(self) -> Iterator[str]:
        while True:
            kinds = list(SHAPES)
            self._chance.shuffle(kinds)
            yield from kinds
