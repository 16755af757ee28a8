"""Days go by: two servers and a third writer on one branch, in virtual time, at random.

Midnights, late pushes up to 90 days back, a clock that is stepped back, restarts without a last
commit, faults during commits, a branch that is deleted, a board that is broken and mended. Every
read tells at once what was acknowledged; in the end all of it is committed exactly once.
``SOAK_LIVES`` sets how many such stories are told, ``SOAK_SEED`` repeats them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from github_store import (
    BrokenDocument,
    Freshness,
    MonitorStatus,
    Outcome,
    Rhythm,
    Status,
    Store,
    StoreError,
    TokenCredential,
    open_store,
)
from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person
from tests.soak.committed import BRANCH, Committed
from tests.soak.ledger import Place, Value
from tests.soak.naive import answer
from tests.store.traced import outcome_of

LIVES = int(os.environ.get("SOAK_LIVES", "20"))
SEED = os.environ.get("SOAK_SEED") or str(time.time_ns())
STEPS = 120
BACK_SECONDS = 30.0
"""So long after an outage everything is as it was."""
SERVERS = ("one", "two")
TAGS = (*SERVERS, "third")
DAY = 86_400
BEGIN = 1_790_035_200 + 20 * 3_600  # 2026-09-22T20:00:00Z
NEVER = Rhythm(change_seconds=3_600, steady_seconds=3_600)
TROUBLES = ("drop_before", "drop_after", "lost_race", "error", "outage", "missing", "forbidden")


class Life:
    """One story: the clock, the servers as they are, and what was acknowledged."""

    def __init__(self, github: EmbeddedGitHub, directory: Path, chance: random.Random) -> None:
        self.github = github
        self.directory = directory
        self.chance = chance
        self.now = float(BEGIN)
        self.stores: dict[str, Store] = {}
        self.known: dict[Place, Value] = {}
        self.story: list[str] = []
        self._pushes = 0

    async def open(self, name: str) -> None:
        self.stores[name] = await open_store(
            repository_name="owner/status",
            credential=TokenCredential(self.github.tokens["owner"]),
            api_url=self.github.url,
            data_dir=self.directory / name,
            server_name="embedded",
            rhythm=NEVER,
            freshness=Freshness(fresh_seconds=0),
            clock=lambda: self.now,
            jitter=lambda: 0.0,
        )

    async def live(self) -> None:
        for name in SERVERS:
            await self.open(name)
        try:
            for _ in range(STEPS):
                (step,) = self.chance.choices(
                    (
                        self.push, self.flush, self.pass_time, self.step_back, self.restart,
                        self.write_directly, self.read, self.lose_branch, self.break_board,
                    ),
                    (40, 20, 20, 2, 6, 6, 6, 2, 2),
                )  # fmt: skip
                await step(self.chance.choice(SERVERS))
            for name in SERVERS:
                await self.be_back(name)
                await self.stores[name].statuses.flush()
                assert self.stores[name].statuses.health.waiting == 0
            for name in SERVERS:
                for tag in TAGS:
                    for since in (60, 3_600, 3 * DAY, 90 * DAY):
                        await self.compare(name, tag, since)
        finally:
            self.github.faults.clear()
            for store in self.stores.values():
                await store.close()

    async def push(self, name: str) -> None:
        for place, value in self._samples(name, self.chance.randint(1, 4)):
            await self.stores[name].statuses.push(
                place.tag,
                status=Status(value.status),
                latency=value.latency,
                minute=place.minute * 60,
            )
            self.known[place] = value

    async def write_directly(self, name: str) -> None:
        """Past the journal, as ``kener-issues push`` does; after a failure, again."""
        samples = self._samples("third", self.chance.randint(1, 4))
        self.trouble()
        for attempt in range(3):
            if attempt == 2:
                self.github.faults.clear()
                await self.be_back(name)
            try:
                await self.stores[name].statuses.commit(
                    "third",
                    [
                        (place.minute * 60, Status(value.status), value.latency)
                        for place, value in samples
                    ],
                )
            except StoreError:
                assert attempt < 2, self.story
            else:
                break
        self.github.faults.clear()
        self.known.update(samples)

    async def flush(self, name: str) -> None:
        self.trouble()
        try:
            await self.stores[name].statuses.flush()
        except StoreError as error:
            self.story.append(f"{name}: {error}")
        self.github.faults.clear()

    async def be_back(self, name: str) -> None:
        """A server that met an outage finds within seconds that it is over."""
        async with asyncio.timeout(BACK_SECONDS):
            while self.stores[name].breaker.hold_off(time.monotonic()):  # noqa: ASYNC110 - real time
                await asyncio.sleep(0.02)

    def trouble(self) -> None:
        for _ in range(self.chance.choice([0, 0, 1, 2])):
            kind: Any = self.chance.choice(TROUBLES)
            self.github.faults.add(
                kind,
                match=self.chance.choice(["", "PATCH", "POST", "/git/refs", "GET .*/git/blobs"]),
                rate=self.chance.choice([0.3, 1.0]),
                count=self.chance.choice([1, 2, 6]),
            )
            self.story.append(kind)

    async def pass_time(self, _name: str) -> None:
        midnight = self.now // DAY * DAY + DAY
        self.now = self.chance.choice(
            [self.now + 60, self.now + 7 * 60, self.now + 3_600, midnight - 1, midnight,
             midnight + 90, self.now + 3 * DAY]
        )  # fmt: skip
        self.story.append(time.strftime("%F %T", time.gmtime(self.now)))

    async def step_back(self, _name: str) -> None:
        self.now -= 3_600
        self.story.append("back an hour")

    async def restart(self, name: str) -> None:
        """Sometimes without a last commit; then the journal has it."""
        if is_cut_off := self.chance.random() < 0.7:
            self.github.faults.add("outage")
        await self.stores[name].close()
        self.github.faults.clear()
        await self.open(name)
        self.story.append(f"{name} restarted{' without a commit' if is_cut_off else ''}")

    async def read(self, name: str) -> None:
        own = self.chance.choice([name, "third"])
        await self.compare(name, own, self.chance.choice([60, DAY, 90 * DAY]))

    async def compare(self, name: str, tag: str, since: int) -> None:
        found = await self.current(name, tag, since)
        expected = answer(
            tag,
            {place.minute: value.status for place, value in self.known.items() if place.tag == tag},
            (),
            now=int(self.now) // 60,
            since=since // 60,
            default=None,
            degraded_is_up=True,
        )
        said = {
            "status": found.status,
            "uptime": found.uptime,
            "lastUpdatedAt": found.last_updated_at,
        }
        assert said == expected, f"{name} of {tag}, {since} s: {', '.join(self.story[-15:])}"

    async def current(self, name: str, tag: str, since: int) -> MonitorStatus:
        """Not as it was: a server that met an outage asks again only seconds later."""
        async with asyncio.timeout(BACK_SECONDS):
            while True:
                read = self.stores[name].statuses.current(tag, since_seconds=since)
                found, outcome = await outcome_of(read)
                if outcome is not Outcome.OUTAGE:
                    return found
                await asyncio.sleep(0.05)

    async def lose_branch(self, name: str) -> None:
        """Everybody holds what was committed; somebody puts it back.

        What waits is committed before: left alone it is so a second after its push, in real time,
        and what lands once nobody else looks any more is lost with the branch.
        """
        owner = self.owner()
        if owner.ask("GET", f"/git/ref/heads/{BRANCH}").status_code != 200:
            return
        for each in SERVERS:
            await self.be_back(each)
            await self.stores[each].statuses.flush()
        for each in SERVERS:
            for tag in TAGS:
                await self.compare_own(each, tag)
        for each in SERVERS:
            await self.push(each)
        owner.do("DELETE", f"/git/refs/heads/{BRANCH}")
        self.story.append("branch deleted")
        await self.push(name)
        await self.be_back(name)
        await self.stores[name].statuses.flush()

    async def compare_own(self, name: str, tag: str) -> None:
        if tag in (name, "third"):
            await self.compare(name, tag, 90 * DAY)
        else:
            await self.current(name, tag, 90 * DAY)

    async def break_board(self, name: str) -> None:
        owner = self.owner()
        where = f"/contents/status.json?ref={BRANCH}"
        found = owner.ask("GET", where)
        if found.status_code != 200:
            return
        good = base64.b64decode(found.json()["content"])
        broken = self.chance.choice([b"", b"<<<<<<<", b'{"version": 1}', good[:-5]])
        self._edit(owner, broken)
        self.story.append("broken")
        for each in SERVERS:
            await self.push(each)
            await self.be_back(each)
            with pytest.raises(BrokenDocument):
                await self.stores[each].statuses.flush()
        kept = base64.b64decode(owner.do("GET", where)["content"])
        assert kept == broken, "never overwritten"
        self._edit(owner, good)
        await self.stores[name].statuses.flush()

    def owner(self) -> Person:
        return Person(self.github.url, self.github.tokens["owner"])

    def _edit(self, owner: Person, content: bytes) -> None:
        sha = owner.do("GET", f"/contents/status.json?ref={BRANCH}")["sha"]
        encoded = base64.b64encode(content).decode()
        body = {"message": "by hand", "content": encoded, "sha": sha, "branch": BRANCH}
        owner.do("PUT", "/contents/status.json", body)

    def _samples(self, tag: str, count: int) -> list[tuple[Place, Value]]:
        samples = {}
        for _ in range(count):
            self._pushes += 1
            value = Value(self.chance.choice(["UP", "DEGRADED", "DOWN"]), self._pushes / 1_000)
            samples[Place(tag, self._minute())] = value
        return list(samples.items())

    def _minute(self) -> int:
        now, midnight = int(self.now) // 60, int(self.now) // DAY * 1_440
        return self.chance.choice(
            [
                now, now, now - 1, now - self.chance.randrange(5), now - self.chance.randrange(90),
                min(now, midnight), midnight - 1, midnight - 1_440, now - 2 * 1_440,
                now - 90 * 1_440, now - 90 * 1_440 + self.chance.randrange(1_440),
            ]
        )  # fmt: skip


@pytest.mark.parametrize("number", range(LIVES))
def test_days_go_by_and_nothing_is_lost_nor_counted_twice(tmp_path: Path, number: int) -> None:
    seed = f"{SEED} {number}"
    print(f"\nSOAK_SEED={SEED}, life {number}")  # noqa: T201
    chance = random.Random(seed)
    monitors = json.dumps([{"name": tag.title(), "tag": tag} for tag in TAGS]).encode()
    files = {"README.md": b"# Status\n", "monitors.yaml": monitors}
    with EmbeddedGitHub(
        tmp_path / "github", chance=random.Random(seed), core_limit=10**9
    ) as github:
        github.create_repository("owner/status", files=files)
        life = Life(github, tmp_path, chance)
        asyncio.run(life.live())
        committed = Committed(github.git_path("owner/status"))
        committed.require_soundness()
        assert committed.samples == life.known, life.story
