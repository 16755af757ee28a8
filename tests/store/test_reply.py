"""What of GitHub's answers is JSON."""

from __future__ import annotations

import pytest

from github_store.reply import parsed


@pytest.mark.parametrize(
    "text",
    ["", "<html>", "{", "[" * 100_000, '{"a":' * 100_000, "9" * 5_000],
    ids=["empty", "a page", "cut off", "deep lists", "deep objects", "a number without end"],
)
def test_what_is_no_usable_json_is_nothing(text: str) -> None:
    assert parsed(text) is None
