"""What is an incident, and who may speak of it."""

from __future__ import annotations

import pytest

from github_store import IncidentNotFound, SearchFilter, StatusUpdate, Store
from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person
from tests.store.incident_scene import fields, with_store


def test_what_is_no_incident_is_found_by_no_operation(
    github: EmbeddedGitHub, owner: Person, stranger: Person
) -> None:
    ordinary = owner.open_issue(labels=["bug"])
    strangers = stranger.open_issue()
    owner.do("POST", f"/issues/{strangers}/labels", {"labels": ["incident", "earth"]})
    numbers = [ordinary, strangers, 0, -1, 10**30, 999_999]

    async def steps(store: Store) -> None:
        incidents = store.incidents
        for number in numbers:
            for operation in (
                incidents.get(number),
                incidents.replace(number, fields()),
                incidents.update_status(number, StatusUpdate(is_resolved=True)),
                incidents.comments(number),
                incidents.add_comment(number, "hello"),
            ):
                with pytest.raises(IncidentNotFound):
                    await operation
        assert await incidents.search(SearchFilter(), page=1, per_page=10) == []
        assert incidents.hidden_count == 1
        assert owner.labels_of(ordinary) == {"bug"}

    with_store(github, steps)


def test_a_deleted_or_transferred_incident_is_gone(github: EmbeddedGitHub, owner: Person) -> None:
    deleted, moved = owner.open_issue(), owner.open_issue()
    github.create_repository("owner/elsewhere")
    github.delete_issue("owner/status", deleted)
    github.transfer_issue("owner/status", moved, to="owner/elsewhere")

    async def steps(store: Store) -> None:
        for number in (deleted, moved):
            with pytest.raises(IncidentNotFound):
                await store.incidents.get(number)

    with_store(github, steps)


def test_people_with_write_access_and_trusted_authors_speak_for_the_project(
    github: EmbeddedGitHub, owner: Person, collaborator: Person, stranger: Person
) -> None:
    by_collaborator = collaborator.open_issue("By a collaborator")
    by_stranger = stranger.open_issue("By a stranger")
    owner.do("POST", f"/issues/{by_stranger}/labels", {"labels": ["incident"]})

    async def numbers(store: Store) -> list[int]:
        found = await store.incidents.search(SearchFilter(), page=1, per_page=10)
        return [each.number for each in found]

    assert with_store(github, numbers) == [by_collaborator]
    trusted = with_store(github, numbers, trusted_authors=["Stranger"])
    assert trusted == [by_stranger, by_collaborator]
