"""Samples acknowledged a second, by how many wait at a time.

Run as ``python -m tests.benchmarks.journal``; see ``main`` for its two arguments.

The yardstick, measured in the same run, is a loop that appends the same number of bytes to a file
and syncs it: what one sync costs here, and what one client alone can at most reach.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from github_store.journal import DiskJournal
from github_store.monitor import Status
from github_store.sample import Sample

CLIENTS = (1, 8, 32, 128)
ROW_BYTES = 4_096 + 24
"""A page and its header: the least that SQLite's log takes for one transaction."""
HEADING = f"{'':<28}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>9}{'in one sync':>14}\n"


class Line:
    """One line of the table; latencies in seconds."""

    def __init__(self, name: str, latencies: list[float], seconds: float) -> None:
        self.name = name
        self.per_second = len(latencies) / seconds
        ordered = sorted(latencies)
        self.p50, self.p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))

    def show(self, yardstick: Line, syncs: str = "") -> None:
        ratio = self.per_second / yardstick.per_second
        sys.stdout.write(
            f"{self.name:<28}{self.per_second:>10,.0f}{self.p50:>9.2f}{self.p99:>9.2f}"
            f"{ratio:>9.2f}{syncs:>14}\n"
        )


def raw_syncs(directory: Path, seconds: float) -> Line:
    """Write and sync, one after the other."""
    row = bytes(ROW_BYTES)
    latencies: list[float] = []
    with (directory / "raw").open("ab", buffering=0) as file:
        start = now = time.perf_counter()
        while now < start + seconds:
            file.write(row)
            os.fsync(file.fileno())
            before, now = now, time.perf_counter()
            latencies.append(now - before)
    return Line("write + fsync", latencies, now - start)


async def appends(directory: Path, clients: int, seconds: float) -> tuple[Line, float]:
    """Clients that each wait for their acknowledgement; the line, and samples in one sync."""
    journal = DiskJournal(directory, clock=time.time)
    groups = 0

    def count(_group: object) -> None:
        nonlocal groups
        groups += 1

    journal.listen(count)
    latencies: list[float] = []
    minute = int(time.time()) // 60

    async def client(number: int, until: float, clock: Callable[[], float]) -> None:
        sample = Sample(f"monitor-{number}", minute, Status.UP, 12.5)
        now = clock()
        while now < until:
            await journal.append(sample)
            before, now = now, clock()
            latencies.append(now - before)

    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(client(number, start + seconds, time.perf_counter))
    took = time.perf_counter() - start
    await journal.close()
    name = f"append, {clients} at a time"
    return Line(name, latencies, took), len(latencies) / groups


def main() -> None:
    """Arguments: the seconds of one measurement (2), and where to write (the current directory)."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    where = sys.argv[2] if len(sys.argv) > 2 else "."
    with tempfile.TemporaryDirectory(dir=where) as directory:
        yardstick = raw_syncs(Path(directory), seconds)
        sys.stdout.write(HEADING)
        yardstick.show(yardstick)
        for clients in CLIENTS:
            line, shared = asyncio.run(appends(Path(directory) / str(clients), clients, seconds))
            line.show(yardstick, f"{shared:.1f}")


if __name__ == "__main__":
    main()
