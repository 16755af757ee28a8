"""Status written straight to the repository, without a server: for Actions and cron.

The samples are applied as the committer of a server applies them, in one commit; other writers
are welcome at the same time. What is returned from has landed.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from github_store.current_monitors import CurrentMonitors
from github_store.errors import AccessLost, ConfigurationError
from github_store.freshness import Freshness
from github_store.gateway import GITHUB_API_URL, Credential, Gateway
from github_store.held_board import HeldBoard
from github_store.monitor import Monitors
from github_store.monitors_file import load_monitors
from github_store.repository_access import check_repository
from github_store.sample import Sample
from github_store.status_branch import StatusBranch
from github_store.status_writer import StatusWriter


@dataclass(frozen=True, slots=True)
class DirectPush:
    """A repository that samples can be written to."""

    monitors: Monitors
    writer: StatusWriter
    credential_name: str
    """The setting that a person has to look at where the credential may not."""

    async def write(self, samples: Sequence[Sample]) -> bool:
        """Commit the samples; False where all of them stand there already.

        Raises ConfigurationError where the token may not, and what ``StatusWriter.write`` raises.
        """
        try:
            return await self.writer.write(samples)
        except AccessLost as error:
            raise ConfigurationError(
                f"{error.setting or self.credential_name}: needs the permission Contents: read and "
                f"write ({error})"
            ) from None


@asynccontextmanager
async def open_direct_push(
    *,
    repository_name: str,
    credential: Credential,
    api_url: str = GITHUB_API_URL,
    monitors_path: str = "monitors.yaml",
    status_branch: str = "status-data",
    clock: Callable[[], float],
    jitter: Callable[[], float] = random.random,
) -> AsyncIterator[DirectPush]:
    """Connect to the repository. ``clock`` gives seconds since 1970.

    Raises ConfigurationError where a setting, a permission or monitors.yaml is wrong, and
    GitHubUnavailable where GitHub does not answer.
    """
    gateway = Gateway(
        repository_name=repository_name,
        credential=credential,
        api_url=api_url,
        clock=clock,
        connections=2,
    )
    try:
        await check_repository(gateway)
        monitors = (await load_monitors(gateway, monitors_path)).monitors
        branch = StatusBranch(gateway, branch=status_branch, blobs=None, clock=clock)
        held = HeldBoard(branch, freshness=Freshness(), clock=clock)
        writer = StatusWriter(
            branch, held, monitors=CurrentMonitors(monitors), clock=clock, jitter=jitter
        )
        yield DirectPush(monitors, writer, gateway.credential_name)
        await held.close()
    finally:
        await gateway.close()
