"""Monitor status kept as a committed file: Kener's two operations on it.

A push returns after the commit with its sample has landed. A lost race, or an answer that was
lost, is settled by reading again and adding the samples to what is there now: adding twice
changes nothing, and other writers' samples stay.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence

from github_store.branch_file import BranchFile
from github_store.commit_group import CommitGroup
from github_store.errors import BrokenDocument, Conflict, OutcomeUnknown, Unprocessable
from github_store.freshness import Freshness
from github_store.gateway import Gateway
from github_store.held_status import Base, HeldStatus
from github_store.monitor import Monitor, Monitors, Status
from github_store.monitor_status import MonitorStatus, monitor_status
from github_store.status_document import Sample, StatusDocument
from github_store.status_format import dump
from github_store.status_message import commit_message

STATUS_FILE = "status.json"
ATTEMPTS = 8
"""How often one commit is tried while others write first, or answers are lost."""
LONGEST_FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
"""Pauses are random: up to the first, and up to twice as much each further time."""


class StatusStore:
    """Status of one repository's monitors. Made for one event loop.

    A read waits ``patience_seconds`` for GitHub before it answers from what is held. ``jitter``
    gives numbers from 0 to 1; ``sleep`` takes seconds.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        branch: str,
        monitors: Monitors,
        freshness: Freshness,
        clock: Callable[[], float],
        patience_seconds: float = 1.0,
        jitter: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._file = BranchFile(gateway, branch=branch, path=STATUS_FILE)
        self._held = HeldStatus(
            self._file,
            monitors=monitors,
            freshness=freshness,
            clock=clock,
            patience_seconds=patience_seconds,
        )
        self._group = CommitGroup(self._commit_all)
        self._monitors = monitors
        self._clock = clock
        self._jitter = jitter
        self._sleep = sleep

    @property
    def problem(self) -> BrokenDocument | None:
        """What is wrong with the committed file by somebody's hand, None while all is well."""
        return self._held.problem

    async def push(self, tag: str, *, status: Status, latency: float, minute: int) -> None:
        """Commit one sample; ``minute`` is any second of it, since 1970.

        Raises GitHubUnavailable or one of its kinds, Conflict after many lost races, or
        BrokenDocument; the sample may be pushed again after any of them.
        """
        await self.push_many(tag, [(minute, status, latency)])

    async def push_many(self, tag: str, samples: Iterable[tuple[int, Status, float]]) -> None:
        """Commit many samples of a monitor at once, each as ``push`` takes it: a whole past."""
        tag = self._monitor(tag).tag
        await self._group.add(
            [Sample(tag, minute // 60, status, latency) for minute, status, latency in samples]
        )

    async def current(self, tag: str, *, since_seconds: int) -> MonitorStatus:
        """The newest status, and the uptime of the current minute and the seconds before it.

        Raises GitHubUnavailable or BrokenDocument where nothing is held to answer from.
        """
        monitor = self._monitor(tag)
        document = await self._held.document()
        return monitor_status(
            document.histories.get(tag),
            monitor,
            now=self._minute(),
            since_minutes=since_seconds // 60,
        )

    async def close(self, *, grace_seconds: float = 1.5) -> None:
        """Take no further push; what waits has this long to land."""
        await self._group.close(grace_seconds=grace_seconds)
        await self._held.close()

    async def _commit_all(self, pushes: Sequence[Sequence[Sample]]) -> None:
        await self._commit([sample for push in pushes for sample in push])

    async def _commit(self, samples: Sequence[Sample]) -> None:
        """Add the samples to the newest document, unless they are there."""
        base = await self._held.base(renew=False)
        if self._has(base, samples) and not self._held.is_fresh():
            base = await self._held.base(renew=True)
        for attempt in range(ATTEMPTS):
            if self._has(base, samples):
                return
            document = self._with(base, samples)
            message = commit_message(base.document, document, samples=len(samples))
            try:
                version = await self._file.write(
                    dump(document), sha=base.version.sha, message=message
                )
            except (Conflict, OutcomeUnknown):
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                self._held.wrote(document, version)
                return
            longest = min(LONGEST_FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS)
            await self._sleep(self._jitter() * longest)
            base = await self._held.base(renew=True)

    def _with(self, base: Base, samples: Sequence[Sample]) -> StatusDocument:
        return base.document.apply(samples).compact(self._minute())

    def _has(self, base: Base, samples: Sequence[Sample]) -> bool:
        """Whether a commit would change nothing but drop old days, which alone is no reason."""
        is_there = base.version.sha is not None
        return is_there and self._with(base, samples) == base.document.compact(self._minute())

    def _minute(self) -> int:
        return int(self._clock()) // 60

    def _monitor(self, tag: str) -> Monitor:
        monitor = self._monitors.get(tag)
        if monitor is None:
            raise Unprocessable("no monitor has this tag", field="tag")
        return monitor
