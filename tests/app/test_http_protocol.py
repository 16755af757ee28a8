"""Requests that come slowly, without end, in pieces, or are none: an answer, or a clean close."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import http_protocol
from app.http_protocol import protocol_of
from app.no_request import RefusalLog
from app.open_connections import OpenConnections
from app.turns import FEW
from tests.app.service import TOKEN, Service
from tests.app.test_metrics import samples_of
from tests.app.wire_service import Address, answer_all, connected, on_the_wire, received


def answer_to(*pieces: bytes) -> bytes:
    """All that comes until the server closes, for pieces that are sent one by one."""
    with on_the_wire() as address, connected(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.03)
        return received(connection)


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
    "pieces",
    [
        pytest.param((b"X: y\r\n" * 257,), id="one too many"),
        pytest.param((b"X: y\r\n" * 200, b"X: y\r\n" * 57), id="in two pieces"),
        pytest.param((b"X-Header: ", b"y" * 36_000, b"y" * 36_000), id="a long one"),
        pytest.param((b"X-Header: " + b"y" * 65_536 + b"\r\n\r\n",), id="a long one at once"),
    ],
)
def test_headers_without_end_are_refused(pieces: tuple[bytes, ...]) -> None:
    assert answer_to(GET[:-2], *pieces).startswith(b"HTTP/1.1 431 ")


def test_as_many_headers_as_anybody_needs_are_taken() -> None:
    last = b"Connection: close\r\n" + b"X: y\r\n" * 254 + b"\r\n"
    assert answer_to(GET[:-2] + last).startswith(b"HTTP/1.1 200 ")


CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_headers_behind_a_body_are_counted_too() -> None:
    assert answer_to(CHUNKED + b"0\r\n", b"X: y\r\n" * 258).startswith(b"HTTP/1.1 431 ")


def test_a_header_behind_the_body_is_none_of_the_request() -> None:
    request = b"POST /api/status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    trailer = b"0\r\nAuthorization: Bearer %s\r\n\r\n" % TOKEN.encode()
    with on_the_wire(Service().app()) as address, connected(address) as connection:
        connection.sendall(request + trailer)
        connection.shutdown(socket.SHUT_WR)
        assert received(connection).startswith(b"HTTP/1.1 401 ")


UNREAD = b"POST /unread HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("request_", "answers"),
    [
        pytest.param(UNREAD + b"Content-Length: 5\r\n\r\n", 2, id="little more is to come"),
        pytest.param(UNREAD + b"Content-Length: 65537\r\n\r\n", 1, id="much is to come"),
        pytest.param(UNREAD + b"Transfer-Encoding: chunked\r\n\r\n", 1, id="of unknown size"),
        pytest.param(
            UNREAD + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
            1,
            id="nobody asked for the rest",
        ),
    ],
)
def test_a_connection_outlives_an_unread_body_only_where_little_is_to_come(
    request_: bytes, answers: int
) -> None:
    last = GET.replace(b"Host", b"Connection: close\r\nHost")
    said = answer_to(request_, b"12345", last)
    assert said.count(b"HTTP/1.1 200 ") == answers
    assert said.count(b"connection: close") == 1


@pytest.mark.parametrize("size", [b"Content-Length: 70000", b"Transfer-Encoding: chunked"])
def test_a_body_that_is_read_keeps_its_connection(size: bytes) -> None:
    body = b"x" * 70_000 if b"Length" in size else b"11170\r\n" + b"x" * 70_000 + b"\r\n0\r\n\r\n"
    request = b"POST / HTTP/1.1\r\nHost: x\r\n" + size + b"\r\n\r\n"
    last = GET.replace(b"Host", b"Connection: close\r\nHost")
    said = answer_to(request, body[:9_000], body[9_000:], last)
    assert said.count(b'{"read":70000}') == 1
    assert said.count(b"HTTP/1.1 200 ") == 2


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with on_the_wire(Service().app()) as address:
        yield address


BEARER = b"Authorization: Bearer %s\r\n" % TOKEN.encode()
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
SEARCH = b"GET /api/incident?title_like=%b HTTP/1.1\r\nHost: x\r\n" + BEARER + b"\r\n"


Line = dict[str, Any]


class RequestLines(logging.Handler):
    """The fields of every request's line, and how many other lines there were."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []
        self._came = threading.Condition()
        self.others = 0

    def emit(self, record: logging.LogRecord) -> None:
        fields = getattr(record, "fields", None)
        with self._came:
            if fields is None:
                self.others += 1
            else:
                self._lines.append(fields)
            self._came.notify_all()

    def until(self, request_id: str) -> list[Line]:
        """All lines that came before that request's."""

        def ids() -> list[str]:
            return [line["id"] for line in self._lines]

        with self._came:
            assert self._came.wait_for(lambda: request_id in ids(), 5)
            return self._lines[: ids().index(request_id)]


@contextmanager
def request_lines() -> Iterator[RequestLines]:
    lines, root = RequestLines(), logging.getLogger()
    before = root.level
    root.setLevel(logging.INFO)
    root.addHandler(lines)
    try:
        yield lines
    finally:
        root.removeHandler(lines)
        root.setLevel(before)


LAST = b"GET /healthz HTTP/1.0\r\nX-Request-Id: the-last\r\n\r\n"


def told(address: Address, request_: bytes, *, is_half_closed: bool) -> tuple[bytes, list[Line]]:
    """What is answered, and every line that it left."""
    with request_lines() as lines:
        with connected(address) as connection:
            connection.sendall(request_)
            if is_half_closed:
                connection.shutdown(socket.SHUT_WR)
            said = received(connection)
        with connected(address) as connection:
            connection.sendall(LAST)
            received(connection)
        found = lines.until("the-last")
    assert not lines.others
    return said, found


def ids_of(said: bytes) -> list[str]:
    return [each.decode() for each in re.findall(rb"\r\nx-request-id: (\S+)\r\n", said)]


@pytest.mark.parametrize("is_half_closed", [False, True], ids=["open", "half closed"])
@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        pytest.param(HEALTH + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\n", [400], id="CL CL"),
        pytest.param(
            HEALTH + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", [400], id="CL TE"
        ),
        pytest.param(
            HEALTH + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", [400], id="TE CL"
        ),
        pytest.param(HEALTH + b"Transfer-Encoding: gzip\r\n\r\n", [400], id="no chunks"),
        pytest.param(HEALTH + b"Content-Length: -3\r\n\r\n", [400], id="a negative length"),
        pytest.param(HEALTH + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n", [400], id="huge"),
        pytest.param(CHUNKED.replace(b"/", b"/x", 1) + b"zz\r\n", [400], id="no chunk size"),
        pytest.param(CHUNKED + b"f" * 30 + b"\r\n", [400], id="a chunk too large"),
        pytest.param(HEALTH + b"A: b\r\n c\r\n\r\n", [400], id="a folded header"),
        pytest.param(HEALTH + b"A : b\r\n\r\n", [400], id="a space before the colon"),
        pytest.param(HEALTH + b"X-Request-Id: \x1b[31m\r\n\r\n", [400], id="control characters"),
        pytest.param(b"GET /healthz HTTP/1.1\nHost: x\n\n", [400], id="no carriage returns"),
        pytest.param(b"GET http://x/healthz HTTP/1.0\r\n\r\n", [200], id="an absolute target"),
        pytest.param(b"GET http://x HTTP/1.0\r\n\r\n", [200], id="no path"),
        pytest.param(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", [400], id="an authority"),
        pytest.param(b"OPTIONS * HTTP/1.0\r\n\r\n", [404], id="an asterisk"),
        pytest.param(b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n", [400], id="an unknown method"),
        pytest.param(b"GET /healthz HTTP/1.0\r\n\r\n", [200], id="HTTP/1.0"),
        pytest.param(b"GET /healthz\r\n\r\n", [400], id="HTTP/0.9"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4", [400], id="HTTP/2"),
        pytest.param(b"\x16\x03\x01\x02\0\1\0\1\xfc\x03\x03", [400], id="TLS"),
        pytest.param(
            HEALTH + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + HEALTH + b"\r\n\0",
            [200, 200, 400],
            id="an upgrade, and pipelining",
        ),
        pytest.param((HEALTH + b"\r\n") * 20 + b"\0", [200] * 20 + [400], id="pipelined"),
        pytest.param((HEALTH + b"\r\n") * 200 + b"\0", [200] * 200 + [400], id="many pipelined"),
        pytest.param(
            HEALTH + b"Connection: close\r\n\r\n" + HEALTH + b"\r\n", [200], id="said to be last"
        ),
        pytest.param(SEARCH % b"%00" + b"\0", [200, 400], id="NUL in a query"),
        pytest.param(SEARCH % b"%ff%fe" + b"\0", [200, 400], id="no UTF-8 in a query"),
        pytest.param(SEARCH % (b"x" * 60_000) + b"\0", [200, 400], id="a long query"),
        pytest.param(SEARCH % (b"x" * 65_536), [431], id="too long a query"),
        pytest.param(SEARCH % b"\xff", [400], id="raw bytes in a query"),
        pytest.param(b"GET /%00/.. HTTP/1.0\r\n\r\n", [400], id="NUL in a path"),
    ],
)
def test_whatever_comes_is_answered_and_the_connection_closed(
    address: Address, request_: bytes, statuses: list[int], is_half_closed: bool
) -> None:
    said, lines = told(address, request_, is_half_closed=is_half_closed)
    answers = [int(each[:3]) for each in said.split(b"HTTP/1.1 ")[1:]]
    assert answers == statuses
    assert [line["status"] for line in lines] == statuses
    assert [line["id"] for line in lines] == ids_of(said)


SECOND = b"GET /the-second HTTP/1.1\r\nHost: x\r\n\r\n"
"""Hidden behind, or in, what a proxy may read otherwise than this service does."""


Recorded = tuple[Address, list[tuple[str, str]]]


@contextmanager
def recording() -> Iterator[Recorded]:
    """A server, and the paths and the hosts of all that it was asked."""
    asked: list[tuple[str, str]] = []

    async def record(scope: Any, receive: Any, send: Any) -> None:
        hosts = [value.decode() for name, value in scope["headers"] if name == b"host"]
        asked.append((scope["path"], ",".join(hosts)))
        await answer_all(scope, receive, send)

    with on_the_wire(record) as address:
        yield address, asked


def asked_by(*pieces: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    """What is answered until the server closes, and what was asked."""
    with recording() as (address, asked), connected(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(0.03)
            connection.sendall(piece)
        return received(connection), asked


POSTED = b"POST / HTTP/1.1\r\nHost: x\r\n"
IN_CHUNKS = POSTED + b"Transfer-Encoding: chunked\r\n\r\n"


BOTH_WAYS = {
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a host twice": b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nhOST: y\r\n\r\n",
    "two hosts in 1.0": b"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n",
    "another protocol's method": b"SOURCE / ICE/1.0\r\nHost: x\r\n\r\n",
    "a bare line feed before it": b"\n" + GET,
    "a bare return before it": b"\r" + GET,
    "a bare line feed": b"GET / HTTP/1.1\nHost: x\r\n\r\n",
    "a bare line feed at the end": b"GET / HTTP/1.1\r\nHost: x\n\r\n",
    "a bare empty line": b"GET / HTTP/1.1\r\nHost: x\r\n\n",
    "a bare return": b"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
    "NUL in a name": b"GET / HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n",
    "a space before a colon": b"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n",
    "a fold at the start": b"GET / HTTP/1.1\r\n A: b\r\nHost: x\r\n\r\n",
    "a folded host": b"GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n",
    "a fragment": b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a user in the target": b"GET http://u@x/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "another scheme": b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host in the target": b"GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n",
    "an asterisk": b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel to a path": b"CONNECT /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "two lengths": POSTED + b"Content-Length: 0\r\nContent-Length: 37\r\n\r\n",
    "the same length twice": POSTED + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a length and chunks": IN_CHUNKS.replace(b"Tr", b"Content-Length: 37\r\nTr") + b"0\r\n\r\n",
    "chunks and a length": IN_CHUNKS[:-2] + b"Content-Length: 37\r\n\r\n0\r\n\r\n",
    "chunks twice": IN_CHUNKS[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two codings": IN_CHUNKS[:-2] + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "two codings, chunks last": POSTED + b"Transfer-Encoding: gzip\r\n" + IN_CHUNKS[len(POSTED) :],
    "chunks in 1.0": IN_CHUNKS.replace(b"1.1", b"1.0") + b"0\r\n\r\n",
    "a line feed in an extension": IN_CHUNKS + b"1;a=b\nc\r\nx\r\n",
    "a line feed in a trailer": IN_CHUNKS + b"0\r\nA: b\n\r\n",
    "a space before a trailer's colon": IN_CHUNKS + b"0\r\nA : b\r\n\r\n",
}
HOSTS = (
    *(b"x y", b"x,y", b"u@x", b"x/y", b"http://x", b"x?y", b"x#y", b"x:y", b"x:1:2", b"x:123456"),
    *(b"::1", b"[::1", b"[x]", b"\xc3\xbc", b"x%2", b"<x>", b'"x"', b"x\\y", b"x\x7f"),
)
VERSIONS = (
    *(b"HTTP/0.9", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/3.7", b"HTTP/11"),
    *(b"HTP/1.1", b"http/1.1", b"HTTP/1.10", b"HTTP/01.1", b"HTTP/", b"RTSP/1.0", b"RTSP/1.1"),
    *(b"ICE/1.0", b"HTTP/1.1 ", b" HTTP/1.1", b"HTTP/1.1\t", b"HTTP/1,1", b""),
)
LENGTHS = (b"+5", b"5, 5", b"0x5", b"5 6", b"", b"-1", b"1e1", b"5;", b"9" * 20, b"\xd9\xa5")
CODINGS = (
    *(b"identity", b"gzip, chunked", b"chunked, chunked", b"xchunked", b"", b"chunked;q=1"),
    *(b'"chunked"', b"\x0bchunked", b",chunked", b"chunked,"),
)
CHUNKS = (
    *(b"0x1\r\na", b"-1\r\na", b" 1\r\na", b"1 \r\na", b"1\na", b"+1\r\na", b"1;\r\na", b""),
    *(b"1\r\naXX", b"1\r\na\n", b"1\r\nab", b"f" * 17 + b"\r\na", b"g\r\na"),
)
BOTH_WAYS |= {f"host {each!r}": b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % each for each in HOSTS}
BOTH_WAYS |= {f"version {each!r}": b"GET / %b\r\nHost: x\r\n\r\n" % each for each in VERSIONS}
BOTH_WAYS |= {f"length {each!r}": POSTED + b"Content-Length: %b\r\n\r\n" % each for each in LENGTHS}
BOTH_WAYS |= {
    f"coding {each!r}": POSTED + b"Transfer-Encoding: %b\r\n\r\n0\r\n\r\n" % each
    for each in CODINGS
}
BOTH_WAYS |= {f"chunks {each!r}": IN_CHUNKS + each + b"\r\n0\r\n\r\n" for each in CHUNKS}


@pytest.fixture(scope="module")
def recorded() -> Iterator[Recorded]:
    with recording() as recorded:
        yield recorded


@pytest.mark.parametrize("pieces", [1, 2, 9], ids=["at once", "in halves", "in nine pieces"])
@pytest.mark.parametrize("request_", BOTH_WAYS.values(), ids=BOTH_WAYS.keys())
def test_what_can_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_answered(
    recorded: Recorded, request_: bytes, pieces: int
) -> None:
    sent = request_ + SECOND
    size = -(-len(sent) // pieces)
    address, asked = recorded
    asked.clear()
    with connected(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(sent), size):
            connection.sendall(sent[at : at + size])
            if pieces > 1:
                time.sleep(0.002)
        said = received(connection)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nconnection: close\r\n" in said
    assert said.count(b"HTTP/1.1 ") == 1
    assert all(path != "/the-second" for path, _ in asked)


@pytest.mark.parametrize(
    ("request_", "length"),
    [
        pytest.param(POSTED + b"Content-Length: 37\r\n\r\n" + SECOND, 37, id="a length"),
        pytest.param(POSTED + b"Content-Length: 0037 \r\n\r\n" + SECOND, 37, id="zeros, a space"),
        pytest.param(IN_CHUNKS + b"25\r\n" + SECOND + b"\r\n0\r\n\r\n", 37, id="chunks"),
        pytest.param(
            IN_CHUNKS + b"25;a=b\r\n" + SECOND + b"\r\n0;c\r\nA: b\r\n\r\n", 37, id="trailers"
        ),
        pytest.param(
            IN_CHUNKS.replace(b"chunked", b" CHUNKED ") + b"025\r\n" + SECOND + b"\r\n0\r\n\r\n",
            37,
            id="in capitals",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 37\r\n\r\n" + SECOND, 37, id="GET"
        ),
        pytest.param(
            POSTED + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            b"HTTP2-Settings: AA\r\nContent-Length: 37\r\n\r\n" + SECOND,
            37,
            id="an upgrade",
        ),
        pytest.param(
            IN_CHUNKS.replace(b"Host", b"Connection: upgrade\r\nUpgrade: websocket\r\nHost")
            + b"25\r\n"
            + SECOND
            + b"\r\n0\r\n\r\n",
            37,
            id="an upgrade, and chunks",
        ),
        pytest.param(POSTED + b"Content-Length: 0\r\n\r\n", 0, id="no body"),
        pytest.param(POSTED + b"\r\n", 0, id="no length"),
    ],
)
@pytest.mark.parametrize("cuts", [0, 1, 2, 3, 7])
def test_a_body_is_a_body_whatever_it_looks_like(request_: bytes, length: int, cuts: int) -> None:
    last = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    sent = request_ + last
    at = [0, *(len(request_) * cut // (cuts + 1) for cut in range(1, cuts + 1)), len(sent)]
    said, asked = asked_by(*(sent[begin:end] for begin, end in pairwise(at)))
    assert [path for path, _ in asked] == ["/", "/last"]
    assert said.count(b"HTTP/1.1 200 ") == 2
    assert b'{"read":%d}' % length in said


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        pytest.param(b"GET http://y:8/a?b HTTP/1.1\r\nHost: x", ("/a", "y:8"), id="both"),
        pytest.param(b"GET HTTPS://y HTTP/1.1\r\nHost: y", ("/", "y"), id="no path"),
        pytest.param(b"GET http://[::1]?a=/ HTTP/1.0", ("/", "[::1]"), id="a query alone"),
        pytest.param(b"GET /a HTTP/1.0", ("/a", ""), id="none in 1.0"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost:", ("/a", ""), id="an empty one"),
        pytest.param(
            b"GET /a HTTP/1.1\r\nhost:\tX_1.local.:3000 ", ("/a", "X_1.local.:3000"), id="a name"
        ),
        pytest.param(
            b"GET /a HTTP/1.1\r\nHost: [fe80::1]:80", ("/a", "[fe80::1]:80"), id="an address"
        ),
        pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: x", ("*", "x"), id="an asterisk"),
        pytest.param(b"\r\n\r\nGET /a HTTP/1.1\r\nHost: x", ("/a", "x"), id="blank lines"),
    ],
)
def test_the_host_of_the_target_counts_before_the_header(
    head: bytes, asked: tuple[str, str]
) -> None:
    said, found = asked_by(head + b"\r\nConnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert [(path, host.strip()) for path, host in found] == [asked]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"1;", *[b"a" * 10_000] * 8], id="in an extension"),
        pytest.param([b"1;" + b"a" * 30_000 + b"\r\nx\r\n"] * 4, id="in many extensions"),
        pytest.param([b"1\r\nx\r\n0\r\nA: ", *[b"b" * 10_000] * 8], id="in a trailer"),
    ],
)
def test_what_surrounds_chunks_is_bounded(pieces: list[bytes]) -> None:
    assert answer_to(IN_CHUNKS, *pieces).startswith(b"HTTP/1.1 400 ")


def test_a_large_body_says_nothing_of_the_next_request() -> None:
    large = POSTED + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000
    last = GET.replace(b"Host", b"Connection: close\r\nHost")
    said, asked = asked_by(large, large, large + GET * 100 + last)
    assert len(asked) == 104
    assert said.count(b"HTTP/1.1 200 ") == 104


def test_a_client_of_http_1_0_is_not_told_to_go_on() -> None:
    said, _ = asked_by(
        b"POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", b"12345"
    )
    assert said.startswith(b"HTTP/1.1 200 ")


def test_who_expects_to_be_told_so_is_told_to_go_on() -> None:
    head = POSTED + b"Connection: close\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n"
    said, _ = asked_by(head, b"12345")
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")


def test_requests_of_a_connection_are_taken_one_after_the_other() -> None:
    running, most = 0, 0

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        await answer_all(scope, receive, send)
        running -= 1

    with on_the_wire(slow) as address, connected(address) as connection:
        connection.sendall(GET * 50)
        connection.shutdown(socket.SHUT_WR)
        assert received(connection).count(b"HTTP/1.1 200 ") == 50
    assert most == 1


def test_who_sends_ahead_without_a_token_is_stopped_and_with_one_is_not_read_meanwhile() -> None:
    protocol = protocol_of(
        OpenConnections(most=9), shows_token=lambda headers, _: (b"x-token", b"1") in headers
    )
    known = GET.replace(b"Host", b"X-Token: 1\r\nHost")
    with on_the_wire(protocol=protocol) as address:
        with connected(address) as connection:
            connection.sendall(GET * 10_000)
            said = received(connection)
        assert 0 < said.count(b"HTTP/1.1 200 ") < 5_000
        assert said.count(b"HTTP/1.1 400 ") == 1
        assert b'"too many requests at once"' in said
        with connected(address) as connection:
            sending = threading.Thread(target=connection.sendall, args=(known * 10_000,))
            sending.start()
            answered = 0
            while answered < 10_000:
                answered += connection.recv(65_536).count(b"HTTP/1.1 200 ")
            sending.join()


def test_connections_take_turns_and_a_token_comes_first() -> None:
    """What 40 connections of strangers pipelined is answered by turns, and not before a token."""
    asked: list[str] = []
    is_in, may_go = threading.Event(), threading.Event()

    async def record(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/wait":
            is_in.set()
            may_go.wait(10)  # meanwhile everything comes, and nothing is read
        asked.append(scope["path"])
        await answer_all(scope, receive, send)

    protocol = protocol_of(
        OpenConnections(most=99), shows_token=lambda headers, _: (b"x-token", b"1") in headers
    )
    with on_the_wire(record, protocol=protocol) as address, ExitStack() as clients:
        strangers = [clients.enter_context(connected(address)) for _ in range(40)]
        for each in strangers:
            each.sendall(GET)
            assert each.recv(1_000)
        known, first = (clients.enter_context(connected(address)) for _ in range(2))
        asked.clear()
        first.sendall(GET.replace(b"/", b"/wait", 1))
        assert is_in.wait(10)
        for number, each in enumerate(strangers):
            each.sendall(GET.replace(b"/", b"/%d" % number, 1) * 5)
            each.shutdown(socket.SHUT_WR)
        known.sendall(GET.replace(b"/ HTTP/1.1", b"/known HTTP/1.1\r\nX-Token: 1", 1))
        may_go.set()
        for each in strangers:
            assert received(each).count(b"HTTP/1.1 200 ") == 5
    assert asked.index("/known") <= 1 + 2 * FEW
    rounds = [asked.index(f"/{number}") for number in range(40)]
    assert max(rounds) < 40 + 2 * FEW, "everybody is answered once before anybody is twice"


def test_a_connection_whose_body_came_after_the_answer_is_idle_and_ends() -> None:
    with on_the_wire(keep_alive_seconds=0) as address, connected(address) as connection:
        connection.sendall(POST.replace(b"/", b"/unread", 1))
        assert connection.recv(1_000).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"12345")
        assert received(connection) == b""


BROKEN = CHUNKED.replace(b"/", b"/api/incident", 1).replace(b"\r\n\r\n", b"\r\n%b\r\n")


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [(b"X-Request-Id: job-7\r\n", True), (b"X-Request-Id: a b\r\n", False), (b"", False)],
    ids=["kept", "replaced", "made"],
)
@pytest.mark.parametrize(
    "pieces", [(b"zz\r\n",), (b"1\r\nx\r\n", b"zz\r\n")], ids=["at once", "under way"]
)
def test_a_body_that_turns_out_to_be_none_leaves_the_line_of_its_request(
    address: Address, given: bytes, is_kept: bool, pieces: tuple[bytes, ...]
) -> None:
    with request_lines() as lines:
        with connected(address) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(BROKEN % (BEARER + given))
            for piece in pieces:
                time.sleep(0.03 * (len(pieces) - 1))
                connection.sendall(piece)
            said = received(connection)
        with connected(address) as connection:
            connection.sendall(LAST)
            received(connection)
        [line] = lines.until("the-last")
    assert said.startswith(b"HTTP/1.1 400 ")
    assert (line["method"], line["route"], line["status"]) == ("POST", "/api/incident", 400)
    assert [line["id"]] == ids_of(said)
    assert (line["id"] == "job-7") is is_kept


@pytest.mark.parametrize(
    ("request_", "method", "status"),
    [
        pytest.param(b"\0", "none", "400", id="no request"),
        pytest.param(GET[:-2] + b"X: y\r\n" * 257, "none", "431", id="no head"),
        pytest.param(CHUNKED + b"zz\r\n", "POST", "400", id="no body"),
        pytest.param(CHUNKED + b"0\r\n" + b"X: y\r\n" * 258, "POST", "431", id="no trailer"),
    ],
)
def test_what_is_refused_here_is_counted_once(request_: bytes, method: str, status: str) -> None:
    service = Service()
    refusals = RefusalLog(count=service.metrics.refused)
    protocol = protocol_of(OpenConnections(most=9), refusals)
    with on_the_wire(service.app(), protocol=protocol) as address:
        told(address, request_, is_half_closed=True)
    samples = samples_of(service.metrics.rendered("")[0].decode())
    counted = {
        dict(labels)["method"]: (dict(labels)["status"], value)
        for (name, labels), value in samples.items()
        if name == "requests_total" and dict(labels)["route"] != "/healthz"
    }
    assert counted == {method: (status, 1)}


TEXTS = [
    *(b"GET / HTTP/1.1\r\n", b"POST /unread HTTP/1.1\r\n", b"Host: x\r\n", b"\r\n", b"\0", b"5"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n"),
    *(b"5\r\nabcde\r\n", b"0\r\n\r\n", b"Expect: 100-continue\r\n", b"Upgrade: x\r\n"),
]


@pytest.fixture(scope="module")
def plain() -> Iterator[Address]:
    with on_the_wire() as address:
        yield address


@given(st.lists(st.sampled_from(TEXTS) | st.binary(max_size=20), max_size=20), st.data())
def test_any_bytes_in_any_pieces_end_with_answers_or_a_close(
    plain: Address, parts: list[bytes], data: st.DataObject
) -> None:
    sent = b"".join(parts)
    cut = data.draw(st.integers(0, len(sent)))
    with connected(plain) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(sent[:cut])
        connection.sendall(sent[cut:])
        connection.shutdown(socket.SHUT_WR)
        said = received(connection)
    assert not said or said.startswith(b"HTTP/1.1 ")


def test_who_closes_its_side_gets_what_it_asked_for(plain: Address) -> None:
    with connected(plain) as connection:
        connection.sendall(GET * 3)
        connection.shutdown(socket.SHUT_WR)
        said = received(connection)
    assert said.count(b"HTTP/1.1 200 ") == 3
