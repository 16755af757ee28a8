"""The address that anybody may send to: what is not signed costs little, and nobody waits."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.types import Message

from app.errors import error_reply
from app.refusal import Refused
from app.request_body import MAX_BODY_BYTES, ON_ITS_WAY
from app.routes import webhooks
from app.routes.webhooks import WebhookRoutes
from github_store import HOOK_PATH, ForgedDelivery, Inbox, MalformedDelivery
from tests.app.service import Client

SIGNATURE = "sha256=" + "0" * 64


class FakeInbox:
    """Takes what is signed with SIGNATURE."""

    is_open = True

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def take(self, body: bytes, *, event: str, signature: str, **_: Any) -> bool:
        if signature != SIGNATURE:
            raise ForgedDelivery("not of a secret that is configured here")
        if event == "none":
            raise MalformedDelivery("no payload")
        self.bodies.append(body)
        return event != "star"


class Hook:
    """The route alone, and what was noted of deliveries."""

    def __init__(self) -> None:
        self.inbox = FakeInbox()
        self.noted: list[tuple[str, str]] = []
        routes = WebhookRoutes(
            cast(Inbox, self.inbox), note=lambda event, outcome: self.noted.append((event, outcome))
        )
        handlers = {Refused: cast(Any, error_reply(Refused("", "")))}
        self.app = Starlette(routes=routes.routes(), exception_handlers=handlers)

    def deliver(
        self, body: bytes, *, event: str = "issues", signature: str | None = SIGNATURE
    ) -> tuple[int, Any]:
        headers = {"x-github-event": event}
        if signature is not None:
            headers["x-hub-signature-256"] = signature
        client = Client(cast(Any, self.app), headers={}, peer="192.0.2.1")
        reply = client.post(HOOK_PATH, content=body, headers=headers)
        return reply.status_code, reply.json()


@pytest.fixture
def hook() -> Hook:
    return Hook()


@pytest.mark.parametrize(
    ("delivery", "status", "outcome"),
    [
        pytest.param({"event": "issues"}, 200, "applied", id="applied"),
        pytest.param({"event": "star"}, 200, "ignored", id="nothing to us"),
        pytest.param({"event": "none"}, 400, "failed", id="signed, and no payload"),
        pytest.param({"signature": SIGNATURE.replace("0", "1")}, 401, "refused", id="forged"),
        pytest.param({"signature": None}, 401, "refused", id="not signed"),
        pytest.param({"signature": "sha1=" + "0" * 40}, 401, "refused", id="signed otherwise"),
    ],
)
def test_a_delivery_has_one_outcome(
    hook: Hook, delivery: dict[str, Any], status: int, outcome: str
) -> None:
    event = delivery.get("event", "issues")
    assert hook.deliver(b"{}", **delivery)[0] == status
    assert hook.noted == [(event, outcome)]


def test_a_body_too_large_is_refused_and_counted(hook: Hook) -> None:
    assert hook.deliver(b"x" * (MAX_BODY_BYTES + 1))[0] == 413
    assert hook.noted == [("issues", "failed")]


def answered(hook: Hook, receive: Any, *, signature: str = SIGNATURE) -> tuple[int, Any]:
    """The answer where the body comes as ``receive`` gives it."""
    sent: list[Message] = []
    headers = [(b"x-github-event", b"issues"), (b"x-hub-signature-256", signature.encode())]

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": HOOK_PATH,
        "headers": headers,
        ON_ITS_WAY: True,
    }
    asyncio.run(hook.app(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


def test_no_body_is_read_where_the_signature_is_none(hook: Hook) -> None:
    async def receive() -> Message:
        raise AssertionError("read")

    assert answered(hook, receive, signature="sha256=x")[0] == 401


def test_a_delivery_that_comes_too_slowly_is_not_waited_for(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "PATIENCE_SECONDS", 0.01)

    async def receive() -> Message:
        return await asyncio.get_running_loop().create_future()

    assert answered(hook, receive)[0] == 408
    assert hook.noted == [("issues", "failed")]


def test_a_delivery_that_breaks_off_is_none(hook: Hook) -> None:
    pieces: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return pieces.pop(0)

    with pytest.raises(ClientDisconnect):
        answered(hook, receive)
    assert hook.inbox.bodies == []


def test_it_is_reached_past_the_framework(hook: Hook) -> None:
    routes = WebhookRoutes(cast(Inbox, hook.inbox), note=lambda *_: None)
    direct = routes.direct("POST", HOOK_PATH)
    assert direct is not None
    assert direct.operation == routes.take
    assert routes.direct("GET", HOOK_PATH) is None
    assert routes.direct("POST", "/webhooks") is None
