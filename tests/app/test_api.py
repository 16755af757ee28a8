"""The nine operations, over a store in memory."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from github_store import SearchFilter, Status
from tests.app.fake_store import THIS_MINUTE
from tests.app.service import Client, Service

OUTAGE = {
    "startDatetime": 1702405740,
    "endDatetime": 1702405920,
    "title": "Outage in Mumbai",
    "body": "Login cluster is down in mumbai region",
    "tags": ["google-search"],
    "impact": "DOWN",
    "isMaintenance": False,
    "isIdentified": True,
    "isResolved": False,
}
ANSWER = {"createdAt": 1700000001, "closedAt": None, "incidentNumber": 1, **OUTAGE}
KEYS = [
    "createdAt", "closedAt", "title", "tags", "incidentNumber", "startDatetime", "endDatetime",
    "body", "impact", "isMaintenance", "isIdentified", "isResolved",
]  # fmt: skip


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def client(service: Service) -> Client:
    return service.client()


# incidents


def test_an_incident_is_created_and_answered_in_keners_keys_and_order(client: Client) -> None:
    reply = client.post("/api/incident", json=OUTAGE)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == ANSWER
    assert list(reply.json()) == KEYS


def test_an_incident_that_was_created_is_read(client: Client) -> None:
    client.post("/api/incident", json=OUTAGE)
    assert client.get("/api/incident/1").json() == ANSWER


@pytest.mark.parametrize(
    "text", ["Ünïcode 🐸 — ‮right-to-left", "# Markdown\n\n* a\n<b>&amp;</b>", 'quote " \\ \t end']
)
def test_any_text_comes_back_as_it_went_in(client: Client, text: str) -> None:
    client.post("/api/incident", json={**OUTAGE, "title": text, "body": text})
    answered = client.get("/api/incident/1").json()
    assert (answered["title"], answered["body"]) == (text, text)


def test_what_get_answers_is_a_valid_patch(client: Client) -> None:
    client.post("/api/incident", json={"title": "x", "tags": ["earth"]})
    before = client.get("/api/incident/1").json()
    reply = client.patch("/api/incident/1", json=before)
    assert (reply.status_code, reply.json()) == (200, before)


def test_a_patch_clears_what_is_not_passed(client: Client) -> None:
    client.post("/api/incident", json=OUTAGE)
    reply = client.patch("/api/incident/1", json={"title": "New", "tags": ["earth"]})
    assert reply.json() == {
        **ANSWER,
        "title": "New",
        "tags": ["earth"],
        "body": "",
        "startDatetime": None,
        "endDatetime": None,
        "impact": None,
        "isIdentified": False,
    }


def test_a_status_update_changes_what_is_passed(client: Client) -> None:
    client.post("/api/incident", json=OUTAGE)
    reply = client.post(
        "/api/incident/1/status", json={"isResolved": True, "endDatetime": 1702409999}
    )
    assert reply.json() == {**ANSWER, "isResolved": True, "endDatetime": 1702409999}


def test_an_end_before_the_stored_start_is_refused(client: Client) -> None:
    client.post("/api/incident", json=OUTAGE)
    reply = client.post("/api/incident/1/status", json={"endDatetime": 1702405740})
    assert (reply.status_code, reply.json()["error"]) == (400, "Invalid endDatetime")


@pytest.mark.parametrize("body", [{}, {"title": "x"}, {"title": "x", "tags": ["venus"]}, []])
def test_a_wrong_body_never_reaches_the_store(service: Service, body: Any) -> None:
    client = service.client()
    assert client.post("/api/incident", json=body).status_code == 400
    assert client.patch("/api/incident/1", json=body).status_code == 400
    assert service.incidents.asked == []


def test_a_missing_comma_is_shown_with_its_line_and_column(client: Client) -> None:
    body = '{\n\t"isIdentified": true,\n\t"isResolved": false\n\t"endDatetime": 1702405920\n}'
    reply = client.post("/api/incident/1/status", content=body)
    assert (reply.status_code, reply.json()["error"]) == (400, "malformed JSON")
    assert reply.json()["detail"].startswith("line 4, column 2: ")


ONE_INCIDENT = [
    ("GET", "/api/incident/{}"),
    ("PATCH", "/api/incident/{}"),
    ("GET", "/api/incident/{}/comment"),
    ("POST", "/api/incident/{}/comment"),
    ("POST", "/api/incident/{}/status"),
]


@pytest.mark.parametrize(("method", "path"), ONE_INCIDENT, ids=" ".join)
@pytest.mark.parametrize(
    ("number", "status", "error"),
    [
        ("x", 400, "Invalid incidentNumber"),
        ("1%3Fx", 400, "Invalid incidentNumber"),
        ("..%5Cuser", 400, "Invalid incidentNumber"),
        ("0", 404, "incident not found"),
        ("-1", 404, "incident not found"),
        ("1.5", 404, "incident not found"),
        ("99999999999999999999", 404, "incident not found"),
    ],
)
def test_a_number_that_cannot_be_never_reaches_the_store(
    service: Service, method: str, path: str, number: str, status: int, error: str
) -> None:
    body = {**OUTAGE, "body": "x"}
    reply = service.client().request(method, path.format(number), json=body)
    assert (reply.status_code, reply.json()["error"]) == (status, error)
    assert service.incidents.asked == []


@pytest.mark.parametrize(("method", "path"), ONE_INCIDENT, ids=" ".join)
def test_an_incident_that_is_not_there_is_404(client: Client, method: str, path: str) -> None:
    reply = client.request(method, path.format(7), json={**OUTAGE, "body": "x"})
    assert (reply.status_code, reply.json()["error"]) == (404, "incident not found")


# the search


def test_the_search_lists_newest_first_page_by_page(client: Client) -> None:
    for title in "abc":
        client.post("/api/incident", json={"title": title, "tags": ["earth"]})
    titles = [each["title"] for each in client.get("/api/incident?page=1&per_page=2").json()]
    assert titles == ["c", "b"]
    assert client.get("/api/incident?page=9&per_page=2").json() == []


def test_the_search_hands_on_what_is_asked(service: Service) -> None:
    query = "state=closed&title_like=Hello%20Incident&tags=earth,%20frogment&page=2&per_page=200"
    assert service.client().get(f"/api/incident?{query}").json() == []
    wanted = SearchFilter(state="closed", title_like="Hello Incident", tags=("earth", "frogment"))
    assert service.incidents.asked == [("search", wanted, 2, 100)]


@pytest.mark.parametrize(
    "query", ["state=closed", "title_like=x", "page=1", "tags=", "created_after_utc=1", "per_page="]
)
def test_a_post_with_a_search_parameter_is_the_search(service: Service, query: str) -> None:
    reply = service.client().post(f"/api/incident?{query}", content=b'{"body": ignored')
    assert (reply.status_code, reply.json()) == (200, [])
    assert [call[0] for call in service.incidents.asked] == ["search"]


@pytest.mark.parametrize("query", ["", "?", "?pretty=1", "?State=open"])
def test_a_post_with_none_is_a_creation(service: Service, query: str) -> None:
    assert service.client().post(f"/api/incident{query}", json=OUTAGE).json() == ANSWER


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("query", "error"),
    [("state=all", "state must be open or closed"), ("page=0", "Invalid page")],
)
def test_a_wrong_search_is_refused(client: Client, method: str, query: str, error: str) -> None:
    reply = client.request(method, f"/api/incident?{query}")
    assert (reply.status_code, reply.json()["error"]) == (400, error)


# comments


def test_comments_are_added_and_listed(client: Client) -> None:
    client.post("/api/incident", json=OUTAGE)
    first = client.post("/api/incident/1/comment", json={"body": "comment 1"})
    client.post("/api/incident/1/comment", json={"body": "comment 2"})
    assert first.json() == {"commentID": 100, "body": "comment 1", "createdAt": 1704123116}
    listed = client.get("/api/incident/1/comment").json()
    assert [comment["body"] for comment in listed] == ["comment 1", "comment 2"]
    assert listed[0] == first.json()


# status


def test_a_push_answers_with_its_minute(service: Service) -> None:
    client = service.client()
    pushed = {"status": "DOWN", "latency": 1213, "tag": "earth"}
    reply = client.post("/api/status", json={**pushed, "timestampInSeconds": THIS_MINUTE - 1})
    assert reply.json() == {"status": 200, "message": f"success at {THIS_MINUTE - 60}"}
    assert service.statuses.pushed == [("earth", Status.DOWN, 1213.0, THIS_MINUTE - 60)]


def test_the_status_is_answered_in_keners_keys(client: Client) -> None:
    assert client.get("/api/status?tag=earth").json() == {
        "status": "NO_DATA",
        "uptime": "-",
        "lastUpdatedAt": None,
    }
    client.post("/api/status", json={"status": "UP", "latency": 0, "tag": "earth"})
    assert client.get("/api/status?tag=earth").json() == {
        "status": "UP",
        "uptime": "99.9306",
        "lastUpdatedAt": THIS_MINUTE,
    }


def test_the_window_of_a_status_is_handed_on(service: Service) -> None:
    client = service.client()
    client.get("/api/status?tag=earth&sinceLast=3600")
    client.get("/api/status?tag=earth")
    assert service.statuses.windows == [3600, 7_776_000]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", "tag missing"),
        ("?tag=venus", "invalid tag"),
        ("?tag=earth&sinceLast=1", "Invalid sinceLast"),
    ],
)
def test_a_wrong_question_for_a_status_is_refused(client: Client, query: str, error: str) -> None:
    reply = client.get(f"/api/status{query}")
    assert (reply.status_code, reply.json()["error"]) == (400, error)
    assert reply.json()["status"] == 400


# the service


def test_a_request_leaves_one_line_without_query_and_path(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="kener_issues.requests"):
        client.get("/api/incident?title_like=private")
        client.get("/api/in%0Acident")
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["GET /api/incident 200", "GET none 400"]


def test_health_says_that_the_process_is_up(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "version": "0.1.0"}
