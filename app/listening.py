"""The socket that the service answers on, taken before anything else is begun."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from github_store import ConfigurationError

BACKLOG = 2048
DOORS = 8


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


@contextmanager
def doors(listener: socket.socket) -> Iterator[list[socket.socket]]:
    """The socket and copies of it, all for the event loop.

    libuv takes one new connection from each in a turn of the loop. With one alone, who comes
    behind 600 others waits for 600 turns.
    """
    with ExitStack() as copies:
        yield [listener, *(copies.enter_context(listener.dup()) for _ in range(DOORS - 1))]
