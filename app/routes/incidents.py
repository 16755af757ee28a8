"""The operations on incidents and their comments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.fresh_reply import RenderedAnswers, fresh_reply
from app.guarded_route import GuardedRoute, require
from app.json_reply import json_reply
from app.query_parameters import SEARCH_PARAMETERS, asked_search, incident_number, query_of
from app.reception import Direct
from app.request_body import read_json
from app.store import Incidents
from app.tokens import Right
from app.validation import comment_text, incident_fields, status_update
from app.write_headers import body_hash, idempotency_key, if_match, require_key_room
from github_store import (
    CurrentMonitors,
    Incident,
    IncidentComment,
    RequestKey,
    body_length,
    incident_etag,
)

PATH: Final = "/api/incident"


class IncidentRoutes:
    """One operation, one method. ``clock`` gives seconds since 1970."""

    def __init__(
        self, incidents: Incidents, monitors: CurrentMonitors, *, clock: Callable[[], float]
    ) -> None:
        self._incidents = incidents
        self._monitors = monitors
        self._clock = clock
        self._rendered = RenderedAnswers()

    def direct(self, method: str, path: str) -> Direct | None:
        """The reads that clients repeat: the search, and one incident."""
        if method != "GET" or not path.startswith(PATH):
            return None
        if path == PATH:
            return Direct(self.search, Right.READ)
        number = path[len(PATH) + 1 :]
        if path[len(PATH)] != "/" or not number or "/" in number:
            return None
        return Direct(self.get, Right.READ, {"number": number})

    def routes(self) -> list[GuardedRoute]:
        one = f"{PATH}/{{number}}"
        comment, status = f"{one}/comment", f"{one}/status"
        read, write = Right.READ, Right.WRITE
        return [
            GuardedRoute(path, operation, methods=[method], name=name, needs=needs)
            for method, path, operation, name, needs in (
                ("GET", PATH, self.search, "searchIncidents", read),
                # A search is sent as a POST too: creating asks for the right to write by itself.
                ("POST", PATH, self.create_or_search, "createIncident", read),
                ("GET", one, self.get, "getIncident", read),
                ("PATCH", one, self.replace, "updateIncident", write),
                ("GET", comment, self.comments, "getIncidentComments", read),
                ("POST", comment, self.add_comment, "addIncidentComment", write),
                ("POST", status, self.update, "updateIncidentStatus", write),
            )
        ]

    async def search(self, request: Request) -> Response:
        wanted = asked_search(request.scope["query_string"])
        found = self._incidents.search(wanted.filter, page=wanted.page, per_page=wanted.per_page)
        return await fresh_reply(
            request, found, shown=_all_shown, kept=self._rendered, clock=self._clock
        )

    async def create_or_search(self, request: Request) -> Response:
        """Kener's page shows the search as a POST with a query, so that is what it is."""
        if not SEARCH_PARAMETERS.isdisjoint(query_of(request.scope["query_string"])):
            return await self.search(request)
        require(request, Right.WRITE)
        return await self.create(request)

    async def create(self, request: Request) -> Response:
        name = idempotency_key(request.headers.getlist("idempotency-key"))
        value = await read_json(request)
        fields = incident_fields(value, self._monitors.now)
        key = None
        if name is not None:
            require_key_room(body_length(fields))
            key = RequestKey(name, body_hash(value))
        return _reply(await self._incidents.create(fields, key=key))

    async def get(self, request: Request) -> Response:
        return await fresh_reply(
            request,
            self._incidents.get(_number(request)),
            shown=Incident.to_json,
            etag_of=incident_etag,
            kept=self._rendered,
            clock=self._clock,
        )

    async def replace(self, request: Request) -> Response:
        number = _number(request)
        etags = if_match(request.headers.getlist("if-match"))
        fields = incident_fields(await read_json(request), self._monitors.now)
        return _reply(await self._incidents.replace(number, fields, if_match=etags))

    async def update(self, request: Request) -> Response:
        number = _number(request)
        etags = if_match(request.headers.getlist("if-match"))
        update = status_update(await read_json(request))
        return _reply(await self._incidents.update_status(number, update, if_match=etags))

    async def comments(self, request: Request) -> Response:
        found = self._incidents.comments(_number(request))
        return await fresh_reply(request, found, shown=_all_shown, clock=self._clock)

    async def add_comment(self, request: Request) -> Response:
        number = _number(request)
        name = idempotency_key(request.headers.getlist("idempotency-key"))
        value = await read_json(request)
        text = comment_text(value)
        key = None
        if name is not None:
            require_key_room(len(text))
            key = RequestKey(name, body_hash(value))
        return json_reply((await self._incidents.add_comment(number, text, key=key)).to_json())


def _reply(incident: Incident) -> Response:
    """An incident as it is after a write, with the ETag for the next."""
    return json_reply(incident.to_json(), headers={"ETag": incident_etag(incident)})


def _all_shown(found: Sequence[Incident] | Sequence[IncidentComment]) -> list[dict[str, Any]]:
    return [each.to_json() for each in found]


def _number(request: Request) -> int:
    return incident_number(request.path_params["number"])
