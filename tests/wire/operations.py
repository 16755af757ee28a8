"""Every operation whose wire traffic is pinned: a name, and what is done with a cold store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from github_store import (
    Freshness,
    Impact,
    IncidentFields,
    IncidentNotFound,
    RequestKey,
    Rhythm,
    SearchFilter,
    Status,
    StatusUpdate,
    Store,
    TokenCredential,
    open_store,
    parse_monitors,
)
from github_store.gateway import Exchange, Gateway
from github_store.intents import DiskIntents, Intent
from github_store.journal import DiskJournal
from github_store.store import assemble_store
from github_store.write_budget import WriteBudget

CASSETTES = Path(__file__).parents[2] / "fixtures" / "cassettes"
HOST = "http://github.test"
"""The address that stands in the cassettes, whichever GitHub they were recorded from."""
REPOSITORY = "owner/status"
MONITORS = """\
- {name: Earth, tag: earth}
- {name: Google, tag: google-search}
"""


@dataclass(frozen=True)
class Arrangement:
    """What was there before the recording, and when it was made (seconds since 1970)."""

    recorded_from: str
    recorded_at: int
    own_login: str
    incident: int
    replaced: int
    by_collaborator: int | None

    @classmethod
    def load(cls, folder: Path) -> Arrangement:
        return cls(**json.loads((folder / "arrangement.json").read_text()))

    def save(self, folder: Path) -> None:
        (folder / "arrangement.json").write_text(json.dumps(asdict(self), indent=2) + "\n")


@dataclass(frozen=True)
class Operation:
    name: str
    steps: Callable[[Store, Arrangement], Awaitable[Any]]
    fresh_seconds: float = 15.0
    has_lost_answer: bool = False
    """Whether the intent of KEY is there, and no answer to it."""


FIELDS = IncidentFields(
    title="Outage in Mumbai",
    body="Login cluster is down in mumbai region",
    tags=("earth", "google-search"),
    start_datetime=1_702_405_740,
    end_datetime=1_702_405_920,
    impact=Impact.DOWN,
    is_identified=True,
)
CHANGED = IncidentFields(title="Outage in Delhi", tags=("earth",), impact=Impact.DEGRADED)


async def create_incident(store: Store, at: Arrangement) -> None:
    created = await store.incidents.create(FIELDS)
    assert (created.title, created.tags) == (FIELDS.title, FIELDS.tags)


KEY = RequestKey("8e03978e-40d5-43dd-bc93-6894a57f9324", "the hash of the body")
SECRET = 64 * "0"
"""In the place of the one that every installation makes for itself: marks are pinned as well."""


async def create_incident_with_key(store: Store, at: Arrangement) -> None:
    created = await store.incidents.create(FIELDS, key=KEY)
    assert created.body == FIELDS.body
    assert await store.incidents.create(FIELDS, key=KEY) == created  # held: no request


async def add_comment_with_key(store: Store, at: Arrangement) -> None:
    comment = await store.incidents.add_comment(at.incident, "comment 4", key=KEY)
    assert comment.body == "comment 4"


async def find_lost_incident(store: Store, at: Arrangement) -> None:
    """The service died before it kept the answer: what ``create_incident_with_key`` made is found.

    A real GitHub's list shows it only seconds later: that is why this one is recorded last.
    """
    assert (await store.incidents.create(FIELDS, key=KEY)).title == FIELDS.title


async def close_ended_incidents(store: Store, at: Arrangement) -> None:
    ended = replace(FIELDS, title="Over")
    number = (await store.incidents.create(ended)).number
    assert ended.end_datetime is not None
    assert await store.incidents.close_ended(number, end=ended.end_datetime)
    assert not (await store.incidents.get(number)).is_open


async def get_incident(store: Store, at: Arrangement) -> None:
    assert (await store.incidents.get(at.incident)).title == FIELDS.title
    await store.incidents.get(at.incident)  # fresh: no request


async def get_incident_again_later(store: Store, at: Arrangement) -> None:
    """With nothing ever fresh: the second time conditionally."""
    assert await store.incidents.get(at.incident) == await store.incidents.get(at.incident)


async def get_incident_of_collaborator(store: Store, at: Arrangement) -> None:
    assert at.by_collaborator is not None
    assert (await store.incidents.get(at.by_collaborator)).title == "By a collaborator"


async def get_missing_incident(store: Store, at: Arrangement) -> None:
    try:
        await store.incidents.get(999_999)
    except IncidentNotFound:
        return
    raise AssertionError("found")


async def replace_incident(store: Store, at: Arrangement) -> None:
    replaced = await store.incidents.replace(at.replaced, CHANGED)
    assert (replaced.title, replaced.impact, replaced.is_identified) == (
        CHANGED.title,
        CHANGED.impact,
        False,
    )


async def update_incident_status(store: Store, at: Arrangement) -> None:
    update = StatusUpdate(is_identified=True, is_resolved=True, end_datetime=1_702_405_980)
    updated = await store.incidents.update_status(at.replaced, update)
    assert updated.is_resolved
    assert updated.end_datetime == 1_702_405_980


async def add_comment(store: Store, at: Arrangement) -> None:
    assert (await store.incidents.add_comment(at.incident, "comment 3")).body == "comment 3"


async def list_comments(store: Store, at: Arrangement) -> None:
    bodies = [each.body for each in await store.incidents.comments(at.incident)]
    assert bodies[:2] == ["comment 1", "comment 2"]


async def list_incidents(store: Store, at: Arrangement) -> None:
    found = await store.incidents.search(SearchFilter(), page=1, per_page=100)
    assert at.incident in {each.number for each in found}


async def list_closed_incidents(store: Store, at: Arrangement) -> None:
    await store.incidents.search(SearchFilter(state="closed"), page=1, per_page=10)


async def list_incidents_of_two_tags(store: Store, at: Arrangement) -> None:
    search = SearchFilter(tags=("earth", "google-search"))
    found = await store.incidents.search(search, page=1, per_page=10)
    numbers = [each.number for each in found]
    assert len(numbers) == len(set(numbers))


async def search_incidents(store: Store, at: Arrangement) -> None:
    search = SearchFilter(
        tags=("earth",), title_like='Mumbai" repo:other/private', created_after=1_600_000_000
    )
    await store.incidents.search(search, page=1, per_page=10)


async def push_first_status(store: Store, at: Arrangement) -> None:
    minute = at.recorded_at // 60 * 60
    await store.statuses.push("earth", status=Status.DOWN, latency=0.2, minute=minute)
    await store.statuses.flush()


async def push_another_status(store: Store, at: Arrangement) -> None:
    minute = at.recorded_at // 60 * 60
    await store.statuses.push("google-search", status=Status.UP, latency=12, minute=minute)
    await store.statuses.flush()


async def push_the_same_status(store: Store, at: Arrangement) -> None:
    minute = at.recorded_at // 60 * 60
    await store.statuses.push("google-search", status=Status.UP, latency=12, minute=minute)
    await store.statuses.flush()


async def push_late_status(store: Store, at: Arrangement) -> None:
    """Of a day that has ended: its file, and its counts on the board."""
    minute = at.recorded_at // 60 * 60 - 2 * 86_400
    await store.statuses.push("earth", status=Status.UP, latency=0.1, minute=minute)
    await store.statuses.flush()


async def push_after_midnight(store: Store, at: Arrangement) -> None:
    """The day before becomes a file of its own."""
    minute = at.recorded_at // 60 * 60 + 86_400
    await store.statuses.push("earth", status=Status.UP, latency=0.3, minute=minute)
    await store.statuses.flush()


async def read_status(store: Store, at: Arrangement) -> None:
    assert (await store.statuses.current("earth", since_seconds=3600)).status == "DOWN"


OPERATIONS = (
    Operation("create_incident", create_incident),
    Operation("get_incident", get_incident),
    Operation("get_incident_again_later", get_incident_again_later, fresh_seconds=0),
    Operation("get_incident_of_collaborator", get_incident_of_collaborator),
    Operation("get_missing_incident", get_missing_incident),
    Operation("replace_incident", replace_incident),
    Operation("update_incident_status", update_incident_status),
    Operation("add_comment", add_comment),
    Operation("list_comments", list_comments),
    Operation("list_incidents", list_incidents),
    Operation("list_closed_incidents", list_closed_incidents),
    Operation("list_incidents_of_two_tags", list_incidents_of_two_tags),
    Operation("search_incidents", search_incidents),
    Operation("push_first_status", push_first_status),
    Operation("push_another_status", push_another_status),
    Operation("push_the_same_status", push_the_same_status),
    Operation("push_late_status", push_late_status),
    Operation("read_status", read_status),
    Operation("push_after_midnight", push_after_midnight),
    Operation("create_incident_with_key", create_incident_with_key),
    Operation("add_comment_with_key", add_comment_with_key),
    Operation("close_ended_incidents", close_ended_incidents),
    Operation("find_lost_incident", find_lost_incident, has_lost_answer=True),
)


async def prepared_intents(
    directory: Path, operation: Operation, clock: Callable[[], float]
) -> DiskIntents:
    (directory / "key-secret").write_text(SECRET)
    intents = DiskIntents(directory, clock=clock)
    if operation.has_lost_answer:
        meant = f"create an incident\n{KEY.body_hash}".encode()
        await intents.put(
            Intent(
                mark=intents.mark_of(KEY.text),
                request=hashlib.sha256(meant).hexdigest(),
                begun_at=clock(),
                attempted_at=clock(),
            )
        )
    return intents


async def run_operation(
    operation: Operation,
    at: Arrangement,
    *,
    url: str,
    token: str,
    repository: str,
    observe: Callable[[Exchange], None],
) -> None:
    def clock() -> float:
        return float(at.recorded_at)

    gateway = Gateway(
        repository_name=repository,
        credential=TokenCredential(token),
        api_url=url,
        clock=clock,
        observe=observe,
    )
    with TemporaryDirectory() as directory:
        intents = await prepared_intents(Path(directory), operation, clock)
        store = assemble_store(
            gateway,
            own_logins={at.own_login},
            monitors=parse_monitors(MONITORS, source="monitors.yaml"),
            journal=DiskJournal(Path(directory), clock=clock),
            intents=intents,
            blobs=None,
            budget=WriteBudget(),
            rhythm=Rhythm(),
            freshness=Freshness(fresh_seconds=operation.fresh_seconds),
            clock=clock,
            jitter=lambda: 0.0,
        )
        try:
            await operation.steps(store, at)
        finally:
            await store.close()


async def run_opening(
    at: Arrangement, *, url: str, token: str, repository: str, observe: Callable[[Exchange], None]
) -> None:
    """What a start asks, labels included."""
    with TemporaryDirectory() as directory:
        store = await open_store(
            repository_name=repository,
            credential=TokenCredential(token),
            api_url=url,
            data_dir=Path(directory),
            clock=lambda: float(at.recorded_at),
            observe=observe,
        )
        assert store.monitors.tags == ("earth", "google-search")
        await store.close()
