"""``kener-issues push``: status without a server, as Actions and cron write it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from github_store import Status
from github_store.embedded import EmbeddedGitHub
from github_store.status_board_format import parse_board
from tests.github_person import Person
from tests.store.test_status_store import file_on

COMMAND = Path(sys.executable).with_name("kener-issues")
MONITORS = b"[{name: Earth, tag: earth}, {name: Search, tag: google-search}]"


@pytest.fixture
def environment(github: EmbeddedGitHub) -> dict[str, str]:
    """What a workflow gives the command."""
    github.create_repository("owner/actions", files={"monitors.yaml": MONITORS})
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": "owner/actions",
        "GITHUB_TOKEN": github.tokens["owner"],
    }


def push(
    environment: dict[str, str], cwd: Path, *arguments: str, lines: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "push", *arguments],
        cwd=cwd,
        env=environment,
        input=lines,
        capture_output=True,
        text=True,
        timeout=30,
    )


def owner_of(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["owner"], "owner/actions")


def test_one_sample_is_one_commit_and_the_same_again_is_none(
    github: EmbeddedGitHub, environment: dict[str, str], tmp_path: Path
) -> None:
    at = str(int(time.time()) - 60)
    arguments = ("--tag", "google-search", "--status", "DOWN", "--latency", "0.2")
    done = push(environment, tmp_path, *arguments, "--timestamp", at)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"success at {int(at) // 60 * 60}\n"
    again = push(environment, tmp_path, *arguments, "--timestamp", at)
    assert (again.returncode, again.stdout) == (
        0,
        "1 sample: already on status-data of owner/actions\n",
    )
    latest = parse_board(file_on(owner_of(github))).entries["google-search"].latest
    assert (latest.status, latest.latency) == (Status.DOWN, 0.2)
    assert len(owner_of(github).do("GET", "/commits?sha=status-data")) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["github"], "nothing is left behind"


def test_a_batch_is_one_commit(
    github: EmbeddedGitHub, environment: dict[str, str], tmp_path: Path
) -> None:
    now = int(time.time())
    lines = "\n".join(
        f'{{"tag": "{tag}", "status": "UP", "latency": 0.1, "timestampInSeconds": {now - 60 * i}}}'
        for tag in ("earth", "google-search")
        for i in range(20)
    )
    done = push(environment, tmp_path, lines=f"{lines}\n\n")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "40 samples committed to status-data of owner/actions\n",
        "",
    )
    assert len(owner_of(github).do("GET", "/commits?sha=status-data")) == 1


@pytest.mark.parametrize(
    ("arguments", "lines", "message"),
    [
        (("--tag", "earth"), "", "--status: expected UP"),
        (("--status", "UP"), "", "--tag: expected the tag of a monitor"),
        (("--latency", "1"), '{"tag": "earth", "status": "UP"}', "--status: expected UP"),
        (("--tag", "mars", "--status", "UP"), "", '--tag: "mars" is the tag of no monitor'),
        (("--tag", "earth", "--status", "UP", "--latency", "-1"), "", "--latency: expected a"),
        (("--tag", "earth", "--status", "UP", "--latency", "nan"), "", "--latency: expected a"),
        (("--tag", "earth", "--status", "UP", "--timestamp", "9999999999999"), "",
         "--timestamp: expected seconds (not milliseconds)"),
        (("--tag", "earth", "--status", "UP", "--timestamp", "0"), "", "--timestamp: expected at"),
        ((), "", "nothing to push"),
        ((), '{"tag": "earth", "status": "UP", "latency": 0}\n{"tag"}\n', "line 2: malformed JSON"),
        ((), '{"tag"\n', "line 1: malformed JSON (line 1, column 7"),
    ],
    ids=["no status", "no tag", "a latency alone", "unknown tag", "negative latency", "no latency",
         "milliseconds", "too old", "nothing", "a bad line", "a line cut off"],
)  # fmt: skip
def test_what_is_wrong_is_one_line_and_nothing_is_pushed(
    github: EmbeddedGitHub,
    environment: dict[str, str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    lines: str,
    message: str,
) -> None:
    done = push(environment, tmp_path, *arguments, lines=lines)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not github.count("POST")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"GITHUB_TOKEN": ""}, "GH_TOKEN is missing"),
        ({"GITHUB_REPOSITORY": "owner/nowhere"}, "owner/nowhere does not exist"),
        ({"GITHUB_TOKEN": "made-up"}, "GH_TOKEN: GitHub refuses the credential"),
    ],
    ids=["no token", "no repository", "a wrong token"],
)
def test_a_wrong_setting_is_exit_code_2(
    environment: dict[str, str], tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    done = push(environment | changes, tmp_path, "--tag", "earth", "--status", "UP")
    assert done.returncode == 2
    assert message in done.stderr
    assert "made-up" not in done.stderr


def test_a_github_that_is_out_is_exit_code_1(
    github: EmbeddedGitHub, environment: dict[str, str], tmp_path: Path
) -> None:
    github.faults.add("error", status=503)
    done = push(environment, tmp_path, "--tag", "earth", "--status", "UP")
    assert done.returncode == 1
    assert done.stderr.startswith("kener-issues: ")
    assert done.stderr.count("\n") == 1
