"""A load generator that is not the bottleneck: one process, one epoll, prepared requests.

Each connection is kept alive and sends its request again once its answer is whole: the clients
are closed loops. ``python -m tests.benchmarks.load`` takes a JSON object on standard input and
prints the Load; ``measure`` starts that and reads it.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

WARM_UP_SECONDS = 0.5
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """What was reached; ``client_share`` is the part of a core that the clients took."""

    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    refused: int
    """Answers that were not 200."""
    client_share: float


def request_bytes(
    method: str, target: str, *, port: int, token: str | None = None, body: Any = None
) -> bytes:
    """One request of HTTP/1.1 as a client would send it."""
    content = json.dumps(body).encode() if body is not None else b""
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: */*"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def measure(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Load 127.0.0.1 from a process of its own; connection n sends the request n (modulo)."""
    order = {
        "port": port,
        "requests": [request.decode() for request in requests],
        "connections": connections,
        "seconds": seconds,
    }
    ran = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.load"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    return Load(**json.loads(ran.stdout))


class PacedConnection:
    """Sends its one request when told to, and gives each answer once it is whole."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._received = b""
        self.sent_at = 0.0

    def send(self) -> None:
        self._received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(self._request)

    def receive(self) -> bytes | None:
        """The answer once it is whole."""
        chunk = self.socket.recv(65_536)
        if not chunk:
            raise ConnectionError("the server closed a connection that it was to keep")
        self._received += chunk
        head, separator, content = self._received.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        return self._received if len(content) >= int(length) else None


def _run(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    latencies: list[float] = []
    refused = 0
    with selectors.EpollSelector() as ready:
        opened = [PacedConnection(port, requests[n % len(requests)]) for n in range(connections)]
        for connection in opened:
            ready.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send()
        begin = time.perf_counter() + WARM_UP_SECONDS
        end = begin + seconds
        now, busy = 0.0, time.process_time()
        while now < end:
            events = ready.select(TIMEOUT_SECONDS)
            if not events:
                raise TimeoutError("no answer")
            for key, _ in events:
                connection = key.data
                answer = connection.receive()
                if answer is None:
                    continue
                now = time.perf_counter()
                if now >= begin:
                    latencies.append(now - connection.sent_at)
                    refused += not answer.startswith(b"HTTP/1.1 200")
                connection.send()
        busy = time.process_time() - busy
        for connection in opened:
            connection.socket.close()
    latencies.sort()
    return Load(
        per_second=len(latencies) / seconds,
        p50_ms=_at(latencies, 0.5),
        p99_ms=_at(latencies, 0.99),
        max_ms=latencies[-1] * 1000,
        refused=refused,
        client_share=busy / (seconds + WARM_UP_SECONDS),
    )


def _at(ordered: list[float], part: float) -> float:
    return ordered[int(len(ordered) * part)] * 1000


def main() -> None:
    order = json.load(sys.stdin)
    load = _run(
        order["port"],
        [request.encode() for request in order["requests"]],
        order["connections"],
        order["seconds"],
    )
    json.dump(asdict(load), sys.stdout)


if __name__ == "__main__":
    main()
