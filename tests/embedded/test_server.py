"""The server itself: who may talk to it, what every answer carries, how it starts and stops."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from github import Auth, Github

from github_store.embedded import EmbeddedGitHub
from github_store.errors import ConfigurationError

if TYPE_CHECKING:
    from .conftest import Api

RATE_HEADERS = {
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-used",
    "x-ratelimit-resource",
}


# who may talk to it -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_its_own_names_are_answered(owner: Api, name: str) -> None:
    port = owner.github.url.rpartition(":")[2]
    assert owner.get("/user", headers={"Host": f"{name}:{port}"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "evil.example"}, id="foreign host"),
        pytest.param({"Host": "127.0.0.1"}, id="no port"),
        pytest.param({"Host": "127.0.0.1.evil.example:{port}"}, id="host that begins alike"),
        pytest.param({"Origin": "http://127.0.0.1:{port}"}, id="own origin"),
        pytest.param({"Origin": "null"}, id="null origin"),
        pytest.param({"User-Agent": None}, id="no user agent"),
    ],
)
@pytest.mark.parametrize("path", ["/user", "/_embedded/faults"])
def test_web_pages_and_nameless_programs_are_refused(
    owner: Api, path: str, headers: dict[str, str | None]
) -> None:
    port = owner.github.url.rpartition(":")[2]
    sent = {name: value and value.format(port=port) for name, value in headers.items()}
    answer = owner.get(path, headers=sent)
    assert answer.status == 403
    assert answer.json()["status"] == "403"
    assert "access-control-allow-origin" not in answer.headers


def test_an_unknown_api_version_is_refused_before_the_token_is_looked_at(owner: Api) -> None:
    headers = {"X-GitHub-Api-Version": "2001-01-01", "Authorization": "token wrong"}
    assert owner.get("/user", headers=headers).status == 400


@pytest.mark.parametrize("scheme", ["token", "Bearer", "bearer", "TOKEN"])
def test_both_schemes_carry_a_token(owner: Api, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {owner.github.tokens['stranger']}"}
    assert owner.get("/user", headers=headers).json()["login"] == "stranger"


@pytest.mark.parametrize("value", ["token wrong", "Basic b3duZXI6eA==", "", "token"])
def test_a_wrong_token_is_refused_even_where_none_is_needed(owner: Api, value: str) -> None:
    answer = owner.get("", headers={"Authorization": value})
    assert (answer.status, answer.message) == (401, "Bad credentials")
    assert answer.headers.keys() >= RATE_HEADERS


# what every answer carries ----------------------------------------------------------------------


def test_answers_carry_what_githubs_do(owner: Api) -> None:
    headers = owner.get("issues/1" if owner.opened() else "").headers
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["cache-control"] == "private, max-age=60, s-maxage=60"
    assert headers["vary"].startswith("Accept, Authorization, Cookie")
    assert headers["x-github-media-type"] == "github.v3; format=json"
    assert headers["x-github-api-version-selected"] == "2022-11-28"
    assert headers["x-oauth-scopes"] == "repo"
    assert len(headers["x-github-request-id"].split(":")) == 5
    assert headers["last-modified"].endswith(" GMT")
    assert headers.keys() >= RATE_HEADERS
    public = owner.as_(None).get("").headers
    assert public["cache-control"] == "public, max-age=60, s-maxage=60"
    assert "Authorization" not in public["vary"]
    assert "x-oauth-scopes" not in public


@pytest.mark.parametrize("path", ["/nowhere", "issues/", "/repositories/x/issues", "issues/1/2/3"])
def test_an_unrouted_path_is_404_without_rate_limit_and_free(owner: Api, path: str) -> None:
    answer = owner.get(path) if path.startswith("/") else owner.get(f"/repos/owner/status/{path}")
    assert (answer.status, answer.message) == (404, "Not Found")
    assert answer.json()["documentation_url"] == "https://docs.github.com/rest"
    assert not answer.headers.keys() & RATE_HEADERS
    assert owner.get("/rate_limit").json()["rate"]["used"] == 0


def test_the_etag_hashes_media_type_token_and_body(owner: Api) -> None:
    token = f"Bearer {owner.github.tokens['owner']}"
    answer = owner.get("labels/bug", headers={"Accept": "application/json"})
    digest = hashlib.sha256(f"application/json:{token}:".encode() + answer.body).hexdigest()
    assert answer.headers["etag"] == f'"{digest}"'
    anonymous = owner.as_(None).get("labels/bug", headers={"Accept": "*/*"})
    assert anonymous.headers["etag"] == f'"{hashlib.sha256(b"*/*:" + anonymous.body).hexdigest()}"'


def test_a_known_answer_is_304_costs_nothing_and_has_no_body(owner: Api) -> None:
    first = owner.get("issues", headers={"Accept-Encoding": "gzip"})
    assert first.headers["etag"].startswith('W/"')
    strong = first.headers["etag"].removeprefix("W/")
    for condition in (first.headers["etag"], strong, f'"other", {strong}', "*"):
        again = owner.get("issues", headers={"If-None-Match": condition})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == strong
        assert "content-type" not in again.headers
        assert again.headers["x-ratelimit-used"] == first.headers["x-ratelimit-used"]
    owner.opened()
    assert owner.get("issues", headers={"If-None-Match": strong}).status == 200


def test_an_anonymous_304_is_not_free(owner: Api) -> None:
    nobody = owner.as_(None)
    tag = nobody.get("labels").headers["etag"]
    again = nobody.get("labels", headers={"If-None-Match": tag})
    assert (again.status, again.headers["x-ratelimit-used"]) == (304, "2")


def test_a_304_depends_on_the_token(owner: Api) -> None:
    tag = owner.get("labels").headers["etag"]
    collaborator = owner.as_("collaborator")
    assert collaborator.get("labels", headers={"If-None-Match": tag}).status == 200


def test_if_modified_since_counts_where_there_is_a_last_modified(owner: Api) -> None:
    number = owner.opened()
    modified = owner.get(f"issues/{number}").headers["last-modified"]
    since = {"If-Modified-Since": modified}
    assert owner.get(f"issues/{number}", headers=since).status == 304
    long_ago = {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}
    assert owner.get(f"issues/{number}", headers=long_ago).status == 200
    assert owner.get(f"issues/{number}", headers={"If-Modified-Since": "x"}).status == 200


def test_large_answers_are_compressed_for_who_takes_it(owner: Api) -> None:
    packed = owner.get("labels", headers={"Accept-Encoding": "deflate, gzip;q=0.5"})
    assert packed.headers["content-encoding"] == "gzip"
    plain = owner.get("labels", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    made = owner.post("issues", {"title": "x"}, headers={"Accept-Encoding": "gzip"})
    assert not made.headers["etag"].startswith("W/")
    assert "content-encoding" not in made.headers


def test_head_is_get_without_the_body(owner: Api) -> None:
    got, head = owner.get("labels"), owner.send("HEAD", "labels")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert head.headers["etag"] == got.headers["etag"]


def test_errors_carry_no_etag_and_the_short_vary(owner: Api) -> None:
    headers = owner.get("issues/99").headers
    assert "etag" not in headers
    assert "cache-control" not in headers
    assert headers["vary"] == "Accept-Encoding, Accept, X-Requested-With"
    assert headers.keys() >= RATE_HEADERS


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"{", "Problems parsing JSON"),
        (b'{"title": "\\ud800"}', "Problems parsing JSON"),
        (b"[" * 100_000, "Problems parsing JSON"),
        (b"\xff\xfe", "Problems parsing JSON"),
        (b"[1]", "Body should be a JSON object"),
        (b'"x"', "Body should be a JSON object"),
    ],
    ids=["cut", "surrogate", "deep", "not text", "list", "string"],
)
def test_a_body_that_is_no_json_object_is_400(owner: Api, raw: bytes, message: str) -> None:
    answer = owner.send("POST", "issues", raw=raw)
    assert (answer.status, answer.message) == (400, message)


# repositories by name, former name and id -------------------------------------------------------


def test_every_path_below_a_repository_works_by_its_id(owner: Api) -> None:
    number = owner.opened()
    found = owner.get("").json()["id"]
    assert owner.get(f"/repositories/{found}").json()["full_name"] == "owner/status"
    assert owner.get(f"/repositories/{found}/issues/{number}").status == 200
    assert owner.post(f"/repositories/{found}/issues", {"title": "x"}).status == 201
    assert owner.get("/repositories/1/issues").status == 404


def test_names_are_found_in_any_case(owner: Api) -> None:
    assert owner.get("/repos/OWNER/Status").json()["full_name"] == "owner/status"


def test_a_renamed_repository_redirects_with_its_query(owner: Api) -> None:
    number = owner.opened()
    renamed = owner.patch("", {"name": "health"})
    assert (renamed.status, renamed.json()["full_name"]) == (200, "owner/health")
    answer = owner.get("issues?state=all&labels=a%2Cb")
    assert (answer.status, answer.message) == (301, "Moved Permanently")
    place = f"{owner.github.url}/repositories/{renamed.json()['id']}"
    assert answer.headers["location"] == f"{place}/issues?state=all&labels=a%2Cb"
    assert answer.json()["url"] == answer.headers["location"]
    patched = owner.patch(f"issues/{number}", {"title": "x"})
    assert (patched.status, patched.headers["location"]) == (307, f"{place}/issues/{number}")
    assert owner.get("").headers["location"] == place
    assert owner.get(answer.headers["location"]).status == 200
    owner.github.create_repository("owner/status")
    assert owner.get("").status == 200


def test_a_private_repository_does_not_exist_for_others(owner: Api) -> None:
    assert owner.patch("", {"private": True}).json()["visibility"] == "private"
    for login in (None, "stranger"):
        for answer in (
            owner.as_(login).get(""),
            owner.as_(login).get("issues"),
            owner.as_(login).post("issues", {"title": "x"}),
        ):
            assert (answer.status, answer.message) == (404, "Not Found")
    assert owner.as_("collaborator").get("").status == 200


def test_a_deleted_repository_is_gone_and_its_name_free(owner: Api) -> None:
    owner.opened()
    assert owner.as_("collaborator").delete("").status == 403
    assert owner.delete("").status == 204
    assert owner.get("").status == 404
    owner.github.create_repository("owner/status")
    assert owner.get("issues").json() == []


# unreadable requests ----------------------------------------------------------------------------


@pytest.fixture
def raw(github: EmbeddedGitHub) -> Iterator[socket.socket]:
    port = int(github.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        yield connection


def all_of(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", 413),
    ],
)
def test_an_unreadable_request_is_answered_and_the_connection_closed(
    raw: socket.socket, sent: bytes, status: int
) -> None:
    raw.sendall(sent)
    head, _, body = all_of(raw).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(body)["status"] == str(status)


def test_a_body_too_large_is_refused_while_it_is_still_being_sent(raw: socket.socket) -> None:
    raw.sendall(b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 1_000_000)
    assert all_of(raw).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_leaves_in_its_body_disturbs_nobody(raw: socket.socket, owner: Api) -> None:
    raw.sendall(b"POST /user HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
    raw.shutdown(socket.SHUT_WR)
    assert all_of(raw) == b""
    assert owner.get("/user").status == 200


def test_a_chunked_body_is_read(raw: socket.socket, github: EmbeddedGitHub) -> None:
    host = github.url.removeprefix("http://")
    raw.sendall(
        f"POST /repos/owner/status/issues HTTP/1.1\r\nHost: {host}\r\nUser-Agent: t\r\n"
        f"Authorization: token {github.tokens['owner']}\r\nConnection: close\r\n"
        'Transfer-Encoding: chunked\r\n\r\n8\r\n{"title"\r\n4\r\n:"x"\r\n1\r\n}\r\n'
        "0\r\n\r\n".encode()
    )
    assert all_of(raw).startswith(b"HTTP/1.1 201 ")


def test_two_requests_in_one_packet_get_two_answers(
    raw: socket.socket, github: EmbeddedGitHub
) -> None:
    host = github.url.removeprefix("http://")
    head = f"GET /rate_limit HTTP/1.1\r\nHost: {host}\r\nUser-Agent: t\r\n"
    raw.sendall(f"{head}\r\n{head}Connection: close\r\n\r\n".encode())
    assert all_of(raw).count(b"HTTP/1.1 200 ") == 2


def test_a_handler_that_breaks_is_a_logged_500_and_undoes_its_work(
    owner: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(type(owner.github.hub.events), "add", broken)
    answer = owner.post("issues", {"title": "x", "labels": ["a"]})
    assert (answer.status, answer.message) == (500, "Server Error")
    assert "no such luck" in caplog.text
    assert "no such luck" not in answer.body.decode()
    monkeypatch.undo()
    assert owner.opened() == 1


# life -------------------------------------------------------------------------------------------


def test_what_was_answered_is_there_after_a_restart_with_the_same_tokens(
    tmp_path: Path, owner: Api
) -> None:
    with EmbeddedGitHub(tmp_path / "kept") as first:
        first.create_repository("owner/status", files={"a/b.txt": b"x"})
        tokens = dict(first.tokens)
        api = type(owner)(first, "owner")
        number = api.opened("kept", labels=["bug"])
        api.close()
    with EmbeddedGitHub(tmp_path / "kept") as second:
        assert dict(second.tokens) == tokens
        file = tmp_path / "kept" / "embedded.json"
        assert json.loads(file.read_text()) == {"api_url": second.url, "tokens": tokens}
        assert file.stat().st_mode & 0o077 == 0
        api = type(owner)(second, "owner")
        kept = api.get(f"issues/{number}").json()
        assert (kept["title"], kept["labels"][0]["name"]) == ("kept", "bug")
        assert [issue["number"] for issue in api.get("issues?labels=bug").json()] == [number]
        api.close()


def test_a_second_process_on_the_same_directory_is_refused_until_the_first_stops(
    tmp_path: Path,
) -> None:
    with (
        EmbeddedGitHub(tmp_path),
        pytest.raises(ConfigurationError, match="another process runs"),
    ):
        EmbeddedGitHub(tmp_path)
    EmbeddedGitHub(tmp_path).stop()


def test_a_taken_port_is_a_clear_error_and_leaves_the_directory_free(tmp_path: Path) -> None:
    with EmbeddedGitHub(tmp_path / "a") as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=f"port {port}"):
            EmbeddedGitHub(tmp_path / "b", port=port)
    with EmbeddedGitHub(tmp_path / "b", port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("name", ["github.db", "embedded.json"])
def test_a_broken_file_stops_the_start_with_one_clear_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"this is neither a database nor JSON" * 100)
    with pytest.raises(ConfigurationError, match="cannot use its directory"):
        EmbeddedGitHub(tmp_path)
    (tmp_path / name).unlink()
    EmbeddedGitHub(tmp_path).stop()


@pytest.mark.parametrize("name", ["owner", "owner/", "a/b/c", "../x", "owner/..", "owner/a b", ""])
def test_a_repository_is_named_owner_and_name(github: EmbeddedGitHub, name: str) -> None:
    with pytest.raises(ValueError, match="is not owner/name"):
        github.create_repository(name)


def test_stopping_twice_does_nothing(github: EmbeddedGitHub) -> None:
    github.stop()
    github.stop()


def test_stopping_is_quick_with_idle_connections_and_a_waiting_request(owner: Api) -> None:
    owner.get("/user")
    faults = owner.github.faults
    faults.add("latency", match="/slow", seconds=60, count=1)
    refused: list[Exception] = []

    def wait() -> None:
        try:
            owner.as_("collaborator").get("/slow")
        except OSError as error:
            refused.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    poll = threading.Event()
    while faults.active():  # until the fault has struck, and the request is waiting
        poll.wait(0.001)
    started = time.monotonic()
    owner.github.stop()
    assert time.monotonic() - started < 1
    waiting.join(5)
    assert not waiting.is_alive()
    with pytest.raises(OSError):
        owner.get("/user")


def test_requests_are_written_down_for_counting(owner: Api) -> None:
    owner.opened()
    owner.get("issues/1")
    owner.get("issues/2")
    assert owner.github.count("GET", r"/issues/\d+$") == 2
    assert owner.github.requests[-1] == ("GET", "/repos/owner/status/issues/2", 404)


# together ---------------------------------------------------------------------------------------


def test_thirty_two_clients_at_once_neither_block_nor_lose_anything(
    github: EmbeddedGitHub, owner: Api
) -> None:
    def work(client: int) -> None:
        api = type(owner)(github, "owner")
        try:
            for turn in range(5):
                number = api.opened(f"{client}.{turn}", labels=[f"label {turn}", "shared"])
                assert api.post(f"issues/{number}/comments", {"body": "x"}).status == 201
                assert api.get(f"issues?labels=label%20{turn}").status == 200
                assert api.patch(f"issues/{number}", {"state": "closed"}).status == 200
        finally:
            api.close()

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(work, range(32)))
    closed = [
        issue
        for page in (1, 2)
        for issue in owner.get(f"issues?state=closed&per_page=100&page={page}").json()
    ]
    assert sorted(issue["number"] for issue in closed) == list(range(1, 161))
    assert {issue["title"] for issue in closed} == {f"{c}.{t}" for c in range(32) for t in range(5)}
    assert all(issue["comments"] == 1 for issue in closed)
    assert owner.get("labels").link("last") is None
    assert [one["name"] for one in owner.get("labels").json()].count("shared") == 1


def test_pygithub_works_unchanged(github: EmbeddedGitHub) -> None:
    with Github(
        auth=Auth.Token(github.tokens["collaborator"]),
        base_url=github.url,
        per_page=2,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    ) as client:
        repository = client.get_repo("owner/status")
        assert client.get_user().login == "collaborator"
        assert repository.permissions.push
        made = [repository.create_issue(f"t{n}", body="b", labels=["x", "y"]) for n in range(5)]
        listed = repository.get_issues(state="all", labels=["x"], direction="asc")
        assert [issue.number for issue in listed] == [issue.number for issue in made]
        first = repository.get_issue(1)
        first.edit(state="closed", state_reason="not_planned", title="new")
        first.add_to_labels("z")
        first.remove_from_labels("x")
        first.create_comment("hello")
        again = repository.get_issue(1)
        assert (again.title, again.state, again.state_reason) == ("new", "closed", "not_planned")
        assert [label.name for label in again.labels] == ["y", "z"]
        assert [comment.body for comment in again.get_comments()] == ["hello"]
        assert [event.event for event in again.get_events()][-3:] == [
            "closed",
            "labeled",
            "unlabeled",
        ]
        assert repository.get_collaborator_permission("stranger") == "read"
        assert repository.create_label("new", "ff0000").color == "ff0000"
        assert next(iter(repository.get_labels())).name == "bug"
        assert client.get_rate_limit().resources.core.limit == 5000
        tagged = repository.requester.requestJson("GET", "/repos/owner/status/issues/1")
        status, _, text = repository.requester.requestJson(
            "GET", "/repos/owner/status/issues/1", headers={"If-None-Match": tagged[1]["etag"]}
        )
        assert (status, text) == (304, "")
