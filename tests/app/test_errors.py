"""Every error has one status and one shape."""

from __future__ import annotations

import logging

import pytest

from app import errors
from app.errors import refusal_of
from github_store import (
    AccessLost,
    BrokenDocument,
    ConfigurationError,
    Conflict,
    GitHubOut,
    GitHubTimeout,
    GitHubUnavailable,
    IncidentNotFound,
    InvalidEnd,
    JournalUnavailable,
    OutcomeUnknown,
    RateLimited,
    RecurringLines,
    StoreError,
    Unprocessable,
)
from tests.app.fake_store import FakeIncidents, FakeStatuses
from tests.app.service import Service

INCIDENT = {"title": "Down", "tags": ["earth"]}
PUSH = {"status": "UP", "latency": 0, "tag": "earth"}


class OfTomorrow(RateLimited):
    """A kind of error that nobody has listed."""


@pytest.mark.parametrize(
    ("error", "status", "message", "retry_after"),
    [
        (IncidentNotFound(12), 404, "incident not found", None),
        (InvalidEnd(start=2, end=1), 400, "Invalid endDatetime", None),
        (Unprocessable("no"), 422, "GitHub refused the content", None),
        (Conflict("no"), 503, "GitHub was changed at the same time", "1"),
        (RateLimited("no", retry_after_seconds=60), 503, "GitHub's rate limit is reached", "60"),
        (RateLimited("no", retry_after_seconds=0), 503, "GitHub's rate limit is reached", "1"),
        (RateLimited("no"), 503, "GitHub's rate limit is reached", None),
        (OfTomorrow("no", retry_after_seconds=5), 503, "GitHub's rate limit is reached", "5"),
        (GitHubOut("no", retry_after_seconds=3), 503, "GitHub is not available", "3"),
        (GitHubTimeout("no"), 504, "GitHub did not answer in time", None),
        (AccessLost("no"), 502, "GitHub refuses access", None),
        (OutcomeUnknown("no", retry_after_seconds=9), 502, "the outcome is unknown", None),
        (GitHubUnavailable("no", retry_after_seconds=9), 502, "GitHub is not available", "9"),
        (JournalUnavailable("no"), 503, "the journal is not available", None),
        (
            BrokenDocument("status.json", "no", line=1, column=2),
            502,
            "the status file cannot be read",
            None,
        ),
        (ConfigurationError("no"), 502, "GitHub error", None),
        (StoreError("no"), 502, "GitHub error", None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_the_store_raises_is_answered(
    error: StoreError, status: int, message: str, retry_after: str | None
) -> None:
    refused = refusal_of(error)
    assert (refused.status, refused.error) == (status, message)
    assert refused.detail == str(error)
    assert refused.headers.get("Retry-After") == retry_after


def test_a_failure_of_github_is_told_with_its_wait() -> None:
    failure = RateLimited("no request for 60 s", retry_after_seconds=60)
    reply = Service(FakeIncidents(failure)).client().post("/api/incident", json=INCIDENT)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "60")
    assert reply.json() == {
        "error": "GitHub's rate limit is reached",
        "detail": "no request for 60 s",
    }


def test_an_error_of_status_says_its_status_again() -> None:
    client = Service(statuses=FakeStatuses(GitHubTimeout("slow"))).client()
    assert client.post("/api/status", json=PUSH).json()["status"] == 504
    assert client.post("/api/status", json={}).json() == {
        "status": 400,
        "error": "status missing",
        "detail": "status: expected UP, DOWN or DEGRADED",
    }


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/nothing", "/api/incident/", "/api/incident/1/x", "/docs", "/redoc"]
)
def test_a_path_that_is_no_route_is_a_json_404(path: str) -> None:
    reply = Service().client().get(path)
    assert (reply.status_code, reply.json()["error"]) == (404, "not found")
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/api/status", "GET, HEAD, POST"),
        ("PUT", "/api/incident", "GET, HEAD, POST"),
        ("DELETE", "/api/incident/1", "GET, HEAD, PATCH"),
        ("PATCH", "/api/incident/1/comment", "GET, HEAD, POST"),
        ("GET", "/api/incident/1/status", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/api/status", "GET, HEAD, POST"),
    ],
)
def test_a_wrong_method_is_a_json_405_with_the_right_ones(
    method: str, path: str, allow: str
) -> None:
    reply = Service().client().request(method, path)
    assert (reply.status_code, reply.headers["allow"]) == (405, allow)
    assert reply.json()["error"] == "method not allowed"


def test_a_fault_of_the_service_shows_nothing_of_its_inside() -> None:
    service = Service(FakeIncidents(failure=RuntimeError("secret inside")))
    reply = service.client().get("/api/incident/1")
    assert (reply.status_code, reply.json()["error"]) == (500, "internal error")
    assert "secret" not in reply.text
    assert "Traceback" not in reply.text


def test_an_outage_is_told_once_and_each_request_in_its_own_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(errors, "lines", RecurringLines(logging.getLogger("app.errors")))
    caplog.set_level(logging.INFO)
    service = Service()
    client = service.client()
    for failure in (GitHubUnavailable("down"), RateLimited("enough")):
        service.incidents.failure = failure
        for number in range(1, 6):
            assert client.get(f"/api/incident/{number}").status_code >= 500
    said = [each.getMessage() for each in caplog.records if each.name == "app.errors"]
    assert said == [
        "GET /api/incident/1: GitHub is not available (down)",
        "GET /api/incident/1: GitHub's rate limit is reached (enough)",
    ]
    assert len([each for each in caplog.records if each.name == "kener_issues.requests"]) == 10
