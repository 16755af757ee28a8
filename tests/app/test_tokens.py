"""Several tokens, some of which may only read, some of which only their digest is known of."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.auth import Access
from app.credentials import api_tokens
from app.settings import Settings, read_settings
from app.tokens import Right, Tokens, digest_of, is_short
from github_store import ConfigurationError
from tests.app.service import Client, Service

OLD, NEW, READER = "an-old-token-to-replace", "a-new-token-in-its-place", "a-token-for-readers"


def hashed(token: str) -> str:
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def client(token: str) -> Client:
    tokens = Tokens([OLD, hashed(NEW)], read=[hashed(READER)])
    return Service(access=Access(tokens=tokens)).client(token=token)


@pytest.mark.parametrize("token", [OLD, NEW])
def test_while_a_token_is_replaced_both_may_do_everything(token: str) -> None:
    assert client(token).get("/api/incident").status_code == 200
    push = {"tag": "google-search", "status": "UP", "latency": 0.2}
    assert client(token).post("/api/status", json=push).status_code == 200


def test_who_may_only_read_reads_everything() -> None:
    reader = client(READER)
    for path in ("/api/incident", "/api/status?tag=google-search", "/metrics"):
        assert reader.get(path).status_code == 200
    assert reader.post("/api/incident?title_like=out").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/status"),
        ("POST", "/api/incident"),
        ("PATCH", "/api/incident/1"),
        ("POST", "/api/incident/1/comment"),
        ("POST", "/api/incident/1/status"),
    ],
    ids=" ".join,
)
def test_who_may_only_read_is_told_so_before_a_body_is_looked_at(method: str, path: str) -> None:
    reply = client(READER).request(method, path, content=b"no JSON")
    assert reply.status_code == 403
    assert reply.json()["error"] == "read-only token"
    assert "API_READ_TOKEN" in reply.json()["detail"]


@pytest.mark.parametrize("token", [hashed(NEW), hashed(NEW)[7:], "sha256:", "", "nobody"])
def test_a_digest_is_no_token(token: str) -> None:
    assert client(token).get("/api/incident").status_code == 401


def test_the_digits_of_a_digest_have_no_case() -> None:
    upper = "SHA256:" + hashed(NEW)[7:].upper()
    assert Tokens([upper]).right_of(NEW.encode()) is Right.WRITE


@pytest.mark.parametrize(
    "token",
    [
        *("", "sha256:", "sha256:12", "sha256:" + "g" * 64, "Sha256:x"),
        pytest.param(hashed(""), id="the digest of a variable that is not set"),
    ],
)
def test_what_is_no_digest_is_refused_instead_of_being_taken_for_a_token(token: str) -> None:
    with pytest.raises(ValueError):
        digest_of(token)


def test_without_a_token_that_may_write_there_is_no_access() -> None:
    with pytest.raises(ValueError):
        Tokens([], read=[READER])


def test_a_token_of_fewer_than_sixteen_characters_is_short_and_a_digest_never_is() -> None:
    assert is_short("fifteen-letters")
    assert not is_short("sixteen--letters")
    assert not is_short(hashed("x"))


# from the settings


def given(**environ: str) -> Settings:
    return read_settings(environ)


def test_several_tokens_have_commas_between() -> None:
    found = api_tokens(given(API_TOKEN=f"{OLD}, {hashed(NEW)},", API_READ_TOKEN=READER))
    assert found.write == (OLD, hashed(NEW))
    assert found.read == (READER,)
    assert found.short == ()


def test_a_file_has_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"\ufeff{OLD}\r\n\n  {NEW}  \n", encoding="utf-8")
    assert api_tokens(given(API_TOKEN_FILE=str(file))).write == (OLD, NEW)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n \n", b"sha256:12\n", b"to\x07ken\n", b"\xff\xfe\n", b"long-enough\n # May\n"],
    ids=repr,
)
def test_a_file_without_tokens_is_an_error_that_shows_nothing_of_it(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "tokens"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"^API_TOKEN_FILE: [^\n]+$") as caught:
        api_tokens(given(API_TOKEN_FILE=str(file)))
    assert "sha256:12" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ConfigurationError, match=r"^API_TOKEN_FILE: it cannot be read"):
            api_tokens(given(API_TOKEN_FILE=str(path)))


def test_tokens_stand_in_one_place(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(OLD)
    with pytest.raises(ConfigurationError, match=r"^API_TOKEN and API_TOKEN_FILE are both set"):
        api_tokens(given(API_TOKEN=NEW, API_TOKEN_FILE=str(file)))


def test_a_token_that_may_write_is_no_token_for_readers() -> None:
    for read in (OLD, hashed(OLD)):
        with pytest.raises(ConfigurationError, match=r"^API_READ_TOKEN: one of its tokens"):
            api_tokens(given(API_TOKEN=OLD, API_READ_TOKEN=f"{READER},{read}"))


def test_settings_with_short_tokens_are_named() -> None:
    found = api_tokens(Settings(api_token=SecretStr("short"), api_read_token=SecretStr("x")))
    assert found.short == ("API_TOKEN", "API_READ_TOKEN")
    assert api_tokens(given(API_TOKEN=f"{OLD},short")).short == ("API_TOKEN",)
