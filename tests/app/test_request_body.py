"""Bodies: JSON, exactly; and where it is not, which line and column."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from app.json_reply import json_bytes
from app.refusal import Refused
from app.request_body import (
    HOOK_ROOM,
    MAX_BODY_BYTES,
    ON_ITS_WAY,
    BodyRoom,
    bodies_on_their_way,
    parse_json,
    read_body,
)
from tests.app.service import TOKEN, Service
from tests.app.wire_service import connected, on_the_wire, received


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": 1e400}', {"a": float("inf")}),
        (b" [1.0, null]\r\n", [1.0, None]),
        (b'"\\ud83d\\udc38"', "🐸"),
        (b'"\\ud83d"', "\ud83d"),
        (b'"NaN"', "NaN"),
        (b"1" * 10_000, float("inf")),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_a_json_text_is_its_value(body: bytes, value: Any) -> None:
    assert parse_json(body) == value


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{\n\t"isIdentified": true,\n\t"isResolved": false\n\t"endDatetime": 1\n}', (4, 2)),
        (b"", (1, 1)),
        (b" \n ", (1, 1)),
        (b"{", (1, 2)),
        (b"{'a': 1}", (1, 2)),
        (b'{"a": 1} x', (1, 10)),
        (b'{"a": "\n"}', (1, 8)),
        (b'{"a": "NaN",\n "b": NaN}', (2, 7)),
        (b'{"a": "\\"NaN", "b": -Infinity}', (1, 21)),
        (b'{"a":\n "\xff"}', (2, 3)),
        ('{"ü": "ü" 1}'.encode(), (1, 11)),
        ("{}".encode("utf-16"), (1, 1)),
    ],
    ids=ascii,
)
def test_malformed_json_is_400_with_line_and_column(body: bytes, where: tuple[int, int]) -> None:
    with pytest.raises(Refused) as caught:
        parse_json(body)
    assert (caught.value.status, caught.value.error) == (400, "malformed JSON")
    assert caught.value.detail.startswith("line {}, column {}: ".format(*where))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    with pytest.raises(Refused, match="malformed JSON"):
        parse_json(opening * 100_000)


@given(
    st.binary(max_size=40) | st.text('{}[]",:\\eE+-.0123NaInfity \n', max_size=40).map(str.encode)
)
def test_any_bytes_are_a_value_or_refused(body: bytes) -> None:
    try:
        parse_json(body)
    except Refused as refused:
        assert refused.status == 400  # noqa: PT017 - either outcome is right


def test_a_body_at_the_limit_is_read_and_one_above_is_413() -> None:
    client = Service().client()
    within = client.post("/api/incident", content=b" " * (MAX_BODY_BYTES - 2) + b"{}")
    above = client.post("/api/incident", content=b" " * (MAX_BODY_BYTES - 1) + b"{}")
    assert (within.status_code, within.json()["error"]) == (400, "Invalid title")
    assert (above.status_code, above.json()["error"]) == (413, "body too large")


def test_a_body_of_unannounced_size_is_cut_off_at_the_limit() -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 65_536
            yield b" " * 65_536

    assert Service().client().post("/api/incident", content=chunks()).status_code == 413
    assert sent <= MAX_BODY_BYTES + 65_536


def test_the_content_type_does_not_matter() -> None:
    reply = (
        Service()
        .client()
        .post(
            "/api/incident",
            content=b'{"title": "x", "tags": ["earth"]}',
            headers={"Content-Type": "text/plain"},
        )
    )
    assert reply.status_code == 200


def test_an_answer_with_half_a_character_is_still_json() -> None:
    assert json_bytes({"a": "ü\ud83d"}) == b'{"a":"\\u00fc\\ud83d"}'
    assert json_bytes({"a": "ü"}) == '{"a":"ü"}'.encode()


def reading(room: BodyRoom, *pieces: bytes, within_seconds: float = 5) -> asyncio.Task[bytes]:
    """Reads a body of which so much comes, and then no more."""
    left = list(pieces)

    async def receive() -> Message:
        if not left:
            await asyncio.get_running_loop().create_future()
        return {"type": "http.request", "body": left.pop(0), "more_body": True}

    request = Request({"type": "http", "headers": [], ON_ITS_WAY: True}, receive)
    return asyncio.create_task(read_body(request, room=room, within_seconds=within_seconds))


def test_a_body_that_does_not_end_is_408() -> None:
    async def run() -> None:
        for pieces in ((), (b"{",)):
            with pytest.raises(Refused) as caught:
                await reading(BodyRoom(), *pieces, within_seconds=0.01)
            assert (caught.value.status, caught.value.headers) == (408, {"Connection": "close"})

    asyncio.run(run())


def test_bodies_on_their_way_take_so_much_together_and_the_longest_one_gives_way() -> None:
    async def run() -> None:
        room = BodyRoom(1_000)
        tasks = []
        for _ in range(4):
            tasks.append(reading(room, b"x" * 300))
            await asyncio.sleep(0)
        with pytest.raises(Refused, match="too slowly"):
            await tasks[0]
        assert not any(each.done() for each in tasks[1:])
        tasks.append(reading(room, b"x" * 200, b"x" * 600))
        _, waiting = await asyncio.wait(tasks[1:], timeout=0.05)
        assert waiting == {tasks[4]}
        for each in waiting:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


def test_what_is_on_its_way_is_told_until_it_is_read_or_given_up() -> None:
    async def run() -> None:
        before = bodies_on_their_way()
        room = BodyRoom()
        task, hook = reading(room, b"x" * 300), reading(HOOK_ROOM, b"x" * 200)
        await asyncio.sleep(0)
        assert (room.held_bytes, bodies_on_their_way() - before) == (300, 200)
        for each in (task, hook):
            each.cancel()
        await asyncio.gather(task, hook, return_exceptions=True)
        assert (room.held_bytes, bodies_on_their_way() - before) == (0, 0)

    asyncio.run(run())


def test_what_is_read_takes_no_room() -> None:
    async def run() -> None:
        room = BodyRoom(100)
        for _ in range(5):
            pieces = [
                {"type": "http.request", "body": b"x" * 60, "more_body": True},
                {"type": "http.request", "body": b"", "more_body": False},
            ]

            async def receive(pieces: list[Message] = pieces) -> Message:
                return pieces.pop(0)

            request = Request({"type": "http", "headers": []}, receive)
            assert len(await read_body(request, room=room)) == 60

    asyncio.run(run())


@pytest.mark.parametrize("body", [b"", b"{"])
def test_a_sender_that_is_slow_is_told_so(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(read_body, "__kwdefaults__", {"within_seconds": 0.05, "room": BodyRoom()})
    head = f"POST /api/incident HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    with on_the_wire(Service().app()) as address, connected(address) as connection:
        connection.sendall(head.encode() + b"Content-Length: 5\r\n\r\n" + body)
        assert received(connection).startswith(b"HTTP/1.1 408 ")
