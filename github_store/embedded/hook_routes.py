"""``/repos/{owner}/{repo}/hooks``: webhooks and their pings."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final
from urllib.parse import urlsplit

from .exchange import Request, Response
from .hook_outbox import UNUSED, Delivery, Hook, hook_from
from .hub import Hub
from .paging import numbered_links, numbered_page
from .refusals import Refusal, invalid, missing_keys, not_found, wrong_type
from .rendering import api_url, iso
from .routing import REPOSITORY, Needs, Route
from .rows import Repository

MOST_HOOKS_PER_EVENT: Final = 20
MASKED: Final = "********"
ZEN: Final = "Write down what is broken before you mend it."


def _hook_json(hub: Hub, repository: Repository, hook: Hook) -> dict[str, Any]:
    url = f"{api_url(hub.base_url, repository)}/hooks/{hook.id}"
    config = dict(hook.config)
    if config.get("secret"):
        config["secret"] = MASKED
    return {
        "type": "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": list(hook.events),
        "config": config,
        "updated_at": iso(hook.updated_at),
        "created_at": iso(hook.created_at),
        "url": url,
        "test_url": f"{url}/test",
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
        "last_response": dict(hook.last_response),
    }


def found_hook(hub: Hub, request: Request) -> Hook:
    """The hook in the path."""
    row = hub.storage.row(
        "SELECT * FROM hooks WHERE repository_id = ? AND id = ?",
        request.repository.id,
        request.number("hook"),
    )
    if row is None:
        raise not_found()
    return hook_from(row)


def _wrong(message: str) -> Refusal:
    return invalid({"resource": "Hook", "code": "custom", "message": message})


def _events_in(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name) or []
    if not isinstance(value, list) or not all(isinstance(event, str) for event in value):
        raise wrong_type(name, value, "array")
    return tuple(dict.fromkeys(value))


def _config_in(fields: Mapping[str, Any]) -> dict[str, str]:
    """The whole configuration with GitHub's defaults. Raises 422 without a usable URL."""
    given = fields.get("config")
    if not isinstance(given, dict):
        raise missing_keys("config")
    url = given.get("url")
    if not isinstance(url, str) or not url:
        raise _wrong("Config must contain URL for webhooks")
    try:
        usable = urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    except ValueError:
        usable = False
    if not usable:
        raise _wrong("url is not a supported address")
    kind = given.get("content_type") or "form"
    if kind not in ("form", "json"):
        raise _wrong("content_type must be form or json")
    config = {"content_type": kind, "insecure_ssl": str(given.get("insecure_ssl") or 0)}
    if given.get("secret"):
        config["secret"] = str(given["secret"])
    return {**config, "url": url}


def _active_in(fields: Mapping[str, Any], otherwise: bool) -> bool:
    value = fields.get("active", otherwise)
    if not isinstance(value, bool):
        raise wrong_type("active", value, "boolean")
    return value


def _check_room(hub: Hub, repository: Repository, hook: Hook) -> None:
    others = [other for other in hub.outbox.hooks(repository) if other.id != hook.id]
    for event in hook.events:
        if sum(1 for other in others if event in other.events) >= MOST_HOOKS_PER_EVENT:
            most = MOST_HOOKS_PER_EVENT
            raise _wrong(f'The "{event}" event cannot have more than {most} hooks')
    if any((other.config, other.events) == (hook.config, hook.events) for other in others):
        raise _wrong("Hook already exists on this repository")


def list_hooks(hub: Hub, request: Request) -> Response:
    repository, hooks = request.repository, hub.outbox.hooks(request.repository)
    base = f"{hub.base_url}/repositories/{repository.id}/hooks"
    links = numbered_links(request, base, total=len(hooks))
    shown = [_hook_json(hub, repository, hook) for hook in numbered_page(request, hooks)]
    return Response(200, shown, links)


def get_hook(hub: Hub, request: Request) -> Response:
    hook = found_hook(hub, request)
    shown = _hook_json(hub, request.repository, hook)
    return Response(200, shown, last_modified=hook.updated_at)


def create_hook(hub: Hub, request: Request) -> Response:
    repository, fields = request.repository, request.fields()
    if fields.get("name", "web") != "web":
        raise invalid({"resource": "Hook", "code": "custom", "message": 'name must be "web"'})
    now = hub.now()
    hook = Hook(
        id=0,
        repository_id=repository.id,
        active=_active_in(fields, True),
        events=_events_in(fields, "events") or ("push",),
        config=_config_in(fields),
        created_at=now,
        updated_at=now,
        last_response=UNUSED,
    )
    _check_room(hub, repository, hook)
    columns = asdict(hook)
    del columns["id"]
    for name in ("events", "config", "last_response"):
        columns[name] = json.dumps(columns[name])
    hook = replace(hook, id=hub.storage.insert("hooks", **columns))
    _ping(hub, request, hook)
    shown = _hook_json(hub, repository, hook)
    return Response(201, shown, {"Location": shown["url"]})


def _ping(hub: Hub, request: Request, hook: Hook) -> None:
    """Also to a hook that is switched off: the ping is how one learns that it works."""
    repository = request.repository
    payload = {
        "zen": ZEN,
        "hook_id": hook.id,
        "hook": _hook_json(hub, repository, hook),
        "repository": hub.repository(repository),
        "sender": hub.user(request.user.login),
    }
    hub.outbox.send(Delivery(hook, str(uuid.uuid4()), "ping", None, payload, redelivery=False))


def edit_hook(hub: Hub, request: Request) -> Response:
    """``config`` replaces all of it; ``add_events`` and ``remove_events`` change the list."""
    hook, fields = found_hook(hub, request), request.fields()
    events = _events_in(fields, "events") or hook.events
    events = tuple(dict.fromkeys((*events, *_events_in(fields, "add_events"))))
    dropped = _events_in(fields, "remove_events")
    changed = replace(
        hook,
        active=_active_in(fields, hook.active),
        events=tuple(event for event in events if event not in dropped),
        config=_config_in(fields) if "config" in fields else hook.config,
        updated_at=hub.now(),
    )
    _check_room(hub, request.repository, changed)
    hub.storage.execute(
        "UPDATE hooks SET active = ?, events = ?, config = ?, updated_at = ? WHERE id = ?",
        changed.active,
        json.dumps(changed.events),
        json.dumps(changed.config),
        changed.updated_at,
        hook.id,
    )
    return Response(200, _hook_json(hub, request.repository, changed))


def delete_hook(hub: Hub, request: Request) -> Response:
    hook = found_hook(hub, request)
    hub.storage.execute("DELETE FROM deliveries WHERE hook_id = ?", hook.id)
    hub.storage.execute("DELETE FROM hooks WHERE id = ?", hook.id)
    return Response(204)


def ping_hook(hub: Hub, request: Request) -> Response:
    _ping(hub, request, found_hook(hub, request))
    return Response(204)


HOOKS = f"{REPOSITORY}/hooks"
HOOK = f"{HOOKS}/{{hook}}"
DOCS = "repos/webhooks"
ROUTES = (
    Route("GET", HOOKS, list_hooks, Needs.ADMIN, docs=f"{DOCS}#list-repository-webhooks"),
    Route("POST", HOOKS, create_hook, Needs.ADMIN, docs=f"{DOCS}#create-a-repository-webhook"),
    Route("GET", HOOK, get_hook, Needs.ADMIN, docs=f"{DOCS}#get-a-repository-webhook"),
    Route("PATCH", HOOK, edit_hook, Needs.ADMIN, docs=f"{DOCS}#update-a-repository-webhook"),
    Route("DELETE", HOOK, delete_hook, Needs.ADMIN, docs=f"{DOCS}#delete-a-repository-webhook"),
    Route("POST", f"{HOOK}/pings", ping_hook, Needs.ADMIN, docs=f"{DOCS}#ping"),
)
