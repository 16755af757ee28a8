"""A real ``kener-issues serve`` in its own process, to be killed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TOKEN = "soak"
COMMAND = (sys.executable, "-m", "app.cli")
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Server:
    """One server with its own data directory; started, killed and stopped by one thread."""

    def __init__(self, name: str, directory: Path, settings: dict[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.directory = directory
        directory.mkdir(parents=True)
        self.log = directory / "log.txt"
        self._settings = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}},
            **settings,
            "API_TOKEN": TOKEN,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DATA_DIR": str(directory / "data"),
            "PYTHONPATH": str(ROOT),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.started_at: list[float] = []
        """Seconds since 1970."""
        self._down_since: float | None = None
        self._down: list[tuple[float, float]] = []
        self.exit_codes: list[int] = []

    def start(self, **settings: str) -> None:
        """Begin to start, from now on with these settings as well."""
        self._settings.update(settings)
        if self._down_since is None:
            self._down_since = time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "serve"], cwd=self.directory, env=self._settings, stdout=log, stderr=log
            )
        self.starts += 1
        self.started_at.append(time.time())

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def peak_mb(self) -> float:
        """The most memory that it ever had, in megabytes of 10^6 bytes; Linux tells."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        found = next(line for line in lines if line.startswith("VmHWM:"))
        return int(found.split()[1]) * 1024 / 1e6

    def ready(self, *, seconds: float) -> bool:
        """Whether it answers in time; False as soon as it has given up starting."""
        give_up_at = time.monotonic() + seconds
        assert self._process is not None
        while time.monotonic() < give_up_at:
            if (code := self._process.poll()) is not None:
                self.exit_codes.append(code)
                return False
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    pass
                self.ask("GET", "/api/status?tag=none", seconds=seconds)
            except OSError:
                time.sleep(0.05)
            else:
                if self._down_since is not None:
                    self._down.append((self._down_since, time.monotonic()))
                    self._down_since = None
                return True
        return False

    def kill(self) -> None:
        """``kill -9``, whatever it is at."""
        assert self._process is not None
        if self._down_since is None:
            self._down_since = time.monotonic()
        self._process.kill()
        self._process.wait()

    def was_down(self, since: float, until: float) -> bool:
        """Whether it was, at any time between: killed, and not ready again. Monotonic seconds."""
        down_since = self._down_since
        if down_since is not None and until >= down_since:
            return True
        return any(begin <= until and end >= since for begin, end in self._down)

    @property
    def downtimes(self) -> list[float]:
        """How many seconds each start took until it was ready."""
        return [end - begin for begin, end in self._down]

    def stop(self, *, seconds: float = 30) -> float:
        """Ctrl-C; how many seconds it took to end."""
        assert self._process is not None
        begun_at = time.monotonic()
        self._process.send_signal(signal.SIGINT)
        self._process.wait(seconds)
        return time.monotonic() - begun_at

    def ask(
        self, method: str, path: str, body: Any = None, *, seconds: float = 10
    ) -> tuple[int, Any]:
        """Status and JSON of an answer. Raises OSError or http.client.HTTPException."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            return ask_on(connection, method, path, body)
        finally:
            connection.close()


def ask_on(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status != 500, f"a fault of the server's own: {content[:200]!r}"
    return answer.status, json.loads(content)
