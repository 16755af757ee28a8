"""Where monitors.yaml comes from, and every way in which it is not to be had."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from github_store.embedded import EmbeddedGitHub
from github_store.errors import ConfigurationError, GitHubUnavailable
from github_store.gateway import Gateway, TokenCredential
from github_store.monitors_file import (
    MAX_BYTES,
    is_local,
    load_monitors,
    local_monitors,
    parsed_monitors,
    tell_warnings,
)
from tests.store.scripted_http import Answer, scripted

MONITORS = b"[{name: A, tag: a}]"
LARGE = b"# " + b"x" * 1_100_000 + b"\n" + MONITORS
T = TypeVar("T")


def with_gateway(url: str, token: str, question: Callable[[Gateway], Awaitable[T]]) -> T:
    async def run() -> T:
        gateway = Gateway(
            repository_name="owner/monitors",
            credential=TokenCredential(token),
            api_url=url,
            clock=time.time,
        )
        try:
            return await question(gateway)
        finally:
            await gateway.close()

    return asyncio.run(run())


def committed(github: EmbeddedGitHub, path: str, **files: bytes) -> tuple[str, ...]:
    """The tags in the file of that path in a repository with these files."""
    named = {name.replace("_", "."): data for name, data in files.items()}
    github.create_repository("owner/monitors", files=named)
    found = with_gateway(
        github.url, github.tokens["owner"], lambda gateway: load_monitors(gateway, path)
    )
    return found.monitors.tags


def test_a_local_file_goes_before_the_repository(
    github: EmbeddedGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("monitors.yaml").write_text("[{name: B, tag: b}]")
    assert committed(github, "monitors.yaml", monitors_yaml=MONITORS) == ("b",)


def test_without_one_the_repositorys_is_read(github: EmbeddedGitHub) -> None:
    assert committed(github, "monitors.yaml", monitors_yaml=MONITORS) == ("a",)


# On this machine's disk


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(MONITORS)
    for name in ("nothing", "nowhere/monitors.yaml", "file/monitors.yaml"):
        assert local_monitors(str(tmp_path / name)) is None


def local_problem(path: Path) -> str:
    assert is_local(str(path))
    with pytest.raises(ConfigurationError) as caught:
        local_monitors(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_directory_in_its_place_is_an_error(tmp_path: Path) -> None:
    assert local_problem(tmp_path) == f"MONITORS: {tmp_path} is a directory"


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert local_problem(tmp_path / "pipe").endswith("pipe is no file")


def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    assert "a link to a file that is not there" in local_problem(tmp_path / "link")
    assert "circle: cannot be read: " in local_problem(tmp_path / "circle")


def test_a_large_local_file_is_refused_with_its_size_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "monitors.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert "the file has 1,099,511,627,776 bytes, at most 1,000,000" in local_problem(path)


def test_a_file_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "monitors.yaml"
    path.write_bytes(b"- name: A\n  tag: \xff\n")
    assert local_problem(path) == f"{path}, line 2: the file is not UTF-8"


# In the repository


def test_a_large_committed_file_is_refused_with_its_size_and_not_taken_for_empty(
    github: EmbeddedGitHub,
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        committed(github, "monitors.yaml", monitors_yaml=LARGE)
    assert str(caught.value) == (
        f"owner/monitors:monitors.yaml: the file has {len(LARGE):,} bytes, "
        f"at most {MAX_BYTES:,} are read"
    )


def test_a_committed_directory_is_an_error(github: EmbeddedGitHub) -> None:
    with pytest.raises(ConfigurationError, match="MONITORS: owner/monitors:config is a directory"):
        committed(github, "config", **{"config/monitors_yaml": MONITORS})


@pytest.mark.parametrize("path", ["nothing.yaml", "../monitors.yaml", "/"])
def test_what_is_nowhere_is_an_error(
    github: EmbeddedGitHub, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ConfigurationError, match=r"^MONITORS: "):
        committed(github, path, monitors_yaml=MONITORS)


@pytest.mark.parametrize("content", ["x", 7, ["x"]], ids=str)
def test_an_answer_that_is_none_is_an_outage(content: object) -> None:
    answer = Answer(200, {"type": "file", "size": 9, "encoding": "base64", "content": content})
    with scripted(answer, answer) as server, pytest.raises(GitHubUnavailable, match="no content"):
        with_gateway(server.url, "x", lambda gateway: load_monitors(gateway, "monitors.yaml"))


# What is doubtful


def test_what_is_doubtful_is_told_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "monitors.yaml"
    path.write_bytes(b"[{name: A, tag: a, Hidden: true}]")
    text = local_monitors(str(path))
    assert text is not None
    tell_warnings(parsed_monitors(text))
    assert caplog.record_tuples == [
        (
            "github_store.monitors_file",
            logging.WARNING,
            f"{path}, line 1: monitors[0].Hidden: is ignored; is hidden meant?",
        )
    ]
