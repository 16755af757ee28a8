"""The operations that go past the framework's layers answer as its routes would."""

from __future__ import annotations

import pytest

from app.direct_operations import DirectOperations
from github_store import BrokenDocument, JournalUnavailable
from tests.app.service import PEER, TOKEN, Client, Service

DIRECT: object = DirectOperations


def answers(service: Service, *, directly: bool) -> list[tuple[int, bytes]]:
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
    ]
    return [(reply.status_code, reply.content) for reply in replies]


FAILURES = [
    None,
    JournalUnavailable("the disk is full"),
    BrokenDocument("status.json", "not valid JSON", line=3, column=7),
    RuntimeError("a fault of our own"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_every_answer_is_the_same_as_by_the_routes(failure: Exception | None) -> None:
    service = Service()
    service.statuses.failure = failure  # type: ignore[assignment]
    assert answers(service, directly=True) == answers(service, directly=False)
