"""The embedded GitHub: a local server that answers as GitHub does, for tests and for a start.

    with EmbeddedGitHub(data_dir) as github:
        github.create_repository("owner/status", files={"README.md": b"hello"})
        token, address = github.tokens["owner"], github.url

It listens on 127.0.0.1 alone. Everything is below ``data_dir``: issues in ``github.db``, files in
bare git repositories below ``git``, address and tokens in ``embedded.json``. One process owns the
directory at a time; ``stop`` gives it back, and what was answered is there at the next start.
``switchboard.py`` tells what can be done to it over HTTP.
"""

from __future__ import annotations

import fcntl
import os
import random
import re
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigurationError
from ..private_files import make_private_directory
from . import administration
from .accounts import Accounts
from .comment_table import CommentTable, EventTable
from .dispatch import Dispatcher
from .exchange import Request
from .faults import Faults
from .git_store import GitStore
from .hook_outbox import HookOutbox
from .hub import Hub
from .issue_table import IssueTable
from .label_table import LabelTable
from .quota import Quota
from .repository_table import RepositoryTable
from .response_headers import Reply
from .route_table import ROUTES
from .routing import RouteTable
from .rows import Repository
from .storage import Storage
from .switchboard import switchboard_routes
from .wire import Answer, WireServer

REMEMBERED_REQUESTS = 20_000


class RequestLine(NamedTuple):
    """One request that was answered; ``status`` 0: its connection was closed instead."""

    method: str
    target: str
    status: int


class EmbeddedGitHub:
    """``core_limit`` is per hour, ``search_limit`` per minute, both per user.

    ``witness`` is shown every request with its reply (None: closed unanswered), from any thread.

    Raises ConfigurationError when another process owns ``data_dir`` or the port is taken.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        chance: random.Random | None = None,
        core_limit: int = 5000,
        search_limit: int = 30,
        witness: Callable[[Request, Reply | None], None] | None = None,
    ) -> None:
        self._witness = witness
        self._stopping = threading.Event()
        self.requests: deque[RequestLine] = deque(maxlen=REMEMBERED_REQUESTS)
        self.faults = Faults(chance)
        quota = Quota(clock, core=core_limit, search=search_limit)
        with ExitStack() as opened:
            self.hub = _opened(data_dir, opened, clock=clock, faults=self.faults, quota=quota)
            self._wire = self._listening(port)
            opened.callback(self._wire.stop)
            self.url = self.hub.base_url = self._wire.url
            self.hub.accounts.record_address(self.url)
            self._opened = opened.pop_all()

    def _listening(self, port: int) -> WireServer:
        dispatcher = Dispatcher(
            self.hub,
            RouteTable(ROUTES),
            RouteTable(switchboard_routes(self.requests)),
            wait=self._stopping.wait,
        )
        try:
            return WireServer(port, self._witnessed(dispatcher.answer), self._note)
        except OSError as error:
            raise ConfigurationError(
                f"the embedded GitHub cannot listen on port {port}: {error.strerror}"
            ) from error

    # life -------------------------------------------------------------------------------------

    def start(self) -> EmbeddedGitHub:
        self.hub.outbox.start()
        self._wire.start()
        return self

    def stop(self) -> None:
        """Close every connection, then the files; within a second. A second call does nothing."""
        self._stopping.set()
        self._opened.close()

    def __enter__(self) -> EmbeddedGitHub:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # what tests and the command line ask ------------------------------------------------------

    @property
    def tokens(self) -> Mapping[str, str]:
        """One token for each of ``owner``, ``collaborator`` and ``stranger``."""
        return self.hub.accounts.tokens

    def count(self, method: str, pattern: str = "") -> int:
        """How many requests so far had this method and a target the expression is found in."""
        return sum(
            1
            for line in list(self.requests)
            if line.method == method and re.search(pattern, line.target)
        )

    def wait_for_hooks(self, timeout_seconds: float = 5.0) -> bool:
        """Whether every webhook due so far has been delivered, or has failed, in time."""
        return self.hub.outbox.wait_until_idle(timeout_seconds)

    def _note(self, method: str, target: str, status: int) -> None:
        self.requests.append(RequestLine(method, target, status))

    def _witnessed(self, answer: Answer) -> Answer:
        witness = self._witness
        if witness is None:
            return answer

        def answered(request: Request) -> Reply | None:
            reply = answer(request)
            witness(request, reply)
            return reply

        return answered

    # what happens to it -----------------------------------------------------------------------

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Connections end and new ones are refused. Raises OSError where the port is lost."""
        self._wire.leave()
        try:
            yield
        finally:
            self._wire.come_back()

    def use_up(
        self, login: str, resource: str = "core", *, leave: int = 0, seconds: int = 3600
    ) -> None:
        """Let a user have ``leave`` requests left until a reset in so many seconds.

        ``resource``: core or search. Raises KeyError where there is no such user.
        """
        user = self.hub.accounts.find(login)
        if user is None:
            raise KeyError(login)
        self.hub.quota.use_up(user, resource, leave=leave, seconds=seconds)

    # what only GitHub's website does ----------------------------------------------------------

    def create_repository(
        self,
        full_name: str,
        *,
        private: bool = False,
        files: Mapping[str, bytes] | None = None,
    ) -> Repository:
        """Raises ValueError when the name is malformed or taken."""
        return administration.create_repository(
            self.hub, full_name, private=private, files=files or {}
        )

    def repository(self, full_name: str) -> Repository:
        """Raises KeyError where there is none of this (present) name."""
        found = self.hub.repositories.find(full_name)
        if found is None:
            raise KeyError(full_name)
        return found

    def git_path(self, full_name: str) -> Path:
        """The bare repository on disk: any git program may clone from and push to it."""
        return self.hub.git.path(self.repository(full_name))

    def set_role(self, full_name: str, login: str, role: str) -> None:
        """``role``: none, read, triage, write, maintain or admin."""
        administration.set_role(self.hub, self.repository(full_name), login, role, by="owner")

    def add_user(self, login: str) -> str:
        """A user of that login, made if need be, and a new token for it."""
        self.hub.accounts.ensure(login, now=self.hub.now())
        return self.hub.accounts.add_token(login)

    def add_pull_request(self, full_name: str, *, title: str, author: str = "owner") -> int:
        """Its number."""
        repository = self.repository(full_name)
        return administration.add_pull_request(
            self.hub, repository, title=title, author=author
        ).number

    def delete_issue(self, full_name: str, number: int) -> None:
        administration.delete_issue(self.hub, self.repository(full_name), number, by="owner")

    def transfer_issue(self, full_name: str, number: int, *, to: str) -> int:
        """The issue's number in its new repository."""
        source, target = self.repository(full_name), self.repository(to)
        return administration.transfer_issue(self.hub, source, number, target, by="owner").number


def _take(data_dir: Path) -> int:
    """Lock the directory for this process; the lock ends with the file, or the process."""
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise ConfigurationError(
            f"another process runs an embedded GitHub on {data_dir}: stop it, or use another"
            " directory"
        ) from error
    return descriptor


def _opened(
    data_dir: Path,
    opened: ExitStack,
    *,
    clock: Callable[[], float],
    faults: Faults,
    quota: Quota,
) -> Hub:
    """All that stands on the directory; ``opened`` closes it again, the last first."""
    try:
        make_private_directory(data_dir)
        opened.callback(os.close, _take(data_dir))
        storage = Storage(data_dir / "github.db")
        opened.callback(storage.close)
        hub = Hub(
            clock=clock,
            storage=storage,
            accounts=Accounts(storage, data_dir, now=int(clock())),
            repositories=RepositoryTable(storage),
            issues=IssueTable(storage, clock),
            labels=LabelTable(storage),
            comments=CommentTable(storage),
            events=EventTable(storage),
            git=GitStore(data_dir / "git"),
            outbox=HookOutbox(storage, clock),
            faults=faults,
            quota=quota,
        )
    except (OSError, sqlite3.DatabaseError, ValueError) as error:
        raise ConfigurationError(
            f"the embedded GitHub cannot use its directory {data_dir}: {error}"
        ) from error
    opened.callback(hub.git.close)
    opened.callback(hub.outbox.stop, 0.2)
    return hub
