"""One line a request: what was asked and how it went; no query, no header, no token."""

from __future__ import annotations

import logging
import time
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("kener_issues.requests")


class RequestLog:
    """ASGI middleware. A request that got no answer is logged with the status 000."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not log.isEnabledFor(logging.INFO):
            await self._app(scope, receive, send)
            return
        status = 0
        began = time.perf_counter()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            milliseconds = (time.perf_counter() - began) * 1000
            log.info(
                "%s %s %03d %.1f ms",
                scope["method"],
                quote(scope["path"]),
                status,
                milliseconds,
            )
