"""Routes that decide themselves who may call them, so that no spelling of a path gets around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.auth import Access
from app.refusal import Refused, refusal_reply
from app.tokens import Right

ACCESS: Final = "kener_issues.access"
"""In the scope of a request: the service's ``Access``, without which nobody is let in."""
GUARDED: Final = "/api"


class GuardedRoute(Route):
    """A route whose caller needs a right: the highest one unless it says otherwise.

    It is decided before the method is looked at, and before anything of the body is read.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        *,
        methods: Sequence[str],
        name: str | None = None,
        needs: Right = Right.WRITE,
    ) -> None:
        super().__init__(path, endpoint, methods=list(methods), name=name)
        self.needs = needs

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = refusal_of_caller(scope, needs=self.needs)
        if refused:
            await refusal_reply(refused, path=scope["path"])(scope, receive, send)
        else:
            await super().handle(scope, receive, send)


def refusal_of_caller(scope: Scope, *, needs: Right) -> Refused | None:
    """Why a request is not let in, None when it is."""
    if needs is Right.NONE:
        return None
    access: Access = scope[ACCESS]
    client = scope.get("client")
    return access.refusal(scope["headers"], peer=client[0] if client else None, needs=needs)


def require(request: Request, needs: Right) -> None:
    """Raises Refused for a caller who lacks the right: for what a route alone cannot tell."""
    if refused := refusal_of_caller(request.scope, needs=needs):
        raise refused


async def no_route(scope: Scope, _receive: Receive, _send: Send) -> None:
    """Of paths below ``/api`` nobody learns without a token whether there is an operation."""
    path: str = scope["path"]
    if path == GUARDED or path.startswith(f"{GUARDED}/"):
        require(Request(scope), Right.READ)
    raise HTTPException(status_code=404)
