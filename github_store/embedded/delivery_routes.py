"""``/repos/{owner}/{repo}/hooks/{hook}/deliveries``: what became of each webhook delivery."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

from .exchange import Request, Response
from .hook_outbox import Delivery, Hook
from .hook_routes import HOOK, found_hook
from .hub import Hub
from .paging import link_query, per_page_of
from .refusals import invalid, not_found
from .routing import Needs, Route


def list_deliveries(hub: Hub, request: Request) -> Response:
    """Newest first; ``cursor`` is the id of the delivery that a page begins with."""
    hook, size = found_hook(hub, request), per_page_of(request)
    cursor = request.parameter("cursor")
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise invalid({"resource": "HookDelivery", "field": "cursor", "code": "invalid"})
    rows = hub.storage.rows(
        "SELECT * FROM deliveries WHERE hook_id = ? AND id <= ? ORDER BY id DESC LIMIT ?",
        hook.id,
        int(cursor or 2**62),
        size + 1,
    )
    links = {}
    if len(rows) > size:
        repository_url = f"{hub.base_url}/repositories/{request.repository.id}"
        changes = {"per_page": str(size), "cursor": str(rows[size]["id"])}
        query = link_query(request.query, **changes)
        links["Link"] = f'<{repository_url}/hooks/{hook.id}/deliveries?{query}>; rel="next"'
    return Response(200, [_delivery_json(request, row) for row in rows[:size]], links)


def _delivery_json(request: Request, row: sqlite3.Row) -> dict[str, Any]:
    moment = datetime.fromtimestamp(row["delivered_at"], UTC)
    return {
        "id": row["id"],
        "guid": row["guid"],
        "delivered_at": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "redelivery": bool(row["redelivery"]),
        "duration": row["duration"],
        "status": row["status"],
        "status_code": row["status_code"],
        "event": row["event"],
        "action": row["action"],
        "installation_id": None,
        "repository_id": request.repository.id,
        "throttled_at": None,
    }


def _delivery(hub: Hub, request: Request, hook: Hook) -> sqlite3.Row:
    row = hub.storage.row(
        "SELECT * FROM deliveries WHERE hook_id = ? AND id = ?",
        hook.id,
        request.number("delivery"),
    )
    if row is None:
        raise not_found()
    return row


def get_delivery(hub: Hub, request: Request) -> Response:
    hook = found_hook(hub, request)
    row = _delivery(hub, request, hook)
    shown = {
        **_delivery_json(request, row),
        "url": hook.config["url"],
        "request": json.loads(row["request"]),
        "response": json.loads(row["response"]),
    }
    return Response(200, shown)


def redeliver(hub: Hub, request: Request) -> Response:
    hook = found_hook(hub, request)
    row = _delivery(hub, request, hook)
    payload = json.loads(row["request"])["payload"]
    again = Delivery(hook, row["guid"], row["event"], row["action"], payload, redelivery=True)
    hub.outbox.send(again)
    return Response(202, {})


DELIVERIES = f"{HOOK}/deliveries"
DELIVERY = f"{DELIVERIES}/{{delivery}}"
DOCS = "repos/webhooks"
ROUTES = (
    Route("GET", DELIVERIES, list_deliveries, Needs.ADMIN, docs=f"{DOCS}#list-deliveries"),
    Route("GET", DELIVERY, get_delivery, Needs.ADMIN, docs=f"{DOCS}#get-a-delivery"),
    Route("POST", f"{DELIVERY}/attempts", redeliver, Needs.ADMIN, docs=f"{DOCS}#redeliver"),
)
