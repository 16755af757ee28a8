"""The only way to GitHub: one HTTP request at a time through PyGithub's Requester.

Everything that is peculiar to the wire lives here: credentials, connections, time limits, what
is an outage and what is an answer. Nothing is ever repeated blindly: a read is asked a second
time after a broken connection or a 5xx, a write never (PyGithub's own retry repeats a POST, so
it is off). PyGithub objects do not leave this module.

Redirects are not followed by PyGithub (it drops the query string on 301 and takes a 307 for
success): when the repository was renamed its new name is looked up and the request made again,
which is safe because a redirected request did nothing. An issue that was transferred away
redirects too; that answer is handed to the caller as it is.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
import urllib.parse
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import jwt
import requests
import urllib3.exceptions
from github import Auth, Github, GithubException
from github.Requester import (
    HTTPRequestsConnectionClass,
    HTTPSRequestsConnectionClass,
    RequestsResponse,
)

from github_store.errors import (
    AccessLost,
    ConfigurationError,
    GitHubOut,
    GitHubTimeout,
    GitHubUnavailable,
    OutcomeUnknown,
    RateLimited,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

GITHUB_API_URL = "https://api.github.com"


def is_github_itself(api_url: str) -> bool:
    """Whether an API is github.com's, or of its enterprise cloud: there its limits are known."""
    host = urllib.parse.urlsplit(api_url).hostname or ""
    return host == "api.github.com" or host.endswith(".ghe.com")


UNTOLD_LOGIN = "github-actions[bot]"
"""Who a token is taken for whose owner GitHub does not tell: a workflow's, until a write shows."""

THREADS = "github"
"""How the names of the threads begin that wait for GitHub."""

_MOVED = frozenset({301, 302, 307, 308})
_ANSWERS = frozenset({304, 404, 409, 410, 422})
_LIMIT_WORDS = ("rate limit", "retry your request again later", "please wait a few minutes")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: status, headers with lower-case names, and the parsed JSON (None if empty)."""

    status: int
    headers: Mapping[str, str]
    data: Any
    size: int = 0
    """Length of the body in characters, for those who weigh what they hold."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")

    @property
    def next_url(self) -> str | None:
        """The address of the next page, from the Link header; None on the last."""
        links = requests.utils.parse_header_links(self.headers.get("link", ""))
        return next((link["url"] for link in links if link.get("rel") == "next"), None)

    @property
    def message(self) -> str:
        """GitHub's own words on an error, on one line."""
        text = self.data.get("message", "") if isinstance(self.data, dict) else ""
        return " ".join(str(text).split())[:200]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What an observer learns of one request: for metrics and logs, never for decisions."""

    method: str
    path: str
    status: int | None
    """None when no answer came."""
    seconds: float
    headers: Mapping[str, str]
    is_limit: bool = False
    """Whether GitHub refused because of a rate limit, primary or secondary."""


class Credential(Protocol):
    """Who the service is for GitHub. ``identity`` tells one from another, and may be a secret."""

    @property
    def identity(self) -> str: ...

    def auth(self) -> Auth.Auth: ...


@dataclass(frozen=True, slots=True)
class TokenCredential:
    """A personal access token or the GITHUB_TOKEN of a workflow."""

    token: str = field(repr=False)

    @property
    def identity(self) -> str:
        return self.token

    def auth(self) -> Auth.Auth:
        return Auth.Token(self.token)


@dataclass(frozen=True, slots=True)
class AppCredential:
    """A GitHub App's installation; its hourly token is shared by all connections."""

    app_id: int
    installation_id: int
    private_key: str = field(repr=False)

    @property
    def identity(self) -> str:
        return f"App {self.app_id}, installation {self.installation_id}"

    def auth(self) -> Auth.Auth:
        return Auth.AppAuth(self.app_id, self.private_key).get_installation_auth(
            self.installation_id
        )


class _SharedAuth(Auth.Auth):
    """One credential for many threads: an App's token is renewed by one of them at a time."""

    def __init__(self, auth: Auth.Auth) -> None:
        self._auth = auth
        self._lock = threading.Lock()

    @property
    def token_type(self) -> str:
        return self._auth.token_type

    @property
    def token(self) -> str:
        """Raises GitHubUnavailable or one of its kinds where an App gets no token."""
        with self._lock:
            try:
                return self._auth.token
            except GithubException as error:
                raise _without_token(error) from None
            except requests.exceptions.RequestException as error:
                raise _lost(error, is_read=True) from None  # the write itself was never sent
            except (jwt.PyJWTError, ValueError) as error:
                raise AccessLost(f"the App's private key signs nothing ({error})") from None

    def authentication(self, headers: dict[str, Any]) -> None:
        headers["Authorization"] = f"{self.token_type} {self.token}"

    def mask_authentication(self, headers: dict[str, Any]) -> None:
        headers["Authorization"] = f"{self.token_type} (masked)"


class _UnfollowedRedirect(RequestsResponse):
    """Hides Location from PyGithub, which would follow a 301 and forget the query."""

    def getheaders(self) -> Any:
        return [
            ("x-moved-to" if name.lower() == "location" and self.status in _MOVED else name, value)
            for name, value in self.headers.items()
        ]


class _HTTPConnection(HTTPRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _UnfollowedRedirect(super().getresponse().response)


class _HTTPSConnection(HTTPSRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _UnfollowedRedirect(super().getresponse().response)


class Gateway:
    """Asks GitHub about one repository. Made for one event loop; its threads are its own.

    ``repository_name`` is ``owner/name``; it changes when the repository is renamed.
    ``timeout_seconds`` is the time allowed to connect and between two bytes; GitHub itself
    gives up after 10. ``admit`` is asked for leave before every request, with its method and path,
    and refuses it by raising GitHubUnavailable or one of its kinds; ``observe`` is told of every
    one that was admitted. Both are called from threads. ``refuse`` is asked on the loop already,
    and raises where a request need not even wait for a thread: all may be waiting for GitHub.
    """

    def __init__(
        self,
        *,
        repository_name: str,
        credential: Credential,
        api_url: str = GITHUB_API_URL,
        timeout_seconds: float = 12.0,
        connections: int = 12,
        clock: Callable[[], float] = time.time,
        refuse: Callable[[str, str], None] | None = None,
        admit: Callable[[str, str], None] | None = None,
        observe: Callable[[Exchange], None] | None = None,
    ) -> None:
        scheme = urllib.parse.urlsplit(api_url)
        if scheme.scheme not in {"http", "https"} or not scheme.hostname:
            raise ConfigurationError("GITHUB_API_URL: expected http(s)://host[:port][/path]")
        self.repository_name = repository_name
        self.api_url = api_url.rstrip("/")
        self._address = scheme
        self._credential = credential
        self._auth = _SharedAuth(self._prepared(credential.auth()))
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._refuse = refuse or (lambda _method, _path: None)
        self._admit = admit or (lambda _method, _path: None)
        self._observe = observe or (lambda _: None)
        self._local = threading.local()
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix=THREADS)
        self._under_way: set[Future[Any]] = set()

    @property
    def credential_name(self) -> str:
        """The setting that a person looks at when the credential is refused."""
        return "GITHUB_APP_ID" if isinstance(self._credential, AppCredential) else "GH_TOKEN"

    def absolute(self, url: str) -> str:
        """A URL from a Link or Location header, which may leave out the host: RFC 8288, 9110."""
        return urllib.parse.urljoin(self.api_url, url)

    @property
    def repository(self) -> str:
        """The path of the repository, the prefix of most requests."""
        return f"/repos/{self.repository_name}"

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        etag: str | None = None,
        accept: Collection[int] = (),
    ) -> Reply:
        """Send one request; ``path`` starts with a slash, or is an absolute URL (``absolute``).

        Answers 2xx, 304, 404, 409, 410, 422 and whatever ``accept`` names are returned; a
        redirect is returned only where the repository itself has not moved. Raises
        GitHubUnavailable or one of its kinds for everything else.
        """
        reply = await self._send(method, path, params, body, etag, accept)
        if reply.status in _MOVED and path.startswith(self.repository):
            suffix = path.removeprefix(self.repository)
            if await self._rename():
                return await self._send(
                    method, self.repository + suffix, params, body, etag, accept
                )
        return reply

    async def close(self, *, grace_seconds: float = 0.1) -> None:
        """Begin no further request; those under way have so long to end.

        A thread that still waits for GitHub then ends with its request, unheard.
        """
        self._threads.shutdown(wait=False, cancel_futures=True)
        under_way = [asyncio.wrap_future(each) for each in list(self._under_way)]
        try:
            await asyncio.wait_for(
                asyncio.gather(*under_way, return_exceptions=True), grace_seconds
            )
        except TimeoutError:
            log.warning("GitHub left %d requests unanswered at the end", len(self._under_way))

    async def own_login(self) -> str:
        """The account this service writes as: a user, an App's bot, or the Actions bot.

        UNTOLD_LOGIN where GitHub does not tell. Source: REST docs; GET /user is refused to Apps and
        to GITHUB_TOKEN, which are all the same for this service where it was given a token alone.
        """
        reply = await self.request("GET", "/user", accept={403})
        if reply.ok:
            return str(reply.data["login"])
        if isinstance(self._credential, AppCredential):
            return await self._in_thread(self._app_login)
        return UNTOLD_LOGIN

    def _app_login(self) -> str:
        """``slug[bot]``, asked with the App's own key, which no installation token may do."""
        assert isinstance(self._credential, AppCredential)
        app_auth = Auth.AppAuth(self._credential.app_id, self._credential.private_key)
        with Github(auth=app_auth, base_url=self.api_url, retry=None, lazy=True) as app:
            _, _, text = app.requester.requestJson("GET", "/app")
        slug = (_parsed(text) or {}).get("slug")
        if not slug:
            raise AccessLost("GitHub does not say which App this is (GET /app)")
        return f"{slug}[bot]"

    async def _rename(self) -> bool:
        """Follow a rename of the repository; False when it stands where it stood."""
        reply = await self._send("GET", self.repository, None, None, None, ())
        hops = 0
        while reply.status in _MOVED and hops < 3:
            hops += 1
            where = self.absolute(reply.headers.get("x-moved-to", ""))
            reply = await self._send("GET", where, None, None, None, ())
        if not reply.ok or not hops:
            return False
        self.repository_name = str(reply.data["full_name"])
        return True

    async def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Any,
        etag: str | None,
        accept: Collection[int],
    ) -> Reply:
        self._refuse(method, path)
        return await self._in_thread(self._exchange, method, path, params, body, etag, accept)

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        future = self._threads.submit(function, *arguments)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return await asyncio.wrap_future(future)

    def _exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Any,
        etag: str | None,
        accept: Collection[int],
    ) -> Reply:
        """One request with its at most one repetition, in a thread of ours."""
        is_read = method == "GET"
        try:
            return self._judged(self._once(method, path, params, body, etag), is_read, accept)
        except (RateLimited, AccessLost, OutcomeUnknown, GitHubTimeout, GitHubOut):
            raise
        except GitHubUnavailable:
            if not is_read:
                raise
        return self._judged(self._once(method, path, params, body, etag), is_read, accept)

    def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Any,
        etag: str | None,
    ) -> Reply:
        requester, connection = self._connected()
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if etag is not None:
            headers["If-None-Match"] = etag
        self._admit(method, path)
        started = time.monotonic()
        status, reply_headers, text = None, {}, ""
        try:
            status, reply_headers, text = requester.requestJson(
                method, path, parameters=dict(params or {}), headers=headers, input=body,
                cnx=connection,
            )  # fmt: skip
        except requests.exceptions.RequestException as error:
            raise _lost(error, is_read=method == "GET") from None
        finally:
            seconds = time.monotonic() - started
            reply = Reply(status or 0, reply_headers, _parsed(text), len(text))
            is_limit = _is_rate_limit(reply)
            self._observe(Exchange(method, path, status, seconds, reply_headers, is_limit))
        if reply.data is None and text and reply.ok:
            kind = GitHubUnavailable if method == "GET" else OutcomeUnknown
            raise kind("GitHub's answer was no JSON")
        return reply

    def _judged(self, reply: Reply, is_read: bool, accept: Collection[int]) -> Reply:
        """Tell answers from outages."""
        if reply.ok or reply.status in _ANSWERS or reply.status in _MOVED:
            return reply
        if reply.status in accept and not _is_rate_limit(reply):
            return reply
        if _is_rate_limit(reply):
            seconds = retry_after_seconds(reply, now=self._clock())
            raise RateLimited("GitHub's rate limit is reached", retry_after_seconds=seconds)
        if reply.status in {401, 403}:
            raise AccessLost(f"GitHub refuses the credential ({reply.status}: {reply.message})")
        if reply.status >= 500 and not is_read:
            raise OutcomeUnknown(f"GitHub answered {reply.status} to a write")
        raise GitHubUnavailable(
            f"GitHub answered {reply.status} {reply.message}".rstrip(),
            retry_after_seconds=_header_seconds(reply),
        )

    def _connected(self) -> tuple[Any, _HTTPConnection | _HTTPSConnection]:
        """This thread's Requester and connection: one PyGithub object is not thread-safe."""
        if not hasattr(self._local, "requester"):
            self._local.requester = Github(
                auth=self._auth, base_url=self.api_url, lazy=True, retry=None,
                seconds_between_requests=None, seconds_between_writes=None,
            ).requester  # fmt: skip
            kind = _HTTPSConnection if self._address.scheme == "https" else _HTTPConnection
            assert self._address.hostname is not None
            connection = kind(self._address.hostname, self._address.port, pool_size=1)
            connection.timeout = (5.0, self._timeout_seconds)  # type: ignore[assignment]
            if self._address.hostname in {"127.0.0.1", "localhost", "::1"}:
                connection.session.trust_env = False  # no proxy stands before this very machine
            self._local.connection = connection
        return self._local.requester, self._local.connection

    def _prepared(self, auth: Auth.Auth) -> Auth.Auth:
        """An installation's token needs a Requester to be renewed with."""
        if isinstance(auth, Auth.AppInstallationAuth):
            app = Github(auth=auth, base_url=self.api_url, lazy=True, retry=None)
            return app.requester.auth or auth
        return auth


def _without_token(error: GithubException) -> GitHubUnavailable:
    """What it means that an App's installation was given no token."""
    status, text = error.status, error.data.get("message") if isinstance(error.data, dict) else ""
    reply = Reply(status, {k.lower(): v for k, v in (error.headers or {}).items()}, error.data)
    if _is_rate_limit(reply):
        return RateLimited("GitHub's rate limit is reached", retry_after_seconds=60)
    if status >= 500:
        return GitHubUnavailable(f"GitHub answered {status} where an App asked for its token")
    return AccessLost(f"GitHub gives the App no token for this installation ({status}: {text})")


def retry_after_seconds(reply: Reply, *, now: float) -> int:
    """Seconds until GitHub may be asked again, at least 1.

    ``Retry-After`` first, else the reset of an exhausted primary limit, else the minute that
    GitHub asks for after a secondary one. Source: REST docs, "Rate limits".
    """
    seconds = _header_seconds(reply)
    if seconds is None and reply.headers.get("x-ratelimit-remaining") == "0":
        reset = reply.headers.get("x-ratelimit-reset", "")
        seconds = int(float(reset) - now) + 1 if reset.replace(".", "", 1).isdigit() else None
    return max(1, 60 if seconds is None else seconds)


def _header_seconds(reply: Reply) -> int | None:
    text = reply.headers.get("retry-after", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _is_rate_limit(reply: Reply) -> bool:
    if reply.status not in {403, 429}:
        return False
    words = reply.message.lower()
    return (
        reply.status == 429
        or "retry-after" in reply.headers
        or reply.headers.get("x-ratelimit-remaining") == "0"
        or any(word in words for word in _LIMIT_WORDS)
    )


def _lost(error: requests.exceptions.RequestException, *, is_read: bool) -> GitHubUnavailable:
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


def _parsed(text: str) -> Any:
    """The JSON of an answer; None for an empty one or what is no JSON (an HTML error page)."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
