"""The socket that the service answers on, taken before anything else is begun."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from github_store import ConfigurationError

BACKLOG = 2048


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens. Raises ConfigurationError naming HOST or PORT."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise ConfigurationError(f"HOST: {host} is no address of this machine") from None
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                problem = f"HOST: {host} is no address of this machine"
            elif error.errno == errno.EADDRINUSE:
                problem = f"PORT: {port} is in use; stop what listens there, or set another"
            else:
                problem = f"PORT: {port} cannot be listened on: {os.strerror(error.errno or 0)}"
            raise ConfigurationError(problem) from None
        yield listener
