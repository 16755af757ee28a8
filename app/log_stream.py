"""Where log lines go: the stream of the process, in the order in which they were said.

The lines of requests that end in one turn of the event loop are written together, at its end:
writing each by itself takes longer than answering. Any other line is written at once, and what
waits before it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TextIO

from app.log_lines import JsonLines, LogFormat, TextLines
from app.redaction import Redaction
from app.request_log import REQUESTS

QUIET: Final = ("uvicorn", "urllib3", "asyncio")
"""Loggers of others, of which warnings are enough."""
MOST_WAITING: Final = 200
"""Lines; more are not kept back."""


class LogStream(logging.Handler):
    """``together`` is the logger whose lines may wait for each other. Nothing that ``redaction``
    knows is written. A stream that fails loses lines, and disturbs nobody else."""

    def __init__(self, stream: TextIO, *, redaction: Redaction, together: str) -> None:
        super().__init__()
        self._stream = stream
        self._redaction = redaction
        self._together = together
        self._waiting: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Called with the handler's lock held."""
        try:
            self._waiting.append(self.format(record))
            if record.name == self._together and self._is_written_soon():
                return
            self._write()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Write what waits."""
        self.acquire()
        try:
            self._write()
        except Exception:
            self.handleError(logging.makeLogRecord({}))
        finally:
            self.release()

    def close(self) -> None:
        self.flush()
        super().close()

    def _is_written_soon(self) -> bool:
        if len(self._waiting) > 1:  # then the first one has seen to it
            return len(self._waiting) <= MOST_WAITING
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:
            return False
        return True

    def _write(self) -> None:
        if self._waiting:
            text = "\n".join(self._waiting)
            self._waiting.clear()
            self._stream.write(f"{self._redaction(text)}\n")
            self._stream.flush()


@contextmanager
def logging_to(stream: TextIO, *, log_format: LogFormat, redaction: Redaction) -> Iterator[None]:
    """Let the whole process log there, in one format, for as long as the block lasts."""
    handler = LogStream(stream, redaction=redaction, together=REQUESTS)
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    levels = {"": logging.INFO, **dict.fromkeys(QUIET, logging.WARNING)}
    before = {name: logging.getLogger(name).level for name in levels}
    _set_levels(levels)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
        _set_levels(before)


def _set_levels(levels: Mapping[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
