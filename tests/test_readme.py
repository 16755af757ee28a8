"""The README keeps its word: its commands run, its tables are complete, its versions are true."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.openapi import openapi_document
from app.settings import setting_rows

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def served(tmp_path: Path) -> str:
    """What the README's commands print, run in order against a service of their own."""
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "DATA_DIR": str(tmp_path / "data"),
        "PORT": "0",
    }
    with subprocess.Popen(
        [BIN / "kener-issues", "serve"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as service:
        try:
            assert service.stdout is not None
            banner = ""
            while not (address := re.search(r"Service\s+http://(\S+:\d+)", banner)):
                line = service.stdout.readline()
                assert line, f"it ended by itself: {banner}"
                banner += line
            while "Ctrl-C" not in banner:
                banner += service.stdout.readline()
            script = "set -euo pipefail\n" + "\n".join(BLOCKS)
            done = subprocess.run(
                ["bash", "-c", script.replace("127.0.0.1:3000", address[1])],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout
        finally:
            service.send_signal(signal.SIGINT)
            service.communicate(timeout=20)


def test_its_commands_run_and_do_what_it_says(served: str) -> None:
    assert '"message":"success at ' in served
    assert '"status":"DOWN"' in served
    assert served.count('"title":"Outage in Mumbai"') == 2, "opened, and found"
    assert "google-search DOWN" in served, "the history says what changed"
    assert "Usage: kener-issues" in served


def test_a_set_up_block_says_why_it_is_not_run() -> None:
    for before in re.findall(r"(.*)\n^```bash$", README, re.MULTILINE):
        assert before.startswith("<!-- set-up:"), before


def test_every_setting_is_listed_with_its_default_and_meaning() -> None:
    table = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", README, re.MULTILINE))
    assert list(table) == [row.name for row in setting_rows()]
    for row in setting_rows():
        default = f"`{row.default}`" if row.default else "none"
        assert table[row.name].startswith(f"{default} | {row.meaning}"), row.name


def test_every_operation_is_listed() -> None:
    for path, operations in openapi_document()["paths"].items():
        if path.startswith("/api/"):
            for method in operations.keys() & {"get", "post", "patch"}:
                assert f"`{method.upper()} {path}" in README


def test_the_python_version_is_the_one_it_is_built_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    version = project["requires-python"].removeprefix(">=")
    assert f"Python {version} or newer" in README


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!http)([^)#]+)", README))))
def test_what_it_links_to_is_there(target: str) -> None:
    assert (ROOT / target).exists()
