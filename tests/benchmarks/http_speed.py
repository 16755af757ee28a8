"""Pushes acknowledged and statuses answered a second, against bare FastAPI in the same run."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.journal import Line, raw_syncs
from tests.benchmarks.load import Load, measure, request_bytes
from tests.benchmarks.processes import TOKEN, Running, bare_service, product
from tests.benchmarks.table import Row

CONNECTIONS = 32
MONITORS = 100
SYNC_SECONDS = 0.3


def monitors_yaml(number: int) -> str:
    return "".join(f"- name: Monitor {n}\n  tag: monitor-{n}\n" for n in range(number))


def http_rows(where: Path, *, rounds: int, seconds: float) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir=where) as folder:
        monitors = Path(folder) / "monitors.yaml"
        monitors.write_text(monitors_yaml(MONITORS))
        settings = {"EMBEDDED_GITHUB": "always", "SAMPLE_DATA": "no", "MONITORS": str(monitors)}
        with product(Path(folder) / "data", settings) as ours, bare_service() as bare:
            for name, requests, least in (
                ("POST /api/status, synced", _pushes, 0.6),
                ("GET /api/status", _reads, 1.0),
            ):
                loads, syncs = [], []
                for _ in range(rounds):
                    loads.append((_load(ours, requests, seconds), _load(bare, requests, seconds)))
                    syncs.append(raw_syncs(Path(folder), SYNC_SECONDS))
                yield from _rows(name, loads, least)
                if requests is _pushes:
                    yield _sync_row(syncs)


def _rows(name: str, loads: list[tuple[Load, Load]], least: float) -> Iterator[Row]:
    for load, _ in loads:
        if load.refused:
            raise RuntimeError(f"{name}: {load.refused} answers were not 200")
    ours, bare = ([pair[side] for pair in loads] for side in (0, 1))
    ratio = statistics.median(mine.per_second / other.per_second for mine, other in loads)
    yield Row(name, f"{_median(ours, 'per_second'):,.0f} a second")
    yield Row("  bare FastAPI", f"{_median(bare, 'per_second'):,.0f} a second")
    yield Row("  ratio", f"{ratio:.2f}", f">= {least:.1f}", ratio >= least)
    p99 = _median(ours, "p99_ms")
    yield Row("  p50", f"{_median(ours, 'p50_ms'):.1f} ms")
    yield Row("  p99", f"{p99:.1f} ms", "< 20 ms" if least < 1 else "", p99 < 20)
    yield Row("  p99 of bare FastAPI", f"{_median(bare, 'p99_ms'):.1f} ms")


def _sync_row(syncs: list[Line]) -> Row:
    """What the disk alone takes: no push is acknowledged faster, and many share one sync."""
    p50, p99 = (statistics.median(getattr(sync, name) for sync in syncs) for name in ("p50", "p99"))
    return Row("  one sync of this disk, p50 and p99", f"{p50:.1f}, {p99:.1f} ms")


def _median(loads: list[Load], name: str) -> float:
    return statistics.median(getattr(load, name) for load in loads)


def _load(service: Running, requests: Callable[[int], list[bytes]], seconds: float) -> Load:
    return measure(service.port, requests(service.port), connections=CONNECTIONS, seconds=seconds)


def _pushes(port: int) -> list[bytes]:
    minute = int(time.time()) // 60 * 60
    return [
        request_bytes(
            "POST",
            "/api/status",
            port=port,
            token=TOKEN,
            body={
                "status": "UP",
                "latency": 0.213,
                "tag": f"monitor-{n}",
                "timestampInSeconds": minute,
            },
        )
        for n in range(CONNECTIONS)
    ]


def _reads(port: int) -> list[bytes]:
    return [
        request_bytes("GET", f"/api/status?tag=monitor-{n}", port=port, token=TOKEN)
        for n in range(CONNECTIONS)
    ]
