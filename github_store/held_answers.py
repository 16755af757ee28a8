"""What GitHub answered lately, held so that it need not be asked again.

One request per resource is in flight however many readers wait; one that fails fails those
readers, and the next one asks anew. An incident's write shares none of readers', which may be
refused where requests run short, and a write is not.

Every renewal carries the ETag held, and a 304 (free of quota) makes the held answer fresh again. An
answer that was asked for before a local write of
the same resource is discarded: it may not show the write.

A stale answer is given at once and renewed behind its reader; freshness.py tells when. Where GitHub
takes longer than a reader's patience, or need not be asked because it is known to be out, what is
held is given as in an outage; a request under way goes on, and renews it when it ends. Holds are
bounded in time, entries and bytes (cachetools), and kept on a shelf (the disk) beyond that, for a
start while GitHub is out.

A credential that lost its access is told 404 like one who asks for what is gone: what is held gives
way to that only where the repository itself still answers. Where access is refused nobody is made
to wait for the same refusal, and it is not asked for, again and again. Made for one event loop.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Protocol

from cachetools import TTLCache

from github_store.errors import AccessLost, GitHubTimeout, GitHubUnavailable
from github_store.freshness import Freshness, Verdict, Vouched
from github_store.gateway import Gateway, Reply
from github_store.held_reads import Held, Reads, note_given, note_outage
from github_store.precedence import is_part_of_write
from github_store.read_trace import Outcome, note_read, patient_until, takes_stale

MAX_BYTES = 64 * 1024 * 1024
MAX_REFUSED = 4_096


class Shelf(Protocol):
    """Keeps answers beyond the process. Never raises, never waits: what it loses is fetched."""

    def load(self, path: str) -> Held | None: ...

    def save(self, path: str, held: Held) -> None: ...

    def forget(self, path: str) -> None: ...


class Screen(Protocol):
    """Drops of an answer what shall not be held, before it is. Asks GitHub where it must."""

    async def screened(self, path: str, reply: Reply) -> Reply: ...


class HeldAnswers:
    """GET requests to GitHub, answered from memory while they are fresh.

    ``observe`` learns of every read's outcome; ``stretch`` is asked how much longer than usual
    answers shall count as fresh and stale, 1 for not at all; ``may_ask`` whether asking GitHub for
    a path is worth the while: where it is not, nobody waits to hear that.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        freshness: Freshness,
        clock: Callable[[], float],
        max_bytes: int = MAX_BYTES,
        shelf: Shelf | None = None,
        observe: Callable[[Outcome], None] | None = None,
        stretch: Callable[[], float] = lambda: 1.0,
        may_ask: Callable[[str], bool] = lambda _path: True,
    ) -> None:
        self._gateway = gateway
        self._freshness = freshness
        self._clock = clock
        self._held: TTLCache[str, Held] = TTLCache(
            maxsize=max_bytes,
            ttl=freshness.outage_seconds,
            timer=clock,
            getsizeof=lambda held: held.weight,
        )
        self._shelf = shelf
        self._observe = observe
        self._stretch = stretch
        self._may_ask = may_ask
        # Paths that access was lost for, for as long as an answer would be fresh.
        self._refused: TTLCache[str, bool] = TTLCache(
            maxsize=MAX_REFUSED, ttl=freshness.fresh_seconds, timer=clock
        )
        self._changes = 0
        """Of what is held: while there are none, nobody need look whether it is the same."""
        self._flights: dict[tuple[str, bool], _Flight] = {}
        """By path, and whether it is for a write."""
        self._writes: dict[str, int] = {}
        # What an earlier process wrote since, or heard of, is not known here: its answers are for
        # an outage, and to be renewed.
        self._expired_before = math.nextafter(clock(), -math.inf)
        self.vouched: Vouched | None = None
        """Set while webhooks tell of every change; see freshness.py."""
        self.screen: Screen | None = None

    async def get(
        self,
        path: str,
        *,
        accept: Collection[int] = (),
        renew: bool = False,
        is_optional: bool = False,
    ) -> Reply:
        """The answer to ``GET path`` (with its query), 200, 404, 410 or a redirect.

        ``renew`` asks GitHub even if a fresh answer is held. While GitHub is out a held answer
        is given instead. Raises GitHubUnavailable when there is none. ``is_optional``: the reader
        knows another way, does not wait beyond its patience, and is given nothing for want of
        better (GitHubTimeout).
        """
        held = self._at_hand(path)
        verdict = self._judge(held) if held and not renew else Verdict.WORTHLESS
        may_ask = verdict is Verdict.WORTHLESS or self._is_worth_asking(path)
        if held and verdict is Verdict.FRESH:
            return self._given(path, held, Outcome.HIT)
        if held and verdict is Verdict.STALE and (takes_stale() or not may_ask):
            if may_ask:
                self._flight(path, accept)
            return self._given(path, held, Outcome.STALE)
        if verdict is Verdict.WORTHLESS and not is_optional:
            return await self._asked(path, accept, renew=renew)
        if may_ask and (landing := await self._landing_in_time(path, accept)):
            return self._given(path, landing.held, landing.outcome, renew=renew)
        if held is None or is_optional:
            raise GitHubTimeout("GitHub does not answer, or not in a reader's time")
        note_outage()
        return self._given(path, held, Outcome.OUTAGE)

    async def _asked(self, path: str, accept: Collection[int], *, renew: bool) -> Reply:
        """What GitHub answers, however long that takes."""
        try:
            if renew:
                await self._let_land(path)
            # Shielded: a reader who hangs up must not take the answer from the others.
            landing = await asyncio.shield(self._flight(path, accept).task)
        except GitHubUnavailable:
            note_outage()
            raise
        return self._given(path, landing.held, landing.outcome, renew=renew)

    async def _landing_in_time(self, path: str, accept: Collection[int]) -> _Landing | None:
        """What GitHub answers within a reader's patience, which begins with the request; else
        None, and the request goes on."""
        flight, now = self._flight(path, accept), asyncio.get_running_loop().time()
        until = patient_until(
            now, patience_seconds=self._freshness.patience_seconds, begun_at=flight.begun_at
        )
        await asyncio.wait([flight.task], timeout=until - now)
        if not flight.task.done():
            return None
        try:
            return flight.task.result()
        except GitHubUnavailable:
            return None

    def read_again(self, reads: Reads) -> bool:
        """Whether these very answers may be given at once; if so they count as given, once."""
        ends = [held for end in reads.ends if (held := end())]
        if len(ends) != len(reads.ends):
            return False
        if reads.seen_at_change == self._changes and all(
            self._judge(held) is Verdict.FRESH for held in ends
        ):  # whatever was confirmed between the oldest and the newest is fresh as well
            for held in ends:
                note_read(Outcome.HIT, held.at)
            self._observed(Outcome.HIT)
            return True
        stale = []
        for path, known in reads.each:
            held = known()
            if held is None or self._at_hand(path) is not held:
                return False
            verdict = self._judge(held)
            if verdict is Verdict.STALE:
                stale.append(path)
            elif verdict is not Verdict.FRESH:
                return False
        reads.seen_at_change = self._changes
        for path in stale:
            if self._is_worth_asking(path):
                self._flight(path, ())
        outcome = Outcome.STALE if stale else Outcome.HIT
        for held in ends:
            note_read(outcome, held.at)
        self._observed(outcome)
        return True

    def is_fresh(self, path: str) -> bool:
        """Whether what is held of a path may be given without asking GitHub."""
        held = self._at_hand(path)
        return held is not None and self._judge(held) is Verdict.FRESH

    def is_asked_for(self, path: str) -> bool:
        """Whether a request for a path is under way, whose answer further readers share."""
        return (path, False) in self._flights or (path, True) in self._flights

    def peek(self, path: str) -> Held | None:
        """What is held of a path, however old."""
        return self._at_hand(path)

    def put(self, path: str, reply: Reply) -> None:
        """Hold what a write answered, or a webhook told, as the resource's newest state."""
        self._count_write(path)
        self._store(path, Held(reply, self._clock()))

    def forget(self, path: str) -> None:
        """Let the next read ask GitHub, without even an ETag."""
        self._count_write(path)
        self._held.pop(path, None)
        self._changes += 1
        if self._shelf:
            self._shelf.forget(path)

    def distrust(self, path: str) -> None:
        """Let the next read ask GitHub; what is held may be what it was before a write of ours,
        and is given only while GitHub is out."""
        self._count_write(path)
        if held := self._at_hand(path):
            self._keep(path, replace(held, is_distrusted=True))

    def expire(self) -> None:
        """Let every answer be asked for anew, with its ETag, before it is given again."""
        self._expired_before = self._clock()

    def paths(self) -> list[str]:
        """All paths that something is held of in memory."""
        return list(self._held)

    async def close(self) -> None:
        """Stop what is asked behind readers."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _at_hand(self, path: str) -> Held | None:
        held = self._held.get(path)
        if held is None and self._shelf and (held := self._shelf.load(path)):
            self._keep(path, held)
        return held

    def _judge(self, held: Held) -> Verdict:
        now = self._clock()
        verdict = self._freshness.judge(held.at, now=now, vouched=self.vouched)
        if verdict is not Verdict.FRESH:  # only then it matters how scarce requests are
            verdict = self._freshness.judge(held.at, now=now, stretch=self._stretch())
        is_expired = held.is_distrusted or held.at <= self._expired_before
        return Verdict.EXPIRED if is_expired and verdict is not Verdict.WORTHLESS else verdict

    def _given(self, path: str, held: Held, outcome: Outcome, *, renew: bool = False) -> Reply:
        note_read(outcome, held.at)
        if not renew:
            note_given(path, held)
        self._observed(outcome)
        return held.reply

    def _observed(self, outcome: Outcome) -> None:
        if self._observe:
            self._observe(outcome)

    def _count_write(self, path: str) -> None:
        if self.is_asked_for(path):  # only a request under way needs to know
            self._writes[path] = self._writes.get(path, 0) + 1

    def _flight(self, path: str, accept: Collection[int]) -> _Flight:
        key = path, is_part_of_write()
        flight = self._flights.get(key)
        if flight is None:
            task = asyncio.create_task(self._fetch(path, accept))
            flight = self._flights[key] = _Flight(task, asyncio.get_running_loop().time())
            task.add_done_callback(lambda _: self._landed(*key))
        return flight

    def _is_worth_asking(self, path: str) -> bool:
        return path not in self._refused and self._may_ask(path)

    async def _let_land(self, path: str) -> None:
        """Wait for a flight under way: it may have been answered before the caller came."""
        if flight := self._flights.get((path, is_part_of_write())):
            await asyncio.wait([flight.task])

    def _landed(self, path: str, is_for_write: bool) -> None:
        task = self._flights.pop((path, is_for_write)).task
        if not task.cancelled():
            error = task.exception()  # seen here too, in case every reader has left
            if isinstance(error, AccessLost):
                self._refused[path] = True
            elif error is None:
                self._refused.pop(path, None)
        if not self.is_asked_for(path):
            self._writes.pop(path, None)

    async def _fetch(self, path: str, accept: Collection[int]) -> _Landing:
        while True:
            held, begun_at = self._at_hand(path), self._clock()
            writes = self._writes.get(path, 0)
            etag = held.reply.etag if held else None
            reply = await self._gateway.request("GET", path, etag=etag, accept=accept)
            if held and held.reply.ok and not reply.ok and reply.status != 304:
                await self._believe_missing(path)
            if self.screen:
                reply = await self.screen.screened(path, reply)
            if self._writes.get(path, 0) != writes:
                newer = self._held.get(path)
                if newer and not newer.is_distrusted:
                    return _Landing(newer, Outcome.MISS)
                continue
            outcome = Outcome.MISS
            if reply.status == 304:
                if held is None:  # nobody asked conditionally, yet GitHub says "unchanged"
                    raise GitHubUnavailable("GitHub answered 304 to an unconditional request")
                reply, outcome = held.reply, Outcome.REVALIDATED
            newer = self._held.get(path)
            if newer and newer.at > begun_at and not newer.is_distrusted:
                return _Landing(newer, outcome)  # a write asked after us, and heard before us
            landed = Held(reply, begun_at)
            self._store(path, landed)
            return _Landing(landed, outcome)

    async def _believe_missing(self, path: str) -> None:
        """Raises AccessLost where the repository, asked now, is not there for this credential."""
        repository = self._gateway.repository
        if path != repository and not (await self.get(repository, renew=True)).ok:
            raise AccessLost(f"the repository is not there for this credential ({repository})")

    def _store(self, path: str, held: Held) -> None:
        self._keep(path, held)
        if self._shelf:
            self._shelf.save(path, held)

    def _keep(self, path: str, held: Held) -> None:
        if held.weight <= self._held.maxsize:
            self._held[path] = held
            self._changes += 1


@dataclass(frozen=True, slots=True)
class _Landing:
    """What a request to GitHub brought."""

    held: Held
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Flight:
    """A request to GitHub under way, and since when, in the loop's time."""

    task: asyncio.Task[_Landing]
    begun_at: float
