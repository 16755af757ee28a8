"""Reading a request's body as JSON: bounded, strict, and precise about what is wrong where."""

from __future__ import annotations

import asyncio
import codecs
import json
import re
from typing import Any, Final, NoReturn, TypeVar

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

_Bytes = TypeVar("_Bytes", bytes, bytearray)

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
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 12 or int(announced) > MAX_BODY_BYTES):
        raise _too_large()
    message = None
    if ON_ITS_WAY not in request.scope:  # a timer takes longer than a short body that is there
        message = await request.receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            whole: bytes = message.get("body", b"")
            return _within_bounds(whole)
    try:
        async with asyncio.timeout(within_seconds) as limit:
            try:
                return await _rest(request, message or await request.receive(), limit, room)
            finally:
                room.free(limit)
    except TimeoutError:
        raise _too_slow(within_seconds) from None


async def _rest(
    request: Request, message: Message, limit: asyncio.Timeout, room: BodyRoom
) -> bytes:
    """A body of several pieces, of which ``message`` is the first."""
    body = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        body += piece
        _within_bounds(body)
        if not message.get("more_body", False):
            return bytes(body)
        room.hold(limit, len(piece))
        message = await request.receive()


def _within_bounds(body: _Bytes) -> _Bytes:
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    return body


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


def _too_large() -> Refused:
    return Refused(
        "body too large",
        f"a request body has at most {MAX_BODY_BYTES} bytes",
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
