"""What 10,000 mixed reads over ten minutes ask of GitHub: with live webhooks, and without.

The clock is made (``virtual_loop``); store, sweeper and gateway are the product's, and the embedded
GitHub answers over HTTP with GitHub's limits.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

from github_store import Freshness, Rhythm, SearchFilter, Status, TokenCredential
from github_store.embedded import EmbeddedGitHub
from github_store.embedded.server import RequestLine
from github_store.intents import DiskIntents
from github_store.monitors_yaml import parse_monitors
from github_store.store import Store, assemble_store
from github_store.webhook import signature_of
from github_store.write_budget import WriteBudget
from tests.benchmarks.http_speed import monitors_yaml
from tests.benchmarks.status_day import MIDNIGHT, REPOSITORY, CountingGateway, MemoryJournal
from tests.benchmarks.table import Row
from tests.benchmarks.virtual_loop import VirtualLoop
from tests.github_person import Person

READS: Final = 10_000
SECONDS: Final = 600.0
INCIDENTS: Final = 10
SETTLED_SECONDS: Final = 600.0
"""By then nothing that was written before is news any more."""
MOST_SWEPT: Final = 10
SECRET: Final = "a secret of the benchmarks"


def request_rows(where: Path) -> Iterator[Row]:
    name = "10,000 reads, 10 minutes"
    lines = _asked(where, has_hooks=True)
    others = [line for line in lines if line.status != 304]
    yield Row(
        f"{name}, live hooks: requests",
        f"{len(lines)}, {len(lines) - len(others)} x 304",
        f"<= {MOST_SWEPT}, 304",
        len(lines) <= MOST_SWEPT and not others,
    )
    lines = _asked(where, has_hooks=False)
    searched = [line for line in lines if line.target.startswith("/search/")]
    others = [line for line in lines if line.status != 304 and line not in searched]
    of_each = Counter(line.target for line in lines)
    most, allowed = max(of_each.values()), int(SECONDS / Freshness().fresh_seconds)
    yield Row(f"{name}, none: requests", f"{len(lines)}")
    yield Row("  searches, which have no ETag here", f"{len(searched)}")
    yield Row("  others that were not 304", f"{len(others)}", "0", not others)
    yield Row(
        f"  most of one resource, of {len(of_each)}", f"{most}", f"<= {allowed}", most <= allowed
    )


def _asked(where: Path, *, has_hooks: bool) -> list[RequestLine]:
    """What GitHub was asked in the ten minutes, everything having been read once before."""
    with (
        tempfile.TemporaryDirectory(dir=where) as folder,
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
    ):
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        clock = loop.time
        with EmbeddedGitHub(Path(folder) / "github", clock=lambda: MIDNIGHT + clock()) as github:
            github.create_repository(REPOSITORY, files={"README.md": b"# Status\n"})
            owner = Person(github.url, github.tokens["owner"])
            for number in range(INCIDENTS):
                owner.open_issue(
                    f"Outage {number}", labels=["incident", f"monitor-{number}"], body="We look."
                )
                owner.do("POST", f"/issues/{number + 1}/comments", {"body": "Still looking."})
            return runner.run(_ten_minutes(Path(folder), github, loop, has_hooks=has_hooks))


async def _ten_minutes(
    folder: Path, github: EmbeddedGitHub, loop: VirtualLoop, *, has_hooks: bool
) -> list[RequestLine]:
    budget = WriteBudget()
    store = assemble_store(
        CountingGateway(
            repository_name=REPOSITORY,
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            clock=lambda: MIDNIGHT + loop.time(),
            observe=lambda exchange: budget.observe(exchange, loop.time()),
        ),
        own_logins={"owner"},
        monitors=parse_monitors(monitors_yaml(INCIDENTS), source="monitors.yaml"),
        webhook_secrets=[SECRET],
        journal=MemoryJournal(loop),
        intents=DiskIntents(folder / "intents", clock=loop.time),
        blobs=None,
        budget=budget,
        rhythm=Rhythm(),
        clock=lambda: MIDNIGHT + loop.time(),
        monotonic=loop.time,
        jitter=random.Random(2).random,
    )
    try:
        for number in range(INCIDENTS):
            await store.statuses.push(
                f"monitor-{number}", status=Status.UP, latency=0.2, minute=MIDNIGHT
            )
        await store.statuses.flush()
        if has_hooks:
            await _ping(store)
        store.start()
        await asyncio.sleep(SETTLED_SECONDS)
        reads = _reads(store)
        for read in reads:
            await read()
        before, chance = len(github.requests), random.Random(3)
        begun = loop.time()
        for number in range(READS):
            await asyncio.sleep(max(0.0, begun + number * SECONDS / READS - loop.time()))
            await chance.choice(reads)()
        return list(github.requests)[before:]
    finally:
        await store.close()


def _reads(store: Store) -> list[Callable[[], Awaitable[object]]]:
    """All that is read, each as likely: incidents, comments, searches and statuses."""
    incidents, statuses = store.incidents, store.statuses
    searches = [
        SearchFilter(),
        SearchFilter(state="closed"),
        SearchFilter(title_like="outage"),
        SearchFilter(tags=("monitor-1", "monitor-2")),
        SearchFilter(created_after=MIDNIGHT - 1),
    ]
    return [
        *(lambda n=n: incidents.get(n + 1) for n in range(INCIDENTS)),
        *(lambda n=n: incidents.comments(n + 1) for n in range(INCIDENTS)),
        *(lambda each=each: incidents.search(each, page=1, per_page=10) for each in searches),
        *(
            lambda n=n: statuses.current(f"monitor-{n}", since_seconds=3600)
            for n in range(INCIDENTS)
        ),
    ]


async def _ping(store: Store) -> None:
    """GitHub's first delivery: from it on the hooks are live."""
    body = json.dumps({"zen": "Be seen.", "repository": {"full_name": REPOSITORY}}).encode()
    await store.inbox.take(
        body,
        event="ping",
        delivery_id="1",
        signature=signature_of(body, SECRET),
        content_type="application/json",
    )
