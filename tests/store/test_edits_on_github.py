"""Whatever maintainers do on GitHub, and however its deliveries come: the API equals GitHub.

Deliveries come twice, in any order, with reads and writes of the API between them; some never come
and then a sweep follows, some come days later; GitHub's lists and its search lag; the service is
started anew in the middle. One clock for both sides, moved by the test: edits fall into the same
second or not.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from github_store import (
    Incident,
    IncidentFields,
    IncidentNotFound,
    SearchFilter,
    StatusUpdate,
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
from github_store.told_state import LATE_SECONDS
from tests.github_person import Person
from tests.store.incident_scene import commit_monitors
from tests.store.test_inbox import SECRET, Delivery, Post, letterbox

STATUS, ELSEWHERE = "owner/status", "owner/elsewhere"
LABELS = ("incident", "earth", "frogment", "identified", "resolved", "incident-down", "odd")
RENAMED = ("earth", "planet", "frogment", "odd", "identified")
WORDS = ("Storm", "Flood", "Fire")
SEARCHES = (
    *(SearchFilter(state=state) for state in ("open", "closed")),
    *(SearchFilter(state=state, tags=("earth",)) for state in ("open", "closed")),
    *(SearchFilter(title_like=word) for word in WORDS),
    SearchFilter(title_like="storm", state="closed"),
    SearchFilter(title_like="fire", tags=("earth", "frogment")),
    SearchFilter(created_after=1_790_000_010),
    SearchFilter(created_before=1_790_000_010, state="closed"),
)
LIST_LAG_SECONDS, SEARCH_LAG_SECONDS = 5.0, 60.0
TRUE_PAGE = 99
"""Pages of this size do not lag."""


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Repository:
    """The repository, and what people do there at random."""

    github: EmbeddedGitHub
    owner: Person
    stranger: Person
    chance: random.Random
    numbers: list[int] = field(default_factory=list)

    def open(self) -> None:
        labels = ["incident", *self.chance.sample(LABELS[1:], 2)]
        self.numbers.append(self.owner.open_issue(self._title(), labels=labels))

    def open_as_a_stranger(self) -> None:
        number = self.stranger.open_issue(self._title())
        self.owner.ask("POST", f"/issues/{number}/labels", {"labels": ["incident", "earth"]})
        self.numbers.append(number)

    def open_a_pull_request(self) -> None:
        number = self.github.add_pull_request(STATUS, title=self._title())
        self.owner.ask("POST", f"/issues/{number}/labels", {"labels": ["incident", "earth"]})
        self.numbers.append(number)

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

    def set_labels(self) -> None:
        labels = self.chance.sample(LABELS, 3)
        self.owner.ask("PUT", f"/issues/{self._number()}/labels", {"labels": labels})

    def stop_and_be_an_incident_again(self) -> None:
        where = f"/issues/{self._number()}/labels"
        self.owner.ask("DELETE", f"{where}/incident")
        self.owner.ask("POST", where, {"labels": ["incident"]})

    def rename_label(self) -> None:
        old, new = self.chance.sample(RENAMED, 2)
        self.owner.ask("PATCH", f"/labels/{old}", {"new_name": new})

    def delete_label(self) -> None:
        self.owner.ask("DELETE", f"/labels/{self.chance.choice(RENAMED)}")

    def lock(self) -> None:
        self.owner.ask("PUT", f"/issues/{self._number()}/lock")

    def unlock(self) -> None:
        self.owner.ask("DELETE", f"/issues/{self._number()}/lock")

    def undo_within_the_second(self) -> None:
        number = self._number()
        for state in ("closed", "open"):
            self.owner.ask("PATCH", f"/issues/{number}", {"state": state})

    def delete(self) -> None:
        if (number := self._number()) in self.existing():
            self.github.delete_issue(STATUS, number)

    def transfer(self) -> None:
        if (number := self._number()) in self.existing():
            self.github.transfer_issue(STATUS, number, to=ELSEWHERE)

    def comment(self) -> None:
        body = {"body": f"update {self.chance.random()}"}
        self.owner.ask("POST", f"/issues/{self._number()}/comments", body)

    def comment_as_a_stranger(self) -> None:
        self.stranger.ask("POST", f"/issues/{self._number()}/comments", {"body": "spam"})

    def edit_comment(self) -> None:
        if found := self._comments(self._number()):
            body = {"body": f"corrected {self.chance.random()}"}
            self.owner.ask("PATCH", f"/issues/comments/{self.chance.choice(found)['id']}", body)

    def delete_comment(self) -> None:
        if found := self._comments(self._number()):
            self.owner.ask("DELETE", f"/issues/comments/{self.chance.choice(found)['id']}")

    def existing(self) -> dict[int, dict[str, Any]]:
        listed = self.owner.do("GET", f"/issues?state=all&per_page={TRUE_PAGE}")
        return {data["number"]: data for data in listed}

    def comment_texts(self, number: int) -> list[str]:
        found = self._comments(number)
        return [each["body"] for each in found if each["user"]["login"] == "owner"]

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
    Repository.open_as_a_stranger,
    Repository.open_a_pull_request,
    Repository.title,
    Repository.text,
    Repository.close,
    Repository.reopen,
    Repository.undo_within_the_second,
    Repository.label,
    Repository.unlabel,
    Repository.set_labels,
    Repository.stop_and_be_an_incident_again,
    Repository.rename_label,
    Repository.delete_label,
    Repository.lock,
    Repository.unlock,
    Repository.delete,
    Repository.transfer,
    Repository.comment,
    Repository.comment_as_a_stranger,
    Repository.edit_comment,
    Repository.delete_comment,
)
SEEDS = int(os.environ.get("EDITS_SEEDS", "3"))
"""So many stories are tried, more by ``make soak``; others begin at EDITS_FIRST_SEED."""
FIRST_SEED = int(os.environ.get("EDITS_FIRST_SEED", "0"))
BATCHES, MOST_EDITS = 5, 9


async def shown(store: Store, numbers: list[int]) -> dict[str, Any]:
    """All that the API says."""
    said: dict[str, Any] = {}
    for number in (*numbers, max(numbers, default=0) + 1):
        try:
            said[f"incident {number}"] = await store.incidents.get(number)
            comments = await store.incidents.comments(number)
            said[f"comments of {number}"] = [each.body for each in comments]
        except IncidentNotFound:
            said[f"incident {number}"] = None
    said["open"] = {each.number for each in await store.incidents.open_incidents()}
    for search in SEARCHES:
        found = await store.incidents.search(search, page=1, per_page=100)
        said[f"search {search}"] = found
    return said


def true(store: Store, repository: Repository) -> dict[str, Any]:
    """The same, straight from GitHub and past everything that is held."""
    incidents: dict[int, Incident] = {}
    for number, data in repository.existing().items():
        issue = issue_from(data)
        if is_incident(issue) and issue.author == "owner":
            incidents[number] = incident_from(issue, store.monitors)
    said: dict[str, Any] = {}
    for number in repository.numbers:
        said[f"incident {number}"] = incidents.get(number)
        if number in incidents:
            said[f"comments of {number}"] = repository.comment_texts(number)
    said["open"] = {each.number for each in incidents.values() if each.is_open}
    newest_first = sorted(incidents.values(), key=lambda e: (e.created_at, e.number), reverse=True)
    for search in SEARCHES:
        said[f"search {search}"] = [e for e in newest_first if incident_matches(search, e)]
    return said


async def written(store: Store, number: int, chance: random.Random) -> None:
    """Something that the API writes; what is no incident is none for it either."""
    update = StatusUpdate(is_identified=chance.random() < 0.5, is_resolved=chance.random() < 0.5)
    fields = IncidentFields(title=f"{chance.choice(WORDS)} by the API", tags=("earth",))
    writes = (
        lambda: store.incidents.update_status(number, update),
        lambda: store.incidents.replace(number, fields),
        lambda: store.incidents.add_comment(number, f"said {chance.random()}"),
    )
    with suppress(IncidentNotFound):
        await chance.choice(writes)()


@dataclass(frozen=True)
class Weather:
    """What goes wrong beside the order."""

    loses: bool = False
    """Half of the deliveries do not come, and an hour later a sweep follows."""
    keeps: bool = False
    """What did not come may come in any later batch, however old."""
    lags: bool = False
    """GitHub's lists and its search show what was, some time ago."""
    restarts: bool = False
    """The service is started anew between two batches, and what is delivered then is lost."""


WEATHERS = {
    "all arrive": Weather(),
    "some are lost, a sweep": Weather(loses=True),
    "some come after the sweep": Weather(loses=True, keeps=True),
    "lists lag": Weather(lags=True),
    "started anew": Weather(restarts=True),
    "everything at once": Weather(loses=True, keeps=True, lags=True, restarts=True),
}


@pytest.mark.parametrize("weather", WEATHERS.values(), ids=WEATHERS)
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_the_api_equals_github_whatever_is_edited_and_however_it_is_told(
    seed: int, weather: Weather, tmp_path: Path
) -> None:
    clock, chance = Hand(), random.Random(seed)
    kept: list[Delivery] = []

    async def run(repository: Repository) -> None:
        with letterbox() as (url, came):
            store = await opened(repository.github)
            try:
                await point_hook(store.gateway, service_url=url, secret=SECRET)
                post = Post(repository.github, store, came)
                for _ in range(2):
                    repository.open()
                await post.deliver(*post.collected())
                await store.sweeper.sweep()
                for number in range(BATCHES):
                    done = await batch(repository, store, post)
                    if weather.restarts and number % 2:
                        await store.close()
                        done += await missed(repository, post)
                        store = await opened(repository.github)
                        post = Post(repository.github, store, came)
                        await store.sweeper.sweep()
                        done += ["started anew", *await late(post)]
                    api, there = await shown(store, repository.numbers), true(store, repository)
                    differing = {w: (api[w], there[w]) for w in there if api[w] != there[w]}
                    assert not differing, done
            finally:
                await store.close()

    async def missed(repository: Repository, post: Post) -> list[str]:
        """What is edited while the service is away."""
        edit = chance.choice(EDITS)
        edit(repository)
        lost = post.collected()
        if weather.keeps:
            kept.extend(lost)
        clock.now += SEARCH_LAG_SECONDS + 1  # what lists miss is known to a running service alone
        if chance.random() < 0.5:
            clock.now += LATE_SECONDS
            for path in (tmp_path / "store").rglob("answers.sqlite*"):
                path.unlink()
        return [f"{edit.__name__} while away"]

    async def late(post: Post) -> list[str]:
        """Some of what did not come in its time."""
        come = chance.sample(kept, chance.randint(0, len(kept)))
        await post.deliver(*come)
        return [f"{len(come)} came late"]

    async def batch(repository: Repository, store: Store, post: Post) -> list[str]:
        """Edits, and their deliveries in disorder; what was done."""
        done: list[str] = []
        come: list[Delivery] = []
        for _ in range(chance.randint(1, MOST_EDITS)):
            edit = chance.choice(EDITS)
            edit(repository)
            clock.now += chance.choice((0.0, 0.0, 1.0, 2.0))
            done.append(f"{edit.__name__} by {clock.now}")
            if chance.random() < 0.2:
                await written(store, chance.choice(repository.numbers), chance)
                done.append("the API wrote")
            come += post.collected()
            if chance.random() < 0.3:  # some come at once, in any order, others late
                early = chance.sample(come, len(come) // 2)
                await post.deliver(*early)
                await shown(store, repository.numbers)
                clock.now += chance.choice((0.0, 1.0))
                done.append(f"{len(early)} of {len(come)} came, all was read")
        if weather.loses:
            lost = chance.sample(come, len(come) // 2)
            come = [each for each in come if each not in lost]
            if weather.keeps:
                kept.extend(lost)
        twice = come * 2
        chance.shuffle(twice)
        await post.deliver(*twice)
        if weather.loses:
            clock.now += FULL_SECONDS + 1
            await store.sweeper.sweep()
        done += await late(post)
        clock.now += 1
        return done

    async def opened(github: EmbeddedGitHub) -> Store:
        store = await open_store(
            repository_name=STATUS,
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            data_dir=tmp_path / "store",
            server_name="embedded",
            webhook_secrets=[SECRET],
            clock=clock,
        )
        await store.sweeper.close()  # it sweeps when the test says so
        return store

    with EmbeddedGitHub(tmp_path / "github", clock=clock, search_limit=10**6) as github:
        for name in (STATUS, ELSEWHERE):
            github.create_repository(name, files={"README.md": b"# Status\n"})
        commit_monitors(github)
        if weather.lags:
            github.faults.add("list_lag", match="per_page=100?\\b", seconds=LIST_LAG_SECONDS)
            github.faults.add("search_lag", seconds=SEARCH_LAG_SECONDS)
        people = (Person(github.url, github.tokens[login]) for login in ("owner", "stranger"))
        asyncio.run(run(Repository(github, *people, chance)))
