"""The repository's labels: every one that this program puts on issues exists, with its colour.

GitHub creates an unknown label by itself, grey and without a description. So the ones that are
missing are created first, once an hour at most, less often where requests run short, and a token
that may not create labels is found out at start instead of at the first incident.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from cachetools import LRUCache, TTLCache

from github_store.errors import AccessLost
from github_store.failing_items import FailingItems
from github_store.label_list import LabelList
from github_store.labels import LabelStyle, label_key

RECHECK_SECONDS = 3600.0
MOST_AT_ONCE = 40
"""Labels made where all are asked for: GitHub lets 80 requests a minute create something, and no
start shall wait for a thousand. The others are made when an incident needs them, or next time."""
MAX_LABELS = 10_000


class RepositoryLabels:
    """Creates missing labels. Raises AccessLost where the token may not. One event loop.

    ``styles`` is asked each time: the monitors may have become others. ``slowness`` above 1: labels
    that were there once are believed to be there still.
    """

    def __init__(
        self,
        there: LabelList,
        styles: Callable[[], Iterable[LabelStyle]],
        *,
        clock: Callable[[], float],
        slowness: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self._there = there
        self._styles_now = styles
        self._existing: TTLCache[str, bool] = TTLCache(MAX_LABELS, ttl=RECHECK_SECONDS, timer=clock)
        self._ever: LRUCache[str, bool] = LRUCache(MAX_LABELS)
        self._slowness = slowness
        self._lock = asyncio.Lock()
        self.failing: FailingItems[str] = FailingItems("label", "creating the label", clock=clock)
        """By name: labels of ours that are missing and cannot be created."""

    async def ensure(self, names: Iterable[str] | None = None) -> None:
        """Let these labels exist; names without a style are not ours.

        None: all of ours, or where very many are missing, the first of them.
        """
        styles = {label_key(style.name): style for style in self._styles_now()}
        keys = styles.keys() if names is None else styles.keys() & map(label_key, names)
        known = self._existing if self._slowness() <= 1 else self._ever
        if all(key in known for key in keys):
            return
        async with self._lock:
            standing = await self._there.keys()
            missing = [key for key in keys if key not in standing]
            self._note(key for key in keys if key in standing)
            if names is None:
                await self._create_each([styles[key] for key in missing])
                return
            for key in missing:
                with self.failing.attempt(styles[key].name):
                    await self._create(styles[key])

    async def _create_each(self, styles: Iterable[LabelStyle]) -> None:
        """As many as may be at once; one that cannot be created holds up no other."""
        by_name = {style.name: style for style in styles}
        self.failing.keep(by_name)
        refused: AccessLost | None = None
        with self.failing.walk() as walk:
            for name in self.failing.in_turn(by_name)[:MOST_AT_ONCE]:
                with walk.attempt(name):
                    try:
                        await self._create(by_name[name])
                    except AccessLost as error:  # that is nothing of this label's
                        refused = error
                if refused:
                    raise refused

    async def _create(self, style: LabelStyle) -> None:
        await self._there.create(style)
        self._note([label_key(style.name)])

    def _note(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._existing[key] = self._ever[key] = True
