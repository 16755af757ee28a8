"""What other clients notice: a request every few milliseconds, and how long the longest took.

``probing`` runs in the background of whatever is done meanwhile. ``python -m
tests.benchmarks.probe`` takes a JSON object on the first line of standard input, asks until that
ends, and prints the latencies.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.load import PacedConnection

PAUSE_SECONDS = 0.004


@dataclass(frozen=True, slots=True)
class Probe:
    """One request that is repeated: to which port, and its bytes."""

    port: int
    request: bytes


@dataclass(frozen=True, slots=True)
class Noticed:
    """Milliseconds from sending to the whole answer."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    refused: int


SYNC: Final = "sync"
"""What a small file's syncs to disk take is noticed under this name."""


@contextmanager
def probing(probes: Mapping[str, Probe], *, disk: Path) -> Iterator[dict[str, Noticed]]:
    """Repeat each of them until the block ends, and syncs below ``disk``; what was noticed is in
    the mapping then."""
    asked = {name: [each.port, each.request.decode()] for name, each in probes.items()}
    order = {"probes": asked, "disk": str(disk)}
    noticed: dict[str, Noticed] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.probe"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        process.stdout.readline()  # it has begun
        try:
            yield noticed
        finally:
            process.stdin.close()
            told = json.loads(process.stdout.readline())
            noticed.update({name: Noticed(**each) for name, each in told.items()})


def _ask_until_told(order: Mapping[str, tuple[int, str]]) -> dict[str, dict[str, float]]:
    connections = {
        name: PacedConnection(port, text.encode()) for name, (port, text) in order.items()
    }
    times: dict[str, list[float]] = {name: [] for name in order}
    refused = dict.fromkeys(order, 0)
    due = dict.fromkeys(order, 0.0)
    with selectors.DefaultSelector() as ready:
        ready.register(sys.stdin, selectors.EVENT_READ, None)
        for name, connection in connections.items():
            ready.register(connection.socket, selectors.EVENT_READ, name)
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        while True:
            for key, _ in ready.select(PAUSE_SECONDS / 4):
                name = key.data
                if name is None:
                    return {name: _told(times[name], refused[name]) for name in order}
                if answer := connections[name].receive():
                    now = time.perf_counter()
                    times[name].append(now - connections[name].sent_at)
                    refused[name] += not answer.startswith(b"HTTP/1.1 200")
                    due[name] = now + PAUSE_SECONDS
            now = time.perf_counter()
            for name, connection in connections.items():
                if due[name] <= now:
                    due[name] = float("inf")
                    connection.send()


def _sync_until(stopped: threading.Event, disk: Path, seconds: list[float]) -> None:
    with (disk / "synced").open("wb", buffering=0) as file:
        while not stopped.wait(PAUSE_SECONDS):
            began = time.perf_counter()
            file.write(bytes(200))
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)


def _told(seconds: list[float], refused: int) -> dict[str, float]:
    ordered = sorted(seconds) or [0.0]
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    return {
        "count": len(seconds),
        "p50_ms": p50,
        "p99_ms": p99,
        "max_ms": ordered[-1] * 1000,
        "refused": refused,
    }


def main() -> None:
    order = json.loads(sys.stdin.readline())
    stopped, syncs = threading.Event(), list[float]()
    syncing = threading.Thread(target=_sync_until, args=(stopped, Path(order["disk"]), syncs))
    syncing.start()
    told = _ask_until_told(order["probes"])
    stopped.set()
    syncing.join()
    sys.stdout.write(json.dumps(told | {SYNC: _told(syncs, 0)}) + "\n")


if __name__ == "__main__":
    main()
