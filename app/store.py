"""What the face needs of a store; ``github_store`` has it, and so has the tests' own small one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from github_store import (
    Incident,
    IncidentComment,
    IncidentFields,
    MonitorStatus,
    RequestKey,
    SearchFilter,
    Status,
    StatusUpdate,
)


class Incidents(Protocol):
    """Every method raises a StoreError, IncidentNotFound where there is no such incident."""

    async def create(self, fields: IncidentFields, *, key: RequestKey | None) -> Incident: ...

    async def get(self, number: int) -> Incident: ...

    async def replace(
        self, number: int, fields: IncidentFields, *, if_match: Collection[str] | None
    ) -> Incident: ...

    async def update_status(
        self, number: int, update: StatusUpdate, *, if_match: Collection[str] | None
    ) -> Incident: ...

    async def search(self, search: SearchFilter, *, page: int, per_page: int) -> list[Incident]: ...

    async def comments(self, number: int) -> list[IncidentComment]: ...

    async def add_comment(
        self, number: int, body: str, *, key: RequestKey | None
    ) -> IncidentComment: ...


class Statuses(Protocol):
    """Status of monitors that exist. ``minute`` is its first second since 1970."""

    async def push(self, tag: str, *, status: Status, latency: float, minute: int) -> None: ...

    async def current(self, tag: str, *, since_seconds: int) -> MonitorStatus: ...
