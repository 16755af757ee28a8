"""Updates of incidents: comments of issues by who may speak."""

from __future__ import annotations

from github_store import Store
from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person
from tests.store.incident_scene import with_store


def test_comments_of_strangers_are_not_published(
    github: EmbeddedGitHub, owner: Person, stranger: Person, collaborator: Person
) -> None:
    number = owner.open_issue()
    owner.do("POST", f"/issues/{number}/comments", {"body": "one"})
    stranger.do("POST", f"/issues/{number}/comments", {"body": "spam"})
    collaborator.do("POST", f"/issues/{number}/comments", {"body": "two"})

    async def steps(store: Store) -> None:
        made = await store.incidents.add_comment(number, "three")
        comments = await store.incidents.comments(number)
        assert [each.body for each in comments] == ["one", "two", "three"]
        assert comments[-1] == made

    with_store(github, steps)


def test_all_comments_are_there_oldest_first(github: EmbeddedGitHub, owner: Person) -> None:
    number = owner.open_issue()
    for i in range(120):
        owner.do("POST", f"/issues/{number}/comments", {"body": f"update {i}"})

    async def steps(store: Store) -> None:
        comments = await store.incidents.comments(number)
        assert [each.body for each in comments] == [f"update {i}" for i in range(120)]
        await store.incidents.add_comment(number, "the latest")
        assert (await store.incidents.comments(number))[-1].body == "the latest"

    with_store(github, steps)
