"""A past day's and an hour's values, against dictionaries by minute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.day_file import DayFile, DayRecord, HourFile, day_latencies, record_of
from github_store.day_minutes import LEGEND, NO_MINUTES
from github_store.latency import shortest, trimmed
from github_store.monitor import Status

Taken = dict[int, tuple[Status, float | None]]
samples = st.dictionaries(
    st.one_of(st.integers(0, 9), st.integers(0, 1_439)),
    st.tuples(st.sampled_from(Status), st.sampled_from([None, 0, 0.5, 7])),
    max_size=12,
)


def taken(record: DayRecord) -> Taken:
    latencies = [*record.latencies, *[None] * 1_440]
    return {
        minute: (LEGEND[chr(letter)], latencies[minute])
        for minute, letter in enumerate(record.minutes.letters)
        if letter != ord("-")
    }


def record(minutes: Taken) -> DayRecord:
    return DayRecord().with_samples(minutes)


@given(samples, samples)
def test_samples_replace_what_the_minute_had(first: Taken, later: Taken) -> None:
    assert taken(record(first).with_samples(later)) == first | later
    assert record(first).with_samples(later) == record(first | later)


@given(samples, samples)
def test_of_two_records_the_ones_samples_stand_over_the_others(mine: Taken, other: Taken) -> None:
    assert record(mine).over(record(other)) == record(other | mine)


@given(samples, st.lists(st.sampled_from([None, 1, 2]), max_size=20))
def test_latencies_fill_in_what_is_not_known(minutes: Taken, found: list[float | None]) -> None:
    latencies = trimmed(found)
    filled = taken(record(minutes).filled(latencies))
    assert filled == {
        minute: (status, latency if latency is not None or minute >= len(found) else found[minute])
        for minute, (status, latency) in minutes.items()
    }


@given(samples)
def test_a_record_is_its_minutes_and_a_latency_for_each(minutes: Taken) -> None:
    found = record(minutes)
    assert found.sampled() == [latency for _, (_, latency) in sorted(minutes.items())]
    assert record_of(found.minutes, found.sampled()) == found


def test_an_unknown_monitor_has_no_minutes() -> None:
    assert DayFile(7).minutes("earth") == NO_MINUTES


def test_a_days_latencies_are_those_of_its_hours() -> None:
    hours = {
        hour: HourFile(hour, {"earth": (hour, None, 1)}) for hour in (23, 24, 26, 48)
    }  # fmt: skip
    latencies = day_latencies(hours, 1, "earth")
    assert {at: found for at, found in enumerate(latencies) if found is not None} == {
        0: 24, 2: 1, 120: 26, 122: 1
    }  # fmt: skip
    assert day_latencies(hours, 1, "moon") == ()
    assert hours[23].day == 0
    assert hours[24].day == 1


@pytest.mark.parametrize(
    ("latency", "text"),
    [(1.0, "1"), (0.0, "0"), (0.25, "0.25"), (10**300, "1e+300"), (2.0**53, "9007199254740992.0")],
)
def test_a_latency_is_written_shortest(latency: float, text: str) -> None:
    assert repr(shortest(latency)) == text


@pytest.mark.parametrize("latency", [-1, float("nan"), float("inf")])
def test_what_is_no_latency_never_reaches_a_file(latency: float) -> None:
    with pytest.raises(ValueError, match="latency"):
        shortest(latency)
