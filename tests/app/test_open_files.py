"""As many open files as the system allows, and enough of them left for everything else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.open_files import room_for_connections

PROGRAM = """
import resource
from app.open_files import raise_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(raise_open_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("soft", "hard"), [(64, 500), (500, 500)])
def test_the_limit_is_raised_to_what_is_allowed(soft: int, hard: int) -> None:
    program = PROGRAM.format(soft=soft, hard=hard)
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["500", "500", "500"]


@pytest.mark.parametrize(
    ("open_files", "connections"),
    [(65_536, 2_048), (2_560, 2_048), (1_524, 1_012), (1_024, 512), (256, 128), (1, 1)],
)
def test_some_are_left_for_the_disk_and_for_github(open_files: int, connections: int) -> None:
    assert room_for_connections(open_files) == connections
