"""The HTTP face: every route, and what stands before them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from fastapi import FastAPI

from app import __version__
from app.auth import Access
from app.errors import install_error_answers
from app.guarded_route import GuardedRoute, no_route
from app.metrics import Metrics
from app.readiness import Vitals
from app.reception import Reception
from app.request_log import RequestLog
from app.routes.documents import document_routes
from app.routes.incidents import IncidentRoutes
from app.routes.observations import ObservationRoutes
from app.routes.statuses import StatusRoutes
from app.routes.webhooks import WebhookRoutes
from app.store import Incidents, Statuses
from github_store import CurrentMonitors, Inbox


def create_app(
    *,
    incidents: Incidents,
    statuses: Statuses,
    monitors: CurrentMonitors,
    access: Access,
    inbox: Inbox | None = None,
    vitals: Callable[[], Vitals],
    metrics: Metrics,
    metrics_public: bool = False,
    root_path: str = "",
    clock: Callable[[], float] = time.time,
) -> Reception:
    """The application; ``clock`` gives seconds since 1970. ``metrics_public``: without a token.
    ``root_path``: see root_path.py.

    Routes are Starlette's: they hand over ready bytes, and FastAPI's own validation, documents
    and redirects have no part in an answer.
    """
    incident_routes = IncidentRoutes(incidents, monitors, clock=clock)
    status_routes = StatusRoutes(statuses, monitors, clock=clock)
    routes = [
        *incident_routes.routes(),
        *status_routes.routes(),
        *ObservationRoutes(metrics, vitals, is_public=metrics_public, clock=clock).routes(),
        *document_routes(root_path),
    ]
    direct = [status_routes.direct, incident_routes.direct]
    if inbox:
        webhook_routes = WebhookRoutes(inbox, note=metrics.delivery)
        routes += webhook_routes.routes()
        direct.append(webhook_routes.direct)
    return Reception(
        routed(routes),
        direct=direct,
        access=access,
        note=RequestLog(access=access, metrics=metrics, routes=routes).note,
        root_path=root_path,
    )


def routed(routes: Sequence[GuardedRoute]) -> FastAPI:
    """The framework's application, whose errors answer as ours do; it has no routes of its own."""
    app = FastAPI(
        title="kener-issues", version=__version__, openapi_url=None, redirect_slashes=False
    )
    app.router.routes[:] = routes
    app.router.default = no_route
    install_error_answers(app)
    return app
