"""The interactive reference and the front page: static, our own, and without any other host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A document that is ready to be sent."""

    content: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=lambda: dict(_HEADERS))


def _asset(name: str, media_type: str) -> Page:
    return Page(files("app").joinpath("assets", name).read_bytes(), media_type)


PAGES: Mapping[str, Page] = {
    "/": _asset("index.html", "text/html"),
    "/api-reference": _asset("reference.html", "text/html"),
    "/assets/reference.css": _asset("reference.css", "text/css"),
    "/assets/reference.js": _asset("reference.js", "text/javascript"),
}
"""By path."""
