"""What every request meets first, and what is told of it afterwards.

It gets an id, and goes to its operation, which lets its caller in or not before anything of the
body is read: straight
to those that monitors and pages repeat all day, since the framework's own layers take as long as
they do; to the routes of the framework otherwise. What is answered is the same, to the byte. It
gets an answer whatever happens, and leaves one line and one count.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth import Access
from app.errors import error_reply, fault_reply
from app.guarded_route import ACCESS, refusal_of_caller
from app.no_request import REFUSED
from app.refusal import Refused, refusal_reply
from app.request_id import HEADER, REQUEST_ID, current_request_id, given_id, new_ids
from app.root_path import path_below
from app.stopping import stopping_reply
from app.tokens import Right

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Operation = Callable[[Request], Awaitable[Response]]
Note = Callable[[Scope, str, int, float], None]


@dataclass(frozen=True, slots=True)
class Direct:
    """An operation, what its caller needs, and what its path says."""

    operation: Operation
    needs: Right = Right.WRITE
    path_params: Mapping[str, str] = field(default_factory=dict)


class Reception:
    """ASGI. ``direct`` are asked with method and path, in turn; what none knows is ``routed``.

    Both decide by ``access`` who may call. ``note`` is told of every request with its id, its
    answer's status (0 where none was sent) and its seconds. ``root_path``: see root_path.py; from
    here on no path shows it. ``timer`` gives seconds that never go back.
    """

    def __init__(
        self,
        routed: ASGIApp,
        *,
        direct: Sequence[Callable[[str, str], Direct | None]] = (),
        access: Access,
        note: Note,
        root_path: str = "",
        ids: Callable[[], str] | None = None,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.routed = routed
        self.direct = tuple(direct)
        self._access = access
        self._note = note
        self._root_path = root_path
        self._ids = ids or new_ids()
        self._timer = timer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.routed(scope, receive, send)
            return
        request_id = scope.get(REQUEST_ID) or given_id(scope["headers"]) or self._ids()
        scope[REQUEST_ID] = request_id
        scope[ACCESS] = self._access
        scope["path"] = path_below(self._root_path, scope["path"])
        current_request_id.set(request_id)  # the server gives every request a task of its own
        answer = _Answer(send, request_id)
        began = self._timer()
        try:
            await self._answered(scope, receive, answer)
        except asyncio.CancelledError:  # the server stops, and what runs too long at its end
            if answer.status:
                raise
            await stopping_reply(scope)(scope, receive, answer)
        except Exception:
            if not answer.status:
                await fault_reply(scope)(scope, receive, answer)
            raise  # the server logs it
        finally:
            status = scope.get(REFUSED, answer.status)  # the protocol answered before us
            self._note(scope, request_id, status, self._timer() - began)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if _CONTROL.search(path):
            refused = Refused("bad request", "the path: expected one without control characters")
            await refusal_reply(refused, path=path)(scope, receive, send)
            return
        if not path and self._root_path:
            await RedirectResponse(f"{self._root_path}/", 308)(scope, receive, send)
            return
        direct = self._directly(scope["method"], path)
        if direct is None:
            await self.routed(scope, receive, send)
            return
        # As the router does, for whoever tells of the request afterwards.
        scope["endpoint"], scope["path_params"] = direct.operation, direct.path_params
        if refusal := refusal_of_caller(scope, needs=direct.needs):
            await refusal_reply(refusal, path=path)(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            reply = await direct.operation(request)
        except Exception as error:
            answer = error_reply(error)
            if answer is None:
                raise
            reply = await answer(request, error)
        await reply(scope, receive, send)

    def _directly(self, method: str, path: str) -> Direct | None:
        for find in self.direct:
            if direct := find(method, path):
                return direct
        return None


class _Answer:
    """Sends an answer with the request's id, and knows its status; 0 until it has begun."""

    __slots__ = ("_header", "_send", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._header = (HEADER, request_id.encode())
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), self._header]
        await self._send(message)
