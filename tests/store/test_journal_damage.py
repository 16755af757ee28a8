"""A damaged journal starts, serves exactly what is whole, and says what is missing.

tests/soak/test_damage.py does the same thousands of times.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partialmethod
from pathlib import Path

import pytest

from github_store.errors import ConfigurationError, JournalUnavailable
from github_store.journal_counter import FILE_NAME as COUNTER_NAME
from github_store.journal_file import FILE_NAME, JournalFile
from github_store.label_memory import LabelMemory
from github_store.label_names import LabelNames
from github_store.monitor import Status
from github_store.sample import Sample
from github_store.set_aside import stamp
from tests.store.journal_ruin import (
    HARMS,
    LOG_NAME,
    NAMES,
    NOW,
    STATES,
    Harm,
    Left,
    empty,
    entries,
    left,
    put_a_directory,
    remove,
    require_the_truth,
    write_garbage,
    write_latin_1,
    zero_a_page,
)

TRIALS = 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_whatever_happens_to_one_file_nothing_false_is_served_and_what_is_missing_is_told(
    tmp_path: Path, harm: Harm, name: str
) -> None:
    for state in STATES:
        for number in range(TRIALS):
            chance = random.Random(f"{state} {number}")
            directory = tmp_path / f"{state}-{number}"
            found = left(state)
            found.lay(directory)
            harm(directory / name, chance)
            require_the_truth(directory, found)


@pytest.mark.parametrize(
    ("state", "name", "harm", "told", "missing"),
    [
        ("young", LOG_NAME, remove,
         "journal.sqlite lacks its newest samples: its log journal.sqlite-wal is missing, or it is"
         " an older copy", 40),
        ("young", FILE_NAME, remove, "journal.sqlite is missing", 0),
        ("closed", FILE_NAME, remove, "journal.sqlite is missing", 240),
        ("closed", FILE_NAME, empty, "journal.sqlite is empty", 240),
        ("closed", FILE_NAME, put_a_directory, "journal.sqlite is missing", 240),
        ("closed", FILE_NAME, write_latin_1, "journal.sqlite is damaged (", 240),
        ("closed", COUNTER_NAME, remove, "journal.counter is missing", None),
        ("closed", COUNTER_NAME, empty, "journal.counter is empty", None),
        ("closed", COUNTER_NAME, write_garbage, "journal.counter is damaged", None),
        ("closed", COUNTER_NAME, put_a_directory, "journal.counter is no file", None),
    ],
)  # fmt: skip
def test_damage_is_told_by_name_with_what_is_missing_from_when_to_when_and_what_to_do(
    tmp_path: Path, state: str, name: str, harm: Harm, told: str, missing: int | None
) -> None:
    found = left(state)
    found.lay(tmp_path)
    harm(tmp_path / name, random.Random(1))
    (damage,) = require_the_truth(tmp_path, found)
    assert damage.problem.startswith(told)
    assert (damage.missing, damage.noticed_at) == (missing, NOW)
    assert "\n" not in str(damage)
    assert f"remove {damage.file_name}" in str(damage)
    for kept in damage.kept_as:
        assert f".damaged-{stamp(NOW)}" in kept
        assert (tmp_path / kept).exists()
    if missing:
        assert f"{missing} acknowledged samples are missing (acknowledged " in str(damage)
        assert "What to do: push the missing minutes again" in str(damage)
        assert damage.after is not None
        assert damage.before == found.pending[-1].acknowledged_at


def test_the_hole_in_the_midst_has_bounds_on_both_sides(tmp_path: Path) -> None:
    """One sample of many no longer has its checksum, nor has its copy in the log."""
    found = left("closed")
    found.lay(tmp_path)
    path = tmp_path / FILE_NAME
    lost = found.pending[100]
    path.write_bytes(path.read_bytes().replace(b"[%d," % lost.seq, b"[999,"))
    (damage,) = require_the_truth(tmp_path, found)
    assert damage.problem == "journal.sqlite is damaged (a checksum fails)"
    assert (damage.missing, damage.saved) == (1, len(found.pending) - 1)
    assert (damage.after, damage.before) == (
        found.pending[99].acknowledged_at,
        found.pending[101].acknowledged_at,
    )
    assert "1 acknowledged sample is missing" in str(damage)


def test_a_log_whose_first_frame_is_damaged_gives_all_that_its_other_frames_hold(
    tmp_path: Path,
) -> None:
    """SQLite stops at the first frame that is wrong, and forgets all of them."""
    found = left("young")
    found.lay(tmp_path)
    log = bytearray(found.files[LOG_NAME])
    log[100] ^= 1
    (tmp_path / LOG_NAME).write_bytes(log)
    (damage,) = require_the_truth(tmp_path, found)
    assert (damage.missing, damage.saved) == (0, 40)
    assert damage.kept_as == tuple(f"{name}.damaged-{stamp(NOW)}" for name in (FILE_NAME, LOG_NAME))
    assert (tmp_path / damage.kept_as[1]).read_bytes() == bytes(log)


def test_an_older_copy_of_the_file_is_told(tmp_path: Path) -> None:
    older, newer = tmp_path / "older", tmp_path / "newer"
    file = JournalFile(older, now=NOW)
    file.append(entries(1, 5))
    file.close()
    shutil.copytree(older, newer)
    file = JournalFile(newer, now=NOW)
    file.commit_landed(entries(3, 3)[0])
    file.append(entries(6, 9))
    while file.tidy():
        pass
    file.close()
    shutil.copy(older / FILE_NAME, newer)
    (damage,) = require_the_truth(newer, Left({}, tuple(entries(4, 9))))
    assert (damage.missing, damage.saved) == (4, 2)


def test_the_file_of_another_journal_is_not_committed(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        file = JournalFile(tmp_path / name, now=NOW)
        file.append(entries(1, 3) if name == "ours" else entries(1, 9))
        file.close()
    shutil.copy(tmp_path / "theirs" / FILE_NAME, tmp_path / "ours")
    (damage,) = require_the_truth(tmp_path / "ours", Left({}, tuple(entries(1, 3))))
    assert damage.problem == "journal.sqlite is no file of the journal that journal.counter counts"
    assert (damage.missing, damage.saved) == (3, 0)


def test_a_copy_is_used_when_it_is_put_in_its_place_without_the_counter(tmp_path: Path) -> None:
    """As the note says."""
    found = left("closed")
    found.lay(tmp_path)
    (tmp_path / FILE_NAME).rename(tmp_path / "copy")
    JournalFile(tmp_path, now=NOW).close()
    (tmp_path / "copy").rename(tmp_path / FILE_NAME)
    (tmp_path / COUNTER_NAME).unlink()
    file = JournalFile(tmp_path, now=NOW + 60)
    assert file.pending() == list(found.pending)
    file.close()


def test_a_repair_that_was_cut_off_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each of its renames in turn: nothing whole is lost, and what was missing is told."""
    found = left("running")
    for last_one in range(7):
        directory = tmp_path / str(last_one)
        found.lay(directory)
        zero_a_page(directory / LOG_NAME, random.Random(3))
        (directory / FILE_NAME).write_bytes(found.files[FILE_NAME][:9_000])
        whole = tmp_path / f"{last_one}-whole"
        shutil.copytree(directory, whole)
        expected = JournalFile(whole, now=NOW)
        renames = iter(range(last_one))

        def cut_off(
            path: Path, target: Path, *, rename: Callable[..., Path], left_over: Iterator[int]
        ) -> Path:
            if next(left_over, None) is None:
                raise OSError(errno.EIO, "the power is gone")
            return rename(path, target)

        with monkeypatch.context() as power:
            for name in ("rename", "replace"):
                really = getattr(Path, name)
                power.setattr(Path, name, partialmethod(cut_off, rename=really, left_over=renames))
            with pytest.raises(ConfigurationError, match="the power is gone"):
                JournalFile(directory, now=NOW)
        file = JournalFile(directory, now=NOW + 1)
        assert [each.sample for each in file.pending()] == [
            each.sample for each in expected.pending()
        ]
        assert {damage.missing for damage in file.damages if damage.missing} == {
            damage.missing for damage in expected.damages
        }
        expected.close()
        file.close()


def test_the_notice_ends_with_its_file(tmp_path: Path) -> None:
    found = left("closed")
    found.lay(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    file = JournalFile(tmp_path, now=NOW)
    (damage,) = file.damages
    (tmp_path / damage.file_name).unlink()
    assert file.damages == ()
    file.close()


def test_a_note_that_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "journal-damage-x.json").write_bytes(b'{"noticed_at": "\xff"}')
    (tmp_path / "journal-damage-y.json").mkdir()
    file = JournalFile(tmp_path, now=NOW)
    assert file.damages == ()
    file.close()


# No false alarm


def test_a_group_that_was_synced_and_not_counted_is_kept_without_a_word(tmp_path: Path) -> None:
    """Killed in between: nobody was told of it, and it may be kept."""
    file = JournalFile(tmp_path, now=NOW)
    file.append(entries(1, 3))
    before = (tmp_path / COUNTER_NAME).read_bytes()
    file.append(entries(4, 6))
    file.close()
    (tmp_path / COUNTER_NAME).write_bytes(before)
    assert require_the_truth(tmp_path, Left({}, tuple(entries(1, 6)))) == ()


def test_a_counter_torn_by_a_power_cut_is_no_damage(tmp_path: Path) -> None:
    file = JournalFile(tmp_path, now=NOW)
    for number in range(1, 5):
        file.append(entries(number, number))
    file.close()
    counter = tmp_path / COUNTER_NAME
    whole = counter.read_bytes()
    places = sorted((0, 4_096), key=lambda at: b'"last": 4' not in whole[at : at + 512])
    counter.write_bytes(whole[: places[0] + 90] + bytes(60) + whole[places[0] + 150 :])
    assert require_the_truth(tmp_path, Left({}, tuple(entries(1, 4)))) == ()


def test_a_counter_that_cannot_be_written_refuses_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = JournalFile(tmp_path, now=NOW)
    file.append(entries(1, 1))
    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "bad")))
        for _ in range(2):
            with pytest.raises(JournalUnavailable, match="nothing was kept"):
                file.append(entries(2, 4))
    file.append(entries(2, 2))
    assert file.pending() == entries(1, 2)
    file.close()
    assert require_the_truth(tmp_path, Left({}, tuple(entries(1, 2)))) == ()


def test_a_first_start_that_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    JournalFile(tmp_path, now=NOW).close()
    (tmp_path / FILE_NAME).unlink()
    file = JournalFile(tmp_path, now=NOW)
    assert (file.pending(), file.damages) == ([], ())
    file.close()


def test_that_all_files_of_the_journal_are_gone_is_told_where_a_service_has_run_before(
    tmp_path: Path,
) -> None:
    LabelMemory(tmp_path).keep(LabelNames(), {})
    file = JournalFile(tmp_path, now=NOW)
    (damage,) = file.damages
    assert str(damage).startswith("journal.sqlite and journal.counter are missing: whether ack")
    assert (file.pending(), damage.missing) == ([], None)
    file.close()
    again = JournalFile(tmp_path, now=NOW + 60)
    assert again.damages == (damage,), "once"
    again.close()


def test_the_counter_is_synced_soon_after_an_acknowledgement_and_before_anything_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = JournalFile(tmp_path, now=NOW)
    file.append(entries(1, 2))
    file.append(entries(3, 4))
    assert not file.is_count_synced
    file.sync_count()
    assert file.is_count_synced
    file.commit_landed(entries(2, 2)[0])
    synced: list[int] = []
    with monkeypatch.context() as disk:
        disk.setattr(os, "fdatasync", lambda _: synced.append(len(file.pending())))
        file.tidy()
    assert synced == [2], "and what is to be deleted no longer counts"
    file.close()


def test_a_counter_that_is_moved_away_meanwhile_is_made_anew(tmp_path: Path) -> None:
    file = JournalFile(tmp_path, now=NOW)
    file.append(entries(1, 2))
    file.append(entries(3, 4))
    (tmp_path / COUNTER_NAME).unlink()
    file.close()
    assert require_the_truth(tmp_path, Left({}, tuple(entries(1, 4)))) == ()


# Journals of before

OLD_LAYOUT = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE samples (
    seq INTEGER PRIMARY KEY, tag TEXT NOT NULL, minute INTEGER NOT NULL, status TEXT NOT NULL,
    latency NOT NULL, acknowledged_at REAL NOT NULL
);
CREATE TABLE committed (up_to INTEGER NOT NULL);
INSERT INTO committed VALUES (4);
INSERT INTO samples VALUES (3, 'earth', 29000000, 'UP', 1, 1.5);
INSERT INTO samples VALUES (5, 'earth', 29000001, 'DOWN', 12, 2.5);
INSERT INTO samples VALUES (9, 'Erde', 29000002, 'DEGRADED', 0.1, 3.5);
PRAGMA application_id = 0x4B4A524E;
PRAGMA user_version = 1;
"""
OLD_SAMPLES = [
    Sample("earth", 29_000_001, Status.DOWN, 12),
    Sample("Erde", 29_000_002, Status.DEGRADED, 0.1),
]


def old_journal(directory: Path) -> Path:
    path = directory / FILE_NAME
    with closing(sqlite3.connect(path)) as db:
        db.executescript(OLD_LAYOUT)
    return path


def test_a_journal_without_checksums_goes_on_with_them(tmp_path: Path) -> None:
    old_journal(tmp_path)
    for _ in range(2):
        file = JournalFile(tmp_path, now=NOW)
        assert [each.sample for each in file.pending()] == OLD_SAMPLES
        assert [each.seq for each in file.pending()] == [10, 11]
        assert file.damages == ()
        file.close()
    (tmp_path / FILE_NAME).unlink()
    file = JournalFile(tmp_path, now=NOW)
    assert [damage.missing for damage in file.damages] == [2]
    file.close()


def test_an_upgrade_that_was_cut_off_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_journal(tmp_path)
    with monkeypatch.context() as power:
        power.setattr("github_store.journal_database.LAYOUT", "no number")
        with pytest.raises(ConfigurationError):
            JournalFile(tmp_path, now=NOW)
    file = JournalFile(tmp_path, now=NOW)
    assert [each.sample for each in file.pending()] == OLD_SAMPLES
    assert file.damages == ()
    file.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE samples SET status = 'GREEN' WHERE seq = 9",
        "UPDATE samples SET latency = 'slow' WHERE seq = 9",
        "DROP TABLE committed",
    ],
)
def test_without_checksums_a_damaged_file_is_set_aside_and_nothing_of_it_is_committed(
    tmp_path: Path, sql: str
) -> None:
    path = old_journal(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(sql)
    file = JournalFile(tmp_path, now=NOW)
    assert file.pending() == []
    (damage,) = file.damages
    assert damage.missing is None
    assert "journal.sqlite is damaged" in damage.problem
    assert all((tmp_path / name).exists() for name in damage.kept_as)
    file.close()
