"""Blobs on disk: checked when read, bounded, and never a reason to fail."""

from __future__ import annotations

import errno
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from github_store.blob_cache import BlobCache
from github_store.git_tree import blob_sha


def files_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data" / "blobs"


def test_what_was_put_is_there_for_this_process_and_the_next(directory: Path) -> None:
    cache = BlobCache(directory)
    sha = cache.put(b"one")
    assert sha == blob_sha(b"one")
    assert cache.get(sha) == b"one"
    assert BlobCache(directory).get(sha) == b"one"


@pytest.mark.parametrize("name", ["", "../secret", "0" * 39, "0" * 41, "G" * 40, "A" * 40])
def test_what_is_no_name_of_a_blob_is_never_looked_for(directory: Path, name: str) -> None:
    (directory.parent).mkdir(parents=True)
    (directory.parent / "secret").write_bytes(b"x")
    assert BlobCache(directory).get(name) is None


def test_a_missing_directory_holds_nothing_and_is_not_made_by_reading(directory: Path) -> None:
    assert BlobCache(directory).get(blob_sha(b"one")) is None
    assert not directory.exists()


@pytest.mark.parametrize("damage", [b"", b"on", b"onf", b"one and more"])
def test_a_damaged_blob_is_none_and_is_thrown_away(
    directory: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    cache = BlobCache(directory)
    sha = cache.put(b"one")
    (directory / sha).write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        assert cache.get(sha) is None
    assert "damaged" in caplog.text
    assert not (directory / sha).exists()
    assert cache.put(b"one") == sha
    assert cache.get(sha) == b"one"


def test_a_blob_that_somebody_removed_is_none_and_can_be_put_again(directory: Path) -> None:
    cache = BlobCache(directory)
    sha = cache.put(b"one")
    (directory / sha).unlink()
    assert cache.get(sha) is None
    cache.put(b"one")
    assert cache.get(sha) == b"one"


def test_a_draft_of_a_killed_process_goes_and_a_strangers_file_stays(directory: Path) -> None:
    directory.mkdir(parents=True)
    (directory / f"{'0' * 40}.draft").write_bytes(b"half")
    (directory / "notes.txt").write_bytes(b"mine")
    BlobCache(directory).get("0" * 40)
    assert files_in(directory) == {"notes.txt"}


def test_too_many_files_push_out_what_was_used_longest_ago(directory: Path) -> None:
    cache = BlobCache(directory, max_files=2)
    one, two = cache.put(b"one"), cache.put(b"two")
    cache.get(one)
    three = cache.put(b"three")
    assert files_in(directory) == {one, three}
    assert cache.get(two) is None


def test_too_many_bytes_push_out_what_was_used_longest_ago(directory: Path) -> None:
    cache = BlobCache(directory, max_bytes=10)
    one, two, three = cache.put(b"1111"), cache.put(b"2222"), cache.put(b"3333")
    assert files_in(directory) == {two, three}
    assert cache.get(one) is None


def test_what_is_larger_than_the_whole_cache_pushes_nothing_out(directory: Path) -> None:
    cache = BlobCache(directory, max_bytes=4)
    one = cache.put(b"1111")
    assert cache.get(cache.put(b"12345")) is None
    assert cache.get(one) == b"1111"


def test_the_next_process_knows_what_was_used_last(directory: Path) -> None:
    cache = BlobCache(directory)
    shas = [cache.put(content) for content in (b"one", b"two", b"three")]
    for age, sha in zip((30, 10, 20), shas, strict=True):
        os.utime(directory / sha, (1_000_000_000 - age,) * 2)
    smaller = BlobCache(directory, max_files=2)
    assert [smaller.get(sha) for sha in shas] == [None, b"two", b"three"]


def test_reading_counts_as_use_for_the_next_process_too(directory: Path) -> None:
    cache = BlobCache(directory)
    one, two = cache.put(b"one"), cache.put(b"two")
    for sha in (one, two):
        os.utime(directory / sha, (1_000_000_000,) * 2)
    cache.get(one)
    smaller = BlobCache(directory, max_files=1)
    assert smaller.get(two) is None
    assert smaller.get(one) == b"one"


def test_a_directory_that_cannot_be_made_is_said_once_and_otherwise_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = BlobCache(tmp_path / "file" / "blobs")
    with caplog.at_level(logging.WARNING):
        shas = [cache.put(content) for content in (b"one", b"two")]
    assert [cache.get(sha) for sha in shas] == [None, None]
    assert len(caplog.records) == 1


def test_a_full_disk_leaves_no_draft_and_what_was_held(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = BlobCache(directory)
    one = cache.put(b"one")

    def full(path: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk, caplog.at_level(logging.WARNING):
        disk.setattr(Path, "replace", full)
        two = cache.put(b"two")
    assert "No space left" in caplog.text
    assert files_in(directory) == {one}
    assert cache.get(one) == b"one"
    assert cache.get(two) is None
    cache.put(b"two")
    assert cache.get(two) == b"two"


def test_many_threads_share_one_cache(directory: Path) -> None:
    cache = BlobCache(directory, max_files=5)
    contents = [b"%d" % (i % 10) for i in range(200)]

    def both(content: bytes) -> bytes | None:
        return cache.get(cache.put(content))

    with ThreadPoolExecutor(4) as threads:
        got = list(threads.map(both, contents))
    assert all(found in (None, content) for found, content in zip(got, contents, strict=True))
    assert len(files_in(directory)) <= 5


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_it_never_outgrows_its_bounds_and_never_lies(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, int]]
) -> None:
    directory = tmp_path_factory.mktemp("blobs")
    cache = BlobCache(directory, max_bytes=20, max_files=4)
    for is_put, length in steps:
        content = b"x" * length
        if is_put:
            cache.put(content)
            assert cache.get(blob_sha(content)) == content
        else:
            assert cache.get(blob_sha(content)) in (None, content)
        sizes = [path.stat().st_size for path in directory.iterdir()]
        assert len(sizes) <= 4
        assert sum(sizes) <= 20
