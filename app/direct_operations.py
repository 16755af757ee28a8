"""The operations that every monitor calls every minute, past the framework's own layers.

Those take as long as the operations themselves. What is answered is the same, to the byte: the
routes stay for every other method, and errors become answers in the one place that knows how.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import error_reply

Operation = Callable[[Request], Awaitable[Response]]


class DirectOperations:
    """ASGI middleware: ``operations`` by method and path; everything else goes on to the routes."""

    def __init__(self, app: ASGIApp, *, operations: Mapping[tuple[str, str], Operation]) -> None:
        self._app = app
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = (
            self._operations.get((scope["method"], scope["path"]))
            if scope["type"] == "http"
            else None
        )
        if operation is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            reply = await operation(request)
        except Exception as error:
            answer = error_reply(error)
            if answer is None:  # a fault of our own: whoever stands outside logs it and answers
                raise
            reply = await answer(request, error)
        await reply(scope, receive, send)
