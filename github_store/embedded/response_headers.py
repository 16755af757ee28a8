"""The headers of every answer, conditional requests, and compression.

An ETag is the SHA-256 of the Accept and Authorization headers and the body: another token or media
type is another answer, and the path plays no part. It is weak where the client takes gzip; a 201
and a 304 always carry the strong form.
"""

from __future__ import annotations

import gzip
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime

from .exchange import Request, Response

DEFAULT_VERSION = "2022-11-28"
VERSIONS = (DEFAULT_VERSION, "2026-03-10")
COMPRESSED_FROM_BYTES = 1024
SHORT_VARY = "Accept-Encoding, Accept, X-Requested-With"
PRIVATE_VARY = f"Accept, Authorization, Cookie, X-GitHub-OTP,{SHORT_VARY}"
PUBLIC_VARY = f"Accept,{SHORT_VARY}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes onto the wire: all headers, and the body as it is sent.

    ``not_modified`` tells that a stored answer is still good, which costs no quota.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    not_modified: bool = False


def http_date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


def etag_of(request: Request, body: bytes) -> str:
    """The hash alone, without quotes."""
    given = (request.headers.get("accept", ""), request.headers.get("authorization", ""))
    varied = "".join(f"{value}:" for value in given if value)
    return hashlib.sha256(varied.encode() + body).hexdigest()


def takes_gzip(request: Request) -> bool:
    for offer in request.headers.get("accept-encoding", "").split(","):
        name, _, weight = offer.replace(" ", "").partition(";q=")
        if name.lower() == "gzip" and weight not in ("0", "0.0", "0.00", "0.000"):
            return True
    return False


def matches(condition: str, tag: str) -> bool:
    """Whether an If-None-Match names this tag; weak and strong forms are the same here."""
    if condition.strip() == "*":
        return True
    return any(part.strip().removeprefix("W/") == tag for part in condition.split(","))


def unmodified_since(condition: str, last_modified: int) -> bool:
    try:
        return last_modified <= parsedate_to_datetime(condition).timestamp()
    except (ValueError, TypeError, OverflowError):
        return False


def sealed(request: Request, response: Response, quota: Mapping[str, str], *, now: float) -> Reply:
    """The response as it is sent: tagged, perhaps shortened to a 304, perhaps compressed."""
    body = response.payload()
    success = 200 <= response.status < 300
    tagged = response.tagged and success and bool(body)
    headers = _common(request, response, quota, now=now)
    headers["Vary"] = _vary(request, success=success and bool(body))
    if response.cache_control is not None:
        headers["Cache-Control"] = response.cache_control
    elif tagged:
        scope = "private" if request.actor else "public"
        headers["Cache-Control"] = f"{scope}, max-age=60, s-maxage=60"
    if response.last_modified is not None and success:
        headers["Last-Modified"] = http_date(response.last_modified)
    compresses = takes_gzip(request)
    if tagged:
        tag = (response.etag or f'"{etag_of(request, body)}"').removeprefix("W/")
        if request.method in ("GET", "HEAD") and _is_unmodified(request, response, tag):
            return _unmodified(headers, tag)
        given_weak = (response.etag or "").startswith("W/")
        weak = response.status == 200 and (compresses or given_weak)
        headers["ETag"] = f"W/{tag}" if weak else tag
    if body or response.status not in (204, 304):
        headers["Content-Type"] = response.content_type
        if compresses and response.status == 200 and len(body) >= COMPRESSED_FROM_BYTES:
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(body))
    headers.update(response.headers)
    return Reply(response.status, tuple(headers.items()), body)


def _is_unmodified(request: Request, response: Response, tag: str) -> bool:
    condition = request.headers.get("if-none-match")
    if condition is not None:
        return matches(condition, tag)
    since = request.headers.get("if-modified-since")
    if since is None or response.last_modified is None:
        return False
    return unmodified_since(since, response.last_modified)


def _unmodified(headers: dict[str, str], tag: str) -> Reply:
    """A 304 keeps the validators and the quota, and says nothing about a body."""
    headers["ETag"] = tag
    headers.pop("X-GitHub-Media-Type", None)
    headers.pop("X-Accepted-OAuth-Scopes", None)
    headers.pop("X-OAuth-Scopes", None)
    return Reply(304, tuple(headers.items()), b"", not_modified=True)


def _vary(request: Request, *, success: bool) -> str:
    if not success:
        return SHORT_VARY
    return PRIVATE_VARY if request.actor else PUBLIC_VARY


def _common(
    request: Request, response: Response, quota: Mapping[str, str], *, now: float
) -> dict[str, str]:
    headers = {"Date": http_date(now), "Server": "github.com"}
    headers["X-GitHub-Media-Type"] = response.media_type
    version = request.headers.get("x-github-api-version", DEFAULT_VERSION)
    if request.actor is not None and not response.unrouted:
        headers["X-OAuth-Scopes"] = "repo"
        headers["X-Accepted-OAuth-Scopes"] = "repo" if request.method in ("GET", "HEAD") else ""
    if not response.unrouted and version in VERSIONS:
        headers["x-github-api-version-selected"] = version
        headers.update(quota)
    headers["X-GitHub-Request-Id"] = _request_id(now)
    return headers


def _request_id(now: float) -> str:
    parts = (secrets.token_hex(2), secrets.token_hex(3), secrets.token_hex(4), secrets.token_hex(4))
    return ":".join((*parts, f"{int(now):x}")).upper()
