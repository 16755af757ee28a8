"""The journal: what was acknowledged is there after anything, in its order; what was not, is not.

``kill -9`` is a real one, of a child process in the middle of its appends.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from github_store.errors import ConfigurationError, JournalUnavailable
from github_store.journal import DiskJournal, Sequenced
from github_store.journal_counter import FILE_NAME as COUNTER_NAME
from github_store.journal_file import FILE_NAME, JournalFile
from github_store.journal_record import Head, encoded_head
from github_store.monitor import Status
from github_store.sample import Sample

NOW = 1_700_000_000.5
HOUSE = Path(__file__).parents[2]


def sample(minute: int, *, tag: str = "earth", latency: float = 12.5) -> Sample:
    return Sample(tag, minute, Status.UP, latency)


def use(
    directory: Path,
    work: Callable[[DiskJournal], Coroutine[Any, Any, None]],
    *,
    clock: Callable[[], float] = lambda: NOW,
) -> tuple[Sequenced, ...]:
    """Open a journal, work with it, close it; what is pending at the end."""

    async def opened() -> tuple[Sequenced, ...]:
        journal = DiskJournal(directory, clock=clock)
        try:
            await work(journal)
            return journal.pending()
        finally:
            await journal.close()

    return asyncio.run(opened())


async def nothing(_journal: DiskJournal) -> None:
    """Only open and close."""


def add(*minutes: int) -> Callable[[DiskJournal], Coroutine[Any, Any, None]]:
    async def work(journal: DiskJournal) -> None:
        await asyncio.gather(*(journal.append(sample(minute)) for minute in minutes))

    return work


def minutes(entries: Sequence[Sequenced]) -> list[int]:
    return [entry.sample.minute for entry in entries]


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """A disk with no room: this process's writes beyond ``size`` bytes of a file fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# Order and life


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "not new"])
def test_a_transaction_ends_with_a_sync_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    """A killed process cannot show this, only a power cut: so SQLite is asked."""
    if not is_new:
        use(tmp_path, nothing)
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def noted(*args: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", noted)
    file = JournalFile(tmp_path, now=NOW)
    connection = opened[-1]
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    file.close()


def test_what_is_appended_is_pending_in_the_order_of_acknowledgement(tmp_path: Path) -> None:
    times = iter([NOW, NOW, NOW + 1, NOW - 3_600])  # the first one for the start

    async def work(journal: DiskJournal) -> None:
        assert (journal.depth, journal.oldest_at, journal.pending()) == (0, None, ())
        assert [await journal.append(sample(minute)) for minute in (7, 5, 7)] == [1, 2, 3]
        assert (journal.depth, journal.oldest_at) == (3, NOW)

    assert use(tmp_path, work, clock=lambda: next(times)) == (
        Sequenced(1, sample(7), NOW),
        Sequenced(2, sample(5), NOW + 1),
        Sequenced(3, sample(7), NOW - 3_600),
    )


@pytest.mark.parametrize(
    "pushed",
    [
        Sample("earth", 28_333_333, Status.DOWN, 0.1 + 0.2),
        Sample("earth", 28_333_333, Status.DEGRADED, 1),
        Sample("earth", 28_333_333, Status.UP, 1.0),
        Sample("earth", 28_333_333, Status.UP, 1.7976931348623157e308),
        Sample("Erde 🌍 'x' \"y\"", 0, Status.UP, 0.0),
    ],
    ids=["inexact", "whole", "whole float", "largest", "any tag"],
)
def test_a_sample_comes_back_exactly_as_it_was_given(tmp_path: Path, pushed: Sample) -> None:
    async def work(journal: DiskJournal) -> None:
        await journal.append(pushed)

    use(tmp_path, work)
    (entry,) = use(tmp_path, nothing)
    assert entry == Sequenced(1, pushed, NOW)
    assert type(entry.sample.latency) is type(pushed.latency)
    assert type(entry.sample.status) is Status


def test_a_new_start_finds_all_that_is_pending(tmp_path: Path) -> None:
    before = use(tmp_path / "made" / "for it", add(*range(500)))
    assert minutes(before) == list(range(500))
    assert use(tmp_path / "made" / "for it", nothing) == before


def test_a_clean_end_leaves_the_file_and_its_counter(tmp_path: Path) -> None:
    use(tmp_path, add(1, 2, 3))
    assert {path.name for path in tmp_path.iterdir()} == {FILE_NAME, COUNTER_NAME}


def test_closing_acknowledges_what_has_arrived_and_refuses_what_comes_later(
    tmp_path: Path,
) -> None:
    async def work(journal: DiskJournal) -> None:
        arrived = [asyncio.create_task(journal.append(sample(minute))) for minute in range(3)]
        await asyncio.sleep(0)
        await journal.close()
        assert await asyncio.gather(*arrived) == [1, 2, 3]
        with pytest.raises(JournalUnavailable, match="stopping"):
            await journal.append(sample(4))

    use(tmp_path, work)
    assert minutes(use(tmp_path, nothing)) == [0, 1, 2]


def test_whoever_hangs_up_has_handed_in_all_the_same(tmp_path: Path) -> None:
    async def work(journal: DiskJournal) -> None:
        hasty = asyncio.create_task(journal.append(sample(1)))
        await asyncio.sleep(0)
        hasty.cancel()
        assert await journal.append(sample(2)) == 2
        with pytest.raises(asyncio.CancelledError):
            await hasty

    assert minutes(use(tmp_path, work)) == [1, 2]


# Groups


def test_all_that_arrive_together_share_one_sync(tmp_path: Path) -> None:
    groups: list[list[int]] = []

    async def work(journal: DiskJournal) -> None:
        journal.listen(lambda entries: groups.append(minutes(entries)))
        seqs = await asyncio.gather(*(journal.append(sample(minute)) for minute in range(1_000)))
        assert seqs == list(range(1, 1_001))

    assert minutes(use(tmp_path, work)) == list(range(1_000))
    assert groups == [list(range(1_000))]


def test_what_arrives_during_a_sync_is_the_next_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sync is held up: whoever comes meanwhile waits for it, and shares the one after it."""
    groups: list[list[int]] = []
    is_syncing, may_go_on = threading.Event(), threading.Event()
    really_append = JournalFile.append

    def slow_append(file: JournalFile, entries: Sequence[Sequenced]) -> None:
        if not is_syncing.is_set():
            is_syncing.set()
            assert may_go_on.wait(10)
        really_append(file, entries)

    monkeypatch.setattr(JournalFile, "append", slow_append)

    async def work(journal: DiskJournal) -> None:
        journal.listen(lambda entries: groups.append(minutes(entries)))
        first = asyncio.create_task(journal.append(sample(0)))
        await asyncio.to_thread(is_syncing.wait, 10)
        others = [asyncio.create_task(journal.append(sample(minute))) for minute in (1, 2)]
        await asyncio.sleep(0)  # they have arrived
        others += [asyncio.create_task(journal.append(sample(minute))) for minute in (3, 4)]
        for _ in range(3):
            await asyncio.sleep(0)
        assert journal.depth == 0
        assert not any(task.done() for task in (first, *others))
        may_go_on.set()
        assert await asyncio.gather(first, *others) == [1, 2, 3, 4, 5]

    use(tmp_path, work)
    assert groups == [[0], [1, 2, 3, 4]]


def test_transactions_are_far_fewer_than_appends_by_many_at_once(tmp_path: Path) -> None:
    groups: list[Sequence[Sequenced]] = []

    async def client(journal: DiskJournal, first: int) -> None:
        for minute in range(first, first + 20):
            await journal.append(sample(minute))

    async def work(journal: DiskJournal) -> None:
        journal.listen(groups.append)
        await asyncio.gather(*(client(journal, 20 * number) for number in range(32)))

    pending = use(tmp_path, work)
    assert sorted(minutes(pending)) == list(range(640))
    assert [entry.seq for entry in pending] == list(range(1, 641))
    assert [entry for group in groups for entry in group] == list(pending)
    assert len(groups) <= 640 / 8


def test_a_listener_hears_of_a_sample_before_its_append_returns(tmp_path: Path) -> None:
    heard: list[Sequenced] = []

    async def work(journal: DiskJournal) -> None:
        journal.listen(heard.extend)
        await journal.append(sample(1))
        assert minutes(heard) == [1]
        assert journal.pending() == tuple(heard)

    use(tmp_path, work)


@pytest.mark.parametrize("others", [0, 2], ids=["alone", "among others"])
def test_what_no_file_can_hold_fails_alone(tmp_path: Path, others: int) -> None:
    async def work(journal: DiskJournal) -> None:
        results = await asyncio.gather(
            journal.append(sample(0, tag="\ud800")),
            *(journal.append(sample(minute)) for minute in range(1, others + 1)),
            journal.append(sample(0, latency=float("nan"))),
            return_exceptions=True,
        )
        assert isinstance(results.pop(0), ValueError)
        assert isinstance(results.pop(), ValueError)
        assert results == list(range(1, others + 1)), "what is refused leaves no gap"

    assert minutes(use(tmp_path, work)) == list(range(1, others + 1))


# Forgetting


def test_what_is_forgotten_is_no_longer_pending_here_nor_after_a_start(tmp_path: Path) -> None:
    async def work(journal: DiskJournal) -> None:
        await add(1, 2, 3, 4)(journal)
        journal.forget(up_to=3)
        assert minutes(journal.pending()) == [4]
        assert journal.depth == 1
        journal.forget(up_to=2)  # an older commit's word comes late
        assert minutes(journal.pending()) == [4]

    use(tmp_path, work)
    assert minutes(use(tmp_path, nothing)) == [4]


def test_what_is_not_yet_acknowledged_is_never_forgotten(tmp_path: Path) -> None:
    async def work(journal: DiskJournal) -> None:
        await journal.append(sample(1))
        coming = asyncio.create_task(journal.append(sample(2)))
        await asyncio.sleep(0)
        journal.forget(up_to=1_000)
        assert await coming == 2

    assert minutes(use(tmp_path, work)) == [2]
    assert minutes(use(tmp_path, nothing)) == [2]


def test_numbers_go_on_where_all_is_forgotten(tmp_path: Path) -> None:
    async def work(journal: DiskJournal) -> None:
        await add(1, 2, 3)(journal)
        journal.forget(up_to=3)

    use(tmp_path, work)
    (entry,) = use(tmp_path, add(9))
    assert entry.seq == 4


def test_a_backlog_is_deleted_in_portions_and_its_space_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("github_store.journal_file.PORTION", 300)
    monkeypatch.setattr("github_store.journal_file.SPARE_PAGES", 10)
    file = JournalFile(tmp_path, now=NOW)
    file.append([Sequenced(n, sample(n, tag="x" * 1_000), NOW) for n in range(1, 1_001)])
    file.commit_landed(Sequenced(999, sample(999), NOW))
    portions = 0
    while file.tidy():
        portions += 1
        assert minutes(file.pending()) == [1_000]
    file.close()
    assert portions > 1_000 / 300
    assert (tmp_path / FILE_NAME).stat().st_size < 3 * 10 * 4_096
    assert minutes(use(tmp_path, nothing)) == [1_000]


def test_files_stay_small_while_samples_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("github_store.journal_database.LOG_PAGES", 20)
    file = JournalFile(tmp_path, now=NOW)
    largest = 0
    for seq in range(1, 101):
        file.append([Sequenced(seq, sample(seq, tag="x" * 3_000), NOW)])
        file.commit_landed(Sequenced(seq, sample(seq), NOW))
        while file.tidy():
            pass
        largest = max(largest, sum(path.stat().st_size for path in tmp_path.iterdir()))
    file.close()
    assert largest < 40 * 4_096


# Kill -9

CHILD = """
import asyncio, itertools, os, sys, time
from pathlib import Path
from github_store.journal import DiskJournal
from github_store.monitor import Status
from github_store.sample import Sample

async def push_on(directory, first):
    minutes = itertools.count(first)
    journal = DiskJournal(directory, clock=time.time)
    os.write(1, f"process {os.getpid()}\\n".encode())

    async def client():
        for minute in minutes:
            seq = await journal.append(Sample("earth", minute, Status.UP, 1.5))
            os.write(1, f"{seq} {minute}\\n".encode())
            if minute % 50 == 0:
                journal.forget(up_to=int(sys.argv[1]))

    await asyncio.gather(*(client() for _ in range(8)))

for line in sys.stdin:
    directory, first = line.rsplit(maxsplit=1)
    if child := os.fork():
        os.waitpid(child, 0)
        print("ended", flush=True)
    else:
        asyncio.run(push_on(Path(directory), int(first)))
"""
FORGOTTEN = 25


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged: dict[int, int] = {}
    chance = random.Random(7)
    command = [sys.executable, "-c", CHILD, str(FORGOTTEN)]
    with subprocess.Popen(
        command, cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for number in range(6):
            highest = max(acknowledged, default=0)
            child.stdin.write(f"{tmp_path} {1_000_000 * number}\n")
            child.stdin.flush()
            victim = int(child.stdout.readline().removeprefix("process "))
            left = chance.randrange(1, 300)
            for line in child.stdout:
                if line == "ended\n":
                    break
                seq, minute = map(int, line.split())
                assert seq > highest
                assert seq not in acknowledged
                acknowledged[seq] = minute
                if (left := left - 1) == 0:
                    os.kill(victim, signal.SIGKILL)
        child.stdin.close()
    found = {entry.seq: entry.sample.minute for entry in use(tmp_path, nothing)}
    owed = {seq: minute for seq, minute in acknowledged.items() if seq > FORGOTTEN}
    assert len(owed) > 100
    assert {seq: found.get(seq) for seq in owed} == owed


# Trouble


def test_a_disk_without_room_refuses_and_nothing_is_kept_until_there_is_room(
    tmp_path: Path,
) -> None:
    async def work(journal: DiskJournal) -> None:
        await add(1, 2)(journal)
        log = (tmp_path / f"{FILE_NAME}-wal").stat().st_size
        with no_file_longer_than(log + 100):
            for _ in range(2):
                refused = await asyncio.gather(
                    *(journal.append(sample(minute)) for minute in (3, 4)), return_exceptions=True
                )
                assert [type(each) for each in refused] == [JournalUnavailable] * 2
                assert "the journal in DATA_DIR cannot be written" in str(refused[0])
                assert "nothing was kept" in str(refused[0])
            journal.forget(up_to=1)
            assert minutes(journal.pending()) == [2]
        await journal.append(sample(5))

    assert minutes(use(tmp_path, work)) == [2, 5]
    assert minutes(use(tmp_path, nothing))[-2:] == [2, 5]


def test_a_disk_with_no_room_at_the_start_still_gives_what_is_pending(tmp_path: Path) -> None:
    use(tmp_path, add(1, 2))

    async def work(journal: DiskJournal) -> None:
        with pytest.raises(JournalUnavailable):
            await journal.append(sample(3))

    with no_file_longer_than(0):
        assert minutes(use(tmp_path, work)) == [1, 2]


def test_a_file_that_is_moved_while_in_use_acknowledges_nothing(tmp_path: Path) -> None:
    async def work(journal: DiskJournal) -> None:
        await journal.append(sample(1))
        (tmp_path / FILE_NAME).rename(tmp_path / "moved")
        with pytest.raises(JournalUnavailable, match=r"journal\.sqlite was moved or deleted"):
            await journal.append(sample(2))
        (tmp_path / "moved").rename(tmp_path / FILE_NAME)
        await journal.append(sample(3))

    assert minutes(use(tmp_path, work)) == [1, 3]


def test_a_fault_of_the_writer_is_told_and_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(journal: DiskJournal) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(JournalFile, "append", None)
            with pytest.raises(JournalUnavailable):
                await journal.append(sample(1))
        await journal.append(sample(2))

    assert minutes(use(tmp_path, work)) == [2]
    assert "fault of its own" in caplog.text


# Files that are none


def content_of(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def execute(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(sql)
    connection.close()


def test_a_later_versions_file_stops_the_start_and_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    use(tmp_path, add(*range(30)))
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE head SET entry = ?", (encoded_head(Head("id", 7, layout=3)),))
        db.execute("PRAGMA user_version = 3")
    db.close()
    before = content_of(path)
    with pytest.raises(ConfigurationError, match="has layout 3, and this version reads 2") as error:
        DiskJournal(tmp_path, clock=lambda: NOW)
    assert str(path) in str(error.value)
    assert content_of(path) == before


def test_another_programs_file_is_not_even_prepared(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    execute(path, "CREATE TABLE songs (title)")
    content = path.read_bytes()
    with pytest.raises(ConfigurationError, match="another program's file"):
        DiskJournal(tmp_path, clock=lambda: NOW)
    assert path.read_bytes() == content


def test_a_torn_end_of_the_log_is_dropped_and_what_was_synced_before_is_there(
    tmp_path: Path,
) -> None:
    """As a power cut leaves it: any length of the log is a state of the file before."""
    source, cut = tmp_path / "source", tmp_path / "cut"
    file = JournalFile(source, now=NOW)
    ends: list[int] = []
    log = source / f"{FILE_NAME}-wal"
    for number in range(1, 5):
        file.append([Sequenced(number, sample(number), NOW)])
        ends.append(log.stat().st_size)
    base, whole = (source / FILE_NAME).read_bytes(), log.read_bytes()
    file.close()
    cut.mkdir()
    for length in range(ends[0], len(whole) + 1, 511):
        (cut / FILE_NAME).write_bytes(base)
        (cut / f"{FILE_NAME}-wal").write_bytes(whole[:length])
        opened = JournalFile(cut, now=NOW)
        synced = sum(length >= end for end in ends)
        assert minutes(opened.pending()) == list(range(1, synced + 1))
        opened.close()


def test_a_directory_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"DATA_DIR: .*file cannot be used"):
        DiskJournal(tmp_path / "file", clock=lambda: NOW)


def test_a_journal_that_another_program_has_open_for_writing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("github_store.journal_database.BUSY_SECONDS", 0.01)
    file = JournalFile(tmp_path, now=NOW)
    with pytest.raises(ConfigurationError, match="in use by another program"):
        DiskJournal(tmp_path, clock=lambda: NOW)
    file.close()
