"""A request that is not carried out: the one shape of every error answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import Response

from app.json_reply import json_reply

STATUS_PATH = "/api/status"


@dataclass(slots=True)
class Refused(Exception):
    """``error`` is for programs (Kener's words where it has some), ``detail`` for a person."""

    error: str
    detail: str
    status: int = 400
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal_reply(refused: Refused, *, path: str) -> Response:
    """The answer. Kener's errors of ``/api/status`` repeat the status in the body; its 401 not."""
    body: dict[str, str | int] = {"error": refused.error, "detail": refused.detail}
    if path == STATUS_PATH and refused.status != 401:
        body = {"status": refused.status, **body}
    return json_reply(body, status=refused.status, headers=refused.headers)
