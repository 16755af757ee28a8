"""Transactions: alone, whole or not at all, and what follows only a commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from github_store.embedded.storage import Storage


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    opened = Storage(tmp_path / "x.db")
    yield opened
    opened.close()


def logins(storage: Storage) -> list[str]:
    return [row["login"] for row in storage.rows("SELECT login FROM users ORDER BY id")]


def add(storage: Storage, login: str) -> None:
    storage.insert("users", login=login, type="User", created_at=0)


def test_an_exception_undoes_the_outermost_block_and_what_should_have_followed(
    storage: Storage,
) -> None:
    told: list[str] = []

    def fail() -> None:
        with storage.transaction():
            add(storage, "a")
            with storage.transaction():
                add(storage, "b")
                storage.after_commit(lambda: told.append("committed"))
            raise RuntimeError("no such luck")

    with pytest.raises(RuntimeError):
        fail()
    assert (logins(storage), told) == ([], [])
    add(storage, "c")
    assert (logins(storage), told) == (["c"], [])


def test_what_follows_a_commit_sees_it(storage: Storage) -> None:
    seen: list[list[str]] = []
    with storage.transaction():
        add(storage, "a")
        storage.after_commit(lambda: seen.append(logins(storage)))
        assert seen == []
    assert seen == [["a"]]


def test_a_commit_that_fails_leaves_nothing_behind_and_the_next_one_works(
    storage: Storage,
) -> None:
    """A deferred foreign key fails at the commit itself, as a full disk does."""
    told: list[str] = []
    storage.rows("PRAGMA foreign_keys = ON")
    storage.execute(
        "CREATE TABLE child (user INTEGER REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED)"
    )

    def fail() -> None:
        with storage.transaction():
            add(storage, "a")
            storage.after_commit(lambda: told.append("committed"))
            storage.execute("INSERT INTO child VALUES (1)")

    with pytest.raises(sqlite3.IntegrityError):
        fail()
    add(storage, "b")
    assert (logins(storage), told) == (["b"], [])


def test_ids_begin_beyond_32_bits_where_githubs_do(storage: Storage) -> None:
    made = storage.insert(
        "comments",
        repository_id=1,
        issue_id=1,
        issue_number=1,
        author="a",
        body="b",
        created_at=0,
        updated_at=0,
    )
    assert made > 2**32
