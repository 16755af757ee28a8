"""A pushed monitors.yaml taken over, also where GitHub was out then or its delivery was lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from github_store.current_monitors import CurrentMonitors
from github_store.errors import ConfigurationError, StoreError
from github_store.failing_items import NO_PAUSE, FailingItems
from github_store.gateway import Gateway
from github_store.incident import label_styles
from github_store.incident_store import IncidentStore
from github_store.monitors_file import (
    MonitorsText,
    is_local,
    parsed_monitors,
    read_monitors,
    tell_warnings,
)

log = logging.getLogger(__name__)


class MonitorsReload:
    """Reads the list again; one that is wrong changes nothing, and neither does this machine's own
    file, where that is in use. Made for one event loop. What goes wrong is logged, never raised.
    ``remember`` is told of each for the next start, should GitHub be down then; it may block.
    """

    def __init__(
        self,
        gateway: Gateway,
        path: str,
        monitors: CurrentMonitors,
        incidents: IncidentStore,
        *,
        clock: Callable[[], float],
        remember: Callable[[MonitorsText], object] = lambda _text: None,
    ) -> None:
        self._gateway = gateway
        self._path = path
        self._monitors = monitors
        self._incidents = incidents
        self._remember = remember
        self.failing: FailingItems[str] = FailingItems(
            "monitors", "taking the pushed", clock=clock, backoff=lambda _error: NO_PAUSE
        )
        """By path: the file, while it is wrong; the monitors stay as they were."""
        self.alone = asyncio.Lock()
        """Held while the list is read and taken: an older one must not come after a newer one."""
        self._resumed: asyncio.Task[None] | None = None
        self.is_pending = False
        """Whether it was pushed, and GitHub has not given it since."""
        self.problem: StoreError | None = None
        """Why the last one could not be taken, None while all is well."""

    async def pushed(self) -> None:
        """A delivery says that it is another one."""
        self.is_pending = True
        await self._read()

    async def swept(self, *, is_full: bool) -> None:
        """Other deliveries may have been lost: where one is known to be missing, and once an hour,
        it is read without one."""
        if is_full or self.is_pending:
            await self._read()

    def resume(self) -> None:
        """GitHub answers again."""
        if self.is_pending and (self._resumed is None or self._resumed.done()):
            self._resumed = asyncio.create_task(self._read(), name="monitors reload")

    async def close(self) -> None:
        """Stop reading."""
        if self._resumed:
            self._resumed.cancel()
            await asyncio.wait([self._resumed])

    async def _read(self) -> None:
        async with self.alone:
            if await asyncio.to_thread(is_local, self._path):
                self.is_pending = False
                return
            try:
                await self._take()
            except StoreError as error:
                self._tell(error)
            else:
                self.is_pending, self.problem = False, None
                self.failing.succeeded(self._path)
                self.failing.went_on()

    async def _take(self) -> None:
        text = await read_monitors(self._gateway, self._path)
        found = await asyncio.to_thread(parsed_monitors, text)
        await asyncio.to_thread(self._remember, text)
        await asyncio.to_thread(label_styles, found.monitors)  # known then when it is asked for
        if self._monitors.take(found.monitors):
            log.info("monitors.yaml was pushed: %d monitors", len(found.monitors))
            tell_warnings(found)
        elif not self.is_pending:
            return
        await self._incidents.ensure_labels()

    def _tell(self, error: StoreError) -> None:
        self.problem = error
        # Where it is wrong, a person has to mend it, and pushes it again.
        self.is_pending = not isinstance(error, ConfigurationError)
        if self.is_pending:
            again = f"{self._path} is read again once GitHub gives it"
            self.failing.stopped(error, meanwhile=again)
        else:
            self.failing.failed(self._path, error)
