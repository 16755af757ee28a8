"""Requests counted in plain numbers are the metrics that prometheus-client would have made."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from app.request_tally import SECONDS, RequestTally

REQUESTS = st.tuples(
    st.sampled_from(["GET", "POST"]),
    st.sampled_from(["/a", "/b/{number}", "none"]),
    st.sampled_from([0, 200, 404, 502]),
    st.sampled_from([0.0, 0.0005, *SECONDS, 3.0, 99.0]),
)


def values(registry: CollectorRegistry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): round(sample.value, 9)
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@given(st.lists(REQUESTS, max_size=30))
def test_it_tells_what_prometheus_clients_own_counters_tell(
    requests: list[tuple[str, str, int, float]],
) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = RequestTally("x")
    ours.register(tally)
    counter = Counter("x_requests", "c", ["method", "route", "status"], registry=theirs)
    histogram = Histogram(
        "x_request_seconds", "h", ["method", "route"], buckets=SECONDS, registry=theirs
    )
    for method, route, status, seconds in requests:
        tally.count(method, route, status, seconds)
        counter.labels(method, route, f"{status:03d}").inc()
        histogram.labels(method, route).observe(seconds)
    assert values(ours) == values(theirs)


def test_what_was_no_request_is_counted_and_not_timed() -> None:
    registry = CollectorRegistry()
    tally = RequestTally("x")
    registry.register(tally)
    for status in (400, 408, 400):
        tally.count_refused(status)
    found = {(dict(labels)["status"], value) for (_, labels), value in values(registry).items()}
    assert found == {("400", 2), ("408", 1)}


def test_methods_that_a_client_invents_share_one_label() -> None:
    registry = CollectorRegistry()
    tally = RequestTally("x")
    registry.register(tally)
    for number in range(100):
        tally.count(f"METHOD{number}", "none", 405, 0.1)
    labels = frozenset({("method", "other"), ("route", "none"), ("status", "405")})
    assert values(registry)["x_requests_total", labels] == 100
    assert len(values(registry)) == 1 + len(SECONDS) + 1 + 2
