"""No spelling of any path opens a route to who shows no token, or lets a reader write."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import Message

from app.auth import Access
from app.guarded_route import GuardedRoute
from app.reception import Reception
from app.tokens import Right, Tokens
from tests.app.service import TOKEN, Service

READ_TOKEN = "a-token-that-may-read"
PUBLIC = {
    "/", "/healthz", "/readyz", "/openapi.json", "/openapi.yaml", "/api-reference",
}  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "ODD")


def app() -> Reception:
    return Service(access=Access(tokens=Tokens([TOKEN], read=[READ_TOKEN]))).app()


def routes() -> list[GuardedRoute]:
    framework = app().routed
    assert isinstance(framework, FastAPI)
    found = [route for route in framework.routes if isinstance(route, GuardedRoute)]
    assert len(found) == len(framework.routes), "a route of somebody else's guards nothing"
    return found


def status_of(reception: Reception, method: str, raw_path: str, *, token: str | None = None) -> int:
    """As a server hands the path on: decoded, whatever it holds."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": unquote(raw_path, errors="replace"),
        "raw_path": raw_path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())] if token else [],
        "client": ("203.0.113.9", 4711),
    }
    asyncio.run(reception(scope, receive, send))
    return int(sent[0]["status"])


def spellings(path: str) -> Iterator[str]:
    """The path, and what some server, proxy or router takes for the same."""
    yield path
    yield path.upper()
    yield path.title()
    yield path.replace("/", "//")
    yield path.replace("/", "/./")
    yield path.replace("/", "\\")
    yield path.replace("/", "%2F")
    yield path.replace("/", "%5c")
    yield path.replace("/", "/;x/")
    yield path[0] + "".join(f"%{ord(char):02x}" for char in path[1:])
    yield path[0] + "".join(f"%25{ord(char):02X}" for char in path[1:])
    for ending in (
        "/", "//", "/.", "/..", "/../", "%0A", "%0a%0a", "%0D%0A", "%00", "%20", "%09", "%7f",
        "%C2%85", "%E2%80%A8", "%FF", "?", "%3F", "#", "%23", ";", ";/", ".json", "~", "%2e%2e",
        "%85", "\n", "\r", "\0", "\t", " ", "\u2028",
    ):  # fmt: skip
        yield path + ending
    for beginning in ("/.", "//", "/%2e", "/x/..", "/%0A", "/%00", "\n", "%0A", "http://x"):
        yield beginning + path


PATHS = sorted({route.path.replace("{number}", "1") for route in routes()} | {"/api", "/api/"})
CLOSED = [path for path in PATHS if path not in PUBLIC and not path.startswith("/assets/")]


@pytest.mark.parametrize("path", CLOSED)
def test_no_spelling_lets_in_who_shows_no_token(path: str) -> None:
    reception = app()
    for spelling, method in itertools.product(spellings(path), METHODS):
        status = status_of(reception, method, spelling)
        assert status in {400, 401, 404, 405}, (method, spelling, status)


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_lets_a_reader_write(path: str) -> None:
    reception = app()
    for spelling, method in itertools.product(spellings(path), METHODS[2:]):
        status = status_of(reception, method, spelling, token=READ_TOKEN)
        assert status in {400, 401, 403, 404, 405}, (method, spelling, status)


@pytest.mark.parametrize(
    "route", routes(), ids=lambda route: f"{min(route.methods or ())} {route.path}"
)
def test_a_path_with_a_control_character_is_400_for_everybody(route: GuardedRoute) -> None:
    path = route.path.replace("{number}", "1")
    for ending in ("%0A", "%00", "%0d", "%7F", "%C2%85", "%1b"):
        for token in (None, TOKEN):
            assert status_of(app(), "GET", path + ending, token=token) == 400


def test_what_is_open_is_on_this_list() -> None:
    public = {route.path for route in routes() if route.needs is Right.NONE}
    assert {path for path in public if not path.startswith("/assets/")} == PUBLIC


def test_what_a_reader_may_do_is_to_read() -> None:
    reads = {
        (method, route.path)
        for route in routes()
        if route.needs is Right.READ
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert {each for each in reads if each[0] != "GET"} == {("POST", "/api/incident")}
    # Which is a search where it has a query, and asks for the right to write where it has none.
    assert status_of(app(), "POST", "/api/incident", token=READ_TOKEN) == 403


def test_a_route_is_closed_unless_it_says_otherwise() -> None:
    async def never(_request: object) -> None:
        raise AssertionError("nobody is let in")

    route = GuardedRoute("/new", never, methods=["GET"])  # type: ignore[arg-type]
    assert isinstance(route, Route)
    assert route.needs is Right.WRITE
