"""Each item that fails backs off by itself, and is worth a line now and then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.item_backoff import REPEAT_SECONDS, Backoff, ItemBackoff, Notice

PAUSES = Backoff(60.0, 900.0)


def failing(*reasons: str, every: float = 60.0, **options: int) -> ItemBackoff[int]:
    """Item 7 failed for these reasons, from 0 on."""
    items: ItemBackoff[int] = ItemBackoff(**options)
    for number, reason in enumerate(reasons):
        items.failed(7, reason, backoff=PAUSES, now=number * every)
    return items


@pytest.mark.parametrize(
    ("failures", "pause"), [(1, 60), (2, 120), (3, 240), (4, 480), (5, 900), (6, 900), (5_000, 900)]
)
def test_pauses_double_up_to_a_limit(failures: int, pause: float) -> None:
    assert PAUSES.pause(failures) == pause


def test_what_failed_is_left_alone_for_its_pause_and_others_are_not() -> None:
    items = failing("500")
    waits = [items.seconds_to_retry(item, now) for item in (7, 8) for now in (0.0, 59.0, 60.0)]
    assert waits == [60.0, 1.0, 0.0, 0.0, 0.0, 0.0]


def test_a_clock_that_was_set_back_makes_no_pause_longer() -> None:
    assert failing("500").seconds_to_retry(7, -1_000_000.0) == 0.0


def test_a_failure_is_told_when_it_begins_when_its_reason_changes_and_once_an_hour() -> None:
    items: ItemBackoff[int] = ItemBackoff()
    steps = [
        (0, "500", Notice.BEGAN),
        (60, "500", None),
        (180, "422", Notice.CHANGED),
        (181, "422", None),
        (180 + REPEAT_SECONDS - 1, "422", None),
        (180 + REPEAT_SECONDS, "422", Notice.LASTS),
        (180 + REPEAT_SECONDS + 1, "422", None),
    ]
    told = [items.failed(7, reason, backoff=PAUSES, now=now) for now, reason, _ in steps]
    assert told == [notice for _, _, notice in steps]


def test_what_succeeds_is_forgotten_and_tells_how_it_had_failed() -> None:
    items = failing("500", "500")
    over = items.succeeded(7)
    assert over is not None
    assert (over.since, over.failures, len(items)) == (0.0, 2, 0)
    assert items.succeeded(7) is None
    assert items.failed(7, "500", backoff=PAUSES, now=500.0) is Notice.BEGAN


def test_where_one_recovers_those_that_failed_for_the_same_reason_are_due() -> None:
    items = failing("500")
    items.failed(8, "500", backoff=PAUSES, now=0.0)
    items.failed(9, "422", backoff=PAUSES, now=0.0)
    items.succeeded(7)
    assert [items.seconds_to_retry(item, 1.0) for item in (8, 9)] == [0.0, 59.0]


def test_what_is_gone_is_forgotten() -> None:
    items = failing("500")
    items.failed(8, "500", backoff=PAUSES, now=0.0)
    items.keep({8, 9})
    assert [item for item, _ in items.items()] == [8]


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=200))
def test_memory_is_bounded_and_of_too_many_the_oldest_are_forgotten(
    steps: list[tuple[int, bool]],
) -> None:
    items: ItemBackoff[int] = ItemBackoff(most=5)
    order: list[int] = []
    for now, (item, fails) in enumerate(steps):
        order = [each for each in order if each != item]
        if fails:
            items.failed(item, "500", backoff=PAUSES, now=float(now))
            order = [*order, item][-5:]
        else:
            items.succeeded(item)
        assert [each for each, _ in items.items()] == order
