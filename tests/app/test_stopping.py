"""A request that the service cannot wait for at its end is answered all the same."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.auth import Access
from app.reception import Reception
from app.tokens import Tokens
from tests.app.service import TOKEN


def cancelled(method: str, *, begins: bool = False) -> list[Message]:
    """What is sent for a request that is cancelled, perhaps in the middle of its answer."""
    sent: list[Message] = []
    waiting = asyncio.Event()

    async def never(_scope: Scope, _receive: Receive, send: Send) -> None:
        if begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        waiting.set()
        await asyncio.Event().wait()

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    async def run() -> None:
        scope: dict[str, Any] = {"type": "http", "method": method, "path": "/api/incident/1"}
        scope["headers"] = [(b"authorization", f"Bearer {TOKEN}".encode())]
        access = Access(tokens=Tokens([TOKEN]))
        reception = Reception(never, access=access, note=lambda *_: None)
        task = asyncio.create_task(reception(scope, receive, send))
        await waiting.wait()
        task.cancel()
        await task

    asyncio.run(run())
    return sent


@pytest.mark.parametrize(("method", "is_unknown"), [("GET", False), ("PATCH", True)])
def test_it_is_503_in_json_and_says_whether_a_write_may_have_happened(
    method: str, is_unknown: bool
) -> None:
    start, body = cancelled(method)
    assert start["status"] == 503
    said = json.loads(body["body"])
    assert said["error"] == "the service is stopping"
    assert ("is not known" in said["detail"]) is is_unknown


def test_an_answer_that_has_begun_stays_cut_off() -> None:
    with pytest.raises(asyncio.CancelledError):
        cancelled("GET", begins=True)
