"""No derived cache without its keys: after any change a service says what a fresh process says.

What is derived and kept, and what each depends on; the stories below change every column at random,
read everything before and after, and compare:

| kept | monitors | aliases | authors | incidents | board, days | pending | clock |
|---|---|---|---|---|---|---|---|
| Monitors: index of labels, AliasMap | is part of it | is part of it | | | | | |
| HeldBoard: board, `_minutes`, `_good` | raw | raw | | | commit, blob's name | | freshness |
| CommittedMinutes.under | | AliasMap | | | raw | | |
| StatusStore `_view` | Monitors | Monitors | | | board | | |
| StatusStore `_answers` | Monitors | Monitors | by spans | by spans | by view | tuple | minute |
| PendingSamples | raw | AliasMap | | | | tuple | |
| StatusStore `_latest` (only how soon to commit) | raw | raw | | | raw | raw | |
| IncidentCoverage `_derived`, `_mapped` | revision | same | same | same | | | freshness |
| IncidentCoverage on the shelf | revision (none: mapped anew) | same | same | same | | | age |
| IncidentCoverage `_resolved_at` | raw | raw | | number, updated at | | | |
| HeldResults: incidents, pages | revision | same | same | revision, answers | | | answers |
| HeldAnswers, AnswerShelf: GitHub's answers | raw | raw | raw | path, writes | | | freshness |
| Authors `_known` (VisibleIssues `_hidden` counts) | raw | raw | login | | | | age |
| CurrentLabels: what ours are called | raw | raw | | GitHub's list, ids | | | minute |
| RepositoryLabels `_existing`, `_ever` | label's key | label's key | | | | | age |
| RenderedAnswers: bytes | by the identity of what they show, which never changes | | | | | | |
| StartMemory: monitors.yaml of the next start | text | text | | | | | |
| StatusWriter: one attempt | Monitors taken once | same | | | base | | today |

"revision" is IncidentStore.revision: news of incidents, the Monitors, who is trusted unasked, and
what our labels are called.
An idempotency record keeps its first answer, whatever changes: that is what it is for.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from app.api import create_app
from app.auth import Access
from app.metrics import Metrics
from app.readiness import Vitals
from app.tokens import Tokens
from github_store import Rhythm, Status, Store, TokenCredential, open_store
from github_store.day_minutes import MINUTES_OF_DAY
from github_store.embedded import EmbeddedGitHub
from github_store.gateway import Gateway
from github_store.hook_setup import point_hook
from github_store.intents import DiskIntents
from github_store.journal_record import Sequenced
from github_store.monitors_file import load_monitors
from github_store.store import assemble_store
from github_store.write_budget import WriteBudget
from tests.github_person import Person
from tests.store.test_edits_on_github import Hand
from tests.store.test_inbox import SECRET, Post, letterbox

STATUS = "owner/status"
TOKEN = "a token of the tests"
LABELS = ("incident", "incident-down", "incident-degraded", "resolved", "identified")
NAMES = ("earth", "mars", "Mars", "venus", "old earth", "moon")
SINCE = ("", "&sinceLast=60", "&sinceLast=40000", "&sinceLast=200000", "&sinceLast=300000")
SEEDS = int(os.environ.get("EDITS_SEEDS", "3"))
FIRST_SEED = int(os.environ.get("EDITS_FIRST_SEED", "0"))
CHANGES = 14
DAY_SECONDS = 86_400
NEVER = Rhythm(change_seconds=1e6, steady_seconds=1e6)
"""Commits are made when the test says so."""

Entry = dict[str, Any]


class CopiedJournal:
    """What another journal holds; nothing is added and nothing waits to be committed."""

    depth = 0
    oldest_at = None

    def __init__(self, entries: tuple[Sequenced, ...]) -> None:
        self._entries = entries

    def pending(self) -> tuple[Sequenced, ...]:
        return self._entries

    async def append(self, sample: object) -> int:
        raise NotImplementedError

    def forget(self, *, up_to: int) -> None:
        raise NotImplementedError

    def listen(self, listener: object) -> None:
        pass

    async def close(self) -> None:
        pass


class Story:
    """One service on one repository, and whatever it depends on changed at random."""

    def __init__(
        self, github: EmbeddedGitHub, store: Store, post: Post, hand: Hand, seed: int
    ) -> None:
        self.github = github
        self.store = store
        self.post = post
        self.hand = hand
        self.chance = random.Random(seed)
        self.owner = Person(github.url, github.tokens["owner"])
        self.collaborator = Person(github.url, github.tokens["collaborator"])
        self.monitors: list[Entry] = json.loads(MONITORS)
        self.removed: list[Entry] = []
        self.numbers: list[int] = []
        self.done: list[str] = []

    # monitors ---------------------------------------------------------------------------------

    async def rename(self) -> None:
        entry, free = self.chance.choice(self.monitors), self._free()
        if free:
            tag, former = self.chance.choice(free), entry["tag"]
            entry.update(tag=tag, aliases=[*entry.get("aliases", []), former])

    async def rename_back(self) -> None:
        entry = self.chance.choice(self.monitors)
        if entry.get("aliases"):
            tag = self.chance.choice(entry["aliases"])
            others = [each for each in entry["aliases"] if each != tag]
            entry.update(tag=tag, aliases=[*others, entry["tag"]])

    async def swap(self) -> None:
        one, other = self.chance.sample(self.monitors, 2)
        one["tag"], other["tag"] = other["tag"], one["tag"]

    async def change_case(self) -> None:
        entry = self.chance.choice(self.monitors)
        entry["tag"] = entry["tag"].swapcase()

    async def add_alias(self) -> None:
        if free := self._free():
            entry = self.chance.choice(self.monitors)
            entry["aliases"] = [*entry.get("aliases", []), self.chance.choice(free)]

    async def drop_aliases(self) -> None:
        self.chance.choice(self.monitors)["aliases"] = []

    async def remove(self) -> None:
        if len(self.monitors) > 2:
            self.removed.append(self.monitors.pop(self.chance.randrange(len(self.monitors))))

    async def add_again(self) -> None:
        if self.removed:
            taken = {name.casefold() for each in self.monitors for name in names(each)}
            entry = self.removed.pop()
            if taken.isdisjoint(name.casefold() for name in names(entry)):
                self.monitors.insert(0, entry)

    async def set_option(self) -> None:
        entry = self.chance.choice(self.monitors)
        name, value = self.chance.choice(
            (
                ("defaultStatus", self.chance.choice(("UP", "DOWN", None))),
                ("includeDegradedInDowntime", self.chance.random() < 0.5),
                ("hidden", self.chance.random() < 0.5),
            )
        )
        entry[name] = value

    def _free(self) -> list[str]:
        taken = {name.casefold() for each in self.monitors for name in names(each)}
        return [name for name in NAMES if name.casefold() not in taken]

    # status -----------------------------------------------------------------------------------

    async def push(self) -> None:
        for _ in range(4):
            ago = self.chance.choice((0, 0, 1, 60, MINUTES_OF_DAY, 2 * MINUTES_OF_DAY + 7))
            await self.store.statuses.push(
                self.chance.choice(self.store.monitors.tags),
                status=self.chance.choice(list(Status)),
                latency=0.5,
                minute=int(self.hand.now) - 60 * ago,
            )

    async def commit(self) -> None:
        await self.store.statuses.flush()

    # incidents --------------------------------------------------------------------------------

    async def open_incident(self) -> None:
        author = self.chance.choice((self.owner, self.owner, self.collaborator))
        impact = self.chance.choice(("incident-down", "incident-degraded", "maintenance"))
        began = int(self.hand.now) - self.chance.choice((600, 90_000, 180_000))
        number = await asyncio.to_thread(
            author.open_issue,
            self.chance.choice(("Storm", "Flood")),
            labels=["incident", impact, *self.chance.sample(NAMES, 2)],
            body=f"text [start_datetime:{began}]",
        )
        self.numbers.append(number)

    async def edit_incident(self) -> None:
        if not self.numbers:
            return
        where = f"/issues/{self.chance.choice(self.numbers)}"
        method, path, body = self.chance.choice(
            (
                ("PATCH", where, {"state": self.chance.choice(("open", "closed"))}),
                ("POST", f"{where}/labels", {"labels": [self.chance.choice(NAMES)]}),
                ("POST", f"{where}/labels", {"labels": ["resolved"]}),
                ("POST", f"{where}/comments", {"body": f"said {self.chance.random()}"}),
            )
        )
        await asyncio.to_thread(self.owner.do, method, path, body)

    # labels -----------------------------------------------------------------------------------

    async def edit_label(self) -> None:
        """One of ours or of a tag gets another name, is deleted, or another one is made."""
        there = await asyncio.to_thread(self.owner.do, "GET", "/labels?per_page=100")
        meant = (*LABELS, *self.store.incidents._tracker.names.now.renamed().values(), *NAMES)
        found = [each["name"] for each in there if each["name"] in meant]
        free = sorted({*LABELS, "outage", "done", "earth"} - {each["name"] for each in there})
        method, path, body = "DELETE", f"/labels/{self.chance.choice(found)}", None
        if free and self.chance.random() < 0.8:
            name = self.chance.choice(free)
            method, body = "PATCH", {"new_name": name}
            if self.chance.random() < 0.2:
                method, path, body = "POST", "/labels", {"name": name, "color": "abcdef"}
        await asyncio.to_thread(self.owner.do, method, path, body)
        self.done.append(f"{method} {path} {body}")

    # who may speak, and time ------------------------------------------------------------------

    async def change_role(self) -> None:
        role = self.chance.choice(("read", "write"))
        self.github.set_role(STATUS, "collaborator", role)
        self.hand.now += DAY_SECONDS + 1  # a verdict holds for a day at the longest
        await self.store.sweeper.sweep()

    async def let_time_pass(self) -> None:
        self.hand.now += self.chance.choice((60, 3_600, DAY_SECONDS))
        await self.store.sweeper.sweep()

    async def change(self) -> None:
        """One change, with its deliveries."""
        step = self.chance.choice(CHANGES_OF)
        before = json.dumps(self.monitors)
        await step(self)
        if json.dumps(self.monitors) != before:
            await asyncio.to_thread(push_monitors, self.owner, self.monitors)
        self.hand.now += 1
        await self.post.deliver(*self.post.collected())
        self.done.append(f"{step.__name__}: {json.dumps(self.monitors)}")


CHANGES_OF: tuple[Callable[[Story], Awaitable[None]], ...] = (
    Story.rename,
    Story.rename,
    Story.rename_back,
    Story.swap,
    Story.change_case,
    Story.add_alias,
    Story.drop_aliases,
    Story.remove,
    Story.add_again,
    Story.set_option,
    Story.push,
    Story.push,
    Story.commit,
    Story.commit,
    Story.open_incident,
    Story.open_incident,
    Story.edit_incident,
    Story.edit_label,
    Story.edit_label,
    Story.edit_label,
    Story.change_role,
    Story.let_time_pass,
)
MONITORS = json.dumps(
    [
        {"name": "Earth", "tag": "earth", "aliases": ["old earth"], "defaultStatus": "UP"},
        {"name": "Mars", "tag": "mars"},
        {"name": "Venus", "tag": "venus", "includeDegradedInDowntime": True},
    ]
)


def names(entry: Entry) -> list[str]:
    return [entry["tag"], *entry.get("aliases", [])]


def push_monitors(owner: Person, monitors: list[Entry]) -> None:
    there = owner.ask("GET", "/contents/monitors.yaml")
    content = base64.b64encode(json.dumps(monitors).encode()).decode()
    body = {"message": "monitors", "content": content}
    if there.status_code == 200:
        body["sha"] = there.json()["sha"]
    owner.do("PUT", "/contents/monitors.yaml", body)


async def everything(store: Store, numbers: list[int], clock: Hand) -> dict[str, Any]:
    """All that the API says: code and JSON by path."""
    app = create_app(
        incidents=store.incidents,
        statuses=store.statuses,
        monitors=store.current_monitors,
        access=Access(tokens=Tokens([TOKEN])),
        vitals=lambda: Vitals(monitors=len(store.monitors), statuses=store.statuses.health),
        metrics=Metrics(CollectorRegistry()),
        clock=clock,
    )
    tags = sorted({*NAMES, *store.monitors.tags})
    paths = [f"/api/status?tag={tag}{since}" for tag in tags for since in SINCE]
    paths += [f"/api/incident/{number}" for number in (*numbers, 99)]
    paths += [f"/api/incident/{number}/comment" for number in numbers]
    paths += [f"/api/incident?state={state}" for state in ("open", "closed")]
    paths += [f"/api/incident?tags={tag}" for tag in tags]
    paths += ["/api/incident?title_like=storm", "/api/incident?per_page=1&page=2"]
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://service", headers=headers
    ) as client:
        said = {}
        for path in paths:
            answer = await client.get(path)
            said[path] = answer.status_code, answer.json(), answer.headers.get("etag")
        return said


@asynccontextmanager
async def fresh(github: EmbeddedGitHub, running: Store, clock: Hand, folder: Path) -> Any:
    """A process that starts now on the same GitHub, with a copy of the journal alone."""
    await asyncio.to_thread(folder.mkdir)
    gateway = Gateway(
        repository_name=STATUS,
        credential=TokenCredential(github.tokens["owner"]),
        api_url=github.url,
        clock=clock,
    )
    store = assemble_store(
        gateway,
        own_logins={"owner"},
        monitors=(await load_monitors(gateway, "monitors.yaml")).monitors,
        journal=CopiedJournal(running.statuses._journal.pending()),  # type: ignore[arg-type]
        intents=DiskIntents(folder, clock=clock),
        blobs=None,
        budget=WriteBudget(),
        rhythm=NEVER,
        clock=clock,
    )
    try:
        await store.incidents.ensure_labels()
        yield store
    finally:
        await store.close()


def tell(tmp_path: Path, steps: Callable[[Story], Awaitable[None]], *, seed: int = 0) -> None:
    """Run ``steps`` with a running service whose three monitors have three past days."""
    clock = Hand()

    async def run(github: EmbeddedGitHub) -> None:
        store = await open_store(
            repository_name=STATUS,
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            data_dir=tmp_path / "store",
            webhook_secrets=[SECRET],
            rhythm=NEVER,
            clock=clock,
        )
        await store.sweeper.close()  # it sweeps when the test says so
        try:
            with letterbox() as (url, came):
                await point_hook(store.gateway, service_url=url, secret=SECRET)
                post = Post(github, store, came)
                story = Story(github, store, post, clock, seed)
                for place, tag in enumerate(("earth", "mars", "venus")):
                    first = int(clock.now) // 60 - 3 * MINUTES_OF_DAY
                    await store.statuses.commit(
                        tag,
                        [
                            (60 * (first + 50 * step), list(Status)[(step // 9 + place) % 3], 0.1)
                            for step in range(3 * MINUTES_OF_DAY // 50)
                        ],
                    )
                await post.deliver(*post.collected())
                await store.sweeper.sweep()
                await steps(story)
        finally:
            await store.close()

    with EmbeddedGitHub(tmp_path / "github", clock=clock, search_limit=10**6) as github:
        github.create_repository(STATUS, files={"monitors.yaml": MONITORS.encode()})
        asyncio.run(run(github))


async def compared(story: Story, folder: Path) -> None:
    """Every answer with a fresh process's."""
    said = await everything(story.store, story.numbers, story.hand)
    async with fresh(story.github, story.store, story.hand, folder) as other:
        told = await everything(other, story.numbers, story.hand)
    assert {path: (said[path], told[path]) for path in told if said[path] != told[path]} == {}, (
        story.done
    )


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_whatever_changes_the_answers_are_those_of_a_fresh_process(
    seed: int, tmp_path: Path
) -> None:
    async def steps(story: Story) -> None:
        for number in range(CHANGES):
            await compared(story, tmp_path / f"fresh-{number}")
            await story.change()
        await compared(story, tmp_path / "last")

    tell(tmp_path, steps, seed=seed)


@pytest.mark.parametrize("tag", ["planet", "EARTH"])
@pytest.mark.parametrize("is_committed", [True, False], ids=["committed", "pending"])
def test_a_renamed_monitor_keeps_its_status_at_once(
    is_committed: bool, tag: str, tmp_path: Path
) -> None:
    async def steps(story: Story) -> None:
        store, now = story.store, int(story.hand.now)
        for ago in range(3):
            await store.statuses.push(
                "earth", status=Status.DEGRADED, latency=0.5, minute=now - 60 * ago
            )
        if is_committed:
            await store.statuses.flush()
        before = await store.statuses.current("earth", since_seconds=300_000)
        assert before.status == "DEGRADED"
        aliases = [] if tag == "EARTH" else ["earth"]
        story.monitors[0].update(tag=tag, aliases=[*aliases, "old earth"])
        await asyncio.to_thread(push_monitors, story.owner, story.monitors)
        await story.post.deliver(*story.post.collected())
        assert await store.statuses.current(tag, since_seconds=300_000) == before
        await store.statuses.push(tag, status=Status.UP, latency=0.5, minute=now)
        assert (await store.statuses.current(tag, since_seconds=60)).uptime == "100"

    tell(tmp_path, steps)
