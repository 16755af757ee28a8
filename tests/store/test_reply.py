"""What of GitHub's answers is JSON, and how long they ask to wait."""

from __future__ import annotations

import pytest

from github_store.reply import LONGEST_WAIT_SECONDS, Reply, parsed, retry_after_seconds


@pytest.mark.parametrize(
    "text",
    ["", "<html>", "{", "[" * 100_000, '{"a":' * 100_000, "9" * 5_000],
    ids=["empty", "a page", "cut off", "deep lists", "deep objects", "a number without end"],
)
def test_what_is_no_usable_json_is_nothing(text: str) -> None:
    assert parsed(text) is None


def test_half_a_character_is_made_one_that_can_be_sent() -> None:
    assert parsed('{"title": "\\ud83d\\ude00 \\uD83d!"}') == {"title": "😀 ?!"}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "9" * 5_000}, LONGEST_WAIT_SECONDS),
        ({"retry-after": "²"}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "²"}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 400}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "nan"}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1e300"}, LONGEST_WAIT_SECONDS + 1),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "-1e300"}, 1),
    ],
)
def test_no_wait_is_taken_for_more_than_a_day(headers: dict[str, str], seconds: int) -> None:
    assert retry_after_seconds(Reply(403, headers, None), now=1_790_000_000.0) == seconds
