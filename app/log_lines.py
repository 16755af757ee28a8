"""Log lines, as text for a person or as JSON for a program; a line is one event, always.

Whatever a value holds, it begins no line of its own: control characters are escaped in text as
they are in JSON, and a trace's further lines are indented. No secret that is known here is
written, not even where somebody else's message holds it.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, TextIO
from urllib.parse import quote

from app.request_id import current_request_id

LogFormat = Literal["text", "json"]

QUIET: Final = ("uvicorn", "urllib3", "asyncio")
"""Loggers of others, of which warnings are enough."""
HIDDEN: Final = "***"
SHORTEST_SECRET: Final = 8
"""A shorter text stands in ordinary words too: hiding it would spoil every line."""

# C0, C1, and what Python's splitlines and some terminals take for the end of a line
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Redaction:
    """The secrets that no line may show; more may be added while the service starts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._hidden: tuple[str, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide a secret as it is, and as JSON and URLs write it; of a long one every line."""
        found = set(self._hidden)
        for part in (secret, *secret.splitlines()):
            if len(part) >= SHORTEST_SECRET:
                found |= {part, quote(part, safe=""), json.dumps(part)[1:-1], _escaped(part)}
        self._hidden = tuple(sorted(found, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for secret in self._hidden:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return text


class _Lines(logging.Formatter):
    """What both formats share: the time in UTC, the request under way, and no secrets."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction
        self._second = (-1, "")

    def format(self, record: logging.LogRecord) -> str:
        fields: Mapping[str, Any] = getattr(record, "fields", {})
        if not fields and (request_id := current_request_id.get()):
            fields = {"id": request_id}
        trace = self.formatException(record.exc_info) if record.exc_info else record.exc_text
        return self._redaction(self._line(record, fields, trace or record.stack_info or ""))

    def _line(self, record: logging.LogRecord, fields: Mapping[str, Any], trace: str) -> str:
        raise NotImplementedError

    def _time(self, record: logging.LogRecord) -> str:
        second = int(record.created)
        if self._second[0] != second:
            self._second = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second[1]}.{int(record.msecs):03d}Z"


class TextLines(_Lines):
    def _line(self, record: logging.LogRecord, fields: Mapping[str, Any], trace: str) -> str:
        line = f"{self._time(record)} {record.levelname} {record.getMessage()}"
        shown = [f"{name}={value}" for name, value in fields.items() if name not in _TOLD]
        line = _escaped(f"{line}  {' '.join(shown)}" if shown else line)
        return "\n  ".join([line, *map(_escaped, trace.splitlines())]) if trace else line


class JsonLines(_Lines):
    def _line(self, record: logging.LogRecord, fields: Mapping[str, Any], trace: str) -> str:
        line: dict[str, Any] = {
            "time": self._time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **fields,
        }
        if trace:
            line["trace"] = trace
        return _COMPACT.encode(line)


_TOLD: Final = frozenset({"method", "route", "status"})
"""Fields that the message of a request's line has already."""


_COMPACT: Final = json.JSONEncoder(separators=(",", ":"), default=str)


def _escaped(text: str) -> str:
    return (
        text
        if text.isprintable()
        else _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    )


@contextmanager
def logging_to(stream: TextIO, *, log_format: LogFormat, redaction: Redaction) -> Iterator[None]:
    """Let the whole process log there, in one format, for as long as the block lasts."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter((JsonLines if log_format == "json" else TextLines)(redaction))
    levels = {"": logging.INFO, **dict.fromkeys(QUIET, logging.WARNING)}
    before = {name: logging.getLogger(name).level for name in levels}
    _set_levels(levels)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        _set_levels(before)


def _set_levels(levels: Mapping[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
