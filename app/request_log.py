"""One line and one count a request: what was asked and how it went; no query, no token.

A route's template is told, not the path: what a client writes into a path is not ours to keep.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth import Access
from app.metrics import NO_ROUTE, Metrics
from app.request_id import HEADER, current_request_id, given_id, new_ids

log = logging.getLogger("kener_issues.requests")

LONGEST_NUMBER = 10

_LINE = vars(logging.LogRecord(log.name, logging.INFO, __file__, 0, "", None, None))
"""What all lines have in common."""


class RequestLog:
    """ASGI middleware. A request that got no answer is logged with the status 000.

    Of a path without parameters its route is told of callers who were not let in, too. ``timer``
    gives seconds that never go back.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: Access,
        metrics: Metrics,
        routes: Iterable[Route],
        ids: Callable[[], str] | None = None,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._access = access
        self._metrics = metrics
        self._templates: dict[object, str] = {route.endpoint: route.path for route in routes}
        self._paths = frozenset(path for path in self._templates.values() if "{" not in path)
        self._ids = ids or new_ids()
        self._timer = timer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = given_id(scope["headers"]) or self._ids()
        current_request_id.set(request_id)  # the server gives every request a task of its own
        header = (HEADER, request_id.encode())
        status = 0
        began = self._timer()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception:
            status = status or 500  # answered by the server's outermost layer
            raise
        finally:
            self._note(scope, request_id, status, self._timer() - began)

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        method, route = scope["method"], self._route(scope)
        self._metrics.request(method, route, status, seconds)
        if not log.isEnabledFor(logging.INFO):
            return
        client = scope.get("client")
        fields: dict[str, Any] = {
            "id": request_id,
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
            "address": self._access.caller(scope["headers"], peer=client[0] if client else None),
        }
        number = (scope.get("path_params") or {}).get("number", "")
        if number.isdecimal() and len(number) <= LONGEST_NUMBER:
            fields["incident"] = int(number)
        # Made by hand: who called is known, and looking it up takes as long as the rest.
        now = time.time()
        record = logging.LogRecord.__new__(logging.LogRecord)
        record.__dict__.update(
            _LINE,
            msg=f"{method} {route} {status:03d}",
            created=now,
            msecs=now % 1 * 1000,
            fields=fields,
        )
        log.handle(record)

    def _route(self, scope: Scope) -> str:
        path: str = scope["path"]
        if path in self._paths:
            return path
        return self._templates.get(scope.get("endpoint"), NO_ROUTE)
