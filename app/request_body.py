"""Reading a request's body as JSON: bounded, strict, and precise about what is wrong where."""

from __future__ import annotations

import asyncio
import codecs
import json
import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from app.refusal import Refused

MAX_BODY_BYTES: Final = 1_048_576
BODY_SECONDS: Final = 30.0
"""How long a body may take to arrive."""
ROOM_BYTES: Final = 67_108_864
ON_ITS_WAY: Final = "kener_issues.body_on_its_way"
"""In the scope of a request whose body was not whole when it came."""
MAX_INTEGER_DIGITS: Final = 4_000
"""Python refuses to parse a longer whole number; here it counts as infinite, as JavaScript's."""

_STRING_OR_CONSTANT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity', re.DOTALL)


class BodyRoom:
    """What bodies on their way may take together; the one longest on its way gives way to more.

    Made for one event loop.
    """

    def __init__(self, most_bytes: int = ROOM_BYTES) -> None:
        self._most_bytes = most_bytes
        self._held: dict[asyncio.Timeout, int] = {}
        self._bytes = 0

    @property
    def held_bytes(self) -> int:
        """What they take now."""
        return self._bytes

    def hold(self, limit: asyncio.Timeout, count: int) -> None:
        """So many bytes more of the body whose time is ``limit``."""
        self._held[limit] = self._held.get(limit, 0) + count
        self._bytes += count
        while self._bytes > self._most_bytes and len(self._held) > 1:
            oldest = next(each for each in self._held if each is not limit)
            self._bytes -= self._held.pop(oldest)
            if not oldest.expired():
                oldest.reschedule(0.0)

    def free(self, limit: asyncio.Timeout) -> None:
        self._bytes -= self._held.pop(limit, 0)


_ROOM: Final = BodyRoom()
HOOK_ROOM: Final = BodyRoom()
"""Of deliveries: anybody may send them."""


def bodies_on_their_way() -> int:
    """How many bytes of bodies that are not whole yet are held now."""
    return _ROOM.held_bytes + HOOK_ROOM.held_bytes


async def read_json(request: Request) -> Any:
    """The body's JSON value, whatever its Content-Type says.

    Raises Refused: 400 for no JSON, and as ``read_body`` does.
    """
    return parse_json(await read_body(request))


async def read_body(
    request: Request, *, within_seconds: float = BODY_SECONDS, room: BodyRoom = _ROOM
) -> bytes:
    """The raw body.

    Raises Refused: 413 for more than MAX_BODY_BYTES, announced or sent; 408 where it comes too
    slowly, or longest of those that fill the room.
    """
    return (await _received(request, _Body(), within_seconds, room)).kept


async def read_or_digest(
    request: Request,
    digest: Callable[[bytes | bytearray], object],
    *,
    most_bytes: int,
    within_seconds: float,
    room: BodyRoom,
) -> bytes | None:
    """As ``read_body``, with another limit. A body above MAX_BODY_BYTES is not kept: None, and
    ``digest`` was given all its pieces, in order."""
    body = await _received(request, _Body(most_bytes, digest), within_seconds, room)
    return body.kept if body.is_kept else None


class _Body:
    """What came of a body. Raises Refused (413) where that is more than ``most_bytes``."""

    def __init__(
        self,
        most_bytes: int = MAX_BODY_BYTES,
        digest: Callable[[bytes | bytearray], object] | None = None,
    ) -> None:
        self._most_bytes = most_bytes
        self._digest = digest
        self._count = 0
        self._kept: bytes | bytearray = b""

    @property
    def is_kept(self) -> bool:
        return self._digest is None or self._count <= MAX_BODY_BYTES

    @property
    def kept(self) -> bytes:
        return bytes(self._kept)

    def check(self, announced: str) -> None:
        """The length that the head announces, if any."""
        if announced.isdecimal() and (len(announced) > 12 or int(announced) > self._most_bytes):
            raise _too_large(self._most_bytes)

    def add(self, piece: bytes) -> None:
        self._count += len(piece)
        if self._count > self._most_bytes:
            raise _too_large(self._most_bytes)
        if self._digest is not None and not self.is_kept:
            self._digest(self._kept)
            self._digest(piece)
            self._kept = b""
        elif not self._kept:
            self._kept = piece
        else:
            if isinstance(self._kept, bytes):
                self._kept = bytearray(self._kept)
            self._kept += piece


async def _received(request: Request, body: _Body, within_seconds: float, room: BodyRoom) -> _Body:
    body.check(request.headers.get("content-length", ""))
    message = None
    if ON_ITS_WAY not in request.scope:  # a timer takes longer than a short body that is there
        message = await request.receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            body.add(message.get("body", b""))
            return body
    try:
        async with asyncio.timeout(within_seconds) as limit:
            try:
                await _rest(request, message or await request.receive(), body, limit, room)
            finally:
                room.free(limit)
    except TimeoutError:
        raise _too_slow(within_seconds) from None
    return body


async def _rest(
    request: Request, message: Message, body: _Body, limit: asyncio.Timeout, room: BodyRoom
) -> None:
    """A body of several pieces, of which ``message`` is the first."""
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        body.add(piece)
        if not message.get("more_body", False):
            return
        if body.is_kept:
            room.hold(limit, len(piece))
        else:
            room.free(limit)
        message = await request.receive()


def parse_json(body: bytes) -> Any:
    """One JSON text in UTF-8, a byte order mark tolerated; of equal keys the last counts.

    Half a surrogate pair passes: the field that holds it is refused. Raises Refused.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        raise _malformed(before, len(before), "this is not UTF-8") from None
    if not text.strip():
        raise _malformed("", 0, "the body is empty; a JSON object is expected")
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _malformed(text, error.pos, error.msg[:1].lower() + error.msg[1:]) from None
    except _Constant as error:
        raise _malformed(text, _position_of_constant(text), f"{error} is no JSON") from None
    except RecursionError:
        raise Refused("malformed JSON", "the body is nested too deeply") from None


class _Constant(Exception):
    """A literal that JavaScript knows and JSON does not."""


def _refuse_constant(name: str) -> NoReturn:
    raise _Constant(name)


def _position_of_constant(text: str) -> int:
    outside = (m for m in _STRING_OR_CONSTANT.finditer(text) if not m[0].startswith('"'))
    return next(outside).start()


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else float(digits)


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_whole_number)


def _malformed(text: str, position: int, problem: str) -> Refused:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return Refused("malformed JSON", f"line {line}, column {column}: {problem}")


def _too_large(most_bytes: int) -> Refused:
    return Refused(
        "body too large",
        f"a request body has at most {most_bytes} bytes",
        status=413,
        headers={"Connection": "close"},
    )


def _too_slow(seconds: float) -> Refused:
    return Refused(
        "the request came too slowly",
        f"a body has to come within {seconds:.0f} seconds, and sooner while many are sent",
        status=408,
        headers={"Connection": "close"},
    )
