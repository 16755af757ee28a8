"""Cassettes: one file an operation, nothing in it that is secret or changes by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import vcr
from vcr.cassette import Cassette
from vcr.request import Request

from tests.wire.operations import HOST, REPOSITORY

REQUEST_HEADERS = {"accept", "if-none-match", "x-github-api-version", "content-type"}
RESPONSE_HEADERS = {"content-type", "etag", "link", "location", "retry-after"}
SCRUBBED = "token scrubbed"


@dataclass(frozen=True)
class Source:
    """Where traffic comes from: its address and repository become the cassettes' own."""

    url: str = HOST
    repository: str = REPOSITORY
    etags: dict[str, str] = field(default_factory=dict)
    """Real ETags, which depend on token and address, and what stands for each in a cassette."""

    def normal(self, text: str) -> str:
        for ours, theirs in ((HOST, self.url), (_place(HOST), _place(self.url))):
            text = text.replace(theirs, ours)
        return text.replace(self.repository, REPOSITORY)

    def request(self, request: Request) -> Request:
        request.uri = self.normal(request.uri)
        wanted = {k: v for k, v in request.headers.items() if k.lower() in REQUEST_HEADERS}
        if etag := wanted.get("If-None-Match"):
            wanted["If-None-Match"] = self.etags.get(_strong(etag), etag)
        if "Authorization" in request.headers:
            wanted["Authorization"] = SCRUBBED
        request.headers = wanted
        if request.body:
            request.body = self.normal(_text(request.body)).encode()
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        headers = response["headers"]
        response["headers"] = {
            name: [self.normal(value) for value in values]
            for name, values in headers.items()
            if name.lower() in RESPONSE_HEADERS
        }
        body = self.normal(_text(response["body"]["string"]))
        response["body"]["string"] = body.encode()
        for values in (v for k, v in response["headers"].items() if k.lower() == "etag"):
            real = _strong(values[0])
            digest = hashlib.sha256(body.encode()).hexdigest()[:32]
            values[0] = self.etags.setdefault(real, f'"{digest}"')
        return response


def _strong(etag: str) -> str:
    return etag.removeprefix("W/")


def _place(url: str) -> str:
    """Host and port; a host alone may stand in ``git@host:`` too."""
    return urlsplit(url).netloc


def _text(data: bytes | str) -> str:
    return data.decode() if isinstance(data, bytes) else data


def _same_address(one: Request, other: Request) -> None:
    a, b = urlsplit(one.uri), urlsplit(other.uri)
    assert (a.path, a.query) == (b.path, b.query)


def _same_body(one: Request, other: Request) -> None:
    a, b = (json.loads(each.body) if each.body else None for each in (one, other))
    assert a == b


def _same_conditions(one: Request, other: Request) -> None:
    for name in ("Accept", "If-None-Match", "X-GitHub-Api-Version"):
        assert one.headers.get(name) == other.headers.get(name)


@contextmanager
def cassette(path: Path, *, record: bool, source: Source = Source()) -> Iterator[Cassette]:
    """Record into ``path``, or replay it: every request matched in full, and each answer once."""
    recorder = vcr.VCR(
        record_mode=vcr.mode.ALL if record else vcr.mode.NONE,
        match_on=["method", "address", "body_json", "conditions"],
        before_record_request=source.request,
        before_record_response=source.response,
        decode_compressed_response=True,
    )
    recorder.register_matcher("address", _same_address)
    recorder.register_matcher("body_json", _same_body)
    recorder.register_matcher("conditions", _same_conditions)
    if record:
        path.unlink(missing_ok=True)
    with recorder.use_cassette(str(path), allow_playback_repeats=False) as tape:
        yield tape
