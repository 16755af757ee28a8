"""The status document against the naive model: a dictionary of minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.day_minutes import (
    MINUTES_OF_DAY,
    NO_MINUTES,
    Counts,
    DayMinutes,
    day_from_runs,
)
from github_store.monitor import Monitor, Monitors, Status
from github_store.monitor_status import MonitorStatus, monitor_status
from github_store.status_document import WINDOW_MINUTES, History, Sample, StatusDocument
from github_store.uptime import uptime_text

UP, DOWN, DEGRADED = Status.UP, Status.DOWN, Status.DEGRADED
NOW = 20_000 * MINUTES_OF_DAY + 700
"""11:40 of a day, so that a window begins and ends in the middle of one."""
EMPTY = StatusDocument()
EARTH = Monitor("earth", "Earth")

Minutes = Mapping[int, Status]


def sample(minute: int, status: Status = UP, *, tag: str = "earth", latency: float = 0) -> Sample:
    return Sample(tag, minute, status, latency)


def history_of(minutes: Minutes) -> History | None:
    samples = [sample(minute, status) for minute, status in minutes.items()]
    return EMPTY.apply(samples).histories.get("earth")


def answer(
    minutes: Minutes, monitor: Monitor = EARTH, *, now: int = NOW, since: int = WINDOW_MINUTES
) -> MonitorStatus:
    return monitor_status(history_of(minutes), monitor, now=now, since_minutes=since)


statuses = st.sampled_from(Status)
minutes_near_edges = st.one_of(
    st.integers(NOW - WINDOW_MINUTES - 3, NOW - WINDOW_MINUTES + 3),
    st.integers(NOW - 3, NOW + 3),
    st.integers(20_000 * MINUTES_OF_DAY - 3, 20_000 * MINUTES_OF_DAY + 3),
    st.integers(NOW - WINDOW_MINUTES - 3_000, NOW + 10),
)
samples = st.builds(
    Sample, st.sampled_from(["earth", "moon"]), minutes_near_edges, statuses, st.integers(0, 9)
)
batches = st.lists(samples, max_size=40)
stretches = st.lists(
    st.tuples(minutes_near_edges, st.integers(1, 3_000), statuses), max_size=6
).map(
    lambda found: {
        minute: status
        for first, length, status in found
        for minute in range(first, min(first + length, NOW + 5))
    }
)


# One day's runs


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
    assert NO_MINUTES.with_samples(minutes).counts_between(first, last) == counted(inside)


def counted(found: Sequence[Status]) -> Counts:
    return Counts(found.count(UP), found.count(DEGRADED), found.count(DOWN))


# Adding samples


@given(batches)
def test_the_sample_acknowledged_last_wins_its_minute(batch: list[Sample]) -> None:
    document = EMPTY.apply(batch)
    assert minutes_of(document) == {(s.tag, s.minute): s.status for s in batch}


@given(batches, batches)
def test_adding_the_same_samples_again_changes_nothing(
    before: list[Sample], batch: list[Sample]
) -> None:
    document = EMPTY.apply(before).apply(batch)
    assert document.apply(batch) == document


@given(batches, st.integers(0, 40))
def test_it_does_not_matter_how_samples_are_cut_into_commits(batch: list[Sample], cut: int) -> None:
    assert EMPTY.apply(batch[:cut]).apply(batch[cut:]) == EMPTY.apply(batch)


@given(batches)
def test_counts_are_those_of_the_minutes(batch: list[Sample]) -> None:
    document = EMPTY.apply(batch)
    for tag, history in document.histories.items():
        for day, minutes in history.days.items():
            held = {(s.tag, s.minute): s.status for s in batch}
            of_day = [s for (t, m), s in held.items() if t == tag and m // MINUTES_OF_DAY == day]
            assert minutes.counts == counted(of_day)


@given(batches)
def test_the_head_is_the_newest_minutes_last_sample(batch: list[Sample]) -> None:
    for tag, history in EMPTY.apply(batch).histories.items():
        own = [s for s in batch if s.tag == tag]
        newest = max(own, key=lambda s: (s.minute, own.index(s)))
        last = [s for s in own if s.minute == newest.minute][-1]
        assert (history.latest.minute, history.latest.status) == (last.minute, last.status)
        assert history.latest.latency == last.latency
        assert history.known_since == min(s.minute for s in own)


def minutes_of(document: StatusDocument) -> dict[tuple[str, int], Status]:
    return {
        (tag, day * MINUTES_OF_DAY + found[0]): found[1]
        for tag, history in document.histories.items()
        for day, minutes in history.days.items()
        for minute in range(MINUTES_OF_DAY)
        if (found := minutes.newest(minute)) and found[0] == minute
    }


# Dropping old days


def test_the_day_of_the_windows_first_minute_stays_and_the_day_before_goes() -> None:
    first = NOW - WINDOW_MINUTES
    midnight = first - first % MINUTES_OF_DAY
    document = EMPTY.apply([sample(midnight - 1), sample(midnight), sample(NOW)]).compact(NOW)
    assert list(minutes_of(document)) == [("earth", midnight), ("earth", NOW)]
    assert len(range(midnight // MINUTES_OF_DAY, NOW // MINUTES_OF_DAY + 1)) == 91


def test_a_monitor_whose_days_have_all_gone_is_still_known() -> None:
    document = EMPTY.apply([sample(0)]).compact(NOW)
    assert document.histories["earth"].known_since == 0
    assert not document.histories["earth"].days


@given(stretches)
def test_dropping_old_days_changes_no_answer(minutes: dict[int, Status]) -> None:
    document = EMPTY.apply(sample(m, s) for m, s in minutes.items())
    before, after = (d.histories.get("earth") for d in (document, document.compact(NOW)))
    for monitor in (EARTH, Monitor("earth", "Earth", default_status=DOWN)):
        assert monitor_status(before, monitor, now=NOW) == monitor_status(after, monitor, now=NOW)


# What the API says


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param({}, MonitorStatus("NO_DATA", "-", None), id="nothing"),
        pytest.param({NOW: UP}, MonitorStatus("UP", "100", NOW * 60), id="up now"),
        pytest.param({NOW - 5: DOWN}, MonitorStatus("DOWN", "0", NOW * 60 - 300), id="down"),
        pytest.param({NOW: DEGRADED}, MonitorStatus("DEGRADED", "100", NOW * 60), id="degraded"),
        pytest.param(
            {NOW - 2: UP, NOW - 1: DOWN, NOW: UP},
            MonitorStatus("UP", "66.6667", NOW * 60),
            id="two of three",
        ),
        pytest.param(
            {NOW - WINDOW_MINUTES: DOWN, NOW: UP},
            MonitorStatus("UP", "50", NOW * 60),
            id="the window's first minute counts",
        ),
        pytest.param(
            {NOW - WINDOW_MINUTES - 1: DOWN, NOW: UP},
            MonitorStatus("UP", "100", NOW * 60),
            id="the minute before it does not",
        ),
        pytest.param(
            {NOW - WINDOW_MINUTES - 1: DOWN},
            MonitorStatus("NO_DATA", "-", None),
            id="only older than 90 days",
        ),
        pytest.param(
            {NOW - 1: DOWN, NOW + 1: UP},
            MonitorStatus("DOWN", "0", NOW * 60 - 60),
            id="the next minute does not count yet",
        ),
    ],
)
def test_status_and_uptime_of_pushed_minutes(minutes: Minutes, expected: MonitorStatus) -> None:
    assert answer(minutes) == expected


def test_degraded_minutes_count_as_downtime_where_the_monitor_says_so() -> None:
    strict = Monitor("earth", "Earth", include_degraded_in_downtime=True)
    minutes = {NOW - 1: UP, NOW: DEGRADED}
    assert answer(minutes).uptime == "100"
    assert answer(minutes, strict).uptime == "50"


@pytest.mark.parametrize(
    ("since", "uptime"), [(0, "100"), (1, "50"), (2, "33.3333"), (3, "33.3333")]
)
def test_a_shorter_window_counts_both_its_ends(since: int, uptime: str) -> None:
    assert answer({NOW - 2: DOWN, NOW - 1: DOWN, NOW: UP}, since=since).uptime == uptime


@pytest.mark.parametrize("now", [20_000 * MINUTES_OF_DAY + back for back in (-1, 0, 1)])
def test_a_window_across_midnight_counts_both_days(now: int) -> None:
    minutes = {now - 2: DOWN, now - 1: DOWN, now: UP}
    assert answer(minutes, now=now, since=1).uptime == "50"


def test_the_newest_status_is_told_even_when_the_shorter_window_has_none() -> None:
    told = answer({NOW - 30: DOWN}, since=1)
    assert told == MonitorStatus("DOWN", "-", (NOW - 30) * 60)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param({}, MonitorStatus("UP", "100", NOW * 60), id="never a sample"),
        pytest.param({NOW: DOWN}, MonitorStatus("DOWN", "0", NOW * 60), id="a sample now"),
        pytest.param(
            {NOW - 1: DOWN}, MonitorStatus("UP", "50", NOW * 60), id="a sample a minute ago"
        ),
        pytest.param(
            {NOW - 10: DOWN}, MonitorStatus("UP", "90.9091", NOW * 60), id="ten minutes ago"
        ),
        pytest.param(
            {NOW - WINDOW_MINUTES - 1: DOWN},
            MonitorStatus("UP", "100", NOW * 60),
            id="known before the window",
        ),
    ],
)
def test_the_default_status_fills_minutes_without_a_sample(
    minutes: Minutes, expected: MonitorStatus
) -> None:
    assert answer(minutes, Monitor("earth", "Earth", default_status=UP)) == expected


@given(
    stretches,
    st.sampled_from([None, *Status]),
    st.booleans(),
    st.one_of(st.integers(1, 5), st.integers(1, WINDOW_MINUTES), st.just(WINDOW_MINUTES)),
    st.one_of(st.just(NOW), st.integers(20_000 * MINUTES_OF_DAY - 2, 20_000 * MINUTES_OF_DAY + 2)),
)
def test_the_answer_is_that_of_the_naive_model(
    minutes: dict[int, Status], default: Status | None, strict: bool, since: int, now: int
) -> None:
    monitor = Monitor("earth", "Earth", default_status=default, include_degraded_in_downtime=strict)
    assert answer(minutes, monitor, now=now, since=since) == naive_answer(
        minutes, monitor, now, since
    )


def naive_answer(minutes: Minutes, monitor: Monitor, now: int, since: int) -> MonitorStatus:
    """Minute by minute, as one would explain it."""
    known_since = min(min(minutes, default=now), now)
    covered = {minute: status for minute, status in minutes.items() if minute <= now}
    if monitor.default_status:
        for minute in range(known_since, now + 1):
            covered.setdefault(minute, monitor.default_status)
    covered = {m: s for m, s in covered.items() if m >= now - WINDOW_MINUTES}
    inside = [status for minute, status in covered.items() if minute >= now - since]
    good = (UP,) if monitor.include_degraded_in_downtime else (UP, DEGRADED)
    newest = max(covered, default=None)
    return MonitorStatus(
        "NO_DATA" if newest is None else covered[newest],
        uptime_text(sum(status in good for status in inside), len(inside)),
        None if newest is None else newest * 60,
    )


# Renamed monitors

RENAMED = Monitors([Monitor("terra", "Earth", aliases=("earth", "globe")), Monitor("moon", "M")])


def test_a_former_tags_history_is_found_under_the_present_tag() -> None:
    document = EMPTY.apply([sample(NOW - 2, DOWN), sample(NOW - 1, DOWN, tag="globe")])
    renamed = document.apply([sample(NOW, UP, tag="terra")]).under_present_tags(RENAMED)
    assert minutes_of(renamed) == {
        ("terra", NOW - 2): DOWN, ("terra", NOW - 1): DOWN, ("terra", NOW): UP,
    }  # fmt: skip
    assert renamed.histories["terra"].latest.minute == NOW


def test_the_present_tags_sample_wins_over_the_former_ones() -> None:
    document = EMPTY.apply([sample(NOW, UP, tag="terra"), sample(NOW, DOWN)])
    renamed = document.under_present_tags(RENAMED)
    assert minutes_of(renamed) == {("terra", NOW): UP}
    assert renamed.histories["terra"].latest.status is UP


def test_a_tag_that_changed_only_in_case_keeps_its_history() -> None:
    document = EMPTY.apply([sample(NOW, DOWN, tag="Moon")]).under_present_tags(RENAMED)
    assert list(document.histories) == ["moon"]


def test_histories_of_monitors_no_longer_listed_are_left_alone() -> None:
    document = EMPTY.apply([sample(NOW, tag="pluto")])
    assert document.under_present_tags(RENAMED) is document


def test_days_are_laid_over_each_other_minute_by_minute() -> None:
    upper: DayMinutes = day_from_runs("2-U-D")
    assert upper.over(day_from_runs("4DG")).runs == "2DU2D"
