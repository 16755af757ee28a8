"""A request's id: the client's own, or one made here; what is logged under way can name it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from itertools import count
from typing import Final

HEADER: Final = b"x-request-id"
REQUEST_ID: Final = "kener_issues.request_id"
"""In the scope of a request: its id."""

current_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that the running task works for."""

_VALID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def given_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The client's id, where it is one that can stand in a log as it is."""
    for name, value in headers:
        if name == HEADER:
            return value.decode("ascii") if _VALID.fullmatch(value) else None
    return None


def new_ids(prefix: str | None = None) -> Callable[[], str]:
    """Makes ids that are this process's own; counting is cheaper than chance."""
    start = prefix or secrets.token_hex(5)
    numbers = count(1)
    return lambda: f"{start}-{next(numbers):x}"
