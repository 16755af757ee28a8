"""The reference page as a real browser shows it: everything rendered, nothing refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from app.openapi import openapi_document
from tests.app.service import Service

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom",
)  # fmt: skip


@pytest.fixture
def browser() -> str:
    """A browser's path; where KENER_TESTS_NEED_BROWSER is set its absence is a failure."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        assert not os.environ.get("KENER_TESTS_NEED_BROWSER"), "no browser is installed"
        pytest.skip("no browser here; .ci/run installs one")
    return found


@pytest.fixture
def address() -> Iterator[str]:
    config = uvicorn.Config(Service().app(), port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def test_every_operation_is_rendered_and_no_script_or_style_is_refused(
    browser: str, address: str, tmp_path: Path
) -> None:
    shown = subprocess.run(
        [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"{address}/api-reference"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "CONSOLE" not in shown.stderr, shown.stderr
    summaries = [
        operation["summary"]
        for path in openapi_document()["paths"].values()
        for method, operation in path.items()
        if method in {"get", "post", "patch"}
    ]
    assert len(summaries) >= 9
    for summary in summaries:
        assert summary in shown.stdout, summary
