"""What strangers write is neither held nor kept on disk, and costs nobody anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from github_store import Freshness, SearchFilter, Store
from github_store.authors import STRANGERS
from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person
from tests.store.incident_scene import Clock, commit_monitors, with_store

SPAM = "buy now " * 1_000


def labelled(owner: Person, author: Person, title: str) -> int:
    """An issue of theirs that a form of the repository labelled."""
    number = author.open_issue(title, body=SPAM)
    owner.do("POST", f"/issues/{number}/labels", {"labels": ["incident", "earth"]})
    return number


async def listed(store: Store) -> list[tuple[str, str]]:
    found = await store.incidents.search(SearchFilter(), page=1, per_page=100)
    return [(each.title, each.body) for each in found]


def held_text(store: Store) -> str:
    return " ".join(
        str(held.reply.data) for path in store.held.paths() if (held := store.held.peek(path))
    )


def test_a_strangers_text_is_not_held_and_is_there_once_its_author_may_speak(
    github: EmbeddedGitHub, owner: Person, stranger: Person
) -> None:
    clock = Clock()
    owner.open_issue("Ours", body="We look.")
    number = labelled(owner, stranger, "Spam")
    owner.do("POST", "/issues/1/comments", {"body": "Still looking."})
    stranger.do("POST", "/issues/1/comments", {"body": SPAM})

    async def steps(store: Store) -> None:
        assert await listed(store) == [("Ours", "We look.")]
        assert [each.body for each in await store.incidents.comments(1)] == ["Still looking."]
        assert "buy now" not in held_text(store)
        assert "We look." in held_text(store)
        github.set_role("owner/status", "stranger", "write")
        clock.ahead += 86_401
        assert await listed(store) == [("Spam", SPAM.strip()), ("Ours", "We look.")]
        assert (await store.incidents.get(number)).body == SPAM.strip()
        assert [each.body for each in await store.incidents.comments(1)] == ["Still looking.", SPAM]

    with_store(github, steps, clock=clock)


def test_a_strangers_text_does_not_reach_the_disk(
    github: EmbeddedGitHub, owner: Person, stranger: Person, tmp_path: Path
) -> None:
    commit_monitors(github)
    labelled(owner, stranger, "Marked-title-of-a-stranger")

    async def steps(store: Store) -> Any:
        await listed(store)
        assert store.shelf
        store.shelf.close()
        found = [path.removeprefix(github.url) for path in store.held.paths() if "/issues?" in path]
        assert found
        return [store.shelf._opened().read(path) for path in found]

    for kept in with_store(github, steps):
        assert kept
        assert "buy now" not in str(kept.reply.data)
        assert "Marked-title" not in str(kept.reply.data)


def test_however_many_strangers_there_are_only_so_many_are_asked_about(
    github: EmbeddedGitHub, owner: Person
) -> None:
    owner.open_issue("Ours")
    for number in range(int(STRANGERS) + 40):
        token = github.add_user(f"stranger-{number}")
        labelled(owner, Person(github.url, token), "Spam")
    github.add_user("late")
    clock = Clock()

    async def steps(store: Store) -> None:
        assert [title for title, _ in await listed(store)] == ["Ours"]
        assert github.count("GET", "/permission$") == STRANGERS
        clock.ahead += 300
        assert [title for title, _ in await listed(store)] == ["Ours"]
        assert STRANGERS < github.count("GET", "/permission$") <= STRANGERS + 10
        assert store.incidents.hidden_count == STRANGERS + 40

    with_store(github, steps, clock=clock, freshness=Freshness())


def test_a_comment_that_was_cut_is_read_anew_where_its_list_is_as_it_was(
    github: EmbeddedGitHub, owner: Person, stranger: Person
) -> None:
    number = owner.open_issue("Ours")
    labelled(owner, stranger, "Theirs")
    stranger.do("POST", f"/issues/{number}/comments", {"body": SPAM})

    async def steps(store: Store) -> None:
        async def texts() -> list[str]:
            return [each.body for each in await store.incidents.comments(number)]

        assert await texts() == []
        assert len(await listed(store)) == 1
        store.incidents._authors.recognise("stranger")
        assert await texts() == [SPAM]
        assert await listed(store) == [("Theirs", SPAM.strip()), ("Ours", "")]

    with_store(github, steps)


def test_a_page_after_one_that_was_full_is_seen(github: EmbeddedGitHub, owner: Person) -> None:
    late = owner.open_issue("The oldest", labels=[])
    for number in range(100):
        owner.open_issue(f"Outage {number}")
    clock = Clock()

    async def steps(store: Store) -> None:
        async def found() -> int:
            search = SearchFilter()
            pages = [await store.incidents.search(search, page=n, per_page=100) for n in (1, 2)]
            return sum(map(len, pages))

        assert await found() == 100
        owner.do("POST", f"/issues/{late}/labels", {"labels": ["incident"]})
        clock.ahead += 61
        assert await found() == 101

    with_store(github, steps, clock=clock)
