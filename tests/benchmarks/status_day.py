"""A day of many monitors, each pushing every minute: what it costs GitHub and the repository.

The clock is made (``virtual_loop``); store, committer and gateway are the product's, and the
embedded GitHub answers over HTTP, with the limits that GitHub has. Latencies have three
significant digits and differ from sample to sample, as real ones do.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import subprocess
import tempfile
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from github_store import Rhythm, Status, TokenCredential
from github_store.blob_cache import BlobCache
from github_store.day_minutes import MINUTES_OF_DAY, NO_MINUTES, Counts
from github_store.embedded import EmbeddedGitHub
from github_store.gateway import Gateway, Reply
from github_store.intents import DiskIntents
from github_store.journal import Listener, Sequenced
from github_store.monitors_yaml import parse_monitors
from github_store.past_days import past_days
from github_store.sample import Latest, Sample
from github_store.status_board import Board, BoardEntry
from github_store.status_board_format import BOARD_PATH, dump_board
from github_store.status_branch import StatusBranch
from github_store.store import Store, assemble_store
from github_store.write_budget import WriteBudget
from tests.benchmarks.table import Row
from tests.benchmarks.virtual_loop import VirtualLoop

REPOSITORY: Final = "owner/status"
MIDNIGHT: Final = 1_790_035_200
"""2026-09-22T00:00:00Z."""
OUTAGES: Final = 12
"""Each is two changes of a monitor's status."""
OUTAGE_MINUTES: Final = 7
PUSHES_A_SECOND: Final = 60
"""The monitors push in this many groups, spread over the minute."""


@dataclass
class Sent:
    """What GitHub was sent: requests that create content, and the bytes of their bodies."""

    writes: int = 0
    bytes: int = 0
    of_commits: list[int] = field(default_factory=list)
    """Bytes of each commit."""
    of_changes: list[int] = field(default_factory=list)
    """Of those commits whose message tells of a status that changed."""


class CountingGateway(Gateway):
    """Counts the bodies as they go over the wire."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.sent = Sent()
        self._commit_bytes = 0
        self._is_change = False

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        etag: str | None = None,
        accept: Collection[int] = (),
    ) -> Reply:
        if method != "GET":
            size = len(json.dumps(body))
            self.sent.writes += 1
            self.sent.bytes += size
            self._commit_bytes += size
            if path.endswith("/git/commits"):
                self._is_change = not body["message"].startswith("No status changed")
            if "/git/refs" in path:
                self.sent.of_commits.append(self._commit_bytes)
                if self._is_change and "ended" not in body.get("message", ""):
                    self.sent.of_changes.append(self._commit_bytes)
                self._commit_bytes = 0
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        with loop.at_work():
            return await super().request(
                method, path, params=params, body=body, etag=etag, accept=accept
            )


class MemoryJournal:
    """The journal's rules without its disk, which is measured elsewhere."""

    def __init__(self, clock: VirtualLoop) -> None:
        self._clock = clock
        self._pending: deque[Sequenced] = deque()
        self._listeners: list[Listener] = []
        self._last = 0

    async def append(self, sample: Sample) -> int:
        self._last += 1
        entry = Sequenced(self._last, sample, MIDNIGHT + self._clock.time())
        self._pending.append(entry)
        for listener in self._listeners:
            listener([entry])
        return self._last

    def pending(self) -> tuple[Sequenced, ...]:
        return tuple(self._pending)

    def forget(self, *, up_to: int) -> None:
        while self._pending and self._pending[0].seq <= up_to:
            self._pending.popleft()

    @property
    def depth(self) -> int:
        return len(self._pending)

    @property
    def oldest_at(self) -> float | None:
        return self._pending[0].acknowledged_at if self._pending else None

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Day:
    """What the day came to."""

    monitors: int
    changes: int
    sent: Sent
    before_gc: int
    after_gc: int
    """Growth of the repository, bytes on disk."""


def day_rows(where: Path, monitors: int) -> Iterator[Row]:
    """The rows of one day with so many monitors."""
    with tempfile.TemporaryDirectory(dir=where) as folder:
        day = simulated(Path(folder), monitors)
    sent, changes = day.sent, sum(day.sent.of_changes)
    commits, most = len(sent.of_commits), 150 + day.changes
    yield Row(
        f"{monitors} monitors x 24 h, {day.changes} changes: commits",
        f"{commits}",
        f"<= {most}",
        commits <= most,
    )
    yield Row("  content-creating requests", f"{sent.writes}")
    steady = (sent.bytes - changes) / 1e6
    yield Row("  sent, without status changes", f"{steady:.1f} MB", "<= 30 MB", steady <= 30)
    largest = max(sent.of_changes) / 1000
    yield Row("  largest commit of a change", f"{largest:.0f} KB", "<= 200 KB", largest <= 200)
    yield Row("  all commits of changes", f"{changes / 1e6:.1f} MB")
    yield Row("  largest commit (the day's end)", f"{max(sent.of_commits) / 1000:,.0f} KB")
    yield Row("  repository grew by", f"{day.before_gc / 1e6:.2f} MB")
    after = day.after_gc / 1e6
    target = "<= 1 MB" if monitors == 100 else ""
    yield Row("  after git gc", f"{after:.2f} MB", target, after <= 1)


def simulated(folder: Path, monitors: int) -> Day:
    """Midnight to midnight, and five minutes more, in which the day's file is written."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        with EmbeddedGitHub(folder / "github", clock=lambda: MIDNIGHT + loop.time()) as github:
            github.create_repository(REPOSITORY, files={"README.md": b"# Status\n"})
            path = github.git_path(REPOSITORY)
            changes, sent, begun = runner.run(_day(folder, github, loop, monitors, path))
        before_gc = _size(path)
        return Day(monitors, changes, sent, before_gc - begun, _gc(path) - begun)


async def _day(
    folder: Path, github: EmbeddedGitHub, loop: VirtualLoop, number: int, path: Path
) -> tuple[int, Sent, int]:
    tags = [f"service-{n}" for n in range(number)]
    gateway = CountingGateway(
        repository_name=REPOSITORY,
        credential=TokenCredential(github.tokens["owner"]),
        api_url=github.url,
        clock=lambda: MIDNIGHT + loop.time(),
    )
    await _begin(gateway, tags)
    begun = await asyncio.to_thread(_gc, path)
    budget = WriteBudget()
    gateway = CountingGateway(
        repository_name=REPOSITORY,
        credential=TokenCredential(github.tokens["owner"]),
        api_url=github.url,
        clock=lambda: MIDNIGHT + loop.time(),
        observe=lambda exchange: budget.observe(exchange, loop.time()),
    )
    store = assemble_store(
        gateway,
        own_logins={"owner"},
        monitors=parse_monitors(
            "".join(f"- name: {tag}\n  tag: {tag}\n" for tag in tags), source="monitors.yaml"
        ),
        journal=MemoryJournal(loop),
        intents=DiskIntents(folder / "intents", clock=loop.time),
        blobs=BlobCache(folder / "blobs"),
        budget=budget,
        rhythm=Rhythm(),
        clock=lambda: MIDNIGHT + loop.time(),
        monotonic=loop.time,
        jitter=random.Random(2).random,
    )
    await store.statuses.current(tags[0], since_seconds=3600)  # as any reader would: it is warm
    store.statuses.start()
    changes = await _push_all_day(store, loop, tags)
    await store.close()
    return changes, gateway.sent, begun


async def _begin(gateway: Gateway, tags: list[str]) -> None:
    """A board that is 90 days old, all up but for an outage here and there."""
    chance = random.Random(3)
    today = MIDNIGHT // 86_400
    known = (today - 90) * MINUTES_OF_DAY
    whole = Counts(up=MINUTES_OF_DAY)
    entries = {}
    for tag in tags:
        days = [
            Counts(MINUTES_OF_DAY - down, 0, down)
            if (down := chance.choice([0] * 20 + [3, 11, 48]))
            else whole
            for _ in range(90)
        ]
        latest = Latest(today * MINUTES_OF_DAY - 1, Status.UP, 0.2)
        entries[tag] = BoardEntry(known, latest, NO_MINUTES, past_days(days))
    branch = StatusBranch(gateway, branch="status-data", blobs=None, clock=lambda: 0.0)
    files = {BOARD_PATH: dump_board(Board(today, entries))}
    await branch.commit(None, files, message="Ninety days")
    await gateway.close()


async def _push_all_day(store: Store, loop: VirtualLoop, tags: list[str]) -> int:
    """Every monitor once a minute; how often a status changed."""
    chance = random.Random(1)
    usual = [math.exp(chance.gauss(-1.6, 0.6)) for _ in tags]
    down = {
        (minute, tag)
        for number, tag in enumerate(chance.sample(tags, OUTAGES))
        for minute in range(100 + 97 * number, 100 + 97 * number + OUTAGE_MINUTES)
    }
    for minute in range(MINUTES_OF_DAY + 5):
        for group in range(PUSHES_A_SECOND):
            due_at = minute * 60 + group * 60 / PUSHES_A_SECOND
            await asyncio.sleep(max(0.0, due_at - loop.time()))
            for number in range(group, len(tags), PUSHES_A_SECOND):
                tag = tags[number]
                latency = float(f"{usual[number] * math.exp(chance.gauss(0, 0.25)):.3g}")
                await store.statuses.push(
                    tag,
                    status=Status.DOWN if (minute, tag) in down else Status.UP,
                    latency=latency,
                    minute=MIDNIGHT + minute * 60,
                )
    return 2 * OUTAGES


def _gc(repository: Path) -> int:
    subprocess.run(["git", "-C", repository, "gc", "--quiet", "--prune=now"], check=True)
    return _size(repository)


def _size(repository: Path) -> int:
    """Of the objects, as the file system keeps them."""
    return sum(file.stat().st_blocks * 512 for file in (repository / "objects").rglob("*"))
