"""The operations that go past the framework's layers answer as its routes would."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.direct_operations import DirectOperations
from github_store import BrokenDocument, Incident, JournalUnavailable
from tests.app.service import PEER, TOKEN, Client, Service

DIRECT: object = DirectOperations


def answers(service: Service, *, directly: bool) -> list[tuple[Any, ...]]:
    app = service.app()
    if not directly:
        app.user_middleware = [each for each in app.user_middleware if each.cls is not DIRECT]
    client = Client(app, headers={"Authorization": f"Bearer {TOKEN}"}, peer=PEER)
    push = {"tag": "google-search", "status": "UP", "latency": 0.2}
    replies = [
        client.post("/api/status", json=push),
        client.post("/api/status", json=push | {"status": "up"}),
        client.post("/api/status", content=b"{"),
        client.get("/api/status?tag=google-search"),
        client.get("/api/status?tag=nobody"),
        client.get("/api/status/"),
        client.request("HEAD", "/api/status?tag=google-search"),
        client.request("PUT", "/api/status"),
        *(client.get(path) for path in INCIDENT_READS),
        client.get("/api/incident/1", headers={"If-None-Match": "*"}),
        client.request("HEAD", "/api/incident/1"),
        client.request("PUT", "/api/incident/1"),
        client.post("/api/incident?page=1"),
    ]
    return [(reply.status_code, reply.content, *_headers(reply)) for reply in replies]


def _headers(reply: httpx.Response) -> list[tuple[str, str]]:
    return [each for each in reply.headers.multi_items() if each[0] != "x-request-id"]


INCIDENT_READS = [
    "/api/incident",
    "/api/incident?title_like=out&per_page=1",
    "/api/incident?page=none",
    "/api/incident/",
    "/api/incident/1",
    "/api/incident/1/",
    "/api/incident/1/comment",
    "/api/incident/2",
    "/api/incident/one",
    "/api/incident/1%2Fcomment",
    "/api/incident/1%0A",
    "/api/incidents",
    "/api/incidents/1",
    "/api//incident",
]


INCIDENT = Incident(
    number=1,
    title="An outage",
    tags=("earth",),
    created_at=1_700_000_000,
    closed_at=None,
    is_open=True,
    is_auto=False,
)

FAILURES = [
    None,
    JournalUnavailable("the disk is full"),
    BrokenDocument("status.json", "not valid JSON", line=3, column=7),
    RuntimeError("a fault of our own"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_every_answer_is_the_same_as_by_the_routes(failure: Exception | None) -> None:
    service = Service()
    service.incidents.held[1] = INCIDENT
    service.incidents.failure = failure
    service.statuses.failure = failure  # type: ignore[assignment]
    assert answers(service, directly=True) == answers(service, directly=False)
