"""uvicorn's HTTP, for clients that cannot be trusted to send, or to read, as they should.

Bytes that are no HTTP are answered as everything else is: in JSON, and with a line in the log. A
sender that is slow, or sends headers without end, is cut off: uvicorn itself waits for ever and
takes what comes. A request that arrives whole at once, as nearly all do, sets no timer.

An answer given before the body was read ends the connection, unless the rest is little: see
``farewell`` for how.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.farewell import Lingering, ReaderWatch
from app.joining_transport import JoiningTransport
from app.no_request import (
    CROWDED,
    MOST_HEAD_BYTES,
    MOST_HEADERS,
    MOST_PIPELINED,
    NO_HTTP,
    REFUSED,
    TOO_LARGE,
    TOO_MANY,
    TOO_SLOW,
    Problem,
    RefusalLog,
)
from app.open_connections import OpenConnections
from app.open_files import MOST_CONNECTIONS
from app.request_body import ON_ITS_WAY
from app.request_id import REQUEST_ID, given_id

MOST_DRAINED_BYTES: Final = 65_536
"""So much of a body that nobody reads is read and thrown away to keep a connection."""
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 40.0
"""How long a request's head and its body may each take to arrive."""


class _Unacceptable(Exception):
    """Raised within the parser to stop it."""


def protocol_of(
    open_connections: OpenConnections, refusals: RefusalLog | None = None
) -> type[HttpProtocol]:
    """The protocol of one server, which keeps its connections within these bounds, and tells of
    what it refuses there."""
    own = {"open_connections": open_connections, "refusals": refusals or RefusalLog()}
    return type("HttpProtocol", (HttpProtocol,), own)


class HttpProtocol(HttpToolsProtocol):
    open_connections = OpenConnections(most=MOST_CONNECTIONS)
    refusals = RefusalLog()
    _wire: asyncio.Transport
    _is_in_head = True
    _is_whole = False
    _is_refused = False
    _has_ended = False
    """Whether the other end will send no more."""
    _head_bytes = 0
    _is_long = False
    _problem = NO_HTTP
    _deadline: asyncio.TimerHandle | None = None
    _is_head_deadline = True
    _unread: RequestResponseCycle | None = None
    """A request whose connection ends with its answer, unless its body is whole by then."""
    _reader: ReaderWatch | None = None
    _is_lingering = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._wire = transport
        joining = JoiningTransport(transport, self.loop, close=self._leave)
        super().connection_made(cast(asyncio.Transport, joining))
        self._set_deadline()
        self.open_connections.count = len(self.connections)
        if len(self.connections) > self.open_connections.most:
            others = [each for each in self.connections if each is not self]
            if not self.open_connections.make_room(cast(list[HttpProtocol], others)):
                self.refuse(CROWDED)

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        if self._reader:
            self._reader.end()
        super().connection_lost(exc)
        self.open_connections.count = len(self.connections)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if len(data) > MOST_HEAD_BYTES:
            self._is_long = True
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._stop_at(self._problem)
            return
        except httptools.HttpParserUpgrade as upgrade:  # not done, but the request is answered
            if rest := data[upgrade.args[0] :]:
                self.data_received(rest)
                return
        if self._is_whole:
            if self._unread:
                self._keep_open()
            if self.cycle is not None and self.cycle.response_complete:
                self._is_whole = False  # blank lines between requests are the next one's head
                self._is_in_head, self._head_bytes = True, 0
            elif self._deadline:
                self._clear_deadline()
            if self._is_whole:
                return
        self._go_on(len(data))

    def eof_received(self) -> bool:  # type: ignore[override]
        """Who sends no more may still wait for what was asked."""
        self._has_ended = True
        if self._is_refused:
            return True  # the refusal closes, once it is its turn
        if not self._is_whole or self.cycle is None or self.cycle.response_complete:
            return False
        self._unread = None
        self.cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        if self._reader and not self.transport.is_closing():
            self._reader.end()
            self._reader = None
        super().resume_writing()

    def shutdown(self) -> None:
        self._unread = None
        super().shutdown()

    def on_message_begin(self) -> None:
        self._is_in_head, self._is_whole = True, False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._is_long or self._head_bytes or len(self.headers) > MOST_HEADERS:
            self._require_short_head()
        if len(self.pipeline) >= MOST_PIPELINED:
            self._problem = TOO_MANY
            raise _Unacceptable
        self._is_in_head = False
        super().on_headers_complete()
        self.headers = []  # what comes behind the body is no header of the request

    def on_message_complete(self) -> None:
        self._is_whole = True
        self._head_bytes = 0
        super().on_message_complete()

    def _go_on(self, received: int) -> None:
        """What was received did not end a request."""
        if self._is_in_head:
            self._head_bytes += received
            if self._head_bytes > MOST_HEAD_BYTES or len(self.headers or ()) > MOST_HEADERS:
                self._stop_at(TOO_LARGE)
                return
        elif len(self.headers) > MOST_HEADERS:
            self._stop_at(TOO_LARGE)
            return
        else:
            self.scope[ON_ITS_WAY] = True  # type: ignore[typeddict-unknown-key]
            if self.cycle.keep_alive and not self._is_drained():
                self._unread, self.cycle.keep_alive = self.cycle, False
        if self._deadline is None or self._is_head_deadline != self._is_in_head:
            self._set_deadline()

    def _is_drained(self) -> bool:
        """Whether the rest of a body is read to keep the connection, where nobody else reads it."""
        if self.expect_100_continue:  # nobody knows whether the rest will come
            return False
        lengths = [value for name, value in self.scope["headers"] if name == b"content-length"]
        return bool(lengths) and int(lengths[0]) <= MOST_DRAINED_BYTES

    def _keep_open(self) -> None:
        if self._unread and not self._unread.response_started:
            self._unread.keep_alive = True
        self._unread = None

    def _require_short_head(self) -> None:
        length = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if length > MOST_HEAD_BYTES or len(self.headers) > MOST_HEADERS:
            self._problem = TOO_LARGE
            raise _Unacceptable
        self._is_long = False

    def _stop_at(self, problem: Problem) -> None:
        """Refuse what cannot be read any further, after the requests before it."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self.refuse(problem)
        elif self._is_in_head or self._is_whole:
            self.flow.pause_reading()
            queued = cast(RequestResponseCycle, _QueuedRefusal(self, problem))
            self.pipeline.appendleft((queued, self.app))
        elif self.pipeline:
            queued = cast(RequestResponseCycle, _QueuedRefusal(self, problem))
            self.pipeline[0] = (queued, self.app)
        else:
            if cycle.response_started:
                self.transport.close()
            else:  # whoever works for the request tells of it, under this id and status
                scope = cast(dict[str, Any], cycle.scope)
                request_id = scope.get(REQUEST_ID) or given_id(scope["headers"])
                scope[REQUEST_ID] = request_id or self.refusals.new_id()
                scope[REFUSED] = problem.status
                self._end_with(problem, scope[REQUEST_ID])
            cycle.disconnected = True
            cycle.message_event.set()

    @property
    def address(self) -> str:
        return self.client[0] if self.client else "unknown"

    @property
    def waits_since(self) -> float | None:
        if self.transport.is_closing():
            return 0.0
        if self._reader:
            return self._reader.began_at
        if idle := self.timeout_keep_alive_task:
            return idle.when() - self.timeout_keep_alive
        if self._deadline:
            return self._deadline.when() - (
                HEAD_SECONDS if self._is_head_deadline else BODY_SECONDS
            )
        return None

    def give_way(self) -> None:
        self.connections.discard(self)
        self._wire.abort()

    def refuse(self, problem: Problem) -> None:
        """The last answer of a connection, where no application could give it."""
        request_id = self.refusals.new_id()
        self._end_with(problem, request_id)
        self.refusals.note(problem, request_id, self.address)

    def _end_with(self, problem: Problem, request_id: str) -> None:
        self._is_refused = True
        self.transport.write(problem.answer(request_id))
        self.transport.close()

    def _set_deadline(self) -> None:
        self._clear_deadline()
        self._is_head_deadline = self._is_in_head
        seconds = HEAD_SECONDS if self._is_in_head else BODY_SECONDS
        self._deadline = self.loop.call_later(seconds, self._cut_off)

    def _clear_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _cut_off(self) -> None:
        """What has begun to be answered gets no second answer."""
        self._deadline = None
        if self.transport.is_closing():
            return
        if self._is_in_head and self._head_bytes and self.cycle is None:
            self.refuse(TOO_SLOW)
        else:
            self.transport.close()

    def _leave(self) -> None:
        """Close, once everything is written, so that what was written is also read."""
        if self._is_lingering or self._wire.is_closing():
            self._wire.close()
            return
        self._clear_deadline()
        has_body = not self._is_in_head and not self._is_whole
        if (has_body or self._is_refused) and not self._has_ended:
            self._is_lingering = True
            Lingering(self._wire, self.loop, lost=self.connection_lost)
        else:
            if self._wire.get_write_buffer_size():
                self._watch_reader()
            self._wire.close()

    def _watch_reader(self) -> None:
        if self._reader:
            self._reader.end()
        self._reader = ReaderWatch(self._wire, self.loop)


class _QueuedRefusal:
    """Stands in the queue of a connection's requests, for bytes behind them that are none."""

    def __init__(self, protocol: HttpProtocol, problem: Problem) -> None:
        self._protocol = protocol
        self._problem = problem

    async def run_asgi(self, _app: object) -> None:
        self._protocol.refuse(self._problem)
