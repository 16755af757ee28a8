"""What is answered to bytes that are no request, or none that is taken; no application sees them.

Each has an id, and leaves one line in the log and one count like a request's, with its problem in
place of what was asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.json_reply import json_bytes
from app.request_id import HEADER, new_ids

log = logging.getLogger("kener_issues.requests")

MOST_HEAD_BYTES: Final = 65_536
MOST_HEADERS: Final = 256
MOST_AHEAD_BYTES: Final = 16_384
"""So much of further requests may come before an answer from who showed no token."""
REFUSED: Final = "kener_issues.refused"
"""In the scope of a request whose body turned out to be none: the status that was answered."""


@dataclass(frozen=True, slots=True)
class Problem:
    status: int
    reason: str
    error: str
    """For programs; ``detail`` is for a person."""
    detail: str
    headers: str = ""

    def answer(self, request_id: str) -> bytes:
        """All that is sent."""
        body = json_bytes({"error": self.error, "detail": self.detail})
        head = (
            f"HTTP/1.1 {self.status} {self.reason}\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            f"{HEADER.decode()}: {request_id}\r\n"
            f"{self.headers}"
            "connection: close\r\n\r\n"
        )
        return head.encode() + body


class RefusalLog:
    """``count`` is told of every status that was answered."""

    def __init__(
        self,
        *,
        count: Callable[[int], object] = lambda _status: None,
        ids: Callable[[], str] | None = None,
    ) -> None:
        self._count = count
        self.new_id = ids or new_ids()

    def note(self, problem: Problem, request_id: str, address: str) -> None:
        """``address`` is the socket's other end, as no header can be believed."""
        self._count(problem.status)
        fields = {
            "id": request_id,
            "method": "none",
            "route": "none",
            "status": problem.status,
            "address": address,
            "problem": problem.error,
        }
        log.info("none none %03d", problem.status, extra={"fields": fields})


NO_HTTP: Final = Problem(400, "Bad Request", "bad request", "Invalid HTTP request received.")
TOO_LARGE: Final = Problem(
    431,
    "Request Header Fields Too Large",
    "headers too large",
    f"the head of a request has at most {MOST_HEAD_BYTES} bytes and {MOST_HEADERS} headers",
)
BAD_VERSION: Final = Problem(
    400, "Bad Request", "bad version", "the versions 1.1 and 1.0 of HTTP are answered, and no other"
)
BAD_HOST: Final = Problem(
    400,
    "Bad Request",
    "bad host",
    "a request has one header Host: a name or an address, and perhaps a port",
)
BAD_TARGET: Final = Problem(
    400,
    "Bad Request",
    "bad target",
    "a request asks for a path, or for an address of http or https without a user or a fragment",
)
BAD_CODING: Final = Problem(
    400,
    "Bad Request",
    "bad transfer coding",
    "Transfer-Encoding is chunked and nothing else, and version 1.0 of HTTP has none",
)
TOO_MUCH_FRAMING: Final = Problem(
    400,
    "Bad Request",
    "too much framing",
    f"what surrounds the chunks of a body takes at most {MOST_HEAD_BYTES} bytes more than"
    " eight times the body",
)
TOO_MANY: Final = Problem(
    400,
    "Bad Request",
    "too many requests at once",
    f"without a token at most {MOST_AHEAD_BYTES} bytes of further requests are taken before"
    " an answer",
)
TOO_SLOW: Final = Problem(
    408,
    "Request Timeout",
    "the request came too slowly",
    "the head of a request has to come within 10 seconds",
)
CROWDED: Final = Problem(
    503,
    "Service Unavailable",
    "too many connections",
    "every connection that is kept open is being served; try again",
    "retry-after: 1\r\n",
)
