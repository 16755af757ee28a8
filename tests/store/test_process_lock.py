"""One process per data directory, by the kernel's word: however the first one ends, it is free."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from github_store.errors import ConfigurationError
from github_store.process_lock import FILE_NAME, ProcessLock

NOW = 1_795_338_843.9
SINCE = "2026-11-22T09:14:03Z"
HOUSE = Path(__file__).parents[2]

HOLDER = """
import os, subprocess, sys
from pathlib import Path
from github_store.process_lock import ProcessLock

lock = ProcessLock(Path(sys.argv[1]), now=float(sys.argv[2]))
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
subprocess.Popen(["cat"], close_fds=False, stdout=subprocess.DEVNULL)
print("ready", flush=True)
os.waitpid(-1, 0)
"""


@contextmanager
def holder(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the lock, and two children: a forked one and a started one."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory), str(NOW)],
        cwd=HOUSE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.stdin.close()  # the children end with it
            process.kill()
            assert process.stdout.read() == ""  # they have ended


def test_a_second_process_is_told_who_is_there_until_kill_9_whatever_its_children_do(
    tmp_path: Path,
) -> None:
    with holder(tmp_path) as process:
        expected = f"DATA_DIR: {tmp_path} is in use by process {process.pid} (since {SINCE})"
        with pytest.raises(ConfigurationError, match=f"^{re.escape(expected)}$"):
            ProcessLock(tmp_path, now=NOW + 60)
        process.send_signal(signal.SIGKILL)
        process.wait()
        ProcessLock(tmp_path, now=NOW + 60).release()


def test_a_second_one_in_the_same_process_is_refused_and_does_no_harm(tmp_path: Path) -> None:
    with ProcessLock(tmp_path, now=NOW):
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=f"process {os.getpid()} .since {SINCE}"):
                ProcessLock(tmp_path, now=NOW + 60)


def test_what_is_released_can_be_taken_again(tmp_path: Path) -> None:
    first = ProcessLock(tmp_path, now=NOW)
    first.release()
    with ProcessLock(tmp_path, now=NOW + 60):
        first.release()  # a second time: nothing of the second one's
        with pytest.raises(ConfigurationError, match="since 2026-11-22T09:15:03Z"):
            ProcessLock(tmp_path, now=NOW + 120)


def test_the_file_is_signed_anew_whatever_it_held(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("something much longer than a process and a time\n" * 9)
    with ProcessLock(tmp_path, now=NOW):
        assert (tmp_path / FILE_NAME).read_text() == f"{os.getpid()} {SINCE}\n"


def test_one_that_has_not_signed_yet_holds_all_the_same(tmp_path: Path) -> None:
    with ProcessLock(tmp_path, now=NOW):
        (tmp_path / FILE_NAME).write_bytes(b"\xff")
        with pytest.raises(ConfigurationError, match=r"in use by another process$"):
            ProcessLock(tmp_path, now=NOW)


def test_directories_are_made_for_their_owner_and_locked_apart(tmp_path: Path) -> None:
    with ProcessLock(tmp_path / "a" / "b", now=NOW), ProcessLock(tmp_path / "a", now=NOW):
        assert (tmp_path / "a" / "b").stat().st_mode & 0o077 == 0


def test_a_directory_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"DATA_DIR: .*file cannot be used: File exists"):
        ProcessLock(tmp_path / "file", now=NOW)
