"""The only way to GitHub: what is sent, what is an answer, what is an outage, what is repeated."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from github_store.errors import (
    AccessLost,
    ConfigurationError,
    GitHubOut,
    GitHubTimeout,
    GitHubUnavailable,
    OutcomeUnknown,
    RateLimited,
)
from github_store.gateway import (
    AppCredential,
    Credential,
    Exchange,
    Gateway,
    Reply,
    TokenCredential,
    retry_after_seconds,
)
from github_store.repository_access import check_repository
from tests.store.scripted_http import Answer, ScriptedServer, scripted

SECRET = "made-up-token-that-must-not-leak"
NOW = 1_790_000_000.0
ISSUE = {"number": 3, "title": "t", "state": "open", "created_at": "2026-11-24T04:55:52Z"}


def ask(
    url: str,
    question: Callable[[Gateway], Awaitable[Any]],
    *,
    credential: Credential | None = None,
    **options: Any,
) -> Any:
    async def run() -> Any:
        gateway = Gateway(
            repository_name="owner/status",
            credential=credential or TokenCredential(SECRET),
            api_url=url,
            clock=lambda: NOW,
            **options,
        )
        try:
            return await question(gateway)
        finally:
            await gateway.close()

    return asyncio.run(run())


def get(server: ScriptedServer, *, credential: Credential | None = None, **options: Any) -> Reply:
    question = lambda it: it.request("GET", "/repos/owner/status/issues", **options)  # noqa: E731
    reply = ask(server.url, question, credential=credential)
    assert isinstance(reply, Reply)
    return reply


def post(server: ScriptedServer, **options: Any) -> Reply:
    question = lambda it: it.request("POST", "/repos/owner/status/issues", body={"title": "t"})  # noqa: E731
    reply = ask(server.url, question, **options)
    assert isinstance(reply, Reply)
    return reply


def test_a_request_carries_credential_version_and_the_etag_held() -> None:
    with scripted(Answer(304, headers={"ETag": '"abc"'})) as server:
        reply = get(server, etag='W/"abc"')
    headers = server.asked[0].headers
    assert reply.status == 304
    assert reply.data is None
    assert reply.etag == '"abc"'
    assert headers["authorization"] == f"token {SECRET}"
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["accept"] == "application/vnd.github+json"
    assert headers["if-none-match"] == 'W/"abc"'


def test_the_next_page_is_found_among_links_of_other_kinds() -> None:
    link = (
        '<https://docs.github.com/x>; rel="deprecation"; type="text/html", '
        '<BASE/repositories/1/issues?per_page=100&after=Y3Vy%3D%3D&page=2>; rel="next"'
    )
    with scripted(Answer(body=[], headers={"Link": link})) as server:
        reply = get(server)
    assert reply.next_url == (
        f"{server.url}/repositories/1/issues?per_page=100&after=Y3Vy%3D%3D&page=2"
    )


def test_the_last_page_has_no_next() -> None:
    with scripted(Answer(body=[], headers={"Link": '<BASE/x?page=1>; rel="prev"'})) as server:
        assert get(server).next_url is None


@pytest.mark.parametrize("first", [Answer(502), Answer(0), Answer(503, b"<html>Unicorn</html>")])
def test_a_read_is_asked_once_more_after_a_server_error_or_a_broken_connection(
    first: Answer,
) -> None:
    with scripted(first, Answer(body=[])) as server:
        assert get(server).data == []
    assert len(server.asked) == 2


def test_a_read_that_fails_twice_is_an_outage() -> None:
    with scripted(Answer(502), Answer(500)) as server, pytest.raises(GitHubUnavailable):
        get(server)
    assert len(server.asked) == 2


@pytest.mark.parametrize("answer", [Answer(502), Answer(0), Answer(500), Answer(504)])
def test_a_write_is_never_repeated_and_its_outcome_is_unknown(answer: Answer) -> None:
    with scripted(answer, Answer(201)) as server, pytest.raises(OutcomeUnknown):
        post(server)
    assert len(server.asked) == 1


def test_a_write_that_never_left_did_not_happen() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(GitHubUnavailable) as caught:
        ask(url, lambda it: it.request("POST", "/repos/owner/status/issues", body={}))
    assert not isinstance(caught.value, OutcomeUnknown)


@pytest.mark.parametrize(("method", "expected"), [("GET", GitHubTimeout), ("POST", OutcomeUnknown)])
def test_no_answer_in_time(method: str, expected: type[GitHubUnavailable]) -> None:
    never = threading.Event()
    with scripted(Answer(0, hold=never)) as server:
        with pytest.raises(expected):
            ask(
                server.url,
                lambda it: it.request(method, "/repos/owner/status/issues"),
                timeout_seconds=0.05,
            )
        never.set()


@pytest.mark.parametrize(
    ("answer", "expected", "seconds"),
    [
        pytest.param(Answer(401, {"message": "Bad credentials"}), AccessLost, None, id="401"),
        pytest.param(
            Answer(403, {"message": "Resource not accessible by integration"}),
            AccessLost, None, id="permission",
        ),
        pytest.param(
            Answer(403, {"message": "slow down"}, {"Retry-After": "7"}),
            RateLimited, 7, id="retry-after",
        ),
        pytest.param(
            Answer(403, {"message": "API rate limit exceeded for user ID 1."},
                   {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW) + 30)}),
            RateLimited, 31, id="primary",
        ),
        pytest.param(
            Answer(403, {"message": "You have exceeded a secondary rate limit."}),
            RateLimited, 60, id="secondary without a time",
        ),
        pytest.param(Answer(429, {"message": "?"}), RateLimited, 60, id="429"),
    ],
)  # fmt: skip
def test_refusals_are_told_apart(
    answer: Answer, expected: type[GitHubUnavailable], seconds: int | None
) -> None:
    with scripted(answer) as server, pytest.raises(expected) as caught:
        get(server)
    assert type(caught.value) is expected
    assert caught.value.retry_after_seconds == seconds
    assert len(server.asked) == 1
    assert SECRET not in str(caught.value)


def test_a_success_that_is_no_json_is_an_outage() -> None:
    broken = Answer(200, b"<html>maintenance</html>")
    with scripted(broken, broken) as server, pytest.raises(GitHubUnavailable):
        get(server)


@pytest.mark.parametrize("status", [404, 409, 410, 422])
def test_answers_that_mean_something_are_returned(status: int) -> None:
    with scripted(Answer(status, {"message": "Not\n Found"})) as server:
        reply = get(server)
    assert (reply.status, reply.message) == (status, "Not Found")


def test_a_renamed_repository_is_followed_with_its_query() -> None:
    moved = Answer(301, {"message": "Moved Permanently"}, {"Location": "BASE/repositories/7"})
    found = Answer(200, {"full_name": "owner/renamed"})
    with scripted(moved, moved, found, Answer(body=[])) as server:
        name = ask(server.url, _list_then_name)
    assert name == "owner/renamed"
    assert server.lines == [
        "GET /repos/owner/status/issues?labels=q&state=all",
        "GET /repos/owner/status",
        "GET /repositories/7",
        "GET /repos/owner/renamed/issues?labels=q&state=all",
    ]


async def _list_then_name(gateway: Gateway) -> str:
    reply = await gateway.request("GET", "/repos/owner/status/issues?labels=q&state=all")
    assert reply.ok
    return gateway.repository_name


def test_a_write_to_a_renamed_repository_happens_once_under_the_new_name() -> None:
    moved = Answer(
        307, {"message": "Moved Permanently"}, {"Location": "BASE/repositories/7/issues"}
    )
    gone = Answer(301, {}, {"Location": "BASE/repositories/7"})
    found = Answer(200, {"full_name": "owner/renamed"})
    with scripted(moved, gone, found, Answer(201, ISSUE)) as server:
        assert post(server).data == ISSUE
    assert server.lines[-1] == "POST /repos/owner/renamed/issues"


def test_an_issue_that_moved_away_is_the_callers_to_judge() -> None:
    moved = Answer(301, {}, {"Location": "BASE/repositories/8/issues/1"})
    with scripted(moved, Answer(200, {"full_name": "owner/status"})) as server:
        reply = get(server)
    assert reply.status == 301


@pytest.mark.parametrize(
    ("answer", "login"),
    [
        (Answer(200, {"login": "maintainer"}), "maintainer"),
        (Answer(403, {"message": "Resource not accessible by integration"}), "github-actions[bot]"),
    ],
    ids=["a user", "GITHUB_TOKEN"],
)
def test_the_service_knows_its_own_login(answer: Answer, login: str) -> None:
    with scripted(answer) as server:
        assert ask(server.url, lambda it: it.own_login()) == login


def test_the_observer_learns_of_every_exchange_answered_or_not() -> None:
    seen: list[Exchange] = []
    with scripted(Answer(0), Answer(200)) as server:
        ask(server.url, lambda it: it.request("GET", "/repos/owner/status"), observe=seen.append)
    assert [(each.method, each.path, each.status) for each in seen] == [
        ("GET", "/repos/owner/status", None),
        ("GET", "/repos/owner/status", 200),
    ]
    assert all(each.seconds >= 0 for each in seen)


@pytest.mark.parametrize("url", ["", "api.github.com", "ftp://x", "http://"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError, match="GITHUB_API_URL"):
        Gateway(repository_name="o/r", credential=TokenCredential("t"), api_url=url)


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def test_an_app_asks_for_its_token_once(private_key: str) -> None:
    token = Answer(201, {"token": SECRET, "expires_at": "2099-01-01T00:00:00Z"})

    async def twice(gateway: Gateway) -> None:
        assert gateway.credential_name == "GITHUB_APP_ID"
        for _ in range(2):
            assert (await gateway.request("GET", "/repos/owner/status")).ok

    with scripted(token, Answer(), Answer()) as server:
        ask(server.url, twice, credential=AppCredential(1, 2, private_key))
    assert server.lines == [
        "POST /app/installations/2/access_tokens",
        "GET /repos/owner/status",
        "GET /repos/owner/status",
    ]
    assert server.asked[1].headers["authorization"] == f"token {SECRET}"


INSTALLED = Answer(201, {"token": SECRET, "expires_at": "2099-01-01T00:00:00Z"})
UNTOLD = Answer(403, {"message": "Resource not accessible by integration"})


def test_an_app_knows_its_own_login_by_its_own_key(private_key: str) -> None:
    with scripted(INSTALLED, UNTOLD, Answer(200, {"slug": "my-app"})) as server:
        credential = AppCredential(1, 2, private_key)
        login = ask(server.url, lambda it: it.own_login(), credential=credential)
    assert login == "my-app[bot]"
    assert server.lines[-1] == "GET /app"
    assert server.asked[-1].headers["authorization"].startswith("Bearer ")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(Answer(0), GitHubUnavailable), (Answer(404, {"message": "Not Found"}), AccessLost)],
    ids=["lost", "not told"],
)
def test_an_app_whose_login_is_not_told_is_an_outage(
    private_key: str, answer: Answer, kind: type[GitHubUnavailable]
) -> None:
    with scripted(INSTALLED, UNTOLD, answer) as server, pytest.raises(kind) as caught:
        ask(server.url, lambda it: it.own_login(), credential=AppCredential(1, 2, private_key))
    assert caught.type is kind


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (Answer(401, {"message": "Bad credentials"}), AccessLost, "no token .*401: Bad cred"),
        (Answer(404, {"message": "Not Found"}), AccessLost, "no token .*404: Not Found"),
        (Answer(429, {"message": "Slow down"}), RateLimited, "rate limit"),
        (Answer(403, {"message": "API rate limit exceeded"}), RateLimited, "rate limit"),
        (Answer(500, {"message": "Oops"}), GitHubUnavailable, "500 where an App asked"),
        (Answer(502, b"<html>"), GitHubUnavailable, "502 where an App asked"),
        (Answer(0), GitHubUnavailable, "cannot be reached"),
    ],
    ids=["another key", "no installation", "429", "rate limit", "500", "502", "lost"],
)
def test_an_app_without_a_token_is_an_outage_and_no_write_was_sent(
    private_key: str, answer: Answer, kind: type[GitHubUnavailable], message: str
) -> None:
    with scripted(answer) as server, pytest.raises(kind, match=message) as caught:
        post(server, credential=AppCredential(1, 2, private_key))
    assert caught.type is kind
    assert server.lines == ["POST /app/installations/2/access_tokens"]


@pytest.mark.parametrize(
    ("answer", "setting"),
    [
        (Answer(401, {"message": "A JSON web token could not be decoded"}), "PRIVATE_KEY"),
        (Answer(404, {"message": "Integration not found"}), "ID"),
        (Answer(404, {"message": "Not Found"}), "INSTALLATION_ID"),
        (Answer(403, {"message": "This installation has been suspended"}), "INSTALLATION_ID"),
    ],
    ids=["another App's key", "no such App", "not installed", "suspended"],
)
def test_what_is_wrong_with_an_app_names_the_setting(
    private_key: str, answer: Answer, setting: str
) -> None:
    with scripted(answer) as server, pytest.raises(ConfigurationError) as caught:
        ask(server.url, check_repository, credential=AppCredential(1, 2, private_key))
    assert str(caught.value).startswith(f"GITHUB_APP_{setting}: ")


def test_a_key_that_signs_nothing_is_said_before_anything_is_sent() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nbm8ga2V5\n-----END RSA PRIVATE KEY-----"
    with scripted() as server, pytest.raises(AccessLost, match="signs nothing") as caught:
        get(server, credential=AppCredential(1, 2, key))
    assert "bm8ga2V5" not in str(caught.value)
    assert server.lines == []


def test_no_secret_shows_in_a_credential() -> None:
    app = AppCredential(1, 2, SECRET)
    assert SECRET not in repr(TokenCredential(SECRET)) + repr(app)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "0"}, 1),
        ({"retry-after": "120"}, 120),
        ({"retry-after": "soon"}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) - 5)}, 1),
        ({"x-ratelimit-remaining": "0"}, 60),
        ({}, 60),
    ],
)
def test_the_wait_that_github_asks_for(headers: dict[str, str], seconds: int) -> None:
    assert retry_after_seconds(Reply(403, headers, None), now=NOW) == seconds


def test_what_is_not_admitted_is_not_sent_and_not_observed() -> None:
    def refuse(method: str, path: str) -> None:
        raise RateLimited(f"{method} {path}", retry_after_seconds=7)

    seen: list[Exchange] = []
    with scripted() as server, pytest.raises(RateLimited) as caught:
        post(server, admit=refuse, observe=seen.append)
    assert caught.value.retry_after_seconds == 7
    assert (server.lines, seen) == ([], [])


def test_what_is_refused_beforehand_waits_for_no_thread() -> None:
    never = threading.Event()
    is_out = False

    def refuse(method: str, path: str) -> None:
        if is_out:
            raise GitHubOut(f"{method} {path}")

    async def ask_twice(gateway: Gateway) -> None:
        nonlocal is_out
        waiting = asyncio.create_task(gateway.request("GET", "/repos/owner/status"))
        await asyncio.sleep(0.02)
        is_out = True
        with pytest.raises(GitHubOut, match="POST /repos/owner/status/issues"):
            await asyncio.wait_for(gateway.request("POST", "/repos/owner/status/issues"), 1)
        never.set()
        assert (await waiting).ok

    with scripted(Answer(200, hold=never)) as server:
        ask(server.url, ask_twice, refuse=refuse, connections=1)
    assert server.lines == ["GET /repos/owner/status"]


@pytest.mark.parametrize(
    ("answer", "is_limit"),
    [
        (Answer(403, {"message": "You have exceeded a secondary rate limit."}), True),
        (Answer(403, {"message": "Resource not accessible"}), False),
        (Answer(429), True),
        (Answer(200, []), False),
    ],
    ids=["secondary", "permission", "too many", "fine"],
)
def test_an_observer_learns_whether_a_refusal_is_a_limit(answer: Answer, is_limit: bool) -> None:
    seen: list[Exchange] = []
    with scripted(answer) as server, suppress(GitHubUnavailable):
        post(server, observe=seen.append)
    assert [each.is_limit for each in seen] == [is_limit]
