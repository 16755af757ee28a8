"""1,000 monitors and 5,000 incidents, then strangers' issues by the hundred: who is kept waiting?

The product runs alone in its process; GitHub is the embedded one in this process. While something
is done, other clients read what is held and push, some hundred times a second, and so does one who
asks a bare FastAPI, and syncs a small file: what those wait is the machine's own, and the
yardstick.
"""

from __future__ import annotations

import base64
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from github_store.embedded import EmbeddedGitHub
from github_store.embedded.rows import Issue
from tests.benchmarks.http_speed import monitors_yaml
from tests.benchmarks.load import request_bytes
from tests.benchmarks.probe import SYNC, Noticed, Probe, probing
from tests.benchmarks.processes import TOKEN, Running, answer, ask, bare_service, product
from tests.benchmarks.table import Row
from tests.github_person import Person

MONITORS: Final = 1_000
INCIDENTS: Final = 5_000
OPEN: Final = 40
CHANGES: Final = 10
REPOSITORY: Final = "owner/status"
SECRET: Final = "a secret of the benchmarks"
STRANGERS: Final = (700, 1_500)
TEXT: Final = "Why does nobody look at this? \n" * 2_114  # 64 KiB
WATCHED_SECONDS: Final = 40.0
ONE_MORE_SECONDS: Final = 7.0

MOST_MS: Final = 50.0
MOST_FIRST_MS: Final = 100.0
MOST_PAGE_MS: Final = 20.0
MOST_MB: Final = 200.0


def incident_rows(where: Path) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir=where) as folder, bare_service() as bare:
        yield from _history(Path(folder) / "history", bare)
        for number in STRANGERS:
            yield from _crowd(Path(folder) / f"crowd-{number}", bare, number)


# 5,000 incidents


def _history(folder: Path, bare: Running) -> Iterator[Row]:
    with _repository(folder, monitors=MONITORS) as github:
        _open(github, INCIDENTS, closed=INCIDENTS - OPEN, author="owner")
        with _served(folder, github, has_hooks=True) as service:
            owner = Person(github.url, github.tokens["owner"])
            yield Row("1,000 monitors, 5,000 incidents: start", f"{service.started_seconds:.2f} s")
            newest = f"/api/incident/{INCIDENTS}"
            with _noticed("  closed ones paged, cold", service, bare) as rows:
                took = _timed(lambda: [_page(service, page) for page in range(1, 51)])
            yield Row("  50 pages of 100 closed, cold", f"{took[0]:.0f} ms")
            yield from rows
            _status(service)
            held = sorted(_timed(*[lambda: _page(service, 50)] * 20))
            yield _least("  page 50 of 100, held", held[-1], MOST_PAGE_MS)
            yield from _changed("  written by the API", service, bare, lambda n: ask(
                service.port, "PATCH", f"/api/incident/{INCIDENTS - n}",
                {"title": f"Written {n}", "tags": ["monitor-1"], "impact": "DOWN",
                 "startDatetime": int(time.time()) - 60},
            ))  # fmt: skip
            yield from _changed("  edited on GitHub", service, bare, lambda n: owner.do(
                "PATCH", f"/issues/{INCIDENTS - n}", {"title": f"Edited {n}"}
            ))  # fmt: skip
            yield from _changed("  opened on GitHub", service, bare, lambda n: owner.open_issue(
                f"Opened {n}", labels=["incident", "incident-down", "monitor-1"]
            ))  # fmt: skip
            yield from _changed("  closed on GitHub", service, bare, lambda n: owner.do(
                "PATCH", f"/issues/{INCIDENTS - 20 - n}", {"state": "closed"}
            ))  # fmt: skip
            with _noticed("  commented", service, bare) as rows:
                for number in range(CHANGES):
                    ask(service.port, "POST", f"{newest}/comment", {"body": f"Look {number}"})
                    answer(service.port, "GET", f"{newest}/comment")
            yield from rows
            with _noticed("  monitors.yaml pushed", service, bare) as rows:
                _push_monitors(owner, monitors_yaml(MONITORS + 1))
                _until_known(service, f"monitor-{MONITORS}")
            yield from rows
            with _noticed("  at rest for 20 s", service, bare) as rows:
                time.sleep(20)
            yield from rows
            yield _memory("  memory", service)


def _changed(
    what: str, service: Running, bare: Running, change: Callable[[int], object]
) -> Iterator[Row]:
    """Each change, and the first status and page 50 after it, while others are watched."""
    statuses, pages = [], []
    with _noticed(what, service, bare) as rows:
        for number in range(CHANGES):
            change(number)
            statuses += _timed(lambda: _status(service))
            pages += _timed(lambda: _page(service, 50))
    yield _least(f"{what}: first status after it", max(statuses), MOST_FIRST_MS)
    yield Row("    page 50 of 100 closed after it", f"{max(pages):.0f} ms")
    yield from rows


# Strangers


def _crowd(folder: Path, bare: Running, number: int) -> Iterator[Row]:
    """Strangers' issues that a form labelled, one more every few seconds, and no webhook."""
    with _repository(folder, monitors=10) as github:
        _open(github, 20, closed=10, author="owner")
        before = _open(github, number, author="stranger", body=TEXT)
        with _served(folder, github, has_hooks=False) as service:
            took = _timed(lambda: answer(service.port, "GET", "/api/incident"))
            yield Row(f"{number:,} strangers' issues: first list", f"{took[0]:.0f} ms")
            _status(service)
            asked, others = len(github.requests), _asked_in_full(github)
            began = time.perf_counter()
            with _noticed("  held list", service, bare, held="/api/incident?per_page=10") as rows:
                while (now := time.perf_counter()) < began + WATCHED_SECONDS:
                    before = _open(github, 1, author="stranger", body=TEXT, after=before)
                    time.sleep(max(0.0, now + ONE_MORE_SECONDS - time.perf_counter()))
                    _status(service)
            hours = (time.perf_counter() - began) / 3600
            yield from rows
            asked, others = len(github.requests) - asked, _asked_in_full(github) - others
            yield Row("    requests an hour", f"{asked / hours:,.0f}")
            yield Row("    of them not 304", f"{others / hours:,.0f}")
            yield _memory("    memory", service)


def _asked_in_full(github: EmbeddedGitHub) -> int:
    return sum(1 for line in list(github.requests) if line.status != 304)


# The scene


@contextmanager
def _repository(folder: Path, *, monitors: int) -> Iterator[EmbeddedGitHub]:
    with EmbeddedGitHub(folder / "github", core_limit=1_000_000) as github:
        files = {"monitors.yaml": monitors_yaml(monitors).encode()}
        github.create_repository(REPOSITORY, files=files)
        yield github


def _open(
    github: EmbeddedGitHub,
    number: int,
    *,
    author: str,
    closed: int = 0,
    body: str | None = None,
    after: int = 0,
) -> int:
    """Issues labelled as incidents, the first ``closed`` of them closed, over 80 days; each of a
    stranger of its own where the author is one. Gives the newest number."""
    hub, repository = github.hub, github.repository(REPOSITORY)
    now, newest = hub.now(), after
    with hub.storage.transaction():
        names = ["incident", "incident-down", *(f"monitor-{n}" for n in range(10))]
        labels = [each.id for each in hub.labels.ensure(repository, names, now=now)]
        for index in range(number):
            newest = hub.repositories.next_number(repository)
            login = author if author == "owner" else f"{author}-{newest}"
            hub.accounts.ensure(login, now=now)
            at = now - 80 * 86_400 * (number - index) // number if number > 1 else now
            is_closed = index < closed
            hub.issues.add(
                Issue(
                    id=0, repository_id=repository.id, number=newest, title=f"Outage {newest}",
                    body=f"We look into it.\n\n[start_datetime:{at}]" if body is None else body,
                    state="closed" if is_closed else "open",
                    state_reason="completed" if is_closed else None,
                    author=login, created_at=at, updated_at=at + 600 * is_closed,
                    closed_at=at + 600 if is_closed else None,
                    closed_by="owner" if is_closed else None, locked=False,
                    is_pull_request=False, assignees=(),
                    labels=(*labels[:2], labels[2 + index % 10]), comments=0, gone="", moved_to="",
                )
            )  # fmt: skip
    return newest


@contextmanager
def _served(folder: Path, github: EmbeddedGitHub, *, has_hooks: bool) -> Iterator[Running]:
    settings = {
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_API_URL": github.url,
        "GH_TOKEN": github.tokens["owner"],
        **({"GITHUB_WEBHOOK_SECRET": SECRET} if has_hooks else {}),
    }
    with product(folder / "data", settings) as service:
        if has_hooks:
            url = f"http://127.0.0.1:{service.port}/webhooks/github"
            config = {"url": url, "content_type": "json", "secret": SECRET}
            wanted = {"name": "web", "config": config, "events": ["*"]}
            Person(github.url, github.tokens["owner"]).do("POST", "/hooks", wanted)
            time.sleep(3)  # the first sweep, after which deliveries are believed
        yield service


@contextmanager
def _noticed(
    what: str, service: Running, bare: Running, *, held: str = "/api/incident"
) -> Iterator[list[Row]]:
    """What is done in the block is watched; the rows are there after it."""
    push = {"status": "UP", "latency": 0.2, "tag": "monitor-2"}
    port, disk = service.port, service.data_dir
    probes = {
        "held list": Probe(port, request_bytes("GET", held, port=port, token=TOKEN)),
        "push": Probe(
            port, request_bytes("POST", "/api/status", port=port, token=TOKEN, body=push)
        ),
        "bare": Probe(bare.port, request_bytes("GET", "/api/status", port=bare.port)),
    }
    rows: list[Row] = []
    with probing(probes, disk=disk) as noticed:
        yield rows
    rows += _rows(what, noticed)


def _rows(what: str, noticed: Mapping[str, Noticed]) -> Iterator[Row]:
    for name in ("held list", "push"):
        if noticed[name].refused:
            raise RuntimeError(f"{what}: {noticed[name].refused} answers were not 200")
    read, push, bare, sync = (noticed[name] for name in ("held list", "push", "bare", SYNC))
    yield _least(f"{what}: longest held read", read.max_ms, MOST_MS)
    yield _least("    longest push", push.max_ms, MOST_MS)
    yield Row(
        "    medians; longest of bare FastAPI, of a sync",
        f"{read.p50_ms:.1f}, {push.p50_ms:.1f}; {bare.max_ms:.0f}, {sync.max_ms:.0f} ms",
    )


def _least(what: str, took_ms: float, most_ms: float) -> Row:
    return Row(what, f"{took_ms:.0f} ms", f"< {most_ms:.0f} ms", took_ms < most_ms)


def _memory(what: str, service: Running) -> Row:
    return Row(
        what,
        f"{service.resident_mb:.0f} (peak {service.peak_mb:.0f}) MB",
        f"< {MOST_MB:.0f} MB",
        service.peak_mb < MOST_MB,
    )


def _timed(*actions: Callable[[], object]) -> list[float]:
    """Milliseconds of each."""
    took = []
    for action in actions:
        began = time.perf_counter()
        action()
        took.append((time.perf_counter() - began) * 1000)
    return took


def _page(service: Running, page: int) -> None:
    found = answer(service.port, "GET", f"/api/incident?state=closed&per_page=100&page={page}")
    if page < 50 and len(json.loads(found)) != 100:
        raise RuntimeError(f"page {page} is not whole")


def _status(service: Running) -> None:
    answer(service.port, "GET", "/api/status?tag=monitor-1")


def _push_monitors(owner: Person, text: str) -> None:
    now = owner.do("GET", "/contents/monitors.yaml")
    content = base64.b64encode(text.encode()).decode()
    owner.do(
        "PUT",
        "/contents/monitors.yaml",
        {"message": "One more", "content": content, "sha": now["sha"]},
    )


def _until_known(service: Running, tag: str) -> None:
    for _ in range(600):
        try:
            answer(service.port, "GET", f"/api/status?tag={tag}")
        except RuntimeError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{tag} is not known after half a minute")
