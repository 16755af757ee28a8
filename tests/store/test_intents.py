"""Intents on disk: synced, found again, expired, bounded; and the secret behind their marks."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from github_store.errors import ConfigurationError, JournalUnavailable
from github_store.intent_file import (
    COUNTER_NAME,
    FILE_NAME,
    KEPT_SECONDS,
    Intent,
    IntentFile,
)
from github_store.intents import SECRET_FILE, DiskIntents, kept_secret
from tests.store.journal_ruin import HARMS, Harm

NOW = 1_790_000_000.0
INTENT = Intent(mark="a" * 64, request="b" * 64, begun_at=NOW, attempted_at=NOW)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[IntentFile]:
    opened = IntentFile(tmp_path, now=NOW)
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
        file = IntentFile(tmp_path, now=NOW)
        file.put(last, now=NOW)
        assert file.find(INTENT.mark, now=NOW) == last
        file.close()
        file = IntentFile(tmp_path, now=NOW)
        assert file.find(INTENT.mark, now=NOW) == last
        file.close()


def test_what_was_put_survives_a_process_that_closes_nothing(tmp_path: Path) -> None:
    file = IntentFile(tmp_path, now=NOW)
    file.put(INTENT, now=NOW)
    copied = tmp_path / "copied"
    copied.mkdir()
    for path in tmp_path.glob(f"{FILE_NAME}*"):
        (copied / path.name).write_bytes(path.read_bytes())
    file.close()
    after = IntentFile(copied, now=NOW)
    assert after.find(INTENT.mark, now=NOW) == INTENT
    after.close()


def test_every_transaction_is_synced(file: IntentFile) -> None:
    assert file._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


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
    file = IntentFile(tmp_path, now=NOW)
    for number in range(50):
        file.put(intent(number), now=NOW)
    file.put(intent(99, at=NOW + KEPT_SECONDS), now=NOW + KEPT_SECONDS)
    file.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        assert db.execute("SELECT count(*) FROM intents").fetchone() == (1,)
    db.close()


def test_where_there_are_too_many_the_oldest_answered_ones_go(tmp_path: Path) -> None:
    file = IntentFile(tmp_path, now=NOW, max_intents=10)
    intents = [intent(n, at=NOW + n, answer=None if n < 3 else "{}") for n in range(12)]
    for each in intents:
        file.put(each, now=NOW)
    assert found(file, intents) == [0, 1, 2, *range(5, 12)]
    file.close()


def test_answers_are_bounded_by_their_length(tmp_path: Path) -> None:
    file = IntentFile(tmp_path, now=NOW, max_bytes=1_000)
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


def test_another_programs_file_ends_the_start_and_stays(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
        db.execute("PRAGMA application_id = 7")
    db.close()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="another program's file"):
        IntentFile(tmp_path, now=NOW)
    assert path.read_bytes() == before


# damage


def left_by_a_killed_process(directory: Path) -> list[Intent]:
    """Copies of its files, and what they hold."""
    source = directory / "source"
    source.mkdir(parents=True)
    file = IntentFile(source, now=NOW)
    intents = [intent(n, at=NOW + n, answer=None if n % 3 else '{"n": "é"}') for n in range(1, 30)]
    for each in intents:
        file.put(each, now=NOW)
    for path in source.glob("intents.*"):
        (directory / path.name).write_bytes(path.read_bytes())
    file.close()
    return intents


@pytest.mark.parametrize("name", [FILE_NAME, f"{FILE_NAME}-wal", COUNTER_NAME])
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_damage_ends_no_start_gives_no_false_answer_and_what_may_be_forgotten_is_known(
    tmp_path: Path, harm: Harm, name: str
) -> None:
    for number in range(3):
        directory = tmp_path / str(number)
        intents = left_by_a_killed_process(directory)
        harm(directory / name, random.Random(number))
        file = IntentFile(directory, now=NOW + 60)
        there = [each for each in intents if file.find(each.mark, now=NOW + 60)]
        assert all(file.find(each.mark, now=NOW + 60) == each for each in there)
        if there != intents:
            assert file.doubted_until == pytest.approx(NOW + 60 + KEPT_SECONDS, abs=1)
        file.put(intent(99), now=NOW + 60)
        doubted_until = file.doubted_until
        file.close()
        again = IntentFile(directory, now=NOW + 90)
        assert again.find(intent(99).mark, now=NOW + 60) == intent(99)
        assert again.doubted_until == doubted_until, "told once, and remembered"
        again.close()


def test_what_is_whole_is_not_doubted(tmp_path: Path) -> None:
    intents = left_by_a_killed_process(tmp_path)
    file = IntentFile(tmp_path, now=NOW)
    assert found(file, intents) == list(range(1, 30))
    assert file.doubted_until == 0
    file.close()


def test_a_file_that_is_gone_when_all_in_it_was_over_is_not_missed(tmp_path: Path) -> None:
    left_by_a_killed_process(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    file = IntentFile(tmp_path, now=NOW + 40 + KEPT_SECONDS)
    assert file.doubted_until == 0
    file.close()


def test_a_file_without_checksums_goes_on_with_them(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.executescript(
            "CREATE TABLE intents (mark TEXT PRIMARY KEY, request TEXT NOT NULL, begun_at REAL NOT"
            " NULL, attempted_at REAL NOT NULL, answer TEXT, weight INTEGER NOT NULL);"
            " PRAGMA application_id = 0x4B494E54; PRAGMA user_version = 1;"
        )
        row = ("a" * 64, "b" * 64, NOW, NOW, '{"title": "x"}', 14)
        db.execute("INSERT INTO intents VALUES (?, ?, ?, ?, ?, ?)", row)
    db.close()
    for _ in range(2):
        file = IntentFile(tmp_path, now=NOW)
        assert file.find("a" * 64, now=NOW) == replace(INTENT, answer='{"title": "x"}')
        assert file.doubted_until == 0
        file.close()
    assert not list(tmp_path.glob("*damaged*"))


# the secret and the marks


def test_the_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "made"
    secret = kept_secret(directory, now=NOW)
    assert len(secret) == 32
    assert kept_secret(directory, now=NOW) == secret != kept_secret(tmp_path / "other", now=NOW)
    assert stat.S_IMODE((directory / SECRET_FILE).stat().st_mode) == 0o600
    assert [path.name for path in directory.iterdir()] == [SECRET_FILE]


def test_a_start_that_was_killed_while_it_wrote_the_secret_is_completed(tmp_path: Path) -> None:
    (tmp_path / f"{SECRET_FILE}.draft").write_text("half")
    assert len(kept_secret(tmp_path, now=NOW)) == 32


@pytest.mark.parametrize(
    "text", ["", "abc", "z" * 64, "0" * 65, "0" * 64 + " 0123456789abcdef", "Störung"]
)
def test_a_damaged_secret_is_set_aside_and_another_is_made(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / SECRET_FILE).write_text(text, "latin-1")
    secret = kept_secret(tmp_path, now=NOW)
    assert kept_secret(tmp_path, now=NOW + 1) == secret
    (kept,) = tmp_path.glob(f"{SECRET_FILE}.damaged-*")
    assert kept.read_text("latin-1") == text
    assert "the idempotency keys of the last 24 hours are forgotten" in caplog.text


def test_a_secret_of_before_gets_a_checksum(tmp_path: Path) -> None:
    (tmp_path / SECRET_FILE).write_text("ab" * 32 + "\n")
    assert kept_secret(tmp_path, now=NOW) == bytes.fromhex("ab" * 32)
    content = bytearray((tmp_path / SECRET_FILE).read_bytes())
    content[5] = ord("c")
    (tmp_path / SECRET_FILE).write_bytes(content)
    assert kept_secret(tmp_path, now=NOW) != bytes.fromhex("ab" * 32)


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
