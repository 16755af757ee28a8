"""One monitor's day as runs, against a dictionary of minutes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.day_minutes import (
    MINUTES_OF_DAY,
    NO_MINUTES,
    Counts,
    counts_of,
    day_from_letters,
    day_from_runs,
    spread,
)
from github_store.monitor import Status

UP, DOWN, DEGRADED = Status.UP, Status.DOWN, Status.DEGRADED
statuses = st.sampled_from(Status)


@pytest.mark.parametrize(
    ("minutes", "runs"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({0: UP}, "U", id="one minute"),
        pytest.param({719: DOWN}, "719-D", id="a gap first"),
        pytest.param({0: UP, 1: UP, 3: DEGRADED}, "2U-G", id="a gap between"),
        pytest.param(dict.fromkeys(range(1_440), UP), "1440U", id="a whole day"),
        pytest.param(
            dict.fromkeys(range(1_440), UP) | {720: DOWN}, "720UD719U", id="one minute down"
        ),
        pytest.param({1_439: DOWN}, "1439-D", id="the last minute"),
    ],
)
def test_a_day_is_written_as_runs(minutes: dict[int, Status], runs: str) -> None:
    day = NO_MINUTES.with_samples(minutes)
    assert day.runs == runs
    assert day_from_runs(runs) == day


@pytest.mark.parametrize(
    ("runs", "canonical"),
    [("1U1U", "2U"), ("U5-", "U"), ("700U20U", "720U"), ("3-", ""), ("1440-", "")],
)
def test_runs_written_by_hand_are_read_as_what_they_say(runs: str, canonical: str) -> None:
    assert day_from_runs(runs).runs == canonical


@pytest.mark.parametrize(
    "runs", ["X", "5", "u", "0U", "05U", "1441U", "1440UD", "9999U", "10000U", "U U", "٣U"]
)
def test_no_runs_are_refused(runs: str) -> None:
    with pytest.raises(ValueError, match="runs"):
        day_from_runs(runs)


@given(st.dictionaries(st.integers(0, MINUTES_OF_DAY - 1), statuses))
def test_a_day_keeps_every_minute_in_at_most_1440_characters(minutes: dict[int, Status]) -> None:
    day = NO_MINUTES.with_samples(minutes)
    assert len(day.runs) <= MINUTES_OF_DAY
    assert {
        minute: found[1]
        for minute in range(MINUTES_OF_DAY)
        if (found := day.newest(minute)) and found[0] == minute
    } == minutes
    assert day.oldest() == min(minutes, default=MINUTES_OF_DAY)


@given(
    st.dictionaries(st.integers(0, MINUTES_OF_DAY - 1), statuses),
    st.integers(0, MINUTES_OF_DAY - 1),
    st.integers(0, MINUTES_OF_DAY - 1),
)
def test_part_of_a_day_is_counted_with_both_ends(
    minutes: dict[int, Status], first: int, last: int
) -> None:
    inside = [status for minute, status in minutes.items() if first <= minute <= last]
    letters = NO_MINUTES.with_samples(minutes).letters
    assert counts_of(letters, first, last + 1) == counted(inside)


def counted(found: Sequence[Status]) -> Counts:
    return Counts(found.count(UP), found.count(DEGRADED), found.count(DOWN))


@given(
    st.dictionaries(st.integers(0, MINUTES_OF_DAY - 1), statuses),
    st.dictionaries(st.integers(0, MINUTES_OF_DAY - 1), statuses),
)
def test_later_samples_replace_earlier_ones(
    first: dict[int, Status], later: dict[int, Status]
) -> None:
    day = NO_MINUTES.with_samples(first).with_samples(later)
    assert day == NO_MINUTES.with_samples(first | later)
    assert day == NO_MINUTES.with_samples(later).over(NO_MINUTES.with_samples(first))
    assert day.counts == counted([*(first | later).values()])


def test_days_are_laid_over_each_other_minute_by_minute() -> None:
    assert day_from_runs("2-U-D").over(day_from_runs("4DG")).runs == "2DU2D"


@pytest.mark.parametrize("runs", ["", "U", "720UD719U", "1439-G"])
def test_a_day_is_its_letters(runs: str) -> None:
    day = day_from_runs(runs)
    assert len(day.letters) == MINUTES_OF_DAY
    assert day_from_letters(day.letters) == day
    assert day_from_letters(day.letters.rstrip(b"-")) == day
    assert counts_of(day.letters, 0, MINUTES_OF_DAY) == day.counts


@given(st.tuples(*[st.integers(0, 480)] * 3))
def test_a_day_known_by_its_counts_alone_has_each_status_spread_over_it(
    numbers: tuple[int, int, int],
) -> None:
    counts = Counts(*numbers)
    day = spread(counts)
    assert day.counts == counts
    morning = counts_of(day.letters, 0, MINUTES_OF_DAY // 2)
    for part, whole in zip(
        (morning.up, morning.degraded, morning.down),
        (counts.up, counts.degraded, counts.down),
        strict=True,
    ):
        assert abs(part - whole / 2) <= 3
