"""A store in memory, small enough to be obviously right, with what the face asks of one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace

from github_store import (
    Incident,
    IncidentComment,
    IncidentEdited,
    IncidentFields,
    IncidentNotFound,
    InvalidEnd,
    Monitor,
    Monitors,
    MonitorStatus,
    RequestKey,
    SearchFilter,
    Status,
    StatusUpdate,
    StoreError,
    incident_etag,
)

MONITORS = Monitors(
    [Monitor("earth", "Earth"), Monitor("google-search", "Google"), Monitor("frogment", "Frogment")]
)
NOW = 1_795_557_630.5
THIS_MINUTE = 1_795_557_600


@dataclass
class FakeIncidents:
    """``failure``, once set, is what every operation raises. ``asked`` notes each call."""

    failure: Exception | None = None
    asked: list[tuple[object, ...]] = field(default_factory=list)
    held: dict[int, Incident] = field(default_factory=dict)
    said: dict[int, list[IncidentComment]] = field(default_factory=dict)
    keys: list[RequestKey | None] = field(default_factory=list)

    async def create(self, fields: IncidentFields, *, key: RequestKey | None = None) -> Incident:
        self._called("create", fields)
        self.keys.append(key)
        number = len(self.held) + 1
        self.held[number] = Incident(
            **asdict(fields),
            number=number,
            created_at=1_700_000_000 + number,
            closed_at=None,
            is_open=True,
            is_auto=False,
        )
        return self.held[number]

    async def get(self, number: int) -> Incident:
        self._called("get", number)
        if number not in self.held:
            raise IncidentNotFound(number)
        return self.held[number]

    async def replace(
        self, number: int, fields: IncidentFields, *, if_match: Collection[str] | None = None
    ) -> Incident:
        self._called("replace", number, fields)
        await self._require_match(number, if_match)
        self.held[number] = replace(await self.get(number), **asdict(fields))
        return self.held[number]

    async def update_status(
        self, number: int, update: StatusUpdate, *, if_match: Collection[str] | None = None
    ) -> Incident:
        self._called("update_status", number, update)
        await self._require_match(number, if_match)
        incident = await self.get(number)
        start, end = incident.start_datetime, update.end_datetime
        if start is not None and end is not None and end <= start:
            raise InvalidEnd(start=start, end=end)
        given = {name: value for name, value in asdict(update).items() if value is not None}
        self.held[number] = replace(incident, **given)
        return self.held[number]

    async def search(self, search: SearchFilter, *, page: int, per_page: int) -> Sequence[Incident]:
        self._called("search", search, page, per_page)
        found = [each for _, each in sorted(self.held.items(), reverse=True)]
        return found[(page - 1) * per_page : page * per_page]

    async def comments(self, number: int) -> Sequence[IncidentComment]:
        await self.get(number)
        return self.said.get(number, [])

    async def add_comment(
        self, number: int, body: str, *, key: RequestKey | None = None
    ) -> IncidentComment:
        self._called("add_comment", number, body)
        self.keys.append(key)
        await self.get(number)
        comments = self.said.setdefault(number, [])
        comments.append(IncidentComment(100 + len(comments), body, 1_704_123_116))
        return comments[-1]

    async def _require_match(self, number: int, etags: Collection[str] | None) -> None:
        if etags is not None and incident_etag(await self.get(number)) not in etags:
            raise IncidentEdited(number)

    def _called(self, *call: object) -> None:
        self.asked.append(call)
        if self.failure is not None:
            raise self.failure


@dataclass
class FakeStatuses:
    failure: StoreError | None = None
    pushed: list[tuple[str, Status, float, int]] = field(default_factory=list)
    windows: list[int] = field(default_factory=list)

    async def push(self, tag: str, *, status: Status, latency: float, minute: int) -> None:
        if self.failure is not None:
            raise self.failure
        self.pushed.append((tag, status, latency, minute))

    async def current(self, tag: str, *, since_seconds: int) -> MonitorStatus:
        if self.failure is not None:
            raise self.failure
        self.windows.append(since_seconds)
        of_tag = [push for push in self.pushed if push[0] == tag]
        if not of_tag:
            return MonitorStatus("NO_DATA", "-", None)
        return MonitorStatus(of_tag[-1][1], "99.9306", of_tag[-1][3])
