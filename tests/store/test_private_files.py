"""Files for their owner alone: written whole, and made private."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from github_store.private_files import (
    make_private,
    make_private_directory,
    make_private_file,
    open_to_others,
    write_private_file,
)


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_file_is_written_for_its_owner_alone_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content in (b"one", b"two"):
        write_private_file(path, content)
        assert path.read_bytes() == content
        assert mode(path) == 0o600
        assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_file_then_name_are_synced_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, steps = tmp_path / "a", []
    fsync, replace = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        kind = "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        steps.append(f"sync {kind}")
        fsync(descriptor)

    def noted_replace(draft: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(draft, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_private_file(path, b"content")
    assert steps == ["sync file", "rename", "sync directory"]
    steps.clear()
    write_private_file(path, b"content", is_synced=False)
    assert steps == ["rename"]


@pytest.mark.parametrize("kind", ["file", "symbolic link"])
def test_what_stands_in_the_drafts_place_is_not_written_through(tmp_path: Path, kind: str) -> None:
    draft, outside = tmp_path / "a.draft", tmp_path / "outside"
    outside.write_bytes(b"theirs")
    if kind == "file":
        draft.write_bytes(b"half")
    else:
        draft.symlink_to(outside)
    write_private_file(tmp_path / "a", b"ours")
    assert (tmp_path / "a").read_bytes() == b"ours"
    assert outside.read_bytes() == b"theirs"


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_private_file(tmp_path / "a", b"content")
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_everything_below_a_directory_is_closed_to_others(tmp_path: Path) -> None:
    root = tmp_path / "data"
    deep = root / "git" / "owner"
    deep.mkdir(parents=True)
    (deep / "hook").touch(0o755)
    (deep / "object").touch(0o444)
    (root / "open").touch(0o666)
    (root / ".hidden").touch(0o644)
    root.chmod(0o2777)
    assert make_private(root) == []
    assert {path.name: mode(path) for path in (root, *root.rglob("*"))} == {
        "data": 0o2700,
        "git": 0o700,
        "owner": 0o700,
        "hook": 0o700,
        "object": 0o400,
        "open": 0o600,
        ".hidden": 0o600,
    }


def test_symbolic_links_lead_nowhere(tmp_path: Path) -> None:
    root, outside = tmp_path / "data", tmp_path / "outside"
    root.mkdir()
    outside.mkdir(0o755)
    (outside / "file").touch(0o644)
    for name, target in (("a", outside), ("b", outside / "file"), ("c", tmp_path / "nothing")):
        (root / name).symlink_to(target)
    assert make_private(root) == []
    assert (mode(outside), mode(outside / "file")) == (0o755, 0o644)


def test_a_data_directory_that_is_a_symbolic_link_is_the_one_it_leads_to(tmp_path: Path) -> None:
    """Whoever sets DATA_DIR may choose so; what is linked from within is another matter."""
    (tmp_path / "real").mkdir(0o755)
    (tmp_path / "real" / "file").touch(0o644)
    (tmp_path / "link").symlink_to("real")
    assert make_private(tmp_path / "link") == []
    assert (mode(tmp_path / "real"), mode(tmp_path / "real" / "file")) == (0o700, 0o600)


def test_pipes_are_not_opened_and_do_not_hold_up_anything(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert make_private(tmp_path) == []


@pytest.mark.parametrize("told", ["it belongs to another user", "this file system keeps no modes"])
def test_what_stays_open_is_told_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    (tmp_path / "file").touch(0o644)
    if told.startswith("it belongs"):
        monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    else:
        tmp_path.chmod(0o755)
        monkeypatch.setattr(os, "fchmod", lambda *_: None)
    assert make_private(tmp_path) == [
        f"{tmp_path} ({told})",
        f"{tmp_path / 'file'} ({told})",
    ]
    assert mode(tmp_path / "file") == 0o644


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert make_private(tmp_path / "none") == [f"{tmp_path / 'none'} (No such file or directory)"]


def test_what_is_made_is_private_from_the_first_moment(tmp_path: Path) -> None:
    make_private_directory(tmp_path / "a")
    make_private_directory(tmp_path / "a")
    make_private_file(tmp_path / "a" / "b")
    (tmp_path / "a" / "b").write_bytes(b"kept")
    make_private_file(tmp_path / "a" / "b")
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o700, 0o600)
    assert (tmp_path / "a" / "b").read_bytes() == b"kept"


def test_who_may_get_at_a_directory_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    assert open_to_others(tmp_path) is None
    tmp_path.chmod(0o750)
    assert open_to_others(tmp_path) == f"{tmp_path} has mode 0750"
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert open_to_others(tmp_path) == f"{tmp_path} belongs to another user"
