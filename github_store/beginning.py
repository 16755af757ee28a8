"""The first questions to GitHub, and how a service begins that gets no answer.

What GitHub says at a start is remembered. While GitHub does not answer as GitHub, a service that
has started before begins with that; late_start.py asks later what was put off.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from github_store.api_address import address_remedy
from github_store.errors import (
    ConfigurationError,
    GitHubTimeout,
    GitHubUnavailable,
    NotTheApi,
)
from github_store.gateway import Gateway
from github_store.monitor import Monitors
from github_store.monitors_file import (
    MonitorsText,
    committed_source,
    local_monitors,
    parsed_monitors,
    read_monitors,
    tell_warnings,
)
from github_store.repository_access import Access, check_access
from github_store.start_memory import Remembered, StartMemory

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 5.0
"""So long a start that can do with what is remembered waits for GitHub."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a service begins with."""

    access: Access
    monitors: Monitors
    outage: GitHubUnavailable | None = None
    """Why it begins with what is remembered; None where GitHub was asked."""


async def begin(
    gateway: Gateway, memory: StartMemory, monitors_path: str, *, with_memory: bool = True
) -> Beginning:
    """Ask GitHub; else begin with what is remembered, if ``with_memory``.

    Raises ConfigurationError where GitHub, or this machine's disk, says that something is wrong,
    and GitHubUnavailable where GitHub does not answer and nothing is remembered.
    """
    name = gateway.repository_name
    known = await asyncio.to_thread(memory.recall) if with_memory else None
    if known and known.monitors_path != monitors_path:
        known = None
    try:
        access, text = await _asked(gateway, monitors_path, PATIENCE_SECONDS if known else None)
    except GitHubUnavailable as error:
        gateway.repository_name = name
        if known is None and with_memory and isinstance(error, NotTheApi):
            remedy = address_remedy(gateway.api_url)
            raise ConfigurationError(f"GITHUB_API_URL: {error}; {remedy}") from None
        if known is None:
            raise
        return await _begin_remembering(gateway, known, monitors_path, outage=error)
    monitors = await _monitors(text)
    await asyncio.to_thread(
        memory.keep,
        Remembered(
            repository_key=access.repository_key,
            repository_name=gateway.repository_name,
            own_login=access.own_login,
            monitors_path=monitors_path,
            monitors_text=text.text if text.is_committed else None,
        ),
    )
    return Beginning(access, monitors)


async def _monitors(text: MonitorsText) -> Monitors:
    found = await asyncio.to_thread(parsed_monitors, text)
    tell_warnings(found)
    return found.monitors


async def _asked(
    gateway: Gateway, monitors_path: str, patience_seconds: float | None
) -> tuple[Access, MonitorsText]:
    try:
        async with asyncio.timeout(patience_seconds):
            return await check_access(gateway), await read_monitors(gateway, monitors_path)
    except TimeoutError:
        raise GitHubTimeout(f"no answer within {patience_seconds:.0f} s") from None


async def _begin_remembering(
    gateway: Gateway, known: Remembered, monitors_path: str, *, outage: GitHubUnavailable
) -> Beginning:
    gateway.repository_name = known.repository_name
    text = await asyncio.to_thread(local_monitors, monitors_path)
    if text is None:
        if known.monitors_text is None:
            raise outage
        text = MonitorsText(
            known.monitors_text, committed_source(gateway, monitors_path), is_committed=True
        )
    monitors = await _monitors(text)
    log.warning(
        "the start waits for GitHub, which is out (%s): serving what is known of %s; what GitHub "
        "has to say to the credential, the labels and the monitors is asked when it answers again",
        outage,
        known.repository_name,
    )
    return Beginning(Access(known.own_login, known.repository_key), monitors, outage)
