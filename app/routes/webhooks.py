"""Where GitHub delivers its webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.json_reply import json_reply
from app.refusal import Refused
from app.request_body import read_body
from github_store import HOOK_PATH, ForgedDelivery, Inbox, MalformedDelivery

PATIENCE_SECONDS: Final = 10.0
"""How long a delivery may take to arrive: GitHub itself gives up after so long."""


class WebhookRoutes:
    """``note`` learns of each delivery's event and what became of it."""

    def __init__(self, inbox: Inbox, *, note: Callable[[str, str], None]) -> None:
        self._inbox = inbox
        self._note = note

    def routes(self) -> list[BaseRoute]:
        return [Route(HOOK_PATH, self.take, methods=["POST"], name="takeWebhook")]

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
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                body = await read_body(request)
            is_applied = await self._inbox.take(
                body,
                event=event,
                delivery_id=headers.get("x-github-delivery", ""),
                signature=headers.get("x-hub-signature-256"),
                content_type=headers.get("content-type", ""),
            )
        except TimeoutError:
            self._note(event, "failed")
            raise Refused(
                "the body came too slowly", "send it within 10 seconds", status=408
            ) from None
        except ForgedDelivery as error:
            self._note(event, "refused")
            raise Refused(
                "invalid signature", f"X-Hub-Signature-256: {error}", status=401
            ) from None
        except MalformedDelivery as error:
            self._note(event, "failed")
            raise Refused("malformed payload", str(error)) from None
        self._note(event, "applied" if is_applied else "ignored")
        return json_reply({"status": "applied" if is_applied else "ignored"})
