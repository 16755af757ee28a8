"""Under siege: bodies, connections, readers, queries and forgeries without end.

Whatever anybody sends, memory is bounded, the log has no trace, and those who behave are served.
``make soak`` runs it, in about a minute.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import resource
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from github_store.embedded import EmbeddedGitHub
from tests.benchmarks.load import Load, measure, request_bytes
from tests.github_person import Person
from tests.soak.server import TOKEN, Server

REPOSITORY = "owner/status"
HOOK_SECRET = "a secret of the siege"
BODY_BYTES = 100_000_000
CONNECTIONS = 5_000
STRANGERS = 600
PIPELINED = 30
FORGED = "sha256=" + "0" * 64
BEARER = f"Authorization: Bearer {TOKEN}\r\n".encode()
HELD = "/api/incident/1"

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc"
)


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedGitHub]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16_384), hard))
    with EmbeddedGitHub(tmp_path_factory.mktemp("github")) as running:
        running.create_repository(
            REPOSITORY, files={"monitors.yaml": b"[{name: Earth, tag: earth}]"}
        )
        owner = Person(running.url, running.tokens["owner"])
        for number in range(10):
            labels = ["incident", "earth"]
            owner.do("POST", "/issues", {"title": f"Outage {number}", "labels": labels})
        yield running
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def besieged(github: EmbeddedGitHub, tmp_path: Path) -> Iterator[Besieged]:
    with Besieged(github, tmp_path).running() as service:
        yield service


class Besieged:
    """A service in its own process, which must be well in the end."""

    def __init__(self, github: EmbeddedGitHub, directory: Path) -> None:
        self.server = Server(
            "besieged",
            directory / "service",
            {
                "GITHUB_API_URL": github.url,
                "GITHUB_REPOSITORY": REPOSITORY,
                "GH_TOKEN": github.tokens["owner"],
                "GITHUB_WEBHOOK_SECRET": HOOK_SECRET,
                "EMBEDDED_GITHUB": "never",
            },
        )
        self.address = ("127.0.0.1", self.server.port)

    @contextlib.contextmanager
    def running(self, *, open_files: int | None = None) -> Iterator[Besieged]:
        self.server.start()
        if open_files:
            resource.prlimit(self.server.pid, resource.RLIMIT_NOFILE, (open_files, open_files))
        try:
            assert self.server.ready(seconds=60), self.server.log.read_text()
            for _ in range(3):
                assert self.server.ask("GET", HELD)[0] == 200
            yield self
            assert self.server.ask("GET", HELD)[0] == 200
            log = self.server.log.read_text()
            assert "Traceback" not in log
            assert " ERROR " not in log
            assert HOOK_SECRET not in log
            assert TOKEN + "\n" not in log
        finally:
            self.server.stop()

    @property
    def connections(self) -> int:
        """Sockets and files that it has open."""
        return len(list(Path(f"/proc/{self.server.pid}/fd").iterdir()))

    def reads(self, *, seconds: float, connections: int = 2) -> Load:
        request = request_bytes("GET", HELD, port=self.server.port, token=TOKEN)
        return measure(self.server.port, [request], connections=connections, seconds=seconds)


def told(name: str, **rows: object) -> None:
    shown = ", ".join(f"{key.replace('_', ' ')} {row}" for key, row in rows.items())
    print(f"\n  {name}: {shown}")  # noqa: T201


@contextlib.contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """``work`` runs meanwhile; its failure is the block's."""
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(work)
        yield
        running.result()


def test_bodies_of_a_hundred_megabytes_are_refused_and_take_no_memory(besieged: Besieged) -> None:
    body = b"x" * BODY_BYTES
    signed = b"X-Hub-Signature-256: %s\r\n" % FORGED.encode()
    cases = [
        (target, headers, is_chunked, status)
        for target, headers, status in [
            (b"/api/incident", BEARER, 413),
            (b"/api/incident", b"", 401),
            (b"/api/status", BEARER, 413),
            (b"/api/status", b"", 401),
            (b"/webhooks/github", signed, 413),
            (b"/webhooks/github", b"", 401),
            (b"/nonexistent", b"", 404),
        ]
        for is_chunked in (False, True)
    ]

    def send(case: tuple[bytes, bytes, bool, int]) -> None:
        """As simple clients do: all of it, and only then a look at the answer."""
        target, headers, is_chunked, status = case
        size = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % BODY_BYTES
        head = b"POST %s HTTP/1.1\r\nHost: x\r\n%s%s\r\n\r\n" % (target, headers, size)
        with socket.create_connection(besieged.address, 30) as connection:
            connection.sendall(head + (b"%x\r\n" % BODY_BYTES if is_chunked else b""))
            connection.sendall(body)
            said = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert said.startswith(b"HTTP/1.1 %d " % status), (case, said[:100])
        assert b'"error":' in said

    before, loads = besieged.server.peak_mb, []
    with beside(lambda: loads.append(besieged.reads(seconds=4))), ThreadPoolExecutor(4) as threads:
        list(threads.map(send, cases))
    grown = besieged.server.peak_mb - before
    told("bodies", sent=len(cases), grown_mb=f"{grown:.0f}", p99_ms=f"{loads[0].p99_ms:.1f}")
    assert grown < 40
    assert loads[0].refused == 0
    assert loads[0].p99_ms < 250


BEGINNINGS = (
    b"",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\n"
    b"X-Hub-Signature-256: %s\r\nContent-Length: 900000\r\n\r\n" % FORGED.encode() + b"x" * 30_000,
)


@pytest.mark.parametrize("open_files", [None, 300], ids=["many files", "few files"])
def test_thousands_of_idle_and_slow_connections_give_way_to_who_asks(
    github: EmbeddedGitHub, tmp_path: Path, open_files: int | None
) -> None:
    with (
        Besieged(github, tmp_path).running(open_files=open_files) as besieged,
        contextlib.ExitStack() as opened,
    ):
        before, most_open = besieged.server.peak_mb, 0
        seconds: list[float] = []
        for number, begin in zip(range(CONNECTIONS), itertools.cycle(BEGINNINGS), strict=False):
            idle = opened.enter_context(socket.create_connection(besieged.address, 10))
            with contextlib.suppress(ConnectionError):
                idle.sendall(begin)
            if number % 50 == 49:
                began = time.monotonic()
                status, _ = besieged.server.ask("GET", HELD)
                seconds.append(time.monotonic() - began)
                assert status == 200
                most_open = max(most_open, besieged.connections)
        sample = {"tag": "earth", "status": "UP", "latency": 1}
        pushed = besieged.server.ask("POST", "/api/status", sample)
        made = besieged.server.ask("POST", "/api/incident", {"title": "x", "tags": ["earth"]})
        assert (pushed[0], made[0]) == (200, 200), "the disk and GitHub are reached"
        grown = besieged.server.peak_mb - before
        seconds.sort()
        p99 = seconds[int(len(seconds) * 0.99)] * 1000
        told(
            "connections",
            opened=CONNECTIONS,
            kept=most_open,
            grown_mb=f"{grown:.0f}",
            p99_ms=f"{p99:.1f}",
        )
        assert most_open < (open_files or 2_048 + 200)
        assert grown < 150
        assert p99 < 500


def test_who_never_reads_is_cut_off_and_takes_bounded_memory(besieged: Besieged) -> None:
    request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    before, readers = besieged.server.peak_mb, []
    with contextlib.ExitStack() as opened:
        for _ in range(100):
            reader = opened.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            reader.settimeout(10)
            reader.connect(besieged.address)
            readers.append(reader)
        for _ in range(12):  # more than the system holds for a connection
            for reader in readers:
                reader.sendall(request * 32)
            load = besieged.reads(seconds=0.1)
        held = besieged.connections
        began = time.monotonic()
        while besieged.connections > held - len(readers) and time.monotonic() - began < 60:
            time.sleep(0.25)
        took = time.monotonic() - began
        assert besieged.connections <= held - len(readers) + 5
        assert took > 10, "their answers did wait"
    grown = besieged.server.peak_mb - before
    told("readers", cut_off_s=f"{took:.0f}", grown_mb=f"{grown:.0f}", p99_ms=f"{load.p99_ms:.1f}")
    assert grown < 200
    assert load.refused == 0


def statuses(besieged: Besieged, requests: Iterable[tuple[str, str, object, str]]) -> Counter[int]:
    """What all are answered: method, target, body and a header each, eight at a time."""
    waiting, counted = iter(requests), Counter[int]()
    taking = threading.Lock()

    def work() -> None:
        connection = http.client.HTTPConnection(*besieged.address, timeout=30)
        while True:
            with taking:
                found = next(waiting, None)
            if found is None:
                break
            method, target, body, header = found
            name, _, value = header.partition(": ")
            headers = {"Authorization": f"Bearer {TOKEN}", name: value}
            text = None if body is None else json.dumps(body)
            connection.request(method, target, text, headers)
            reply = connection.getresponse()
            reply.read()
            with taking:
                counted[reply.status] += 1
        connection.close()

    with ThreadPoolExecutor(8) as threads:
        for each in [threads.submit(work) for _ in range(8)]:
            each.result()
    return counted


NONE = "X-None: x"


def test_thousands_of_distinct_requests_of_every_kind_take_bounded_memory(
    besieged: Besieged,
) -> None:
    kinds = {
        "titles": [("GET", f"/api/incident?title_like=x{n}", None, NONE) for n in range(10_000)],
        "numbers": [("GET", f"/api/incident/{n + 1_000}", None, NONE) for n in range(3_000)],
        "paths": [("GET", f"/none/{n}", None, NONE) for n in range(3_000)],
        "ids": [("GET", HELD, None, f"X-Request-Id: id-{n}") for n in range(3_000)],
        "keys": [
            ("POST", "/api/incident", {"title": f"{n}", "tags": ["earth"]}, f"Idempotency-Key: {n}")
            for n in range(30)
        ],
    }
    expected = {"titles": 200, "numbers": 404, "paths": 404, "ids": 200, "keys": 200}
    metrics_before = len(metrics(besieged))
    for kind, requests in kinds.items():
        before, loads = besieged.server.peak_mb, []
        with beside(lambda loads=loads: loads.append(besieged.reads(seconds=1.5))):  # type: ignore[misc]
            counted = statuses(besieged, requests)
        grown = besieged.server.peak_mb - before
        told(
            f"distinct {kind}",
            answered=dict(counted),
            grown_mb=f"{grown:.0f}",
            p99_ms=f"{loads[0].p99_ms:.1f}",
        )
        assert set(counted) == {expected[kind]}
        assert grown < 40
        assert loads[0].refused == 0
    assert len(metrics(besieged)) < metrics_before + 200, "no label is what a client chose"


def metrics(besieged: Besieged) -> list[bytes]:
    connection = http.client.HTTPConnection(*besieged.address, timeout=10)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    lines = connection.getresponse().read().splitlines()
    connection.close()
    return lines


@pytest.mark.parametrize(("size", "connections"), [(2_000, 16), (1_000_000, 4)])
def test_forged_deliveries_do_not_keep_readers_waiting(
    besieged: Besieged, size: int, connections: int
) -> None:
    head = (
        f"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: issues\r\n"
        f"X-Hub-Signature-256: {FORGED}\r\nContent-Length: {size}\r\n\r\n"
    )
    forged, loads = [head.encode() + b"x" * size], []
    before, alone = besieged.server.peak_mb, besieged.reads(seconds=1)

    def read() -> None:
        loads.append(besieged.reads(seconds=2))

    with beside(read):
        flood = measure(besieged.server.port, forged, connections=connections, seconds=2.5)
    grown = besieged.server.peak_mb - before
    told(
        f"forged deliveries of {size:,} bytes",
        each_second=f"{flood.per_second:,.0f}",
        grown_mb=f"{grown:.0f}",
        reads_p99_ms=f"{alone.p99_ms:.1f} to {loads[0].p99_ms:.1f}",
        reads_each_second=f"{alone.per_second:,.0f} to {loads[0].per_second:,.0f}",
    )
    assert flood.refused == round(flood.per_second * 2.5), "all are refused"
    assert loads[0].refused == 0
    assert loads[0].p99_ms < 250
    assert grown < 60


def test_pipelined_requests_without_a_token_do_not_keep_readers_waiting(
    besieged: Besieged,
) -> None:
    requests = b"GET /api/incident HTTP/1.1\r\nHost: x\r\n\r\n" * PIPELINED
    before, loads, answered = besieged.server.peak_mb, [], 0
    with contextlib.ExitStack() as opened:
        strangers = [
            opened.enter_context(socket.create_connection(besieged.address, 30))
            for _ in range(STRANGERS)
        ]
        with beside(lambda: loads.append(besieged.reads(seconds=4))):
            for _ in range(3):
                for each in strangers:
                    each.sendall(requests)
                for each in strangers:
                    said = b""
                    while said.count(b"HTTP/1.1 401 ") < PIPELINED or not said.endswith(b"}"):
                        said += each.recv(65_536)
                    answered += said.count(b"HTTP/1.1 401 ")
    grown = besieged.server.peak_mb - before
    told(
        "pipelined",
        answered=answered,
        grown_mb=f"{grown:.0f}",
        p99_ms=f"{loads[0].p99_ms:.1f}",
        max_ms=f"{loads[0].max_ms:.1f}",
    )
    assert answered == 3 * STRANGERS * PIPELINED, "and all of them are answered"
    assert loads[0].refused == 0
    assert loads[0].max_ms < 250
    assert grown < 40
