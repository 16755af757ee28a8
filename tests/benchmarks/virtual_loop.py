"""An event loop whose time is made: it stands still while work is under way, else it jumps ahead.

So a day of the real committer, with its own timers and against real sockets, takes as long as the
work in it. What runs in the loop's executors is waited for, and what runs ``at_work``.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """``time()`` begins at 0 and is in seconds."""

    def __init__(self) -> None:
        self._now = 0.0
        self._under_way = 0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self._now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        future = super().run_in_executor(executor, func, *args)
        self._under_way += 1
        future.add_done_callback(self._ended)
        return future

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Around work in threads that the loop does not know of."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def pass_time(self, seconds: float | None) -> float | None:
        """How long to really wait for what would be waited for ``seconds``."""
        if self._under_way or seconds is None:
            return None
        self._now += seconds
        return 0.0

    def _ended(self, _future: object) -> None:
        self._under_way -= 1


class _Jumping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        return super().select(0) or super().select(self._loop.pass_time(timeout))
