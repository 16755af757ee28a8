"""One pass over many items in which one that fails does not keep the others from theirs.

What an error says of an item, and what of GitHub::

    GitHubOut, RateLimited       GitHub as a whole: the pass ends, and no item is to blame
    other GitHubUnavailable      either (5xx, 403, timeout, no JSON): the pass goes on; where
                                 SUSPICIOUS items in a row fail like this, none of them known to
                                 fail, the pass ends, and those are tried last in the next one
    other StoreError             this item is refused (422, 409): it is retried rarely
    any other exception          a fault of ours with this item

An item to blame backs off by itself (item_backoff.py) and is named in the log. Whoever can fail so
again and again is counted, by kind, in the metric ``failing``.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic

from github_store.errors import (
    AccessLost,
    GitHubOut,
    GitHubUnavailable,
    RateLimited,
    StoreError,
)
from github_store.item_backoff import MAX_ITEMS, Backoff, Failure, ItemBackoff, K, Notice

log = logging.getLogger(__name__)

UNAVAILABLE: Final = Backoff(60.0, 900.0)
"""For what GitHub may answer again at any time."""
UNLIKELY: Final = Backoff(60.0, 3600.0)
"""For what a person or another version of this program has to mend, though not for certain."""
REFUSED: Final = Backoff(3600.0, 3600.0)
"""For what GitHub refuses for its content."""
NO_PAUSE: Final = Backoff(0.0, 0.0)
"""For what is tried with every pass anyway."""
SUSPICIOUS: Final = 3
"""Items that fail in a row without any success are an outage."""


def backoff_after(error: Exception, *, soon: Backoff = UNAVAILABLE) -> Backoff:
    """How an item backs off; ``soon`` is for what GitHub may answer again at any time."""
    if isinstance(error, AccessLost) or not isinstance(error, StoreError):
        return UNLIKELY
    return soon if isinstance(error, GitHubUnavailable) else REFUSED


class FailingItems(Generic[K]):
    """Items of one ``kind``; ``task`` begins their names in the log: "closing incident" 7.

    ``clock`` gives seconds; ``backoff`` says how an item backs off after an error. For one thread
    at a time.
    """

    def __init__(
        self,
        kind: str,
        task: str,
        *,
        clock: Callable[[], float],
        backoff: Callable[[Exception], Backoff] = backoff_after,
    ) -> None:
        self.kind = kind
        self._task = task
        self._clock = clock
        self._backoff = backoff
        self._failing: ItemBackoff[K] = ItemBackoff()
        self._suspects: dict[K, None] = {}
        self._whole: ItemBackoff[str] = ItemBackoff()

    def __len__(self) -> int:
        return len(self._failing)

    def retry_at(self, item: K) -> float:
        """Until when an item is to be left alone; minus infinity for one that may be tried."""
        now = self._clock()
        wait_seconds = self._failing.seconds_to_retry(item, now)
        return now + wait_seconds if wait_seconds else -math.inf

    def is_due(self, item: K) -> bool:
        """Whether an item may be tried."""
        return not self._failing.seconds_to_retry(item, self._clock())

    def in_turn(self, items: Iterable[K]) -> list[K]:
        """Those that may be tried; last those that ended the pass before this one."""
        due = [item for item in items if self.is_due(item)]
        return sorted(due, key=lambda item: item in self._suspects)

    def keep(self, items: Collection[K]) -> None:
        """Forget all but these: the others are gone."""
        self._failing.keep(items)
        self._suspects = {item: None for item in self._suspects if item in items}

    def walk(self) -> Walk[K]:
        """A new pass, to be used as a context manager around its attempts."""
        return Walk(self)

    @contextmanager
    def attempt(self, item: K) -> Iterator[None]:
        """One item by itself: what it raises goes on to the caller, and is noted where it is to
        blame."""
        try:
            yield
        except (GitHubOut, RateLimited):
            raise
        except Exception as error:
            self.failed(item, error)
            raise
        else:
            self.succeeded(item)

    # noting -----------------------------------------------------------------------------------

    def failed(self, item: K, error: Exception) -> None:
        """This item is to blame."""
        self._suspects.pop(item, None)
        backoff, now = self._backoff(error), self._clock()
        notice = self._failing.failed(item, _reason(error), backoff=backoff, now=now)
        failure = self._failing.get(item)
        if notice and failure:
            self._tell(notice, f"{self._task} {item}", failure, error)

    def succeeded(self, item: K) -> None:
        """This item is well."""
        self._suspects.pop(item, None)
        if over := self._failing.succeeded(item):
            seconds = self._clock() - over.since
            log.info("%s %s succeeds again, after %.0f s", self._task, item, seconds)

    def stopped(self, error: Exception, *, meanwhile: str = "stopped for now") -> None:
        """The pass ended early: nothing of this kind is done for now."""
        notice = self._whole.failed("", _kind_of(error), backoff=UNAVAILABLE, now=self._clock())
        if notice:
            log.warning("%s: %s: %s", self._task, meanwhile, _reason(error))

    def went_on(self) -> None:
        """A pass came to its end."""
        if over := self._whole.succeeded(""):
            log.info("%s: goes on again, after %.0f s", self._task, self._clock() - over.since)

    def suspect(self, items: Iterable[K]) -> None:
        """These ended a pass, and may be as well as any: they are tried last in the next one."""
        for item in items:
            if len(self._suspects) < MAX_ITEMS:
                self._suspects[item] = None

    def is_known(self, item: K) -> bool:
        """Whether it failed in the pass before, too."""
        return item in self._failing or item in self._suspects

    def _tell(self, notice: Notice, name: str, failure: Failure, error: Exception) -> None:
        seconds = self._clock() - failure.since
        again = f", tried again in {failure.pause:.0f} s" if failure.pause else ""
        text = {
            Notice.BEGAN: f"{name} fails{again}",
            Notice.CHANGED: f"{name} fails otherwise, after {seconds:.0f} s",
            Notice.LASTS: f"{name} still fails, after {seconds:.0f} s",
        }[notice]
        is_ours = not isinstance(error, StoreError)
        has_trace = is_ours and notice is not Notice.LASTS
        level = logging.ERROR if is_ours else logging.WARNING
        log.log(level, "%s: %s", text, failure.reason, exc_info=error if has_trace else None)


class Walk(Generic[K]):
    """One pass. Attempts swallow what an item is to blame for; what ends the pass is raised."""

    def __init__(self, items: FailingItems[K]) -> None:
        self._items = items
        self._in_a_row: dict[K, GitHubUnavailable] = {}
        self._has_answered = False

    def __enter__(self) -> Walk[K]:
        return self

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if error is None:
            self._blame()
            self._items.went_on()
        elif isinstance(error, StoreError):
            self._items.suspect(self._in_a_row)
            self._items.stopped(error)

    @contextmanager
    def attempt(self, item: K) -> Iterator[None]:
        """Do something with one item."""
        try:
            yield
        except (GitHubOut, RateLimited):
            raise
        except GitHubUnavailable as error:
            self._doubt(item, error)
        except Exception as error:
            if isinstance(error, StoreError):
                self._answered()
            self._items.failed(item, error)
        else:
            self._answered()
            self._items.succeeded(item)

    def _doubt(self, item: K, error: GitHubUnavailable) -> None:
        if self._items.is_known(item):
            self._items.failed(item, error)
            return
        self._in_a_row[item] = error
        if len(self._in_a_row) >= SUSPICIOUS:
            if self._has_answered:
                self._blame()
            raise error

    def _answered(self) -> None:
        """GitHub is well, so it was the items that failed."""
        self._has_answered = True
        self._blame()

    def _blame(self) -> None:
        for item, error in self._in_a_row.items():
            self._items.failed(item, error)
        self._in_a_row.clear()


def _reason(error: Exception) -> str:
    text = str(error)
    return text if isinstance(error, StoreError) else f"{type(error).__name__}: {text}"


def _kind_of(error: Exception) -> str:
    """Outages are told apart by kind: their texts may name what was tried last."""
    return type(error).__name__
