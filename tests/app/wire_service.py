"""An ASGI application behind the service's own protocol and event loop, on a port of loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
import uvloop
from uvicorn.server import ServerState

from app.http_protocol import HttpProtocol

Address = tuple[str, int]


async def answer_all(scope: Any, receive: Any, send: Any) -> None:
    """Answers: ``/unread`` at once, everything else when the body is whole, with its length."""
    length = 0
    if scope["path"] != "/unread":
        while (message := await receive())["type"] == "http.request":
            length += len(message["body"])
            if not message["more_body"]:
                break
        else:
            return
    body = b'{"read":%d}' % length
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def on_the_wire(
    app: Any = answer_all,
    *,
    protocol: type[HttpProtocol] = HttpProtocol,
    keep_alive_seconds: int = 5,
) -> Iterator[Address]:
    """Runs until the block ends, in a thread of its own; a trace of the loop's own is an error."""
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, Address]] = []
    is_up, troubles = threading.Event(), []

    async def run() -> None:
        loop, stopped, state = asyncio.get_running_loop(), asyncio.Event(), ServerState()
        loop.set_exception_handler(lambda _, context: troubles.append(context))
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_keep_alive=keep_alive_seconds,
        )
        config.load()
        server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
        started.append((loop, stopped, server.sockets[0].getsockname()))
        is_up.set()
        async with server:
            await stopped.wait()
            server.close()
            for each in list(state.connections):
                each.transport.abort()
            while state.connections:  # noqa: ASYNC110 - uvicorn gives no event
                await asyncio.sleep(0)

    def work() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert is_up.wait(10)
        yield started[0][2]
    finally:
        loop, stopped, _ = started[0]
        loop.call_soon_threadsafe(stopped.set)
        thread.join(10)
    assert not troubles, troubles


def received(connection: socket.socket) -> bytes:
    """All that comes until the other end closes. Raises ConnectionResetError, TimeoutError."""
    said = b""
    while piece := connection.recv(65_536):
        said += piece
    return said


@contextmanager
def connected(address: Address, *, seconds: float = 5) -> Iterator[socket.socket]:
    with socket.create_connection(address, seconds) as connection:
        yield connection
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
