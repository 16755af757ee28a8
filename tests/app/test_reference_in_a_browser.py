"""The reference page as a real browser shows it: everything rendered, nothing refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

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


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off")
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


def proxy(
    address: str, prefix: str, *, strips: bool, asked: list[str]
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Serves what is at ``address`` below a prefix, and nothing beside it.

    Where the page's own script comes by, it sends one of its forms by itself, as a person would.
    """

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        path = scope["path"]
        asked.append(path)
        if not path.startswith(f"{prefix}/"):
            await Response(status_code=404)(scope, _receive, send)
            return
        async with httpx.AsyncClient(trust_env=False) as client:
            told = await client.get(address + (path.removeprefix(prefix) if strips else path))
        content = told.content
        if path.endswith("/reference.js"):
            content += b"setTimeout(() => document.querySelector('#getHealth form')"
            content += b".requestSubmit(), 1000);"
        kept = {"content-type", "content-security-policy", "x-content-type-options"}
        headers = {name: value for name, value in told.headers.items() if name in kept}
        await Response(content, told.status_code, headers)(scope, _receive, send)

    return answer


def shown_in(browser: str, url: str, profile: Path) -> str:
    """The page as it is when all is loaded; nothing may be refused or fail meanwhile."""
    shown = subprocess.run(
        [browser, *FLAGS, f"--user-data-dir={profile}", url],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "CONSOLE" not in shown.stderr, shown.stderr
    return shown.stdout


def missing_from(text: str) -> list[str]:
    summaries = [
        operation["summary"]
        for path in openapi_document()["paths"].values()
        for method, operation in path.items()
        if method in {"get", "post", "patch"}
    ]
    assert len(summaries) >= 9
    return [summary for summary in summaries if summary not in text]


def test_every_operation_is_rendered_and_no_script_or_style_is_refused(
    browser: str, tmp_path: Path
) -> None:
    with serving(Service().app()) as address:
        text = shown_in(browser, f"{address}/api-reference", tmp_path)
    assert missing_from(text) == []


@pytest.mark.parametrize(
    ("root_path", "strips"),
    [("", True), ("/kener", True), ("/kener", False)],
    ids=["unknown to the service", "taken off by the proxy", "left on by the proxy"],
)
def test_below_a_path_of_a_proxy_the_page_is_whole_and_its_forms_reach_the_service(
    browser: str, tmp_path: Path, root_path: str, strips: bool
) -> None:
    asked: list[str] = []
    with (
        serving(Service(root_path=root_path).app()) as address,
        serving(proxy(address, "/kener", strips=strips, asked=asked)) as outside,
    ):
        text = shown_in(browser, f"{outside}/kener/api-reference", tmp_path)
    assert missing_from(text) == []
    assert "<strong>200" in text, "the answer to the form"
    assert "/kener/healthz" in asked
    assert [path for path in asked if not path.startswith("/kener/")] in ([], ["/favicon.ico"])
