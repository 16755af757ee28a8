"""Who sends on although the answer is there gets the answer; who never ends is cut off."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from app import farewell
from tests.app.service import TOKEN, Service
from tests.app.wire_service import Address, connected, on_the_wire, received

LARGE = 24_000_000
"""More than the system's buffers hold."""
TOKEN_LINE = f"Authorization: Bearer {TOKEN}\r\n".encode()


def sent_whole(address: Address, head: bytes, body: bytes) -> bytes:
    """As most clients do: all of a request, and only then a look at the answer."""
    with connected(address) as connection:
        connection.sendall(head)
        connection.sendall(body)
        return received(connection)


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with on_the_wire(Service().app()) as address:
        yield address


@pytest.mark.parametrize(
    ("target", "token", "status"),
    [
        ("/api/incident", TOKEN_LINE, 413),
        ("/api/status", TOKEN_LINE, 413),
        ("/api/status", b"", 401),
        ("/nonexistent", b"", 404),
    ],
)
@pytest.mark.parametrize("is_chunked", [False, True], ids=["announced", "chunked"])
def test_an_answer_before_the_body_is_read_reaches_who_sends_the_whole_body_first(
    address: Address, target: str, token: bytes, status: int, is_chunked: bool
) -> None:
    size = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % LARGE
    head = b"POST %s HTTP/1.1\r\nHost: x\r\n%s%s\r\n\r\n" % (target.encode(), token, size)
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (LARGE, b" " * LARGE) if is_chunked else b" " * LARGE
    said = sent_whole(address, head, body)
    assert said.startswith(b"HTTP/1.1 %d " % status)
    assert b'"error":' in said
    assert b"\r\nconnection: close\r\n" in said.lower()


@pytest.mark.parametrize(
    ("begin", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nX: ", 431, id="headers without end"),
        pytest.param(b"GET / HTTP/1.1\r\n\0", 400, id="no HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="TLS"),
    ],
)
def test_a_refusal_reaches_who_sends_on(address: Address, begin: bytes, status: int) -> None:
    said = sent_whole(address, begin, b"x" * LARGE)
    assert said.startswith(b"HTTP/1.1 %d " % status)
    assert b'{"error":' in said


def test_who_asks_whether_to_send_too_much_is_refused_at_once(address: Address) -> None:
    head = b"POST /api/incident HTTP/1.1\r\nHost: x\r\n%sExpect: 100-continue\r\n" % TOKEN_LINE
    with connected(address) as connection:
        connection.sendall(head + b"Content-Length: 100000000\r\n\r\n")
        assert received(connection).startswith(b"HTTP/1.1 413 ")


@contextmanager
def bounded(monkeypatch: pytest.MonkeyPatch, **bounds: float) -> Iterator[Address]:
    for name, bound in bounds.items():
        monkeypatch.setattr(farewell, name, bound)
    with on_the_wire() as address:
        yield address


UNREAD = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"


def sent_until_reset(connection: socket.socket) -> int:
    """How many bytes of a body without end go out."""
    count = 0
    try:
        while True:
            count += connection.send(b"x" * 1_000_000)
    except (ConnectionResetError, BrokenPipeError):
        return count


def test_a_body_without_end_is_not_read_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        bounded(monkeypatch, MOST_DISCARDED_BYTES=2_000_000) as address,
        connected(address) as connection,
    ):
        connection.sendall(UNREAD)
        assert 2_000_000 < sent_until_reset(connection) < 40_000_000


def test_nor_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = {"IDLE_SECONDS": 0.1, "LINGER_SECONDS": 0.3}
    with bounded(monkeypatch, **bounds) as address, connected(address) as connection:
        connection.sendall(UNREAD)
        began = time.monotonic()
        with suppress(ConnectionResetError, BrokenPipeError):
            while time.monotonic() < began + 5:
                connection.sendall(b"x")
                time.sleep(0.01)
        assert 0.2 < time.monotonic() - began < 2


def test_who_sends_no_more_but_does_not_close_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    is_closed, lost = threading.Event(), farewell.Lingering.connection_lost

    def told(lingering: farewell.Lingering, exc: Exception | None) -> None:
        lost(lingering, exc)
        is_closed.set()

    monkeypatch.setattr(farewell.Lingering, "connection_lost", told)
    with bounded(monkeypatch, IDLE_SECONDS=0.1) as address, connected(address) as connection:
        connection.sendall(UNREAD)
        assert received(connection).startswith(b"HTTP/1.1 200 ")
        assert is_closed.wait(10)
        assert sent_until_reset(connection) < 40_000_000


def test_others_are_served_while_a_body_is_thrown_away(address: Address) -> None:
    answered: list[float] = []
    is_over = threading.Event()

    def ask() -> None:
        request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        while not is_over.is_set():
            began = time.monotonic()
            assert sent_whole(address, request, b"").startswith(b"HTTP/1.1 200 ")
            answered.append(time.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    head = b"POST /nonexistent HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n\r\n"
    try:
        for _ in range(3):
            assert sent_whole(address, head, b"x" * 60_000_000).startswith(b"HTTP/1.1 404 ")
    finally:
        is_over.set()
        asking.join()
    assert len(answered) > 20
    assert sorted(answered)[len(answered) // 2] < 0.05


LARGE_ANSWER = b"x" * 30_000_000


async def answer_much(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"%d" % len(LARGE_ANSWER))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": LARGE_ANSWER})


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_who_does_not_read_its_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farewell, "READ_SECONDS", 0.15)
    with on_the_wire(answer_much) as address, connected(address) as connection:
        connection.sendall(GET)
        time.sleep(0.6)
        assert len(received(connection)) < len(LARGE_ANSWER)


@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
def test_who_reads_slowly_gets_it_all(monkeypatch: pytest.MonkeyPatch, last: bytes) -> None:
    monkeypatch.setattr(farewell, "READ_SECONDS", 0.1)
    with on_the_wire(answer_much) as address, connected(address) as connection:
        connection.sendall(GET.replace(b"Host", last + b"Host"))
        count = len(connection.recv(100))
        while count < len(LARGE_ANSWER):
            count += len(connection.recv(1_000_000))
            time.sleep(0.01)


def test_who_asks_much_at_once_and_never_reads_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(farewell, "READ_SECONDS", 0.15)
    with on_the_wire(answer_much) as address, connected(address) as connection:
        connection.sendall(GET * 3)
        time.sleep(0.6)
        assert len(received(connection)) < len(LARGE_ANSWER)
    assert not caplog.records
