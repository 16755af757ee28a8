"""The application over the fake store, and a client that may call it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from app.api import create_app
from app.auth import Access
from app.github_contact import Contact
from app.metrics import Metrics
from app.readiness import Vitals
from app.reception import Reception
from app.tokens import Tokens
from github_store import CurrentMonitors, StatusHealth
from tests.app.fake_store import MONITORS, NOW, FakeIncidents, FakeStatuses

TOKEN = "a-token-for-tests"
PEER = "127.0.0.1"


class Client:
    """Calls an application without sockets; a failure inside is an answer, as on the wire."""

    def __init__(self, app: ASGIApp, *, headers: Mapping[str, str], peer: str) -> None:
        self._app = app
        self._headers = dict(headers)
        self._peer = peer

    def request(self, method: str, url: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(
                self._app, raise_app_exceptions=False, client=(self._peer, 4711)
            )
            async with httpx.AsyncClient(
                transport=transport,
                base_url="http://kener.test",
                headers=self._headers,
                trust_env=False,
            ) as client:
                return await client.request(method, url, **more)

        return asyncio.run(send())

    def get(self, url: str, **more: Any) -> httpx.Response:
        return self.request("GET", url, **more)

    def post(self, url: str, **more: Any) -> httpx.Response:
        return self.request("POST", url, **more)

    def patch(self, url: str, **more: Any) -> httpx.Response:
        return self.request("PATCH", url, **more)


def healthy() -> StatusHealth:
    """Nothing waits, the board is held and was just confirmed."""
    return StatusHealth(0, None, None, None, None, is_board_held=True, board_confirmed_at=NOW)


@dataclass
class Service:
    incidents: FakeIncidents = field(default_factory=FakeIncidents)
    statuses: FakeStatuses = field(default_factory=FakeStatuses)
    access: Access = field(default_factory=lambda: Access(tokens=Tokens([TOKEN])))

    health: StatusHealth = field(default_factory=healthy)
    contact: Contact = field(default_factory=Contact)
    out_for: dict[str, float] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry()))
    metrics_public: bool = False
    root_path: str = ""

    def vitals(self) -> Vitals:
        return Vitals(
            monitors=len(MONITORS.tags),
            statuses=self.health,
            contact=self.contact,
            out_for=self.out_for,
        )

    def app(self) -> Reception:
        return create_app(
            incidents=self.incidents,
            statuses=self.statuses,
            monitors=CurrentMonitors(MONITORS),
            access=self.access,
            vitals=self.vitals,
            metrics=self.metrics,
            metrics_public=self.metrics_public,
            root_path=self.root_path,
            clock=lambda: NOW,
        )

    def client(
        self, *, token: str | None = TOKEN, peer: str = PEER, directly: bool = True
    ) -> Client:
        """``directly`` False: no operation goes past the framework's routes."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        app = self.app()
        if not directly:
            app.direct = ()
        return Client(app, headers=headers, peer=peer)
