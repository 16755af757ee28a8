"""The samples of a first start tell one story: incidents and status agree."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest

from app.samples import (
    DAY,
    PAST_MINUTES,
    sample_incidents,
    sample_monitors,
    sample_past,
    write_samples,
)
from github_store import (
    GitHubUnavailable,
    Impact,
    SearchFilter,
    Status,
    Store,
    TokenCredential,
    open_store,
    parse_monitors,
)
from github_store.embedded import EmbeddedGitHub
from tests.app.fake_store import NOW, THIS_MINUTE

MONITORS = parse_monitors(sample_monitors().decode(), source="sample-monitors.yaml")
INCIDENTS = sample_incidents(now=int(NOW))


def test_there_are_three_monitors_and_the_one_of_keners_page_is_among_them() -> None:
    assert len(MONITORS) == 3
    assert MONITORS.get("google-search") is not None


def test_incidents_are_in_various_states_and_talked_about() -> None:
    fields = [incident.fields for incident in INCIDENTS]
    assert [each.is_resolved for each in fields] == [True, False, False]
    assert [each.is_maintenance for each in fields] == [False, True, False]
    assert [each.impact for each in fields] == [Impact.DOWN, None, Impact.DEGRADED]
    assert all(incident.comments for incident in INCIDENTS)
    assert all(MONITORS.get(tag) for each in fields for tag in each.tags)


def test_the_past_has_every_minute_of_90_days_once() -> None:
    seconds = [second for second, _, _ in sample_past("website", INCIDENTS, now=int(NOW))]
    assert seconds == list(range(THIS_MINUTE - PAST_MINUTES * 60, THIS_MINUTE + 1, 60))


def test_the_past_shows_what_the_incidents_did() -> None:
    website = {
        second: status for second, status, _ in sample_past("website", INCIDENTS, now=int(NOW))
    }
    database = list(sample_past("database", INCIDENTS, now=int(NOW)))
    assert website[THIS_MINUTE - 9 * DAY] is Status.DOWN
    assert website[THIS_MINUTE] is Status.UP
    assert database[-1][1] is Status.DEGRADED
    up = sum(status is Status.UP for status in website.values()) / len(website)
    assert 0.99 < up < 1


def test_the_past_is_the_same_for_everybody() -> None:
    past = [list(sample_past("website", INCIDENTS, now=int(NOW)))[-100:] for _ in range(2)]
    assert past[0] == past[1]


def with_store(github: EmbeddedGitHub, scenario: Callable[[Store], Awaitable[None]]) -> None:
    async def run(data_dir: Path) -> None:
        store = await open_store(
            repository_name="owner/status",
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            data_dir=data_dir,
            clock=lambda: NOW,
        )
        try:
            await scenario(store)
        finally:
            await store.close()

    with tempfile.TemporaryDirectory() as data_dir:
        asyncio.run(run(Path(data_dir)))


def test_samples_are_written_as_far_as_they_fit_the_monitors(tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        await write_samples(store, now=int(NOW))
        opened = await store.incidents.get(1)
        assert (opened.tags, opened.is_resolved) == (("website",), True)
        assert len(await store.incidents.comments(1)) == 3
        status = await store.statuses.current("website", since_seconds=90 * DAY)
        assert (status.status, status.last_updated_at) == ("UP", THIS_MINUTE)
        assert 99 < float(status.uptime) < 100

    with EmbeddedGitHub(tmp_path, clock=lambda: NOW) as github:
        monitors = b"[{name: Website, tag: website}, {name: Other, tag: other}]"
        github.create_repository("owner/status", files={"monitors.yaml": monitors})
        with_store(github, scenario)
        assert github.count("POST", r"/issues$") == 1


@pytest.mark.parametrize(
    "cut_off_at", ["POST .*/issues$", "POST .*/issues/1/comments", "POST .*/issues/3/comments"]
)
@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_samples_that_were_cut_off_are_completed_and_nothing_stands_twice(
    tmp_path: Path, kind: Literal["drop_before", "drop_after"], cut_off_at: str
) -> None:
    async def write(store: Store) -> None:
        await write_samples(store, now=int(NOW), minutes=20 * 1440)

    async def check(store: Store) -> None:
        incidents = await store.incidents.search(SearchFilter(), page=1, per_page=100)
        assert [each.title for each in reversed(incidents)] == [x.fields.title for x in INCIDENTS]
        for incident, sample in zip(reversed(incidents), INCIDENTS, strict=True):
            comments = await store.incidents.comments(incident.number)
            assert tuple(comment.body for comment in comments) == sample.comments
        for tag in store.monitors.tags:
            assert (await store.statuses.current(tag, since_seconds=90 * DAY)).uptime > "99"

    with EmbeddedGitHub(tmp_path, clock=lambda: NOW) as github:
        github.create_repository("owner/status", files={"monitors.yaml": sample_monitors()})
        fault = github.faults.add(kind, match=cut_off_at)
        with pytest.raises(GitHubUnavailable):
            with_store(github, write)
        github.faults.lift(fault)
        with_store(github, write)
        with_store(github, check)
