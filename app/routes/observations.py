"""How the service is: for load balancers and for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from app.guarded_route import GuardedRoute, refusal_of_caller
from app.json_reply import json_reply
from app.metrics import Metrics
from app.readiness import Vitals, readiness
from app.tokens import Right

_NOT_KEPT = {"Cache-Control": "no-store"}


class ObservationRoutes:
    """One document, one method. ``is_public``: the metrics are shown to anybody; ``clock`` gives
    seconds since 1970."""

    def __init__(
        self,
        metrics: Metrics,
        vitals: Callable[[], Vitals],
        *,
        is_public: bool,
        clock: Callable[[], float],
    ) -> None:
        self._metrics = metrics
        self._vitals = vitals
        self._metrics_need = Right.NONE if is_public else Right.READ
        self._clock = clock

    def routes(self) -> list[GuardedRoute]:
        return [
            GuardedRoute(
                "/readyz",
                self.readiness,
                methods=["GET"],
                name="getReadiness",
                needs=Right.NONE,
            ),
            GuardedRoute("/metrics", self.metrics, methods=["GET"], needs=self._metrics_need),
        ]

    async def readiness(self, request: Request) -> Response:
        is_known = refusal_of_caller(request.scope, needs=Right.READ) is None
        found = readiness(self._vitals(), now=self._clock())
        return json_reply(
            found.to_json(in_words=is_known),
            status=200 if found.is_ready else 503,
            headers=_NOT_KEPT,
        )

    async def metrics(self, request: Request) -> Response:
        content, media_type = self._metrics.rendered(request.headers.get("accept", ""))
        return Response(content, headers={**_NOT_KEPT, "Content-Type": media_type})
