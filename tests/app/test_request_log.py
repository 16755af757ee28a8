"""One line a request, in one of two formats; no secret in any line, and no line that is forged."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth import Access
from app.client_address import parse_network
from app.log_lines import LogFormat
from app.log_stream import logging_to
from app.redaction import HIDDEN, Redaction
from app.request_id import current_request_id, given_id, new_ids
from app.settings import read_settings, secrets_of
from app.tokens import Tokens
from app.visible_text import visible_text
from github_store import GitHubUnavailable, JournalUnavailable, OutcomeUnknown
from tests.app.service import TOKEN, Service

INCIDENT = {"title": "Down", "tags": ["earth"], "body": "text"}
PUSH = {"status": "UP", "latency": 0, "tag": "earth"}
FORMATS: list[LogFormat] = ["text", "json"]
GH_TOKEN = 'ghp_quoted"and\\slashed+and/per%cent'


@contextmanager
def captured(
    log_format: LogFormat = "json", redaction: Redaction | None = None
) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    redaction = redaction or Redaction()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the tests' own client
    with logging_to(stream, log_format=log_format, redaction=redaction):
        yield stream


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    """Those of requests, parsed."""
    parsed = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in parsed if line["logger"] == "kener_issues.requests"]


# what a request leaves


def test_a_line_tells_method_route_status_milliseconds_address_and_id() -> None:
    with captured() as stream:
        reply = Service().client(peer="192.0.2.9").get("/api/incident/12?title_like=private")
    [line] = lines_of(stream)
    assert line.pop("ms") >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "info",
        "logger": "kener_issues.requests",
        "message": "GET /api/incident/{number} 404",
        "id": reply.headers["x-request-id"],
        "method": "GET",
        "route": "/api/incident/{number}",
        "status": 404,
        "address": "192.0.2.9",
        "incident": 12,
    }


def test_a_line_of_text_tells_the_same() -> None:
    with captured("text") as stream:
        reply = Service().client().get("/api/status?tag=earth")
    [line] = [each for each in stream.getvalue().splitlines() if "/api/status" in each]
    expected = (
        r"\S+Z INFO GET /api/status 200  "
        rf"id={reply.headers['x-request-id']} ms=[0-9.]+ address=127\.0\.0\.1"
    )
    assert re.fullmatch(expected, line)


def test_the_address_is_the_one_that_the_rules_look_at() -> None:
    access = Access(tokens=Tokens([TOKEN]), trusted_proxies=[parse_network("10.0.0.0/8")])
    with captured() as stream:
        client = Service(access=access).client(peer="10.1.1.1")
        client.get("/healthz", headers={"X-Forwarded-For": "192.0.2.7, 198.51.100.3"})
        client.get("/healthz", headers={"X-Forwarded-For": "forged\r\n, nonsense"})
    assert [line["address"] for line in lines_of(stream)] == ["198.51.100.3", "unknown"]


def test_a_bug_is_logged_with_its_trace_and_answered_with_its_id() -> None:
    service = Service()
    service.incidents.failure = RuntimeError("a bug")
    with captured() as stream:
        reply = service.client().get("/api/incident/1")
    assert reply.status_code == 500
    [line] = lines_of(stream)
    assert (line["status"], line["id"]) == (500, reply.headers["x-request-id"])


# ids


@pytest.mark.parametrize(
    "path", ["/healthz", "/api/status?tag=earth", "/nothing", "/api/incident/1", "/metrics"]
)
def test_every_answer_has_an_id_of_its_own(path: str) -> None:
    client = Service().client()
    ids = {client.get(path).headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


@pytest.mark.parametrize("token", [TOKEN, None], ids=["let in", "not let in"])
def test_a_clients_own_id_is_kept(token: str | None) -> None:
    client = Service().client(token=token)
    reply = client.get("/api/status?tag=earth", headers={"X-Request-Id": "job-7.retry_2"})
    assert reply.headers.get_list("x-request-id") == ["job-7.retry_2"]


@pytest.mark.parametrize("value", [b"", b"a b", b"a\nb", b'"', "ü".encode(), b"x" * 65, b"a=b"])
def test_an_id_that_could_harm_a_log_is_replaced(value: bytes) -> None:
    assert given_id([(b"x-request-id", value)]) is None


def test_ids_made_here_are_valid_and_never_repeat() -> None:
    make = new_ids()
    made = [make() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(given_id([(b"x-request-id", each.encode())]) == each for each in made)
    assert new_ids()().partition("-")[0] != made[0].partition("-")[0]


def test_what_is_logged_under_way_names_its_request() -> None:
    service = Service()
    service.incidents.failure = GitHubUnavailable("GitHub answered 502")
    with captured() as stream:
        service.client().get("/api/incident/1", headers={"X-Request-Id": "mine"})
    warning, request = (
        json.loads(line) for line in stream.getvalue().splitlines() if "mine" in line
    )
    assert (warning["level"], warning["id"]) == ("warning", "mine")
    assert "GitHub answered 502" in warning["message"]
    assert request["id"] == "mine"


# no secrets


def operations(service: Service, token: str | None) -> None:
    """Every operation, right and wrong."""
    client = service.client(token=token)
    leak = {"X-Request-Id": TOKEN, "X-Api-Key": TOKEN, "Cookie": f"token={TOKEN}"}
    for headers in ({}, leak):
        client.post("/api/incident", json=INCIDENT, headers=headers)
        for path in ("", "/1", "/1/comment", f"/{TOKEN}", f"/1?token={TOKEN}"):
            client.get(f"/api/incident{path}", headers=headers)
        client.patch("/api/incident/1", json=INCIDENT, headers=headers)
        client.post("/api/incident/1/comment", json={"body": TOKEN}, headers=headers)
        client.post("/api/incident/1/status", json={"isResolved": True}, headers=headers)
        client.post("/api/status", json=PUSH, headers=headers)
        client.post("/api/status", json={**PUSH, "tag": TOKEN}, headers=headers)
        client.get(f"/api/status?tag=earth&token={TOKEN}", headers=headers)
        for path in ("/healthz", "/readyz", "/metrics", f"/{TOKEN}", f"/api/{TOKEN}"):
            client.get(path, headers=headers)
        client.post("/api/incident", content=TOKEN.encode(), headers=headers)
        client.request("PUT", "/api/incident", headers=headers)


@pytest.mark.parametrize("log_format", FORMATS)
def test_no_operation_lets_a_secret_into_the_log_whatever_fails(log_format: LogFormat) -> None:
    settings = read_settings(
        {
            "API_TOKEN": TOKEN,
            "GH_TOKEN": GH_TOKEN,
            "GITHUB_WEBHOOK_SECRET": "old-hook-secret, new-hook-secret",
            "GITHUB_APP_PRIVATE_KEY": "-----BEGIN KEY-----\nline-one-of-it\nline-two-of-it",
        }
    )
    words = f"{TOKEN} {GH_TOKEN} new-hook-secret line-two-of-it"
    failures = [
        None,
        GitHubUnavailable(words),
        OutcomeUnknown(words),
        JournalUnavailable(words),
        RuntimeError(words),
    ]
    with captured(log_format, Redaction(secrets_of(settings))) as stream:
        for failure in failures:
            for token in (TOKEN, None, f"{TOKEN}x"):
                service = Service()
                service.incidents.failure = failure
                if not isinstance(failure, RuntimeError):
                    service.statuses.failure = failure
                operations(service, token)
        logging.getLogger("somebody.else").error("%s", words, stack_info=True)
        logging.getLogger("somebody.else").error("%s", words, exc_info=ValueError(words))
    text = stream.getvalue()
    assert len(text.splitlines()) > 300
    assert HIDDEN in text
    secrets = (TOKEN, GH_TOKEN, json.dumps(GH_TOKEN)[1:-1], "hook-secret", "line-two-of-it")
    assert not [secret for secret in secrets if secret in text]
    assert not [word for word in ("quoted", "slashed") if word in text]


def test_a_short_secret_does_not_spoil_every_line() -> None:
    assert Redaction(["e", ""])("every line") == "every line"


# no forgery

NASTY = "x\r\n2026-11-24T00:00:00.000Z INFO forged\x1b[2J\x85\u2028forged\x00\u202e"


def said(log_format: LogFormat, say: Callable[[logging.Logger], None]) -> str:
    with captured(log_format) as stream:
        say(logging.getLogger("somebody.else"))
    return stream.getvalue()


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_value_begins_no_line(log_format: LogFormat) -> None:
    text = said(log_format, lambda log: log.warning("%s", NASTY, extra={"fields": {"a": NASTY}}))
    assert text.count("\n") == len(text.splitlines()) == 1
    assert all(char.isprintable() for char in text.rstrip("\n"))


def test_the_lines_of_a_trace_are_indented_whatever_the_error_says() -> None:
    def fail(log: logging.Logger) -> None:
        log.error("it failed", exc_info=ValueError(NASTY))

    first, *further = said("text", fail).splitlines()
    assert first.endswith("ERROR it failed")
    assert further
    assert all(line.startswith("  ") for line in further)
    whole = json.loads(said("json", fail))
    assert "forged" in whole["trace"]
    assert all(each.isprintable() for each in whole["trace"].split("\n"))


@pytest.mark.parametrize("log_format", FORMATS)
def test_what_cannot_be_seen_is_made_visible_in_both_formats(log_format: LogFormat) -> None:
    title = "invoice\u202egnp\u200b\u2066\u061c\ufeff"
    text = said(log_format, lambda log: log.warning("%s", title, extra={"fields": {"a": title}}))
    line = json.loads(text)["message"] if log_format == "json" else text
    assert r"invoice\u202egnp\u200b\u2066\u061c\ufeff" in line


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_secret_that_cannot_be_seen_whole_is_hidden_all_the_same(log_format: LogFormat) -> None:
    secret = "a-secret-\u200b-with\ta tab"
    with captured(log_format, Redaction([secret])) as stream:
        logging.getLogger("somebody.else").warning("it is %s", secret)
    assert "secret" not in stream.getvalue()
    assert HIDDEN in stream.getvalue()


@given(message=st.text(), value=st.text())
def test_any_text_is_one_line_of_text_and_one_json_object(message: str, value: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "x", 1, "%s", (message,), None)
    record.fields = {"value": value}
    for log_format in FORMATS:
        with captured(log_format) as stream:
            logging.getLogger("somebody.else").handle(record)
        text = stream.getvalue()
        assert len(text.splitlines()) == 1
        if log_format == "json":
            parsed = json.loads(text)
            shown = visible_text(message), visible_text(value)
            assert (parsed["message"], parsed["value"]) == shown


def test_outside_of_requests_no_id_is_told() -> None:
    assert current_request_id.get() is None
    assert "id" not in json.loads(said("json", lambda log: log.info("started")))
