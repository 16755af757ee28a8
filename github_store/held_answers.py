"""What GitHub answered lately, held so that it need not be asked again.

One request per resource is in flight however many readers wait; one that fails fails those
readers, and the next one asks anew. Every renewal carries the ETag held, and a 304 (free of
quota) makes the held answer fresh again. An answer that was asked for before a local write of
the same resource is discarded: it may not show the write.

Holds are bounded in time, entries and bytes (cachetools). Made for one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from cachetools import TTLCache

from github_store.errors import GitHubUnavailable
from github_store.freshness import Freshness, Verdict
from github_store.gateway import Gateway, Reply

MAX_BYTES = 64 * 1024 * 1024
LEAST_WEIGHT = 4 * 1024
"""Every answer weighs at least this many bytes, so that entries are bounded with the bytes."""


@dataclass(frozen=True, slots=True)
class Held:
    """An answer and when GitHub last confirmed it (seconds since 1970)."""

    reply: Reply
    at: float


class HeldAnswers:
    """GET requests to GitHub, answered from memory while they are fresh."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        freshness: Freshness,
        clock: Callable[[], float],
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._gateway = gateway
        self._freshness = freshness
        self._clock = clock
        self._held: TTLCache[str, Held] = TTLCache(
            maxsize=max_bytes, ttl=freshness.outage_seconds, timer=clock, getsizeof=_weight
        )
        self._flights: dict[str, asyncio.Task[Reply]] = {}
        self._writes: dict[str, int] = {}

    async def get(self, path: str, *, accept: Collection[int] = (), renew: bool = False) -> Reply:
        """The answer to ``GET path`` (with its query), 200, 404, 410 or a redirect.

        ``renew`` asks GitHub even if a fresh answer is held. While GitHub is out a held answer
        is given instead. Raises GitHubUnavailable when there is none.
        """
        held = self._held.get(path)
        verdict = self._freshness.judge(held.at, now=self._clock()) if held else None
        if held and verdict is Verdict.FRESH and not renew:
            return held.reply
        try:
            if renew:
                await self._let_land(path)
            return await self._shared_flight(path, accept)
        except GitHubUnavailable:
            if held and verdict is not Verdict.WORTHLESS and not renew:
                return held.reply
            raise

    def put(self, path: str, reply: Reply) -> None:
        """Hold what a write answered as the resource's newest state."""
        self._count_write(path)
        self._store(path, reply)

    def forget(self, path: str) -> None:
        """Let the next read ask GitHub, without even an ETag."""
        self._count_write(path)
        self._held.pop(path, None)

    def _count_write(self, path: str) -> None:
        if path in self._flights:  # only a request under way needs to know
            self._writes[path] = self._writes.get(path, 0) + 1

    async def _shared_flight(self, path: str, accept: Collection[int]) -> Reply:
        flight = self._flights.get(path)
        if flight is None:
            flight = asyncio.create_task(self._fetch(path, accept))
            self._flights[path] = flight
            flight.add_done_callback(lambda _: self._landed(path))
        # Shielded: a reader who hangs up must not take the answer from the others.
        return await asyncio.shield(flight)

    async def _let_land(self, path: str) -> None:
        """Wait for a flight under way: it may have been answered before the caller came."""
        if flight := self._flights.get(path):
            await asyncio.wait([flight])

    def _landed(self, path: str) -> None:
        flight = self._flights.pop(path)
        if not flight.cancelled():
            flight.exception()  # seen here too, in case every reader has left
        self._writes.pop(path, None)

    async def _fetch(self, path: str, accept: Collection[int]) -> Reply:
        while True:
            held, begun_at = self._held.get(path), self._clock()
            writes = self._writes.get(path, 0)
            etag = held.reply.etag if held else None
            reply = await self._gateway.request("GET", path, etag=etag, accept=accept)
            if self._writes.get(path, 0) != writes:
                newer = self._held.get(path)
                if newer:
                    return newer.reply
                continue
            if reply.status == 304:
                if held is None:  # nobody asked conditionally, yet GitHub says "unchanged"
                    raise GitHubUnavailable("GitHub answered 304 to an unconditional request")
                reply = held.reply
            self._store(path, reply, at=begun_at)
            return reply

    def _store(self, path: str, reply: Reply, *, at: float | None = None) -> None:
        held = Held(reply, self._clock() if at is None else at)
        if _weight(held) <= self._held.maxsize:
            self._held[path] = held


def _weight(held: Held) -> int:
    return max(LEAST_WEIGHT, 4 * held.reply.size)
