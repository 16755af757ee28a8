"""How many requests there were and how long they took, counted by one event loop.

A counter and a histogram of prometheus-client take a lock for every number, and some four
microseconds a request; two additions to plain numbers take less than one. They become metrics when
somebody asks, on the same event loop.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"
NONE: Final = "none"
"""The method and the route of what was no request."""

_BOUNDS: Final = (*map(str, SECONDS), "+Inf")


class _Tally:
    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * len(_BOUNDS)
        self.seconds = 0.0


class RequestTally(Collector):
    """By method, route and status; a method that a client invented is ``other``."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._tallies: dict[tuple[str, str, int], _Tally] = {}
        self._refused: Counter[int] = Counter()

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        key = method, route, status
        tally = self._tallies.get(key)
        if tally is None:
            known = method if method in METHODS else OTHER
            tally = self._tallies.setdefault((known, route, status), _Tally())
        tally.seconds += seconds
        tally.buckets[bisect_left(SECONDS, seconds)] += 1

    def count_refused(self, status: int) -> None:
        """What was refused before it was a request; it took no time that could be told."""
        self._refused[status] += 1

    def collect(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            f"{self._prefix}_requests", "Requests answered.", labels=["method", "route", "status"]
        )
        timed = HistogramMetricFamily(
            f"{self._prefix}_request_seconds",
            "Seconds from a request's head to its whole answer.",
            labels=["method", "route"],
        )
        by_route: dict[tuple[str, str], _Tally] = {}
        for (method, route, status), tally in self._tallies.items():
            requests.add_metric([method, route, f"{status:03d}"], sum(tally.buckets))
            whole = by_route.setdefault((method, route), _Tally())
            whole.seconds += tally.seconds
            pairs = zip(whole.buckets, tally.buckets, strict=True)
            whole.buckets = [one + other for one, other in pairs]
        for status, count in self._refused.items():
            requests.add_metric([NONE, NONE, f"{status:03d}"], count)
        for labels, whole in by_route.items():
            cumulative = list(zip(_BOUNDS, accumulate(whole.buckets), strict=True))
            timed.add_metric(list(labels), cumulative, whole.seconds)
        yield requests
        yield timed
