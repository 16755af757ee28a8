"""Which labels are made, and when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from github_store.errors import (
    AccessLost,
    GitHubOut,
    GitHubUnavailable,
    OutcomeUnknown,
    RateLimited,
    Unprocessable,
)
from github_store.labels import LabelStyle
from github_store.repository_labels import MOST_AT_ONCE, RepositoryLabels

MANY = [LabelStyle(f"Tag-{number}", "c0ffee", "Monitor") for number in range(MOST_AT_ONCE + 9)]


class There:
    """Notes the labels that are made, beside those that stand."""

    def __init__(self, *standing: str) -> None:
        self.standing = set(standing)
        self.made: list[str] = []

    async def keys(self) -> set[str]:
        return self.standing

    async def create(self, style: LabelStyle) -> None:
        self.made.append(style.name)
        self.standing.add(style.name.lower())


def labels(there: Any) -> RepositoryLabels:
    return RepositoryLabels(there, lambda: MANY, clock=lambda: 0.0)


def test_of_very_many_missing_labels_the_first_are_made_at_once() -> None:
    there = There("tag-0")
    asyncio.run(labels(there).ensure())
    assert there.made == [style.name for style in MANY[1 : MOST_AT_ONCE + 1]]


def test_the_next_time_the_others_follow() -> None:
    there = There()
    asyncio.run(labels(there).ensure())
    asyncio.run(labels(there).ensure())
    assert there.made == [style.name for style in MANY]


def test_an_incident_gets_the_labels_it_needs_whatever_else_is_missing() -> None:
    there = There()
    own = labels(there)

    async def steps() -> None:
        await own.ensure()
        await own.ensure([MANY[-1].name, "bug"])

    asyncio.run(steps())
    assert there.made[MOST_AT_ONCE:] == [MANY[-1].name]


def test_where_requests_run_short_labels_that_were_there_are_believed_to_be_there_still() -> None:
    class Counting(There):
        looks = 0

        async def keys(self) -> set[str]:
            self.looks += 1
            return await super().keys()

    there = Counting(*(style.name.lower() for style in MANY))
    clock, slowness = [0.0], [4.0]
    counted: Any = there
    own = RepositoryLabels(
        counted, lambda: MANY, clock=lambda: clock[0], slowness=lambda: slowness[0]
    )
    seen = []

    async def steps() -> None:
        for clock[0], slowness[0] in ((0.0, 4.0), (5_000.0, 4.0), (5_000.0, 1.0), (5_001.0, 1.0)):
            await own.ensure([MANY[0].name])
            seen.append(there.looks)

    asyncio.run(steps())
    assert seen == [1, 1, 2, 2]


class Refusing(There):
    """Raises instead of making some labels."""

    def __init__(self, faults: dict[str, Exception]) -> None:
        super().__init__()
        self.faults = faults
        self.tried: list[str] = []

    async def create(self, style: LabelStyle) -> None:
        self.tried.append(style.name)
        if style.name in self.faults:
            raise self.faults[style.name]
        await super().create(style)


@pytest.mark.parametrize(
    "error",
    [GitHubUnavailable("500"), OutcomeUnknown("502"), Unprocessable("name is invalid")],
    ids=["500", "502", "422"],
)
def test_a_label_that_cannot_be_made_keeps_no_other_from_being_made(error: Exception) -> None:
    there = Refusing({"Tag-3": error})
    own = labels(there)

    async def steps() -> None:
        await own.ensure()
        await own.ensure()
        assert there.made == [style.name for style in MANY if style.name != "Tag-3"]
        assert there.tried.count("Tag-3") == 1
        assert len(own.failing) == 1
        with pytest.raises(type(error)):
            await own.ensure(["Tag-3"])  # this write is its own
        there.faults.clear()
        await own.ensure(["Tag-3"])
        assert len(own.failing) == 0

    asyncio.run(steps())


@pytest.mark.parametrize(
    "error",
    [AccessLost("403"), RateLimited("limit"), GitHubOut("out", retry_after_seconds=3)],
    ids=["403", "limit", "out"],
)
def test_what_concerns_all_labels_is_found_out_at_the_first(error: Exception) -> None:
    there = Refusing({style.name: error for style in MANY})
    own = labels(there)
    with pytest.raises(type(error)):
        asyncio.run(own.ensure())
    assert there.tried == [MANY[0].name]
    assert len(own.failing) == 0
