"""The command, as a person starts it: in a directory, with an environment."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.cli import main
from app.settings import setting_rows
from github_store.embedded import EmbeddedGitHub

PROJECT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "app.cli"]
PATIENCE_SECONDS = 30
PROMPT_SECONDS = 6
"""Nothing hangs: the machine may be busy with other tests. That it takes less than two seconds,
``.ci/prove-serve`` proves by itself."""


def environment(**given: str) -> dict[str, str]:
    """Nothing of this machine's own settings, and ports that nobody has."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "PYTHONUNBUFFERED": "1",
        "PORT": "0",
        **given,
    }


@dataclass(frozen=True)
class Said:
    """What a command that came to its end left behind."""

    code: int
    output: str
    errors: str

    def one_line(self) -> str:
        """The only line of an error that configuration can cure."""
        assert self.code == 2
        assert self.errors.count("\n") == 1
        return self.errors.removeprefix("kener-issues: ").strip()


Command = Callable[..., Said]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs the command to its end in this process, in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **given: str) -> Said:
        monkeypatch.setattr(os, "environ", environment(**given))
        monkeypatch.setattr(sys, "argv", ["kener-issues", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        output, errors = capsys.readouterr()
        return Said(int(ended.value.code or 0), output, errors)

    return run


@contextmanager
def running(
    directory: Path, *arguments: str, given: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and what it said until it was ready; it is ended in any case."""
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=directory,
        env=environment(**(given or {})),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if "Ctrl-C" in line:
                    break
            yield process, said
        finally:
            process.kill()


def stop(process: subprocess.Popen[str], by: signal.Signals) -> tuple[int, float, str]:
    """Exit code, seconds it took, and standard error."""
    asked_at = time.monotonic()
    process.send_signal(by)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, time.monotonic() - asked_at, errors


def test_it_says_its_version(command: Command) -> None:
    assert command("--version") == Said(0, "kener-issues 0.1.0\n", "")


def test_settings_are_listed_with_secrets_masked(tmp_path: Path, command: Command) -> None:
    (tmp_path / ".env").write_text("GH_TOKEN=a-secret\nSTATUS_BRANCH=from-file\n")
    listed = command("settings", GITHUB_REPOSITORY="a/b").output
    lines = listed.splitlines()
    assert lines[0].split() == ["SETTING", "VALUE", "DEFAULT", "UNIT", "MEANING"]
    assert len(lines) == 1 + len(list(setting_rows()))
    assert "a-secret" not in listed
    assert re.search(r"^GH_TOKEN +\*+ ", listed, re.MULTILINE)
    assert re.search(r"^STATUS_BRANCH +from-file +status-data +branch +\w", listed, re.MULTILINE)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"PORT": "x"}, "PORT: expected 0 to 65535"),
        ({"GH_TOKEN": "a-secret"}, "GITHUB_REPOSITORY is missing: set it to owner/name, or unset"
         " GH_TOKEN to run with the embedded GitHub"),
        ({"MONITORS": "none.yaml", "SAMPLE_DATA": "no"},
         "MONITORS: none.yaml is neither a file here nor in the repository owner/status"),
        ({"HOST": "192.0.2.1"}, "HOST: 192.0.2.1 is no address of this machine"),
    ],
    ids=["a wrong setting", "a missing setting", "no monitors", "a strange address"],
)  # fmt: skip
def test_what_keeps_it_from_starting_is_one_line(
    command: Command, given: dict[str, str], message: str
) -> None:
    assert command("serve", **given).one_line() == message


def test_a_locale_that_lacks_a_character_ends_nothing(tmp_path: Path) -> None:
    given = environment(STATUS_BRANCH="größe…", PYTHONIOENCODING="latin-1")
    done = subprocess.run(
        [*PROGRAM, "settings"], cwd=tmp_path, env=given, capture_output=True, check=True
    )
    assert b"gr\xf6\xdfe\\u2026" in done.stdout


@pytest.mark.parametrize("name", ["serve", "doctor", "settings", "push", "github"])
def test_a_line_of_the_env_file_that_cannot_be_read_keeps_it_from_starting(
    tmp_path: Path, command: Command, name: str
) -> None:
    (tmp_path / ".env").write_text("PORT=0\nAPI_IP='192.0.2.1\n")
    assert command(name).one_line().startswith(".env, line 2: expected NAME=value")


def test_in_a_workflow_the_env_file_is_not_read(tmp_path: Path, command: Command) -> None:
    (tmp_path / ".env").write_text("STATUS_BRANCH=from-file\nAPI_IP='192.0.2.1\n")
    listed = command("settings", GITHUB_ACTIONS="true")
    assert (listed.code, "from-file" in listed.output) == (0, False)


def test_doubtful_settings_are_told_where_there_is_no_log_and_by_the_doctor(
    tmp_path: Path, command: Command
) -> None:
    (tmp_path / ".env").write_text("API_IPP=192.0.2.1\n")
    told = command("settings", TRUSTED_PROXIES="").errors
    assert told == (
        "kener-issues: TRUSTED_PROXIES: it is given and empty: it protects nothing; set or remove"
        " it\nkener-issues: API_IPP: it is no setting (.env, line 1); is API_IP meant?\n"
    )
    found = command("doctor", TRUSTED_PROXIES="")
    assert (found.code, found.errors) == (0, "")
    assert re.search(r"^warn +TRUSTED_PROXIES +it is given and empty", found.output, re.MULTILINE)
    assert re.search(r"^warn +API_IPP +it is no setting .*meant\?$", found.output, re.MULTILINE)


def test_a_port_in_use_is_one_line(tmp_path: Path, command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        message = command("serve", PORT=port).one_line()
    assert message == f"PORT: {port} is in use; stop what listens there, or set another"
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_that_cannot_be_used_is_one_line(tmp_path: Path, command: Command) -> None:
    (tmp_path / "file").write_text("")
    for name in ("serve", "github"):
        message = command(name, DATA_DIR="file").one_line()
        assert message.startswith("DATA_DIR: file cannot be used: ")


def test_a_wrong_monitors_file_is_one_line_with_its_place(tmp_path: Path, command: Command) -> None:
    (tmp_path / "monitors.yaml").write_text("- name: A\n  tag: a,b\n")
    message = command("serve").one_line()
    assert message.startswith("monitors.yaml, line 2: monitors[0].tag")


def test_a_wrong_token_and_a_missing_repository_are_one_line(
    tmp_path: Path, command: Command
) -> None:
    with EmbeddedGitHub(tmp_path / "github") as github:
        github.create_repository("owner/status", files={"monitors.yaml": b"[{name: A, tag: a}]"})
        given = {"GITHUB_API_URL": github.url, "API_TOKEN": "x"}
        wrong = {**given, "GITHUB_REPOSITORY": "owner/status", "GH_TOKEN": "wrong"}
        missing = {**given, "GITHUB_REPOSITORY": "owner/none", "GH_TOKEN": github.tokens["owner"]}
        assert command("serve", **wrong).one_line().startswith("GH_TOKEN: ")
        assert (
            command("serve", **missing)
            .one_line()
            .startswith("GITHUB_REPOSITORY: owner/none does not exist")
        )


def test_the_doctor_says_by_its_exit_code_whether_all_is_well(
    tmp_path: Path, command: Command
) -> None:
    with EmbeddedGitHub(tmp_path / "github") as github:
        github.create_repository("owner/status", files={"monitors.yaml": b"[{name: A, tag: a}]"})
        given = {
            "GITHUB_API_URL": github.url,
            "GITHUB_REPOSITORY": "owner/status",
            "API_TOKEN": "x",
        }
        well = command("doctor", **given, GH_TOKEN=github.tokens["owner"])
        ill = command("doctor", **given, GH_TOKEN="a-wrong-token")
    assert (well.code, ill.code) == (0, 1)
    assert re.search(r"^ok +token ", well.output, re.MULTILINE)
    assert re.search(r"^fail +access ", ill.output, re.MULTILINE)
    assert "a-wrong-token" not in ill.output + ill.errors
    assert command("doctor", **given).one_line().startswith("GH_TOKEN is missing")


@pytest.mark.parametrize(
    ("arguments", "given"),
    [(["--log-format", "json"], {}), ([], {"LOG_FORMAT": "json"})],
    ids=["the option", "the setting"],
)
def test_every_line_of_the_log_is_json_where_it_is_asked_for(
    tmp_path: Path, arguments: list[str], given: dict[str, str]
) -> None:
    (tmp_path / "monitors.yaml").write_text("[{name: A, tag: a}]")
    given = {**given, "SAMPLE_DATA": "no", "API_TOKEN": "a-token-of-mine", "API_IPP": "::1"}
    with running(tmp_path, "serve", *arguments, given=given) as (process, said):
        url = said.split("Service")[1].split()[0]
        headers = {"Authorization": "Bearer a-token-of-mine", "X-Request-Id": "mine"}
        assert httpx.get(f"{url}/api/status?tag=a", headers=headers).status_code == 200
        assert httpx.get(f"{url}/readyz").json()["ready"] is True
        assert (
            "kener_issues_github_requests_total{"
            in httpx.get(f"{url}/metrics", headers=headers).text
        )
        code, _, errors = stop(process, signal.SIGINT)
    assert code == 0
    lines = [json.loads(line) for line in errors.splitlines()]
    assert [line["route"] for line in lines if line.get("id") == "mine"] == [
        "/api/status",
        "/metrics",
    ]
    assert "a-token-of-mine" not in errors
    assert "API_IPP: it is no setting; is API_IP meant?" in [line["message"] for line in lines]


def pasted(line: str) -> str:
    """What a shell prints for the line."""
    shell = ["sh", "-c", line]
    return subprocess.run(
        shell, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True
    ).stdout


def test_a_first_start_shows_samples_and_a_second_finds_everything_as_it_was(
    tmp_path: Path,
) -> None:
    with running(tmp_path, "serve") as (process, said):
        token = said.split("Bearer ")[1].split("'")[0]
        url = said.split("Service")[1].split()[0]
        assert '"status":"UP"' in pasted(next(x for x in said.splitlines() if "curl " in x))
        client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"})
        with client:
            first = client.get("/api/incident").json()
            assert len(first) == 3
            created = client.post("/api/incident", json={"title": "Mine", "tags": ["website"]})
            assert created.status_code == 200
        code, seconds, errors = stop(process, signal.SIGINT)
    assert code == 0
    assert seconds < PROMPT_SECONDS
    assert "POST /api/incident 200" in errors
    assert token not in errors
    assert "Traceback" not in errors
    secret = tmp_path / ".kener-issues" / "api-token"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600

    with running(tmp_path, "serve") as (process, said):
        process.send_signal(signal.SIGHUP)
        assert token in said
        url = said.split("Service")[1].split()[0]
        headers = {"Authorization": f"Bearer {token}"}
        found = httpx.get(f"{url}/api/incident", headers=headers).json()
        assert found == [created.json(), *first]
        code, _, errors = stop(process, signal.SIGTERM)
    assert code == 0
    assert errors.count("SIGHUP: nothing is reloaded") == 1


def test_neither_idle_clients_nor_strange_ones_disturb(tmp_path: Path) -> None:
    (tmp_path / "monitors.yaml").write_text("[{name: A, tag: a}]")
    with running(tmp_path, "serve", given={"SAMPLE_DATA": "no"}) as (process, said):
        url = httpx.URL(said.split("Service")[1].split()[0])
        address = (url.host, url.port or 80)
        with socket.create_connection(address) as strange:
            strange.sendall(b"no http at all\r\n\r\n")
            with strange.makefile("rb") as answer:
                head, _, body = answer.read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert json.loads(body).keys() == {"error", "detail"}
        with socket.create_connection(address) as idle:
            idle.sendall(b"POST /api/incident HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n")
            code, seconds, _ = stop(process, signal.SIGINT)
    assert code == 0
    assert seconds < PROMPT_SECONDS


def test_a_github_that_does_not_answer_is_one_line_and_another_code(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    given = {"GITHUB_API_URL": url, "GITHUB_REPOSITORY": "a/b", "GH_TOKEN": "x", "API_TOKEN": "x"}
    said = command("serve", **given)
    assert (said.code, said.errors.count("\n")) == (1, 1)
    assert said.errors.startswith("kener-issues: ")


def test_a_github_that_is_slow_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with EmbeddedGitHub(tmp_path / "github") as github:
        github.create_repository("owner/status", files={"monitors.yaml": b"[{name: A, tag: a}]"})
        given = {
            "GITHUB_API_URL": github.url,
            "GITHUB_REPOSITORY": "owner/status",
            "GH_TOKEN": github.tokens["owner"],
            "API_TOKEN": "x",
        }
        with running(tmp_path, "serve", given=given) as (process, said):
            url = said.split("Service")[1].split()[0]
            waits = github.faults.add("latency", match="/issues", seconds=30, count=1)
            with ThreadPoolExecutor(1) as pool:
                headers = {"Authorization": "Bearer x"}
                waiting = pool.submit(
                    httpx.get, f"{url}/api/incident/1", headers=headers, timeout=PATIENCE_SECONDS
                )
                poll = threading.Event()
                while any(each["id"] == waits for each in github.faults.active()):
                    poll.wait(0.01)
                code, seconds, errors = stop(process, signal.SIGINT)
                answer = waiting.result()
    assert (code, answer.status_code) == (0, 503)
    assert answer.json()["error"] == "the service is stopping"
    assert seconds < PROMPT_SECONDS
    assert "Traceback" not in errors


def test_the_embedded_github_runs_alone(tmp_path: Path, command: Command) -> None:
    arguments = ("github", "--port", "0", "--data-dir", "there")
    with running(tmp_path, *arguments, given={"GITHUB_REPOSITORY": "owner/page"}) as running_one:
        process, said = running_one
        assert "Repository  owner/page" in said
        url = re.search(r"http://\S+", said)
        assert url is not None
        process.send_signal(signal.SIGHUP)
        answer = httpx.get(f"{url[0]}/repos/owner/page/contents/monitors.yaml")
        assert answer.status_code == 200
        other = command("github", "--data-dir", "there").one_line()
        assert other.startswith("another process runs an embedded GitHub on there")
        code, seconds, errors = stop(process, signal.SIGINT)
    assert (code, errors.count("SIGHUP: nothing is reloaded")) == (0, 1)
    assert seconds < PROMPT_SECONDS
