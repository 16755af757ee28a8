"""Webhooks: kept, signed, delivered to loopback, told again."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from githubkit.webhooks import parse

from github_store.embedded.hook_outbox import TIMEOUT_SECONDS

if TYPE_CHECKING:
    from .conftest import Api


@dataclass(frozen=True)
class Received:
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> str:
        return self.headers["X-GitHub-Event"]

    @property
    def payload(self) -> Any:
        return json.loads(self.body)


class Listener:
    """A small web server that writes down what it is sent and answers with ``status``."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 200
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.received.append(Received(dict(self.headers.items()), body))
                self.send_response(listener.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def events(self) -> list[str]:
        """Event and action of all that came, pings aside."""
        return [
            f"{one.event}.{one.payload.get('action', '')}".rstrip(".")
            for one in self.received
            if one.event != "ping"
        ]

    def heard_in_time(self, event: str) -> bool:
        until = time.monotonic() + 5
        while event not in self.events() and time.monotonic() < until:
            time.sleep(0.01)
        return event in self.events()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    running = Listener()
    yield running
    running.close()


def hooked(owner: Api, listener: Listener, *events: str, **config: str) -> str:
    """The path of a new hook for these events."""
    fields = {
        "name": "web",
        "events": list(events) or ["*"],
        "config": {"url": listener.url, "content_type": "json", **config},
    }
    made = owner.post("hooks", fields)
    assert made.status == 201, made.body
    assert owner.github.wait_for_hooks()
    return f"hooks/{made.json()['id']}"


def test_a_hook_has_githubs_defaults_and_hides_its_secret(owner: Api, listener: Listener) -> None:
    made = owner.post("hooks", {"config": {"url": listener.url, "secret": "s"}})
    assert made.status == 201
    shown = made.json()
    assert made.headers["location"] == shown["url"]
    assert (shown["active"], shown["events"], shown["name"]) == (True, ["push"], "web")
    assert shown["config"] == {
        "content_type": "form",
        "insecure_ssl": "0",
        "secret": "********",
        "url": listener.url,
    }
    assert shown["last_response"] == {"code": None, "status": "unused", "message": None}
    owner.github.wait_for_hooks()
    read = owner.get(f"hooks/{shown['id']}").json()
    assert read["last_response"] == {"code": 200, "status": "active", "message": "OK"}
    assert owner.get("hooks").json() == [read]


def test_a_new_hook_is_pinged_and_again_on_request(owner: Api, listener: Listener) -> None:
    path = hooked(owner, listener, "issues")
    assert owner.post(f"{path}/pings").status == 204
    owner.github.wait_for_hooks()
    assert [one.event for one in listener.received] == ["ping", "ping"]
    ping = listener.received[0].payload
    assert "action" not in ping
    assert path == f"hooks/{ping['hook_id']}"


@pytest.mark.parametrize("content_type", ["json", "form"])
def test_deliveries_are_signed_over_the_raw_body(
    owner: Api, listener: Listener, content_type: str
) -> None:
    hooked(owner, listener, "issues", secret="s3cret", content_type=content_type)
    owner.opened("Umläut")
    owner.github.wait_for_hooks()
    got = listener.received[-1]
    digest = hmac.new(b"s3cret", got.body, hashlib.sha256).hexdigest()
    assert got.headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert got.headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert got.headers["X-GitHub-Delivery"]
    text = got.body.decode()
    payload = json.loads(text if content_type == "json" else parse_qs(text)["payload"][0])
    assert payload["issue"]["title"] == "Umläut"


def test_without_a_secret_nothing_is_signed(owner: Api, listener: Listener) -> None:
    hooked(owner, listener)
    assert "X-Hub-Signature-256" not in listener.received[0].headers


def test_every_change_to_issues_is_told_once_and_in_order(owner: Api, listener: Listener) -> None:
    hooked(owner, listener)
    number = owner.opened("one", labels=["bug", "question"], assignees=["owner"])
    owner.patch(f"issues/{number}", {"title": "two", "labels": ["bug"], "state": "closed"})
    owner.patch(f"issues/{number}", {"state": "open", "assignees": []})
    owner.post(f"issues/{number}/labels", ["invalid"])
    made = owner.post(f"issues/{number}/comments", {"body": "x"}).json()
    owner.patch(f"issues/comments/{made['id']}", {"body": "y"})
    owner.delete(f"issues/comments/{made['id']}")
    owner.github.delete_issue("owner/status", number)
    owner.github.wait_for_hooks()
    assert listener.events() == [
        "issues.opened",
        "issues.labeled",
        "issues.labeled",
        "issues.assigned",
        "issues.unlabeled",
        "issues.edited",
        "issues.closed",
        "issues.unassigned",
        "issues.reopened",
        "issues.labeled",
        "issue_comment.created",
        "issue_comment.edited",
        "issue_comment.deleted",
        "issues.deleted",
    ]
    by_event = {
        f"{one.event}.{one.payload['action']}": one.payload for one in listener.received[1:]
    }
    assert by_event["issues.edited"]["changes"] == {"title": {"from": "one"}}
    assert by_event["issues.labeled"]["label"]["name"] == "invalid"
    assert by_event["issue_comment.edited"]["changes"] == {"body": {"from": "x"}}
    assert all(one["sender"]["login"] == "owner" for one in by_event.values())
    assert all(one["repository"]["full_name"] == "owner/status" for one in by_event.values())


def test_labels_and_transfers_are_told(owner: Api, listener: Listener) -> None:
    owner.github.create_repository("owner/other")
    hooked(owner, listener, "label", "issues")
    owner.post("labels", {"name": "new"})
    owner.patch("labels/new", {"new_name": "newer", "color": "123456"})
    owner.delete("labels/newer")
    number = owner.opened()
    owner.github.transfer_issue("owner/status", number, to="owner/other")
    owner.github.wait_for_hooks()
    assert listener.events() == [
        "label.created",
        "label.edited",
        "label.deleted",
        "issues.opened",
        "issues.transferred",
    ]
    edited = listener.received[2].payload["changes"]
    assert edited == {"name": {"from": "new"}, "color": {"from": "ededed"}}
    moved = listener.received[-1].payload["changes"]
    assert moved["new_repository"]["full_name"] == "owner/other"


def test_payloads_are_githubs_own(owner: Api, listener: Listener) -> None:
    """The published models of webhook payloads take them (labels aside: see test_fidelity)."""
    hooked(owner, listener)
    number = owner.opened("one")
    made = owner.post(f"issues/{number}/comments", {"body": "x"}).json()
    owner.patch(f"issues/comments/{made['id']}", {"body": "y"})
    owner.patch(f"issues/{number}", {"title": "two", "state": "closed"})
    owner.delete(f"issues/comments/{made['id']}")
    owner.github.wait_for_hooks()
    for one in listener.received:
        parse(one.event, one.body)
    assert len(listener.received) == 7


def test_only_wanted_events_reach_a_hook_and_none_a_hook_that_is_off(
    owner: Api, listener: Listener
) -> None:
    path = hooked(owner, listener, "issue_comment")
    number = owner.opened()
    owner.post(f"issues/{number}/comments", {"body": "x"})
    owner.patch(path, {"active": False})
    owner.post(f"issues/{number}/comments", {"body": "x"})
    owner.patch(
        path, {"active": True, "add_events": ["issues"], "remove_events": ["issue_comment"]}
    )
    owner.opened()
    owner.post(f"issues/{number}/comments", {"body": "x"})
    owner.github.wait_for_hooks()
    assert listener.events() == ["issue_comment.created", "issues.opened"]


def test_a_refused_change_is_told_to_nobody(owner: Api, listener: Listener) -> None:
    hooked(owner, listener)
    assert owner.post("issues", {"title": "x", "labels": ["y" * 51]}).status == 422
    owner.github.wait_for_hooks()
    assert listener.events() == []


def test_deliveries_are_remembered_newest_first_and_can_be_repeated(
    owner: Api, listener: Listener
) -> None:
    path = hooked(owner, listener, "issues")
    listener.status = 500
    owner.opened()
    owner.github.wait_for_hooks()
    page = owner.get(f"{path}/deliveries?per_page=1")
    newest = page.json()[0]
    assert (newest["event"], newest["action"], newest["status_code"]) == ("issues", "opened", 500)
    assert owner.get(page.link("next") or "").json()[0]["event"] == "ping"
    shown = owner.get(f"{path}/deliveries/{newest['id']}").json()
    assert shown["request"]["payload"]["action"] == "opened"
    assert shown["response"]["payload"] == "ok"
    assert owner.get(path).json()["last_response"]["status"] == "failed"
    listener.status = 200
    assert owner.post(f"{path}/deliveries/{newest['id']}/attempts").status == 202
    owner.github.wait_for_hooks()
    again = owner.get(f"{path}/deliveries").json()[0]
    assert (again["guid"], again["redelivery"]) == (newest["guid"], True)
    assert listener.received[-1].headers["X-GitHub-Delivery"] == newest["guid"]


def test_a_receiver_that_hangs_keeps_only_its_own_deliveries_waiting(
    owner: Api, listener: Listener
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:  # takes connections, and says nothing
        url = f"http://127.0.0.1:{hanging.getsockname()[1]}/"
        hooked_at = time.monotonic()
        assert owner.post("hooks", {"events": ["*"], "config": {"url": url}}).status == 201
        fields = {"events": ["*"], "config": {"url": listener.url, "content_type": "json"}}
        assert owner.post("hooks", fields).status == 201
        owner.post("issues", {"title": "told to both"})
        assert listener.heard_in_time("issues.opened")
        assert time.monotonic() - hooked_at < TIMEOUT_SECONDS


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://127.0.0.1:1/", "http://[x]/"])
def test_a_hook_that_cannot_be_reached_keeps_no_other_from_being_told(
    owner: Api, listener: Listener, url: str
) -> None:
    owner.post("hooks", {"events": ["*"], "config": {"url": url}})
    hooked(owner, listener)
    owner.post("issues", {"title": "one"})
    assert owner.github.wait_for_hooks()
    assert listener.events() == ["issues.opened"]


def test_a_hook_that_fails_is_named_once_and_when_it_recovers_and_no_secret_with_it(
    owner: Api, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    url = listener.url.replace("127.0.0.1", "user:a-secret@127.0.0.1") + "?key=a-secret"
    listener.status = 500
    owner.post("hooks", {"events": ["*"], "config": {"url": url}})
    for title in ("one", "two"):
        owner.post("issues", {"title": title})
    assert owner.github.wait_for_hooks()
    listener.status = 200
    owner.post("issues", {"title": "three"})
    assert owner.github.wait_for_hooks()
    lines = [each.getMessage() for each in caplog.records if "delivering" in each.getMessage()]
    assert [line.split(",")[0].split(":")[-1].strip() for line in lines] == [
        "500",
        f"{listener.url.rpartition(':')[2]} succeeds again",
    ]
    assert "a-secret" not in caplog.text


def test_nothing_leaves_the_machine(owner: Api) -> None:
    made = owner.post("hooks", {"config": {"url": "http://192.0.2.1/hook"}}).json()
    assert owner.github.wait_for_hooks()
    last = owner.get(f"hooks/{made['id']}").json()["last_response"]
    assert last["status"] == "failed"
    assert "loopback" in last["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"config": {}},
        {"config": {"url": "nonsense"}},
        {"config": {"url": "http://[::1"}},
        {"config": {"url": "http://127.0.0.1/", "content_type": "xml"}},
        {"name": "email", "config": {"url": "http://127.0.0.1/"}},
        {"events": "push", "config": {"url": "http://127.0.0.1/"}},
        {"active": "yes", "config": {"url": "http://127.0.0.1/"}},
    ],
)
def test_a_bad_hook_is_refused(owner: Api, fields: dict[str, Any]) -> None:
    assert owner.post("hooks", fields).status == 422
    assert owner.get("hooks").json() == []


def test_the_same_hook_twice_and_a_twenty_first_are_refused(owner: Api, listener: Listener) -> None:
    for number in range(20):
        fields = {"config": {"url": f"{listener.url}?{number}"}}
        assert owner.post("hooks", fields).status == 201
    assert (
        "more than 20"
        in owner.post("hooks", {"config": {"url": listener.url}}).errors[0]["message"]
    )
    owner.patch(f"hooks/{owner.get('hooks').json()[0]['id']}", {"events": ["issues"]})
    again = owner.post("hooks", {"config": {"url": f"{listener.url}?1"}})
    assert again.errors[0]["message"] == "Hook already exists on this repository"
    owner.github.wait_for_hooks()


def test_hooks_are_for_administrators(owner: Api) -> None:
    assert owner.as_("stranger").get("hooks").status == 404
    assert owner.as_("collaborator").get("hooks").status == 403
    assert owner.as_(None).get("hooks").status == 401


def test_a_deleted_hook_hears_nothing_more(owner: Api, listener: Listener) -> None:
    path = hooked(owner, listener)
    assert owner.delete(path).status == 204
    assert owner.get(path).status == 404
    owner.opened()
    owner.github.wait_for_hooks()
    assert listener.events() == []
