"""What the service counts and times, in Prometheus's words.

Labels take few values: routes are templates, and what reached no route (an unknown path, or a
caller who was not let in) stands under ``none``; no tag, number, address or title is a label.
What can be read off when somebody asks (the journal, commits, what is held) is read then.

Requests are counted on the event loop; the other counters may be fed from any thread.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app import __version__
from app.readiness import Vitals
from app.request_tally import METHODS, NONE, OTHER, RequestTally
from github_store import Exchange, request_kind

NO_ROUTE: Final = NONE
GITHUB_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 12.0)
OUTCOMES: Final = frozenset({"hit", "stale", "revalidated", "miss", "outage"})
RESOURCES: Final = frozenset({"core", "search", "graphql", "code_search", "integration_manifest"})
EVENTS: Final = frozenset(
    {
        *("issues", "issue_comment", "label", "push", "ping", "repository", "installation"),
        *("member", "organization", "membership", "team", "team_add"),
    }
)
DELIVERY_OUTCOMES: Final = frozenset({"applied", "ignored", "repeated", "refused", "failed"})

_PREFIX: Final = "kener_issues"


class Metrics:
    """Everything counted in one registry, which is the service's own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._tally = RequestTally(_PREFIX)
        registry.register(self._tally)
        self.request = self._tally.count
        """Count one request of the API; ``status`` 0 where no answer was sent."""
        self.refused = self._tally.count_refused
        """Count what was answered to bytes that were no request, or none that is taken."""
        self._github_requests = Counter(
            f"{_PREFIX}_github_requests", "Requests to GitHub; status none: no answer came.",
            ["method", "kind", "status"], registry=registry,
        )  # fmt: skip
        self._github_seconds = Histogram(
            f"{_PREFIX}_github_request_seconds", "Seconds that GitHub took.",
            ["method", "kind"], buckets=GITHUB_SECONDS, registry=registry,
        )  # fmt: skip
        self._quota = Gauge(
            f"{_PREFIX}_github_quota_remaining", "Requests that GitHub still allows.",
            ["resource"], registry=registry,
        )  # fmt: skip
        self._quota_reset = Gauge(
            f"{_PREFIX}_github_quota_reset_timestamp_seconds", "When the quota is whole again.",
            ["resource"], registry=registry,
        )  # fmt: skip
        self._cache_outcomes = Counter(
            f"{_PREFIX}_cache_outcomes", "Reads of GitHub's data, by where the answer came from.",
            ["outcome"], registry=registry,
        )  # fmt: skip
        self._deliveries = Counter(
            f"{_PREFIX}_webhook_deliveries", "Webhook deliveries that arrived.",
            ["event", "outcome"], registry=registry,
        )  # fmt: skip
        build = Info(f"{_PREFIX}_build", "What is running.", registry=registry)
        build.info({"version": __version__, "python": platform.python_version()})
        self._of_outcome = {
            outcome: self._cache_outcomes.labels(outcome) for outcome in (*OUTCOMES, OTHER)
        }

    def watch(self, vitals: Callable[[], Vitals], *, clock: Callable[[], float]) -> None:
        """Read these off whenever somebody asks; ``clock`` gives seconds since 1970."""
        self._registry.register(_VitalSigns(vitals, clock))

    def github(self, exchange: Exchange) -> None:
        """Count one request to GitHub."""
        method = exchange.method if exchange.method in METHODS else OTHER
        kind = request_kind(exchange.path)
        status = "none" if exchange.status is None else str(exchange.status)
        self._github_requests.labels(method, kind, status).inc()
        self._github_seconds.labels(method, kind).observe(exchange.seconds)
        headers = exchange.headers
        remaining = headers.get("x-ratelimit-remaining", "")
        if remaining.isdecimal() and len(remaining) < 16:
            resource = _one_of(headers.get("x-ratelimit-resource", "core"), RESOURCES)
            self._quota.labels(resource).set(int(remaining))
            reset = headers.get("x-ratelimit-reset", "")
            if reset.isdecimal() and len(reset) < 16:
                self._quota_reset.labels(resource).set(int(reset))

    def cache_outcome(self, outcome: str) -> None:
        """Count one read of GitHub's data: hit, stale, revalidated, miss or outage."""
        self._of_outcome.get(outcome, self._of_outcome[OTHER]).inc()

    def delivery(self, event: str, outcome: str) -> None:
        """Count a webhook's delivery; ``outcome`` is one of DELIVERY_OUTCOMES."""
        self._deliveries.labels(_one_of(event, EVENTS), _one_of(outcome, DELIVERY_OUTCOMES)).inc()

    def rendered(self, accept: str) -> tuple[bytes, str]:
        """All of it and its media type, in the format that the Accept header asks for."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type


class _VitalSigns(Collector):
    """Gauges of what is known without asking anybody."""

    def __init__(self, vitals: Callable[[], Vitals], clock: Callable[[], float]) -> None:
        self._vitals = vitals
        self._clock = clock

    def collect(self) -> Iterable[Metric]:
        vitals, now = self._vitals(), self._clock()
        statuses, contact, crowd = vitals.statuses, vitals.contact, vitals.crowd
        oldest = 0.0 if statuses.oldest_at is None else max(0.0, now - statuses.oldest_at)
        outage = 0.0 if contact.failing_since is None else max(0.0, now - contact.failing_since)
        rows: tuple[tuple[str, str, float | None], ...] = (
            ("connections", "Connections that are open.", crowd.connections),
            ("connections_limit", "So many are kept at most.", crowd.most),
            ("body_bytes", "Held of request bodies that are still on their way.",
             vitals.body_bytes),
            ("monitors", "Monitors that are loaded.", vitals.monitors),
            ("labels_renamed", "Labels of ours that are called otherwise on GitHub.",
             vitals.labels.renamed),
            ("tag_labels_renamed", "Labels of tags that monitors.yaml does not know by their name.",
             vitals.labels.renamed_tags),
            ("hidden_incidents", "Labelled issues not shown: see TRUSTED_AUTHORS.",
             vitals.hidden_incidents),
            ("incidents_with_unreadable_times", "Incidents with a time that cannot be used.",
             vitals.unusable_times),
            ("journal_samples", "Samples acknowledged and not committed.", statuses.waiting),
            ("journal_oldest_seconds", "Age of the oldest of them; 0 without any.", oldest),
            ("journal_damages", "Damages of the journal found at a start, whose notes are there.",
             len(statuses.damages)),
            ("journal_missing_samples", "Acknowledged samples lost by them, as far as known.",
             sum(damage.missing or 0 for damage in statuses.damages)),
            ("commit_lag_seconds", "From the oldest sample's acknowledgement to the last commit.",
             statuses.lag_seconds),
            ("last_commit_timestamp_seconds", "When the last commit landed.",
             statuses.committed_at),
            ("status_board_confirmed_timestamp_seconds", "When GitHub last confirmed the board.",
             statuses.board_confirmed_at),
            ("status_board_broken", "1 while a person's edit of the board cannot be read.",
             float(statuses.problem is not None)),
            ("github_answered_timestamp_seconds", "When GitHub last answered.",
             contact.answered_at),
            ("github_failing_seconds", "For how long GitHub has not answered; 0 while it does.",
             outage),
        )  # fmt: skip
        for name, meaning, value in rows:
            if value is not None:
                yield GaugeMetricFamily(f"{_PREFIX}_{name}", meaning, value=value)
        out = GaugeMetricFamily(
            f"{_PREFIX}_github_out",
            "1 while this part of GitHub is tried now and then, and else not asked.",
            labels=["resource"],
        )
        for resource, seconds in vitals.out_for.items():
            out.add_metric([resource], float(seconds > 0))
        yield out
        failing = GaugeMetricFamily(
            f"{_PREFIX}_failing",
            "Things that fail by themselves, while others of their kind go on; the log names them.",
            labels=["kind"],
        )
        for kind, count in vitals.failing.items():
            failing.add_metric([kind], count)
        yield failing
        counted: tuple[tuple[str, str, int], ...] = (
            ("commits", "Commits of status that landed.", statuses.commits),
            ("commit_failures", "Attempts to commit status that failed.", statuses.failures),
            ("labels_made_again", "Labels of ours that were deleted on GitHub, and made anew.",
             vitals.labels.made_again),
            ("connections_gave_way", "Waiting connections ended to make room.", crowd.gave_way),
            ("connections_turned_away", "New ones, while all were being served.",
             crowd.turned_away),
        )  # fmt: skip
        for name, meaning, count in counted:
            yield CounterMetricFamily(f"{_PREFIX}_{name}", meaning, value=count)


def _one_of(text: str, known: frozenset[str]) -> str:
    return text if text in known else OTHER
