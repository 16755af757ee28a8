"""More connections than are kept: those that wait give way, those that are served never."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from app.http_protocol import protocol_of
from app.open_connections import Crowd, OpenConnections
from tests.app.wire_service import Address, connected, on_the_wire

MOST = 4
TICK_SECONDS = 0.004
"""More than a tick of the event loop's clock."""
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"


@contextmanager
def crowd(app: Any = None) -> Iterator[tuple[Address, ExitStack]]:
    """A server that keeps MOST connections, and a stack for its clients."""
    protocol = protocol_of(OpenConnections(most=MOST))
    more = {} if app is None else {"app": app}
    with on_the_wire(**more, protocol=protocol) as address, ExitStack() as clients:
        yield address, clients


def answer(connection: socket.socket, request: bytes = GET) -> bytes:
    """Its first line; nothing where the server has closed."""
    try:
        connection.sendall(request)
        return connection.recv(1000).partition(b"\r\n")[0]
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"", id="silent"),
        pytest.param(GET, id="idle"),
        pytest.param(GET[:9], id="half a head"),
        pytest.param(POST + b"1", id="half a body"),
    ],
)
def test_the_oldest_that_waits_gives_way_to_a_new_one(begin: bytes) -> None:
    with crowd() as (address, clients):
        opened = []
        for _ in range(MOST):
            opened.append(clients.enter_context(connected(address)))
            if begin == GET:
                assert answer(opened[-1]) == b"HTTP/1.1 200 OK"
            else:
                opened[-1].sendall(begin)
            time.sleep(TICK_SECONDS)
        new = clients.enter_context(connected(address))
        assert answer(new) == b"HTTP/1.1 200 OK"
        assert answer(opened[0]) == b""
        rest = GET if begin in (b"", GET) else GET[9:] if begin == GET[:9] else b"2345"
        assert [answer(each, rest) for each in opened[1:]] == [b"HTTP/1.1 200 OK"] * 3


def test_who_holds_most_gives_way_first() -> None:
    with crowd() as (address, clients):
        single = clients.enter_context(connected(address))
        assert answer(single) == b"HTTP/1.1 200 OK"
        many = []
        for _ in range(MOST - 1):
            each = clients.enter_context(
                socket.create_connection(address, 5, source_address=("127.0.0.2", 0))
            )
            assert answer(each) == b"HTTP/1.1 200 OK"
            many.append(each)
            time.sleep(TICK_SECONDS)
        assert answer(clients.enter_context(connected(address))) == b"HTTP/1.1 200 OK"
        assert answer(many[0]) == b""
        assert answer(single) == b"HTTP/1.1 200 OK"


def test_who_is_served_stays_and_the_new_one_is_told_to_come_again() -> None:
    are_in, may_go = threading.Semaphore(0), threading.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        are_in.release()
        await asyncio.to_thread(may_go.wait, 5)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with crowd(slow) as (address, clients):
        served = [clients.enter_context(connected(address)) for _ in range(MOST)]
        for each in served:
            each.sendall(GET)
            assert are_in.acquire(timeout=5)
        new = clients.enter_context(connected(address))
        new.sendall(GET)
        said = new.recv(1000)
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 1\r\n" in said
        may_go.set()
        assert [each.recv(12) for each in served] == [b"HTTP/1.1 200"] * MOST


@dataclass
class Visitor:
    address: str
    waits_since: float | None
    is_gone: bool = False

    def give_way(self) -> None:
        self.is_gone = True


def test_many_give_way_at_once_so_that_looking_at_all_is_rare() -> None:
    visitors = [Visitor("a", float(number)) for number in range(320)]
    assert OpenConnections(most=320).make_room(visitors)
    assert [each.waits_since for each in visitors if each.is_gone] == list(range(20))


def test_how_many_were_got_rid_of_is_counted() -> None:
    open_connections = OpenConnections(most=32)
    assert open_connections.make_room([Visitor("a", 1.0) for _ in range(32)])
    assert open_connections.make_room([Visitor("a", 1.0), Visitor("b", None)])
    assert not open_connections.make_room([Visitor("a", None)])
    assert open_connections.crowd == Crowd(connections=0, most=32, gave_way=3, turned_away=1)


def test_how_many_are_open_is_known() -> None:
    open_connections = OpenConnections(most=MOST)
    with on_the_wire(protocol=protocol_of(open_connections)) as address:
        with ExitStack() as clients:
            for number in range(1, MOST + 1):
                assert answer(clients.enter_context(connected(address))) == b"HTTP/1.1 200 OK"
                assert open_connections.crowd.connections == number
            assert answer(clients.enter_context(connected(address))) == b"HTTP/1.1 200 OK"
            assert open_connections.crowd.gave_way == 1
        with connected(address) as last:
            assert answer(last) == b"HTTP/1.1 200 OK"
    assert open_connections.crowd.connections == 0


def test_a_crowd_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [100.0]
    caplog.set_level(logging.WARNING)
    crowd = OpenConnections(most=2, timer=lambda: now[0])
    for seconds in (0, 1, 58, 1, 1):
        now[0] += seconds
        assert not crowd.make_room([Visitor("a", None), Visitor("b", None)])
    assert len(caplog.records) == 2
