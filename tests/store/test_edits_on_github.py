"""Whatever maintainers do on GitHub, and however its deliveries come: the API equals GitHub.

Deliveries come twice, in any order, with reads between them; some never come, and then a sweep
follows. One clock for both sides, moved by the test: edits fall into the same second or not.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from github_store import (
    Incident,
    IncidentNotFound,
    SearchFilter,
    Store,
    TokenCredential,
    open_store,
)
from github_store.embedded import EmbeddedGitHub
from github_store.hook_setup import point_hook
from github_store.incident import incident_from, is_incident
from github_store.records import issue_from
from github_store.search_query import incident_matches
from github_store.sweeper import FULL_SECONDS
from tests.github_person import Person
from tests.store.incident_scene import commit_monitors
from tests.store.test_inbox import SECRET, Delivery, Post, letterbox

STATUS, ELSEWHERE = "owner/status", "owner/elsewhere"
LABELS = ("incident", "earth", "frogment", "identified", "resolved", "incident-down", "odd")
WORDS = ("Storm", "Flood", "Fire")
SEARCHES = (
    *(SearchFilter(state=state) for state in ("open", "closed")),
    *(SearchFilter(state=state, tags=("earth",)) for state in ("open", "closed")),
    *(SearchFilter(title_like=word) for word in WORDS),
)


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Repository:
    """The repository, and what a maintainer does there at random."""

    github: EmbeddedGitHub
    owner: Person
    chance: random.Random
    numbers: list[int] = field(default_factory=list)

    def open(self) -> None:
        labels = ["incident", *self.chance.sample(LABELS[1:], 2)]
        self.numbers.append(self.owner.open_issue(self._title(), labels=labels))

    def title(self) -> None:
        self._edit(title=self._title())

    def text(self) -> None:
        self._edit(body=f"text {self.chance.random()} [start_datetime:{self.chance.randrange(99)}]")

    def close(self) -> None:
        self._edit(state="closed")

    def reopen(self) -> None:
        self._edit(state="open")

    def label(self) -> None:
        where = f"/issues/{self._number()}/labels"
        self.owner.ask("POST", where, {"labels": [self.chance.choice(LABELS)]})

    def unlabel(self) -> None:
        self.owner.ask("DELETE", f"/issues/{self._number()}/labels/{self.chance.choice(LABELS)}")

    def rename_label(self) -> None:
        old, new = self.chance.sample(("earth", "planet", "frogment", "odd", "identified"), 2)
        self.owner.ask("PATCH", f"/labels/{old}", {"new_name": new})

    def delete(self) -> None:
        if (number := self._number()) in self.existing():
            self.github.delete_issue(STATUS, number)

    def transfer(self) -> None:
        if (number := self._number()) in self.existing():
            self.github.transfer_issue(STATUS, number, to=ELSEWHERE)

    def comment(self) -> None:
        body = {"body": f"update {self.chance.random()}"}
        self.owner.ask("POST", f"/issues/{self._number()}/comments", body)

    def edit_comment(self) -> None:
        if found := self._comments(self._number()):
            body = {"body": f"corrected {self.chance.random()}"}
            self.owner.ask("PATCH", f"/issues/comments/{self.chance.choice(found)['id']}", body)

    def delete_comment(self) -> None:
        if found := self._comments(self._number()):
            self.owner.ask("DELETE", f"/issues/comments/{self.chance.choice(found)['id']}")

    def existing(self) -> dict[int, dict[str, Any]]:
        listed = self.owner.do("GET", "/issues?state=all&per_page=100")
        return {data["number"]: data for data in listed}

    def comment_texts(self, number: int) -> list[str]:
        return [each["body"] for each in self._comments(number)]

    def _comments(self, number: int) -> list[dict[str, Any]]:
        answer = self.owner.ask("GET", f"/issues/{number}/comments?per_page=100")
        found = answer.json() if answer.ok else []
        return found if isinstance(found, list) else []  # it was transferred: a redirect's answer

    def _edit(self, **changes: Any) -> None:
        self.owner.ask("PATCH", f"/issues/{self._number()}", changes)

    def _number(self) -> int:
        return self.chance.choice(self.numbers)

    def _title(self) -> str:
        return f"{self.chance.choice(WORDS)} {self.chance.randrange(1_000)}"


EDITS: tuple[Callable[[Repository], None], ...] = (
    Repository.open,
    Repository.title,
    Repository.text,
    Repository.close,
    Repository.reopen,
    Repository.label,
    Repository.unlabel,
    Repository.rename_label,
    Repository.delete,
    Repository.transfer,
    Repository.comment,
    Repository.edit_comment,
    Repository.delete_comment,
)
SEEDS = int(os.environ.get("EDITS_SEEDS", "4"))
"""So many stories are tried; others begin at EDITS_FIRST_SEED."""
FIRST_SEED = int(os.environ.get("EDITS_FIRST_SEED", "0"))
BATCHES, MOST_EDITS = 5, 9


async def shown(store: Store, numbers: list[int]) -> dict[str, Any]:
    """All that the API says."""
    said: dict[str, Any] = {}
    for number in numbers:
        try:
            said[f"incident {number}"] = await store.incidents.get(number)
            comments = await store.incidents.comments(number)
            said[f"comments of {number}"] = [each.body for each in comments]
        except IncidentNotFound:
            said[f"incident {number}"] = None
    for search in SEARCHES:
        found = await store.incidents.search(search, page=1, per_page=100)
        said[f"search {search}"] = found
    return said


def true(store: Store, repository: Repository) -> dict[str, Any]:
    """The same, straight from GitHub and past everything that is held."""
    incidents: dict[int, Incident] = {}
    for number, data in repository.existing().items():
        issue = issue_from(data)
        if is_incident(issue):
            incidents[number] = incident_from(issue, store.monitors)
    said: dict[str, Any] = {}
    for number in repository.numbers:
        said[f"incident {number}"] = incidents.get(number)
        if number in incidents:
            said[f"comments of {number}"] = repository.comment_texts(number)
    newest_first = sorted(incidents.values(), key=lambda e: (e.created_at, e.number), reverse=True)
    for search in SEARCHES:
        said[f"search {search}"] = [e for e in newest_first if incident_matches(search, e)]
    return said


@pytest.mark.parametrize("is_lossy", [False, True], ids=["all arrive", "some are lost, a sweep"])
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_the_api_equals_github_whatever_is_edited_and_however_it_is_told(
    seed: int, is_lossy: bool, tmp_path: Path
) -> None:
    clock, chance = Hand(), random.Random(seed)

    async def run(repository: Repository, store: Store) -> None:
        await store.sweeper.close()  # it sweeps when the test says so
        with letterbox() as (url, came):
            await point_hook(store.gateway, service_url=url, secret=SECRET)
            post = Post(repository.github, store, came)
            for _ in range(2):
                repository.open()
            await post.deliver(*post.collected())
            await store.sweeper.sweep()
            for _ in range(BATCHES):
                done = await batch(repository, store, post)
                api, there = await shown(store, repository.numbers), true(store, repository)
                differing = {w: (api[w], there[w]) for w in there if api[w] != there[w]}
                assert not differing, done

    async def batch(repository: Repository, store: Store, post: Post) -> list[str]:
        """Edits, and their deliveries in disorder; what was done."""
        done: list[str] = []
        come: list[Delivery] = []
        for _ in range(chance.randint(1, MOST_EDITS)):
            edit = chance.choice(EDITS)
            edit(repository)
            clock.now += chance.choice((0.0, 0.0, 1.0, 2.0))
            done.append(f"{edit.__name__} by {clock.now}")
            come += post.collected()
            if chance.random() < 0.3:  # some come at once, in any order, others late
                early = chance.sample(come, len(come) // 2)
                await post.deliver(*early)
                await shown(store, repository.numbers)
                clock.now += chance.choice((0.0, 1.0))
                done.append(f"{len(early)} of {len(come)} came, all was read")
        if is_lossy:
            come = chance.sample(come, len(come) // 2)
        twice = come * 2
        chance.shuffle(twice)
        await post.deliver(*twice)
        if is_lossy:
            clock.now += FULL_SECONDS + 1
            await store.sweeper.sweep()
        clock.now += 1
        return done

    async def opened(github: EmbeddedGitHub) -> None:
        store = await open_store(
            repository_name=STATUS,
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            data_dir=tmp_path / "store",
            webhook_secrets=[SECRET],
            clock=clock,
        )
        try:
            owner = Person(github.url, github.tokens["owner"])
            await run(Repository(github, owner, chance), store)
        finally:
            await store.close()

    with EmbeddedGitHub(tmp_path / "github", clock=clock, search_limit=10**6) as github:
        for name in (STATUS, ELSEWHERE):
            github.create_repository(name, files={"README.md": b"# Status\n"})
        commit_monitors(github)
        asyncio.run(opened(github))
