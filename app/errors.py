"""Every error as an HTTP answer, decided here and nowhere else: routes never catch.

What the store raises is a plain tree (its docstring draws it); the most special class that is
listed below decides. ``{"error", "detail"}`` is the shape of every one, the framework's own
errors included.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from app.refusal import Refused, refusal_reply
from github_store import (
    AccessLost,
    BrokenDocument,
    Conflict,
    GitHubOut,
    GitHubTimeout,
    GitHubUnavailable,
    IncidentEdited,
    IncidentNotFound,
    InvalidEnd,
    JournalUnavailable,
    KeyReused,
    OutcomePending,
    OutcomeUnknown,
    RateLimited,
    RecurringLines,
    StoreError,
    Unprocessable,
)

lines = RecurringLines(logging.getLogger(__name__))

CONFLICT_RETRY_SECONDS = 1

_ANSWERS: dict[type[StoreError], tuple[int, str]] = {
    IncidentNotFound: (404, "incident not found"),
    InvalidEnd: (400, "Invalid endDatetime"),
    IncidentEdited: (412, "incident was edited"),
    KeyReused: (422, "Idempotency-Key was used for another request"),
    Unprocessable: (422, "GitHub refused the content"),
    JournalUnavailable: (503, "the journal is not available"),
    BrokenDocument: (502, "the status file cannot be read"),
    Conflict: (503, "GitHub was changed at the same time"),
    RateLimited: (503, "GitHub's rate limit is reached"),
    GitHubOut: (503, "GitHub is not available"),
    GitHubTimeout: (504, "GitHub did not answer in time"),
    AccessLost: (502, "GitHub refuses access"),
    OutcomePending: (503, "the outcome is not known yet"),
    OutcomeUnknown: (502, "the outcome is unknown"),
    GitHubUnavailable: (502, "GitHub is not available"),
    StoreError: (502, "GitHub error"),
}


def refusal_of(error: StoreError) -> Refused:
    """The answer to an error of the store; its text is for a person and free of secrets."""
    status, message = next(_ANSWERS[kind] for kind in type(error).__mro__ if kind in _ANSWERS)
    return Refused(message, str(error), status=status, headers=_retry_headers(error))


def _retry_headers(error: StoreError) -> dict[str, str]:
    if isinstance(error, Conflict):
        return {"Retry-After": str(CONFLICT_RETRY_SECONDS)}
    # A write of unknown outcome may have happened: nobody is invited to repeat it blindly.
    if isinstance(error, GitHubUnavailable) and not isinstance(error, OutcomeUnknown):
        seconds = error.retry_after_seconds
        return {} if seconds is None else {"Retry-After": str(max(seconds, 1))}
    return {}


def install_error_answers(app: FastAPI) -> None:
    """Make every error, expected or not, answer in the one shape."""
    for kind, reply in _REPLIES.items():
        app.add_exception_handler(kind, reply)
    app.add_exception_handler(Exception, _on_fault)


def error_reply(error: Exception) -> Callable[[Request, Any], Awaitable[Response]] | None:
    """What makes the answer to an error; None for a fault of our own, which has to be logged."""
    return next((_REPLIES[kind] for kind in type(error).__mro__ if kind in _REPLIES), None)


async def _on_refused(request: Request, refused: Refused) -> Response:
    return refusal_reply(refused, path=request.url.path)


async def _on_store_error(request: Request, error: StoreError) -> Response:
    refused = refusal_of(error)
    if refused.status >= 500:
        # The line of the request tells each; this one why, once for what fails all of them alike.
        lines.warning(
            type(error).__name__,
            "%s %s: %s (%s)", request.method, request.url.path, refused.error, error,
        )  # fmt: skip
    return refusal_reply(refused, path=request.url.path)


async def _on_framework_error(request: Request, error: HTTPException) -> Response:
    path = request.url.path
    headers = dict(error.headers or {})
    detail = f"{request.method} {path} is no operation of this service; see /api-reference"
    if error.status_code == 405:
        headers["Allow"] = _allowed(request)
        detail = f"{path} takes {headers['Allow']}; see /api-reference"
    message = HTTPStatus(error.status_code).phrase.lower()
    return refusal_reply(Refused(message, detail, error.status_code, headers), path=path)


async def _on_disconnect(request: Request, _error: ClientDisconnect) -> Response:
    """Nobody reads this answer: the client left while sending."""
    refused = Refused("body incomplete", "the connection closed before the body was whole")
    return refusal_reply(refused, path=request.url.path)


def fault_reply(scope: Scope) -> Response:
    """Of a fault of our own the server logs the trace; the client learns that it is not to blame,
    and no more."""
    detail = "this is a fault of the service; its log says more"
    refused = Refused("internal error", detail, 500)
    return refusal_reply(refused, path=scope["path"])


async def _on_fault(request: Request, _error: Exception) -> Response:
    return fault_reply(request.scope)


_REPLIES: Final[dict[type[Exception], Callable[[Any, Any], Awaitable[Response]]]] = {
    Refused: _on_refused,
    StoreError: _on_store_error,
    HTTPException: _on_framework_error,
    ClientDisconnect: _on_disconnect,
}


def _allowed(request: Request) -> str:
    """The methods of every route of this path: Starlette knows only those of the first."""
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return ", ".join(sorted(methods))
