"""GitHub's answers on disk: there after a restart, bounded, without secrets, never in the way."""

from __future__ import annotations

import logging
import random
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from github_store.answer_file import FILE_NAME, LEAST_WEIGHT, AnswerFile
from github_store.answer_shelf import AnswerShelf
from github_store.gateway import Reply
from github_store.held_reads import Held
from tests.store.journal_ruin import HARMS, Harm, put_a_directory

PATH = "/repos/owner/status/issues/1"
API = "http://127.0.0.1:8080"
NOW = 1_790_000_000.25


def held(data: Any = "a", *, at: float = NOW, status: int = 200, **headers: str) -> Held:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Held(Reply(status, named, data, size=len(str(data))), at)


@contextmanager
def shelf_at(directory: Path, *, api_url: str = API, **bounds: int) -> Iterator[AnswerShelf]:
    shelf = AnswerShelf(directory, api_url=api_url, **bounds)
    try:
        yield shelf
    finally:
        shelf.close()


def saved(directory: Path, answers: dict[str, Held], **bounds: int) -> None:
    with shelf_at(directory, **bounds) as shelf:
        for path, answer in answers.items():
            shelf.save(path, answer)


def loaded(directory: Path, *paths: str) -> list[Any]:
    with shelf_at(directory) as shelf:
        return [each.reply.data if (each := shelf.load(path)) else None for path in paths]


@pytest.mark.parametrize(
    "answer",
    [
        held({"title": "Ausfall in Köln", "labels": [], "body": None}, etag='W/"1"'),
        held([{"id": 1}], etag='"2"', link='<https://api/issues?page=2>; rel="next"'),
        held({"message": "Not Found"}, status=404),
        held({"message": "Moved"}, status=301, x_moved_to="https://api/repositories/2"),
        held(None, last_modified="Thu, 05 Jul 2012 15:31:30 GMT"),
        held({"body": "half of a pair: \ud83d"}),
    ],
    ids=["issue", "page", "missing", "moved", "nothing", "lone surrogate"],
)
def test_an_answer_is_there_as_it_was_after_a_restart(tmp_path: Path, answer: Held) -> None:
    saved(tmp_path, {PATH: answer})
    with shelf_at(tmp_path) as shelf:
        assert shelf.load(PATH) == answer
        assert shelf.load("/another") is None


def test_what_still_waits_for_the_writer_is_given_and_forgotten_already(tmp_path: Path) -> None:
    with shelf_at(tmp_path) as shelf:
        shelf.save(PATH, held("first"))
        shelf.save(PATH, held("second"))
        assert shelf.load(PATH) == held("second")
        shelf.forget(PATH)
        assert shelf.load(PATH) is None
    assert loaded(tmp_path, PATH) == [None]


def test_a_renewal_moves_the_time_and_a_new_answer_everything(tmp_path: Path) -> None:
    saved(tmp_path, {PATH: held("a", etag='"1"')})
    saved(tmp_path, {PATH: held("a", etag='"1"', at=NOW + 60)})
    with shelf_at(tmp_path) as shelf:
        assert shelf.load(PATH) == held("a", etag='"1"', at=NOW + 60)
        shelf.save(PATH, held("b", etag='"2"', at=NOW + 90))
    with shelf_at(tmp_path) as shelf:
        assert shelf.load(PATH) == held("b", etag='"2"', at=NOW + 90)


def test_an_answer_without_an_etag_is_written_anew_each_time(tmp_path: Path) -> None:
    saved(tmp_path, {PATH: held("a")})
    saved(tmp_path, {PATH: held("b")})
    assert loaded(tmp_path, PATH) == ["b"]


def test_pages_are_found_again_when_the_server_comes_back_on_another_port(tmp_path: Path) -> None:
    with shelf_at(tmp_path) as shelf:
        shelf.save("/issues", held([1], link=f'<{API}/repositories/7/issues?page=2>; rel="next"'))
        shelf.save(f"{API}/repositories/7/issues?page=2", held([2]))
    with shelf_at(tmp_path, api_url="http://127.0.0.1:9090") as shelf:
        first = shelf.load("/issues")
        assert first is not None
        assert first.reply.next_url == "http://127.0.0.1:9090/repositories/7/issues?page=2"
        second = shelf.load(first.reply.next_url)
        assert second is not None
        assert second.reply.data == [2]


def test_no_credential_gets_to_the_disk(tmp_path: Path) -> None:
    secret = "made-up-token-that-must-not-leak"
    repository = {"id": 7, "temp_clone_token": secret, "parent": [{"temp_clone_token": secret}]}
    answer = held(
        repository, etag='"1"', authorization=f"token {secret}", set_cookie=secret, x_token=secret
    )
    saved(tmp_path, {PATH: answer})
    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes()
    with shelf_at(tmp_path) as shelf:
        found = shelf.load(PATH)
    assert found is not None
    assert found.reply.headers == {"etag": '"1"'}
    assert found.reply.data == {"id": 7, "parent": [{}]}


def test_nobody_else_of_this_machine_may_read_it(tmp_path: Path) -> None:
    with shelf_at(tmp_path / "new") as shelf:
        shelf.save(PATH, held())
        rights = [stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "new").iterdir()]
    assert rights
    assert all(not each & 0o077 for each in rights)


def test_entries_are_bounded_and_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    for number in range(3):
        saved(tmp_path, {f"/{number}": held(number)}, max_entries=3)
    with shelf_at(tmp_path, max_entries=3) as shelf:
        assert shelf.load("/0") is not None
    saved(tmp_path, {"/3": held(3)}, max_entries=3)
    assert loaded(tmp_path, "/0", "/1", "/2", "/3") == [0, None, 2, 3]


def test_bytes_are_bounded_and_what_is_too_large_pushes_nothing_out(tmp_path: Path) -> None:
    bounds = {"max_bytes": 3 * LEAST_WEIGHT}
    saved(tmp_path, {"/0": held(0)}, **bounds)
    saved(tmp_path, {f"/{number}": held(number) for number in range(1, 4)}, **bounds)
    noise = "".join(chr(0x4E00 + (each * 7919) % 20_000) for each in range(3_000))
    saved(tmp_path, {"/large": held(noise)}, **bounds)
    assert loaded(tmp_path, "/0", "/1", "/2", "/3", "/large") == [None, 1, 2, 3, None]


def test_searches_go_before_what_they_find(tmp_path: Path) -> None:
    saved(tmp_path, {PATH: held("issue")}, max_entries=5)
    searches = {f"/search/issues?q={number}": held(number) for number in range(50)}
    saved(tmp_path, searches, max_entries=5)
    assert loaded(tmp_path, PATH) == ["issue"]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        assert db.execute("SELECT count(*) FROM answers").fetchone() == (5,)


def test_the_file_gives_back_the_room_of_what_went(tmp_path: Path) -> None:
    noise = "".join(chr(0x4E00 + (each * 7919) % 20_000) for each in range(20_000))
    saved(tmp_path, {f"/{number}": held(noise) for number in range(40)})
    before = (tmp_path / FILE_NAME).stat().st_size
    saved(tmp_path, {"/last": held()}, max_entries=1)
    assert (tmp_path / FILE_NAME).stat().st_size < before / 10


def broken_text(directory: Path) -> None:
    (directory / FILE_NAME).write_bytes(b"no database " * 1_000)


def broken_pages(directory: Path) -> None:
    path = directory / FILE_NAME
    content = bytearray(path.read_bytes())
    content[4_096:] = b"\xff" * (len(content) - 4_096)
    path.write_bytes(content)


def other_layout(directory: Path) -> None:
    with closing(sqlite3.connect(directory / FILE_NAME)) as db:
        db.execute("PRAGMA user_version = 99")


def other_table(directory: Path) -> None:
    with closing(sqlite3.connect(directory / FILE_NAME)) as db:
        db.execute("ALTER TABLE answers RENAME TO something")


@pytest.mark.parametrize("harm", [broken_text, broken_pages, other_layout, other_table])
def test_a_file_that_is_no_use_is_thrown_away_with_a_line_in_the_log(
    tmp_path: Path, harm: Any, caplog: pytest.LogCaptureFixture
) -> None:
    saved(tmp_path, {PATH: held("old")})
    harm(tmp_path)
    with caplog.at_level(logging.WARNING), shelf_at(tmp_path) as shelf:
        assert shelf.load(PATH) is None
        shelf.save(PATH, held("new"))
    assert any("thrown away" in record.message for record in caplog.records)
    assert loaded(tmp_path, PATH) == ["new"]


def test_a_damaged_answer_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    saved(tmp_path, {PATH: held("old")})
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db, db:
        db.execute("UPDATE answers SET body = x'00'")
    assert loaded(tmp_path, PATH) == [None]
    assert "thrown away" in caplog.text


def test_an_answer_that_cannot_be_written_keeps_no_other_from_being_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved(tmp_path, {"/1": held("one"), "/odd": held(object()), "/2": held("two")})
    assert loaded(tmp_path, "/1", "/odd", "/2") == ["one", None, "two"]
    assert [each.getMessage() for each in caplog.records] == ["an answer that cannot be kept: /odd"]


def test_a_disk_that_fails_is_said_once_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no directory")
    with shelf_at(tmp_path / "file") as shelf:
        for number in range(3):
            shelf.save(f"/{number}", held(number))
            shelf.load(f"/{number}")
    assert len(caplog.records) == 1
    assert "cannot be kept on disk" in caplog.text


def test_a_locked_file_is_not_thrown_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    saved(tmp_path, {PATH: held("old")})
    with shelf_at(tmp_path) as shelf, closing(sqlite3.connect(tmp_path / FILE_NAME)) as other:
        other.execute("BEGIN EXCLUSIVE")
        shelf.save("/new", held("new"))
        shelf.close()
        other.rollback()
    assert "thrown away" not in caplog.text
    assert "locked" in caplog.text
    assert loaded(tmp_path, PATH) == ["old"]


def test_saving_never_waits_for_the_disk_and_closing_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hang(self: AnswerFile, answers: Any, *, used: Any) -> None:
        begun.set()
        assert go_on.wait(10)

    monkeypatch.setattr(AnswerFile, "write", hang)
    shelf = AnswerShelf(tmp_path, api_url=API)
    shelf.save(PATH, held("a"))
    assert begun.wait(5)
    shelf.save("/another", held("b"))
    assert shelf.load(PATH) == held("a"), "being written, it is at hand"
    assert shelf.load("/another") == held("b")
    shelf.close(grace_seconds=0.01)
    shelf.save("/late", held())
    assert shelf.load("/late") is None
    go_on.set()
    shelf.close()


def test_after_a_kill_the_file_can_be_used(tmp_path: Path) -> None:
    """A killed process leaves its log beside the file; here both are taken as they stand."""
    with shelf_at(tmp_path / "first") as shelf:
        shelf.save(PATH, held("kept"))
        written = threading.Event()
        for _ in range(500):
            if (wal := tmp_path / "first" / f"{FILE_NAME}-wal").exists() and wal.stat().st_size:
                with closing(sqlite3.connect(tmp_path / "first" / FILE_NAME)) as db:
                    if db.execute("SELECT count(*) FROM answers").fetchone() == (1,):
                        break
            written.wait(0.01)
        (tmp_path / "second").mkdir()
        for suffix in ("", "-wal"):
            name = FILE_NAME + suffix
            (tmp_path / "second" / name).write_bytes((tmp_path / "first" / name).read_bytes())
    assert loaded(tmp_path / "second", PATH) == ["kept"]


@pytest.mark.parametrize("name", [FILE_NAME, f"{FILE_NAME}-wal"])
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_whatever_happens_to_its_files_no_false_answer_is_given_and_new_ones_are_kept(
    tmp_path: Path, harm: Harm, name: str
) -> None:
    answers = {
        f"/repos/owner/status/issues/{n}": held({"title": "Ausfall" * n}, at=NOW + n, etag=f'"{n}"')
        for n in range(1, 40)
    }
    source, directory = tmp_path / "source", tmp_path / "harmed"
    directory.mkdir()
    with shelf_at(source) as shelf:
        for path, answer in answers.items():
            shelf.save(path, answer)
        while any(shelf._waiting) or shelf._being_written:
            time.sleep(0.01)
        for path_of in source.iterdir():
            (directory / path_of.name).write_bytes(path_of.read_bytes())
    harm(directory / name, random.Random(1))
    with shelf_at(directory) as shelf:
        given = {path: shelf.load(path) for path in answers}
        assert all(each in (None, answers[path]) for path, each in given.items())
        for path, answer in answers.items():  # confirmed by a 304
            shelf.save(path, replace(answer, at=NOW + 99))
    if harm is not put_a_directory:
        with shelf_at(directory) as shelf:
            again = {path: shelf.load(path) for path in answers}
        assert again == {path: replace(answer, at=NOW + 99) for path, answer in answers.items()}
