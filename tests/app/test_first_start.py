"""A first start that is cut off is noted, and completed by the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.first_start import FILE_NAME, FirstStart
from app.serving import EMBEDDED_REPOSITORY, embedded_github, ensure_repository
from github_store import ConfigurationError


def test_it_is_noted_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    first_start = FirstStart(tmp_path, "owner/status")
    assert first_start.began_at is None
    first_start.begin(now=1_702_405_860)
    assert FirstStart(tmp_path, "owner/status").began_at == 1_702_405_860
    assert FirstStart(tmp_path, "owner/other").began_at is None
    first_start.end()
    assert first_start.began_at is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "{}", '{"repository": "owner/status", "began_at": "1"}', "\0"]
)
def test_a_note_that_says_nothing_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    assert FirstStart(tmp_path, "owner/status").began_at is None


def test_a_directory_that_cannot_be_used_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    first_start = FirstStart(tmp_path, "owner/status")
    for use in (lambda: first_start.begin(now=1), lambda: first_start.began_at, first_start.end):
        with pytest.raises(ConfigurationError, match=r"^DATA_DIR: .*first-start\.json cannot be"):
            use()


def test_it_begins_before_the_repository_is_there_and_only_then(tmp_path: Path) -> None:
    begun: list[bool] = []
    with embedded_github(tmp_path, port=0) as github:

        def begin() -> None:
            with pytest.raises(KeyError):
                github.repository(EMBEDDED_REPOSITORY)
            begun.append(True)

        for _ in range(2):
            ensure_repository(github, EMBEDDED_REPOSITORY, with_samples=True, beforehand=begin)
    assert begun == [True]
