"""Everything this package keeps in one repository, put together once.

Opening asks GitHub the few questions whose answers decide whether the service can run at all, so
that a wrong setting is one clear line at start and not a failure in the middle of an incident.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass

from github_store.authors import Authors
from github_store.errors import AccessLost, ConfigurationError
from github_store.freshness import Freshness
from github_store.gateway import GITHUB_API_URL, Credential, Exchange, Gateway, Reply
from github_store.held_answers import HeldAnswers
from github_store.incident import label_styles
from github_store.incident_store import IncidentStore
from github_store.issue_tracker import IssueTracker
from github_store.monitor import Monitors
from github_store.monitors_file import load_monitors
from github_store.repository_labels import RepositoryLabels
from github_store.status_store import StatusStore
from github_store.trust import Trust

_SCOPES = frozenset({"repo", "public_repo"})


@dataclass(frozen=True, slots=True)
class Store:
    """One repository as a database. Made for one event loop; ``close`` it there."""

    incidents: IncidentStore
    statuses: StatusStore
    monitors: Monitors
    gateway: Gateway

    @property
    def repository_name(self) -> str:
        """``owner/name`` as of now: GitHub tells when a repository was renamed."""
        return self.gateway.repository_name

    async def close(self) -> None:
        """Let what was begun end, and let go of the connections."""
        await self.statuses.close()
        await self.gateway.close()


async def open_store(
    *,
    repository_name: str,
    credential: Credential,
    api_url: str = GITHUB_API_URL,
    monitors_path: str = "monitors.yaml",
    trusted_authors: Collection[str] = (),
    status_branch: str = "status-data",
    freshness: Freshness | None = None,
    clock: Callable[[], float],
    jitter: Callable[[], float] = random.random,
    observe: Callable[[Exchange], None] | None = None,
) -> Store:
    """Connect to the repository.

    Raises ConfigurationError where a setting, a permission or monitors.yaml is wrong, and
    GitHubUnavailable where GitHub does not answer. ``clock`` gives seconds since 1970.
    """
    gateway = Gateway(
        repository_name=repository_name,
        credential=credential,
        api_url=api_url,
        clock=clock,
        observe=observe,
    )
    try:
        own_login = await _checked_access(gateway)
        store = assemble_store(
            gateway,
            own_login=own_login,
            monitors=await load_monitors(gateway, monitors_path),
            trusted_authors=trusted_authors,
            status_branch=status_branch,
            freshness=freshness,
            clock=clock,
            jitter=jitter,
        )
        await _ensure_labels(store)
    except BaseException:
        await gateway.close()
        raise
    return store


def assemble_store(
    gateway: Gateway,
    *,
    own_login: str,
    monitors: Monitors,
    trusted_authors: Collection[str] = (),
    status_branch: str = "status-data",
    freshness: Freshness | None = None,
    clock: Callable[[], float],
    jitter: Callable[[], float] = random.random,
) -> Store:
    """The store on a gateway, without asking GitHub anything yet."""
    freshness = freshness or Freshness()
    held = HeldAnswers(gateway, freshness=freshness, clock=clock)
    tracker = IssueTracker(gateway, held)
    trust = Trust(own_logins=frozenset({own_login}), trusted_authors=frozenset(trusted_authors))
    incidents = IncidentStore(
        tracker,
        monitors=monitors,
        authors=Authors(tracker, trust, clock=clock),
        labels=RepositoryLabels(tracker, label_styles(monitors), clock=clock),
        clock=clock,
    )
    statuses = StatusStore(
        gateway,
        branch=status_branch,
        monitors=monitors,
        freshness=freshness,
        clock=clock,
        jitter=jitter,
    )
    return Store(incidents, statuses, monitors, gateway)


async def _ensure_labels(store: Store) -> None:
    try:
        await store.incidents.ensure_labels()
    except AccessLost as error:
        raise ConfigurationError(
            f"GH_TOKEN: needs the permission Issues: read and write on {store.repository_name} "
            f"({error})"
        ) from None


async def _checked_access(gateway: Gateway) -> str:
    """The service's own login, once the repository can be seen and written."""
    name = gateway.repository_name
    try:
        reply = await gateway.request("GET", gateway.repository)
        if not reply.ok:
            raise ConfigurationError(
                f"GITHUB_REPOSITORY: {name} does not exist, or the token may not see it"
            )
        _check_rights(reply, name)
        return await gateway.own_login()
    except AccessLost as error:
        raise ConfigurationError(f"GH_TOKEN: {error}") from None


def _check_rights(reply: Reply, name: str) -> None:
    """What the repository's own description tells; fine-grained permissions show on use only."""
    if not reply.data.get("has_issues", True):
        raise ConfigurationError(f"GITHUB_REPOSITORY: issues are switched off in {name}")
    if reply.data.get("archived"):
        raise ConfigurationError(f"GITHUB_REPOSITORY: {name} is archived, nothing can be written")
    permissions = reply.data.get("permissions")
    if isinstance(permissions, dict) and permissions.get("push") is False:
        raise ConfigurationError(f"GH_TOKEN: its account has no write access to {name}")
    scopes = {each.strip() for each in reply.headers.get("x-oauth-scopes", "").split(",")} - {""}
    if scopes and not scopes & _SCOPES:
        raise ConfigurationError(f"GH_TOKEN: needs the scope repo (or public_repo) for {name}")
