"""Everything measured, in one table: ``make bench``, or ``python -m tests.benchmarks``.

Arguments choose parts: ``http``, ``reads``, ``days``, ``memory``, ``incidents``; none is all.
Nothing is asserted: a figure that misses its target is said to. What is promised as a ratio is
measured in turns with its yardstick, and is the median of the turns' ratios; the load of the
machine is told at both ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from tests.benchmarks.held_history import history_rows
from tests.benchmarks.http_speed import http_rows
from tests.benchmarks.many_incidents import incident_rows
from tests.benchmarks.read_requests import request_rows
from tests.benchmarks.read_speed import read_rows
from tests.benchmarks.status_day import day_rows
from tests.benchmarks.table import Row, show

ROUNDS = 7
SECONDS = 3.0

PARTS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "http": lambda where: http_rows(where, rounds=ROUNDS, seconds=SECONDS),
    "reads": lambda where: chain(
        request_rows(where), read_rows(where, rounds=ROUNDS, seconds=SECONDS)
    ),
    "days": lambda where: (row for number in (100, 1_000) for row in day_rows(where, number)),
    "memory": history_rows,
    "incidents": incident_rows,
}


def _rows(chosen: list[str]) -> Iterator[Row]:
    yield _load("at the beginning")
    for name in chosen:
        yield from PARTS[name](Path.cwd())
    yield _load("at the end")


def _load(when: str) -> Row:
    return Row(f"load of the machine {when}", f"{os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")


def main() -> None:
    chosen = sys.argv[1:] or list(PARTS)
    if not PARTS.keys() >= set(chosen):
        sys.exit(f"parts: {', '.join(PARTS)}")
    show(_rows(chosen))


if __name__ == "__main__":
    main()
