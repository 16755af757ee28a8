"""Requests that come slowly, without end, in pieces, or are none: an answer, or a clean close."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from app import http_protocol
from app.http_protocol import HttpProtocol


async def answer_all(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body, then answers."""
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    if message["type"] == "http.request":
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})


def answer_to(*pieces: bytes) -> bytes:
    """All that comes until the server closes, for pieces that are sent one by one."""

    async def run() -> bytes:
        config = uvicorn.Config(answer_all, log_config=None, lifespan="off", ws="none")
        config.load()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: HttpProtocol(config, ServerState(), {}), "127.0.0.1", 0
        )
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.03)
            async with asyncio.timeout(4):
                said = await reader.read()
            writer.close()
            await writer.wait_closed()
            return said

    return asyncio.run(run())


POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        pytest.param((), b"", id="nothing at all"),
        pytest.param((b"\r\n", b"\r\n"), b"HTTP/1.1 408 ", id="blank lines"),
        pytest.param((b"GET / HT",), b"HTTP/1.1 408 ", id="half a head"),
        pytest.param((POST, b"1", b"2"), b"", id="half a body"),
        pytest.param((GET, b"\r\n"), b"HTTP/1.1 200 ", id="blank lines after an answer"),
        pytest.param((GET, GET[:9]), b"HTTP/1.1 200 ", id="half a head after an answer"),
    ],
)
def test_who_is_too_slow_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...], answer: bytes
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(http_protocol, "BODY_SECONDS", 0.1)
    said = answer_to(*pieces)
    assert said.startswith(answer) if answer else not said


def test_who_is_slow_within_bounds_is_answered() -> None:
    last = GET.replace(b"Host", b"Connection: close\r\nHost")
    assert answer_to(POST, b"12", b"345", GET[:9], GET[9:], last).count(b"HTTP/1.1 200 ") == 3


@pytest.mark.parametrize(
    ("first", "more"),
    [
        pytest.param(b"", b"X-Header: y\r\n" * 3_000, id="many"),
        pytest.param(b"X-Header: ", b"y" * 36_000, id="a long one"),
    ],
)
def test_headers_without_end_are_refused(first: bytes, more: bytes) -> None:
    assert answer_to(GET[:-2] + first, more, more).startswith(b"HTTP/1.1 431 ")
