"""One line and one count a request: what was asked and how it went; no query, no token.

A route's template is told, not the path: what a client writes into a path is not ours to keep.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any, Final

from starlette.types import Scope

from app.auth import Access
from app.guarded_route import GuardedRoute
from app.metrics import NO_ROUTE, Metrics

REQUESTS: Final = "kener_issues.requests"
"""The logger of these lines."""
LONGEST_NUMBER: Final = 10

log = logging.getLogger(REQUESTS)

_LINE = vars(logging.LogRecord(log.name, logging.INFO, __file__, 0, "", None, None))
"""What all lines have in common."""


class RequestLog:
    """A request that got no answer is logged with the status 000.

    Of a path without parameters its route is told of callers who were not let in, too.
    """

    def __init__(self, *, access: Access, metrics: Metrics, routes: Iterable[GuardedRoute]) -> None:
        self._access = access
        self._metrics = metrics
        self._templates: dict[object, str] = {route.endpoint: route.path for route in routes}
        self._paths = frozenset(path for path in self._templates.values() if "{" not in path)

    def note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
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
