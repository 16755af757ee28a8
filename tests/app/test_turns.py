"""A few at a time, in the order of asking, and everybody in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from app.turns import PARTS, Turns


def rounds_of(few: int, count: int, again: Callable[[int], bool] = lambda _: False) -> list[int]:
    """How much was done in each turn of the loop until nothing waits."""
    done: list[int] = []
    rounds: list[int] = []

    async def run() -> None:
        turns = Turns(few)

        def work(number: int) -> None:
            done.append(number)
            if again(number):
                turns.wait(lambda: work(number + count))

        for number in range(count):
            turns.wait(lambda number=number: work(number))  # type: ignore[misc]
        assert not done, "nothing is done before whoever asks has ended"
        while not rounds or rounds[-1]:
            before = len(done)
            await asyncio.sleep(0)
            rounds.append(len(done) - before)

    asyncio.run(run())
    assert done == sorted(done)
    return rounds[:-1]


@pytest.mark.parametrize(
    ("count", "rounds"), [(1, [1]), (3, [3]), (4, [4]), (5, [4, 1]), (11, [4, 4, 3])]
)
def test_a_few_are_done_in_a_turn(count: int, rounds: list[int]) -> None:
    assert rounds_of(4, count) == rounds


def test_many_that_wait_do_not_wait_for_long() -> None:
    rounds = rounds_of(4, 10_000)
    assert rounds[0] == 10_000 // PARTS
    assert len(rounds) < 10 * PARTS


def test_who_asks_again_comes_behind_the_others() -> None:
    assert rounds_of(4, 6, again=lambda number: number < 6) == [4, 4, 4]
