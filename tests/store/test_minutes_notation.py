"""How a day's minutes are spelt in the files."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.day_minutes import NO_MINUTES, DayMinutes, day_from_runs
from github_store.minutes_notation import LONGEST, day_from_text, minutes_text
from github_store.monitor import Status

UP, DOWN, DEGRADED = Status.UP, Status.DOWN, Status.DEGRADED


def day(minutes: dict[int, Status]) -> DayMinutes:
    return NO_MINUTES.with_samples(minutes)


NO_RHYTHM = day({minute: random.Random(minute).choice(list(Status)) for minute in range(1_440)})


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({0: UP, 1: UP, 2: DOWN}, "2UD", id="runs"),
        pytest.param(dict.fromkeys(range(0, 1_440, 5), UP), "287(U4-)U", id="every five minutes"),
        pytest.param(dict.fromkeys(range(3, 1_440, 5), UP), "3-287(U4-)U", id="three past"),
        pytest.param(
            dict.fromkeys(range(0, 1_440, 5), UP) | {700: DOWN}, "140(U4-)D147(4-U)", id="once"
        ),
        pytest.param({14: UP, 19: UP, 24: UP, 29: UP}, "14-3(U4-)U", id="no part of a number"),
        pytest.param({0: UP, 2: UP, 4: UP}, "U-U-U", id="twice is no rhythm"),
        pytest.param({0: UP, 1: DOWN, 2: UP, 3: DOWN, 4: UP, 5: DOWN}, "3(UD)", id="flapping"),
    ],
)
def test_a_rhythm_is_written_once(minutes: dict[int, Status], text: str) -> None:
    assert minutes_text(day(minutes)) == text
    assert day_from_text(text) == day(minutes)


def test_a_day_without_any_rhythm_is_packed() -> None:
    text = minutes_text(NO_RHYTHM)
    assert text.startswith("=")
    assert len(text) <= LONGEST
    assert day_from_text(text) == NO_RHYTHM


@pytest.mark.parametrize(
    ("text", "runs"), [("=", ""), ("=b", "UGD"), ("=AGw", "4-UGD"), ("=bAAA", "UGD")]
)
def test_packed_minutes_are_two_bits_each(text: str, runs: str) -> None:
    """01 10 11 are a base64 letter, the 28th: ``b``."""
    assert day_from_text(text).runs == day_from_text(runs).runs


every_minute = st.binary(min_size=360, max_size=360).map(
    lambda bits: "".join("-UGD"[byte >> shift & 3] for byte in bits for shift in (6, 4, 2, 0))
)
some_minutes = st.dictionaries(st.integers(0, 1_439), st.sampled_from(Status))
rhythms = st.builds(
    lambda first, step, status, others: dict.fromkeys(range(first, 1_440, step), status) | others,
    st.integers(0, 30), st.integers(1, 31), st.sampled_from(Status), some_minutes,
)  # fmt: skip


@given(st.one_of(some_minutes, rhythms))
def test_any_day_survives_and_is_short(minutes: dict[int, Status]) -> None:
    text = minutes_text(day(minutes))
    assert day_from_text(text) == day(minutes)
    assert len(text) <= LONGEST


@given(every_minute)
def test_a_day_of_any_letters_survives_and_is_short(letters: str) -> None:
    expected = day_from_runs(letters)
    assert day_from_text(minutes_text(expected)) == expected
    assert len(minutes_text(expected)) <= LONGEST


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("721(UD)", "longer than a day", id="too many times"),
        pytest.param("9999999999(UD)", "longer than a day", id="absurdly many times"),
        pytest.param("600(2UD)", "longer than a day", id="too many minutes"),
        pytest.param("0(UD)", "expected runs", id="no times"),
        pytest.param("002(UD)", "expected runs", id="zeros first"),
        pytest.param("2(U)", "expected runs", id="one run"),
        pytest.param("2(UD", "expected runs", id="not closed"),
        pytest.param("(UD)", "expected runs", id="no number"),
        pytest.param("2(2(UD)-)", "expected runs", id="one in another"),
        pytest.param("=" + "A" * 481, "longer than a day", id="packed too long"),
        pytest.param("=Z w", "expected base64", id="a space"),
        pytest.param("=Zw==", "expected base64", id="padding"),
        pytest.param("U=Zw", "expected runs", id="both"),
        pytest.param("UD" * 3_000, "longer than", id="too long a text"),
    ],
)
def test_what_spells_no_day_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        day_from_text(text)
