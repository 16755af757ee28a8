"""What is counted, under which few labels."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from app import __version__
from app.auth import Access
from app.github_contact import Contact
from app.metrics import Metrics
from app.open_connections import Crowd
from app.readiness import Vitals
from app.tokens import Tokens
from github_store import BrokenDocument, Exchange, GitHubUnavailable
from tests.app.fake_store import NOW
from tests.app.service import TOKEN, Service, healthy

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples_of(text: str) -> Samples:
    """Every value by its name and labels, as a Prometheus would read them."""
    return {
        (sample.name.removeprefix("kener_issues_"), tuple(sorted(sample.labels.items()))): value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if (value := sample.value) is not None
    }


def value_of(metrics: Metrics | Service, name: str, **labels: str) -> float | None:
    registry = metrics.metrics if isinstance(metrics, Service) else metrics
    text, _ = registry.rendered("")
    return samples_of(text.decode()).get((name, tuple(sorted(labels.items()))))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def exchange(path: str, **more: object) -> Exchange:
    given = {"method": "GET", "status": 200, "seconds": 0.2, "headers": {}, **more}
    return Exchange(path=path, **given)  # type: ignore[arg-type]


# requests


def test_requests_are_counted_by_route_template_and_status() -> None:
    service = Service()
    client = service.client()
    for number in (1, 2, 3):
        client.get(f"/api/incident/{number}")
    client.get("/api/incident/x")
    route = "/api/incident/{number}"
    assert value_of(service, "requests_total", method="GET", route=route, status="404") == 3
    assert value_of(service, "requests_total", method="GET", route=route, status="400") == 1
    assert value_of(service, "request_seconds_count", method="GET", route=route) == 4


def test_a_status_is_counted_under_its_route_though_it_takes_a_short_cut() -> None:
    service = Service()
    service.client().get("/api/status?tag=earth")
    service.client(token="wrong").get("/api/status?tag=earth")
    for status in ("200", "401"):
        labels = {"method": "GET", "route": "/api/status", "status": status}
        assert value_of(service, "requests_total", **labels) == 1


def test_a_fault_of_our_own_counts_as_500() -> None:
    service = Service()
    service.incidents.failure = RuntimeError("a bug")
    service.client().get("/api/incident")
    labels = {"method": "GET", "route": "/api/incident", "status": "500"}
    assert value_of(service, "requests_total", **labels) == 1


def test_a_client_cannot_invent_labels() -> None:
    service = Service()
    client = service.client()
    client.get("/healthz")
    before = len(samples_of(service.metrics.rendered("")[0].decode()))
    for n in range(50):
        client.get(f"/nothing/{n}")
        client.request(f"METHOD{n}", f"/api/incident/{n}")
        service.client(token=f"wrong{n}").get(f"/api/incident/{n}")
    after = samples_of(service.metrics.rendered("")[0].decode())
    assert value_of(service, "requests_total", method="GET", route="none", status="404") == 50
    assert (
        value_of(
            service, "requests_total", method="GET", route="/api/incident/{number}", status="401"
        )
        == 50
    )
    assert len(after) - before < 60, "three more series, with their buckets"


def test_tags_titles_and_numbers_are_no_labels() -> None:
    service = Service()
    client = service.client()
    client.post("/api/incident", json={"title": "Secret title", "tags": ["frogment"]})
    client.post("/api/status", json={"status": "UP", "latency": 1, "tag": "frogment"})
    client.get("/api/incident/4711?title_like=Secret")
    text = service.metrics.rendered("")[0].decode()
    assert not [word for word in ("frogment", "Secret", "4711", TOKEN) if word in text]


# GitHub


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/repos/o/r/issues", "issues"),
        ("/repos/o/r/issues?state=open&labels=comments", "issues"),
        ("/repos/o/r/issues/7/events", "issues"),
        ("/repos/o/r/issues/7/comments?per_page=100", "comments"),
        ("/repos/o/r/issues/comments/9", "comments"),
        ("/repositories/12/issues?page=2", "issues"),
        ("/repositories/12/issues/3/comments?page=2", "comments"),
        ("/search/issues?q=x", "search"),
        ("/search/issues?q=x&page=2", "search"),
        ("/repos/o/r/contents/monitors.yaml", "contents"),
        ("/repos/o/r/git/trees", "git"),
        ("/repos/search/issues/labels", "other"),
        ("/repos/o/r", "other"),
        ("/user", "other"),
    ],
)
def test_requests_to_github_are_counted_by_what_they_are_about(
    metrics: Metrics, path: str, kind: str
) -> None:
    metrics.github(exchange(path))
    labels = {"method": "GET", "kind": kind}
    assert value_of(metrics, "github_requests_total", **labels, status="200") == 1
    assert value_of(metrics, "github_request_seconds_sum", **labels) == pytest.approx(0.2)


def test_an_unanswered_request_counts_too(metrics: Metrics) -> None:
    metrics.github(exchange("/user", method="POST", status=None))
    labels = {"method": "POST", "kind": "other", "status": "none"}
    assert value_of(metrics, "github_requests_total", **labels) == 1


def test_the_quota_left_is_told_by_resource(metrics: Metrics) -> None:
    for resource, left in (("core", "4987"), ("search", "29"), ("core", "4986"), ("new-one", "1")):
        headers = {
            "x-ratelimit-resource": resource,
            "x-ratelimit-remaining": left,
            "x-ratelimit-reset": "1795560000",
        }
        metrics.github(exchange("/x", headers=headers))
    metrics.github(exchange("/x", headers={"x-ratelimit-remaining": "many"}))
    assert value_of(metrics, "github_quota_remaining", resource="core") == 4986
    assert value_of(metrics, "github_quota_remaining", resource="search") == 29
    assert value_of(metrics, "github_quota_remaining", resource="other") == 1
    reset = value_of(metrics, "github_quota_reset_timestamp_seconds", resource="core")
    assert reset == 1795560000


# what others feed


def test_cache_outcomes_and_deliveries_are_counted_under_known_words(metrics: Metrics) -> None:
    for outcome in ("hit", "hit", "outage", "forged"):
        metrics.cache_outcome(outcome)
    assert value_of(metrics, "cache_outcomes_total", outcome="hit") == 2
    assert value_of(metrics, "cache_outcomes_total", outcome="outage") == 1
    assert value_of(metrics, "cache_outcomes_total", outcome="other") == 1
    metrics.delivery("issues", "applied")
    metrics.delivery("a-forged-event", "refused")
    assert value_of(metrics, "webhook_deliveries_total", event="issues", outcome="applied") == 1
    assert value_of(metrics, "webhook_deliveries_total", event="other", outcome="refused") == 1


def test_what_is_known_is_read_off_when_somebody_asks(metrics: Metrics) -> None:
    health = replace(
        healthy(), waiting=12, oldest_at=NOW - 30, committed_at=NOW - 60, commits=5, failures=2,
        lag_seconds=4.5, problem=BrokenDocument("status.json", "no", line=1, column=1),
    )  # fmt: skip
    contact = Contact(answered_at=NOW - 9, failing_since=NOW - 8)
    out_for = {"core": 0.0, "search": 9.5}
    vitals = [
        Vitals(
            monitors=3, statuses=health, contact=contact, hidden_incidents=7, out_for=out_for,
            crowd=Crowd(connections=17, most=64, gave_way=5, turned_away=4), body_bytes=9_000,
            failing={"close": 1, "commit": 0},
            unusable_times=2,
        )
    ]  # fmt: skip
    metrics.watch(lambda: vitals[0], clock=lambda: NOW)
    expected = {
        "journal_samples": 12, "journal_oldest_seconds": 30, "commit_lag_seconds": 4.5,
        "last_commit_timestamp_seconds": NOW - 60, "commits_total": 5, "commit_failures_total": 2,
        "status_board_broken": 1, "status_board_confirmed_timestamp_seconds": NOW,
        "monitors": 3, "hidden_incidents": 7, "github_failing_seconds": 8,
        "incidents_with_unreadable_times": 2,
        "journal_damages": 0, "journal_missing_samples": 0,
        "github_answered_timestamp_seconds": NOW - 9,
        "connections": 17, "connections_limit": 64, "body_bytes": 9_000,
        "connections_gave_way_total": 5, "connections_turned_away_total": 4,
    }  # fmt: skip
    assert {name: value_of(metrics, name) for name in expected} == expected
    assert value_of(metrics, "github_out", resource="core") == 0
    assert value_of(metrics, "github_out", resource="search") == 1
    assert value_of(metrics, "failing", kind="close") == 1
    assert value_of(metrics, "failing", kind="commit") == 0
    vitals[0] = replace(vitals[0], statuses=healthy())
    assert value_of(metrics, "journal_samples") == 0
    assert value_of(metrics, "journal_oldest_seconds") == 0
    assert value_of(metrics, "last_commit_timestamp_seconds") is None


# the document


def test_the_document_says_what_is_running() -> None:
    reply = Service().client().get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain; version=")
    assert f'version="{__version__}"' in reply.text


def test_openmetrics_is_answered_where_it_is_asked_for() -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    reply = Service().client().get("/metrics", headers=accept)
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert reply.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("is_public", "token", "status"),
    [(False, None, 401), (False, "wrong", 401), (False, TOKEN, 200), (True, None, 200)],
    ids=["no token", "a wrong token", "the token", "public"],
)
def test_metrics_need_the_token_unless_they_are_public(
    is_public: bool, token: str | None, status: int
) -> None:
    client = Service(metrics_public=is_public).client(token=token)
    assert client.get("/metrics").status_code == status


def test_metrics_look_at_the_address_as_the_api_does() -> None:
    from app.client_address import parse_address

    access = Access(tokens=Tokens([TOKEN]), ip=parse_address("192.0.2.7"))
    assert Service(access=access).client().get("/metrics").status_code == 401
    assert Service(access=access).client(peer="192.0.2.7").get("/metrics").status_code == 200


def test_two_services_in_one_process_count_apart() -> None:
    one, other = Service(), Service()
    one.client().get("/healthz")
    labels = {"method": "GET", "route": "/healthz", "status": "200"}
    assert value_of(one, "requests_total", **labels) == 1
    assert value_of(other, "requests_total", **labels) is None


def test_a_store_that_fails_leaves_the_document_readable() -> None:
    service = Service(health=replace(healthy(), error=GitHubUnavailable("no")))
    assert service.client().get("/metrics").status_code == 200
