"""Every request is let in or not, goes to its operation, and gets an answer whatever happens.

The operations that go past the framework's layers answer as its routes would.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth import Access
from app.json_reply import json_reply
from app.reception import Direct, Operation, Reception
from app.tokens import Right, Tokens
from github_store import BrokenDocument, Incident, JournalUnavailable
from tests.app.service import TOKEN, Service


async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("no request comes so far")


async def answering(_request: Request) -> Response:
    return json_reply({})


def answers(service: Service, *, directly: bool) -> list[tuple[Any, ...]]:
    client = service.client(directly=directly)
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


# what it sees to for every request


def received(
    operation: Operation | None = None,
    *,
    needs: Right = Right.NONE,
    routed: ASGIApp = never,
    sent: list[Message] | None = None,
    **scope: Any,
) -> tuple[list[Message], list[tuple[str, int]]]:
    """What is sent for one request, and what is noted of it."""
    sent = [] if sent is None else sent
    noted: list[tuple[str, int]] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    reception = Reception(
        routed,
        direct=[lambda _method, _path: Direct(operation, needs) if operation else None],
        access=Access(tokens=Tokens([TOKEN])),
        note=lambda _scope, request_id, status, _seconds: noted.append((request_id, status)),
        ids=lambda: "an-id",
    )
    whole = {"type": "http", "method": "GET", "path": "/", "headers": [], **scope}
    asyncio.run(reception(whole, receive, send))
    return sent, noted


def test_whoever_is_not_let_in_is_answered_before_anything_is_read() -> None:
    for needs in (Right.READ, Right.WRITE):
        sent, noted = received(answering, needs=needs)
        assert sent[0]["status"] == 401
        assert noted == [("an-id", 401)]


def test_what_needs_no_right_is_answered_to_anybody() -> None:
    assert received(answering)[1] == [("an-id", 200)]


def test_a_path_with_control_characters_comes_to_no_operation() -> None:
    for char in "\x00\t\n\r\x1f\x7f\x85":
        assert received(answering, path=f"/healthz{char}")[1] == [("an-id", 400)]


def test_a_fault_of_ours_is_answered_once_and_left_for_the_server_to_log() -> None:
    async def fail(_request: Request) -> Response:
        raise RuntimeError("a bug")

    async def fail_late(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("a bug")

    for operation, routed, status in ((fail, never, 500), (None, fail_late, 200)):
        sent: list[Message] = []
        with pytest.raises(RuntimeError, match="a bug"):
            received(operation, routed=routed, sent=sent)
        assert [each["status"] for each in sent if "status" in each] == [status]


def test_what_is_no_request_goes_on_as_it_is() -> None:
    seen: list[Scope] = []

    async def routed(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    assert received(routed=routed, type="lifespan") == ([], [])
    assert [scope["type"] for scope in seen] == ["lifespan"]
