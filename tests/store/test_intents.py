"""Intents on disk: synced, found again, expired, bounded; and the secret behind their marks."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from github_store.errors import ConfigurationError, JournalUnavailable
from github_store.intent_file import FILE_NAME, KEPT_SECONDS, Intent, IntentFile
from github_store.intents import SECRET_FILE, DiskIntents, kept_secret

NOW = 1_790_000_000.0
INTENT = Intent(mark="a" * 64, request="b" * 64, begun_at=NOW, attempted_at=NOW)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[IntentFile]:
    opened = IntentFile(tmp_path)
    yield opened
    opened.close()


def intent(number: int, *, at: float = NOW, answer: str | None = None) -> Intent:
    mark = f"{number:064x}"
    return Intent(mark=mark, request="b" * 64, begun_at=at, attempted_at=at, answer=answer)


def found(file: IntentFile, intents: list[Intent], *, now: float = NOW) -> list[int]:
    return [int(each.mark, 16) for each in intents if file.find(each.mark, now=now)]


def test_what_was_put_is_found_also_by_the_next_process(tmp_path: Path) -> None:
    answered = replace(INTENT, answer='{"title": "Störung"}', attempted_at=NOW + 1)
    for last in (INTENT, answered):
        file = IntentFile(tmp_path)
        file.put(last, now=NOW)
        assert file.find(INTENT.mark, now=NOW) == last
        file.close()
        file = IntentFile(tmp_path)
        assert file.find(INTENT.mark, now=NOW) == last
        file.close()


def test_what_was_put_survives_a_process_that_closes_nothing(tmp_path: Path) -> None:
    file = IntentFile(tmp_path)
    file.put(INTENT, now=NOW)
    copied = tmp_path / "copied"
    copied.mkdir()
    for path in tmp_path.glob(f"{FILE_NAME}*"):
        (copied / path.name).write_bytes(path.read_bytes())
    file.close()
    after = IntentFile(copied)
    assert after.find(INTENT.mark, now=NOW) == INTENT
    after.close()


def test_every_transaction_is_synced(file: IntentFile) -> None:
    assert file._number("PRAGMA synchronous") == 2  # FULL


def test_a_forgotten_intent_is_none(file: IntentFile) -> None:
    file.put(INTENT, now=NOW)
    file.forget(INTENT.mark)
    file.forget(INTENT.mark)
    assert file.find(INTENT.mark, now=NOW) is None


@pytest.mark.parametrize(
    ("age", "is_found"),
    [(0, True), (KEPT_SECONDS - 1, True), (KEPT_SECONDS, False), (-3600, True)],
    ids=["new", "nearly a day", "a day", "the clock was set back"],
)
def test_an_intent_is_kept_for_a_day(file: IntentFile, age: float, is_found: bool) -> None:
    file.put(INTENT, now=NOW)
    assert (file.find(INTENT.mark, now=NOW + age) is not None) == is_found


def test_expired_intents_leave_the_file(tmp_path: Path) -> None:
    file = IntentFile(tmp_path)
    for number in range(50):
        file.put(intent(number), now=NOW)
    file.put(intent(99, at=NOW + KEPT_SECONDS), now=NOW + KEPT_SECONDS)
    file.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        assert db.execute("SELECT count(*) FROM intents").fetchone() == (1,)
    db.close()


def test_where_there_are_too_many_the_oldest_answered_ones_go(tmp_path: Path) -> None:
    file = IntentFile(tmp_path, max_intents=10)
    intents = [intent(n, at=NOW + n, answer=None if n < 3 else "{}") for n in range(12)]
    for each in intents:
        file.put(each, now=NOW)
    assert found(file, intents) == [0, 1, 2, *range(5, 12)]
    file.close()


def test_answers_are_bounded_by_their_length(tmp_path: Path) -> None:
    file = IntentFile(tmp_path, max_bytes=1_000)
    intents = [intent(n, at=NOW + n, answer="x" * 300) for n in range(5)]
    for each in intents:
        file.put(each, now=NOW)
    assert found(file, intents) == [2, 3, 4]
    huge = intent(9, at=NOW + 9, answer="x" * 5_000)
    file.put(huge, now=NOW)
    assert found(file, [*intents, huge]) == [9]
    file.close()


def test_a_disk_that_takes_nothing_is_told_and_changes_nothing(file: IntentFile) -> None:
    file.put(INTENT, now=NOW)
    file._db.execute("PRAGMA query_only = ON").fetchall()
    for step in (lambda: file.put(intent(1), now=NOW), lambda: file.forget(INTENT.mark)):
        with pytest.raises(JournalUnavailable):
            step()
    file._db.execute("PRAGMA query_only = OFF").fetchall()
    assert file.find(INTENT.mark, now=NOW) == INTENT


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no database at all" * 100, "move it away"), (None, "another program's file")],
    ids=["damaged", "of another program"],
)
def test_a_file_that_cannot_be_used_ends_the_start_and_stays(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / FILE_NAME
    if content is None:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE theirs (x)")
            db.execute("PRAGMA application_id = 7")
        db.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=message):
        IntentFile(tmp_path)
    assert path.read_bytes() == before


# the secret and the marks


def test_the_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "made"
    secret = kept_secret(directory)
    assert len(secret) == 32
    assert kept_secret(directory) == secret != kept_secret(tmp_path / "other")
    assert stat.S_IMODE((directory / SECRET_FILE).stat().st_mode) == 0o600
    assert [path.name for path in directory.iterdir()] == [SECRET_FILE]


def test_a_start_that_was_killed_while_it_wrote_the_secret_is_completed(tmp_path: Path) -> None:
    (tmp_path / f"{SECRET_FILE}.draft").write_text("half")
    assert len(kept_secret(tmp_path)) == 32


@pytest.mark.parametrize("text", ["", "abc", "z" * 64, "0" * 65])
def test_a_file_that_holds_no_secret_ends_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / SECRET_FILE).write_text(text)
    with pytest.raises(ConfigurationError, match=SECRET_FILE):
        kept_secret(tmp_path)


def test_a_mark_depends_on_key_and_secret_and_shows_neither(tmp_path: Path) -> None:
    one, other = (DiskIntents(tmp_path / name, clock=lambda: NOW) for name in "ab")
    marks = {one.mark_of("a key"), one.mark_of("another key"), other.mark_of("a key")}
    assert len(marks) == 3
    assert one.mark_of("a key") in marks
    assert all(len(mark) == 64 and int(mark, 16) for mark in marks)
    one.close()
    other.close()


def test_intents_are_put_found_and_forgotten_from_an_event_loop(tmp_path: Path) -> None:
    intents = DiskIntents(tmp_path, clock=lambda: NOW)

    async def steps() -> None:
        await intents.put(INTENT)
        assert await intents.find(INTENT.mark) == INTENT
        await intents.forget(INTENT.mark)
        assert await intents.find(INTENT.mark) is None

    asyncio.run(steps())
    intents.close()
