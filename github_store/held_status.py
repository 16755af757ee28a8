"""The status document as GitHub had it last, held in memory.

Fresh it is given at once. Later GitHub is asked, with the ETag held, by one request however many
readers wait, and no reader waits for it longer than ``patience_seconds``: what is held is given
then, as it is while GitHub is out. What was written here is seen at once, and an answer that may
not show it yet (asked for before the write, or from a replica that lags) is discarded.

A file that a person broke leaves the last good document held, and stays as it is until mended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from cachetools import TTLCache

from github_store.branch_file import ABSENT, BranchFile, FileVersion
from github_store.errors import BrokenDocument, GitHubUnavailable
from github_store.freshness import Freshness, Verdict
from github_store.monitor import Monitors
from github_store.status_document import StatusDocument
from github_store.status_format import parse

log = logging.getLogger(__name__)

LAG_SECONDS = 60.0
"""How long a read may show what a write has replaced; GitHub's replicas take up to 30 s."""
MAX_REPLACED = 1_000

_Content: TypeAlias = StatusDocument | BrokenDocument | None
"""What a version holds: a document, something broken, or nothing as there is no file."""


@dataclass(frozen=True, slots=True)
class Base:
    """A document and the file's version it was read from (None: there is no file)."""

    document: StatusDocument
    version: FileVersion


class HeldStatus:
    """Made for one event loop. Times are seconds."""

    def __init__(
        self,
        file: BranchFile,
        *,
        monitors: Monitors,
        freshness: Freshness,
        clock: Callable[[], float],
        patience_seconds: float,
    ) -> None:
        self._file = file
        self._monitors = monitors
        self._freshness = freshness
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._held: Base | None = None
        self._asked_at: float | None = None
        self._broken: tuple[BrokenDocument, FileVersion] | None = None
        self._writes = 0
        self._replaced: TTLCache[str, bool] = TTLCache(MAX_REPLACED, ttl=LAG_SECONDS, timer=clock)
        self._flight: asyncio.Task[None] | None = None

    @property
    def problem(self) -> BrokenDocument | None:
        """What is wrong with the committed file, None while it can be read."""
        return self._broken[0] if self._broken else None

    async def document(self) -> StatusDocument:
        """The document to answer from.

        Raises GitHubUnavailable or BrokenDocument only where none is held.
        """
        verdict = self._verdict()
        if verdict is not Verdict.FRESH:
            try:
                patience = None if verdict is Verdict.WORTHLESS else self._patience_seconds
                await self._renewed(patience if self._held else None)
            except GitHubUnavailable:
                if self._held is None or verdict is Verdict.WORTHLESS:
                    raise
        return self._good().document

    async def base(self, *, renew: bool) -> Base:
        """The document to write on; ``renew`` asks GitHub, with a request not yet under way.

        Raises GitHubUnavailable, or BrokenDocument where the file cannot be read.
        """
        if renew and self._flight:
            await asyncio.wait([self._flight])
        if renew or self._held is None or self._broken:
            await self._renewed(None)
        if self._broken:
            raise self._broken[0]
        return self._good()

    def is_fresh(self) -> bool:
        """Whether GitHub said lately that the file is what is held."""
        return self._verdict() is Verdict.FRESH

    def wrote(self, document: StatusDocument, version: FileVersion) -> None:
        """Hold what has just been committed."""
        if self._held and (replaced := self._held.version.sha):
            self._replaced[replaced] = True
        assert version.sha is not None
        self._replaced.pop(version.sha, None)
        self._writes += 1
        self._held = Base(document, replace(version, content=None))
        self._asked_at = self._clock()

    async def close(self) -> None:
        """Stop asking."""
        if self._flight:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    def _verdict(self) -> Verdict:
        if self._asked_at is None:
            return Verdict.WORTHLESS
        return self._freshness.judge(self._asked_at, now=self._clock())

    def _good(self) -> Base:
        if self._held:
            return self._held
        assert self._broken is not None  # GitHub was asked, and one of the two came of it
        raise self._broken[0]

    async def _renewed(self, patience: float | None) -> None:
        """Have GitHub asked; without an answer in ``patience`` seconds it comes when it comes."""
        if self._flight is None:
            self._flight = asyncio.create_task(self._ask())
            self._flight.add_done_callback(self._landed)
        # Waited for, not awaited: a reader who hangs up must not cancel it for the others.
        done, _ = await asyncio.wait([self._flight], timeout=patience)
        for flight in done:
            flight.result()

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # seen here too, in case every reader has left

    async def _ask(self) -> None:
        asked_at, writes = self._clock(), self._writes
        known = self._broken[1] if self._broken else self._held.version if self._held else ABSENT
        found = await self._read(known)
        if self._writes != writes or (found and found[0].sha in self._replaced):
            return
        self._asked_at = asked_at
        if found:
            self._take(*found)

    async def _read(self, known: FileVersion) -> tuple[FileVersion, _Content] | None:
        """The version there is now and what is in it; None if it is the one known."""
        version = ABSENT
        try:
            newer = await self._file.read(etag=known.etag, sha=known.sha)
            if newer is None:
                return None
            version = replace(newer, content=None)
            if newer.content is None:
                return version, None
            # In a thread: a large file takes long enough for other requests to notice.
            return version, await asyncio.to_thread(parse, newer.content, name=self._file.name)
        except BrokenDocument as error:
            return version, error

    def _take(self, version: FileVersion, content: _Content) -> None:
        if isinstance(content, BrokenDocument):
            self._break(content, version)
            return
        self._broken = None
        if content is None:
            self._take_absence(version)
        else:
            self._held = Base(content.under_present_tags(self._monitors), version)

    def _break(self, error: BrokenDocument, version: FileVersion) -> None:
        if str(error) != str(self.problem):
            log.warning("%s; nothing is committed until it is mended", error)
        self._broken = error, version

    def _take_absence(self, version: FileVersion) -> None:
        """A file that is gone comes back with the next commit, from what is held."""
        if self._held is None:
            self._held = Base(StatusDocument(), version)
        elif self._held.version.sha is not None:
            log.warning("%s is gone; the next commit brings back what is held", self._file.name)
            self._held = Base(self._held.document, version)
