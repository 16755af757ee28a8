"""Updates of incidents: comments of issues by who may speak."""

from __future__ import annotations

import pytest

from github_store import Store
from github_store.embedded import EmbeddedGitHub
from github_store.reply import Reply
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


@pytest.mark.parametrize("odd", [None, {}, {"id": 4}, {"id": "x", "created_at": 7}, [], "text"])
def test_one_odd_comment_is_left_out_and_the_others_are_there(
    github: EmbeddedGitHub, owner: Person, odd: object
) -> None:
    number = owner.open_issue()
    for text in ("one", "two"):
        owner.do("POST", f"/issues/{number}/comments", {"body": text})

    async def steps(store: Store) -> None:
        assert len(await store.incidents.comments(number)) == 2
        [path] = [each for each in store.held.paths() if f"/issues/{number}/comments" in each]
        told = owner.do("GET", f"/issues/{number}/comments")
        store.held.put(path, Reply(200, {}, [told[0], odd, told[1]]))
        comments = await store.incidents.comments(number)
        assert [each.body for each in comments] == ["one", "two"]
        assert store.failing["element"] == 1

    with_store(github, steps)
