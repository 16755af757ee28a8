"""1,000 monitors over 90 days: the memory of the process that serves them, and how fast it starts.

The product runs alone in its process, as with a real repository: GitHub is the embedded one in
this process. The history is written by ``git fast-import``; monitors share latencies, which no
part of the product can notice.
"""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from github_store import Status
from github_store.day_file_format import day_path
from github_store.day_minutes import MINUTES_OF_DAY, Counts, day_from_runs
from github_store.embedded import EmbeddedGitHub
from github_store.minutes_notation import minutes_text
from github_store.past_days import past_days
from github_store.sample import Latest
from github_store.status_board import Board, BoardEntry
from github_store.status_board_format import BOARD_PATH, dump_board
from github_store.strict_json import VERSION, date_of
from tests.benchmarks.http_speed import monitors_yaml
from tests.benchmarks.load import measure, request_bytes
from tests.benchmarks.processes import TOKEN, Running, ask, product
from tests.benchmarks.table import Row

MONITORS: Final = 1_000
DAYS: Final = 90
INCIDENTS: Final = 20
"""Each covers half an hour of a day of its own: those days' minutes are needed."""
REPOSITORY: Final = "owner/status"


def history_rows(where: Path) -> Iterator[Row]:
    """The rows; takes a minute or two, most of it to make the history."""
    with tempfile.TemporaryDirectory(dir=where) as folder:
        data = Path(folder) / "data"
        with EmbeddedGitHub(Path(folder) / "github") as github:
            now = int(time.time())
            _make(github, now // 86_400)
            _warm(github)
            settings = {
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_API_URL": github.url,
                "GH_TOKEN": github.tokens["owner"],
            }
            with product(data, settings) as cold:
                began = time.perf_counter()
                ask(cold.port, "GET", "/api/status?tag=monitor-1&sinceLast=3600")
                first = time.perf_counter() - began
                yield _start("1,000 monitors x 90 days: cold start", cold.started_seconds)
                yield Row("  its first answer, of an hour", f"{first * 1000:.0f} ms")
                yield Row("  memory then", f"{cold.resident_mb:.0f} MB")
                yield from _answers(cold)
                _cover(cold, now)
                yield _memory("  memory, with incidents on 20 days", cold, tag="monitor-0")
                _push_all(cold)
            with product(data, settings) as warm:
                yield _start("  warm start", warm.started_seconds)
                yield _memory("  memory after all monitors' answers", warm)
                _push_all(warm)
                yield _memory("  memory after a push of each", warm)


def _start(what: str, seconds: float) -> Row:
    return Row(what, f"{seconds:.2f} s", "< 3 s", seconds < 3)


def _answers(service: Running) -> Iterator[Row]:
    began = time.perf_counter()
    for number in range(MONITORS):
        ask(service.port, "GET", f"/api/status?tag=monitor-{number}")
    seconds = time.perf_counter() - began
    yield Row("  90 days of each monitor, one by one", f"{seconds:.1f} s")
    yield _memory("  memory then", service)


def _memory(what: str, service: Running, *, tag: str = "") -> Row:
    for number in range(MONITORS):
        ask(service.port, "GET", f"/api/status?tag={tag or f'monitor-{number}'}")
    return Row(
        what,
        f"{service.resident_mb:.0f} (peak {service.peak_mb:.0f}) MB",
        "< 300 MB",
        service.peak_mb < 300,
    )


def _cover(service: Running, now: int) -> None:
    """Half an hour of each of many days, of one monitor."""
    for number in range(INCIDENTS):
        start = now - (number + 2) * 86_400
        body = {
            "title": f"Incident {number}",
            "tags": ["monitor-0"],
            "impact": "DOWN",
            "startDatetime": start,
            "endDatetime": start + 1800,
        }
        ask(service.port, "POST", "/api/incident", body)


def _push_all(service: Running) -> None:
    """One minute of every monitor."""
    minute = int(time.time()) // 60 * 60
    body = {"status": "UP", "latency": 0.213, "timestampInSeconds": minute}
    requests = [
        request_bytes(
            "POST",
            "/api/status",
            port=service.port,
            token=TOKEN,
            body={**body, "tag": f"monitor-{number}"},
        )
        for number in range(MONITORS)
    ]
    measure(service.port, requests, connections=MONITORS, seconds=1.0)


def _make(github: EmbeddedGitHub, today: int) -> None:
    """The repository as after 90 days of it, up to yesterday's midnight."""
    files = {"monitors.yaml": monitors_yaml(MONITORS).encode()}
    github.create_repository(REPOSITORY, files=files)
    chance = random.Random(5)
    lines = [
        json.dumps([round(chance.uniform(0.05, 0.6), 3) for _ in range(MINUTES_OF_DAY)],
                   separators=(",", ":"))
        for _ in range(211)
    ]  # fmt: skip
    down = {
        (ago, number): chance.randrange(1, 60)
        for ago in range(1, DAYS + 1)
        for number in chance.sample(range(MONITORS), 20)
    }
    # The oldest day and the monitor with incidents have no day whose counts tell all.
    down |= {(ago, number): 5 for ago in range(DAYS - 1, DAYS + 1) for number in range(MONITORS)}
    down |= {(ago, 0): 5 for ago in range(1, DAYS + 1)}
    path = github.git_path(REPOSITORY)
    with subprocess.Popen(
        ["git", "-c", "core.compression=1", "-C", path, "fast-import", "--quiet"],
        stdin=subprocess.PIPE,
    ) as importer:
        assert importer.stdin is not None
        write = importer.stdin.write
        write(b"commit refs/heads/status-data\n")
        write(f"committer Benchmark <benchmark@localhost> {today * 86_400} +0000\n".encode())
        write(b"data 11\nNinety days\n")
        for ago in range(1, DAYS + 1):
            parts = [
                f'"monitor-{number}": {{\n"minutes": "{_minutes(down.get((ago, number), 0))}",\n'
                f'"latencies": {lines[(number + 13 * ago) % len(lines)]}}}'
                for number in sorted(range(MONITORS), key=lambda number: f"monitor-{number}")
            ]
            head = f'{{\n"version": {VERSION},\n"date": "{date_of(today - ago)}",\n"monitors": {{\n'
            content = (head + ",\n".join(parts) + "}}\n").encode()
            write(f"M 100644 inline {day_path(today - ago)}\ndata {len(content)}\n".encode())
            write(content + b"\n")
        content = dump_board(_board(today, down))
        write(f"M 100644 inline {BOARD_PATH}\ndata {len(content)}\n".encode())
        write(content + b"\n")
    if importer.returncode:
        raise RuntimeError("git fast-import failed")


def _warm(github: EmbeddedGitHub) -> None:
    """Let the embedded GitHub open its pack and learn how large each file is; GitHub knows."""
    headers = {"Authorization": f"Bearer {github.tokens['owner']}"}
    for path in ("git/trees/status-data?recursive=1", f"contents/{BOARD_PATH}?ref=status-data"):
        asked = urllib.request.Request(f"{github.url}/repos/{REPOSITORY}/{path}", headers=headers)
        with urllib.request.urlopen(asked) as answer:
            answer.read()


def _minutes(down: int) -> str:
    up = f"{MINUTES_OF_DAY - 700 - down}U"
    return minutes_text(day_from_runs(f"700U{down}D{up}" if down > 1 else "1440U"))


def _board(today: int, down: dict[tuple[int, int], int]) -> Board:
    latest = Latest(today * MINUTES_OF_DAY - 1, Status.UP, 0.2)
    entries = {}
    for number in range(MONITORS):
        minutes = [down.get((ago, number), 0) for ago in range(1, DAYS + 1)]
        days = [
            Counts(MINUTES_OF_DAY - each, 0, each) if each > 1 else Counts(MINUTES_OF_DAY)
            for each in minutes
        ]
        entries[f"monitor-{number}"] = BoardEntry(
            (today - DAYS) * MINUTES_OF_DAY, latest, day_from_runs(""), past_days(days)
        )
    return Board(today, entries)
