"""Log lines, as text for a person or as JSON for a program; a line is one event, always.

Whatever a value holds, it begins no line of its own and hides nothing: what cannot be seen is
escaped in both formats (visible_text.py), and in text a trace's further lines are indented.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any, Final, Literal

from app.request_id import current_request_id
from app.visible_text import visible_text

LogFormat = Literal["text", "json"]


class _Lines(logging.Formatter):
    """What both formats share: the time in UTC, and the request under way."""

    def __init__(self) -> None:
        super().__init__()
        self._second = (-1, "")

    def format(self, record: logging.LogRecord) -> str:
        fields: Mapping[str, Any] = getattr(record, "fields", {})
        if not fields and (request_id := current_request_id.get()):
            fields = {"id": request_id}
        trace = self.formatException(record.exc_info) if record.exc_info else record.exc_text
        return self._line(record, fields, trace or record.stack_info or "")

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
        line = visible_text(f"{line}  {' '.join(shown)}" if shown else line)
        return "\n  ".join([line, *map(visible_text, trace.splitlines())]) if trace else line


class JsonLines(_Lines):
    def _line(self, record: logging.LogRecord, fields: Mapping[str, Any], trace: str) -> str:
        line: dict[str, Any] = {
            "time": self._time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": visible_text(record.getMessage()),
            **{name: _visible(value) for name, value in fields.items()},
        }
        if trace:
            line["trace"] = "\n".join(map(visible_text, trace.splitlines()))
        return _COMPACT.encode(line)


_TOLD: Final = frozenset({"method", "route", "status"})
"""Fields that the message of a request's line has already."""


_COMPACT: Final = json.JSONEncoder(separators=(",", ":"), default=str)


def _visible(value: object) -> object:
    return visible_text(value) if isinstance(value, str) else value
