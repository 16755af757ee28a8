"""When somebody counts as out, and when they are tried again."""

from __future__ import annotations

import math
import random
from heapq import heappop, heappush

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.circuit import FAILURES, LONGEST_PAUSE_SECONDS, Circuit

T0 = 5_000.0


def failed(circuit: Circuit, times: int, *, now: float = T0, seconds: float = 0.1) -> Circuit:
    for _ in range(times):
        circuit = circuit.failed(sent_at=now - seconds, now=now)
    return circuit


def test_it_opens_with_the_last_of_a_row_of_failures_and_not_before() -> None:
    almost = failed(Circuit(), FAILURES - 1)
    assert almost.opened_at is None
    assert almost.seconds_to_trial(T0) == 0
    assert failed(almost, 1, now=T0 + 7).opened_at == T0 + 7


def test_any_answer_ends_a_row_and_closes_what_is_open() -> None:
    answered = failed(Circuit(), FAILURES - 1).answered(T0)
    assert failed(answered, FAILURES - 1, now=T0 + 1).opened_at is None
    assert failed(Circuit(), FAILURES).answered(T0 + 1) == Circuit(answered_at=T0 + 1)


def test_what_was_sent_before_the_last_answer_says_nothing_of_now() -> None:
    """Twelve seconds after GitHub has come back the last of the hung requests end."""
    answered = failed(Circuit(), FAILURES).answered(T0 + 5)
    late = failed(answered, 50, now=T0 + 12, seconds=12)
    assert (late.opened_at, late.failures) == (None, 0)


def test_the_first_trial_is_due_at_once_and_later_ones_after_growing_pauses() -> None:
    circuit, pauses, now = failed(Circuit(), FAILURES), [], T0
    assert circuit.seconds_to_trial(now) == 0
    for _ in range(6):
        circuit = circuit.tried(now, chance=1.0)
        pauses.append(circuit.seconds_to_trial(now))
        now += pauses[-1]
        circuit = failed(circuit, 1, now=now)
        assert circuit.opened_at == T0, "a trial that failed opens nothing anew"
    assert pauses == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


@given(chance=st.floats(0, 1), trials=st.integers(1, 2_000))
def test_a_trial_is_never_further_away_than_the_longest_pause(chance: float, trials: int) -> None:
    circuit = failed(Circuit(), FAILURES)
    for _ in range(trials):
        circuit = circuit.tried(T0, chance=chance)
    assert 0 < circuit.seconds_to_trial(T0) <= LONGEST_PAUSE_SECONDS
    assert circuit.seconds_to_trial(T0 + LONGEST_PAUSE_SECONDS) == 0


@pytest.mark.parametrize("threads", [1, 8])
def test_one_failure_in_fifty_never_opens_it(threads: int) -> None:
    """With answers that take from nothing to two seconds, however many are asked at once."""
    chance = random.Random(4)
    circuit, longest = Circuit(), 0
    under_way: list[tuple[float, float]] = [(0.0, -math.inf)] * threads
    for _ in range(200_000):
        now, sent_at = heappop(under_way)
        if chance.random() < 0.02:
            circuit = circuit.failed(sent_at=sent_at, now=now)
        else:
            circuit = circuit.answered(now)
        longest = max(longest, circuit.failures)
        assert circuit.opened_at is None
        heappush(under_way, (now + chance.random() * 2, now))
    assert longest < FAILURES
