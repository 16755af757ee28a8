"""The programs that are measured, each in a process of its own that ends with its block."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.listening import listening

TOKEN = "a-token-for-benchmarks"
START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Running:
    """One that answers; ``started_seconds`` is from its start to its first answer."""

    port: int
    process: subprocess.Popen[str]
    started_seconds: float = 0.0
    data_dir: Path = Path()

    @property
    def resident_mb(self) -> float:
        """Its memory now, in megabytes of 10^6 bytes."""
        return self._memory("VmRSS")

    @property
    def peak_mb(self) -> float:
        """The most it ever had."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024 / 1e6


@contextmanager
def bare_service() -> Iterator[Running]:
    with _program("tests.benchmarks.bare_service", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield Running(int(process.stdout.readline()), process)


@contextmanager
def product(data_dir: Path, settings: Mapping[str, str]) -> Iterator[Running]:
    """``kener-issues serve`` with these settings; what it logs goes to a file, as on a server."""
    data_dir.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}},
        "API_TOKEN": TOKEN,
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        **settings,
    }
    with (data_dir / "log").open("a") as log:
        began = time.perf_counter()
        with _program("app.cli", "serve", environ=environ, log=log.fileno()) as process:
            while not _answers(port):
                if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                    raise RuntimeError((data_dir / "log").read_text()[-2000:])
                time.sleep(0.01)
            yield Running(port, process, time.perf_counter() - began, data_dir)


@contextmanager
def _program(
    module: str,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    log: int = subprocess.DEVNULL,
    stdout: int | None = None,
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=environ,
        stdout=log if stdout is None else stdout,
        stderr=log,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def ask(port: int, method: str, target: str, body: object = None) -> None:
    """One request of the API. Raises RuntimeError for any answer but 200."""
    answer(port, method, target, json.dumps(body).encode() if body is not None else None)


def answer(port: int, method: str, target: str, content: bytes | None = None) -> bytes:
    """What one request is answered with. Raises RuntimeError for any answer but 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, target, content, {"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {target}: {answer.status} {text[:500]!r}")
        return text
    finally:
        connection.close()


def _answers(port: int) -> bool:
    try:
        ask(port, "GET", "/healthz")
    except ConnectionError:
        return False
    return True


def _free_port() -> int:
    with listening("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])
