"""Where ``monitors.yaml`` comes from: this machine's disk, else the repository."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import stat
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from github_store.errors import AccessLost, ConfigurationError, GitHubUnavailable
from github_store.gateway import Gateway
from github_store.monitors_yaml import MonitorsFile, parse_monitors_file

log = logging.getLogger(__name__)

MAX_BYTES: Final = 1_000_000
"""What GitHub's contents API sends in one answer; no list of monitors needs more."""


@dataclass(frozen=True, slots=True)
class MonitorsText:
    """The file as it was read; ``source`` names it for a person."""

    text: str
    source: str
    is_committed: bool
    """Whether it came from the repository and not from this machine's disk."""


async def load_monitors(gateway: Gateway, path: str) -> MonitorsFile:
    """Read a local file, or the file of that path on the repository's default branch.

    Raises ConfigurationError in one line, with file, line and field of what is wrong.
    """
    return await asyncio.to_thread(parsed_monitors, await read_monitors(gateway, path))


async def read_monitors(gateway: Gateway, path: str) -> MonitorsText:
    """The text of that file. Raises ConfigurationError."""
    local = await asyncio.to_thread(local_monitors, path)
    if local is not None:
        return local
    data = await _committed(gateway, path)
    return _decoded(data, source=committed_source(gateway, path), is_committed=True)


def local_monitors(path: str) -> MonitorsText | None:
    """The file on this machine's disk, None where nothing of that name is. Raises
    ConfigurationError."""
    if not is_local(path):
        return None
    return _decoded(_read(Path(path)), source=path, is_committed=False)


def is_local(path: str) -> bool:
    """Whether anything of that name is on this machine's disk, which is used then, or refused."""
    return os.path.lexists(path)


def committed_source(gateway: Gateway, path: str) -> str:
    """What the committed file is called for a person."""
    return f"{gateway.repository_name}:{path}"


def parsed_monitors(text: MonitorsText) -> MonitorsFile:
    """Takes about a second for 1,000 monitors.

    Raises ConfigurationError in one line, with file, line and field of what is wrong.
    """
    return parse_monitors_file(text.text, source=text.source)


def tell_warnings(file: MonitorsFile) -> None:
    """Say in the log what in the file is taken although it is doubtful."""
    for warning in file.warnings:
        log.warning("%s", warning)


def _decoded(data: bytes, *, source: str, is_committed: bool) -> MonitorsText:
    if len(data) > MAX_BYTES:
        raise _too_large(source)
    try:
        return MonitorsText(data.decode("utf-8-sig"), source, is_committed)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{source}, line {line}: the file is not UTF-8") from None


def _too_large(source: str, size: Any = None) -> ConfigurationError:
    has = f"has {size:,} bytes" if isinstance(size, int) else "is larger"
    return ConfigurationError(f"{source}: the file {has}, at most {MAX_BYTES:,} are read")


def _read(path: Path) -> bytes:
    """Raises ConfigurationError. What is no file is not opened: a pipe would be waited for."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            what = "a directory" if stat.S_ISDIR(found.st_mode) else "no file"
            raise ConfigurationError(f"MONITORS: {path} is {what}")
        if found.st_size > MAX_BYTES:
            raise _too_large(str(path), found.st_size)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        problem = "it is a link to a file that is not there"
    except OSError as error:
        problem = error.strerror or "the system does not say why"
    raise ConfigurationError(f"{path}: cannot be read: {problem}")


async def _committed(gateway: Gateway, path: str) -> bytes:
    where = urllib.parse.quote(path.lstrip("/"))
    source = committed_source(gateway, path)
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
    if reply.ok and isinstance(reply.data, list):
        raise ConfigurationError(f"MONITORS: {source} is a directory")
    if not reply.ok or not isinstance(reply.data, dict) or reply.data.get("type") != "file":
        raise missing
    size, content = reply.data.get("size"), reply.data.get("content")
    if reply.data.get("encoding") == "none" or (isinstance(size, int) and size > MAX_BYTES):
        raise _too_large(source, size)
    try:
        return base64.b64decode(content or "")
    except (TypeError, ValueError):
        raise GitHubUnavailable(f"GitHub's answer about {source} has no content") from None
