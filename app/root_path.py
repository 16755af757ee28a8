"""The prefix that a reverse proxy serves this service below, such as ``/kener``; pure.

Some proxies take it off before they hand a request on, and some do not: both are served, and so is
who asks past the proxy. Uvicorn's own ``root_path`` is not used: it is put before every path, as if
all proxies took it off, and what stands there before routing is then neither what was asked nor
what is served.
"""

from __future__ import annotations

import re
from typing import Final

OWN_PLACES: Final = frozenset(
    (
        *("api", "api-reference", "assets", "healthz", "metrics", "readyz", "webhooks"),
        *("openapi.json", "openapi.yaml"),
    )
)
"""With what the service's own paths begin: below one of these no path would be plain any more."""
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")


def checked_root_path(text: str) -> str:
    """A prefix without a slash at its end; empty for none. Raises ValueError for what is none."""
    prefix = text.rstrip("/")
    if prefix and (not _PREFIX.fullmatch(prefix) or prefix.split("/")[1].lower() in OWN_PLACES):
        raise ValueError("no path of slashes and names")
    return prefix


def path_below(root_path: str, path: str) -> str:
    """The service's own path; empty for the prefix alone, below which relative links lead astray
    without the slash that belongs there."""
    if root_path and (path == root_path or path.startswith(f"{root_path}/")):
        return path[len(root_path) :]
    return path
