"""What a request is answered that the stopping service can't wait for."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.refusal import Refused, refusal_reply


class Stopping:
    """ASGI middleware: the server cancels what runs too long at its end; that is an answer too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except asyncio.CancelledError:
            if begun or scope["type"] != "http":
                raise
            reads = scope["method"] in {"GET", "HEAD"}
            unknown = "" if reads else "; whether this write happened is not known"
            refused = Refused("the service is stopping", f"GitHub did not answer{unknown}", 503)
            await refusal_reply(refused, path=scope["path"])(scope, receive, send)
