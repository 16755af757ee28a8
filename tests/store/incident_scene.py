"""A store of one repository on the embedded GitHub, and what tests put there."""

from __future__ import annotations

import asyncio
import base64
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from github_store import (
    Freshness,
    Impact,
    IncidentFields,
    Store,
    TokenCredential,
    open_store,
)
from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person

MONITORS = b"""
- {name: Earth, tag: earth}
- {name: Google, tag: google-search}
- {name: Frogment, tag: frogment, aliases: [old-frog]}
"""


class Clock:
    """GitHub's clock and ours; ``ahead`` lets time pass."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def with_store(
    github: EmbeddedGitHub,
    steps: Callable[[Store], Awaitable[Any]],
    *,
    login: str = "owner",
    clock: Clock | None = None,
    **options: Any,
) -> Any:
    """Run ``steps`` with a store of owner/status, opened as ``login``."""

    async def run(data_dir: Path) -> Any:
        store = await open_store(
            repository_name="owner/status",
            credential=TokenCredential(github.tokens[login]),
            api_url=github.url,
            data_dir=data_dir,
            clock=clock or Clock(),
            freshness=options.pop("freshness", Freshness()),
            **options,
        )
        try:
            return await steps(store)
        finally:
            await store.close()

    commit_monitors(github)
    with tempfile.TemporaryDirectory() as data_dir:
        return asyncio.run(run(Path(data_dir)))


def commit_monitors(github: EmbeddedGitHub) -> None:
    owner = Person(github.url, github.tokens["owner"])
    if owner.ask("GET", "/contents/monitors.yaml").status_code == 404:
        content = base64.b64encode(MONITORS).decode()
        owner.do("PUT", "/contents/monitors.yaml", {"message": "monitors", "content": content})


def fields(title: str = "Outage", *tags: str, **changes: Any) -> IncidentFields:
    return IncidentFields(title=title, tags=tags or ("earth",), **changes)


def count(github: EmbeddedGitHub, method: str, part: str) -> int:
    return sum(1 for each in github.requests if each[0] == method and part in each[1])


FULL = IncidentFields(
    title="Outage in Mumbai",
    body="Login cluster is **down**\n\nin mumbai region",
    tags=("earth", "google-search"),
    start_datetime=1_702_405_740,
    end_datetime=1_702_405_920,
    impact=Impact.DOWN,
    is_maintenance=False,
    is_identified=True,
    is_resolved=False,
)
