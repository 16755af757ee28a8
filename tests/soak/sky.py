"""A long day at GitHub, part after part: errors and slowness always, an outage, a throttled hour.

Lengths are parts of the outage's: of 10 minutes, the throttled time takes an hour. What people do
by hand carries ``by=hand`` in its query and meets none of it, but a GitHub that is not there.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from github_store.embedded import EmbeddedGitHub

SERVICES = "^(?!.*by=hand)"
"""Of a request's line: whoever is no person."""
REAL_OUTAGE_SECONDS = 600.0


@dataclass
class Sky:
    """What hangs over a GitHub; ``part`` is its present name."""

    github: EmbeddedGitHub
    logins: tuple[str, ...]
    outage_seconds: float
    part: str = "before"

    @property
    def scale(self) -> float:
        """1 in real length, less where the day is shortened."""
        return min(1.0, self.outage_seconds / REAL_OUTAGE_SECONDS)

    @property
    def retry_after(self) -> int:
        return max(5, round(60 * self.scale))

    def unsettle(self) -> None:
        """2 % errors, 5 % slow answers, lagging lists and GitHub's limits of writes."""
        faults = self.github.faults
        faults.clear()
        faults.add("write_limits", match=SERVICES)
        faults.add("error", status=502, rate=0.01, match=SERVICES)
        faults.add("error", status=503, rate=0.005, html=True, match=SERVICES)
        faults.add("drop_before", rate=0.0025, match=SERVICES)
        faults.add("drop_after", rate=0.0025, match=SERVICES)
        # Longer than the service waits; an edit must not come so late, it would undo later ones.
        faults.add("latency", seconds=13, rate=0.003, match=f"{SERVICES}(GET|POST .*/issues\\b)")
        faults.add("latency", seconds=1, jitter_seconds=1, rate=0.047, match=SERVICES)
        faults.add("search_lag", seconds=10, match=SERVICES)
        faults.add("list_lag", seconds=3, match=SERVICES)

    def clear_up(self) -> None:
        """Nothing but GitHub's own limits from now on."""
        self.part = "after"
        self.github.faults.clear()
        self.github.faults.add("write_limits", match=SERVICES)

    def use_up(self, resource: str = "core", *, leave: int = 0, seconds: float) -> None:
        for login in self.logins:
            self.github.use_up(login, resource, leave=leave, seconds=round(seconds))


@dataclass(frozen=True, slots=True)
class Part:
    """``length`` is a part of the outage's; ``weather`` comes on top of the errors and slowness."""

    name: str
    length: float
    weather: Callable[[Sky, float], AbstractContextManager[None]]

    is_rush: bool = False
    """Whether one service's clients write more at once than GitHub allows."""


def lasting(kind: str, **options: object) -> Callable[[Sky, float], AbstractContextManager[None]]:
    """The weather of one fault, all the time."""

    @contextlib.contextmanager
    def weather(sky: Sky, _seconds: float) -> Iterator[None]:
        sky.github.faults.add(kind, **{"match": SERVICES, **options})  # type: ignore[arg-type]
        yield

    return weather


@contextlib.contextmanager
def _calm(_sky: Sky, _seconds: float) -> Iterator[None]:
    yield


@contextlib.contextmanager
def _unreachable(sky: Sky, _seconds: float) -> Iterator[None]:
    with sky.github.unreachable():
        yield


@contextlib.contextmanager
def _broken(sky: Sky, _seconds: float) -> Iterator[None]:
    sky.github.faults.add("error", status=502, html=True, rate=0.5, match=SERVICES)
    sky.github.faults.add("error", status=503, match=SERVICES)
    yield


@contextlib.contextmanager
def _scarce(sky: Sky, seconds: float) -> Iterator[None]:
    sky.use_up(leave=60, seconds=seconds)
    yield


@contextlib.contextmanager
def _used_up(sky: Sky, seconds: float) -> Iterator[None]:
    sky.use_up(seconds=seconds)
    yield


@contextlib.contextmanager
def _refused(sky: Sky, _seconds: float) -> Iterator[None]:
    sky.github.faults.add("secondary_limit", retry_after=sky.retry_after, match=SERVICES)
    yield


@contextlib.contextmanager
def _too_many(sky: Sky, _seconds: float) -> Iterator[None]:
    sky.github.faults.add(
        "secondary_limit", status=429, retry_after=sky.retry_after, match=SERVICES
    )
    yield


@contextlib.contextmanager
def _no_search(sky: Sky, seconds: float) -> Iterator[None]:
    sky.use_up("search", seconds=seconds / 2)
    sky.github.faults.add(
        "secondary_limit", retry_after=sky.retry_after, match=f"{SERVICES}.*/search/"
    )
    yield


DAY = (
    Part("calm morning", 0.2, _calm),
    Part("outage: refused", 0.25, _unreachable),
    Part("outage: closed", 0.25, lasting("outage")),
    Part("outage: 502 and 503", 0.25, _broken),
    Part("outage: hanging", 0.25, lasting("hang")),
    Part("calm noon", 0.2, _calm),
    Part("throttled: scarce", 0.5, _scarce),
    Part("throttled: used up", 2.5, _used_up),
    Part("throttled: 403", 1.0, _refused),
    Part("throttled: 429", 0.5, _too_many),
    Part("throttled: search", 1.0, _no_search),
    Part("throttled: untold", 0.5, lasting("secondary_limit", count=2)),
    Part("calm evening", 0.3, _calm, is_rush=True),
)
"""The outage's parts are 1 in all, those of the throttled time 6."""


def shuffled(chance: random.Random) -> tuple[Part, ...]:
    """The day, with the parts of the outage and of the throttled time in any order."""
    day = list(DAY)
    for kind in ("outage", "throttled"):
        places = [n for n, part in enumerate(day) if part.name.startswith(kind)]
        parts = [day[n] for n in places]
        chance.shuffle(parts)
        for place, part in zip(places, parts, strict=True):
            day[place] = part
    return tuple(day)
