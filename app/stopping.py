"""What a request is answered that the stopping service can't wait for."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Scope

from app.refusal import Refused, refusal_reply


def stopping_reply(scope: Scope) -> Response:
    """The server cancels what runs too long at its end; that is an answer too."""
    reads = scope["method"] in {"GET", "HEAD"}
    unknown = "" if reads else "; whether this write happened is not known"
    refused = Refused("the service is stopping", f"GitHub did not answer{unknown}", 503)
    return refusal_reply(refused, path=scope["path"])
