"""The last of an hour's requests, which reads leave to writes."""

from __future__ import annotations

import asyncio
import time

import pytest

from github_store import GitHubOut, OutcomeUnknown, RateLimited, Store
from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person
from tests.store.incident_scene import fields, with_store

LEFT = 40
"""Of 5,000 requests: fewer than reads may use."""


async def run_short(github: EmbeddedGitHub, store: Store, *, unread: int) -> None:
    github.use_up("owner", leave=LEFT, seconds=3_600)
    await store.incidents.get(unread)  # its answer tells
    store.held.forget(f"{store.gateway.repository}/issues/{unread}")
    with pytest.raises(RateLimited):
        await store.incidents.get(unread)


def test_an_outage_ends_though_only_the_reserve_is_left(
    github: EmbeddedGitHub, owner: Person
) -> None:
    unread = owner.open_issue()

    async def steps(store: Store) -> None:
        await run_short(github, store, unread=unread)
        github.faults.add("outage")
        while not store.breaker.hold_off(time.monotonic()):
            with pytest.raises((GitHubOut, OutcomeUnknown)):
                await store.incidents.create(fields())
        github.faults.clear()
        async with asyncio.timeout(10):
            while store.breaker.hold_off(time.monotonic()):  # noqa: ASYNC110 - of other threads
                await asyncio.sleep(0.02)
        assert (await store.incidents.create(fields())).title == "Outage"

    with_store(github, steps)
