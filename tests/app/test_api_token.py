"""The token that is made once, and kept from others."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.api_token import FILE_NAME, kept_token
from github_store import ConfigurationError


def test_a_token_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    token = kept_token(data_dir)
    assert len(token) >= 32
    assert token == kept_token(data_dir)
    assert (data_dir / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert [file.name for file in data_dir.iterdir()] == [FILE_NAME]


def test_every_installation_has_its_own(tmp_path: Path) -> None:
    assert kept_token(tmp_path / "a") != kept_token(tmp_path / "b")


def test_an_empty_file_is_no_token(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("\n")
    token = kept_token(tmp_path)
    assert token
    assert (tmp_path / FILE_NAME).read_text() == f"{token}\n"


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / FILE_NAME).write_bytes(b"\xff")
    for data_dir in (tmp_path / "file", tmp_path):
        with pytest.raises(ConfigurationError, match=r"^DATA_DIR: "):
            kept_token(data_dir)
