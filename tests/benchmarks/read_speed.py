"""Held incidents, searches and statuses a second, against bare FastAPI and raw ASGI in turns.

Authentication, ETag, metrics and log line are included on our side, and on no other. The webhooks
of the embedded GitHub are live, as they are by default.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from github_store.embedded import EmbeddedGitHub
from tests.benchmarks.bare_service import RAW
from tests.benchmarks.http_speed import monitors_yaml
from tests.benchmarks.load import Load, measure, request_bytes
from tests.benchmarks.processes import TOKEN, Running, answer, ask, bare_service, product
from tests.benchmarks.table import Row
from tests.github_person import Person

CONNECTIONS: Final = 32
INCIDENTS: Final = 10
READERS: Final = 1_000
SIDES: Final = ("ours", "bare", "raw")
SLOW_SECONDS: Final = 2.0
REPOSITORY: Final = "owner/status"
SEARCH: Final = "/api/incident?title_like=outage&per_page=10"
BODY: Final = "The checkout answers slowly since 10:40; we look into it. " * 4


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of each."""

    ours: Load
    bare: Load
    raw: Load


def read_rows(where: Path, *, rounds: int, seconds: float) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir=where) as folder:
        monitors = Path(folder) / "monitors.yaml"
        monitors.write_text(monitors_yaml(INCIDENTS))
        settings = {"EMBEDDED_GITHUB": "always", "SAMPLE_DATA": "no", "MONITORS": str(monitors)}
        with product(Path(folder) / "data", settings) as ours, bare_service() as bare:
            for number in range(INCIDENTS):
                fields = {"title": f"Outage {number}", "tags": [f"monitor-{number}"], "body": BODY}
                begin = {"startDatetime": int(time.time())}
                ask(ours.port, "POST", "/api/incident", fields | begin)
            targets = {
                "GET a held incident": "/api/incident/1",
                "GET a held search, 10 results": SEARCH,
                "GET a status": "/api/status?tag=monitor-1",
            }
            for name, target in targets.items():
                text = answer(ours.port, "GET", target)
                _check(target, text)
                answer(bare.port, "PUT", RAW, text)
                turns = [_turn(ours, bare, target, seconds) for _ in range(rounds)]
                yield from _rows(name, turns, len(text))
    with tempfile.TemporaryDirectory(dir=where) as folder:
        yield from _slow_rows(Path(folder), seconds)
        yield from _cold_rows(Path(folder))


def _check(target: str, text: bytes) -> None:
    if target == SEARCH and len(json.loads(text)) != INCIDENTS:
        raise RuntimeError(f"{target} finds {text[:500]!r}")


def _turn(ours: Running, bare: Running, target: str, seconds: float) -> Turn:
    return Turn(
        _load(ours.port, target, seconds),
        _load(bare.port, "/api/status", seconds),
        _load(bare.port, RAW, seconds),
    )


def _load(port: int, target: str, seconds: float) -> Load:
    request = request_bytes("GET", target, port=port, token=TOKEN)
    return measure(port, [request], connections=CONNECTIONS, seconds=seconds)


def _rows(name: str, turns: list[Turn], length: int) -> Iterator[Row]:
    if refused := sum(turn.ours.refused for turn in turns):
        raise RuntimeError(f"{name}: {refused} answers were not 200")
    to_bare = statistics.median(turn.ours.per_second / turn.bare.per_second for turn in turns)
    to_raw = statistics.median(turn.ours.per_second / turn.raw.per_second for turn in turns)
    rates, p50, p99 = (
        [
            statistics.median(getattr(getattr(turn, side), figure) for turn in turns)
            for side in SIDES
        ]
        for figure in ("per_second", "p50_ms", "p99_ms")
    )
    yield Row(f"{name} ({length:,} bytes)", f"{rates[0]:,.0f} a second")
    yield Row("  bare FastAPI, raw ASGI", f"{rates[1]:,.0f}, {rates[2]:,.0f}")
    yield Row("  ratio to bare FastAPI", f"{to_bare:.2f}", ">= 1.0", to_bare >= 1)
    yield Row("  ratio to raw ASGI", f"{to_raw:.2f}")
    yield Row("  p50, p99", f"{p50[0]:.1f}, {p99[0]:.1f} ms")
    yield Row("  p99 of bare FastAPI, raw ASGI", f"{p99[1]:.1f}, {p99[2]:.1f} ms")


@contextmanager
def _beside_github(folder: Path, name: str) -> Iterator[tuple[EmbeddedGitHub, Running]]:
    """The product in its process, GitHub with its incidents in this one; no webhooks."""
    with EmbeddedGitHub(folder / f"github-{name}") as github:
        files = {"monitors.yaml": monitors_yaml(INCIDENTS).encode()}
        github.create_repository(REPOSITORY, files=files)
        owner = Person(github.url, github.tokens["owner"])
        for number in range(INCIDENTS):
            labels = ["incident", f"monitor-{number}"]
            owner.do("POST", "/issues", {"title": f"Outage {number}", "labels": labels})
        settings = {
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_API_URL": github.url,
            "GH_TOKEN": github.tokens["owner"],
        }
        with product(folder / f"data-{name}", settings) as service:
            yield github, service


def _slow_rows(folder: Path, seconds: float) -> Iterator[Row]:
    """Long enough for what is held to turn stale, and be renewed behind its readers."""
    with _beside_github(folder, "slow") as (github, service):
        targets = [*(f"/api/incident/{n + 1}" for n in range(INCIDENTS)), SEARCH]
        for target in targets:
            answer(service.port, "GET", target)
        github.faults.add("latency", seconds=SLOW_SECONDS)
        time.sleep(15)
        requests = [request_bytes("GET", each, port=service.port, token=TOKEN) for each in targets]
        load = measure(service.port, requests, connections=64, seconds=max(seconds, 5.0))
        github.faults.clear()
        if load.refused:
            raise RuntimeError(f"{load.refused} answers were not 200")
        p99 = load.p99_ms
        yield Row("64 connections, GitHub takes 2 s: p99", f"{p99:.1f} ms", "< 15 ms", p99 < 15)
        yield Row("  rate, slowest", f"{load.per_second:,.0f}/s, {load.max_ms:.0f} ms")


def _cold_rows(folder: Path) -> Iterator[Row]:
    with _beside_github(folder, "cold") as (github, service):
        # So slow that all readers have come before the first answer does.
        github.faults.add("latency", match="/issues/[0-9]+", seconds=SLOW_SECONDS)
        before = github.count("GET", "/issues/[0-9]+$")
        barrier = threading.Barrier(READERS)

        def read(number: int) -> None:
            barrier.wait(60)
            answer(service.port, "GET", f"/api/incident/{number % INCIDENTS + 1}")

        with ThreadPoolExecutor(READERS) as readers:
            began = time.perf_counter()
            list(readers.map(read, range(READERS)))
            took = time.perf_counter() - began
        asked = github.count("GET", "/issues/[0-9]+$") - before
        yield Row(
            "1,000 cold reads of 10 incidents: requests", f"{asked}", "10", asked == INCIDENTS
        )
        yield Row("  all answered within", f"{took:.1f} s")
