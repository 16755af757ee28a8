"""What a start remembers for one during an outage: whole or not at all, and of its own alone."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from github_store.start_memory import DIRECTORY, Remembered, StartMemory

KNOWN = Remembered(
    repository_key="7",
    repository_name="Owner/Status",
    own_login="owner",
    monitors_path="monitors.yaml",
    monitors_text="[{name: Köln, tag: köln}]",
)


def memory(data_dir: Path, *, server: str = "embedded", name: str = "owner/status") -> StartMemory:
    return StartMemory(data_dir, server=server, repository_name=name)


def only_file(data_dir: Path) -> Path:
    (found,) = (data_dir / DIRECTORY).iterdir()
    return found


@pytest.mark.parametrize("text", [KNOWN.monitors_text, None], ids=["committed", "of this disk"])
def test_what_was_kept_is_recalled(tmp_path: Path, text: str | None) -> None:
    known = replace(KNOWN, monitors_text=text)
    memory(tmp_path).keep(replace(KNOWN, own_login="another"))
    memory(tmp_path).keep(known)
    assert memory(tmp_path).recall() == known
    assert memory(tmp_path, name="Owner/Status").recall() == known, "GitHub ignores case"


def test_nothing_is_recalled_before_something_was_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert memory(tmp_path).recall() is None
    assert caplog.records == []


@pytest.mark.parametrize(
    ("server", "name"),
    [("embedded", "owner-status/x"), ("embedded", "owner/status/x"), ("api.github.com", "o/s")],
)
def test_another_server_or_repository_is_another_memory(
    tmp_path: Path, server: str, name: str
) -> None:
    memory(tmp_path, name="owner/status-x").keep(KNOWN)
    assert memory(tmp_path, server=server, name=name).recall() is None


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    memory(tmp_path).keep(KNOWN)
    assert stat.S_IMODE(only_file(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / DIRECTORY).stat().st_mode) == 0o700


def truncated(content: str) -> str:
    return content[: len(content) // 2]


def of_a_later_version(content: str) -> str:
    return json.dumps({**json.loads(content), "version": 99})


def without_login(content: str) -> str:
    return json.dumps({k: v for k, v in json.loads(content).items() if k != "own_login"})


def with_a_number(content: str) -> str:
    return json.dumps({**json.loads(content), "repository_name": 7})


@pytest.mark.parametrize(
    "harm", [truncated, of_a_later_version, without_login, with_a_number, lambda _: "[]"]
)
def test_a_file_that_is_no_use_is_no_memory(tmp_path: Path, harm: Callable[[str], str]) -> None:
    memory(tmp_path).keep(KNOWN)
    file = only_file(tmp_path)
    file.write_text(harm(file.read_text("utf-8")), "utf-8")
    assert memory(tmp_path).recall() is None
    memory(tmp_path).keep(KNOWN)
    assert memory(tmp_path).recall() == KNOWN


def test_a_disk_that_takes_nothing_is_said_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / DIRECTORY).write_text("no directory")
    memory(tmp_path).keep(KNOWN)
    assert "a start while GitHub is down will not be possible" in caplog.text


def test_a_draft_that_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    memory(tmp_path).keep(KNOWN)
    only_file(tmp_path).with_suffix(".draft").write_text("half of it")
    memory(tmp_path).keep(replace(KNOWN, own_login="another"))
    assert memory(tmp_path).recall() == replace(KNOWN, own_login="another")


def test_a_memory_that_changed_by_a_bit_is_none(tmp_path: Path) -> None:
    memory = StartMemory(tmp_path, server="api.github.com", repository_name="owner/status")
    memory.keep(
        Remembered(
            repository_key="17",
            repository_name="owner/status",
            own_login="bot",
            monitors_path="monitors.yaml",
            monitors_text=None,
        )
    )
    (path,) = (tmp_path / "starts").iterdir()
    path.write_text(path.read_text().replace('"17"', '"16"'))
    assert memory.recall() is None
