"""Webhook deliveries put to use: what is held is updated from them, so that nothing is asked.

Deliveries may come late, twice or out of order, and GitHub never repeats one that failed. So newer
data is never replaced by older: ``updated_at`` decides, in whole seconds; where it is equal and the
data is not, what is held is forgotten and asked for anew. What is gone stays gone.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from cachetools import TTLCache

from github_store.errors import StoreError
from github_store.held_answers import HeldAnswers
from github_store.held_board import HeldBoard
from github_store.incident_news import IncidentNews
from github_store.issue_tracker import IssueTracker
from github_store.webhook import (
    NO_PAYLOAD,
    BranchMoved,
    CommentChanged,
    CommentGone,
    EverythingChanged,
    IssueChanged,
    IssueGone,
    News,
    is_signed,
    news_of,
    payload_of,
    repository_of,
)

log = logging.getLogger(__name__)

REMEMBERED_DELIVERIES = 20_000
REMEMBER_SECONDS = 3 * 86_400.0
"""As long as GitHub lets a delivery be sent again by hand."""


class ForgedDelivery(StoreError):
    """No secret of ours signed it."""


class MalformedDelivery(StoreError):
    """It is signed, but not what its event's payload is."""


class Inbox:
    """Takes deliveries. Made for one event loop; ``clock`` gives seconds since 1970.

    ``reload_monitors`` is called when the repository's monitors.yaml was pushed.
    """

    def __init__(
        self,
        *,
        secrets: Sequence[str],
        tracker: IssueTracker,
        news: IncidentNews,
        held: HeldAnswers,
        board: HeldBoard,
        repository_key: str,
        status_branch: str,
        monitors_path: str,
        reload_monitors: Callable[[], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._secrets = tuple(secrets)
        self._tracker = tracker
        self._news = news
        self._held = held
        self._board = board
        self._repository_key = repository_key
        self._status_branch = status_branch
        self._monitors_path = monitors_path
        self._reload_monitors = reload_monitors
        self._clock = clock
        self._applied: TTLCache[str, bool] = TTLCache(
            REMEMBERED_DELIVERIES, ttl=REMEMBER_SECONDS, timer=clock
        )
        self.delivered_at: float | None = None
        """When a signed delivery for this repository came last, seconds since 1970."""

    @property
    def is_open(self) -> bool:
        """Whether a secret is configured at all."""
        return bool(self._secrets)

    async def take(
        self, body: bytes, *, event: str, delivery_id: str, signature: str | None, content_type: str
    ) -> bool:
        """Apply a delivery; False where it was applied before, or is another repository's.

        Raises ForgedDelivery before anything is parsed, and MalformedDelivery.
        """
        if not is_signed(body, signature, self._secrets):
            raise ForgedDelivery("the signature is not of a secret that is configured here")
        if delivery_id in self._applied:
            return False
        try:
            payload = payload_of(body, content_type)
            told = news_of(event, payload)
            is_ours = self._is_ours(*repository_of(payload))
        except NO_PAYLOAD:
            raise MalformedDelivery(f"this is no payload of the event {event[:40]}") from None
        if not is_ours:
            return False
        self.delivered_at = self._clock()
        try:
            for news in told:
                await self.apply(news)
        except RecursionError:
            raise MalformedDelivery("the payload is nested too deeply") from None
        self._applied[delivery_id] = True
        return True

    async def apply(self, news: News, *, is_read_now: bool = False) -> None:
        """Update or forget exactly what the news touches. ``is_read_now``: it was read from GitHub
        just now, and is no delivery.

        What is known of an issue already is still news to the lists that it stands in: it may
        have been read between the change and its delivery.
        """
        match news:
            case IssueChanged(number, data):
                self._tracker.issues.take(number, data, is_read_now=is_read_now)
                self._news.note(number)
            case IssueGone(number):
                self._tracker.issues.bury(number)
                self._news.note(number)
            case CommentChanged(number, comment_id, data):
                self._tracker.comments.take(comment_id, data, is_read_now=is_read_now)
                self._news.note_comment(number, comment_id)
            case CommentGone(number, comment_id):
                self._tracker.comments.bury(comment_id)
                self._news.note_comment(number, comment_id)
            case BranchMoved(branch, commit, paths):
                if branch == self._status_branch:
                    self._board.expire(unless_at=commit)
                elif self._monitors_path in paths:
                    await self._reload_monitors()
            case EverythingChanged():
                self._tracker.told.note_labels_changed(told_at=self._clock())
                self._held.expire()
                self._news.note_everything()

    def _is_ours(self, repository_id: str, full_name: str) -> bool:
        return (
            repository_id == self._repository_key
            or full_name.casefold() == self._tracker.repository.name.casefold()
        )
