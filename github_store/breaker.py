"""While GitHub is out nobody waits for it: what would be asked is refused here, at once.

The rules are circuit.py's. GitHub as a whole has one circuit, and each kind of endpoint (a method
and a place, such as ``GET issues/*/comments``) one of its own: an endpoint that fails alone is out
alone, and what others answer does not close it. Of an endpoint that is known to be out, and of
search, failures say nothing of the rest.

What is refused was not sent, so that a write's outcome is never in doubt. GitHub is tried by a GET
of the repository itself, which costs nothing while it is unchanged (lookout.py sends it), and an
endpoint by the next request of its kind that somebody wants. Where only one endpoint was asked
lately, and failed, GitHub counts as out until that first trial is answered, and only then it shows
who was: the log waits for that, so that it tells of what is out, once, and of its return, once.

An answer is whatever GitHub says below 500: a refusal is one too. Asked and told from any thread.
"""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from github_store.circuit import FAILURES, LONGEST_PAUSE_SECONDS, Circuit
from github_store.errors import GitHubOut
from github_store.gateway import Exchange
from github_store.request_kind import REQUEST_KINDS, SEARCH, endpoint, request_kind

log = logging.getLogger(__name__)

CORE: Final = "core"
"""What GitHub as a whole is called beside the kinds of requests."""
CONFIRMED_SECONDS: Final = 2.0
"""GitHub is out as a whole, and not one endpoint alone, if its first trial takes longer."""
QUIET_SECONDS: Final = 60.0
"""What goes out again within this time is not told anew: it comes and goes."""
_REPOSITORY: Final = re.compile(r"/repos/[^/?]+/[^/?]+")

_Line = tuple[int, str, tuple[Any, ...]]
"""Level, text and values of a line for the log."""


class Breaker:
    """``jitter`` gives numbers from 0 to 1; ``now`` is of a clock that never goes back.

    ``listener`` is called, from any thread, whenever GitHub goes out or comes back as a whole.
    """

    def __init__(self, *, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._lock = threading.Lock()
        self._core = Circuit()
        self._is_confirmed = False
        """Whether a trial has shown that GitHub is out as a whole; of no meaning while closed."""
        self._endpoints: dict[str, Circuit] = {}
        self._kinds: dict[str, str] = {}
        """The kind of each endpoint that failed lately."""
        self._told: dict[str, float] = {}
        """Since when those are out, CORE or kinds, that the log was told of."""
        self._told_at: dict[str, float] = {}
        self.listener: Callable[[], object] = lambda: None

    def refuse(self, method: str, path: str, now: float) -> None:
        """Raises GitHubOut where a request may not be sent."""
        with self._lock:
            self._refuse(method, path, now)

    def admit(self, method: str, path: str, now: float) -> None:
        """Let a request be sent, now; raises GitHubOut where it may not be."""
        with self._lock:
            self._refuse(method, path, now)
            name = endpoint(method, path)
            circuit = self._endpoints.get(name)
            if circuit and circuit.is_open and not self._core.is_open:
                self._endpoints[name] = circuit.tried(now, chance=self._jitter())

    def observe(self, exchange: Exchange, now: float) -> None:
        """Learn how an admitted request ended."""
        with self._lock:
            was_out = self._core.is_open
            if exchange.status is None or exchange.status >= 500:
                self._failed(exchange, now)
            else:
                self._answered(exchange, now)
            has_turned = was_out is not self._core.is_open
            if has_turned and was_out:
                self._came_back(now)
            lines = self._news(now)
        for level, text, values in lines:
            log.log(level, text, *values)
        if has_turned:
            self.listener()

    def may_read(self, path: str, now: float) -> bool:
        """Whether asking for this is worth the while."""
        with self._lock:
            circuit = self._endpoints.get(endpoint("GET", path))
            return not self._core.is_open and (not circuit or circuit.seconds_to_trial(now) <= 0)

    def begin_trial(self, now: float) -> bool:
        """Whether GitHub is to be tried now; the next trial then is a while after this one."""
        with self._lock:
            if not self._core.is_open or self._core.seconds_to_trial(now) > 0:
                return False
            self._core = self._core.tried(now, chance=self._jitter())
            return True

    def seconds_to_trial(self, now: float) -> float:
        """Until GitHub is tried again; infinite while it is not out."""
        with self._lock:
            return self._core.seconds_to_trial(now) if self._core.is_open else math.inf

    def hold_off(self, now: float) -> float:
        """How many seconds work that nobody waits for is to wait, before it looks again."""
        with self._lock:
            return _come_again(self._core, now) if self._core.is_open else 0.0

    def out_for(self, now: float) -> Mapping[str, float]:
        """For how many seconds GitHub and each kind of request has been out; 0 while it is not.

        While GitHub is out as a whole only that is told.
        """
        with self._lock:
            since = {kind: at for kind, (at, *_) in self._kinds_out().items()}
            if self._core.opened_at is not None:
                since = {CORE: self._core.opened_at}
            return {name: now - since.get(name, now) for name in (CORE, *REQUEST_KINDS)}

    def _refuse(self, method: str, path: str, now: float) -> None:
        if self._core.is_open:
            if not _is_trial(method, path):
                raise _refusal(self._core, now)
            return
        circuit = self._endpoints.get(endpoint(method, path))
        if circuit and circuit.seconds_to_trial(now) > 0:
            raise _refusal(circuit, now)

    def _failed(self, exchange: Exchange, now: float) -> None:
        name, kind = endpoint(exchange.method, exchange.path), request_kind(exchange.path)
        known = self._endpoints.get(name, Circuit())
        sent_at = now - exchange.seconds
        self._endpoints[name] = known.failed(sent_at=sent_at, now=now)
        self._kinds[name] = kind
        if _is_trial(exchange.method, exchange.path) and self._core.is_open:
            self._is_confirmed = True
        if kind != SEARCH and not known.is_open:
            self._core = self._core.failed(sent_at=sent_at, now=now)

    def _answered(self, exchange: Exchange, now: float) -> None:
        name = endpoint(exchange.method, exchange.path)
        self._endpoints[name] = Circuit().answered(now)
        if request_kind(exchange.path) != SEARCH:
            self._core = self._core.answered(now)

    def _came_back(self, now: float) -> None:
        """What failed with all else gets another chance, and only one; what failed alone does not.

        How it is now, its next request tells.
        """
        if self._is_confirmed:
            for name, circuit in self._endpoints.items():
                if circuit.is_open and self._kinds[name] not in self._told:
                    self._endpoints[name] = Circuit(failures=FAILURES - 1, answered_at=now)
        self._is_confirmed = False

    def _kinds_out(self) -> dict[str, tuple[float, str, int]]:
        """Since when, by which endpoint, and after how many failures each kind is out."""
        found: dict[str, tuple[float, str, int]] = {}
        for name, circuit in self._endpoints.items():
            if circuit.opened_at is not None:
                out = circuit.opened_at, name, circuit.failures
                kind = self._kinds[name]
                found[kind] = min(found.get(kind, out), out)
        return found

    def _news(self, now: float) -> list[_Line]:
        """What went out and what came back, as far as it was not told yet, and shall be."""
        lines: list[_Line] = []
        core = self._core
        if core.opened_at is not None:
            if now - core.opened_at > CONFIRMED_SECONDS:
                self._is_confirmed = True
            if self._is_confirmed and self._shall_tell(CORE, core.opened_at, now):
                lines.append((logging.WARNING, _OUT, (core.failures,)))
            return lines
        out = self._kinds_out()
        for name in [name for name in self._told if name not in out]:
            seconds = now - self._told.pop(name)
            text, whose = (_BACK, ()) if name == CORE else (_KIND_BACK, (name,))
            lines.append((logging.INFO, text, (*whose, seconds)))
        for kind, (opened_at, name, failures) in out.items():
            if self._shall_tell(kind, opened_at, now):
                lines.append((logging.WARNING, _KIND_OUT, (kind, name, failures)))
        return lines

    def _shall_tell(self, name: str, opened_at: float, now: float) -> bool:
        if name in self._told or now - self._told_at.get(name, -math.inf) < QUIET_SECONDS:
            return False
        self._told[name], self._told_at[name] = opened_at, now
        return True


_OUT: Final = "GitHub is out: %d requests in a row were not answered; it is tried every few seconds"
_BACK: Final = "GitHub answers again, after %.0f s"
_KIND_OUT: Final = (
    "GitHub is out for %s alone (%s: %d requests in a row were not answered, others are); one is "
    "tried every few seconds"
)
_KIND_BACK: Final = "GitHub answers for %s again, after %.0f s"


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
