"""From a request on the wire to the reply: the order in which GitHub (and its faults) decide.

1. A foreign ``Host``, any ``Origin``, a missing User-Agent: 403. An unknown API version: 400.
2. Faults of the network: latency, outage, a connection that hangs or is dropped before the request
   is handled.
3. Who is it? A wrong token is 401 wherever it is sent.
4. Which route? None: 404 without rate limit headers.
5. Faults of GitHub: 5xx, both rate limits, a lacking permission, a vanished repository. Then quota.
6. Is the repository there, under this name, and visible? 404, or a redirect after a rename.
7. May the caller do it? No token: 401. No write access: 404, as GitHub hides what it refuses; with
   write access where administration is needed: 403. What only an issue's author or somebody with
   write access may do is the handlers' own business.
8. The handler, alone, in one transaction. At last a connection dropped after the deed.

The switchboard below ``/_embedded`` is the owner's alone; neither faults nor quota touch it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from .api_versions import shown_as
from .exchange import Request, Response, refusal_response, segment
from .faults import HANG_SECONDS
from .hub import Hub
from .quota import Window, primary_limit, secondary_limit
from .refusals import (
    DOCS,
    Refusal,
    admin_rights_required,
    authentication_required,
    bad_credentials,
    moved,
    not_found,
)
from .response_headers import DEFAULT_VERSION, VERSIONS, Reply, sealed
from .routing import FREE, Needs, Route, RouteTable
from .rows import Repository, User

LOG = logging.getLogger(__name__)
SWITCHBOARD: Final = "/_embedded"
BY_ID: Final = "/repositories/"
LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
HTML_ERROR: Final = (
    b"<!DOCTYPE html>\n<html><body><h1>Unicorn!</h1><p>Try again.</p></body></html>\n"
)


class Dispatcher:
    """``wait(seconds)`` serves faults of latency; it returns early when the server is stopping."""

    def __init__(
        self,
        hub: Hub,
        routes: RouteTable,
        switchboard: RouteTable,
        *,
        wait: Callable[[float], object],
    ) -> None:
        self._hub = hub
        self._routes = routes
        self._switchboard = switchboard
        self._wait = wait

    def answer(self, request: Request) -> Reply | None:
        """The reply, or None where the connection is to be closed unanswered."""
        line = f"{request.method} {request.target}"
        faults = self._hub.faults
        try:
            self._check_sender(request)
        except Refusal as refusal:
            return self._seal(request, self._refused(refusal, DOCS, unrouted=True), {})
        on_switchboard = request.path.startswith(f"{SWITCHBOARD}/")
        if not on_switchboard:
            delay = faults.delay_seconds(line)
            if delay > 0:
                self._wait(delay)
            if faults.strike("outage", line) or faults.strike("drop_before", line):
                return None
            if hang := faults.strike("hang", line):
                self._wait(hang.seconds or HANG_SECONDS)
                return None
        reply = self._identified(request, on_switchboard=on_switchboard)
        if not on_switchboard and faults.strike("drop_after", line):
            return None
        return reply

    # 1: who sends it at all ---------------------------------------------------------------------

    def _check_sender(self, request: Request) -> None:
        host = request.headers.get("host", "").lower()
        port = self._hub.base_url.rpartition(":")[2]
        if host not in {f"{name}:{port}" for name in LOOPBACK_NAMES}:
            raise Refusal(403, "This server answers on its own loopback address only.")
        if "origin" in request.headers:
            raise Refusal(403, "Requests that a web page makes are refused.")
        if not request.headers.get("user-agent", "").strip():
            raise Refusal(403, "Missing or invalid User Agent string.")
        version = request.headers.get("x-github-api-version", DEFAULT_VERSION)
        if version not in VERSIONS:
            raise Refusal(400, f"API version {version!r} is none of {', '.join(VERSIONS)}.")

    # 3 and 4: caller and route ------------------------------------------------------------------

    def _identified(self, request: Request, *, on_switchboard: bool) -> Reply:
        try:
            request = request.known_as(actor=self._actor(request))
        except Refusal as refusal:
            quota = self._hub.quota.look(None, request.peer, "core").headers("core")
            return self._seal(request, self._refused(refusal, DOCS), quota)
        if on_switchboard:
            return self._on_switchboard(request)
        method = "GET" if request.method == "HEAD" else request.method
        canonical = self._by_name(request.path)
        found = self._routes.find(method, canonical) if canonical is not None else None
        if found is None:
            return self._seal(request, self._refused(not_found(), DOCS, unrouted=True), {})
        route, path_args = found
        return self._routed(request.known_as(path_args=path_args), route)

    def _actor(self, request: Request) -> User | None:
        given = request.headers.get("authorization")
        if given is None:
            return None
        scheme, _, token = given.partition(" ")
        actor = None
        if scheme.lower() in ("token", "bearer"):
            actor = self._hub.accounts.by_token(token.strip())
        if actor is None:
            raise bad_credentials()
        return actor

    def _by_name(self, path: str) -> str | None:
        """``/repositories/ID/...`` under the repository's present name; other paths as they are."""
        if not path.startswith(BY_ID):
            return path
        number, slash, rest = path.removeprefix(BY_ID).partition("/")
        if not (number.isascii() and number.isdigit() and len(number) <= 18):
            return None
        try:
            repository = self._hub.repositories.by_id(int(number))
        except KeyError:
            return f"/repos/-/-{slash}{rest}"  # routed, and found nowhere: no name has a bare "-"
        return f"/repos/{repository.full_name}{slash}{rest}"

    # 5 to 8: faults, quota, repository, handler -------------------------------------------------

    def _routed(self, request: Request, route: Route) -> Reply:
        window = self._charged(request, route)
        resource = "core" if route.resource == FREE else route.resource
        docs = f"{DOCS}/{route.docs}" if route.docs else DOCS
        response = self._guarded(
            request,
            docs,
            lambda: self._broken(request, route, window) or self._handled(request, route),
        )
        reply = self._seal(request, response, window.headers(resource))
        if reply.not_modified and request.actor is not None and route.resource != FREE:
            refunded = self._hub.quota.refund(request.actor, request.peer, resource)
            return self._seal(request, response, refunded.headers(resource))
        return reply

    def _charged(self, request: Request, route: Route) -> Window:
        quota = self._hub.quota
        if route.resource == FREE:
            return quota.look(request.actor, request.peer, "core")
        return quota.charge(request.actor, request.peer, route.resource)

    def _broken(self, request: Request, route: Route, window: Window) -> Response | None:
        """What a fault or a used-up quota makes of the request, if anything.

        A route that is free is so also for a caller who has nothing left.
        """
        faults, line = self._hub.faults, f"{request.method} {request.target}"
        fault = faults.strike("error", line)
        if fault is not None:
            status = fault.status or 502
            if fault.html:
                kind = "text/html; charset=utf-8"
                return Response(status, HTML_ERROR, content_type=kind, tagged=False)
            raise Refusal(status, "Server Error", docs=DOCS)
        if route.resource != FREE:
            self._check_limits(request, window, line)
        if faults.strike("forbidden", line):
            raise Refusal(403, "Resource not accessible by personal access token")
        if faults.strike("missing", line):
            raise not_found()
        return None

    def _check_limits(self, request: Request, window: Window, line: str) -> None:
        fault = self._hub.faults.strike("rate_limit", line)
        if fault is not None:
            if fault.seconds:
                window.reset = int(self._hub.clock() + fault.seconds)
            window.used = window.limit
            raise primary_limit(request.actor, request.peer, fault.status or 403)
        fault = self._hub.faults.strike("secondary_limit", line)
        if fault is not None:
            raise secondary_limit(fault.status or 403, fault.retry_after)
        if request.method not in ("GET", "HEAD"):
            fault = self._hub.faults.strike("write_limits", line)
            wait = self._hub.quota.write(request.actor, request.peer) if fault else 0
            if fault and wait:
                raise secondary_limit(fault.status or 403, wait)
        if window.exhausted:
            raise primary_limit(request.actor, request.peer)

    def _handled(self, request: Request, route: Route) -> Response:
        with self._hub.storage.transaction():
            if "repo" in request.path_args:
                repository = self._visible(request)
                login = request.actor.login if request.actor else None
                role = self._hub.accounts.role(repository, login)
                request = request.known_as(found=repository, role=role)
            self._check_needs(request, route.needs)
            return route.handler(self._hub, request)

    def _visible(self, request: Request) -> Repository:
        """The repository in the path. Raises 404, or the redirect after a rename."""
        owner = segment(request.path_args["owner"])
        full_name = f"{owner}/{segment(request.path_args['repo'])}"
        found = self._hub.repositories.find(full_name)
        renamed = None if found else self._hub.repositories.formerly(full_name)
        repository = found or renamed
        login = request.actor.login if request.actor else None
        if repository is None or self._hub.accounts.role(repository, login) == "none":
            raise not_found()
        if renamed is not None:
            tail = "".join(f"/{rest}" for rest in request.path.split("/", 4)[4:])
            _, mark, query = request.target.partition("?")
            status = 301 if request.method in ("GET", "HEAD") else 307
            raise moved(status, f"{self._hub.base_url}{BY_ID}{renamed.id}{tail}{mark}{query}")
        return repository

    def _check_needs(self, request: Request, needs: Needs) -> None:
        if needs is Needs.NOTHING:
            return
        if request.actor is None:
            raise authentication_required()
        if needs is Needs.PUSH and not request.may_push:
            raise not_found()
        if needs is Needs.ADMIN and request.role != "admin":
            raise admin_rights_required() if request.may_push else not_found()

    # the switchboard ----------------------------------------------------------------------------

    def _on_switchboard(self, request: Request) -> Reply:
        response = self._guarded(request, DOCS, lambda: self._switched(request))
        return self._seal(request, response, {})

    def _switched(self, request: Request) -> Response:
        found = self._switchboard.find(request.method, request.path)
        if request.actor is None or request.actor.login != "owner":
            raise Refusal(403, "The switchboard is open to the owner's token alone.")
        if found is None:
            raise not_found()
        route, path_args = found
        with self._hub.storage.transaction():
            return route.handler(self._hub, request.known_as(path_args=path_args))

    def _guarded(self, request: Request, docs: str, action: Callable[[], Response]) -> Response:
        """A refusal in GitHub's form; a crash as a bare 500, with its trace in the log alone."""
        try:
            return action()
        except Refusal as refusal:
            return self._refused(refusal, docs)
        except Exception:
            LOG.exception("%s %s failed", request.method, request.target)
            return self._refused(Refusal(500, "Server Error"), docs)

    # replies ------------------------------------------------------------------------------------

    def _refused(self, refusal: Refusal, docs: str, *, unrouted: bool = False) -> Response:
        response = refusal_response(refusal, docs)
        response.unrouted = unrouted
        return response

    def _seal(self, request: Request, response: Response, quota: Mapping[str, str]) -> Reply:
        version = request.headers.get("x-github-api-version", DEFAULT_VERSION)
        response.body = shown_as(version, response.body)
        return sealed(request, response, quota, now=self._hub.clock())
