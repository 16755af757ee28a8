"""The operations on monitor status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.fresh_reply import RenderedAnswers, fresh_reply
from app.guarded_route import GuardedRoute
from app.json_reply import json_reply
from app.query_parameters import query_of, status_query
from app.reception import Direct
from app.request_body import read_json
from app.store import Statuses
from app.tokens import Right
from app.validation import sample
from github_store import CurrentMonitors, MonitorStatus

PATH: Final = "/api/status"


class StatusRoutes:
    """One operation, one method. ``clock`` gives seconds since 1970."""

    def __init__(
        self, statuses: Statuses, monitors: CurrentMonitors, *, clock: Callable[[], float]
    ) -> None:
        self._statuses = statuses
        self._monitors = monitors
        self._clock = clock
        self._rendered = RenderedAnswers()
        self._direct = {
            ("GET", PATH): Direct(self.current, Right.READ),
            ("POST", PATH): Direct(self.push, Right.WRITE),
        }

    def routes(self) -> list[GuardedRoute]:
        return [
            GuardedRoute(
                PATH, self.current, methods=["GET"], name="getMonitorStatus", needs=Right.READ
            ),
            GuardedRoute(PATH, self.push, methods=["POST"], name="updateMonitorStatus"),
        ]

    def direct(self, method: str, path: str) -> Direct | None:
        """The same by method and path."""
        return self._direct.get((method, path))

    async def current(self, request: Request) -> Response:
        tag, since_seconds = status_query(
            query_of(request.scope["query_string"]), self._monitors.now
        )
        found = self._statuses.current(tag, since_seconds=since_seconds)
        return await fresh_reply(
            request, found, shown=_shown, kept=self._rendered, clock=self._clock
        )

    async def push(self, request: Request) -> Response:
        pushed = sample(await read_json(request), self._monitors.now, now=self._clock())
        await self._statuses.push(
            pushed.tag, status=pushed.status, latency=pushed.latency, minute=pushed.minute
        )
        return json_reply({"status": 200, "message": f"success at {pushed.minute}"})


def _shown(status: MonitorStatus) -> dict[str, Any]:
    return {
        "status": status.status,
        "uptime": status.uptime,
        "lastUpdatedAt": status.last_updated_at,
    }
