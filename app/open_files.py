"""How many files and sockets this process may have open, and how many of them connections."""

from __future__ import annotations

import resource
from typing import Final

MOST_OPEN_FILES: Final = 65_536
MOST_CONNECTIONS: Final = 2_048
RESERVED: Final = 512
"""For the disk, for GitHub, and for connections that are being closed."""


def raise_open_files() -> int:
    """Allow as many as the system lets us, within reason; how many these are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST_OPEN_FILES if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # some systems have a lower limit that they do not tell
        return soft
    return wanted


def room_for_connections(open_files: int) -> int:
    """How many connections to keep where so many files may be open."""
    return max(1, min(MOST_CONNECTIONS, max(open_files // 2, open_files - RESERVED)))
