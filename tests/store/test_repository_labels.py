"""Which labels are made and when, and that ours are followed whatever they are called."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from github_store.current_labels import CurrentLabels
from github_store.current_monitors import CurrentMonitors
from github_store.errors import (
    AccessLost,
    GitHubOut,
    GitHubUnavailable,
    OutcomeUnknown,
    RateLimited,
    Unprocessable,
)
from github_store.label_list import LabelList
from github_store.label_memory import LabelMemory
from github_store.label_names import RepositoryLabel
from github_store.labels import OWN_LABELS, LabelStyle
from github_store.monitor import Monitor, Monitors
from github_store.repository_labels import MOST_AT_ONCE, LabelHealth, RepositoryLabels

MANY = [Monitor(f"Tag-{number}", "Monitor") for number in range(MOST_AT_ONCE + 9)]
OWN = [style.name for style in OWN_LABELS]


class There:
    """The labels of a repository, and which of them were made."""

    def __init__(self, *standing: str) -> None:
        self.labels = [RepositoryLabel(number, name) for number, name in enumerate(standing, 1)]
        self.made: list[str] = []
        self.looks = 0
        self.is_fresh = True
        self.left_out: set[str] = set()
        self.may_make = True

    async def all(self, *, renew: bool = False) -> list[RepositoryLabel]:
        self.looks += 1
        await asyncio.sleep(0)
        return [each for each in self.labels if each.name not in self.left_out]

    async def find(self, name: str) -> RepositoryLabel | None:
        found = [each for each in self.labels if each.name.casefold() == name.casefold()]
        return found[0] if found else None

    def is_at_hand(self) -> bool:
        return self.is_fresh

    async def create(self, style: LabelStyle) -> int | None:
        if not self.may_make:
            raise AccessLost("Resource not accessible")
        self.made.append(style.name)
        if await self.find(style.name):
            return None
        made = RepositoryLabel(1_000 + len(self.made), style.name, style.description)
        self.labels.append(made)
        return made.id

    async def rename(self, name: str, new_name: str) -> None:
        self.labels = [
            RepositoryLabel(each.id, new_name, each.description) if each.name == name else each
            for each in self.labels
        ]

    def delete(self, name: str) -> None:
        self.labels = [each for each in self.labels if each.name != name]

    def names(self) -> set[str]:
        return {each.name for each in self.labels}


class Service:
    """One that keeps the labels of a repository; ``folder`` outlives it."""

    def __init__(
        self,
        there: There,
        monitors: Sequence[Monitor] = (),
        *,
        folder: Path | None = None,
        **options: Any,
    ) -> None:
        self.current = CurrentLabels()
        self.monitors = CurrentMonitors(Monitors(monitors))
        self.labels = RepositoryLabels(
            cast(LabelList, there),
            self.current,
            self.monitors,
            memory=LabelMemory(folder),
            **{"clock": lambda: 0.0, **options},
        )

    def ensure(self, *names: str) -> None:
        asyncio.run(self.labels.ensure(names or None))

    def look(self) -> bool:
        return asyncio.run(self.labels.look())


def test_of_very_many_missing_labels_the_first_are_made_at_once_and_the_others_next_time() -> None:
    there = There(*OWN, "tag-0")
    service = Service(there, MANY)
    service.ensure()
    assert there.made == [each.tag for each in MANY[1 : MOST_AT_ONCE + 1]]
    service.ensure()
    assert there.made == [each.tag for each in MANY[1:]]


def test_an_incident_gets_the_labels_it_needs_whatever_else_is_missing() -> None:
    there = There(*OWN)
    service = Service(there, MANY)
    service.ensure()
    service.ensure(MANY[-1].tag, "bug")
    assert there.made[MOST_AT_ONCE:] == [MANY[-1].tag]


def test_where_requests_run_short_labels_that_were_there_are_believed_to_be_there_still() -> None:
    there = There(*OWN)
    clock, slowness = [0.0], [4.0]
    service = Service(there, clock=lambda: clock[0], slowness=lambda: slowness[0])
    seen = []
    for clock[0], slowness[0] in ((0.0, 4.0), (5_000.0, 4.0), (5_000.0, 1.0), (5_001.0, 1.0)):
        service.ensure("incident")
        seen.append(there.looks)
    assert seen == [1, 1, 2, 2]


def test_what_was_seen_a_while_ago_is_looked_at_again_before_it_is_put_on_an_issue() -> None:
    there = There(*OWN)
    service = Service(there)
    service.ensure()
    asyncio.run(there.rename("resolved", "done"))
    there.is_fresh = False
    service.ensure("resolved")
    assert service.current.now.of("resolved") == "done"
    assert there.made == []


def test_a_label_of_ours_is_followed_by_its_id_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there = There(*OWN)
    Service(there, folder=tmp_path).ensure()
    asyncio.run(there.rename("incident", "outage"))
    service = Service(there, folder=tmp_path)
    assert not service.look(), "this process has seen no other list"
    service.look()
    assert service.current.now.of("incident") == "outage"
    assert (there.made, service.labels.health) == ([], LabelHealth(renamed=1))
    again = Service(there, folder=tmp_path)
    assert again.current.now.of("incident") == "outage", "before GitHub is asked"
    again.ensure()
    assert caplog.text.count("the label incident is called outage on GitHub now") == 1
    asyncio.run(there.rename("outage", "incident"))
    assert again.look()
    assert again.labels.health == LabelHealth()


def test_without_a_memory_the_description_tells_which_label_is_ours() -> None:
    there = There()
    Service(there).ensure()
    asyncio.run(there.rename("incident", "outage"))
    asyncio.run(there.create(LabelStyle("incident", "000000", "somebody's own")))
    fresh = Service(there)
    fresh.ensure()
    assert fresh.current.now.of("incident") == "outage"


def test_a_label_that_was_deleted_is_made_anew_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there = There(*OWN)
    service = Service(there, folder=tmp_path)
    service.ensure()
    there.delete("incident")
    assert service.look()
    assert not service.look()
    assert there.made == ["incident"]
    assert service.labels.health == LabelHealth(made_again=1)
    Service(there, folder=tmp_path).ensure()
    assert caplog.text.count("the label incident was deleted on GitHub") == 1
    there.delete("incident")
    service.look()
    assert caplog.text.count("the label incident was deleted on GitHub") == 2, "it was, again"


@pytest.mark.parametrize("name", ["incident", "Incident"])
def test_one_that_was_deleted_and_made_anew_by_hand_is_taken_and_said_once(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there = There(*OWN)
    Service(there, folder=tmp_path).ensure()
    there.delete("incident")
    there.labels.append(RepositoryLabel(77, name))
    service = Service(there, folder=tmp_path)
    service.ensure()
    service.look()
    assert (service.current.now.of("incident"), there.made) == (name, [])
    assert service.labels.health == LabelHealth(made_again=1)
    assert caplog.text.count("the label incident was deleted on GitHub") == 1
    assert "what carried the first has lost it" in caplog.text


def test_one_that_was_renamed_and_then_deleted_has_its_own_name_again() -> None:
    there = There(*OWN)
    service = Service(there)
    service.ensure()
    asyncio.run(there.rename("incident", "outage"))
    service.look()
    there.delete("outage")
    service.look()
    assert (service.current.now.of("incident"), there.made) == ("incident", ["incident"])


def test_labels_that_change_their_names_among_them_stay_who_they_are() -> None:
    there = There(*OWN)
    service = Service(there)
    service.ensure()
    for name, new_name in (("resolved", "x"), ("identified", "resolved"), ("x", "identified")):
        asyncio.run(there.rename(name, new_name))
    service.look()
    names = service.current.now
    assert (names.of("resolved"), names.of("identified")) == ("identified", "resolved")
    assert names.meant_by([{"id": 999, "name": "Resolved"}]) == ("identified",)
    there.delete("identified")  # which is the one that says "resolved"
    service.look()
    assert service.current.now.of("resolved") == "kener-resolved", "its own name is taken"
    assert there.made == ["kener-resolved"]


def test_one_that_a_list_leaves_out_is_not_taken_for_deleted() -> None:
    there = There(*OWN)
    service = Service(there)
    service.ensure()
    asyncio.run(there.rename("incident", "outage"))
    service.look()
    there.left_out = {"outage"}
    service.look()
    assert (service.current.now.of("incident"), there.made) == ("outage", [])


@pytest.mark.parametrize("name", ["outage, major", 'the "outage"', "outage\\"])
def test_a_name_that_no_list_can_be_asked_for_is_taken_back(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    there = There(*OWN)
    service = Service(there)
    service.ensure()
    asyncio.run(there.rename("incident", name))
    service.look()
    assert "incident" in there.names()
    assert (service.current.now.of("incident"), there.made) == ("incident", [])
    assert "is called incident again" in caplog.text


def test_a_token_that_may_make_no_labels_is_told_and_what_is_there_is_followed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    there = There(*OWN)
    service = Service(there)
    service.ensure()
    there.delete("maintenance")
    asyncio.run(there.rename("incident", "outage"))
    there.may_make = False
    for _ in range(2):
        service.look()
    assert service.current.now.of("incident") == "outage"
    assert caplog.text.count("missing labels cannot be made") == 1


def test_looks_that_are_wanted_at_once_are_one() -> None:
    there = There(*OWN)
    service = Service(there)

    async def run() -> None:
        await asyncio.gather(*(service.labels.look() for _ in range(50)))

    asyncio.run(run())
    assert there.looks <= 2


def test_a_renamed_label_of_a_tag_is_told_with_the_line_for_monitors_yaml(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    earth = Monitor("earth", "Earth", aliases=("old-earth",))
    there = There(*OWN, "earth")
    Service(there, [earth], folder=tmp_path).ensure()
    asyncio.run(there.rename("earth", "planet"))
    service = Service(there, [earth], folder=tmp_path)
    for _ in range(3):
        service.look()
    assert caplog.text.count("the label of the tag earth is called planet on GitHub now") == 1
    assert "below tag: earth the line aliases: [old-earth, planet]" in caplog.text
    assert there.made == ["earth"], "what is pushed from now on needs it"
    assert service.labels.health == LabelHealth(renamed_tags=1)
    service.monitors.take(Monitors([Monitor("earth", "Earth", aliases=("old-earth", "planet"))]))
    service.look()
    assert service.labels.health == LabelHealth()


def test_a_tags_label_that_is_renamed_before_the_next_look_after_it_was_made_is_told(
    tmp_path: Path,
) -> None:
    there, monitors = There(*OWN), [Monitor("earth", "Earth")]
    service = Service(there, monitors, folder=tmp_path)
    service.ensure()
    asyncio.run(there.rename("earth", "planet"))
    restarted = Service(there, monitors, folder=tmp_path)
    for each in (restarted, service):
        each.look()
        each.look()
        assert each.labels.health == LabelHealth(renamed_tags=1)


def test_a_name_that_is_a_monitors_tag_is_told(caplog: pytest.LogCaptureFixture) -> None:
    there = There(*OWN)
    service = Service(there)
    service.ensure()
    asyncio.run(there.rename("incident", "outage"))
    service.monitors.take(Monitors([Monitor("outage", "Outage")]))
    service.look()
    assert "is called outage now, which is the tag of a monitor" in caplog.text


class Refusing(There):
    """Raises instead of making some labels."""

    def __init__(self, faults: dict[str, Exception]) -> None:
        super().__init__(*OWN)
        self.faults = faults
        self.tried: list[str] = []

    async def create(self, style: LabelStyle) -> int | None:
        self.tried.append(style.name)
        if style.name in self.faults:
            raise self.faults[style.name]
        return await super().create(style)


@pytest.mark.parametrize(
    "error",
    [GitHubUnavailable("500"), OutcomeUnknown("502"), Unprocessable("name is invalid")],
    ids=["500", "502", "422"],
)
def test_a_label_that_cannot_be_made_keeps_no_other_from_being_made(error: Exception) -> None:
    there = Refusing({"Tag-3": error})
    service = Service(there, MANY)
    service.ensure()
    service.ensure()
    assert there.made == [each.tag for each in MANY if each.tag != "Tag-3"]
    assert there.tried.count("Tag-3") == 1
    assert len(service.labels.failing) == 1
    with pytest.raises(type(error)):
        service.ensure("Tag-3")  # this write is its own
    there.faults.clear()
    service.ensure("Tag-3")
    assert len(service.labels.failing) == 0


@pytest.mark.parametrize(
    "error",
    [AccessLost("403"), RateLimited("limit"), GitHubOut("out", retry_after_seconds=3)],
    ids=["403", "limit", "out"],
)
def test_what_concerns_all_labels_is_found_out_at_the_first(error: Exception) -> None:
    there = Refusing({each.tag: error for each in MANY})
    service = Service(there, MANY)
    with pytest.raises(type(error)):
        service.ensure()
    assert there.tried == [MANY[0].tag]
    assert len(service.labels.failing) == 0
