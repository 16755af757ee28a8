"""The journal: samples that were acknowledged and are not yet committed, on disk.

A sample is acknowledged when the transaction that holds it has been synced, never before; a
``kill -9`` at any moment loses none that was. What arrives while one transaction is being synced
shares the next (group commit), in order of arrival; the first one's begins at once. Samples have
sequence numbers in this order, which is the order to apply them in: later wins.

``forget`` is for samples that a commit on GitHub holds. It is written down later and may be lost
with the process: then those samples are pending again after the start and applied once more,
which changes nothing, as samples are keyed by tag and minute. All others come back in their
order, so that the next commit has them; ``journal_file`` tells how they are laid out.

When the disk fails, is full or read-only, the appends of that transaction raise
JournalUnavailable and nothing of them is kept; the next one tries anew.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, Protocol, TypeAlias

from github_store.errors import JournalUnavailable
from github_store.journal_damage import Damage
from github_store.journal_file import JournalFile
from github_store.journal_record import Sequenced
from github_store.listeners import tell_all
from github_store.sample import Sample

__all__ = ["DiskJournal", "Journal", "Listener", "Sequenced"]

log = logging.getLogger(__name__)

Listener: TypeAlias = Callable[[Sequence[Sequenced]], None]
COUNT_SECONDS: Final = 0.1
"""How long after an acknowledgement a power cut may still make its loss go unnoticed."""
_Waiting: TypeAlias = "tuple[Sequenced, asyncio.Future[int]]"
_Outcome: TypeAlias = "tuple[Sequence[_Waiting], Exception | None]"
_Arrived: TypeAlias = "tuple[Sample, float, asyncio.Future[int]]"
_Order: TypeAlias = "list[_Arrived] | Sequenced | None"
"""For the writer: append these, forget up to this one, or close."""


class Journal(Protocol):
    """What the status store needs of a journal, wherever it keeps it."""

    async def append(self, sample: Sample) -> int:
        """Return the sample's sequence number when it is safe. Raises JournalUnavailable."""

    def pending(self) -> tuple[Sequenced, ...]:
        """All that is acknowledged and not forgotten, in the order of acknowledgement."""

    def forget(self, *, up_to: int) -> None:
        """Everything up to this sequence number is on GitHub. May be lost; see above."""

    @property
    def damages(self) -> Sequence[Damage]:
        """What was found damaged, at this start or earlier, until a person removes the note."""

    @property
    def depth(self) -> int:
        """How many are pending."""

    @property
    def oldest_at(self) -> float | None:
        """When the first pending one was acknowledged, seconds since 1970; None without any."""

    def listen(self, listener: Listener) -> None:
        """Call this with each group that is acknowledged, before its appends return."""

    async def close(self) -> None:
        """Take nothing more; what has arrived is still acknowledged or refused."""


class DiskJournal:
    """A journal in a file of ``directory``, which the caller holds a lock on.

    Made for one event loop; one thread writes. ``clock`` gives seconds since 1970. Opening reads
    everything pending and raises ConfigurationError where the file cannot be used.
    """

    def __init__(self, directory: Path, *, clock: Callable[[], float]) -> None:
        self._file = JournalFile(directory, now=clock())
        try:
            self._pending = deque(self._file.pending())
        except BaseException:
            self._file.close()
            raise
        self._clock = clock
        self._arrived: list[tuple[Sample, asyncio.Future[int]]] = []
        self._listeners: list[Listener] = []
        self._is_closed = False
        self._is_tidying = True
        self._count_due_at = inf
        self._loop: asyncio.AbstractEventLoop | None = None
        self._orders: SimpleQueue[_Order] = SimpleQueue()
        self._writer = threading.Thread(target=self._write_on, name="journal", daemon=True)
        self._writer.start()

    async def append(self, sample: Sample) -> int:
        """Return the sequence number after the sync; whoever hangs up has handed in all the same.

        Raises JournalUnavailable, and the sample is not kept then.
        """
        if self._is_closed:
            raise JournalUnavailable("the service is stopping")
        self._loop = asyncio.get_running_loop()
        acknowledged: asyncio.Future[int] = self._loop.create_future()
        if not self._arrived:
            # All that arrive in this turn of the loop go to the writer together.
            self._loop.call_soon(self._hand_over)
        self._arrived.append((sample, acknowledged))
        return await acknowledged

    def pending(self) -> tuple[Sequenced, ...]:
        return tuple(self._pending)

    def forget(self, *, up_to: int) -> None:
        """Drop them at once here, and on disk when the writer has time."""
        done: Sequenced | None = None
        while self._pending and self._pending[0].seq <= up_to:
            done = self._pending.popleft()
        if done:
            self._orders.put(done)

    @property
    def damages(self) -> Sequence[Damage]:
        return self._file.damages

    @property
    def depth(self) -> int:
        return len(self._pending)

    @property
    def oldest_at(self) -> float | None:
        return self._pending[0].acknowledged_at if self._pending else None

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def close(self, *, grace_seconds: float = 5.0) -> None:
        """Write what has arrived, then close the file; a disk that hangs is left to itself."""
        if not self._is_closed:
            self._is_closed = True
            self._hand_over()
            self._orders.put(None)
        await asyncio.to_thread(self._writer.join, grace_seconds)

    # on the event loop ------------------------------------------------------------------------

    def _hand_over(self) -> None:
        arrived, self._arrived = self._arrived, []
        if not arrived:
            return
        now = self._clock()
        self._orders.put([(sample, now, acknowledged) for sample, acknowledged in arrived])

    def _settle(self, outcomes: Sequence[_Outcome]) -> None:
        kept = [entry for group, error in outcomes if error is None for entry, _ in group]
        self._pending.extend(kept)
        for group, error in outcomes:
            for entry, acknowledged in group:
                if acknowledged.done():
                    continue  # cancelled: its client has hung up
                if error is None:
                    acknowledged.set_result(entry.seq)
                else:
                    acknowledged.set_exception(error)
                    acknowledged.exception()  # seen, in case its client hangs up now
        if kept:
            tell_all(self._listeners, kept)

    # on the writer's thread -------------------------------------------------------------------

    def _write_on(self) -> None:
        is_open = True
        while is_open:
            group: list[_Arrived] = []
            for order in self._take_orders():
                match order:
                    case None:
                        is_open = False
                    case Sequenced():
                        self._file.commit_landed(order)
                        self._is_tidying = True
                    case arrived:
                        group += arrived
            if group:
                self._answer(self._write(group))
            if self._is_tidying:
                self._tidy()
            self._sync_count()
        self._file.close()

    def _take_orders(self) -> list[_Order]:
        """All that wait. Without tidying to do, there is always one to wait for."""
        orders: list[_Order] = []
        with suppress(Empty):
            if not self._is_tidying:
                seconds = max(0.0, self._count_due_at - time.monotonic())
                orders.append(self._orders.get(timeout=None if seconds == inf else seconds))
            while True:
                orders.append(self._orders.get_nowait())
        return orders

    def _write(self, group: list[_Arrived]) -> list[_Outcome]:
        """Numbers are given here, so that what is refused leaves no gap."""
        first = self._file.last_seq() + 1
        numbered = [
            (Sequenced(seq, sample, at), acknowledged)
            for seq, (sample, at, acknowledged) in enumerate(group, first)
        ]
        error = self._append([entry for entry, _ in numbered])
        if isinstance(error, ValueError) and len(group) > 1:
            # One that no file can hold fails alone.
            return [outcome for each in group for outcome in self._write([each])]
        return [(numbered, error)]

    def _append(self, entries: Sequence[Sequenced]) -> Exception | None:
        try:
            self._file.append(entries)
        except (JournalUnavailable, ValueError) as error:
            return error
        except Exception as error:  # whatever it is, somebody waits for an answer
            log.exception("the journal's writer met a fault of its own")
            return JournalUnavailable(f"the journal cannot be written: {error}")
        return None

    def _answer(self, outcomes: list[_Outcome]) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, outcomes)

    def _sync_count(self) -> None:
        """Once in a while: at each group it would cost as much as the group itself."""
        now = time.monotonic()
        if self._file.is_count_synced:
            self._count_due_at = inf
        elif self._count_due_at == inf:
            self._count_due_at = now + COUNT_SECONDS
        elif now >= self._count_due_at:
            self._count_due_at = inf
            try:
                self._file.sync_count()
            except JournalUnavailable as error:
                log.warning("the journal's counter is not on disk yet: %s", error)

    def _tidy(self) -> None:
        try:
            self._is_tidying = self._file.tidy()
        except Exception as error:  # also what SQLite says of a damaged file, which may be no text
            self._is_tidying = False  # until something is forgotten again
            log.warning("committed samples stay in the journal's file for now: %s", error)
