"""The counts of the dates before today."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.day_minutes import Counts
from github_store.past_days import KEPT_DAYS, NO_DAYS, past_days, past_days_from_text

ALL_UP, NONE = Counts(1_440), Counts()
counts = st.one_of(
    st.sampled_from([ALL_UP, NONE, Counts(down=1_440), Counts(0, 7, 0)]),
    st.builds(Counts, *[st.integers(0, 480)] * 3),
)
many_counts = st.lists(counts, max_size=KEPT_DAYS)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param([ALL_UP] * 90, "90x1440", id="always up"),
        pytest.param([ALL_UP] * 3 + [Counts(1_439, 0, 1), NONE, ALL_UP], "3x1440 1439/0/1 - 1440",
                     id="mixed"),
        pytest.param([Counts(9, 8)], "9/8", id="zeros at the end"),
        pytest.param([Counts(0, 0, 7)], "0/0/7", id="zeros at the front"),
        pytest.param([NONE, NONE, ALL_UP, NONE, NONE], "2x- 1440", id="no samples at the end"),
        pytest.param([NONE] * 90, "", id="no samples at all"),
    ],
)  # fmt: skip
def test_days_are_written_newest_first_and_equal_ones_once(found: list[Counts], text: str) -> None:
    assert past_days(found).text == text
    assert past_days_from_text(text) == past_days(found)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("1x5 1x5", "2x5"), ("5/0/0", "5"), ("5/0 -", "5"), ("0/0/0 5", "- 5"), (" 5\t", "5")],
)
def test_days_written_by_hand_are_read_as_what_they_say(text: str, canonical: str) -> None:
    assert past_days_from_text(text).text == canonical


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("up", "expected days", id="words"),
        pytest.param("1/2/3/4", "expected days", id="four numbers"),
        pytest.param("0x5", "expected days", id="no times"),
        pytest.param("1441", "more than a day's 1440", id="too many minutes"),
        pytest.param("700/700/41", "more than a day's 1440", id="too many together"),
        pytest.param("91x-", "more than 90", id="too many days"),
        pytest.param("90x5 5", "more than 90", id="one day too many"),
    ],
)
def test_what_are_no_days_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        past_days_from_text(text)


@given(many_counts)
def test_all_days_survive_and_none_takes_more_than_13_characters(found: list[Counts]) -> None:
    days = past_days(found)
    assert past_days_from_text(days.text) == days
    assert len(days.text) <= 13 * KEPT_DAYS
    assert [days.before(ago) for ago in range(1, 92)] == found + [NONE] * (91 - len(found))


@given(many_counts, st.integers(1, 95), st.integers(-3, 95))
def test_a_sum_of_days_is_that_of_each(found: list[Counts], nearest: int, farthest: int) -> None:
    chosen = [past_days(found).before(ago) for ago in range(nearest, farthest + 1)]
    assert past_days(found).between(nearest, farthest) == Counts(
        sum(c.up for c in chosen), sum(c.degraded for c in chosen), sum(c.down for c in chosen)
    )


@given(many_counts, st.integers(0, 200), st.dictionaries(st.integers(1, 120), counts, max_size=5))
def test_days_move_back_as_today_goes_on(
    found: list[Counts], later: int, newer: dict[int, Counts]
) -> None:
    moved = past_days(found).later(later, newer.items())
    for ago in range(1, KEPT_DAYS + 1):
        old = past_days(found).before(ago - later) if ago > later else NONE
        assert moved.before(ago) == newer.get(ago, old)
    assert moved.before(KEPT_DAYS + 1) == NONE


def test_no_days_are_no_days() -> None:
    assert past_days([]) == NO_DAYS
    assert NO_DAYS.between(1, 90) == NONE
