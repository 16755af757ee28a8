"""One flush: samples into the newest committed files, as one commit.

Not two documents are merged: the samples, in the order they were acknowledged, are applied to
what is there now. A lost race, or an answer that was lost, is settled by reading again and
applying again: twice changes nothing, and other writers' samples stay.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from github_store.current_monitors import CurrentMonitors
from github_store.errors import (
    AccessLost,
    BrokenDocument,
    Conflict,
    GitHubOut,
    GitHubTimeout,
    GitHubUnavailable,
    OutcomeUnknown,
    RateLimited,
    StoreError,
)
from github_store.failing_items import NO_PAUSE, FailingItems
from github_store.held_board import Base, HeldBoard
from github_store.sample import Sample
from github_store.status_board_format import BOARD_PATH, dump_board
from github_store.status_branch import StatusBranch
from github_store.status_changes import (
    applied,
    ended_path,
    files_needed,
    own_paths,
    without_broken,
)
from github_store.status_files import StatusFiles, changed_files
from github_store.status_message import board_message
from github_store.tag_aliases import AliasMap

log = logging.getLogger(__name__)

ATTEMPTS = 8
"""How often one commit is tried while others write first, or answers are lost."""
LONGEST_FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
ASIDE = ".broken"
"""What is put behind the name of a file that somebody broke before its day had ended: the day's
minutes have to go to its place."""


class StatusWriter:
    """Made for one event loop. ``jitter`` gives numbers from 0 to 1, ``sleep`` takes seconds."""

    def __init__(
        self,
        branch: StatusBranch,
        held: HeldBoard,
        *,
        monitors: CurrentMonitors,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._branch = branch
        self._held = held
        self._monitors = monitors
        self._clock = clock
        self._jitter = jitter
        self._sleep = sleep
        self.failing: FailingItems[str] = FailingItems(
            "file", "reading", clock=clock, backoff=lambda _error: NO_PAUSE
        )
        """By path: files on the branch that somebody broke, and without which commits do."""

    async def write(self, samples: Sequence[Sample]) -> bool:
        """Commit what the samples change; False where they change nothing.

        Raises Conflict after many lost races, OutcomeUnknown after many lost answers,
        BrokenDocument where a file that they go into cannot be read, GitHubUnavailable or one of
        its kinds; the samples may be written again after any of them.
        """
        base = await self._held.base_to_write(renew=False)
        for attempt in range(ATTEMPTS):
            try:
                return await self._attempt(base, samples)
            except (Conflict, OutcomeUnknown, BrokenDocument, GitHubUnavailable) as error:
                if attempt + 1 >= _attempts_for(error):
                    raise
            longest = min(LONGEST_FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS)
            await self._sleep(self._jitter() * longest)
            base = await self._held.base_to_write(renew=True)
        raise AssertionError("unreachable")

    async def _attempt(self, base: Base, samples: Sequence[Sample]) -> bool:
        today = int(self._clock()) // 86_400
        tags = self._monitors.now.aliases
        needed = files_needed(
            base.board, samples, today=today, present=frozenset(base.present), tags=tags
        )
        read, broken = await self._held.files(base, needed)
        ended = ended_path(base.board, samples, today=today)
        own = own_paths(base.board, samples, today=today)
        for path in sorted(broken.keys() & own - {ended}):
            raise broken[path]
        self._note_unread(needed, broken)
        before = without_broken(read, broken, but_for=ended)
        after, changes = await asyncio.to_thread(_changes, before, samples, today, tags)
        if not changes and base.snapshot and BOARD_PATH in base.snapshot.files:
            return False
        message = board_message(base.board, after.board, samples=len(samples))
        for path in broken.keys() & changes.keys():
            content = changes[path + ASIDE] = await self._held.content(base, path)
            where = f"as {path}{ASIDE}" if content is not None else "in the commits before"
            message += f"\n\n{broken[path]}: it is kept {where}."
            log.warning("%s; it is kept %s", broken[path], where)
        changes = await self._whole(base, after, changes)
        if base.snapshot is None and base.lost:
            message += "\n\nThe branch was gone: what the service held of it is back."
        self._held.wrote(await self._branch.commit(base.snapshot, changes, message=message), after)
        if base.snapshot is None and base.lost:
            log.warning(
                "the branch %s is back with what was held: %d of its %d files",
                self._branch.name,
                len(base.lost.files.keys() & changes.keys()),
                len(base.lost.files),
            )
        return True

    def _note_unread(self, needed: Collection[str], broken: Mapping[str, BrokenDocument]) -> None:
        """What cannot be read, and holds up nothing now, shall not be forgotten."""
        for path in needed:
            if path in broken:
                self.failing.failed(path, broken[path])
            else:
                self.failing.succeeded(path)

    async def _whole(
        self, base: Base, after: StatusFiles, changes: Mapping[str, bytes | None]
    ) -> dict[str, bytes | None]:
        """The changes, and what is missing on the branch beside them."""
        whole: dict[str, bytes | None] = {}
        if base.snapshot is None and base.lost:
            whole |= await self._held.everything(base.lost)
        if base.snapshot is None or BOARD_PATH not in base.snapshot.files:
            whole[BOARD_PATH] = dump_board(after.board)
        whole |= changes
        if base.snapshot is None:  # what is not there need not be deleted
            whole = {path: content for path, content in whole.items() if content is not None}
        return whole


def _changes(
    before: StatusFiles, samples: Sequence[Sample], today: int, tags: AliasMap
) -> tuple[StatusFiles, dict[str, bytes | None]]:
    after = applied(before, samples, today=today, tags=tags)
    return after, changed_files(before, after)


def _attempts_for(error: StoreError) -> int:
    """How often to try in all, by what went wrong last."""
    match error:
        case Conflict() | OutcomeUnknown():
            return ATTEMPTS
        case BrokenDocument():
            return 2  # what is held may be older than the mending hand
        case RateLimited() | AccessLost() | GitHubTimeout() | GitHubOut():
            return 1  # trying again at once would not help
        case _:
            return 3  # a dropped connection before anything was moved
