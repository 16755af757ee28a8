"""uvicorn's HTTP, for clients that cannot be trusted to send, or to read, as they should.

Bytes that are no HTTP are answered as everything else is: in JSON, and with a line in the log. A
sender that is slow, or sends headers without end, is cut off: uvicorn itself waits for ever and
takes what comes. A request that arrives whole at once, as nearly all do, sets no timer.

An answer given before the body was read ends the connection, unless the rest is little: see
``farewell`` for how.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.farewell import Lingering, ReaderWatch
from app.joining_transport import JoiningTransport
from app.no_request import (
    CROWDED,
    MOST_AHEAD_BYTES,
    MOST_HEAD_BYTES,
    MOST_HEADERS,
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
from app.request_head import Header, read_head
from app.request_id import REQUEST_ID, given_id
from app.request_parts import RequestParts
from app.turns import FEW, Turns

MOST_DRAINED_BYTES: Final = 65_536
"""So much of a body that nobody reads is read and thrown away to keep a connection."""
MOST_PARTS: Final = 64
"""So many parts of a request are parsed before others have their turn."""
CHUNKED: Final = b"Transfer-Encoding: chunked"
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 40.0
"""How long a request's head and its body may each take to arrive."""


class _Unacceptable(Exception):
    """Raised within the parser to stop it."""


def nobody(_headers: list[Header], _peer: str) -> bool:
    return False


def protocol_of(
    open_connections: OpenConnections,
    refusals: RefusalLog | None = None,
    *,
    shows_token: Callable[[list[Header], str], bool] = nobody,
) -> type[HttpProtocol]:
    """The protocol of one server, which keeps its connections within these bounds, and tells of
    what it refuses there.

    ``shows_token`` is asked with a request's headers and the address of the socket's other end.
    """
    own = {
        "open_connections": open_connections,
        "refusals": refusals or RefusalLog(),
        "turns": Turns(),
        "shows_token": staticmethod(shows_token),
    }
    return type("HttpProtocol", (HttpProtocol,), own)


class _Flow(FlowControl):
    """Reads nothing while something that was read is held."""

    is_held = False

    def resume_reading(self) -> None:
        if not self.is_held:
            super().resume_reading()


class HttpProtocol(HttpToolsProtocol):
    open_connections = OpenConnections(most=MOST_CONNECTIONS)
    refusals = RefusalLog()
    turns = Turns()
    shows_token = staticmethod(nobody)
    flow: _Flow
    _wire: asyncio.Transport
    _parts: RequestParts
    _is_whole = False
    _is_refused = False
    _has_ended = False
    """Whether the other end will send no more."""
    _held = b""
    """What was read and is not parsed yet: it comes after an answer, or in another turn."""
    _waits_for_turn_since: float | None = None
    _has_turn = False
    _last_problem: Problem | None = None
    """Of what was sent behind a request that is still to be answered."""
    _length = 0
    """Of the latest request's body, where it was told."""
    _is_body_behind_upgrade = False
    _is_head_repeated = False
    _problem = NO_HTTP
    _deadline: asyncio.TimerHandle | None = None
    _is_head_deadline = True
    _unread: RequestResponseCycle | None = None
    """A request whose connection ends with its answer, unless its body is whole by then."""
    _reader: ReaderWatch | None = None
    _is_lingering = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._wire = transport
        self._parts = RequestParts()
        joining = JoiningTransport(transport, self.loop, close=self._leave)
        super().connection_made(cast(asyncio.Transport, joining))
        self.flow = _Flow(cast(asyncio.Transport, joining))
        self._set_deadline()
        self.open_connections.count = len(self.connections)
        if len(self.connections) > self.open_connections.most:
            others = [each for each in self.connections if each is not self]
            if not self.open_connections.make_room(cast(list[HttpProtocol], others)):
                self.refuse(CROWDED)

    def connection_lost(self, exc: Exception | None) -> None:
        self._held = b""
        self._clear_deadline()
        if self._reader:
            self._reader.end()
        super().connection_lost(exc)
        self.open_connections.count = len(self.connections)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._held or self._is_busy:
            self._hold(self._held + data)
        else:
            self._read(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Who sends no more may still wait for what was asked."""
        self._has_ended = True
        if self._is_refused or self._held:
            return True  # what is held, or the refusal, closes, once it is its turn
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
        if self._is_head_repeated:
            return
        if self._is_busy:  # no part of what came reaches so far, unless the parser and we differ
            raise _Unacceptable
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= MOST_HEADERS:
            self._refuse_head(TOO_LARGE)
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._is_head_repeated:
            return
        parts = self._parts
        if parts.head_bytes + len(parts.part) > MOST_HEAD_BYTES:
            self._refuse_head(TOO_LARGE)
        head = read_head(parts.start, self.headers)
        if isinstance(head, Problem):
            self._refuse_head(head)
        self.url = head.target
        self.scope["headers"] = head.headers
        self.expect_100_continue = head.expects_continue
        self._length = head.length
        self._is_body_behind_upgrade = self.parser.should_upgrade() and head.has_body
        parts.end_head(length=head.length)
        super().on_headers_complete()
        self.headers = []  # what comes behind the body is no header of the request

    def on_body(self, body: bytes) -> None:
        self._parts.count_body(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_body_behind_upgrade:
            return
        self._is_whole = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if not self._held and not self._last_problem:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self._last_problem:
            self.refuse(self._last_problem)
        else:
            self._wait_for_turn()

    @property
    def _is_busy(self) -> bool:
        """Whether a request is here as a whole, and its answer is not."""
        return self._is_whole and not self.cycle.response_complete

    @property
    def _is_known(self) -> bool:
        """Whether the latest request showed a token."""
        scope = cast(dict[str, Any] | None, self.scope)
        return scope is not None and self.shows_token(scope["headers"], self.address)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if len(self.tasks) < FEW or self._has_turn or self._is_known:
            super()._start_asgi_task(cycle, app)
        else:
            self.turns.wait(partial(super()._start_asgi_task, cycle, app))

    def _read(self, data: bytes) -> None:
        """Parse what came, up to the end of one request, or a few parts of it."""
        at, size = 0, len(data)
        for _ in range(MOST_PARTS):
            part = self._parts.cut(data, at)
            if not self._parse(part):
                return
            at += len(part)
            if at == size or self._is_busy:
                break
        if not self._is_whole:
            self._go_on()
        if at < size:
            self._hold(data[at:])
            if not self._is_busy:
                self._wait_for_turn()
        elif self._is_whole and not self._is_busy:  # answered before its body came
            self._be_idle()

    def _parse(self, part: bytes) -> bool:
        """False where nothing more can be read."""
        self._is_whole = False  # where it was, it is answered: what comes is the next one's head
        try:
            self.parser.feed_data(part)
        except httptools.HttpParserError:
            self._stop_at(self._problem)
            return False
        except httptools.HttpParserUpgrade:  # not done, but the request is answered
            if self._is_body_behind_upgrade:
                self._read_body_behind_upgrade()
        if self._is_whole:
            self._parts.begin()
            if self._unread:
                self._keep_open()
            if self._deadline:
                self._clear_deadline()
            return True
        self._parts.go_on()
        if problem := self._parts.problem:
            self._stop_at(problem)
        return not problem

    def _read_body_behind_upgrade(self) -> None:
        """A parser that stopped for an upgrade takes the body for the next request's head; one
        that is told of the body again takes it for what it is."""
        self._is_body_behind_upgrade = False
        self._is_head_repeated = True
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        size = b"Content-Length: %d" % self._length if self._length else CHUNKED
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % size)
        self._is_head_repeated = False
        self.headers = []

    def _hold(self, data: bytes) -> None:
        self._held = data
        self.flow.pause_reading()
        self.flow.is_held = True
        if len(data) > MOST_AHEAD_BYTES and self._is_busy and not self._is_known:
            self._stop_at(TOO_MANY)

    def _wait_for_turn(self) -> None:
        if self._waits_for_turn_since is not None:
            return
        self._waits_for_turn_since = self.loop.time()
        if self._is_known:
            self.loop.call_soon(self._read_on)
        else:
            self.turns.wait(self._read_on)

    def _read_on(self) -> None:
        """With what is held."""
        self._waits_for_turn_since = None
        data, self._held = self._held, b""
        self.flow.is_held = False
        if self.transport.is_closing() or not data:
            return
        self._has_turn = True
        self._read(data)
        self._has_turn = False
        if self._held:
            return
        if not self._is_busy or len(self.cycle.body) <= HIGH_WATER_LIMIT:
            self.flow.resume_reading()

    def _be_idle(self) -> None:
        if not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _go_on(self) -> None:
        """What was received did not end a request."""
        if not self._parts.is_in_head:
            self.scope[ON_ITS_WAY] = True  # type: ignore[typeddict-unknown-key]
            if self.cycle.keep_alive and not self._is_drained():
                self._unread, self.cycle.keep_alive = self.cycle, False
        if self._deadline is None or self._is_head_deadline != self._parts.is_in_head:
            self._set_deadline()

    def _is_drained(self) -> bool:
        """Whether the rest of a body is read to keep the connection, where nobody else reads it."""
        if self.expect_100_continue:  # nobody knows whether the rest will come
            return False
        return 0 < self._length <= MOST_DRAINED_BYTES

    def _keep_open(self) -> None:
        if self._unread and not self._unread.response_started:
            self._unread.keep_alive = True
        self._unread = None

    def _refuse_head(self, problem: Problem) -> NoReturn:
        self._problem = problem
        raise _Unacceptable

    def _stop_at(self, problem: Problem) -> None:
        """Refuse what cannot be read any further, after the request before it."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        self._held = b""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self.refuse(problem)
        elif self._is_busy:
            self._last_problem = problem
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
        if self._waits_for_turn_since is not None:
            return self._waits_for_turn_since
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
        self._is_head_deadline = self._parts.is_in_head
        seconds = HEAD_SECONDS if self._parts.is_in_head else BODY_SECONDS
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
        if self._parts.is_in_head and self._parts.head_bytes and self.cycle is None:
            self.refuse(TOO_SLOW)
        else:
            self.transport.close()

    def _leave(self) -> None:
        """Close, once everything is written, so that what was written is also read."""
        if self._is_lingering or self._wire.is_closing():
            self._wire.close()
            return
        self._clear_deadline()
        has_body = not self._parts.is_in_head and not self._is_whole
        comes_more = has_body or self._is_refused or self.flow.read_paused
        if comes_more and not self._has_ended:
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
