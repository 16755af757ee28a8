"""The reference page is whole by itself: no other host, no inline code, one description."""

from __future__ import annotations

import re
import tomllib
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from tests.app.service import Service

PAGES = ["/", "/api-reference"]
ASSETS = {"/assets/reference.js": "text/javascript", "/assets/reference.css": "text/css"}


def page(path: str) -> httpx.Response:
    return Service().client(token=None).get(path)


class References(HTMLParser):
    """Every address a page refers to, and what is not allowed by its own policy."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.labelled: set[str] = set()
        self.inputs: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [str(given[name]) for name in ("href", "src") if name in given]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        if tag == "label":
            self.labelled.add(str(given.get("for")))
        if tag == "input":
            self.inputs.add(str(given.get("id")))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_refers_only_to_what_the_service_has(path: str) -> None:
    for address in References(page(path).text).addresses:
        if not address.startswith("#"):
            assert ":" not in address
            assert not address.startswith("/"), "a proxy may serve the page below a path"
            assert page(f"/{address}").status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_a_page_keeps_its_own_strict_policy(path: str) -> None:
    answer = page(path)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert References(answer.text).inline == []
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("path", "media_type"), ASSETS.items())
def test_an_asset_asks_no_other_host(path: str, media_type: str) -> None:
    answer = page(path)
    assert answer.headers["content-type"].startswith(media_type)
    assert not re.search(r"https?://|@import|\burl\(", answer.text)


def test_texts_of_the_description_cannot_become_markup() -> None:
    script = page("/assets/reference.js").text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)


def test_a_page_is_labelled_for_who_cannot_see_it() -> None:
    answer = page("/api-reference").text
    found = References(answer)
    assert found.inputs == found.labelled == {"token"}
    assert '<html lang="en">' in answer


def test_the_page_is_light_or_dark_as_its_reader_is() -> None:
    style = page("/assets/reference.css").text
    assert "color-scheme: light dark" in style
    assert "prefers-color-scheme: dark" in style


def test_every_asset_goes_into_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["app"]
    for asset in files("app").joinpath("assets").iterdir():
        assert f"**/*{Path(asset.name).suffix}" in patterns
