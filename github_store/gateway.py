"""The only way to GitHub: one HTTP request at a time, through requester.py.

What is an outage and what is an answer is decided here. Nothing is ever repeated blindly: a read is
asked a second time after a broken connection or a 5xx, a write never. PyGithub objects do not get
as far as this.

When the repository was renamed its new name is looked up and the request made again, which is safe
because a redirected request did nothing. An issue that was transferred away redirects too; that
answer is handed to the caller as it is.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
import urllib.parse
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, TypeVar

from github_store.answer_shape import misshapen
from github_store.api_address import api_path
from github_store.credential import (
    UNTOLD_LOGIN,
    AppCredential,
    Credential,
    SharedAuth,
    TokenCredential,
    app_login,
)
from github_store.errors import (
    AccessLost,
    ConfigurationError,
    GitHubOut,
    GitHubTimeout,
    GitHubUnavailable,
    NotTheApi,
    OutcomeUnknown,
    RateLimited,
)
from github_store.lean_answers import lean_of, size_of, writings_in
from github_store.reply import (
    WHOLE_LENGTH,
    Exchange,
    Reply,
    header_seconds,
    is_rate_limit,
    parsed,
    retry_after_seconds,
)
from github_store.requester import MOVED, Request, Requester

__all__ = [
    "GITHUB_API_URL",
    "THREADS",
    "UNTOLD_LOGIN",
    "AppCredential",
    "Credential",
    "Exchange",
    "Gateway",
    "Reply",
    "TokenCredential",
    "retry_after_seconds",
]

T = TypeVar("T")

log = logging.getLogger(__name__)

GITHUB_API_URL = "https://api.github.com"
MOST_MOVES: Final = 3
"""So many redirects lead to a repository; GitHub needs one."""
THREADS = "github"
"""How the names of the threads begin that wait for GitHub."""

FULL_PAGE: Final = 100
NEXT: Final = 'rel="next"'
_reading: Final = threading.Lock()
_ANSWERS: Final = frozenset({304, 404, 409, 410, 422})


class Gateway:
    """Asks GitHub about one repository. Made for one event loop; its threads are its own.

    ``repository_name`` is ``owner/name``; it changes when the repository is renamed.
    ``timeout_seconds`` is the time allowed to connect and between two bytes; GitHub itself
    gives up after 10. ``admit`` is asked for leave before every request, with its method and path,
    and refuses it by raising GitHubUnavailable or one of its kinds; ``observe`` is told of every
    one that was admitted. Both are called from threads, in the context of whoever asks. ``refuse``
    is asked on the loop already, and raises where a request need not even wait for a thread: all
    may be waiting for GitHub.
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
        try:
            address = urllib.parse.urlsplit(api_url)
        except ValueError:
            address = urllib.parse.SplitResult("", "", "", "", "")
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ConfigurationError("GITHUB_API_URL: expected http(s)://host[:port][/path]")
        self.repository_name = repository_name
        self.api_url = api_url.rstrip("/")
        self._base_path = address.path
        self._credential = credential
        self._requester = Requester(
            SharedAuth(credential, api_url=self.api_url),
            api_url=self.api_url,
            timeout_seconds=timeout_seconds,
        )
        self._clock = clock
        self._refuse = refuse or (lambda _method, _path: None)
        self._admit = admit or (lambda _method, _path: None)
        self._observe = observe or (lambda _: None)
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix=THREADS)
        self._under_way: set[Future[Any]] = set()

    @property
    def credential_name(self) -> str:
        """The setting that a person looks at when the credential is refused."""
        return "GITHUB_APP_ID" if isinstance(self._credential, AppCredential) else "GH_TOKEN"

    def path_of(self, address: str) -> str:
        """The path, for ``request``, of what a Link or Location header names.

        Raises GitHubUnavailable where that is no address of the API.
        """
        return api_path(address, base_path=self._base_path)

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
        """Send one request; ``path`` starts with a slash and may have a query.

        Answers 2xx, 304, 404, 409, 410, 422 and whatever ``accept`` names are returned; a
        redirect is returned only where the repository itself has not moved. Raises
        GitHubUnavailable or one of its kinds for everything else.
        """
        asked = Request(method, path, params, body, etag)
        reply = await self._send(asked, accept)
        if reply.status in MOVED and path.startswith(self.repository):
            suffix = path.removeprefix(self.repository)
            if await self._rename():
                return await self._send(replace(asked, path=self.repository + suffix), accept)
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
            return await self._in_thread(app_login, self._credential, self.api_url)
        return UNTOLD_LOGIN

    async def _rename(self) -> bool:
        """Follow a rename of the repository; False when it stands where it stood."""
        reply = await self._send(Request("GET", self.repository))
        asked = [self.repository]
        while reply.status in MOVED:
            told = reply.headers.get("x-moved-to", "")
            where = self.path_of(told)
            if where in asked or len(asked) > MOST_MOVES:
                raise NotTheApi(
                    f"GitHub at {self.api_url} redirects without end, to {told[:200]!r}"
                )
            asked.append(where)
            reply = await self._send(Request("GET", where))
        if not reply.ok or len(asked) == 1:
            return False
        name = reply.data.get("full_name")
        if name is None:
            raise NotTheApi(f"GitHub at {self.api_url} does not say what {asked[-1]} is called")
        self.repository_name = str(name)
        return True

    async def _send(self, request: Request, accept: Collection[int] = ()) -> Reply:
        self._refuse(request.method, request.path)
        return await self._in_thread(self._exchange, request, accept)

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        future = self._threads.submit(contextvars.copy_context().run, function, *arguments)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return await asyncio.wrap_future(future)

    def _exchange(self, request: Request, accept: Collection[int]) -> Reply:
        """One request with its at most one repetition, in a thread of ours."""
        try:
            return self._judged(self._once(request), request.is_read, accept)
        except (RateLimited, AccessLost, OutcomeUnknown, GitHubTimeout, GitHubOut):
            raise
        except GitHubUnavailable:
            if not request.is_read:
                raise
        return self._judged(self._once(request), request.is_read, accept)

    def _once(self, request: Request) -> Reply:
        method, path = request.method, request.path
        self._admit(method, path)
        started = time.monotonic()
        status: int | None = None
        told: Mapping[str, str] = {}
        text = ""
        try:
            status, told, text = self._requester.ask(request)
        finally:
            seconds = time.monotonic() - started
            reply = _reply(status or 0, told, text, path)
            is_limit = is_rate_limit(reply)
            self._observe(Exchange(method, path, status, seconds, told, is_limit))
        if reply.ok and (problem := _problem(request, reply, text)):
            kind = NotTheApi if request.is_read else OutcomeUnknown
            raise kind(f"what GitHub at {self.api_url} answers is {problem}")
        return reply

    def _judged(self, reply: Reply, is_read: bool, accept: Collection[int]) -> Reply:
        """Tell answers from outages."""
        if reply.ok or reply.status in _ANSWERS or reply.status in MOVED:
            return reply
        if reply.status in accept and not is_rate_limit(reply):
            return reply
        if is_rate_limit(reply):
            seconds = retry_after_seconds(reply, now=self._clock())
            raise RateLimited("GitHub's rate limit is reached", retry_after_seconds=seconds)
        if reply.status in {401, 403}:
            raise AccessLost(f"GitHub refuses the credential ({reply.status}: {reply.message})")
        if reply.status >= 500 and not is_read:
            raise OutcomeUnknown(f"GitHub answered {reply.status} to a write")
        kind = GitHubUnavailable if reply.message or reply.status >= 500 else NotTheApi
        raise kind(
            f"GitHub at {self.api_url} answered {reply.status} {reply.message}".rstrip(),
            retry_after_seconds=header_seconds(reply.headers),
        )


def _problem(request: Request, reply: Reply, text: str) -> str | None:
    """What a success is instead of an answer."""
    if reply.data is None and text and text.strip() != "null":
        return "no JSON"
    return misshapen(request.method, request.path, reply.data)


def _reply(status: int, told: Mapping[str, str], text: str, path: str) -> Reply:
    """An answer as it is held. Large ones are read one after the other: threads that are all busy
    at once would keep the event loop waiting for its turn."""
    lean = lean_of(path) if 200 <= status < 300 else None
    if len(text) <= WHOLE_LENGTH:
        data = parsed(text, lean=lean)
    else:
        with _reading:
            data = parsed(text, lean=lean)
    writings = writings_in(path, data) if lean else []
    if len(writings) >= FULL_PAGE and NEXT not in told.get("link", ""):
        # What stands on it need not change for another page to come after it.
        told = {name: value for name, value in told.items() if name != "etag"}
    size = size_of(writings) if writings else len(text)
    return Reply(status, told, data, size)
