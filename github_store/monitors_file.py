"""Where ``monitors.yaml`` comes from: this machine's disk, else the repository."""

from __future__ import annotations

import asyncio
import base64
import logging
import urllib.parse
from pathlib import Path

from github_store.errors import AccessLost, ConfigurationError, StoreError
from github_store.gateway import Gateway
from github_store.incident_store import IncidentStore
from github_store.monitor import Monitors, parse_monitors

log = logging.getLogger(__name__)

MAX_BYTES = 1_000_000
"""What GitHub's contents API sends in one answer; no list of monitors needs more."""


async def load_monitors(gateway: Gateway, path: str) -> Monitors:
    """Read a local file, or the file of that path on the repository's default branch.

    Raises ConfigurationError in one line, with file, line and field of what is wrong.
    """
    local = Path(path)
    if await asyncio.to_thread(local.is_file):
        data = await asyncio.to_thread(_read, local)
        source = path
    else:
        data = await _committed(gateway, path)
        source = f"{gateway.repository_name}:{path}"
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{source}: the file is larger than {MAX_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{source}, line {line}: the file is not UTF-8") from None
    return parse_monitors(text, source=source)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None


async def _committed(gateway: Gateway, path: str) -> bytes:
    where = urllib.parse.quote(path.lstrip("/"))
    missing = ConfigurationError(
        f"MONITORS: {path} is neither a file here nor in the repository {gateway.repository_name}"
    )
    if not where or ".." in path.split("/"):
        raise missing
    try:
        reply = await gateway.request("GET", f"{gateway.repository}/contents/{where}")
    except AccessLost as error:
        raise ConfigurationError(
            f"MONITORS: {path} cannot be read from {gateway.repository_name}: the token needs "
            f"the permission Contents: read and write ({error})"
        ) from None
    if not reply.ok or not isinstance(reply.data, dict) or reply.data.get("type") != "file":
        raise missing
    return base64.b64decode(reply.data.get("content", ""))


class MonitorsReload:
    """Reads monitors.yaml again when it was pushed; a list that is wrong changes nothing."""

    def __init__(
        self, gateway: Gateway, path: str, monitors: Monitors, incidents: IncidentStore
    ) -> None:
        self._gateway = gateway
        self._path = path
        self._monitors = monitors
        self._incidents = incidents
        self.problem: StoreError | None = None
        """Why the last one could not be taken, None while all is well."""

    async def run(self) -> None:
        """Take the pushed list over, unless the one in use is this machine's own file."""
        if await asyncio.to_thread(Path(self._path).is_file):
            return
        try:
            self._monitors.become(await load_monitors(self._gateway, self._path))
            self._incidents.note_everything()
            await self._incidents.ensure_labels()
        except StoreError as error:
            log.error("the monitors stay as they were: %s", error)  # noqa: TRY400 - a person's file
            self.problem = error
        else:
            log.info("monitors.yaml was pushed: %d monitors", len(self._monitors))
            self.problem = None
