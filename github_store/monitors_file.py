"""Where ``monitors.yaml`` comes from: this machine's disk, else the repository."""

from __future__ import annotations

import asyncio
import base64
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from github_store.errors import AccessLost, ConfigurationError
from github_store.gateway import Gateway
from github_store.monitor import Monitors
from github_store.monitors_yaml import parse_monitors

MAX_BYTES = 1_000_000
"""What GitHub's contents API sends in one answer; no list of monitors needs more."""


@dataclass(frozen=True, slots=True)
class MonitorsText:
    """The file as it was read; ``source`` names it for a person."""

    text: str
    source: str
    is_committed: bool
    """Whether it came from the repository and not from this machine's disk."""


async def load_monitors(gateway: Gateway, path: str) -> Monitors:
    """Read a local file, or the file of that path on the repository's default branch.

    Raises ConfigurationError in one line, with file, line and field of what is wrong.
    """
    return parsed_monitors(await read_monitors(gateway, path))


async def read_monitors(gateway: Gateway, path: str) -> MonitorsText:
    """The text of that file. Raises ConfigurationError."""
    local = await asyncio.to_thread(local_monitors, path)
    if local is not None:
        return local
    data = await _committed(gateway, path)
    return _decoded(data, source=committed_source(gateway, path), is_committed=True)


def local_monitors(path: str) -> MonitorsText | None:
    """The file on this machine's disk, None where there is none. Raises ConfigurationError."""
    local = Path(path)
    if not local.is_file():
        return None
    return _decoded(_read(local), source=path, is_committed=False)


def committed_source(gateway: Gateway, path: str) -> str:
    """What the committed file is called for a person."""
    return f"{gateway.repository_name}:{path}"


def parsed_monitors(text: MonitorsText) -> Monitors:
    """Raises ConfigurationError in one line, with file, line and field of what is wrong."""
    return parse_monitors(text.text, source=text.source)


def _decoded(data: bytes, *, source: str, is_committed: bool) -> MonitorsText:
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{source}: the file is larger than {MAX_BYTES:,} bytes")
    try:
        return MonitorsText(data.decode("utf-8-sig"), source, is_committed)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{source}, line {line}: the file is not UTF-8") from None


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
