"""As whom this service wrote, remembered for the same credential and told of no other."""

from __future__ import annotations

import json
import logging
import stat
from pathlib import Path

import pytest

from github_store.own_logins import FILE, MOST, OwnLogins

SECRET = bytes(range(32))
TOKEN = "ghs_made-up-and-never-to-be-written"


def logins(directory: Path, token: str = TOKEN) -> OwnLogins:
    return OwnLogins(directory, secret=SECRET, credential=token)


def test_what_was_learned_is_known_after_a_restart_with_the_same_credential(tmp_path: Path) -> None:
    assert logins(tmp_path).own is None
    logins(tmp_path).learn("my-app[bot]")
    assert logins(tmp_path).own == "my-app[bot]"


def test_another_credential_is_not_known_and_the_former_login_was_ours(tmp_path: Path) -> None:
    logins(tmp_path).learn("my-app[bot]")
    later = logins(tmp_path, "ghs_of-the-next-hour")
    assert (later.own, later.ever) == (None, {"my-app[bot]"})
    later.learn("my-app[bot]")
    assert logins(tmp_path, "ghs_of-the-next-hour").own == "my-app[bot]"
    assert logins(tmp_path).own is None


def test_the_latest_login_of_a_credential_counts(tmp_path: Path) -> None:
    own = logins(tmp_path)
    for login in ("old-name[bot]", "new-name[bot]"):
        own.learn(login)
    assert (own.own, logins(tmp_path).own) == ("new-name[bot]", "new-name[bot]")
    own.learn("old-name[bot]")
    assert logins(tmp_path).own == "old-name[bot]"


def test_no_credential_is_written_and_the_owner_alone_may_read(tmp_path: Path) -> None:
    logins(tmp_path).learn("my-app[bot]")
    path = tmp_path / FILE
    text = path.read_text()
    assert TOKEN not in text
    assert SECRET.hex() not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [FILE]
    [mark] = json.loads(text)["credentials"].values()
    other = OwnLogins(tmp_path, secret=bytes(32), credential=TOKEN)
    assert other.own is None, f"{mark} tells nothing without the secret"


def test_so_many_are_remembered_and_no_more(tmp_path: Path) -> None:
    own = logins(tmp_path)
    for number in range(MOST + 5):
        own.learn(f"app-{number}[bot]")
    assert logins(tmp_path).ever == {f"app-{number}[bot]" for number in range(5, MOST + 5)}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"version": 2}', '{"version": 1, "credentials": []}']
)
def test_a_file_that_cannot_be_read_is_no_memory(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    own = logins(tmp_path)
    assert (own.own, own.ever) == (None, frozenset())
    own.learn("my-app[bot]")
    assert logins(tmp_path).own == "my-app[bot]"


def test_a_disk_that_fails_is_said_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = logins(tmp_path / "not there")
    with caplog.at_level(logging.WARNING):
        own.learn("my-app[bot]")
    assert own.own == "my-app[bot]"
    assert "is not remembered" in caplog.text


def test_a_login_that_changed_by_a_bit_is_not_believed(tmp_path: Path) -> None:
    logins = OwnLogins(tmp_path, secret=b"s" * 32, credential="token")
    logins.learn("status-bot")
    path = tmp_path / FILE
    path.write_text(path.read_text().replace("status-bot", "status-cot"))
    assert OwnLogins(tmp_path, secret=b"s" * 32, credential="token").ever == frozenset()
