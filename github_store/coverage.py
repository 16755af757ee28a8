"""Which minutes incidents cover, and the counts of a window with them; pure.

Per minute an incident beats a pushed sample, and a sample beats ``defaultStatus``; of several
incidents DOWN beats DEGRADED. An incident with an impact and a start covers the minutes from its
start, maintenance too, to the earliest of these, both included: its end, the minute in which the
label ``resolved`` was put on, and ``closed_at``; up to now without any. One that was closed as not
planned or as a duplicate covers nothing. Nor do those labelled ``auto``: they were made from the
very samples.

Spans are intervals and are never walked through: one that began in 1970 costs what any other does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from github_store.incident import Impact, Incident
from github_store.monitor import Status

_STATUS = {Impact.DOWN: Status.DOWN, Impact.DEGRADED: Status.DEGRADED}


@dataclass(frozen=True, slots=True)
class IncidentSpan:
    """What one incident says of its monitors. Minutes are seconds // 60; both are included.

    ``last`` is None while it goes on.
    """

    tags: frozenset[str]
    status: Status
    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring minutes of one status, from ``first`` to ``last``, both included."""

    status: Status
    first: int
    last: int

    @property
    def minutes(self) -> int:
        return self.last - self.first + 1


def needs_resolved_time(incident: Incident) -> bool:
    """Whether the issue's events must tell when ``resolved`` was put on."""
    end = incident.end_datetime
    # It was labelled no earlier than it was opened: an end before that is the earlier one anyway.
    return incident.is_resolved and _covers(incident) and (end is None or end > incident.created_at)


def span_of(incident: Incident, *, resolved_at: int | None = None) -> IncidentSpan | None:
    """What an incident covers, None where nothing. ``resolved_at``: seconds since 1970."""
    if not _covers(incident):
        return None
    assert incident.impact is not None
    assert incident.start_datetime is not None
    ends = (
        incident.end_datetime,
        resolved_at if incident.is_resolved else None,
        incident.closed_at,
    )
    known = [end // 60 for end in ends if end is not None]
    first, last = incident.start_datetime // 60, min(known) if known else None
    if last is not None and last < first:  # closed or resolved before it began
        return None
    return IncidentSpan(frozenset(incident.tags), _STATUS[incident.impact], first, last)


def by_tag(spans: Iterable[IncidentSpan]) -> dict[str, tuple[IncidentSpan, ...]]:
    """The spans of each monitor that has any, in their order."""
    found: dict[str, list[IncidentSpan]] = {}
    for span in spans:
        for tag in span.tags:
            found.setdefault(tag, []).append(span)
    return {tag: tuple(own) for tag, own in found.items()}


def stretches(
    spans: Iterable[IncidentSpan], tag: str, *, first: int, last: int
) -> tuple[Stretch, ...]:
    """The covered minutes of one monitor in a window: ascending, none twice, DOWN first."""
    own = [
        (max(span.first, first), last if span.last is None else min(span.last, last), span.status)
        for span in spans
        if tag in span.tags
    ]
    own = [each for each in own if each[0] <= each[1]]
    down = _merged([(a, b) for a, b, status in own if status is Status.DOWN])
    degraded = _without(
        _merged([(a, b) for a, b, status in own if status is not Status.DOWN]), down
    )
    found = [Stretch(Status.DOWN, *each) for each in down]
    found += [Stretch(Status.DEGRADED, *each) for each in degraded]
    return tuple(sorted(found, key=lambda stretch: stretch.first))


def gaps(covered: Sequence[Stretch], *, first: int, last: int) -> list[tuple[int, int]]:
    """What of a window no incident covers, as intervals with both ends included."""
    free, start = [], first
    for stretch in covered:
        if start < stretch.first:
            free.append((start, stretch.first - 1))
        start = stretch.last + 1
    if start <= last:
        free.append((start, last))
    return free


def _covers(incident: Incident) -> bool:
    return (
        incident.impact is not None
        and incident.start_datetime is not None
        and not incident.is_auto
        and not incident.is_dismissed
    )


def _merged(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def _without(
    intervals: list[tuple[int, int]], taken: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """What of ascending, disjoint intervals is not in the others, which are likewise."""
    left: list[tuple[int, int]] = []
    at = 0
    for first, last in intervals:
        while at < len(taken) and taken[at][1] < first:
            at += 1
        following = at
        while following < len(taken) and taken[following][0] <= last:
            a, b = taken[following]
            if first < a:
                left.append((first, a - 1))
            first, following = b + 1, following + 1
        if first <= last:
            left.append((first, last))
    return left
