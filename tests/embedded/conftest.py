"""A plain HTTP client for the embedded GitHub: one connection, nothing hidden."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from github_store.embedded import EmbeddedGitHub


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        text: str = self.json()["message"]
        return text

    @property
    def errors(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.json()["errors"]
        return listed

    def link(self, rel: str) -> str | None:
        for part in self.headers.get("link", "").split(", "):
            if f'rel="{rel}"' in part:
                return part.partition("<")[2].partition(">")[0]
        return None


class Api:
    """Speaks as one person; ``as_`` gives the same for another, or for nobody."""

    def __init__(self, github: EmbeddedGitHub, login: str | None) -> None:
        self.github = github
        self._token = None if login is None else github.tokens.get(login) or github.add_user(login)
        self._connection = http.client.HTTPConnection(
            github.url.removeprefix("http://"), timeout=20
        )
        self._others: dict[str | None, Api] = {}

    def as_(self, login: str | None) -> Api:
        if login not in self._others:
            self._others[login] = Api(self.github, login)
        return self._others[login]

    def close(self) -> None:
        self._connection.close()
        for other in self._others.values():
            other.close()

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str | None] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """``path`` is below ``/repos/owner/status`` or begins with a slash; None drops a header."""
        target = path.removeprefix(self.github.url)
        if not target.startswith("/"):
            target = f"/repos/owner/status/{target}".rstrip("/")
        sent: dict[str, str | None] = {"User-Agent": "tests", "Accept-Encoding": "identity"}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        sent.update(headers or {})
        data = raw if raw is not None or body is None else json.dumps(body).encode()
        kept = {name: value for name, value in sent.items() if value is not None}
        self._connection.request(method, target, data, kept)
        response = self._connection.getresponse()
        content = response.read()
        if response.getheader("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, content)

    def get(self, path: str, **options: Any) -> Answer:
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("POST", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("PATCH", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("PUT", path, body, **options)

    def delete(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("DELETE", path, body, **options)

    def opened(self, title: str = "Mail is late", **fields: Any) -> int:
        """The number of a new issue."""
        answer = self.post("issues", {"title": title, **fields})
        assert answer.status == 201, answer.body
        number: int = answer.json()["number"]
        return number


@pytest.fixture
def owner(github: EmbeddedGitHub) -> Iterator[Api]:
    """The owner of ``owner/status``; ``owner.as_("stranger")`` and the like for others."""
    api = Api(github, "owner")
    yield api
    api.close()
