"""From settings to a running service, and back: each part started once, and stopped in turn."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from app.api import create_app
from app.api_token import HOOK_SECRET_NAME, kept_token
from app.auth import Access
from app.banner import Start, banner
from app.credentials import ApiTokens, api_tokens, credential_of
from app.data_dir import private_data_dir
from app.deployment import check_real_repository, uses_embedded_github
from app.first_start import FirstStart
from app.github_contact import GitHubContact
from app.http_protocol import HttpProtocol, protocol_of
from app.listening import doors, listening
from app.metrics import Metrics
from app.no_request import RefusalLog
from app.open_connections import OpenConnections
from app.open_files import raise_open_files, room_for_connections
from app.readiness import Vitals
from app.redaction import Redaction
from app.request_body import bodies_on_their_way
from app.samples import sample_monitors, write_samples
from app.settings import Settings
from app.tokens import SHORTEST, Right, Tokens
from github_store import (
    Credential,
    Exchange,
    Freshness,
    Rhythm,
    Store,
    StoreError,
    TokenCredential,
    open_store,
    point_hook,
)
from github_store.embedded import EmbeddedGitHub

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
SIGHUP_IS_NOTHING = "SIGHUP: nothing is reloaded; restart the service for other settings"
EMBEDDED_REPOSITORY = "owner/status"
SWITCH_SECONDS = 0.001
"""So long a thread that computes (reads monitors.yaml, a day's file, a page of issues) keeps the
event loop from its turn; Python's own is five times that, and a push waits several times."""
YOUNG_OBJECTS = 10_000
"""How many the garbage collector lets come before it looks at them."""
GRACE_SECONDS = 0.5
"""What running requests have to end when the service is stopped."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The GitHub to work with."""

    repository: str
    credential: Credential
    api_url: str
    is_embedded: bool = False
    first_start: FirstStart | None = None
    """Of the embedded GitHub: whether samples are still to be written."""
    webhook_secrets: Sequence[str] = ()
    secrets: Sequence[str] = ()
    """What no log may show beside the settings' own secrets."""


async def serve(settings: Settings, *, show: Callable[[str], None], redaction: Redaction) -> None:
    """Run until SIGINT or SIGTERM; ``show`` gets the banner once the service can be asked, and
    ``redaction`` every secret, before it is used.

    Raises ConfigurationError or another StoreError when it cannot start, and CancelledError
    when it is stopped before it has.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    with ExitStack() as parts, _Signals() as stop:
        if not uses_embedded_github(settings):
            check_real_repository(settings)
        given = api_tokens(settings)
        listener = parts.enter_context(listening(settings.host, settings.port))
        connection = _connection(settings, parts)
        made = None if given.write else kept_token(settings.data_dir)
        tokens = Tokens(given.write or (made or "",), read=given.read)
        for each in (*given.write, *given.read, made or "", *connection.secrets):
            redaction.add(each)
        metrics, contact = Metrics(CollectorRegistry()), GitHubContact(clock=time.time)
        connections = OpenConnections(most=room_for_connections(raise_open_files()))

        def observe(exchange: Exchange) -> None:
            metrics.github(exchange)
            contact.note(exchange)

        store = await _open(settings, connection, observe=observe, metrics=metrics)

        def vitals() -> Vitals:
            return Vitals(
                monitors=len(store.monitors.tags),
                statuses=store.statuses.health,
                contact=contact.latest,
                hidden_incidents=store.incidents.hidden_count,
                labels=store.incidents.label_health,
                unusable_times=store.time_notices.count,
                outage_seconds=settings.outage_seconds,
                crowd=connections.crowd,
                body_bytes=bodies_on_their_way(),
                out_for=store.breaker.out_for(time.monotonic()),
                failing=store.failing,
                late_start=store.late_start,
            )

        metrics.watch(vitals, clock=time.time)
        _warn_of_short(given)
        access = Access(
            tokens=tokens,
            ip=settings.api_ip,
            ip_pattern=settings.api_ip_regex,
            trusted_proxies=settings.trusted_proxies,
        )
        try:
            app = create_app(
                incidents=store.incidents,
                statuses=store.statuses,
                monitors=store.current_monitors,
                access=access,
                inbox=store.inbox,
                vitals=vitals,
                metrics=metrics,
                metrics_public=settings.metrics_public,
                root_path=settings.root_path or "",
            )
            start = Start(
                host=settings.host,
                port=listener.getsockname()[1],
                repository=store.repository_name,
                tag=store.monitors.tags[0],
                embedded_url=connection.api_url if connection.is_embedded else None,
                data_dir=str(settings.data_dir),
                made_token=made,
            )
            _spare_the_long_lived()
            show(banner(start))
            protocol = protocol_of(
                connections,
                RefusalLog(count=metrics.refused),
                shows_token=lambda headers, peer: (
                    access.refusal(headers, peer=peer, needs=Right.READ) is None
                ),
            )
            server = _server(app, protocol)
            stop.act = server.leave
            async with _pointed_hook(store, connection, port=start.port):
                with doors(listener) as sockets:
                    await server.serve(sockets=sockets)
        finally:
            await store.close()


@asynccontextmanager
async def _pointed_hook(store: Store, connection: Connection, *, port: int) -> AsyncIterator[None]:
    """The embedded GitHub's webhook delivers here, wherever here is this time."""
    if not connection.is_embedded:
        yield
        return
    pointing = asyncio.create_task(
        point_hook(
            store.gateway,
            service_url=f"http://127.0.0.1:{port}",
            secret=connection.webhook_secrets[0],
        )
    )
    try:
        yield
    finally:
        pointing.cancel()
        with suppress(StoreError, asyncio.CancelledError):
            await pointing


def _warn_of_short(given: ApiTokens) -> None:
    for name in given.short:
        log.warning("%s: a token has fewer than %d characters: choose a longer one", name, SHORTEST)


def _spare_the_long_lived() -> None:
    """Let the garbage collector pass over all that stays anyway: the modules and what was opened.

    Looking through them took 70 ms and more each time, in which nobody was answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


@contextmanager
def embedded_github(data_dir: Path, *, port: int) -> Iterator[EmbeddedGitHub]:
    """The embedded GitHub while it runs. Raises ConfigurationError."""
    private_data_dir(data_dir)
    with EmbeddedGitHub(data_dir, port=port) as github:
        yield github


def ensure_repository(
    github: EmbeddedGitHub,
    name: str,
    *,
    with_samples: bool,
    beforehand: Callable[[], object] = lambda: None,
) -> None:
    """Make the repository where there is none; ``beforehand`` is called only then."""
    try:
        github.repository(name)
    except KeyError:
        beforehand()
        files = {"README.md": b"# Status\n\nIncidents are the issues of this repository.\n"}
        if with_samples:
            files["monitors.yaml"] = sample_monitors()
        github.create_repository(name, files=files)


def _connection(settings: Settings, parts: ExitStack) -> Connection:
    if not uses_embedded_github(settings):
        assert settings.github_repository is not None
        private_data_dir(settings.data_dir)
        given = settings.github_webhook_secret
        return Connection(
            settings.github_repository,
            credential_of(settings),
            settings.github_api_url,
            webhook_secrets=[each.strip() for each in given.get_secret_value().split(",")]
            if given
            else (),
        )
    github = parts.enter_context(
        embedded_github(settings.data_dir, port=settings.embedded_github_port)
    )
    name = settings.github_repository or EMBEDDED_REPOSITORY
    first_start = FirstStart(settings.data_dir, name)
    ensure_repository(
        github,
        name,
        with_samples=settings.sample_data,
        beforehand=lambda: first_start.begin(now=int(time.time())),
    )
    credential = TokenCredential(github.tokens["owner"])
    hook_secret = kept_token(settings.data_dir, name=HOOK_SECRET_NAME)
    return Connection(
        name,
        credential,
        github.url,
        is_embedded=True,
        first_start=first_start,
        webhook_secrets=(hook_secret,),
        secrets=(hook_secret, *github.tokens.values()),
    )


async def _open(
    settings: Settings,
    connection: Connection,
    *,
    observe: Callable[[Exchange], None],
    metrics: Metrics,
) -> Store:
    store = await open_store(
        repository_name=connection.repository,
        credential=connection.credential,
        api_url=connection.api_url,
        data_dir=settings.data_dir,
        server_name="embedded" if connection.is_embedded else None,
        monitors_path=settings.monitors,
        trusted_authors=settings.trusted_authors,
        webhook_secrets=connection.webhook_secrets,
        freshness=Freshness(
            fresh_seconds=settings.fresh_seconds,
            stale_seconds=settings.stale_seconds,
            outage_seconds=settings.outage_seconds,
        ),
        status_branch=settings.status_branch,
        status_requests_per_hour=settings.status_requests_per_hour,
        rhythm=Rhythm(
            change_seconds=settings.status_change_seconds,
            steady_seconds=settings.status_steady_seconds,
        ),
        clock=time.time,
        observe=observe,
        observe_read=lambda outcome: metrics.cache_outcome(outcome.word),
    )
    try:
        if connection.first_start:
            await _complete(connection.first_start, store, with_samples=settings.sample_data)
    except BaseException:
        await store.close()
        raise
    return store


async def _complete(first_start: FirstStart, store: Store, *, with_samples: bool) -> None:
    began_at = first_start.began_at
    if began_at is not None:
        if with_samples:
            await write_samples(store, now=began_at)
        first_start.end()


def _server(app: ASGIApp, protocol: type[HttpProtocol]) -> _Server:
    config = uvicorn.Config(
        app,
        http=protocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # auth.py decides whom to believe
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,  # type: ignore[arg-type]  # fractions work
    )
    return _Server(config)


class _Server(uvicorn.Server):
    """Leaves the process's signals to ``_Signals``, which also guard the start."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def leave(self) -> None:
        """End with the running requests; asked again, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True


class _Signals:
    """SIGINT and SIGTERM: ``act`` ends the start at first, and later the service. SIGHUP, which a
    closed terminal sends and a habit of reloading, does nothing."""

    def __init__(self) -> None:
        starting = asyncio.current_task()
        assert starting is not None
        self.act: Callable[[], object] = starting.cancel

    def __enter__(self) -> _Signals:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, log.info, SIGHUP_IS_NOTHING)
        for each in STOP_SIGNALS:
            loop.add_signal_handler(each, lambda: self.act())
        return self

    def __exit__(self, *_: object) -> None:
        for each in STOP_SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(each)
