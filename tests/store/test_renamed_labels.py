"""Labels that people rename, delete and make anew on GitHub: incidents stay what they are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from github_store import (
    IncidentNotFound,
    SearchFilter,
    StatusUpdate,
    Store,
    TokenCredential,
    open_store,
)
from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person
from tests.store.incident_scene import FULL, Clock, commit_monitors, fields
from tests.store.test_inbox import Post, titles, with_post


def rename(owner: Person, name: str, new_name: str) -> None:
    owner.do("PATCH", f"/labels/{name}", {"new_name": new_name})


def test_a_renamed_incident_label_goes_on_marking_incidents_everywhere(
    github: EmbeddedGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Before")
        await post.deliver(*post.collected())
        rename(owner, "incident", "outage of ours")
        await post.deliver(*post.collected())
        assert await titles(store) == ["Before"]
        assert await titles(store, title_like="before") == ["Before"]
        assert await titles(store, tags=("earth",)) == ["Before"]
        assert (await store.incidents.get(number)).title == "Before"
        made = await store.incidents.create(fields("After"))
        assert owner.labels_of(made.number) == {"outage of ours", "earth", "manual"}
        assert await titles(store) == ["After", "Before"]
        owner.open_issue("By hand", labels=["outage of ours", "earth"])
        clock.ahead += 1
        await post.deliver(*post.collected())
        assert await titles(store) == ["By hand", "After", "Before"]
        assert "incident" not in {each["name"] for each in owner.do("GET", "/labels?per_page=99")}
        assert store.incidents.label_health.renamed == 1
        assert caplog.text.count("the label incident is called outage of ours") == 1
        rename(owner, "outage%20of%20ours", "incident")
        await post.deliver(*post.collected())
        assert await titles(store) == ["By hand", "After", "Before"]

    with_post(github, steps)


def test_states_and_impacts_are_read_and_written_under_whatever_names(
    github: EmbeddedGitHub,
) -> None:
    new_names = {"resolved": "Done", "identified": "resolved", "incident-down": "Rot"}

    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        made = await store.incidents.create(FULL)
        for name, new_name in new_names.items():
            rename(owner, name, new_name)
        await post.deliver(*post.collected())
        found = await store.incidents.get(made.number)
        assert found == made
        update = StatusUpdate(is_resolved=True, is_identified=False)
        found = await store.incidents.update_status(made.number, update)
        assert (found.is_resolved, found.is_identified) == (True, False)
        assert {"Done", "Rot"} <= owner.labels_of(made.number)
        assert "resolved" not in owner.labels_of(made.number)
        assert await store.incidents.resolved_at(found) is not None
        update = StatusUpdate(is_resolved=False, is_identified=True)
        found = await store.incidents.update_status(made.number, update)
        assert (found.is_resolved, found.is_identified) == (False, True)
        assert "resolved" in owner.labels_of(made.number)

    with_post(github, steps)


def test_a_deleted_label_is_made_anew_and_incidents_go_on(
    github: EmbeddedGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Before")
        await post.deliver(*post.collected())
        assert await titles(store) == ["Before"]
        owner.do("DELETE", "/labels/incident")
        clock.ahead += 1
        await post.deliver(*post.collected())
        assert await titles(store) == []
        assert "the label incident was deleted on GitHub" in caplog.text
        [label] = [e for e in owner.do("GET", "/labels?per_page=99") if e["name"] == "incident"]
        assert label["description"] == "An incident on the status page"
        owner.do("POST", f"/issues/{number}/labels", {"labels": ["incident"]})
        clock.ahead += 1
        await post.deliver(*post.collected())
        assert await titles(store) == ["Before"]

    with_post(github, steps)


def test_another_label_of_the_former_name_marks_no_incident(
    github: EmbeddedGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        rename(owner, "incident", "outage")
        await post.deliver(*post.collected())
        number = owner.open_issue("Somebody's own", labels=["incident"])
        await post.deliver(*post.collected())
        assert await titles(store) == []
        with pytest.raises(IncidentNotFound):
            await store.incidents.get(number)
        for _ in range(2):
            await store.sweeper.sweep()
        assert caplog.text.count("the label incident was made anew") == 1

    with_post(github, steps)


def test_what_no_delivery_told_a_sweep_finds(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        owner.open_issue("Before", labels=["incident", "earth"])
        await post.deliver(*post.collected())
        assert await titles(store) == ["Before"]
        rename(owner, "incident", "outage")
        rename(owner, "earth", "planet")
        post.collected()  # and lost
        clock.ahead += 300
        await store.sweeper.sweep()
        assert await titles(store) == ["Before"]
        [found] = await store.incidents.search(SearchFilter(), page=1, per_page=9)
        assert found.tags == ()
        assert store.incidents.label_health.renamed_tags == 1

    with_post(github, steps)


def test_across_restarts_and_without_webhooks_the_name_is_followed(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    clock = Clock()

    async def opened(data_dir: Path) -> Store:
        return await open_store(
            repository_name="owner/status",
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            data_dir=data_dir,
            clock=clock,
        )

    async def run() -> None:
        store = await opened(tmp_path)
        await asyncio.to_thread(owner.open_issue, "Before")
        assert await titles(store) == ["Before"]
        rename(owner, "incident", "outage")
        clock.ahead += 61
        await store.label_watch._look()
        assert await titles(store) == ["Before"]
        await store.close()
        rename(owner, "outage", "disruption")
        owner.do("PATCH", "/labels/disruption", {"description": "of ours"})
        for data_dir, is_found in ((tmp_path, True), (tmp_path / "another", False)):
            store = await opened(data_dir)
            assert (await titles(store) == ["Before"]) is is_found, "one has no memory and no sign"
            await store.close()
        owner.do("DELETE", "/labels/incident")  # which the one without a memory has made
        github.faults.add("outage")
        store = await opened(tmp_path)
        assert await titles(store) == ["Before"], "from its list by the present name"
        await store.close()

    commit_monitors(github)
    asyncio.run(run())
