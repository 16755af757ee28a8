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
from app.request_body import MAX_BODY_BYTES, ON_ITS_WAY, bodies_on_their_way
from app.routes import webhooks
from app.routes.webhooks import MAX_DELIVERY_BYTES, WebhookRoutes
from github_store import HOOK_PATH, ForgedDelivery, Inbox, MalformedDelivery
from tests.app.service import Client

SIGNATURE = "sha256=" + "0" * 64


class FakeDigest:
    def __init__(self) -> None:
        self.sizes: list[int] = []

    def update(self, piece: bytes) -> None:
        self.sizes.append(len(piece))


class FakeInbox:
    """Takes what is signed with SIGNATURE."""

    is_open = True

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.digested: list[tuple[int, int]] = []
        """Of each body that was not kept: its bytes, and the largest piece."""

    def digest(self) -> FakeDigest:
        return FakeDigest()

    def take_unread(self, body: FakeDigest, *, signature: str) -> None:
        if signature != SIGNATURE:
            raise ForgedDelivery("not of a secret that is configured here")
        self.digested.append((sum(body.sizes), max(body.sizes)))

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


@pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1, MAX_DELIVERY_BYTES])
def test_a_delivery_as_large_as_github_sends_is_taken(hook: Hook, size: int) -> None:
    assert hook.deliver(b"x" * size) == (200, {"status": "applied"})
    assert hook.noted == [("issues", "applied")]
    is_kept = size <= MAX_BODY_BYTES
    assert [len(body) for body in hook.inbox.bodies] == [size] * is_kept
    assert [total for total, _ in hook.inbox.digested] == [size] * (not is_kept)


def test_one_that_is_forged_is_none_however_large(hook: Hook) -> None:
    forged = SIGNATURE.replace("0", "1")
    assert hook.deliver(b"x" * (MAX_BODY_BYTES + 1), signature=forged)[0] == 401
    assert hook.noted == [("issues", "refused")]


def test_a_body_larger_than_github_sends_is_refused_and_counted(hook: Hook) -> None:
    assert hook.deliver(b"x" * (MAX_DELIVERY_BYTES + 1))[0] == 413
    assert hook.noted == [("issues", "failed")]


def test_of_a_large_body_little_is_held_at_any_time(hook: Hook) -> None:
    left = MAX_DELIVERY_BYTES // 65_536
    most = 0

    async def receive() -> Message:
        nonlocal left, most
        left -= 1
        most = max(most, bodies_on_their_way())
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": left > 0}

    before = bodies_on_their_way()
    assert answered(hook, receive)[0] == 200
    assert most - before <= MAX_BODY_BYTES
    assert hook.inbox.digested == [(MAX_DELIVERY_BYTES, MAX_BODY_BYTES)]
    assert bodies_on_their_way() == before


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
