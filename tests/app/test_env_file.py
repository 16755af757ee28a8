"""The file .env: every line is read, or named by its number; no value is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.env_file import EnvFile, parse_env, read_env_file
from app.settings import SETTING_NAMES
from github_store import ConfigurationError


def parse(text: str) -> EnvFile:
    return parse_env(text, file=".env", names=SETTING_NAMES)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        pytest.param("PORT=4000\n# a comment\n\nOTHER=1", {"PORT": "4000", "OTHER": "1"}, id="two"),
        pytest.param("export PORT=4000", {"PORT": "4000"}, id="export"),
        pytest.param("PORT = 4000 # mine", {"PORT": "4000"}, id="spaces and a comment"),
        pytest.param("PORT=1\r\nHOST='::'\r\n", {"PORT": "1", "HOST": "::"}, id="CRLF"),
        pytest.param("PORT=1\rHOST=a", {"PORT": "1", "HOST": "a"}, id="CR"),
        pytest.param("API_TOKEN=${HOME}#x$y", {"API_TOKEN": "${HOME}#x$y"}, id="as it is written"),
        pytest.param("API_IP=\nPORT", {"API_IP": "", "PORT": ""}, id="empty"),
        pytest.param("API_IP=::1\nAPI_IP=\n", {"API_IP": "::1"}, id="an empty one undoes nothing"),
        pytest.param("PORT=1\nPORT=2\n", {"PORT": "2"}, id="the last one counts"),
        pytest.param("A='x\ny'\nPORT=1", {"A": "x\ny", "PORT": "1"}, id="lines that are not ours"),
        pytest.param(
            'GITHUB_APP_PRIVATE_KEY="-----BEGIN\nAb+c==\n-----END"\nPORT=1',
            {"GITHUB_APP_PRIVATE_KEY": "-----BEGIN\nAb+c==\n-----END", "PORT": "1"},
            id="a key over lines",
        ),
    ],
)
def test_what_people_write_is_read(text: str, values: dict[str, str]) -> None:
    assert parse(text).values == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('PORT=1\nAPI_IP="secret', "line 2: expected NAME=value"),
        ("\n\n  API_IP='secret\nPORT=1\n", "line 3: expected NAME=value"),
        ("API_IP='secret'x", "line 1: expected NAME=value"),
        ("API_IP secret", "line 1: expected NAME=value"),
        ("API_IP: secret", "line 1: expected NAME=value"),
        ("set API_IP=secret", "line 1: expected NAME=value"),
        ("- API_IP=secret", "line 1: expected NAME=value"),
        ("=secret", "line 1: expected NAME=value"),
        ("API_IP='a'\n\n\nAPI_TOKEN=\"sec'ret\n", "line 4: expected NAME=value"),
        ('GITHUB_WEBHOOK_SECRET="secret\nAPI_IP=x\nA="', "line 1: its quote does not end before"
         " API_IP"),
        ("OTHER='secret\n export API_IP = x\n'", "line 1: its quote does not end before API_IP"),
        ("GITHUB_APP_PRIVATE_KEY='a\nAPI_TOKEN=secret'", "does not end before API_TOKEN"),
        ("API_TOKEN='secret\nmore'", "line 1: API_TOKEN: expected a value on one line"),
        ("PORT=1\nA\x00P\x00I\x00=secret", "line 2: it has a control character"),
        ("API_IP=secret\x1b[0m", "line 1: it has a control character"),
        ("PORT=1\u2028API_IP=secret", "line 1: it has a control character"),
        ("PORT=1\x85API_IP=secret", "line 1: it has a control character"),
        ("\nDATA_DIR=secret API_IP=::1", "line 2: its value goes on with API_IP=: one setting a"),
        ("OTHER=secret; API_IP=::1", "line 1: its value goes on with API_IP="),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_named_and_its_value_is_not(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert str(caught.value).startswith(".env, line ")
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_is_known_where_a_name_stands() -> None:
    assert parse("\n\nPORT=1\n\n# x\nHOST=a\nPORT=2").lines == {"PORT": (3, 7), "HOST": (6,)}


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbfPORT=4000")
    assert read_env_file(file, names=SETTING_NAMES).values == {"PORT": "4000"}


def test_a_file_need_not_be_there(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / ".env", names=SETTING_NAMES) == EnvFile()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.env").write_bytes(b"PORT=\xff\xfe")
    (tmp_path / "dangling.env").symlink_to("nowhere")
    (tmp_path / "circle.env").symlink_to("circle.env")
    (tmp_path / "directory.env").mkdir()
    for file in tmp_path.iterdir():
        with pytest.raises(ConfigurationError, match=f"^{file.name} cannot be read: "):
            read_env_file(file, names=SETTING_NAMES)


def test_a_file_that_this_user_may_not_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)  # who runs the tests may be root
    with pytest.raises(ConfigurationError, match=r"^\.env cannot be read: Permission denied$"):
        read_env_file(tmp_path / ".env", names=SETTING_NAMES)
