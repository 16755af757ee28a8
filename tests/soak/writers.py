"""Those who push while everything fails: clients of a server, and the command line."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import subprocess
import threading
import time
from pathlib import Path

from tests.soak.ledger import Ledger, Place, Value
from tests.soak.server import COMMAND, ROOT, Server, ask_on

STATUSES = ("UP", "UP", "UP", "DEGRADED", "DOWN")
DAY_MINUTES = 1_440
SHARED = "shared"
"""The monitor that every writer pushes to."""
LATE_DAYS = (1, 1, 1, 2, 30, 89)
ODD_OF_TEN = 2
PATIENCE_SECONDS = 1.0
"""A real client gives up after that."""


class Writer(threading.Thread):
    """Pushes until ``stopping`` is set; ``ledger`` tells what became of it."""

    _numbers = itertools.count(1)
    pause_seconds = 0.02
    """Between two pushes, at most."""

    def __init__(self, name: str, tag: str, *, seed: str, stopping: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.tag = tag
        self.ledger = Ledger()
        self.failure: Exception | None = None
        self._chance = random.Random(f"{seed} {name}")
        self._stopping = stopping

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                self.push()
        except Exception as error:  # for the test's own thread
            self.failure = error

    def push(self) -> None:
        raise NotImplementedError

    def next_push(self) -> tuple[Place, Value]:
        """Mostly of today, and over the same few minutes again and again."""
        tag = SHARED if self._chance.randrange(10) < ODD_OF_TEN else self.tag
        now = int(time.time()) // 60
        ago = self._chance.randrange(300)
        if self._chance.randrange(10) < ODD_OF_TEN:
            ago = self._chance.choice(LATE_DAYS) * DAY_MINUTES + self._chance.randrange(60)
        elif self._chance.randrange(10) < ODD_OF_TEN:
            ago = 0
        value = Value(self._chance.choice(STATUSES), next(self._numbers) / 1_000)
        return Place(tag, now - ago), value


class Client(Writer):
    """Pushes to one server over HTTP, one push at a time, as fast as is answered, nearly."""

    def __init__(
        self, name: str, tag: str, server: Server, *, seed: str, stopping: threading.Event
    ) -> None:
        super().__init__(name, tag, seed=seed, stopping=stopping)
        self._server = server
        self._connection: http.client.HTTPConnection | None = None
        self.refusals: set[int] = set()

    def push(self) -> None:
        place, value = self.next_push()
        body = {
            "tag": place.tag,
            "status": value.status,
            "latency": value.latency,
            "timestampInSeconds": place.minute * 60,
        }
        begun_at = time.monotonic()
        try:
            status, _ = self._ask(body)
        except TimeoutError:
            self.ledger.doubt(place, value, may_come_late=True)
            self._hang_up()
        except ConnectionRefusedError:
            self._hang_up()  # nothing was sent
            self._stopping.wait(0.05)
        except (OSError, http.client.HTTPException):  # it was killed
            self.ledger.doubt(place, value)
            self._hang_up()
        else:
            seconds = time.monotonic() - begun_at
            self.ledger.slowest_seconds = max(self.ledger.slowest_seconds, seconds)
            if status == 200:
                self.ledger.keep(place, value)
            else:
                self.refusals.add(status)
        self._stopping.wait(self._chance.random() * self.pause_seconds)

    def _ask(self, body: object) -> tuple[int, object]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self._server.port, timeout=PATIENCE_SECONDS
            )
        return ask_on(self._connection, "POST", "/api/status", body)

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def run(self) -> None:
        try:
            super().run()
        finally:
            self._hang_up()


class CommandLine(Writer):
    """``kener-issues push`` with some lines at a time, straight into the repository."""

    pause_seconds = 1.0

    def __init__(
        self,
        name: str,
        tag: str,
        directory: Path,
        settings: dict[str, str],
        *,
        seed: str,
        stopping: threading.Event,
    ) -> None:
        super().__init__(name, tag, seed=seed, stopping=stopping)
        directory.mkdir(parents=True)
        self._directory = directory
        self._settings = {**settings, "PYTHONPATH": str(ROOT)}
        self.exit_codes: list[int] = []
        self.words: list[str] = []

    def push(self) -> None:
        batch = [self.next_push() for _ in range(self._chance.randint(1, 40))]
        lines = [
            json.dumps(
                {
                    "tag": place.tag,
                    "status": value.status,
                    "latency": value.latency,
                    "timestampInSeconds": place.minute * 60,
                }
            )
            for place, value in batch
        ]
        done = subprocess.run(
            [*COMMAND, "push"],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            cwd=self._directory,
            env=self._settings,
            check=False,
        )
        self.exit_codes.append(done.returncode)
        if done.returncode:
            self.words.append(done.stderr.strip())
        # Of two for one minute in a batch the later one counts.
        for place, value in dict(batch).items():
            if done.returncode == 0:
                self.ledger.keep(place, value)
            else:
                self.ledger.doubt(place, value)
        self._stopping.wait(self._chance.random() * self.pause_seconds)
