"""How old an answer is, where it came from, and 304 for who has it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from app.fresh_reply import fresh_reply, has_etag
from github_store import IncidentNotFound, Outcome
from github_store.read_trace import note_read

NOW = 1_790_000_000.5


def asked(
    if_none_match: str | None = None, *, parts: tuple[tuple[Outcome, float], ...] = ()
) -> Response:
    headers = [(b"if-none-match", if_none_match.encode())] if if_none_match else []
    request = Request({"type": "http", "headers": headers})

    async def answer() -> dict[str, Any]:
        for part in parts:
            note_read(*part)
        return {"a": 1}

    reply = fresh_reply(request, answer(), shown=lambda found: found, clock=lambda: NOW)
    return asyncio.run(reply)


def test_an_answer_tells_its_age_and_where_it_came_from() -> None:
    parts = ((Outcome.HIT, NOW - 7.9), (Outcome.OUTAGE, NOW - 2))
    reply = asked(parts=parts)
    assert (reply.status_code, reply.body) == (200, b'{"a":1}')
    assert reply.headers["x-cache"] == "outage"
    assert reply.headers["age"] == "7"
    assert reply.headers["cache-control"] == "private, no-cache"


def test_a_clock_that_was_stepped_back_makes_nothing_younger_than_new() -> None:
    assert asked(parts=((Outcome.HIT, NOW + 100),)).headers["age"] == "0"


def test_who_has_the_answer_gets_none() -> None:
    etag = asked().headers["etag"]
    assert etag.startswith('"')
    reply = asked(etag)
    assert (reply.status_code, reply.body) == (304, b"")
    assert reply.headers["etag"] == etag
    assert "x-cache" in reply.headers


def test_that_there_is_nothing_is_an_answer_of_some_age_too() -> None:
    async def answer() -> None:
        note_read(Outcome.STALE, NOW - 20)
        raise IncidentNotFound(7)

    request = Request({"type": "http", "path": "/api/incident/7", "headers": []})
    reply = asyncio.run(fresh_reply(request, answer(), shown=str, clock=lambda: NOW))
    assert (reply.status_code, reply.headers["x-cache"], reply.headers["age"]) == (
        404,
        "stale",
        "20",
    )


@pytest.mark.parametrize(
    ("if_none_match", "has"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", W/"a" ,"c"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ("", False),
    ],
)
def test_etags_are_compared_weakly(if_none_match: str, has: bool) -> None:
    assert has_etag(if_none_match, '"a"') is has
