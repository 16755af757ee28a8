"""What goes over the wire: an answer in one piece, whatever it is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from app.joining_transport import MOST_JOINED_BYTES, JoiningTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
LARGE = b"x" * (MOST_JOINED_BYTES + 1)


class Wire:
    """Notes the pieces that leave, and when the connection is closed."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.pieces.append(data)

    def close(self) -> None:
        self.pieces.append(b"<closed>")

    def is_closing(self) -> bool:
        return b"<closed>" in self.pieces


Steps = Callable[[JoiningTransport], None]


def sent(steps: Steps) -> list[bytes]:
    async def run() -> list[bytes]:
        wire = Wire()
        steps(JoiningTransport(cast(Any, wire), asyncio.get_running_loop()))
        await asyncio.sleep(0)
        return wire.pieces

    return asyncio.run(run())


def written(*pieces: bytes) -> Steps:
    return lambda transport: [transport.write(piece) for piece in pieces] and None


def closed_after(*pieces: bytes) -> Steps:
    def steps(transport: JoiningTransport) -> None:
        written(*pieces)(transport)
        transport.close()

    return steps


@pytest.mark.parametrize(
    ("steps", "pieces"),
    [
        pytest.param(written(HEAD, b"{}"), [HEAD + b"{}"], id="head and body"),
        pytest.param(written(HEAD), [HEAD], id="a head alone, at the end of the turn"),
        pytest.param(written(HEAD, b""), [HEAD], id="an empty body"),
        pytest.param(written(HEAD, LARGE), [HEAD, LARGE], id="a large body is not copied"),
        pytest.param(
            written(HEAD, b"{}", HEAD, b"[]"), [HEAD + b"{}", HEAD + b"[]"], id="two answers"
        ),
        pytest.param(written(HEAD, b"1", b"2"), [HEAD + b"1", b"2"], id="a body in two chunks"),
        pytest.param(written(b"2\r\n{}\r\n"), [b"2\r\n{}\r\n"], id="a later chunk"),
        pytest.param(closed_after(HEAD), [HEAD, b"<closed>"], id="nothing is lost by closing"),
        pytest.param(closed_after(HEAD, b"{}"), [HEAD + b"{}", b"<closed>"], id="closing after it"),
    ],
)
def test_a_head_waits_for_the_body_that_follows_at_once(steps: Steps, pieces: list[bytes]) -> None:
    assert sent(steps) == pieces


def test_what_is_written_to_a_lost_connection_is_dropped() -> None:
    def steps(transport: JoiningTransport) -> None:
        transport.write(HEAD)
        transport.close()
        written(HEAD, b"{}", b"x", LARGE)(transport)

    assert sent(steps) == [HEAD, b"<closed>"]


def test_it_is_closing_once_closed_though_somebody_else_does_the_closing() -> None:
    left: list[str] = []
    transport = JoiningTransport(cast(Any, Wire()), cast(Any, None), close=lambda: left.append("x"))
    assert not transport.is_closing()
    transport.close()
    assert (transport.is_closing(), left) == (True, ["x"])


def test_nothing_is_written_behind_the_end_while_it_waits_for_the_other_side() -> None:
    """Such a transport takes no more, and would say so to whoever still answers."""

    async def run() -> list[bytes]:
        wire = Wire()
        loop = asyncio.get_running_loop()
        transport = JoiningTransport(cast(Any, wire), loop, close=lambda: None)
        transport.write(HEAD)
        transport.close()
        transport.write(HEAD)
        transport.write(b"ok")
        await asyncio.sleep(0)
        return wire.pieces

    assert asyncio.run(run()) == [HEAD]
