"""What is answered to bytes that are no request, or none that is taken; no application sees them.

Each leaves a line in the log like a request's, with its problem in place of what was asked.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from app.json_reply import json_bytes

log = logging.getLogger("kener_issues.requests")

MOST_HEAD_BYTES: Final = 65_536
MOST_HEADERS: Final = 256
MOST_PIPELINED: Final = 32
"""So many requests may wait on a connection for the one before them."""


@dataclass(frozen=True, slots=True)
class Problem:
    status: int
    reason: str
    error: str
    """For programs; ``detail`` is for a person."""
    detail: str
    headers: str = ""

    @property
    def answer(self) -> bytes:
        """All that is sent."""
        body = json_bytes({"error": self.error, "detail": self.detail})
        head = (
            f"HTTP/1.1 {self.status} {self.reason}\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            f"{self.headers}"
            "connection: close\r\n\r\n"
        )
        return head.encode() + body

    def note(self, address: str) -> None:
        """Log it; ``address`` is the socket's other end, as no header can be believed."""
        fields = {
            "method": "none",
            "route": "none",
            "status": self.status,
            "address": address,
            "problem": self.error,
        }
        log.info("none none %03d", self.status, extra={"fields": fields})


NO_HTTP: Final = Problem(400, "Bad Request", "bad request", "Invalid HTTP request received.")
TOO_LARGE: Final = Problem(
    431,
    "Request Header Fields Too Large",
    "headers too large",
    f"the head of a request has at most {MOST_HEAD_BYTES} bytes and {MOST_HEADERS} headers",
)
TOO_MANY: Final = Problem(
    400,
    "Bad Request",
    "too many requests at once",
    f"at most {MOST_PIPELINED} requests may wait on a connection for the one before them",
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
