"""One HTTP request to GitHub through PyGithub's Requester, nothing repeated and nothing followed.

PyGithub's own retry repeats a POST; following a 301 it drops the query string, and it takes a 307
for success; a read that is answered 202 it repeats for ever; a limit that is no number is an error
to it. All of that is kept from it. An absolute URL it joins to its own host without looking, so
that ``x:@host/…`` would end there: only paths are handed on.
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
_ACCEPTED: Final = 202
_HIDDEN_ACCEPTED: Final = 299
_LIMITS: Final = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
_HIDDEN: Final = {"location": "x-moved-to", **{name: f"told-{name}" for name in _LIMITS}}
_TOLD: Final = {f"told-{name}": name for name in _LIMITS}


@dataclass(frozen=True, slots=True)
class Request:
    """What GitHub is asked; ``path`` starts with a slash."""

    method: str
    path: str
    params: Mapping[str, str] | None = None
    body: Any = None
    etag: str | None = None

    @property
    def is_read(self) -> bool:
        return self.method == "GET"


_BROKEN: Final = (
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    *(AssertionError, LookupError, RuntimeError, ValueError),  # the libraries' own, of an answer
)


class _PlainResponse(RequestsResponse):
    """Hides from PyGithub what it would act on; ``ask`` gives everything its own name again."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(response)
        if self.status == _ACCEPTED:
            self.status = _HIDDEN_ACCEPTED

    def getheaders(self) -> Any:
        return [(_HIDDEN.get(name.lower(), name), value) for name, value in self.headers.items()]


class _HTTPConnection(HTTPRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _PlainResponse(super().getresponse().response)


class _HTTPSConnection(HTTPSRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _PlainResponse(super().getresponse().response)


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
        """Status, headers with lower-case names (Location is ``x-moved-to``), and text.

        Raises GitHubUnavailable or one of its kinds where there is no answer.
        """
        if not request.path.startswith("/") or request.path.startswith("//"):
            raise GitHubUnavailable("what shall be asked is no path of GitHub's API")
        requester, connection = self._connected()
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if request.etag is not None:
            headers["If-None-Match"] = request.etag
        try:
            status, told, text = requester.requestJson(
                request.method, request.path, parameters=dict(request.params or {}),
                headers=headers, input=request.body, cnx=connection,
            )  # fmt: skip
        except _BROKEN as error:
            raise lost(error, is_read=request.is_read, api_url=self._api_url) from None
        status = _ACCEPTED if status == _HIDDEN_ACCEPTED else status
        return status, {_TOLD.get(name, name): value for name, value in told.items()}, text

    def _connected(self) -> tuple[Any, _HTTPConnection | _HTTPSConnection]:
        """This thread's Requester and connection: one PyGithub object is not thread-safe."""
        if not hasattr(self._local, "requester"):
            self._local.requester = Github(
                auth=self._auth, base_url=self._api_url, lazy=True, retry=None,
                seconds_between_requests=None, seconds_between_writes=None,
            ).requester  # fmt: skip
            kind = _HTTPSConnection if self._address.scheme == "https" else _HTTPConnection
            host = self._address.hostname or ""
            named = f"[{host}]" if ":" in host else host
            connection = kind(named, self._address.port, pool_size=1)
            connection.timeout = (CONNECT_SECONDS, self._timeout_seconds)  # type: ignore[assignment]
            if host in _HERE:
                connection.session.trust_env = False  # no proxy stands before this very machine
            # Requests looks where a redirect leads that it shall not follow, and trips over some.
            connection.session.get_redirect_target = _nowhere  # type: ignore
            self._local.connection = connection
        return self._local.requester, self._local.connection


def _nowhere(_response: requests.Response) -> None:
    return None


def lost(error: Exception, *, is_read: bool, api_url: str) -> GitHubUnavailable:
    """What a broken exchange means. A write that never left us surely did not happen."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    unsent = isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(
        reason, urllib3.exceptions.NewConnectionError
    )
    if not is_read and not unsent:
        return OutcomeUnknown(
            f"the connection to GitHub at {api_url} broke before its answer to a write"
        )
    if isinstance(error, requests.exceptions.Timeout):
        return GitHubTimeout(f"GitHub at {api_url} did not answer in time")
    if isinstance(error, requests.exceptions.SSLError):
        return GitHubUnavailable(f"GitHub at {api_url} has no certificate that is trusted here")
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return GitHubUnavailable(f"GitHub at {api_url} cannot be found: no such host is known")
    return GitHubUnavailable(f"GitHub at {api_url} cannot be reached")
