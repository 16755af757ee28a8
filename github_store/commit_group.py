"""Group commit: whoever comes while one commit is under way shares the next one.

Nobody waits to be joined by others: the first one's commit begins at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from github_store.errors import GitHubUnavailable, OutcomeUnknown

Item = TypeVar("Item")
_Batch: TypeAlias = Sequence[tuple[Item, asyncio.Future[None]]]


class CommitGroup(Generic[Item]):
    """Calls ``commit`` with what has gathered, in order of arrival, never twice at a time."""

    def __init__(self, commit: Callable[[Sequence[Item]], Awaitable[None]]) -> None:
        self._commit = commit
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None
        self._is_closed = False

    async def add(self, item: Item) -> None:
        """Return when a commit with the item has succeeded; raise what the commit raised."""
        if self._is_closed:
            raise GitHubUnavailable("the service is stopping")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        # Shielded: one who hangs up has handed in all the same.
        await asyncio.shield(done)

    async def close(self, *, grace_seconds: float) -> None:
        """Take nothing more; what waits has this long to be committed, then it fails."""
        self._is_closed = True
        if self._running:
            await asyncio.wait([self._running], timeout=grace_seconds)
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._commit_batch(batch)
        finally:
            self._running = None
            left, self._waiting = self._waiting, []
            _settle(left, GitHubUnavailable("the service is stopping"))

    async def _commit_batch(self, batch: _Batch[Item]) -> None:
        error: Exception | None = OutcomeUnknown("stopped before GitHub answered")
        try:
            await self._commit([item for item, _ in batch])
            error = None
        except Exception as problem:
            error = problem
        finally:  # also when cancelled
            _settle(batch, error)


def _settle(batch: _Batch[Item], error: Exception | None) -> None:
    for _, done in batch:
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
            done.exception()  # seen here too, in case the one who waited has hung up
