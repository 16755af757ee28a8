"""While GitHub is out nobody waits for it: what would be asked is refused here, at once.

The rules are circuit.py's; search has a circuit of its own, for it fails on its own. What is
refused was not sent, so that a write's outcome is never in doubt. GitHub is tried by a GET of the
repository itself, which costs nothing while it is unchanged (lookout.py sends it), and search by
the next search that somebody wants.

An answer is whatever GitHub says below 500: a refusal is one too. Asked and told from any thread.
"""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Callable, Mapping
from typing import Final

from github_store.circuit import LONGEST_PAUSE_SECONDS, Circuit
from github_store.errors import GitHubOut
from github_store.gateway import Exchange
from github_store.request_kind import SEARCH as SEARCH_KIND
from github_store.request_kind import request_kind

log = logging.getLogger(__name__)

CORE: Final = "core"
SEARCH: Final = "search"
_REPOSITORY: Final = re.compile(r"/repos/[^/?]+/[^/?]+")


class Breaker:
    """``jitter`` gives numbers from 0 to 1; ``now`` is of a clock that never goes back.

    ``listener`` is called, from any thread, whenever GitHub goes out or comes back.
    """

    def __init__(self, *, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._lock = threading.Lock()
        self._circuits = {CORE: Circuit(), SEARCH: Circuit()}
        self.listener: Callable[[], object] = lambda: None

    def refuse(self, method: str, path: str, now: float) -> None:
        """Raises GitHubOut where a request may not be sent."""
        with self._lock:
            self._refuse(method, path, now)

    def admit(self, method: str, path: str, now: float) -> None:
        """Let a request be sent, now; raises GitHubOut where it may not be."""
        with self._lock:
            self._refuse(method, path, now)
            search = self._circuits[SEARCH]
            if request_kind(path) == SEARCH_KIND and search.opened_at is not None:
                self._circuits[SEARCH] = search.tried(now, chance=self._jitter())

    def observe(self, exchange: Exchange, now: float) -> None:
        """Learn how an admitted request ended."""
        name = SEARCH if request_kind(exchange.path) == SEARCH_KIND else CORE
        with self._lock:
            before = self._circuits[name]
            if exchange.status is None or exchange.status >= 500:
                after = before.failed(sent_at=now - exchange.seconds, now=now)
            else:
                after = before.answered(now)
            self._circuits[name] = after
            has_turned = (before.opened_at is None) is not (after.opened_at is None)
            if name == CORE and has_turned:
                self._circuits[SEARCH] = Circuit()  # how it is now, the next search tells
        if has_turned:
            _tell(name, before, after, now)
            self.listener()

    def may_read(self, path: str, now: float) -> bool:
        """Whether asking for this is worth the while."""
        with self._lock:
            if self._circuits[CORE].opened_at is not None:
                return False
            if request_kind(path) != SEARCH_KIND:
                return True
            return self._circuits[SEARCH].seconds_to_trial(now) <= 0

    def begin_trial(self, now: float) -> bool:
        """Whether GitHub is to be tried now; the next trial then is a while after this one."""
        with self._lock:
            core = self._circuits[CORE]
            if core.opened_at is None or core.seconds_to_trial(now) > 0:
                return False
            self._circuits[CORE] = core.tried(now, chance=self._jitter())
            return True

    def seconds_to_trial(self, now: float) -> float:
        """Until GitHub is tried again; infinite while it is not out."""
        with self._lock:
            core = self._circuits[CORE]
            return math.inf if core.opened_at is None else core.seconds_to_trial(now)

    def hold_off(self, now: float) -> float:
        """How many seconds work that nobody waits for is to wait, before it looks again."""
        with self._lock:
            core = self._circuits[CORE]
            return 0.0 if core.opened_at is None else _come_again(core, now)

    def out_for(self, now: float) -> Mapping[str, float]:
        """For how many seconds each of GitHub and its search has been out; 0 while it is not."""
        with self._lock:
            return {
                name: 0.0 if circuit.opened_at is None else now - circuit.opened_at
                for name, circuit in self._circuits.items()
            }

    def _refuse(self, method: str, path: str, now: float) -> None:
        core, search = self._circuits[CORE], self._circuits[SEARCH]
        if core.opened_at is not None and not _is_trial(method, path):
            raise _refusal(core, now)
        if request_kind(path) == SEARCH_KIND and search.seconds_to_trial(now) > 0:
            raise _refusal(search, now)


def _is_trial(method: str, path: str) -> bool:
    return method == "GET" and _REPOSITORY.fullmatch(path) is not None


def _come_again(circuit: Circuit, now: float) -> float:
    """A second after the next trial is sent."""
    return min(circuit.seconds_to_trial(now), LONGEST_PAUSE_SECONDS) + 1.0


def _refusal(circuit: Circuit, now: float) -> GitHubOut:
    return GitHubOut(
        "GitHub has not answered lately: this was not sent, it is tried again every few seconds",
        retry_after_seconds=math.ceil(_come_again(circuit, now)),
    )


def _tell(name: str, before: Circuit, after: Circuit, now: float) -> None:
    who = "GitHub" if name == CORE else "GitHub's search"
    if before.opened_at is None:
        log.warning(
            "%s is out: %d requests in a row were not answered; it is tried every few seconds",
            who,
            after.failures,
        )
    else:
        log.info("%s answers again, after %.0f s", who, now - before.opened_at)
