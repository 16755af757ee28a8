"""The address of GitHub's API, and what GitHub names below it: next pages, and what moved.

Scheme, host and port of what is asked are always the API's own, and so is the path that comes
before ``/repos/…``: a gateway at ``/github`` and an Enterprise server at ``/api/v3`` hand on links
that show another host and another path, or none. So only that part is taken from an address which
names a place of the API, and the Requester puts the rest before it. Pure.

Source: RFC 3986, RFC 8288; GitHub's REST docs, "Using pagination", "Redirects".
"""

from __future__ import annotations

import re
import urllib.parse
from typing import Final

from github_store.errors import NotTheApi

MAX_LENGTH: Final = 8_000
"""No address of GitHub's is longer; most servers refuse a request line of that length."""

ENTERPRISE_PATH: Final = "/api/v3"

_WRITTEN: Final = re.compile(r"[!#-;=?-\[\]_a-z~|{}^]*")
"""What addresses are written with: no white space, backslash, quote, angle bracket, control
character, and nothing beyond ASCII."""
_DOTS: Final = re.compile(r"(?:\.|%(?:25)*2e){1,2}", re.IGNORECASE)
_SEGMENT: Final = r"/[\w.~-]+"
_PLACE: Final = re.compile(
    rf"/(?:repos{_SEGMENT}{_SEGMENT}|repositories/\d+|search/issues)(?:{_SEGMENT})*", re.ASCII
)


def api_path(address: object, *, base_path: str) -> str:
    """The path, with its query, below ``base_path``, which is that of the API's own address.

    Raises NotTheApi for what is no address of the API.
    """
    if not isinstance(address, str) or not 0 < len(address) <= MAX_LENGTH:
        raise _refused(address)
    try:
        url = urllib.parse.urlsplit(address)
        _ = url.port  # raises for what is none
    except ValueError:
        raise _refused(address) from None
    is_absolute = url.scheme in {"http", "https"} and bool(url.hostname) and "@" not in url.netloc
    is_rooted = address.startswith("/") and not address.startswith("//")
    segments = url.path.split("/")
    if (
        not (is_absolute or is_rooted)
        or not _WRITTEN.fullmatch(address)
        or url.fragment
        or any(map(_DOTS.fullmatch, segments))
    ):
        raise _refused(address)
    place = _place(url.path, base_path.rstrip("/"))
    if place is None:
        raise _refused(address)
    return f"{place}?{url.query}" if url.query else place


def _place(path: str, base_path: str) -> str | None:
    """The end of a path that names a place of the API, whatever comes before it."""
    if path.startswith(f"{base_path}/") and _PLACE.fullmatch(path, len(base_path)):
        return path[len(base_path) :]
    starts = (match.start() for match in re.finditer(r"/(?=repos|search/)", path))
    return next((path[at:] for at in starts if _PLACE.fullmatch(path, at)), None)


def is_github_itself(api_url: str) -> bool:
    """Whether an API is github.com's, or of its enterprise cloud: there its limits are known."""
    host = urllib.parse.urlsplit(api_url).hostname or ""
    return host == "api.github.com" or host.endswith(".ghe.com")


def address_remedy(api_url: str) -> str:
    """What to do where something else than GitHub's API answers at an address."""
    url = urllib.parse.urlsplit(api_url)
    host = url.hostname or ""
    if host in {"github.com", "www.github.com"}:
        return "that is the website: set GITHUB_API_URL to https://api.github.com"
    if host.endswith(".ghe.com") and not host.startswith("api."):
        return f"that is the website: set GITHUB_API_URL to https://api.{host}"
    if is_github_itself(api_url) or url.path.rstrip("/").endswith(ENTERPRISE_PATH):
        return "see whether a proxy or a login page answers in its place"
    there = f"{url.scheme}://{url.netloc}{ENTERPRISE_PATH}"
    return f"if this is GitHub Enterprise, its API is at {there}: set GITHUB_API_URL to that"


def _refused(address: object) -> NotTheApi:
    shown = address.partition("?")[0][:200] if isinstance(address, str) else type(address).__name__
    return NotTheApi(f"GitHub names {shown!r}, which is no address of its API")
