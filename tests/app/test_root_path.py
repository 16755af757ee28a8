"""Below a path of a reverse proxy: whether that takes the path off or not, all is as without."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
import yaml

from app.root_path import OWN_PLACES, checked_root_path, path_below
from tests.app.service import Service
from tests.app.test_api_reference import PAGES, References

PREFIXES = ("/kener", "/status/kener.v2", "/kener/api")


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("/", ""),
        ("/kener", "/kener"),
        ("/kener/", "/kener"),
        ("/a-b/c.d_e~f", "/a-b/c.d_e~f"),
        ("/kener/api", "/kener/api"),
        ("/apis", "/apis"),
    ],
)
def test_a_prefix_is_kept_without_its_last_slash(text: str, prefix: str) -> None:
    assert checked_root_path(text) == prefix


@pytest.mark.parametrize(
    "text",
    [
        *("kener", "//kener", "/ke ner", "/kener//x", "/..", "/kener/..", "/.", "/k%65ner", "/é"),
        *("http://host/kener", "/kener?x", "/kener#x", "/<script>", "/kener\n", '/"', "/a/./b"),
        *(f"/{place}" for place in sorted(OWN_PLACES)),
        *("/api/status", "/API", "/assets/x"),
    ],
)
def test_what_is_no_plain_prefix_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no path"):
        checked_root_path(text)


def test_the_services_own_places_are_all_kept_free() -> None:
    routes = Service().app().routed.routes  # type: ignore[attr-defined]
    assert {route.path.split("/")[1] for route in routes} - {""} <= OWN_PLACES


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/kener/api/status", "/api/status"),
        ("/api/status", "/api/status"),
        ("/kener/", "/"),
        ("/kener", ""),
        ("/kenerx/api", "/kenerx/api"),
        ("/kener/kener/api", "/kener/api"),
        ("/kener//evil.example", "//evil.example"),
        ("/Kener/api", "/Kener/api"),
        ("", ""),
    ],
)
def test_the_prefix_is_taken_off_once_where_it_stands(path: str, own: str) -> None:
    assert path_below("/kener", path) == own
    assert path_below("", path) == path


@pytest.mark.parametrize("prefix", PREFIXES)
def test_both_spellings_answer_alike_and_let_in_alike(prefix: str) -> None:
    service = Service(root_path=prefix)
    routes = service.app().routed.routes  # type: ignore[attr-defined]
    paths = [route.path.replace("{incidentNumber}", "1") for route in routes]
    for token in ("a wrong token", None):
        for directly in (True, False):
            client = service.client(token=token, directly=directly)
            plain = Service().client(token=token, directly=directly)
            for path in [*paths, "/api", "/api/nothing", "/nothing", "/metrics%0A"]:
                expected = plain.get(path).status_code
                assert client.get(path).status_code == expected, path
                assert client.get(prefix + path).status_code == expected, prefix + path
                assert client.post(prefix + path).status_code == plain.post(path).status_code
    assert service.client().get(f"{prefix}/api/status?tag=google-search").status_code == 200


def test_the_prefix_alone_leads_to_the_front_page() -> None:
    client = Service(root_path="/kener").client(token=None)
    answer = client.get("/kener")
    assert (answer.status_code, answer.headers["location"]) == (308, "/kener/")
    assert "<h1>kener-issues</h1>" in client.get("/kener/").text


@pytest.mark.parametrize("root_path", ["", "/kener"])
@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_refers_to_is_below_the_prefix_though_it_does_not_know_it(
    page: str, root_path: str
) -> None:
    """Behind a proxy that takes the prefix off; the setting may be left out then."""
    client = Service(root_path=root_path).client(token=None)
    for address in References(client.get(page).text).addresses:
        if not address.startswith("#"):
            seen = urljoin(f"https://status.example/kener{page}", address)
            path = seen.removeprefix("https://status.example/kener")
            assert path != seen
            assert client.get(path).status_code == 200


@pytest.mark.parametrize("prefix", ["", *PREFIXES])
def test_the_description_says_where_the_service_is(prefix: str) -> None:
    client = Service(root_path=prefix).client(token=None)
    for told in (
        client.get("/openapi.json").json(),
        yaml.safe_load(client.get("/openapi.yaml").text),
    ):
        assert [server["url"] for server in told["servers"]] == [prefix or "/"]
