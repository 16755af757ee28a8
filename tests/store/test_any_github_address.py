"""GitHub behind any address, over real sockets: the credential goes there and nowhere else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from github_store import open_store
from github_store.checkup import check_up
from github_store.errors import ConfigurationError, GitHubUnavailable
from github_store.finding import Grade
from github_store.freshness import Freshness
from github_store.gateway import Gateway, TokenCredential
from github_store.held_answers import HeldAnswers
from github_store.held_repository import HeldRepository
from tests.store.scripted_http import Answer, scripted

REPOSITORY = "/repos/owner/status"


def ask(url: str, question: Callable[[Gateway], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        gateway = Gateway(
            repository_name="owner/status", credential=TokenCredential("made-up"), api_url=url
        )
        try:
            return await question(gateway)
        finally:
            await gateway.close()

    return asyncio.run(run())


async def all_pages(gateway: Gateway) -> list[Any]:
    held = HeldAnswers(gateway, freshness=Freshness(), clock=lambda: 0.0)
    pages = HeldRepository(gateway, held).pages(f"{REPOSITORY}/issues")
    return [each async for reply in pages for each in reply.data]


def linked(address: str) -> Answer:
    return Answer(body=[], headers={"Link": f'<{address}>; rel="next"'})


def hostile(elsewhere: str) -> list[str]:
    """Addresses that may be meant to be asked at ``elsewhere``, which is host and port."""
    path = "/repositories/1/issues?page=2"
    return [
        f"x:@{elsewhere}{path}",
        f"x:@{elsewhere}",
        f"http:@{elsewhere}{path}",
        f"//{elsewhere}{path}",
        f"/\\{elsewhere}{path}",
        f"http://a@{elsewhere}{path}",
        f"@{elsewhere}{path}",
        f"{elsewhere}{path}",
        f":{elsewhere.rpartition(':')[2]}{path}",
        f"http://[::1/{elsewhere}{path}",
        f"http://{elsewhere}/evil",
        "/..%2f..",
        "x",
    ]


@pytest.mark.parametrize("base", ["", "/github", "/api/v3"])
@pytest.mark.parametrize(
    "shown",
    ["https://api.github.com", "BASE", "BASE/github", "http://ghe.example/api/v3", "", "/x"],
)
def test_next_pages_are_asked_below_the_path_of_the_api(base: str, shown: str) -> None:
    last = Answer(body=[])
    with scripted(linked(f"{shown}/repositories/1/issues?page=2"), last) as server:
        ask(server.url + base, all_pages)
    assert server.lines == [
        f"GET {base}/repos/owner/status/issues",
        f"GET {base}/repositories/1/issues?page=2",
    ]


@pytest.mark.parametrize("base", ["", "/github"])
def test_a_renamed_repository_is_followed_below_the_path_of_the_api(base: str) -> None:
    moved = Answer(301, {}, {"Location": "https://api.github.com/repositories/7"})
    found = Answer(200, {"full_name": "owner/renamed"})
    with scripted(moved, moved, found, Answer(body=[])) as server:
        ask(server.url + base, lambda it: it.request("GET", f"{REPOSITORY}/issues"))
    assert server.lines[2:] == [
        f"GET {base}/repositories/7",
        f"GET {base}/repos/owner/renamed/issues",
    ]


def test_a_link_takes_nothing_to_another_host() -> None:
    with scripted() as other:
        elsewhere = other.url.removeprefix("http://")
        for address in hostile(elsewhere):
            with scripted(linked(address)) as server, pytest.raises(GitHubUnavailable) as caught:
                ask(server.url + "/github", all_pages)
            assert "no address of its API" in str(caught.value)
            assert len(server.lines) == 1
    assert other.lines == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_redirect_takes_nothing_to_another_host(status: int, method: str) -> None:
    with scripted() as other:
        elsewhere = other.url.removeprefix("http://")
        for address in hostile(elsewhere):
            moved = Answer(status, {}, {"Location": address})
            with scripted(moved, moved, moved, moved) as server, pytest.raises(GitHubUnavailable):
                ask(server.url, lambda it: it.request(method, f"{REPOSITORY}/issues"))
    assert other.lines == []


def test_a_repository_that_moves_for_ever_is_an_outage_soon() -> None:
    moved = Answer(301, {}, {"Location": "BASE/repositories/7"})
    with scripted(*[moved] * 20) as server, pytest.raises(GitHubUnavailable, match="redirects"):
        ask(server.url, lambda it: it.request("GET", REPOSITORY))
    assert len(server.lines) < 6


def test_the_api_may_be_at_an_address_of_ipv6_and_is_named_where_it_cannot_be_reached() -> None:
    with pytest.raises(GitHubUnavailable, match=r"http://\[::1\]:9/github cannot be reached"):
        ask("http://[::1]:9/github", lambda it: it.request("GET", REPOSITORY))


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Limit": "many", "X-RateLimit-Remaining": "inf", "X-RateLimit-Reset": "x"},
        {"X-RateLimit-Reset": "1e999"},
        {"X-RateLimit-Limit": "9" * 5_000, "X-RateLimit-Remaining": "9" * 5_000},
        {"Content-Type": "application/json; charset=no-such-thing"},
        {"Link": "<<>>;;; rel=next, <"},
        {"Date": "never", "Retry-After": "soon", "ETag": ""},
        {"X-OAuth-Scopes": ",,,"},
    ],
)
def test_headers_that_say_nothing_change_nothing(headers: dict[str, str]) -> None:
    with scripted(Answer(200, {"full_name": "owner/status"}, headers)) as server:
        assert ask(server.url, lambda it: it.request("GET", REPOSITORY)).ok


def test_the_limits_are_told_as_github_tells_them() -> None:
    told = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "17", "X-RateLimit-Reset": "1"}
    with scripted(Answer(200, {}, told)) as server:
        headers = ask(server.url, lambda it: it.request("GET", REPOSITORY)).headers
    assert {name.lower(): headers[name.lower()] for name in told} == {
        name.lower(): value for name, value in told.items()
    }


def test_a_read_that_is_put_off_is_not_asked_for_ever() -> None:
    put_off = Answer(202, {})
    with scripted(*[put_off] * 5) as server:
        assert ask(server.url, lambda it: it.request("GET", REPOSITORY)).status == 202
    assert len(server.lines) == 1


WEBSITE = {"X-GitHub-Request-Id": "9A3F:1", "Content-Type": "text/html; charset=utf-8"}
PAGES = [
    pytest.param(Answer(200, b"<!DOCTYPE html><title>Sign in</title>", WEBSITE), id="a page"),
    pytest.param(Answer(404, b"<!DOCTYPE html><title>Not found</title>", WEBSITE), id="no page"),
    pytest.param(Answer(404, {"error": "Not Found"}, WEBSITE), id="other JSON"),
    pytest.param(Answer(404, b"", WEBSITE), id="nothing"),
    pytest.param(Answer(406, b"", WEBSITE), id="not acceptable"),
    pytest.param(
        Answer(302, b"", {**WEBSITE, "Location": "BASE/login?return_to=%2Frepos%2Fowner%2Fstatus"}),
        id="the login",
    ),
    pytest.param(
        Answer(301, b"", {"Location": "https://ghe.example/repos/owner/status"}), id="to https"
    ),
]


@pytest.mark.parametrize("page", PAGES)
def test_a_start_at_the_website_of_an_enterprise_server_names_its_api(
    page: Answer, tmp_path: Path
) -> None:
    with scripted(*[page] * 20) as server, pytest.raises(ConfigurationError) as caught:
        asyncio.run(
            open_store(
                repository_name="owner/status",
                credential=TokenCredential("made-up"),
                api_url=server.url,
                data_dir=tmp_path,
                clock=time.time,
            )
        )
    told = str(caught.value)
    assert told.startswith("GITHUB_API_URL: ")
    assert f"its API is at {server.url}/api/v3" in told
    assert "\n" not in told
    assert "made-up" not in told


@pytest.mark.parametrize("page", PAGES)
def test_the_doctor_names_the_api_of_an_enterprise_server(page: Answer) -> None:
    with scripted(*[page] * 20) as server:
        found = asyncio.run(
            check_up(
                repository_name="owner/status",
                credential=TokenCredential("made-up"),
                api_url=server.url,
                monitors_path="monitors.yaml",
                status_branch="status-data",
                clock=time.time,
            )
        )
    assert found[-1].grade is Grade.FAIL
    assert f"its API is at {server.url}/api/v3" in found[-1].remedy


def test_a_repository_that_is_not_known_there_is_told_with_the_address(tmp_path: Path) -> None:
    unknown = Answer(404, {"message": "Not Found"})
    with (
        scripted(unknown) as server,
        pytest.raises(ConfigurationError, match=r"REPOSITORY: .* at http.*api/v3"),
    ):
        asyncio.run(
            open_store(
                repository_name="owner/status",
                credential=TokenCredential("made-up"),
                api_url=server.url,
                data_dir=tmp_path,
                clock=time.time,
            )
        )
