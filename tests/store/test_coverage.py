"""Which minutes incidents cover."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.coverage import (
    IncidentSpan,
    Stretch,
    gaps,
    needs_resolved_time,
    span_of,
    stretches,
)
from github_store.incident import Impact, Incident
from github_store.monitor import Status

START, END = 600, 1200


def incident(**changes: Any) -> Incident:
    values: dict[str, Any] = {
        "title": "t", "tags": ("earth",), "start_datetime": START, "impact": Impact.DOWN,
        "number": 1, "created_at": 0, "closed_at": None, "is_open": True, "is_auto": False,
    }  # fmt: skip
    return Incident(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "resolved_at", "expected"),
    [
        pytest.param({"end_datetime": END}, None, (10, 20), id="from start to end"),
        pytest.param({"end_datetime": END + 59}, None, (10, 20), id="the end's minute is included"),
        pytest.param({}, None, (10, None), id="without an end it goes on"),
        pytest.param({"is_resolved": True}, 900, (10, 15), id="until it was resolved"),
        pytest.param({"is_resolved": True}, None, (10, None), id="resolved, nobody knows when"),
        pytest.param(
            {"is_resolved": True, "end_datetime": END}, 900, (10, 15), id="resolved before its end"
        ),
        pytest.param(
            {"is_resolved": True, "end_datetime": END}, 1500, (10, 20), id="resolved after its end"
        ),
        pytest.param(
            {"is_resolved": True, "end_datetime": END}, 60, None, id="resolved before it began"
        ),
        pytest.param(
            {"end_datetime": END, "closed_at": 960, "is_open": False}, None, (10, 16),
            id="closed before its end",
        ),
        pytest.param(
            {"closed_at": 960, "is_open": False, "is_dismissed": True}, None, None, id="dismissed"
        ),
        pytest.param({"closed_at": 960, "is_open": False}, None, (10, 16), id="until closed"),
        pytest.param(
            {"closed_at": 960, "is_open": False, "is_resolved": True}, 900, (10, 15),
            id="resolved, then closed",
        ),
        pytest.param({"closed_at": 1, "is_open": False}, None, None, id="closed before it began"),
        pytest.param({"is_maintenance": True}, None, (10, None), id="maintenance covers too"),
        pytest.param({"is_auto": True}, None, None, id="auto never covers"),
        pytest.param({"impact": None}, None, None, id="no impact"),
        pytest.param({"start_datetime": None}, None, None, id="no start"),
        pytest.param({"start_datetime": 0}, None, (0, None), id="since 1970"),
    ],
)  # fmt: skip
def test_what_an_incident_covers(
    changes: dict[str, Any], resolved_at: int | None, expected: tuple[int, int | None] | None
) -> None:
    span = span_of(incident(**changes), resolved_at=resolved_at)
    assert (span and (span.first, span.last)) == expected


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({"is_resolved": True}, True),
        ({"is_resolved": True, "end_datetime": END}, True),
        ({"is_resolved": True, "end_datetime": END, "created_at": END}, False),
        ({"is_resolved": True, "is_dismissed": True}, False),
        ({"is_resolved": True, "impact": None}, False),
        ({"is_resolved": True, "is_auto": True}, False),
        ({}, False),
    ],
)
def test_events_are_asked_only_where_they_matter(changes: dict[str, Any], needed: bool) -> None:
    assert needs_resolved_time(incident(**changes)) is needed


SPANS = st.lists(
    st.builds(
        lambda tags, status, first, length: IncidentSpan(
            frozenset(tags), status, first, None if length is None else first + length
        ),
        st.lists(st.sampled_from(["earth", "mars"]), min_size=1),
        st.sampled_from([Status.DOWN, Status.DEGRADED]),
        st.integers(-20, 60),
        st.none() | st.integers(0, 30),
    ),
    max_size=8,
)


def naive(spans: list[IncidentSpan], minute: int) -> Status | None:
    here = {
        span.status
        for span in spans
        if "earth" in span.tags
        and span.first <= minute
        and (span.last is None or minute <= span.last)
    }
    if Status.DOWN in here:
        return Status.DOWN
    return Status.DEGRADED if here else None


@given(SPANS, st.integers(0, 20), st.integers(0, 40))
def test_stretches_and_gaps_are_what_a_walk_through_all_minutes_finds(
    spans: list[IncidentSpan], first: int, length: int
) -> None:
    last = first + length
    covered = stretches(spans, "earth", first=first, last=last)
    walked = {minute: naive(spans, minute) for minute in range(first, last + 1)}
    told: dict[int, Status | None] = {}
    for stretch in covered:
        for minute in range(stretch.first, stretch.last + 1):
            assert minute not in told, "covered twice"
            told[minute] = stretch.status
    for a, b in gaps(covered, first=first, last=last):
        for minute in range(a, b + 1):
            assert minute not in told, "covered and free"
            told[minute] = None
    assert told == walked


def test_an_incident_of_centuries_is_one_stretch() -> None:
    spans = [IncidentSpan(frozenset({"earth"}), Status.DOWN, 0, None)]
    assert stretches(spans, "earth", first=10**6, last=10**9) == (
        Stretch(Status.DOWN, 10**6, 10**9),
    )
    assert stretches(spans, "earth", first=10**6, last=10**9)[0].minutes == 10**9 - 10**6 + 1
