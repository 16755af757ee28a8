"""Incidents kept as GitHub issues: the operations of Kener's API on them.

What the API wrote is visible in the very next read. GitHub's lists lag by seconds and its
search by a minute, a single issue does not: so for two minutes after a write, lists and
searches leave the written issues to the issues themselves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from cachetools import TTLCache

from github_store.authors import Authors
from github_store.issue_tracker import IssueTracker
from github_store.monitor import Monitors
from github_store.records import Comment

log = logging.getLogger(__name__)

LAG_SECONDS = 120.0
"""How long GitHub's lists and search may miss a write."""
MAX_RECENT = 2_000
MAX_NUMBER = 2**31 - 1
"""GitHub's issue numbers are signed 32-bit; nothing larger can exist."""
EXPECTED_LABEL_LIMIT = 100


class IncidentStore:
    """Incidents of one repository. Made for one event loop."""

    def __init__(
        self,
        tracker: IssueTracker,
        *,
        monitors: Monitors,
        authors: Authors,
        clock: Callable[[], float],
    ) -> None:
        self._tracker = tracker
        self._monitors = monitors
        self._authors = authors
        self._clock = clock
        self._written: TTLCache[int, bool] = TTLCache(MAX_RECENT, ttl=LAG_SECONDS, timer=clock)
        self._commented: TTLCache[int, tuple[int, Comment]] = TTLCache(
            MAX_RECENT, ttl=LAG_SECONDS, timer=clock
        )
        self._locks: dict[int, asyncio.Lock] = {}
        self.hidden_numbers: set[int] = set()
        """Labelled issues that were not shown because nobody with rights opened them."""
