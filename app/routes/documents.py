"""What the service says about itself, to anybody: no token is needed here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from app import __version__
from app.api_reference import PAGES, Page
from app.guarded_route import GuardedRoute
from app.json_reply import json_bytes
from app.openapi import openapi_document, openapi_yaml
from app.tokens import Right


def document_routes(root_path: str = "") -> list[GuardedRoute]:
    """``root_path``: see root_path.py."""
    return [_route(path, page) for path, page in _pages(root_path).items()]


@cache
def _pages(root_path: str) -> Mapping[str, Page]:
    """Every document by its path, rendered once: parsing the description takes a while."""
    health = json_bytes({"status": "ok", "version": __version__})
    return {
        "/healthz": Page(health, "application/json"),
        "/openapi.json": Page(json_bytes(openapi_document(root_path)), "application/json"),
        "/openapi.yaml": Page(openapi_yaml(root_path), "application/yaml"),
        **PAGES,
    }


def _route(path: str, page: Page) -> GuardedRoute:
    async def answer(_request: Request) -> Response:
        return Response(page.content, media_type=page.media_type, headers=dict(page.headers))

    return GuardedRoute(path, answer, methods=["GET"], needs=Right.NONE)
