"""Uptime as text, as JavaScript computes and Kener writes it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from github_store.uptime import uptime_text

NINETY_DAYS = 129_601
"""Minutes, both ends of the window included."""


@pytest.mark.parametrize(
    ("up", "total", "text"),
    [
        pytest.param(0, 0, "-", id="no data"),
        pytest.param(0, 1, "0", id="never up"),
        pytest.param(1, 1, "100", id="always up"),
        pytest.param(NINETY_DAYS, NINETY_DAYS, "100", id="always up for 90 days"),
        pytest.param(1, 2, "50", id="half"),
        pytest.param(1, 10, "10", id="a tenth"),
        pytest.param(7, 10, "70", id="a multiple of ten that a double hits"),
        pytest.param(3, 4, "75.0000", id="whole, and no multiple of ten"),
        pytest.param(2, 3, "66.6667", id="rounded up"),
        pytest.param(1, 3, "33.3333", id="rounded down"),
        pytest.param(1, 128, "0.7813", id="a tie goes up"),
        pytest.param(3, 128, "2.3438", id="another tie goes up"),
        pytest.param(1, NINETY_DAYS, "0.0008", id="one minute of 90 days"),
        pytest.param(NINETY_DAYS - 1, NINETY_DAYS, "99.9992", id="all but one minute"),
        pytest.param(10**9 - 1, 10**9, "100.0000", id="nearly all: decimals tell it from all"),
        pytest.param(1, 10**9, "0.0000", id="nearly none: decimals tell it from none"),
    ],
)
def test_uptime_is_written_as_kener_writes_it(up: int, total: int, text: str) -> None:
    assert uptime_text(up, total) == text


def to_fixed_4(number: float) -> str:
    """ECMAScript's Number.prototype.toFixed(4), step by step, for numbers from 0 to 100.

    "Let n be an integer for which n / 10^4 - x is as close to zero as possible. If there are two
    such n, pick the larger n", x being the double's exact value.
    """
    exact = Fraction(number)
    below = exact * 10_000 // 1
    n = min((below + 1, below), key=lambda each: abs(Fraction(each, 10_000) - exact))
    digits = str(n).rjust(5, "0")
    return f"{digits[:-4]}.{digits[-4:]}"


minutes = st.integers(1, NINETY_DAYS).flatmap(
    lambda total: st.tuples(st.integers(0, total), st.just(total))
)


@settings(deadline=None)
@given(minutes)
@example((1, 128))
@example((57, 19_200))
def test_uptime_is_what_javascript_says_for_any_count_of_minutes(counts: tuple[int, int]) -> None:
    up, total = counts
    percent = up / total * 100
    if percent % 10 == 0:
        assert uptime_text(up, total) == str(round(percent))
    else:
        assert uptime_text(up, total) == to_fixed_4(percent)


def test_every_tie_in_a_power_of_two_goes_up() -> None:
    for up in range(1, 128, 2):
        tenthousandths = Fraction(up * 1_000_000, 128)
        expected = tenthousandths.numerator // tenthousandths.denominator + 1
        assert tenthousandths % 1 == Fraction(1, 2)
        assert Fraction(uptime_text(up, 128)) == Fraction(expected, 10_000)
