"""So many at once, and one more every so often."""

from __future__ import annotations

from github_store.allowance import Allowance


def test_so_many_at_once_and_one_more_every_so_often() -> None:
    now = 100.0
    allowance = Allowance(2, seconds=10, clock=lambda: now)
    assert [allowance.take() for _ in range(3)] == [True, True, False]
    now += 10
    assert [allowance.take() for _ in range(2)] == [True, False]
    now += 1_000
    assert [allowance.take() for _ in range(3)] == [True, True, False]


def test_what_is_given_back_may_be_taken_and_a_clock_set_back_takes_nothing_away() -> None:
    now = 100.0
    allowance = Allowance(1, seconds=10, clock=lambda: now)
    assert allowance.take()
    allowance.give_back()
    allowance.give_back()
    now -= 50
    assert [allowance.take() for _ in range(2)] == [True, False]
