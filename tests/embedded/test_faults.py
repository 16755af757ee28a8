"""What can be made to go wrong, and how it looks to a client."""

from __future__ import annotations

import http.client
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from github_store.embedded import EmbeddedGitHub
from github_store.embedded.exchange import Request
from github_store.embedded.faults import KINDS, Fault, Faults, fault_from
from github_store.embedded.quota import Quota
from github_store.embedded.response_headers import Reply

if TYPE_CHECKING:
    from .conftest import Api

CLOSED = (http.client.RemoteDisconnected, ConnectionError)


# the switchboard's rules ------------------------------------------------------------------------


def test_a_fault_strikes_matching_requests_as_often_as_it_says() -> None:
    faults = Faults()
    faults.add("error", match="^POST .*/issues$", count=2)
    struck = [
        bool(faults.strike("error", line)) for line in ("GET /issues", *["POST /a/issues"] * 3)
    ]
    assert struck == [False, True, True, False]
    assert faults.active() == []


def test_only_faults_of_the_kind_asked_for_strike() -> None:
    faults = Faults()
    faults.add("error")
    assert faults.strike("missing", "GET /") is None
    assert faults.strike("error", "GET /") is not None


def test_a_share_of_requests_is_struck_and_a_seed_repeats_it() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(random.Random(seed))
        faults.add("error", rate=0.3)
        return [faults.strike("error", "GET /") is not None for _ in range(200)]

    assert struck(1) == struck(1)
    assert 30 < sum(struck(1)) < 90


def test_latency_is_its_seconds_and_at_most_its_jitter_on_top() -> None:
    faults = Faults(random.Random(1))
    faults.add("latency", seconds=2, jitter_seconds=1)
    delays = [faults.delay_seconds("GET /") for _ in range(50)]
    assert all(2 <= delay <= 3 for delay in delays)
    assert len(set(delays)) > 1
    faults.clear()
    assert faults.delay_seconds("GET /") == 0


def test_a_lifted_fault_is_off_and_lifting_twice_does_nothing() -> None:
    faults = Faults()
    kept, lifted = faults.add("error"), faults.add("error")
    faults.lift(lifted)
    faults.lift(lifted)
    assert [fault["id"] for fault in faults.active()] == [kept]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "earthquake"},
        {"kind": "error", "match": "("},
        {"kind": "error", "status": "502"},
        {"kind": "error", "count": True},
        {"kind": "error", "colour": "red"},
    ],
)
def test_a_wrong_fault_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        fault_from(data)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_given_as_json(kind: str) -> None:
    assert fault_from({"kind": kind, "count": 1, "match": "x"}) == Fault(kind, "x", 1)  # type: ignore[arg-type]


# how they look ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["outage", "drop_before"])
def test_a_dropped_request_was_not_done(owner: Api, kind: Any) -> None:
    fault = owner.github.faults.add(kind)
    with pytest.raises(CLOSED):
        owner.post("issues", {"title": "x"})
    owner.github.faults.lift(fault)
    assert owner.get("issues").json() == []


def test_a_hanging_request_is_closed_unanswered_after_its_time_and_was_not_done(
    owner: Api,
) -> None:
    owner.github.faults.add("hang", match="^POST", seconds=0.2, count=1)
    begun_at = time.monotonic()
    with pytest.raises(CLOSED):
        owner.post("issues", {"title": "x"})
    assert 0.2 <= time.monotonic() - begun_at < 5
    assert owner.get("issues").json() == []


def test_an_unreachable_server_cuts_and_refuses_connections_and_comes_back_as_it_was(
    owner: Api,
) -> None:
    number, stranger = owner.opened(), owner.as_("stranger")
    with owner.github.unreachable():
        with pytest.raises(CLOSED):  # the connection of before
            owner.get("issues")
        with pytest.raises(ConnectionRefusedError):
            stranger.get("issues")
        owner.close()
    assert [issue["number"] for issue in owner.get("issues").json()] == [number]
    assert stranger.get("issues").status == 200


def test_a_request_dropped_after_the_deed_was_done(owner: Api) -> None:
    owner.github.faults.add("drop_after", match="^POST", count=1)
    with pytest.raises(CLOSED):
        owner.post("issues", {"title": "x"})
    assert [issue["title"] for issue in owner.get("issues").json()] == ["x"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_does_nothing_and_speaks_json_or_html(owner: Api, status: int) -> None:
    owner.github.faults.add("error", status=status, count=1)
    answer = owner.post("issues", {"title": "x"})
    assert (answer.status, answer.json()["status"]) == (status, str(status))
    owner.github.faults.add("error", status=status, count=1, html=True)
    page = owner.post("issues", {"title": "x"})
    assert (page.status, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert page.body.startswith(b"<!DOCTYPE html>")
    assert owner.get("issues").json() == []


@pytest.mark.parametrize("status", [403, 429])
def test_a_primary_limit_names_its_reset(owner: Api, status: int) -> None:
    owner.github.faults.add("rate_limit", status=status, seconds=90, count=1)
    before = owner.github.hub.now()
    answer = owner.get("issues")
    assert answer.status == status
    assert answer.message.startswith("API rate limit exceeded for user ID ")
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert 90 <= int(answer.headers["x-ratelimit-reset"]) - before <= 91
    assert owner.get("issues").status == 200


@pytest.mark.parametrize("retry_after", [None, 60])
def test_a_secondary_limit_may_say_when_to_come_back(owner: Api, retry_after: int | None) -> None:
    owner.github.faults.add("secondary_limit", status=429, retry_after=retry_after, count=1)
    answer = owner.get("issues")
    assert answer.status == 429
    assert answer.message.startswith("You have exceeded a secondary rate limit.")
    assert answer.headers.get("retry-after") == (retry_after and str(retry_after))
    assert answer.headers["x-ratelimit-remaining"] != "0"


def test_a_lacking_permission_and_a_vanished_repository(owner: Api) -> None:
    owner.github.faults.add("forbidden", match="^PATCH")
    owner.github.faults.add("missing", match="^GET /repos/owner/status")
    forbidden = owner.patch("issues/1", {"title": "x"})
    assert forbidden.status == 403
    assert forbidden.message == "Resource not accessible by personal access token"
    assert owner.get("").status == 404
    assert owner.get("/user").status == 200


class Clock:
    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(tmp_path: Path, clock: Clock, owner: Api) -> Iterator[Api]:
    """The owner of a repository on a server whose clock moves by hand."""
    with EmbeddedGitHub(tmp_path / "timed", clock=clock, core_limit=4) as running:
        running.create_repository("owner/status")
        api = type(owner)(running, "owner")
        yield api
        api.close()


def test_a_lagging_list_shows_what_was_some_seconds_ago(timed: Api, clock: Clock) -> None:
    timed.github.faults.add("list_lag", seconds=10)
    number = timed.opened()
    assert timed.get("issues").json() == []
    clock.now += 10
    assert [issue["number"] for issue in timed.get("issues").json()] == [number]


def test_the_real_quota_ends_is_told_and_comes_back_with_the_window(
    timed: Api, clock: Clock
) -> None:
    used = [timed.get("issues").headers["x-ratelimit-used"] for _ in range(4)]
    assert used == ["1", "2", "3", "4"]
    refused = timed.get("issues")
    assert (refused.status, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert timed.get("issues").headers["x-ratelimit-used"] == "4"
    assert int(refused.headers["x-ratelimit-reset"]) == clock.now + 3600
    assert timed.get("/rate_limit").json()["resources"]["core"]["remaining"] == 0
    assert timed.as_("collaborator").get("issues").status == 200
    clock.now += 3600
    assert timed.get("issues").status == 200


def test_what_others_used_up_of_a_users_quota_comes_back_at_its_reset(
    timed: Api, clock: Clock
) -> None:
    timed.github.use_up("owner", leave=1, seconds=90)
    left = timed.get("issues")
    assert (left.status, left.headers["x-ratelimit-remaining"]) == (200, "0")
    refused = timed.get("issues")
    assert refused.status == 403
    assert int(refused.headers["x-ratelimit-reset"]) == clock.now + 90
    assert timed.get("/search/issues?q=is:issue").status == 200
    clock.now += 90
    assert timed.get("issues").headers["x-ratelimit-used"] == "1"
    timed.github.use_up("owner", "search", seconds=20)
    assert timed.get("/search/issues?q=is:issue").status == 403
    assert timed.get("issues").status == 200
    with pytest.raises(KeyError):
        timed.github.use_up("nobody")


def test_a_witness_sees_every_request_with_its_reply(tmp_path: Path, owner: Api) -> None:
    seen: list[tuple[str, str, int | None]] = []

    def witness(request: Request, reply: Reply | None) -> None:
        seen.append((request.method, request.path, reply and reply.status))

    with EmbeddedGitHub(tmp_path / "watched", witness=witness) as running:
        running.create_repository("owner/status")
        running.faults.add("outage", match="/labels", count=1)
        api = type(owner)(running, "owner")
        assert api.get("issues?state=all").status == 200
        with pytest.raises(CLOSED):
            api.get("labels")
        api.close()
    assert seen == [
        ("GET", "/repos/owner/status/issues", 200),
        ("GET", "/repos/owner/status/labels", None),
    ]


def test_writes_are_limited_as_github_limits_them(tmp_path: Path, clock: Clock, owner: Api) -> None:
    with EmbeddedGitHub(tmp_path / "timed", clock=clock) as running:
        running.create_repository("owner/status")
        running.faults.add("write_limits")
        api = type(owner)(running, "owner")
        made = [api.post("labels", {"name": f"label {number}"}).status for number in range(80)]
        assert made == [201] * 80
        refused = api.post("labels", {"name": "one more"})
        assert (refused.status, refused.headers["retry-after"]) == (403, "60")
        assert refused.message.startswith("You have exceeded a secondary rate limit.")
        assert api.get("labels").status == 200
        clock.now += 60
        assert api.post("labels", {"name": "one more"}).status == 201
        api.close()


def test_an_hour_has_room_for_500_writes_of_each_caller(clock: Clock) -> None:
    quota = Quota(clock, core=5000, search=30)
    for _ in range(500):
        assert quota.write(None, "127.0.0.1") == 0
        clock.now += 2
    assert quota.write(None, "127.0.0.1") == 3600 - 1000
    assert quota.write(None, "127.0.0.2") == 0
    clock.now += 3600 - 1000
    assert quota.write(None, "127.0.0.1") == 0
    assert quota.write(None, "127.0.0.1") == 2


# over HTTP --------------------------------------------------------------------------------------


def test_the_owner_switches_faults_on_and_off_over_http(owner: Api) -> None:
    made = owner.post("/_embedded/faults", {"kind": "outage"})
    assert made.status == 201
    with pytest.raises(CLOSED):
        owner.get("/user")
    shown = owner.get("/_embedded/faults").json()
    assert [(fault["id"], fault["kind"]) for fault in shown] == [(made.json()["id"], "outage")]
    assert owner.delete(f"/_embedded/faults/{made.json()['id']}").status == 204
    assert owner.get("/user").status == 200
    owner.post("/_embedded/faults", {"kind": "error"})
    assert owner.delete("/_embedded/faults").status == 204
    assert owner.get("/_embedded/faults").json() == []


@pytest.mark.parametrize("login", [None, "collaborator", "stranger"])
def test_the_switchboard_is_closed_to_everybody_else(owner: Api, login: str | None) -> None:
    other = owner.as_(login)
    assert other.post("/_embedded/faults", {"kind": "outage"}).status == 403
    assert other.get("/_embedded/nonsense").status == 403
    assert owner.github.faults.active() == []


def test_a_wrong_fault_is_told_what_is_wrong(owner: Api) -> None:
    answer = owner.post("/_embedded/faults", {"kind": "earthquake"})
    assert answer.status == 422
    assert "earthquake" in answer.message


def test_the_switchboard_does_what_the_website_does(owner: Api) -> None:
    fields = {"full_name": "owner/other", "private": True, "files": {"a/b.txt": "x"}}
    made = owner.post("/_embedded/repositories", fields)
    assert (made.status, made.json()["private"]) == (201, True)
    assert owner.post("/_embedded/repositories", fields).status == 422
    assert owner.post("/_embedded/repositories", {"full_name": "x"}).status == 422
    token = owner.post("/_embedded/users", {"login": "ada"}).json()["token"]
    ada = {"Authorization": f"token {token}"}
    assert owner.get("/user", headers=ada).json()["login"] == "ada"
    assert owner.get("/repos/owner/other", headers=ada).status == 404
    role = "/_embedded/repositories/owner/other/roles/ada"
    assert owner.put(role, {"role": "king"}).status == 422
    assert owner.put(role, {"role": "write"}).status == 204
    assert owner.get("/repos/owner/other", headers=ada).json()["permissions"]["push"] is True
    home = "/_embedded/repositories/owner/status"
    assert owner.post(f"{home}/pulls", {"title": "Fix"}).json() == {"number": 1}
    first, second = owner.opened(), owner.opened()
    assert owner.post(f"{home}/issues/{first}/delete").status == 204
    assert owner.get(f"issues/{first}").status == 410
    moved = owner.post(f"{home}/issues/{second}/transfer", {"to": "owner/other"})
    assert moved.json() == {"number": 1}
    assert owner.post(f"{home}/issues/{second}/transfer", {"to": "x/y"}).status == 404
    assert owner.get("/_embedded/nonsense").status == 404
    log = owner.get("/_embedded/requests").json()
    assert log[-1] == {"method": "GET", "target": "/_embedded/nonsense", "status": 404}
