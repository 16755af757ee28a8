"""Where GitHub delivers its webhooks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.guarded_route import GuardedRoute
from app.json_reply import json_reply
from app.reception import Direct
from app.refusal import Refused
from app.request_body import HOOK_ROOM, read_or_digest
from app.tokens import Right
from github_store import HOOK_PATH, ForgedDelivery, Inbox, MalformedDelivery

PATIENCE_SECONDS: Final = 10.0
"""How long a delivery may take to arrive: GitHub itself gives up after so long."""
MAX_DELIVERY_BYTES: Final = 26_214_400
"""GitHub sends no larger one."""

_SIGNATURE: Final = re.compile("sha256=[0-9a-f]{64}")


class WebhookRoutes:
    """``note`` learns of each delivery's event and what became of it.

    Anybody may send here, as a signature takes the place of a token: what is on its way has a room
    of its own.
    """

    def __init__(self, inbox: Inbox, *, note: Callable[[str, str], None]) -> None:
        self._inbox = inbox
        self._note = note
        self._direct = Direct(self.take, Right.NONE)

    def direct(self, method: str, path: str) -> Direct | None:
        """Past the framework: the service may not be busy with what is forged."""
        return self._direct if path == HOOK_PATH and method == "POST" else None

    def routes(self) -> list[GuardedRoute]:
        return [
            GuardedRoute(
                HOOK_PATH, self.take, methods=["POST"], name="takeWebhook", needs=Right.NONE
            )
        ]

    async def take(self, request: Request) -> Response:
        headers = request.headers
        event = headers.get("x-github-event", "")
        if not self._inbox.is_open:
            self._note(event, "refused")
            raise Refused(
                "webhooks are not set up",
                "set GITHUB_WEBHOOK_SECRET to the secret of the repository's webhook",
                status=403,
            )
        signature = headers.get("x-hub-signature-256", "")
        if not _SIGNATURE.fullmatch(signature):
            self._note(event, "refused")
            raise _forged("expected sha256= and 64 hexadecimal digits")
        try:
            is_applied = await self._taken(request, event=event, signature=signature)
        except Refused:
            self._note(event, "failed")
            raise
        except ForgedDelivery as error:
            self._note(event, "refused")
            raise _forged(str(error)) from None
        except MalformedDelivery as error:
            self._note(event, "failed")
            raise Refused("malformed payload", str(error)) from None
        self._note(event, "applied" if is_applied else "ignored")
        return json_reply({"status": "applied" if is_applied else "ignored"})

    async def _taken(self, request: Request, *, event: str, signature: str) -> bool:
        digest = self._inbox.digest()
        body = await read_or_digest(
            request,
            digest.update,
            most_bytes=MAX_DELIVERY_BYTES,
            within_seconds=PATIENCE_SECONDS,
            room=HOOK_ROOM,
        )
        if body is None:
            self._inbox.take_unread(digest, signature=signature)
            return True
        return await self._inbox.take(
            body,
            event=event,
            delivery_id=request.headers.get("x-github-delivery", ""),
            signature=signature,
            content_type=request.headers.get("content-type", ""),
        )


def _forged(problem: str) -> Refused:
    return Refused("invalid signature", f"X-Hub-Signature-256: {problem}", status=401)
