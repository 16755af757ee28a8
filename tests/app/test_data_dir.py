"""DATA_DIR is for its owner alone, whatever the umask was and whatever stood there."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.data_dir import private_data_dir, private_umask
from github_store import ConfigurationError
from tests.app.test_cli import PROGRAM, environment


@pytest.fixture
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(root: Path) -> dict[str, str]:
    """Of everything that others may get at: none of it should be here."""
    return {
        str(path): oct(path.lstat().st_mode)
        for path in (root, *root.rglob("*"))
        if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o077
    }


def use(data_dir: Path, *arguments: str) -> None:
    """Run it, push a status, open an incident, and look while it runs and after."""
    given = environment(DATA_DIR=str(data_dir), API_TOKEN="a-token-of-16-letters")
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=data_dir.parent,
        env=given,
        stdout=subprocess.PIPE,
        text=True,
        umask=0,
    ) as process:
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if "Ctrl-C" in line:
                    break
            if arguments == ("serve",):
                write(next(word for word in said.split() if word.startswith("http")))
            assert modes(data_dir) == {}
        finally:
            process.terminate()
            process.wait(30)
    assert modes(data_dir) == {}


def write(url: str) -> None:
    origin = httpx.URL(url).copy_with(path="/")
    headers = {"Authorization": "Bearer a-token-of-16-letters"}
    with httpx.Client(base_url=origin, headers=headers) as client:
        pushed = {"status": "DOWN", "latency": 1, "tag": "google-search"}
        assert client.post("/api/status", json=pushed).status_code == 200
        incident = {"title": "Out", "tags": ["google-search"], "startDatetime": 1_700_000_000}
        key = {"Idempotency-Key": "once"}
        assert client.post("/api/incident", json=incident, headers=key).status_code == 200


def test_a_directory_that_others_could_read_is_closed_and_stays_closed_while_it_is_used(
    tmp_path: Path, careless_umask: None
) -> None:
    data_dir = tmp_path / "data"
    (data_dir / "127.0.0.1-1").mkdir(0o755, parents=True)
    (data_dir / "127.0.0.1-1" / "journal.sqlite-wal").touch(0o644)
    (data_dir / "webhook-secret").write_text("secret-of-before\n")
    use(data_dir, "serve")
    assert (data_dir / "github.db").exists()
    assert list(data_dir.rglob("journal.sqlite"))


def test_the_embedded_github_alone_keeps_to_it_as_well(tmp_path: Path) -> None:
    use(tmp_path / "data", "github")


def test_doctor_says_who_may_look(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(0o755)
    (tmp_path / "data").chmod(0o755)
    given = environment(DATA_DIR=str(tmp_path / "data"))
    said = subprocess.run(
        [*PROGRAM, "doctor"], cwd=tmp_path, env=given, capture_output=True, text=True, check=False
    )
    assert f"warn  DATA_DIR  {tmp_path / 'data'} has mode 0755: it holds secrets" in said.stdout


def test_what_stays_open_is_logged_once_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    private_data_dir(tmp_path)
    assert caplog.messages == [
        f"DATA_DIR: others may read {tmp_path} (it belongs to another user), and 1 more"
    ]


def test_a_directory_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"^DATA_DIR: .*/file cannot be used: "):
        private_data_dir(tmp_path / "file")


def test_the_umask_is_what_it_was_before(careless_umask: None, tmp_path: Path) -> None:
    with private_umask():
        (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"] == [0o600, 0o666]


@pytest.mark.parametrize(
    "what",
    [
        *("a git checkout", "a home directory", "above a home directory"),
        *("for everybody's temporary files", "the root of the file system"),
    ],
)
def test_a_place_of_other_things_is_refused_and_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    place = tmp_path / "place"
    (place / ".git").mkdir(parents=True)
    place.chmod(0o755)
    if "home" in what:
        below = "people/jane" if what.startswith("above") else ""
        monkeypatch.setenv("HOME", str(place / below))
    if "temporary" in what:
        monkeypatch.setattr("app.data_dir._TEMPORARY", (str(place),))
    if what != "a git checkout":
        (place / ".git").rmdir()
    with pytest.raises(ConfigurationError, match=f"^DATA_DIR: .+ is {what}: choose"):
        private_data_dir(Path("/") if what.startswith("the root") else place)
    assert place.stat().st_mode & 0o777 == 0o755
