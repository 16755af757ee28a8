"""What a client wants an answer to be, by its ``Accept`` header.

GitHub's media types read ``application/vnd.github[.v3][.PARAM][+json]``; the parameter comes after
the version, and the first known one of the header decides.
"""

from __future__ import annotations

import re
from typing import Final

from .exchange import Request, Response

_GITHUB_TYPE: Final = re.compile(r"application/vnd\.github(?:\.v3)?\.(raw|object|html)(?:\+json)?")


def wanted_form(request: Request) -> str:
    """``raw``, ``object``, ``html``, or "" for plain JSON."""
    found = _GITHUB_TYPE.search(request.headers.get("accept", "").lower())
    return found[1] if found else ""


def raw_response(request: Request, data: bytes) -> Response:
    """A file's bytes; the content type is the one that was asked for."""
    found = _GITHUB_TYPE.search(request.headers.get("accept", "").lower())
    kind = found[0] if found else "application/octet-stream"
    response = Response(200, data, content_type=f"{kind}; charset=utf-8")
    response.raw = True
    response.media_type = "github.v3; param=raw"
    return response
