"""Webhooks on their way: hooks in the database, a queue and a thread for each that is busy.

Deliveries go to loopback addresses only, the reverse of GitHub's own rule: this server must not be
a way to send requests into anybody's network. Any other address is recorded as a failed delivery.
Nothing is retried, as on GitHub; a redelivery keeps the delivery's GUID.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import logging
import sqlite3
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlsplit

from ..errors import GitHubUnavailable
from ..failing_items import NO_PAUSE, FailingItems
from ..hook_setup import shown_url
from .rows import Repository
from .storage import Storage

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
LARGEST_PAYLOAD = 25_000_000
UNUSED = {"code": None, "status": "unused", "message": None}


@dataclass(frozen=True, slots=True)
class Hook:
    id: int
    repository_id: int
    active: bool
    events: tuple[str, ...]
    config: Mapping[str, str]
    created_at: int
    updated_at: int
    last_response: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to be made."""

    hook: Hook
    guid: str
    event: str
    action: str | None
    payload: Mapping[str, Any]
    redelivery: bool


def hook_from(row: sqlite3.Row) -> Hook:
    return Hook(
        id=row["id"],
        repository_id=row["repository_id"],
        active=bool(row["active"]),
        events=tuple(json.loads(row["events"])),
        config=json.loads(row["config"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_response=json.loads(row["last_response"]),
    )


def is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets around what is no address
        return False
    if parts.scheme != "http" or not parts.hostname:
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def signed_request(delivery: Delivery) -> tuple[dict[str, str], bytes]:
    """Headers and raw body of a delivery; the signature is over the raw body in either form."""
    config = delivery.hook.config
    text = json.dumps(delivery.payload, ensure_ascii=False, separators=(",", ":"))
    as_form = config.get("content_type", "form") != "json"
    body = f"payload={quote_plus(text)}".encode() if as_form else text.encode()
    kind = "application/x-www-form-urlencoded" if as_form else "application/json"
    headers = {
        "Accept": "*/*",
        "Content-Type": kind,
        "User-Agent": f"GitHub-Hookshot/{delivery.guid[:7]}",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(delivery.hook.id),
        "X-GitHub-Hook-Installation-Target-ID": str(delivery.hook.repository_id),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
    }
    if config.get("secret"):
        digest = hmac.new(config["secret"].encode(), body, hashlib.sha256).hexdigest()
        headers["X-Hub-Signature-256"] = f"sha256={digest}"
    return headers, body


class HookOutbox:
    """Delivers in order to each hook, and to all of them side by side: a receiver that hangs keeps
    only its own deliveries waiting."""

    def __init__(self, storage: Storage, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._clock = clock
        self._busy = threading.Condition()
        self._pending = 0
        self._waiting: dict[int, deque[Delivery]] = {}
        """By hook. There is a thread for each, until nothing waits."""
        self._threads: set[threading.Thread] = set()
        self._is_running = False
        self._failing: FailingItems[str] = FailingItems(
            "hook", "delivering to", clock=clock, backoff=lambda _error: NO_PAUSE
        )

    def start(self) -> None:
        with self._busy:
            self._is_running = True
            for hook_id in self._waiting:
                self._begin(hook_id)

    def stop(self, timeout_seconds: float) -> None:
        """End the threads; deliveries that are still waiting are dropped."""
        with self._busy:
            self._is_running = False
            threads = list(self._threads)
        until = time.monotonic() + timeout_seconds
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def wait_until_idle(self, timeout_seconds: float) -> bool:
        """Whether everything queued so far was delivered (or failed) in time."""
        with self._busy:
            return self._busy.wait_for(lambda: self._pending == 0, timeout_seconds)

    def hooks(self, repository: Repository) -> list[Hook]:
        rows = self._storage.rows(
            "SELECT * FROM hooks WHERE repository_id = ? ORDER BY id", repository.id
        )
        return [hook_from(row) for row in rows]

    def listens(self, repository: Repository, event: str) -> bool:
        return any(_wants(hook, event) for hook in self.hooks(repository))

    def enqueue(
        self, repository: Repository, event: str, action: str | None, payload: Mapping[str, Any]
    ) -> None:
        """Send to every hook that wants the event, once the transaction is committed."""
        for hook in self.hooks(repository):
            if _wants(hook, event):
                self.send(Delivery(hook, str(uuid.uuid4()), event, action, payload, False))

    def send(self, delivery: Delivery) -> None:
        self._storage.after_commit(lambda: self._put(delivery))

    def _put(self, delivery: Delivery) -> None:
        with self._busy:
            self._pending += 1
            hook_id = delivery.hook.id
            is_first = hook_id not in self._waiting
            self._waiting.setdefault(hook_id, deque()).append(delivery)
            if is_first and self._is_running:
                self._begin(hook_id)

    def _begin(self, hook_id: int) -> None:
        thread = threading.Thread(
            target=self._run, args=(hook_id,), name=f"embedded-hook-{hook_id}", daemon=True
        )
        self._threads.add(thread)
        thread.start()

    def _run(self, hook_id: int) -> None:
        while (delivery := self._next(hook_id)) is not None:
            try:
                self._deliver(delivery)
            except sqlite3.ProgrammingError:  # the database was closed by stop()
                return
            except Exception:  # whatever it is, the deliveries after it go out
                log.exception("a delivery of the event %s met a fault of ours", delivery.event)
            finally:
                with self._busy:
                    self._pending -= 1
                    self._busy.notify_all()

    def _next(self, hook_id: int) -> Delivery | None:
        """The hook's next delivery; None ends its thread."""
        with self._busy:
            if self._is_running and self._waiting[hook_id]:
                return self._waiting[hook_id].popleft()
            del self._waiting[hook_id]
            self._threads.discard(threading.current_thread())
            return None

    def _deliver(self, delivery: Delivery) -> None:
        headers, body = signed_request(delivery)
        started = time.monotonic()
        code, reason, answer_headers, answer = _post(delivery.hook.config["url"], headers, body)
        duration = round(time.monotonic() - started, 2)
        self._note(delivery.hook.config["url"], code, reason)
        row = {
            "hook_id": delivery.hook.id,
            "guid": delivery.guid,
            "event": delivery.event,
            "action": delivery.action,
            "delivered_at": self._clock(),
            "duration": duration,
            "status": reason,
            "status_code": code,
            "redelivery": delivery.redelivery,
            "request": json.dumps({"headers": headers, "payload": delivery.payload}),
            "response": json.dumps({"headers": answer_headers, "payload": answer}),
        }
        last = {
            "code": code or None,
            "status": "active" if 200 <= code < 300 else "failed",
            "message": reason,
        }
        with self._storage.transaction():
            self._storage.insert("deliveries", **row)
            self._storage.execute(
                "UPDATE hooks SET last_response = ? WHERE id = ?",
                json.dumps(last),
                delivery.hook.id,
            )

    def _note(self, url: str, code: int, reason: str) -> None:
        with self._busy:
            if 200 <= code < 300:
                self._failing.succeeded(shown_url(url))
            else:
                self._failing.failed(shown_url(url), GitHubUnavailable(reason))


def _wants(hook: Hook, event: str) -> bool:
    return hook.active and (event in hook.events or "*" in hook.events)


def _post(
    url: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, str, dict[str, str], str]:
    """Status code (0: none), short text, headers and the beginning of the body."""
    if not is_loopback(url):
        return 0, "failed to connect to host: not a loopback address", {}, ""
    if len(body) > LARGEST_PAYLOAD:
        return 0, "payload too large", {}, ""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port or 80, timeout=TIMEOUT_SECONDS
        )
        try:
            connection.request("POST", target, body, dict(headers))
            response = connection.getresponse()
            text = response.read(65_536).decode(errors="replace")
        finally:
            connection.close()
    except TimeoutError:
        return 0, "timed out", {}, ""
    except (OSError, http.client.HTTPException, ValueError):
        return 0, "failed to connect to host", {}, ""
    reason = "OK" if 200 <= response.status < 300 else f"Invalid HTTP Response: {response.status}"
    return response.status, reason, dict(response.getheaders()), text
