"""JSON as ready bytes: what every answer of the API is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

HeaderLine = tuple[bytes, bytes]

JSON: Final[HeaderLine] = (b"content-type", b"application/json")

_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Made once: making one takes longer than a short answer."""


class ReadyReply(Response):
    """An answer of which all is said: its headers' names are in small letters, the length among
    them. Starlette's own looks through them for what is missing, which takes as long as the rest.
    """

    def __init__(self, body: bytes, *, status: int, headers: list[HeaderLine]) -> None:
        self.body = body
        self.status_code = status
        self.raw_headers = headers
        self.background = None

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        status, headers = self.status_code, self.raw_headers
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def json_bytes(value: Any) -> bytes:
    """Compact JSON in UTF-8; half a surrogate pair, which UTF-8 cannot carry, is escaped."""
    try:
        return _COMPACT.encode(value).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def json_reply(
    value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> ReadyReply:
    body = json_bytes(value)
    lines = [length_of(body), JSON]
    for name, text in (headers or {}).items():
        lines.append((name.lower().encode("latin-1"), text.encode("latin-1")))
    return ReadyReply(body, status=status, headers=lines)


def length_of(body: bytes) -> HeaderLine:
    """The header that announces a body."""
    return b"content-length", str(len(body)).encode()
