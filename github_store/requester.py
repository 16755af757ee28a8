"""One HTTP request to GitHub through PyGithub's Requester, nothing repeated and nothing followed.

PyGithub's own retry repeats a POST; following a 301 it drops the query string, and it takes a 307
for success. Both are kept from it.
"""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests
import urllib3.exceptions
from github import Auth, Github
from github.Requester import (
    HTTPRequestsConnectionClass,
    HTTPSRequestsConnectionClass,
    RequestsResponse,
)

from github_store.errors import GitHubTimeout, GitHubUnavailable, OutcomeUnknown

MOVED: Final = frozenset({301, 302, 307, 308})
CONNECT_SECONDS: Final = 5.0
_HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Request:
    """What GitHub is asked; ``path`` starts with a slash, or is an absolute URL."""

    method: str
    path: str
    params: Mapping[str, str] | None = None
    body: Any = None
    etag: str | None = None

    @property
    def is_read(self) -> bool:
        return self.method == "GET"


class _UnfollowedRedirect(RequestsResponse):
    """Hides Location from PyGithub, which would follow a 301 and forget the query."""

    def getheaders(self) -> Any:
        return [
            ("x-moved-to" if name.lower() == "location" and self.status in MOVED else name, value)
            for name, value in self.headers.items()
        ]


class _HTTPConnection(HTTPRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _UnfollowedRedirect(super().getresponse().response)


class _HTTPSConnection(HTTPSRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _UnfollowedRedirect(super().getresponse().response)


class Requester:
    """Asks the API at ``api_url``, from any thread; each has a connection of its own.

    ``timeout_seconds`` is the time allowed between two bytes.
    """

    def __init__(self, auth: Auth.Auth, *, api_url: str, timeout_seconds: float) -> None:
        self._auth = auth
        self._api_url = api_url
        self._address = urllib.parse.urlsplit(api_url)
        self._timeout_seconds = timeout_seconds
        self._local = threading.local()

    def ask(self, request: Request) -> tuple[int, Mapping[str, str], str]:
        """Status, headers with lower-case names (the Location of a move is ``x-moved-to``), and
        text. Raises GitHubUnavailable or one of its kinds where there is no answer."""
        requester, connection = self._connected()
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if request.etag is not None:
            headers["If-None-Match"] = request.etag
        try:
            status, told, text = requester.requestJson(
                request.method, request.path, parameters=dict(request.params or {}),
                headers=headers, input=request.body, cnx=connection,
            )  # fmt: skip
        except requests.exceptions.RequestException as error:
            raise lost(error, is_read=request.is_read) from None
        return status, told, text

    def _connected(self) -> tuple[Any, _HTTPConnection | _HTTPSConnection]:
        """This thread's Requester and connection: one PyGithub object is not thread-safe."""
        if not hasattr(self._local, "requester"):
            self._local.requester = Github(
                auth=self._auth, base_url=self._api_url, lazy=True, retry=None,
                seconds_between_requests=None, seconds_between_writes=None,
            ).requester  # fmt: skip
            kind = _HTTPSConnection if self._address.scheme == "https" else _HTTPConnection
            assert self._address.hostname is not None
            connection = kind(self._address.hostname, self._address.port, pool_size=1)
            connection.timeout = (CONNECT_SECONDS, self._timeout_seconds)  # type: ignore[assignment]
            if self._address.hostname in _HERE:
                connection.session.trust_env = False  # no proxy stands before this very machine
            self._local.connection = connection
        return self._local.requester, self._local.connection


def lost(error: requests.exceptions.RequestException, *, is_read: bool) -> GitHubUnavailable:
    """What a broken exchange means. A write that never left us surely did not happen."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    unsent = isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(
        reason, urllib3.exceptions.NewConnectionError
    )
    if not is_read and not unsent:
        return OutcomeUnknown("the connection to GitHub broke before its answer to a write")
    if isinstance(error, requests.exceptions.Timeout):
        return GitHubTimeout("GitHub did not answer in time")
    return GitHubUnavailable("GitHub cannot be reached")
