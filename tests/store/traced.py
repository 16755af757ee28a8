"""An answer, and how it came about."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from github_store.read_trace import Outcome, ReadTrace

T = TypeVar("T")


async def outcome_of(read: Awaitable[T]) -> tuple[T, Outcome]:
    with ReadTrace() as trace:
        found = await read
    return found, trace.outcome
