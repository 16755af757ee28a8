"""The operations that monitors and pages repeat all day, past the framework's own layers.

Those take as long as the operations themselves. What is answered is the same, to the byte: the
routes stay for every other method, and errors become answers in the one place that knows how.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import error_reply

Operation = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Direct:
    """An operation, and what its path says."""

    operation: Operation
    path_params: Mapping[str, str] = field(default_factory=dict)


class DirectOperations:
    """ASGI middleware: ``find`` is asked with method and path, in turn; what none knows goes on
    to the routes."""

    def __init__(
        self, app: ASGIApp, *, find: Sequence[Callable[[str, str], Direct | None]]
    ) -> None:
        self._app = app
        self._find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = self._found(scope) if scope["type"] == "http" else None
        if direct is None:
            await self._app(scope, receive, send)
            return
        operation = direct.operation
        # As the router does, for whoever tells of the request afterwards.
        scope["endpoint"], scope["path_params"] = operation, dict(direct.path_params)
        request = Request(scope, receive)
        try:
            reply = await operation(request)
        except Exception as error:
            answer = error_reply(error)
            if answer is None:  # a fault of our own: whoever stands outside logs it and answers
                raise
            reply = await answer(request, error)
        await reply(scope, receive, send)

    def _found(self, scope: Scope) -> Direct | None:
        for find in self._find:
            if direct := find(scope["method"], scope["path"]):
                return direct
        return None
