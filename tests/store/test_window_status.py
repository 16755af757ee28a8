"""GET's answer, against a naive model that walks through every minute of the window."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.coverage import IncidentSpan
from github_store.day_minutes import MINUTES_OF_DAY
from github_store.monitor import Monitor, Status
from github_store.sample import WINDOW_MINUTES, Sample
from github_store.uptime import uptime_text
from github_store.window_status import DaysNeeded, MonitorStatus, window_status
from tests.store.status_tree import StatusTree

UP, DOWN, DEGRADED = Status.UP, Status.DOWN, Status.DEGRADED
TODAY = 20_000
MIDNIGHT = TODAY * MINUTES_OF_DAY
NOW = MIDNIGHT + 700
EARTH = Monitor("earth", "Earth")
ALWAYS_UP = Monitor("earth", "Earth", default_status=UP)


def naive(
    samples: Mapping[int, Status],
    spans: Sequence[IncidentSpan],
    monitor: Monitor,
    *,
    now: int,
    since: int,
) -> MonitorStatus:
    """Minute by minute, as the rules say it. ``samples`` are all that ever were."""
    known_since = min([now, *samples])
    oldest = now - WINDOW_MINUTES
    status_at = {
        minute: samples.get(minute) or (monitor.default_status if minute >= known_since else None)
        for minute in range(oldest, now + 1)
    }
    for covering in (DEGRADED, DOWN):
        for span in spans:
            if span.status is covering and monitor.tag in span.tags:
                last = now if span.last is None else min(span.last, now)
                for minute in range(max(span.first, oldest), last + 1):
                    status_at[minute] = covering
    found = [status_at[minute] for minute in range(now - since, now + 1)]
    up = found.count(UP)
    if not monitor.include_degraded_in_downtime:
        up += found.count(DEGRADED)
    newest = next((at for at in range(now, oldest - 1, -1) if status_at[at] is not None), None)
    return MonitorStatus(
        (newest is not None and status_at[newest]) or "NO_DATA",
        uptime_text(up, len(found) - found.count(None)),
        None if newest is None else newest * 60,
    )


def filled(stretches: Sequence[tuple[int, int, int, Status]], *, up_to: int) -> dict[int, Status]:
    """Minutes from stretches: first, length, one in how many minutes, status."""
    return {
        minute: status
        for first, length, every, status in stretches
        for minute in range(first, min(first + length, up_to + 1), every)
    }


edges = (NOW, MIDNIGHT, MIDNIGHT - MINUTES_OF_DAY, NOW - WINDOW_MINUTES, NOW - 60)
minutes = st.one_of(
    st.builds(int.__add__, st.sampled_from(edges), st.integers(-3, 3)),
    st.integers(NOW - WINDOW_MINUTES - 3_000, NOW),
    st.integers(NOW - 4 * MINUTES_OF_DAY, NOW),
)
lengths = st.one_of(
    st.integers(1, 4), st.integers(1, 6_000), st.sampled_from([1_440, 2_880, 90_000])
)
histories = st.lists(
    st.tuples(minutes, lengths, st.sampled_from([1, 1, 5, 7]), st.sampled_from(Status)), max_size=4
)
spans = st.lists(
    st.builds(
        lambda tags, status, first, length: IncidentSpan(
            frozenset(tags), status, first, None if length is None else first + length
        ),
        st.sampled_from([("earth",), ("earth", "moon"), ("moon",)]),
        st.sampled_from([DOWN, DEGRADED]),
        st.one_of(minutes, st.just(0)),
        st.one_of(st.none(), st.integers(0, 9_000)),
    ),
    max_size=3,
)
monitors = st.builds(
    lambda default, degraded: Monitor(
        "earth", "Earth", default_status=default, include_degraded_in_downtime=degraded
    ),
    st.sampled_from([None, UP, DOWN, DEGRADED]),
    st.booleans(),
)
windows = st.one_of(
    st.just(WINDOW_MINUTES), st.integers(1, WINDOW_MINUTES), st.integers(1, 3 * MINUTES_OF_DAY)
)
clocks = st.one_of(
    st.just(NOW),
    st.sampled_from([NOW - 60, NOW + 1, MIDNIGHT + 1_440, MIDNIGHT + 1_450, NOW + 4_000]),
    st.sampled_from([MIDNIGHT - 30, MIDNIGHT - 1, MIDNIGHT - 4_000]),
)


def tree_of(samples: Mapping[int, Status], *, today: int = TODAY) -> StatusTree:
    tree = StatusTree()
    tree.flush([Sample("earth", minute, s, 0) for minute, s in samples.items()], today=today)
    return tree


@given(histories, histories, spans, monitors, windows, clocks)
def test_the_answer_is_the_naive_models_to_the_last_digit(
    committed: list[tuple[int, int, int, Status]],
    late: list[tuple[int, int, int, Status]],
    incidents: list[IncidentSpan],
    monitor: Monitor,
    since: int,
    now: int,
) -> None:
    before, pending = filled(committed, up_to=NOW), filled(late, up_to=max(NOW, now))
    expected = naive(before | pending, incidents, monitor, now=now, since=since)
    samples = [Sample("earth", minute, status, 0) for minute, status in pending.items()]
    tree = tree_of(before)
    found = tree.answer(monitor, now=now, since=since, spans=incidents, pending=samples)
    assert found == expected
    if samples:
        tree.flush(samples, today=now // MINUTES_OF_DAY)
        for journal in (samples, samples[len(samples) // 2 :], []):
            assert tree.answer(
                monitor, now=now, since=since, spans=incidents, pending=journal
            ) == expected  # fmt: skip


ALL_UP = dict.fromkeys(range(NOW - WINDOW_MINUTES - 700, NOW + 1), UP)
TWO_DOWN = ALL_UP | {NOW - WINDOW_MINUTES: DOWN, NOW - 1: DOWN}
DAY_5 = MIDNIGHT - 5 * MINUTES_OF_DAY


@pytest.mark.parametrize(
    ("samples", "incident", "days"),
    [
        pytest.param(ALL_UP, None, set(), id="whole days of one status settle all"),
        pytest.param(TWO_DOWN, None, {90}, id="the window's end needs its day"),
        pytest.param({}, None, set(), id="nothing known"),
        pytest.param(ALL_UP | {DAY_5: DOWN}, None, set(), id="a mixed day inside the window"),
        pytest.param(ALL_UP | {DAY_5: DOWN}, (DAY_5 + 5, 5), {5}, id="an incident within it"),
        pytest.param(ALL_UP | {DAY_5: DOWN}, (DAY_5, 1_439), set(), id="all over it"),
        pytest.param(ALL_UP, (DAY_5 + 5, 5), set(), id="an incident within a day of one status"),
        pytest.param(TWO_DOWN, (0, None), set(), id="an incident since 1970 needs nothing"),
    ],
)
def test_a_days_minutes_are_read_only_where_its_counts_do_not_settle_it(
    samples: dict[int, Status], incident: tuple[int, int | None] | None, days: set[int]
) -> None:
    tree = tree_of(samples)
    spans = []
    if incident:
        first, length = incident
        last = None if length is None else first + length
        spans = [IncidentSpan(frozenset(["earth"]), DOWN, first, last)]
    found = window_status(tree.board(), EARTH, now=NOW, spans=spans)
    needed = {TODAY - day for day in found.days} if isinstance(found, DaysNeeded) else set()
    assert needed == days
    assert tree.answer(EARTH, now=NOW, spans=spans) == naive(
        samples, spans, EARTH, now=NOW, since=WINDOW_MINUTES
    )


def test_a_pending_sample_of_a_mixed_day_needs_that_days_minutes() -> None:
    tree = tree_of({DAY_5: DOWN, DAY_5 + 1: UP})
    pending = [Sample("earth", DAY_5, UP, 0)]
    found = window_status(tree.board(), EARTH, now=NOW, pending=pending)
    assert found == DaysNeeded(frozenset([TODAY - 5]))
    assert tree.answer(EARTH, now=NOW, pending=pending) == MonitorStatus(
        "UP", "100", (DAY_5 + 1) * 60
    )


def test_days_that_no_longer_stand_on_a_board_ahead_of_the_clock_are_read_from_their_files() -> (
    None
):
    samples = {NOW: UP, NOW - 1: DOWN, NOW - 5 * MINUTES_OF_DAY: DOWN, NOW - 5: UP}
    samples |= {NOW - 3 * MINUTES_OF_DAY: DOWN}
    tree = tree_of(samples)
    tree.flush([Sample("earth", NOW + 400 * MINUTES_OF_DAY, UP, 0)], today=TODAY)
    assert tree.answer(EARTH, now=NOW) == MonitorStatus("UP", "40", NOW * 60)


def answer(
    samples: dict[int, Status],
    monitor: Monitor = EARTH,
    *,
    now: int = NOW,
    since: int | None = None,
) -> MonitorStatus:
    since = WINDOW_MINUTES if since is None else since
    return tree_of(samples, today=now // MINUTES_OF_DAY).answer(monitor, now=now, since=since)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param({NOW: UP}, MonitorStatus("UP", "100", NOW * 60), id="up now"),
        pytest.param({NOW - 5: DOWN}, MonitorStatus("DOWN", "0", NOW * 60 - 300), id="down"),
        pytest.param({NOW: DEGRADED}, MonitorStatus("DEGRADED", "100", NOW * 60), id="degraded"),
        pytest.param({NOW - 2: UP, NOW - 1: DOWN, NOW: UP},
                     MonitorStatus("UP", "66.6667", NOW * 60), id="two of three"),
        pytest.param({NOW - WINDOW_MINUTES: DOWN, NOW: UP}, MonitorStatus("UP", "50", NOW * 60),
                     id="the window's first minute counts"),
        pytest.param({NOW - WINDOW_MINUTES - 1: DOWN, NOW: UP},
                     MonitorStatus("UP", "100", NOW * 60), id="the minute before it does not"),
        pytest.param({NOW - WINDOW_MINUTES - 1: DOWN}, MonitorStatus("NO_DATA", "-", None),
                     id="only older than 90 days"),
        pytest.param({NOW - 1: DOWN, NOW + 1: UP}, MonitorStatus("DOWN", "0", NOW * 60 - 60),
                     id="the next minute does not count yet"),
    ],
)  # fmt: skip
def test_status_and_uptime_of_pushed_minutes(
    samples: dict[int, Status], expected: MonitorStatus
) -> None:
    assert answer(samples) == expected


def test_degraded_minutes_count_as_downtime_where_the_monitor_says_so() -> None:
    strict = Monitor("earth", "Earth", include_degraded_in_downtime=True)
    assert answer({NOW - 1: UP, NOW: DEGRADED}).uptime == "100"
    assert answer({NOW - 1: UP, NOW: DEGRADED}, strict).uptime == "50"


@pytest.mark.parametrize(
    ("since", "uptime"), [(0, "100"), (1, "50"), (2, "33.3333"), (3, "33.3333")]
)
def test_a_shorter_window_counts_both_its_ends(since: int, uptime: str) -> None:
    assert answer({NOW - 2: DOWN, NOW - 1: DOWN, NOW: UP}, since=since).uptime == uptime


@pytest.mark.parametrize("now", [MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 1])
def test_a_window_across_midnight_counts_both_days(now: int) -> None:
    assert answer({now - 2: DOWN, now - 1: DOWN, now: UP}, now=now, since=1).uptime == "50"


def test_the_newest_status_is_told_even_when_the_shorter_window_has_none() -> None:
    assert answer({NOW - 30: DOWN}, since=1) == MonitorStatus("DOWN", "-", (NOW - 30) * 60)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param({NOW: DOWN}, MonitorStatus("DOWN", "0", NOW * 60), id="a sample now"),
        pytest.param({NOW - 1: DOWN}, MonitorStatus("UP", "50", NOW * 60), id="a minute ago"),
        pytest.param({NOW - 10: DOWN}, MonitorStatus("UP", "90.9091", NOW * 60), id="ten"),
        pytest.param({NOW - WINDOW_MINUTES - 1: DOWN}, MonitorStatus("UP", "100", NOW * 60),
                     id="known before the window"),
    ],
)  # fmt: skip
def test_the_default_status_fills_minutes_without_a_sample(
    samples: dict[int, Status], expected: MonitorStatus
) -> None:
    assert answer(samples, ALWAYS_UP) == expected


def test_a_monitor_known_only_ahead_of_a_clock_stepped_back_is_known_from_now_on() -> None:
    tree = tree_of({NOW: DOWN})
    assert tree.answer(ALWAYS_UP, now=NOW - 60) == MonitorStatus("UP", "100", (NOW - 60) * 60)


def test_a_pending_sample_of_the_newest_committed_minute_is_told() -> None:
    pending = [Sample("earth", NOW, DOWN, 0)]
    assert tree_of({NOW: UP}).answer(EARTH, now=NOW, pending=pending).status == "DOWN"


def span(status: Status, first: int, last: int | None) -> IncidentSpan:
    return IncidentSpan(frozenset(["earth"]), status, first, last)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([span(DOWN, NOW - 9, NOW - 5)], MonitorStatus("UP", "50", NOW * 60),
                     id="both ends are covered"),
        pytest.param([span(DOWN, NOW - 4, None)], MonitorStatus("DOWN", "50", NOW * 60),
                     id="without an end, to now"),
        pytest.param([span(DEGRADED, 0, None), span(DOWN, NOW - 4, NOW)],
                     MonitorStatus("DOWN", "99.9961", NOW * 60), id="down beats degraded"),
        pytest.param([span(DEGRADED, 0, None)], MonitorStatus("DEGRADED", "100", NOW * 60),
                     id="minutes without a sample are covered too"),
        pytest.param([span(DOWN, NOW + 1, None)], MonitorStatus("UP", "100", NOW * 60),
                     id="what is to come does not count"),
    ],
)  # fmt: skip
def test_an_incident_beats_the_samples_of_its_minutes(
    spans: list[IncidentSpan], expected: MonitorStatus
) -> None:
    """Ten minutes up, the last ones of the window."""
    tree = tree_of(dict.fromkeys(range(NOW - 9, NOW + 1), UP))
    assert tree.answer(EARTH, now=NOW, spans=spans) == expected


def test_of_one_incident_since_1970_no_minutes_are_listed() -> None:
    """The window is 129,601 minutes, the incident 28 million: some microseconds and some bytes."""
    board = tree_of({NOW: UP}).board()
    spans = [span(DOWN, 0, None)]
    window_status(board, EARTH, now=NOW, spans=spans)
    tracemalloc.start()
    try:
        found = window_status(board, EARTH, now=NOW, spans=spans)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == MonitorStatus("DOWN", "0", NOW * 60)
    assert most < 50_000


@pytest.mark.parametrize(
    ("monitor", "spans", "expected"),
    [
        pytest.param(EARTH, [], MonitorStatus("NO_DATA", "-", None), id="nothing at all"),
        pytest.param(ALWAYS_UP, [], MonitorStatus("UP", "100", NOW * 60), id="a default"),
        pytest.param(EARTH, [IncidentSpan(frozenset(["earth"]), DEGRADED, 0, None)],
                     MonitorStatus("DEGRADED", "100", NOW * 60), id="an incident"),
        pytest.param(ALWAYS_UP, [IncidentSpan(frozenset(["earth"]), DOWN, NOW - 9, NOW - 1)],
                     MonitorStatus("UP", "10", NOW * 60), id="a default after an incident"),
    ],
)  # fmt: skip
def test_a_monitor_without_a_sample(
    monitor: Monitor, spans: list[IncidentSpan], expected: MonitorStatus
) -> None:
    assert StatusTree().answer(monitor, now=NOW, spans=spans) == expected
