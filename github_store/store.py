"""Everything this package keeps in one repository, put together once.

Opening asks GitHub the few questions whose answers decide whether the service can run at all, so
that a wrong setting is one clear line at start and not a failure in the middle of an incident.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from github_store.answer_shelf import AnswerShelf
from github_store.api_address import is_github_itself
from github_store.authors import Authors
from github_store.beginning import begin
from github_store.blob_cache import BlobCache
from github_store.breaker import Breaker
from github_store.closer import Closer
from github_store.committer import Committer, Rhythm
from github_store.current_labels import CurrentLabels
from github_store.current_monitors import CurrentMonitors
from github_store.errors import (
    AccessLost,
    ConfigurationError,
    GitHubUnavailable,
    StoreError,
)
from github_store.failing_items import FailingItems
from github_store.folder_name import server_folder_name
from github_store.freshness import Freshness
from github_store.gateway import (
    GITHUB_API_URL,
    UNTOLD_LOGIN,
    Credential,
    Exchange,
    Gateway,
)
from github_store.held_answers import HeldAnswers
from github_store.held_board import HeldBoard
from github_store.held_repository import HeldRepository
from github_store.inbox import Inbox
from github_store.incident_coverage import IncidentCoverage
from github_store.incident_news import MAX_RECENT
from github_store.incident_store import IncidentStore
from github_store.intents import DiskIntents, Intents, kept_secret
from github_store.issue_notices import IssueNotices
from github_store.issue_tracker import IssueTracker
from github_store.journal import DiskJournal, Journal
from github_store.keyed_writes import KeyedWrites
from github_store.label_memory import LabelMemory
from github_store.label_watch import LabelWatch
from github_store.late_start import LateStart
from github_store.lookout import Lookout
from github_store.monitor import Monitors
from github_store.monitors_file import MonitorsText
from github_store.monitors_reload import MonitorsReload
from github_store.own_logins import OwnLogins
from github_store.precedence import is_part_of_write
from github_store.process_lock import ProcessLock
from github_store.quota import Quota
from github_store.read_trace import Outcome
from github_store.recollection import recollect
from github_store.recurring_lines import RecurringLines
from github_store.repository_access import Access
from github_store.repository_labels import RepositoryLabels
from github_store.screening import Screening
from github_store.start_memory import StartMemory
from github_store.status_branch import StatusBranch
from github_store.status_store import StatusStore
from github_store.status_writer import StatusWriter
from github_store.sweeper import Sweeper
from github_store.time_notices import TimeNotices
from github_store.trust import Trust
from github_store.write_budget import STATUS_PER_HOUR, WriteBudget

log = logging.getLogger(__name__)
lines = RecurringLines(log)


@dataclass(frozen=True, slots=True)
class Store:
    """One repository as a database. Made for one event loop; ``close`` it there."""

    incidents: IncidentStore
    statuses: StatusStore
    current_monitors: CurrentMonitors
    gateway: Gateway
    held: HeldAnswers
    closer: Closer
    time_notices: TimeNotices
    inbox: Inbox
    sweeper: Sweeper
    quota: Quota
    breaker: Breaker
    lookout: Lookout
    label_watch: LabelWatch
    monitors_reload: MonitorsReload
    failing_items: tuple[FailingItems[Any], ...] = ()
    late_start: LateStart | None = None
    """What was put off because GitHub was down at the start; nothing where it was not."""
    shelf: AnswerShelf | None = None
    lock: ProcessLock | None = None

    @property
    def monitors(self) -> Monitors:
        """Those in force; a pushed monitors.yaml replaces them."""
        return self.current_monitors.now

    @property
    def repository_name(self) -> str:
        """``owner/name`` as of now: GitHub tells when a repository was renamed."""
        return self.gateway.repository_name

    @property
    def failing(self) -> Mapping[str, int]:
        """How many things of each kind fail now, each by itself, while the others go on."""
        counts = Counter[str]()
        for each in self.failing_items:
            counts[each.kind] += len(each)
        return counts

    def start(self) -> None:
        """Begin what happens by itself: status is committed, ended incidents are closed, times that
        cannot be used are told, and GitHub is tried while it is out."""
        self.lookout.start()
        self.statuses.start()
        self.closer.start()
        self.time_notices.start()
        self.sweeper.start()
        self.label_watch.start()

    async def close(self) -> None:
        """Let what was begun end, for less than a second, and let go of the connections."""
        if self.late_start:
            await _end(self.late_start.close())
        for task in (
            self.sweeper,
            self.label_watch,
            self.closer,
            self.time_notices,
            self.lookout,
            self.monitors_reload,
        ):
            await _end(task.close())
        await asyncio.gather(
            _end(self.incidents.close(grace_seconds=0.5)),
            _end(self.statuses.close(grace_seconds=0.5)),
        )
        await _end(self.held.close())
        await _end(self.gateway.close())
        if self.shelf:
            await _end(asyncio.to_thread(self.shelf.close, grace_seconds=0.5))
        if self.lock:
            self.lock.release()


async def _end(closing: Awaitable[None]) -> None:
    """One that raises keeps no other from ending: the journal is among them."""
    try:
        await closing
    except Exception:
        log.exception("a part of the store met a fault of its own at the end")


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
    bounds_incident_writes: bool | None = None,
    rhythm: Rhythm | None = None,
    freshness: Freshness | None = None,
    clock: Callable[[], float],
    monotonic: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
    observe: Callable[[Exchange], None] | None = None,
    observe_read: Callable[[Outcome], None] | None = None,
) -> Store:
    """Connect to the repository, and let the journal be committed in the background.

    What is kept on disk is below ``data_dir``, apart by server and repository; ``server_name`` is
    for a server whose address changes. ``clock`` gives seconds since 1970.
    ``bounds_incident_writes``: whether incidents keep within github.com's limits for writing
    unasked; left to the address, they do there alone.

    While GitHub does not answer, a repository that was opened before is opened with what is known
    of it; ``late_start`` tells.

    Raises ConfigurationError where a setting, a permission or monitors.yaml is wrong or another
    process uses the directory, and GitHubUnavailable where GitHub does not answer and nothing is
    known.
    """
    if bounds_incident_writes is None:
        bounds_incident_writes = is_github_itself(api_url)
    budget = WriteBudget(
        status_per_hour=status_requests_per_hour, bounds_incidents=bounds_incident_writes
    )
    quota = Quota(budget, jitter=jitter)
    breaker = Breaker(jitter=jitter)

    def admit(method: str, path: str) -> None:
        now = monotonic()
        breaker.admit(method, path, now)
        quota.admit(method, path, now, is_part_of_write=is_part_of_write())

    def observe_too(exchange: Exchange) -> None:
        now = monotonic()
        breaker.observe(exchange, now)
        budget.observe(exchange, now)
        quota.observe(exchange, now)
        if observe:
            observe(exchange)

    gateway = Gateway(
        repository_name=repository_name,
        credential=credential,
        api_url=api_url,
        clock=clock,
        refuse=lambda method, path: breaker.refuse(method, path, monotonic()),
        admit=admit,
        observe=observe_too,
    )
    server = server_name or server_folder_name(api_url)
    memory = StartMemory(data_dir, server=server, repository_name=repository_name)
    lock: ProcessLock | None = None
    intents: Intents | None = None
    shelf: AnswerShelf | None = None
    try:
        beginning = await begin(gateway, memory, monitors_path)
        access = beginning.access
        directory = data_dir / f"{server}-{access.repository_key}"
        lock = ProcessLock(directory, now=clock())
        shelf = AnswerShelf(directory, api_url=api_url)
        intents = DiskIntents(directory, clock=clock)
        own = OwnLogins(
            directory, secret=kept_secret(directory, now=clock()), credential=credential.identity
        )
        is_told = access.own_login != UNTOLD_LOGIN
        is_own_known = is_told or own.own is not None
        loop = asyncio.get_running_loop()
        store = assemble_store(
            gateway,
            own_logins=own.ever | (set() if is_own_known and not is_told else {access.own_login}),
            is_own_known=is_own_known,
            remember=lambda login: loop.run_in_executor(None, own.learn, login),
            remember_monitors=memory.keep_monitors,
            repository_key=access.repository_key,
            monitors=beginning.monitors,
            monitors_path=monitors_path,
            trusted_authors=trusted_authors,
            webhook_secrets=webhook_secrets,
            status_branch=status_branch,
            journal=DiskJournal(directory, clock=clock),
            intents=intents,
            blobs=BlobCache(directory / "blobs"),
            budget=budget,
            quota=quota,
            breaker=breaker,
            shelf=shelf,
            label_memory=LabelMemory(directory),
            rhythm=rhythm or Rhythm(),
            freshness=freshness,
            clock=clock,
            monotonic=monotonic,
            jitter=jitter,
            observe_read=observe_read,
            lock=lock,
        )
    except BaseException:
        await gateway.close()
        if intents:
            intents.close()
        if shelf:
            shelf.close()
        if lock:
            lock.release()
        raise
    late_start = LateStart(
        lambda: _catch_up(store, memory, monitors_path, access=access), jitter=jitter
    )
    try:
        kept = partial(shelf.newest, most=MAX_RECENT)
        recollect(store.incidents.news, HeldRepository(gateway, store.held), kept)
        if beginning.outage:
            await store.statuses.recall()
        if beginning.outage or not await _has_labels(store):
            late_start.start()
    except BaseException:
        await store.close()
        raise
    store.start()
    return replace(store, late_start=late_start)


def assemble_store(
    gateway: Gateway,
    *,
    own_logins: Collection[str],
    is_own_known: bool = True,
    remember: Callable[[str], object] = lambda _login: None,
    remember_monitors: Callable[[MonitorsText], object] = lambda _text: None,
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
    quota: Quota | None = None,
    breaker: Breaker | None = None,
    shelf: AnswerShelf | None = None,
    label_memory: LabelMemory | None = None,
    rhythm: Rhythm,
    freshness: Freshness | None = None,
    clock: Callable[[], float],
    monotonic: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
    observe_read: Callable[[Outcome], None] | None = None,
    lock: ProcessLock | None = None,
) -> Store:
    """The store on a gateway, without asking GitHub anything yet; nothing is committed by itself
    until ``start``. ``is_own_known`` and ``remember``: see Authors."""
    freshness = freshness or Freshness()
    known_quota = quota or Quota(budget, jitter=jitter)
    known_breaker = breaker or Breaker(jitter=jitter)

    def stretch() -> float:
        return known_quota.stretch(monotonic())

    def slowness() -> float:
        return known_quota.slowness(monotonic())

    def hold_off() -> float:
        now = monotonic()
        return max(known_breaker.hold_off(now), known_quota.hold_off(now))

    def may_renew(path: str) -> bool:
        now = monotonic()
        return known_breaker.may_read(path, now) and known_quota.may_renew(path, now)

    current = CurrentMonitors(monitors)
    held = HeldAnswers(
        gateway,
        freshness=freshness,
        clock=clock,
        shelf=shelf,
        observe=observe_read,
        stretch=stretch,
        may_ask=may_renew,
    )
    names = CurrentLabels()
    tracker = IssueTracker(gateway, held, clock=clock, names=names)
    trust = Trust(own_logins=frozenset(own_logins), trusted_authors=frozenset(trusted_authors))
    authors = Authors(
        tracker.collaborators,
        trust,
        clock=clock,
        stretch=stretch,
        is_own_known=is_own_known,
        remember=remember,
    )
    screening = held.screen = Screening(authors)
    labels = RepositoryLabels(
        tracker.labels,
        names,
        current,
        memory=label_memory or LabelMemory(None),
        clock=clock,
        slowness=slowness,
    )
    incidents = IncidentStore(
        tracker,
        monitors=current,
        authors=authors,
        labels=labels,
        keyed=KeyedWrites(intents, clock=clock),
        held=held,
        clock=clock,
    )
    branch = StatusBranch(gateway, branch=status_branch, blobs=blobs, clock=monotonic)
    board = HeldBoard(
        branch,
        freshness=freshness,
        clock=clock,
        shelf=shelf,
        stretch=stretch,
        may_ask=lambda: may_renew(gateway.repository),
    )
    writer = StatusWriter(branch, board, monitors=current, clock=clock, jitter=jitter)
    coverage = IncidentCoverage(
        incidents,
        monitors=current,
        clock=clock,
        freshness=freshness,
        shelf=shelf,
        stretch=stretch,
    )
    statuses = StatusStore(
        journal,
        board,
        coverage=coverage,
        monitors=current,
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
            hold_off=hold_off,
            slowness=slowness,
        ),
    )

    def may_write() -> float:
        return max(budget.may_write_incident(monotonic()), hold_off())

    closer = Closer(incidents, clock=clock, may_write=may_write, slowness=slowness)
    time_notices = TimeNotices(
        incidents,
        IssueNotices(tracker.comments, authors),
        clock=clock,
        may_write=may_write,
        slowness=slowness,
    )
    reload = MonitorsReload(
        gateway, monitors_path, current, incidents, clock=clock, remember=remember_monitors
    )

    async def look_at_labels() -> None:
        try:
            await incidents.look_at_labels()
        except StoreError as error:
            lines.warning("labels", "what labels are called is looked at later: %s", error)

    inbox = Inbox(
        secrets=webhook_secrets,
        tracker=tracker,
        news=incidents.news,
        authors=authors,
        held=held,
        board=board,
        repository_key=repository_key,
        status_branch=status_branch,
        monitors_path=monitors_path,
        reload_monitors=reload.pushed,
        look_at_labels=look_at_labels,
        screening=screening,
        clock=clock,
    )
    sweeper = Sweeper(
        inbox=inbox,
        tracker=tracker,
        news=incidents.news,
        held=held,
        board=board,
        monitors_reload=reload,
        look_at_labels=incidents.look_at_labels,
        clock=clock,
        slowness=slowness,
        hold_off=lambda: known_quota.hold_off(monotonic()),
    )
    label_watch = LabelWatch(
        incidents.look_at_labels,
        is_told=lambda: held.vouched is not None,
        slowness=slowness,
        hold_off=hold_off,
    )

    inbox.look = lambda is_full: sweeper.look(is_full=is_full)

    def recovered() -> None:
        statuses.resume()
        reload.resume()

    lookout = Lookout(gateway, known_breaker, monotonic=monotonic, recovered=recovered)
    return Store(
        incidents=incidents,
        statuses=statuses,
        current_monitors=current,
        gateway=gateway,
        held=held,
        closer=closer,
        time_notices=time_notices,
        inbox=inbox,
        sweeper=sweeper,
        quota=known_quota,
        breaker=known_breaker,
        lookout=lookout,
        label_watch=label_watch,
        monitors_reload=reload,
        failing_items=(
            authors.failing,
            *tracker.failing,
            closer.failing,
            labels.failing,
            coverage.failing,
            statuses.failing,
            sweeper.failing,
            reload.failing,
            time_notices.failing,
            board.failing,
            writer.failing,
        ),
        shelf=shelf,
        lock=lock,
    )


async def _catch_up(
    store: Store, memory: StartMemory, monitors_path: str, *, access: Access
) -> str | None:
    """All that a start during an outage put off; what a person has yet to do, if anything."""
    async with store.monitors_reload.alone:  # a list pushed meanwhile must not come before this one
        found = await begin(store.gateway, memory, monitors_path, with_memory=False)
        is_same = (
            found.access.repository_key == access.repository_key
            and found.access.own_login == access.own_login
        )
        if is_same:
            store.current_monitors.take(found.monitors)
    if found.access.repository_key != access.repository_key:
        return f"GITHUB_REPOSITORY: {store.repository_name} is another one now: restart the service"
    if found.access.own_login != access.own_login:
        return (
            f"{store.gateway.credential_name}: it belongs to {found.access.own_login}, and to "
            f"{access.own_login} at the last start: restart the service"
        )
    await _ensure_labels(store)
    return None


async def _has_labels(store: Store) -> bool:
    """Create the missing labels; False where GitHub has no time for it now."""
    try:
        await _ensure_labels(store)
    except GitHubUnavailable as error:
        log.warning("the start waits for GitHub, to make the labels that are missing: %s", error)
        return False
    return True


async def _ensure_labels(store: Store) -> None:
    try:
        await store.incidents.ensure_labels()
    except AccessLost as error:
        raise ConfigurationError(
            f"{store.gateway.credential_name}: needs the permission Issues: read and write on "
            f"{store.repository_name} ({error})"
        ) from None
