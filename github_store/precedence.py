"""What an incident's write reads has the precedence of the write.

A write begins with reads of its own: the issue as it is now, its author's rights, the labels. Were
they refused as other reads are where GitHub's requests run short, so would be the write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_is_writing: ContextVar[bool] = ContextVar("is_writing", default=False)


@contextmanager
def incident_write() -> Iterator[None]:
    """Around a write: what this task, and those that it starts, ask GitHub is a part of it."""
    token = _is_writing.set(True)
    try:
        yield
    finally:
        _is_writing.reset(token)


def is_part_of_write() -> bool:
    """Whether what is asked now is asked for a write."""
    return _is_writing.get()
