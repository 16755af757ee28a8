"""Everything this package keeps in one repository, put together once.

Opening asks GitHub the few questions whose answers decide whether the service can run at all, so
that a wrong setting is one clear line at start and not a failure in the middle of an incident.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from github_store.authors import Authors
from github_store.blob_cache import BlobCache
from github_store.closer import Closer
from github_store.committer import Committer, Rhythm
from github_store.errors import AccessLost, ConfigurationError
from github_store.freshness import Freshness
from github_store.gateway import GITHUB_API_URL, Credential, Exchange, Gateway, Reply
from github_store.held_answers import HeldAnswers
from github_store.held_board import HeldBoard
from github_store.inbox import Inbox
from github_store.incident import label_styles
from github_store.incident_coverage import IncidentCoverage
from github_store.incident_store import IncidentStore
from github_store.intents import DiskIntents, Intents
from github_store.issue_tracker import IssueTracker
from github_store.journal import DiskJournal, Journal
from github_store.keyed_writes import KeyedWrites
from github_store.monitor import Monitors
from github_store.monitors_file import MonitorsReload, load_monitors
from github_store.present_tags import PresentTags
from github_store.process_lock import ProcessLock
from github_store.repository_labels import RepositoryLabels
from github_store.status_branch import StatusBranch
from github_store.status_store import StatusStore
from github_store.status_writer import StatusWriter
from github_store.sweeper import Sweeper
from github_store.trust import Trust
from github_store.write_budget import STATUS_PER_HOUR, WriteBudget

_SCOPES = frozenset({"repo", "public_repo"})


@dataclass(frozen=True, slots=True)
class Store:
    """One repository as a database. Made for one event loop; ``close`` it there."""

    incidents: IncidentStore
    statuses: StatusStore
    monitors: Monitors
    gateway: Gateway
    closer: Closer
    inbox: Inbox
    sweeper: Sweeper
    lock: ProcessLock | None = None

    @property
    def repository_name(self) -> str:
        """``owner/name`` as of now: GitHub tells when a repository was renamed."""
        return self.gateway.repository_name

    def start(self) -> None:
        """Begin what happens by itself: status is committed, ended incidents are closed."""
        self.statuses.start()
        self.closer.start()
        self.sweeper.start()

    async def close(self) -> None:
        """Let what was begun end, for less than a second, and let go of the connections."""
        await self.sweeper.close()
        await self.closer.close()
        await asyncio.gather(
            self.incidents.close(grace_seconds=0.5), self.statuses.close(grace_seconds=0.5)
        )
        await self.gateway.close()
        if self.lock:
            self.lock.release()


async def open_store(
    *,
    repository_name: str,
    credential: Credential,
    api_url: str = GITHUB_API_URL,
    data_dir: Path,
    server_name: str | None = None,
    monitors_path: str = "monitors.yaml",
    trusted_authors: Collection[str] = (),
    webhook_secrets: Sequence[str] = (),
    status_branch: str = "status-data",
    status_requests_per_hour: int = STATUS_PER_HOUR,
    rhythm: Rhythm | None = None,
    freshness: Freshness | None = None,
    clock: Callable[[], float],
    monotonic: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
    observe: Callable[[Exchange], None] | None = None,
) -> Store:
    """Connect to the repository, and let the journal be committed in the background.

    What is kept on disk is below ``data_dir``, apart by server and repository; ``server_name`` is
    for a server whose address changes. ``clock`` gives seconds since 1970.

    Raises ConfigurationError where a setting, a permission or monitors.yaml is wrong or another
    process uses the directory, and GitHubUnavailable where GitHub does not answer.
    """
    budget = WriteBudget(status_per_hour=status_requests_per_hour)

    def observe_too(exchange: Exchange) -> None:
        budget.observe(exchange, monotonic())
        if observe:
            observe(exchange)

    gateway = Gateway(
        repository_name=repository_name,
        credential=credential,
        api_url=api_url,
        clock=clock,
        observe=observe_too,
    )
    lock: ProcessLock | None = None
    intents: Intents | None = None
    try:
        access = await check_access(gateway)
        directory = data_dir / f"{server_name or _server_name(api_url)}-{access.repository_key}"
        lock = ProcessLock(directory, now=clock())
        intents = DiskIntents(directory, clock=clock)
        store = assemble_store(
            gateway,
            own_login=access.own_login,
            repository_key=access.repository_key,
            monitors=await load_monitors(gateway, monitors_path),
            monitors_path=monitors_path,
            trusted_authors=trusted_authors,
            webhook_secrets=webhook_secrets,
            status_branch=status_branch,
            journal=DiskJournal(directory, clock=clock),
            intents=intents,
            blobs=BlobCache(directory / "blobs"),
            budget=budget,
            rhythm=rhythm or Rhythm(),
            freshness=freshness,
            clock=clock,
            monotonic=monotonic,
            jitter=jitter,
            lock=lock,
        )
    except BaseException:
        await gateway.close()
        if intents:
            intents.close()
        if lock:
            lock.release()
        raise
    try:
        await _ensure_labels(store)
    except BaseException:
        await store.close()
        raise
    store.start()
    return store


def assemble_store(
    gateway: Gateway,
    *,
    own_login: str,
    repository_key: str = "",
    monitors: Monitors,
    monitors_path: str = "monitors.yaml",
    trusted_authors: Collection[str] = (),
    webhook_secrets: Sequence[str] = (),
    status_branch: str = "status-data",
    journal: Journal,
    intents: Intents,
    blobs: BlobCache | None,
    budget: WriteBudget,
    rhythm: Rhythm,
    freshness: Freshness | None = None,
    clock: Callable[[], float],
    monotonic: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
    lock: ProcessLock | None = None,
) -> Store:
    """The store on a gateway, without asking GitHub anything yet; nothing is committed by itself
    until ``start``."""
    freshness = freshness or Freshness()
    held = HeldAnswers(gateway, freshness=freshness, clock=clock)
    tracker = IssueTracker(gateway, held)
    trust = Trust(own_logins=frozenset({own_login}), trusted_authors=frozenset(trusted_authors))
    incidents = IncidentStore(
        tracker,
        monitors=monitors,
        authors=Authors(tracker, trust, clock=clock),
        labels=RepositoryLabels(tracker, lambda: label_styles(monitors), clock=clock),
        keyed=KeyedWrites(intents, clock=clock),
        clock=clock,
    )
    branch = StatusBranch(gateway, branch=status_branch, blobs=blobs, clock=monotonic)
    tags = PresentTags(monitors)
    board = HeldBoard(branch, tags=tags, freshness=freshness, clock=clock)
    writer = StatusWriter(branch, board, tags=tags, clock=clock, jitter=jitter)
    statuses = StatusStore(
        journal,
        board,
        coverage=IncidentCoverage(incidents, clock=clock),
        monitors=monitors,
        tags=tags,
        clock=clock,
        writer=writer,
        committer=lambda landed: Committer(
            journal,
            writer,
            budget,
            rhythm=rhythm,
            clock=clock,
            monotonic=monotonic,
            jitter=jitter,
            landed=landed,
        ),
    )
    closer = Closer(
        incidents, clock=clock, may_write=lambda: budget.may_write_incident(monotonic())
    )
    inbox = Inbox(
        secrets=webhook_secrets,
        tracker=tracker,
        incidents=incidents,
        held=held,
        board=board,
        repository_key=repository_key,
        status_branch=status_branch,
        monitors_path=monitors_path,
        reload_monitors=MonitorsReload(gateway, monitors_path, monitors, incidents).run,
        clock=clock,
    )
    sweeper = Sweeper(
        inbox=inbox, tracker=tracker, incidents=incidents, held=held, board=board, clock=clock
    )
    return Store(incidents, statuses, monitors, gateway, closer, inbox, sweeper, lock)


async def _ensure_labels(store: Store) -> None:
    try:
        await store.incidents.ensure_labels()
    except AccessLost as error:
        raise ConfigurationError(
            f"{store.gateway.credential_name}: needs the permission Issues: read and write on "
            f"{store.repository_name} ({error})"
        ) from None


@dataclass(frozen=True, slots=True)
class Access:
    """What a credential is for the repository it may write to."""

    own_login: str
    repository_key: str
    """The repository's id, or its name on servers that give none: a part of a folder's name."""


async def check_access(gateway: Gateway) -> Access:
    """Raises ConfigurationError where the repository cannot be seen and written."""
    repository_key = await check_repository(gateway)
    try:
        return Access(await gateway.own_login(), repository_key)
    except AccessLost as error:
        raise ConfigurationError(f"{gateway.credential_name}: {error}") from None


async def check_repository(gateway: Gateway) -> str:
    """The repository's key, see Access. Raises ConfigurationError where it cannot be seen and
    written."""
    name = gateway.repository_name
    try:
        reply = await gateway.request("GET", gateway.repository)
    except AccessLost as error:
        raise ConfigurationError(f"{gateway.credential_name}: {error}") from None
    if not reply.ok:
        raise ConfigurationError(
            f"GITHUB_REPOSITORY: {name} does not exist, or the token may not see it"
        )
    _check_rights(reply, name, gateway.credential_name)
    # As GitHub spells it now: its issues name the repository they are of.
    gateway.repository_name = reply.data.get("full_name") or name
    return _folder_name(str(reply.data.get("id") or gateway.repository_name))


def _server_name(api_url: str) -> str:
    return _folder_name(api_url.split("//", 1)[-1])


def _folder_name(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")


def _check_rights(reply: Reply, name: str, credential_name: str) -> None:
    """What the repository's own description tells; fine-grained permissions show on use only."""
    if not reply.data.get("has_issues", True):
        raise ConfigurationError(f"GITHUB_REPOSITORY: issues are switched off in {name}")
    if reply.data.get("archived"):
        raise ConfigurationError(f"GITHUB_REPOSITORY: {name} is archived, nothing can be written")
    permissions = reply.data.get("permissions")
    if isinstance(permissions, dict) and permissions.get("push") is False:
        raise ConfigurationError(f"{credential_name}: its account has no write access to {name}")
    scopes = {each.strip() for each in reply.headers.get("x-oauth-scopes", "").split(",")} - {""}
    if scopes and not scopes & _SCOPES:
        raise ConfigurationError(
            f"{credential_name}: needs the scope repo (or public_repo) for {name}"
        )
