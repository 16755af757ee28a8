"""Headers that make writes safe: Idempotency-Key on creations, If-Match on changes."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from app.refusal import Refused
from app.write_headers import body_hash, idempotency_key, if_match
from github_store import (
    KEY_COMMENT_ROOM,
    MAX_BODY_LENGTH,
    KeyReused,
    OutcomePending,
    OutcomeUnknown,
    RequestKey,
    incident_etag,
)
from tests.app.fake_store import FakeIncidents
from tests.app.service import Service

INCIDENT = {"title": "Outage", "tags": ["earth"]}
COMMENT = {"body": "We are on it"}
NO_ETAG = '"0123"'


def opened() -> Service:
    """A service with one incident, number 1."""
    service = Service()
    assert service.client().post("/api/incident", json=INCIDENT).status_code == 200
    service.incidents.keys.clear()
    return service


@pytest.mark.parametrize(
    ("path", "body"),
    [("/api/incident", INCIDENT), ("/api/incident/1/comment", COMMENT)],
    ids=["incident", "comment"],
)
def test_a_creation_hands_the_key_and_the_hash_of_its_body_on(path: str, body: Any) -> None:
    service = opened()
    client = service.client()
    assert client.post(path, json=body, headers={"Idempotency-Key": '"a key"'}).status_code == 200
    assert client.post(path, json=body).status_code == 200
    assert service.incidents.keys == [RequestKey('"a key"', body_hash(body)), None]


KEYS = [
    ([""], "expected a text that is not empty"),
    (["   "], "expected a text that is not empty"),
    (["x" * 256], "expected at most 255 characters"),
    (["a\tb"], "expected a text without control characters"),
    (["a\x7fb"], "expected a text without control characters"),
    (["a\x9fb"], "expected a text without control characters"),
    (["a", "a"], "expected once"),
]


@pytest.mark.parametrize(
    ("values", "problem"),
    KEYS,
    ids=["empty", "blank", "long", "tab", "delete", "C1 control", "twice"],
)
@pytest.mark.parametrize("path", ["/api/incident", "/api/incident/1/comment"])
def test_a_bad_key_is_400_and_names_the_header(path: str, values: list[str], problem: str) -> None:
    service = opened()
    headers = [(b"Idempotency-Key", value.encode("latin-1")) for value in values]
    body = INCIDENT if path == "/api/incident" else COMMENT
    reply = service.client().post(path, json=body, headers=headers)
    assert reply.status_code == 400
    assert reply.json() == {
        "error": "Invalid Idempotency-Key",
        "detail": f"Idempotency-Key: {problem}",
    }
    assert service.incidents.keys == []


@pytest.mark.parametrize("key", ["x", "x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "\xe9"])
def test_any_other_text_is_a_key(key: str) -> None:
    assert idempotency_key([key]) == key


def test_a_bad_key_counts_before_a_bad_body() -> None:
    reply = Service().client().post("/api/incident", json={}, headers={"Idempotency-Key": ""})
    assert reply.json()["error"] == "Invalid Idempotency-Key"


def test_a_search_by_post_pays_no_heed_to_the_key() -> None:
    reply = Service().client().post("/api/incident?page=1", headers={"Idempotency-Key": ""})
    assert (reply.status_code, reply.json()) == (200, [])


def test_the_same_body_may_be_spaced_and_ordered_otherwise() -> None:
    one = json.loads('{"title": "a", "tags": ["b", "c"]}')
    assert body_hash(one) == body_hash(json.loads('{"tags":["b","c"],"title":"a"}'))
    assert body_hash(one) != body_hash({**one, "tags": ["c", "b"]})
    assert body_hash(one) != body_hash({**one, "title": "A"})


@pytest.mark.parametrize("path", ["/api/incident", "/api/incident/1/comment"])
def test_a_text_that_leaves_no_room_for_the_mark_is_refused_with_a_key_alone(path: str) -> None:
    client = opened().client()
    most = MAX_BODY_LENGTH - KEY_COMMENT_ROOM
    whole = {**INCIDENT, "body": "x" * most}
    longer = {**INCIDENT, "body": "x" * (most + 1)}
    headers = {"Idempotency-Key": "k"}
    assert client.post(path, json=whole, headers=headers).status_code == 200
    assert client.post(path, json=longer).status_code == 200
    reply = client.post(path, json=longer, headers=headers)
    assert (reply.status_code, reply.json()["error"]) == (400, "Invalid body")
    assert f"at most {most} characters" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("failure", "status", "error", "retry_after"),
    [
        (KeyReused("another"), 422, "Idempotency-Key was used for another request", None),
        (OutcomePending("lost", retry_after_seconds=5), 503, "the outcome is not known yet", "5"),
        (OutcomeUnknown("lost"), 502, "the outcome is unknown", None),
    ],
    ids=["another request", "not known yet", "without a key"],
)
def test_what_comes_of_a_key_is_told(
    failure: Exception, status: int, error: str, retry_after: str | None
) -> None:
    reply = Service(FakeIncidents(failure)).client().post("/api/incident", json=INCIDENT)
    assert (reply.status_code, reply.json()["error"]) == (status, error)
    assert reply.headers.get("Retry-After") == retry_after


# If-Match


def change(service: Service, path: str, etag: str) -> Any:
    client, headers = service.client(), {"If-Match": etag}
    if path.endswith("/status"):
        return client.post(path, json={"isResolved": True}, headers=headers)
    return client.patch(path, json={**INCIDENT, "title": "Over"}, headers=headers)


BOTH = pytest.mark.parametrize("path", ["/api/incident/1", "/api/incident/1/status"])


@BOTH
def test_a_change_on_the_condition_of_the_etag_that_was_read_goes_through(path: str) -> None:
    service = opened()
    etag = service.client().get("/api/incident/1").headers["ETag"]
    reply = change(service, path, etag)
    assert reply.status_code == 200
    assert reply.headers["ETag"] == service.client().get("/api/incident/1").headers["ETag"] != etag
    again = change(service, path, etag)
    assert (again.status_code, again.json()["error"]) == (412, "incident was edited")
    assert "If-Match" in again.json()["detail"]


@BOTH
@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("*", 200),
        (f"{NO_ETAG}, ETAG", 200),
        (f",{NO_ETAG} , ,ETAG,", 200),
        (NO_ETAG, 412),
        ("W/ETAG", 412),
        ("", 400),
        (",", 400),
        ("0123", 400),
        ('"0123', 400),
        ('"a" "b"', 400),
        ("*, *", 400),
        ('w/"a"', 400),
    ],
)
def test_conditions_are_read_as_the_standard_says(path: str, condition: str, status: int) -> None:
    service = opened()
    etag = incident_etag(service.incidents.held[1])
    reply = change(service, path, condition.replace("ETAG", etag))
    assert reply.status_code == status
    if status == 400:
        assert reply.json()["error"] == "Invalid If-Match"


@hypothesis.given(st.lists(st.from_regex(r'"[!#-~]*"', fullmatch=True), min_size=1))
def test_every_list_of_etags_is_read_whole(etags: list[str]) -> None:
    assert if_match([", ".join(etags)]) == frozenset(etags)
    assert if_match(etags) == frozenset(etags)


@hypothesis.given(st.text(st.sampled_from('"W/a*, \t'), max_size=30))
def test_no_condition_breaks_the_reading(text: str) -> None:
    with contextlib.suppress(Refused):
        etags = if_match([text])
        assert etags is None or all(etag in text for etag in etags)


def test_a_long_condition_is_read_in_no_time() -> None:
    with pytest.raises(Refused):
        if_match([", " * 20_000 + "x"])
