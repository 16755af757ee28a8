"""The socket, or one line that says why there is none."""

from __future__ import annotations

import socket

import pytest

from app.listening import DOORS, doors, listening
from github_store import ConfigurationError


def test_any_free_port_is_listened_on() -> None:
    with listening("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, timeout=5) as client:
            assert client.getpeername() == address


def test_a_port_in_use_is_named() -> None:
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigurationError) as caught, listening("127.0.0.1", port):
            pass
    expected = f"PORT: {port} is in use; stop what listens there, or set another"
    assert str(caught.value) == expected


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "x" * 300])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^HOST: "), listening(host, 0):
        pass


def test_several_who_came_together_are_let_in_together() -> None:
    with listening("127.0.0.1", 0) as listener:
        with doors(listener) as sockets:
            assert len(sockets) == DOORS
            assert len({each.fileno() for each in sockets}) == DOORS
            clients = [socket.create_connection(listener.getsockname(), 5) for _ in sockets]
            accepted = [each.accept()[0] for each in sockets]
            for each in (*clients, *accepted):
                each.close()
        assert all(each.fileno() == -1 for each in sockets[1:])
