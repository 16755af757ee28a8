"""Who may call: the token first, then the address, before anything is read."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from starlette.types import Message

from app.auth import Access
from app.client_address import parse_address, parse_network
from app.tokens import Tokens
from tests.app.service import TOKEN, Client, Service

OPERATIONS = [
    ("GET", "/api/status"),
    ("POST", "/api/status"),
    ("GET", "/api/incident"),
    ("POST", "/api/incident"),
    ("GET", "/api/incident/1"),
    ("PATCH", "/api/incident/1"),
    ("GET", "/api/incident/1/comment"),
    ("POST", "/api/incident/1/comment"),
    ("POST", "/api/incident/1/status"),
    ("GET", "/api"),
    ("GET", "/api/"),
    ("GET", "/api/no/such/route"),
    ("DELETE", "/api/status"),
    ("GET", "/%61pi/status"),
]


def client(**rules: Any) -> Client:
    peer = rules.pop("peer", "203.0.113.9")
    return Service(access=Access(tokens=Tokens([TOKEN]), **rules)).client(peer=peer)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=" ".join)
def test_nothing_under_api_answers_without_the_token(method: str, path: str) -> None:
    service = Service()
    reply = service.client(token=None).request(method, path)
    assert reply.status_code == 401
    assert reply.json()["error"] == "invalid token"
    assert set(reply.json()) == {"error", "detail"}
    assert reply.headers["www-authenticate"] == "Bearer"
    assert service.incidents.asked == []


@pytest.mark.parametrize(
    ("header", "is_let_in"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer {TOKEN}", True),
        (f"BEARER   {TOKEN} ", True),
        (TOKEN, False),
        ("Bearer", False),
        ("Bearer ", False),
        (f"Basic {TOKEN}", False),
        (f"Bearer{TOKEN}", False),
        (f"Bearer {TOKEN}x", False),
        (f"Bearer {TOKEN[:-1]}", False),
        (f"Bearer {TOKEN.upper()}", False),
        (f"Bearer {TOKEN}, Bearer {TOKEN}", False),
        ("", False),
    ],
)
def test_the_token_comes_with_its_scheme(header: str, is_let_in: bool) -> None:
    reply = Service().client(token=None).get("/api/incident", headers={"Authorization": header})
    assert reply.status_code == (200 if is_let_in else 401)


def test_two_tokens_are_none() -> None:
    headers = [("Authorization", f"Bearer {TOKEN}")] * 2
    assert Service().client(token=None).get("/api/incident", headers=headers).status_code == 401


def test_a_token_may_have_any_characters() -> None:
    service = Service(access=Access(tokens=Tokens(["schlüssel mit leerzeichen"])))
    header = "Bearer schlüssel mit leerzeichen".encode()
    reply = service.client(token=None).get("/api/incident", headers={"Authorization": header})
    assert reply.status_code == 200


def test_there_is_no_access_by_an_empty_token() -> None:
    with pytest.raises(ValueError):
        Tokens([""])


@pytest.mark.parametrize("path", ["/", "/healthz", "/openapi.json", "/api-reference", "/apiary"])
def test_documents_need_no_token(path: str) -> None:
    assert Service().client(token=None).get(path).status_code != 401


@pytest.mark.parametrize(
    ("rules", "peer", "is_let_in"),
    [
        ({}, "203.0.113.9", True),
        ({"ip": parse_address("203.0.113.9")}, "203.0.113.9", True),
        ({"ip": parse_address("203.0.113.9")}, "::ffff:203.0.113.9", True),
        ({"ip": parse_address("203.0.113.9")}, "203.0.113.90", False),
        ({"ip": parse_address("2001:db8::9")}, "2001:db8:0::9", True),
        ({"ip_pattern": re.compile(r"^203\.")}, "203.0.113.9", True),
        ({"ip_pattern": re.compile(r"113")}, "203.0.113.9", True),
        ({"ip_pattern": re.compile(r"^113")}, "203.0.113.9", False),
        ({"ip": parse_address("192.0.2.7"), "ip_pattern": re.compile(".")}, "203.0.113.9", False),
        ({"ip": parse_address("203.0.113.9"), "ip_pattern": re.compile("x")}, "203.0.113.9", True),
        ({"ip_pattern": re.compile(".*")}, "somewhere", False),
    ],
)
def test_the_address_decides_after_the_token(
    rules: dict[str, Any], peer: str, is_let_in: bool
) -> None:
    reply = client(**rules, peer=peer).get("/api/incident")
    assert reply.status_code == (200 if is_let_in else 401)
    if not is_let_in:
        address = parse_address(peer) or "unknown"
        assert reply.json()["error"] == f"invalid ip: {address}"


def test_a_wrong_token_is_named_before_a_wrong_address() -> None:
    service = Service(access=Access(tokens=Tokens([TOKEN]), ip=parse_address("192.0.2.7")))
    assert service.client(token="x").get("/api/incident").json()["error"] == "invalid token"


def test_a_forwarded_address_counts_only_from_a_trusted_proxy() -> None:
    allowed = {"ip": parse_address("192.0.2.7")}
    headers = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7"}
    trusting = {**allowed, "trusted_proxies": [parse_network("203.0.113.0/24")]}
    refused = client(**allowed).get("/api/incident", headers=headers)
    assert refused.json()["error"] == "invalid ip: 203.0.113.9"
    assert client(**trusting).get("/api/incident", headers=headers).status_code == 200
    by_real_ip = client(**trusting).get("/api/incident", headers={"X-Real-IP": "192.0.2.7"})
    assert by_real_ip.status_code == 200


def test_a_body_is_not_read_for_who_may_not_call() -> None:
    async def never() -> Message:
        raise AssertionError("the body was asked for")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/incident",
        "headers": [(b"content-length", b"9")],
        "query_string": b"",
        "client": None,
    }
    asyncio.run(Service().app()(scope, never, send))
    assert sent[0]["status"] == 401
