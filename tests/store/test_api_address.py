"""Whatever address GitHub names, only a path of the API's own is ever asked."""

from __future__ import annotations

import urllib.parse
from typing import Any

import pytest
import requests
from github import Auth, Github
from hypothesis import example, given
from hypothesis import strategies as st

from github_store.api_address import MAX_LENGTH, address_remedy, api_path, is_github_itself
from github_store.errors import GitHubUnavailable

BASES = ("", "/github", "/api/v3", "/repos", "/a/b%20c")


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    "shown",
    [
        "https://api.github.com",
        "https://api.github.com:8443",
        "http://github.octocorp.example/api/v3",
        "https://gateway.example/github",
        "https://inner.example/another/place",
        "http://[::1]:3001",
        "",
        "/github",
        "/api/v3",
        "HTTPS://API.GITHUB.COM",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "/repositories/1/issues?page=2",
        "/repos/owner/status/issues/3/comments?per_page=100&after=Y3Vy%3D%3D&page=2",
        "/search/issues?q=repo%3Ao%2Fr+is%3Aissue&page=2",
        "/repositories/7",
        "/repos/repos/repositories",
    ],
)
def test_a_place_of_the_api_is_found_whatever_host_and_path_are_shown(
    base: str, shown: str, place: str
) -> None:
    assert api_path(shown + place, base_path=base) == place


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("place", ["/repositories/1/issues?page=2", "/repos/repos/o/issues"])
def test_the_base_path_is_taken_off_where_it_is_shown(base: str, place: str) -> None:
    assert api_path(f"https://gw.example{base}{place}", base_path=base) == place
    assert api_path(f"https://gw.example{base}{place}", base_path=f"{base}/") == place


HOSTILE: list[Any] = [
    "",
    None,
    7,
    b"https://api.github.com/repositories/1/issues",
    ["/repositories/1"],
    "x:@evil.example/repositories/1/issues",
    "x:@evil.example",
    "//evil.example/repositories/1/issues",
    "///evil.example/repositories/1/issues",
    "////repositories/1",
    "/\\evil.example/repositories/1",
    "\\\\evil.example\\repositories\\1",
    "https:/repositories/1/issues",
    "https:///repositories/1/issues",
    "https:repositories/1",
    "https://user@evil.example/repositories/1/issues",
    "https://user:pass@api.github.com/repositories/1/issues",
    "https://@api.github.com/repositories/1/issues",
    "https://api.github.com@evil.example/repositories/1",
    "ftp://api.github.com/repositories/1/issues",
    "javascript:/repositories/1/issues",
    "file:///repositories/1/issues",
    "data:,/repositories/1/issues",
    "https://[::1/repositories/1",
    "https://[not-an-address]/repositories/1",
    "https://api.github.com:port/repositories/1",
    "https://api.github.com:99999/repositories/1",
    "https://api.github.com/repositories/1/../../user",
    "https://api.github.com/repositories/1/%2e%2e/%2E./user",
    "https://api.github.com/repositories/1/%252e%252e/user",
    "https://api.github.com/../repositories/1",
    "https://api.github.com/./repositories/1",
    "https://api.github.com/repositories/1/..",
    "https://api.github.com/repositories/1/issues\r\nX-Evil: 1",
    "https://api.github.com/repositories/1/issues?page=2\n",
    "https://api.github.com/repositories/1/issues?page=2&q=\x00",
    " https://api.github.com/repositories/1/issues",
    "https://api.github.com/repositories/1/iss ues",
    "https://api.github.com/repositories/1/issues\t?page=2",
    "https://api.github.com/repositories/1/issues#fragment",
    "https://api.github.com/repositories/\u0661/issues",
    "https://api.github.com/repositories/1/issu\u0435s",
    "https://api.github.com/repositories//issues",
    "https://api.github.com/repositories/1//evil.example",
    "https://api.github.com/repositories/1/a%2f..%2fb",
    "https://api.github.com/repositories/1/a%5c..%5cb",
    "https://api.github.com/user",
    "https://api.github.com/",
    "https://api.github.com",
    "https://octocorp.example/login?return_to=%2Frepositories%2F1",
    "https://octocorp.example/login?return_to=/repositories/1",
    "?page=2",
    "repositories/1/issues?page=2",
    "@evil.example/repositories/1/issues",
    "127.0.0.1:80/repositories/1/issues",
    "evil.example/repositories/1/issues",
    "https://api.github.com/repositories/1/issues?page=" + "2" * MAX_LENGTH,
    "https://api.github.com" + "/a" * 5_000_000,
    "https://" + "[" * 100_000,
]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("address", HOSTILE, ids=lambda each: repr(each)[:60])
def test_everything_else_is_an_outage_that_says_so_in_one_short_line(
    address: Any, base: str
) -> None:
    with pytest.raises(GitHubUnavailable, match="no address of its API") as caught:
        api_path(address, base_path=base)
    assert len(str(caught.value)) < 1_000
    assert str(caught.value).isprintable()


def asked(base_url: str, path: str) -> str:
    """The URL that PyGithub and requests ask for a path below ``base_url``."""
    requester: Any = Github(auth=Auth.Token("t"), base_url=base_url, lazy=True).requester
    url = requester.add_parameters_to_url(requester._Requester__makeAbsoluteUrl(path), {})
    address = urllib.parse.urlsplit(base_url)
    whole = f"{address.scheme}://{address.hostname}:{address.port or 443}{url}"
    prepared = requests.Request("GET", whole).prepare()
    assert prepared.url is not None
    return prepared.url


PIECES = st.sampled_from(
    [
        *("https:", "http:", "x:", "//", "/", "\\", "@", ":", "?", "#", "%", "[", "]", "::1", "."),
        *("..", "%2e", "%2f", "%5c", "%00", "\r\n", "\t", " ", "\0", "evil.example", ";", "&", "="),
        *(
            "api.github.com",
            "/repos/o/r",
            "/repositories/1",
            "/search/issues",
            "/api/v3",
            "/github",
        ),
        *("user:pass", "page=2", "é", "\ud800", "\u202e", "\u0661"),
    ]
)
ADDRESSES = st.one_of(
    st.text(),
    st.lists(PIECES, max_size=12).map("".join),
    st.lists(PIECES, max_size=6).map(
        lambda some: "https://x/repositories/1/issues" + "".join(some)
    ),
)


@given(ADDRESSES, st.sampled_from(BASES))
@example("https://api.github.com/repositories/1/issues;//evil.example?x=;y", "/github")
def test_whatever_is_named_the_request_goes_to_the_api_and_stays_below_its_path(
    address: str, base: str
) -> None:
    try:
        path = api_path(address, base_path=base)
    except GitHubUnavailable:
        return
    url = urllib.parse.urlsplit(asked(f"https://api.example:8443{base}", path))
    assert (url.scheme, url.netloc) == ("https", "api.example:8443")
    assert url.path.startswith(f"{base}/rep") or url.path.startswith(f"{base}/search/")
    assert ".." not in urllib.parse.unquote(url.path).split("/")
    assert api_path(path, base_path="") == path, "a path of the API is one"


@pytest.mark.parametrize(
    ("url", "is_github"),
    [
        ("https://api.github.com", True),
        ("https://api.octocorp.ghe.com", True),
        ("https://github.octocorp.example/api/v3", False),
        ("http://127.0.0.1:3001", False),
        ("https://api.github.com.example", False),
    ],
)
def test_github_itself_is_told_from_servers_that_speak_like_it(url: str, is_github: bool) -> None:
    assert is_github_itself(url) is is_github


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://www.github.com/", "https://api.github.com"),
        ("https://octocorp.ghe.com", "https://api.octocorp.ghe.com"),
        ("https://ghe.octocorp.example", "https://ghe.octocorp.example/api/v3"),
        ("https://ghe.octocorp.example:8443/api", "https://ghe.octocorp.example:8443/api/v3"),
        ("http://[::1]/owner/status", "http://[::1]/api/v3"),
    ],
)
def test_the_right_address_is_named_where_it_is_not_the_apis(url: str, remedy: str) -> None:
    assert f" {remedy}" in address_remedy(url)


@pytest.mark.parametrize("url", ["https://api.github.com", "https://ghe.octocorp.example/api/v3/"])
def test_an_address_that_looks_right_is_left_as_it_is(url: str) -> None:
    assert "GITHUB_API_URL" not in address_remedy(url)
