"""Webhook deliveries put to use: what is held is updated from them, so that nothing is asked.

Deliveries may come late, twice or out of order, and GitHub never repeats one that failed. So newer
data is never replaced by older: ``updated_at`` decides, in whole seconds; where it is equal and the
data is not, what is held is forgotten and asked for anew. What is gone stays gone.

A signature covers the body alone: whoever saw a delivery can send it again, as another event and
under another id. So payloads are known by their digests. One that comes again under another id is
either such a replay or one of two that are equal to the letter (a label that was renamed to and
fro): what it touches is asked of GitHub. So is what is told to be gone, and a number never heard
of. All such questions are few, however many deliveries come: beyond that one sweep answers them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from cachetools import TTLCache

from github_store.allowance import Allowance
from github_store.authors import Authors
from github_store.errors import StoreError
from github_store.held_answers import HeldAnswers
from github_store.held_board import HeldBoard
from github_store.incident_news import IncidentNews
from github_store.issue_tracker import IssueTracker
from github_store.lean_answers import lean_comment, lean_issue
from github_store.screening import Screening
from github_store.webhook import (
    NO_PAYLOAD,
    BodyDigest,
    BranchMoved,
    CommentChanged,
    CommentDoubtful,
    CommentGone,
    EverythingChanged,
    IssueChanged,
    IssueDoubtful,
    IssueGone,
    LabelsChanged,
    LookNeeded,
    News,
    RightsChanged,
    doubted,
    is_signed,
    news_of,
    organization_of,
    payload_of,
    repository_of,
)

log = logging.getLogger(__name__)

REMEMBERED_DELIVERIES = 20_000
REMEMBER_SECONDS = 3 * 86_400.0
"""As long as GitHub lets a delivery be sent again by hand."""
MOST_QUESTIONS: Final = 30
QUESTION_SECONDS: Final = 10.0
"""So many single things at once are asked of GitHub because deliveries were not believed, and one
more each so many seconds; the same thing once in that time."""


class _Why(Enum):
    """Why something is asked of GitHub though a delivery tells of it."""

    NEW = "nothing is known of such a number"
    GONE = "nothing that is gone is asked for again"
    DOUBTFUL = "it came before, or in a form that is not known"


class ForgedDelivery(StoreError):
    """No secret of ours signed it."""


class MalformedDelivery(StoreError):
    """It is signed, but not what its event's payload is."""


class Inbox:
    """Takes deliveries. Made for one event loop; ``clock`` gives seconds since 1970.

    ``reload_monitors`` is called when the repository's monitors.yaml was pushed, ``look_at_labels``
    when a label was changed.
    """

    def __init__(
        self,
        *,
        secrets: Sequence[str],
        tracker: IssueTracker,
        news: IncidentNews,
        authors: Authors,
        held: HeldAnswers,
        board: HeldBoard,
        repository_key: str,
        status_branch: str,
        monitors_path: str,
        reload_monitors: Callable[[], Awaitable[None]],
        look_at_labels: Callable[[], Awaitable[object]],
        screening: Screening,
        clock: Callable[[], float],
    ) -> None:
        self._secrets = tuple(secrets)
        self._tracker = tracker
        self._news = news
        self._authors = authors
        self._held = held
        self._board = board
        self._repository_key = repository_key
        self._status_branch = status_branch
        self._monitors_path = monitors_path
        self._reload_monitors = reload_monitors
        self._look_at_labels = look_at_labels
        self._screening = screening
        self._clock = clock
        self._id_by_digest: TTLCache[bytes, str] = TTLCache(
            REMEMBERED_DELIVERIES, ttl=REMEMBER_SECONDS, timer=clock
        )
        self._questions = Allowance(MOST_QUESTIONS, seconds=QUESTION_SECONDS, clock=clock)
        self._asked: TTLCache[tuple[_Why, tuple[int, ...]], bool] = TTLCache(
            REMEMBERED_DELIVERIES, ttl=QUESTION_SECONDS, timer=clock
        )
        self.look: Callable[[bool], None] = lambda _is_full: None
        """Called where one look at all that changed lately is wanted soon, or a full one."""
        self.delivered_at: float | None = None
        """When a signed delivery for this repository came last, seconds since 1970."""

    @property
    def is_open(self) -> bool:
        """Whether a secret is configured at all."""
        return bool(self._secrets)

    async def take(
        self, body: bytes, *, event: str, delivery_id: str, signature: str | None, content_type: str
    ) -> bool:
        """Apply a delivery; False where its body came before, or is another repository's.

        Raises ForgedDelivery before anything is parsed, and MalformedDelivery.
        """
        if not is_signed(body, signature, self._secrets):
            raise ForgedDelivery("the signature is not of a secret that is configured here")
        digest = hashlib.sha256(event.encode("utf-8", "replace") + b"\n" + body).digest()
        first_id = self._id_by_digest.get(digest)
        if first_id and first_id == delivery_id:
            return False
        try:
            payload = payload_of(body, content_type)
            told = news_of(event, payload)
            is_ours = self._is_ours(payload)
        except NO_PAYLOAD:
            raise MalformedDelivery(f"this is no payload of the event {event[:40]}") from None
        if not is_ours:
            return False
        self.delivered_at = self._clock()
        if not await self._apply_each(told if first_id is None else map(doubted, told)):
            raise MalformedDelivery(f"part of it is no payload of the event {event[:40]}")
        if first_id is not None:
            return False
        if told:  # of what says nothing anybody could make as many as there are names of events
            self._id_by_digest[digest] = delivery_id
        return True

    def digest(self) -> BodyDigest:
        """For a body that is too large to be kept; its verdict is for ``take_unread``."""
        return BodyDigest(self._secrets)

    def take_unread(self, body: BodyDigest, *, signature: str) -> None:
        """A delivery of which only the digest was kept: GitHub is asked what happened. Raises
        ForgedDelivery."""
        if not body.is_signed_as(signature):
            raise ForgedDelivery("the signature is not of a secret that is configured here")
        if body.sha256 not in self._id_by_digest:
            self._id_by_digest[body.sha256] = ""
            self.look(True)

    async def _apply_each(self, told: Iterable[News]) -> bool:
        """Apply all that can be; whether that is all there is."""
        is_whole = True
        for news in told:
            try:
                await self.apply(news)
            except NO_PAYLOAD:
                is_whole = False
        return is_whole

    async def apply(self, news: News, *, is_read_now: bool = False) -> None:
        """Update or forget exactly what the news touches. ``is_read_now``: it was read from GitHub
        just now, and is no delivery.

        What is known of an issue already is still news to the lists that it stands in: it may
        have been read between the change and its delivery.
        """
        match news:
            case IssueChanged(number, _) if not is_read_now and self._tracker.issues.is_news(
                number
            ):
                self._ask_for_issue(number, _Why.NEW)
            case IssueChanged(number, data):
                data = await self._screening.writing(lean_issue(data))
                self._tracker.issues.take(number, data, is_read_now=is_read_now)
                self._news.note(number)
            case IssueGone(number):
                self._tracker.issues.note_gone(number)
                self._ask_for_issue(number, _Why.GONE)
            case IssueDoubtful(number):
                self._ask_for_issue(number, _Why.DOUBTFUL)
            case CommentChanged(number, comment_id, data):
                data = await self._screening.writing(lean_comment(data))
                self._tracker.comments.take(comment_id, data, is_read_now=is_read_now)
                self._news.note_comment(number, comment_id)
            case CommentGone(number, comment_id):
                self._tracker.comments.note_gone(comment_id)
                self._ask_for_comment(number, comment_id, _Why.GONE)
            case CommentDoubtful(number, comment_id):
                self._ask_for_comment(number, comment_id, _Why.DOUBTFUL)
            case BranchMoved(branch, commit, paths):
                if branch == self._status_branch:
                    self._board.expire(unless_at=commit)
                elif self._monitors_path in paths:
                    await self._reload_monitors()
            case LabelsChanged():
                self._ask_for_everything()
                self.look(False)  # GitHub's list may not show it yet
                await self._look_at_labels()
            case EverythingChanged():
                self._ask_for_everything()
            case RightsChanged(login):
                self._authors.expire(login)
            case LookNeeded():
                self.look(False)

    def _ask_for_everything(self) -> None:
        self._tracker.told.note_labels_changed(told_at=self._clock())
        self._held.expire()
        self._news.note_everything()

    def _ask_for_issue(self, number: int, why: _Why) -> None:
        issues = self._tracker.issues
        if issues.is_in_question(number) or self._may_ask(why, number):
            issues.distrust(number)
            self._news.note(number)

    def _ask_for_comment(self, number: int, comment_id: int, why: _Why) -> None:
        comments = self._tracker.comments
        if comments.is_in_question(comment_id) or self._may_ask(why, number, comment_id):
            comments.distrust(comment_id)
            self._news.note_comment(number, comment_id)

    def _may_ask(self, why: _Why, *what: int) -> bool:
        """Whether this one thing is to be asked for; where not, a look will tell of it."""
        may_ask = (why, what) not in self._asked and self._questions.take()
        if may_ask:
            self._asked[why, what] = True
        else:
            self.look(why is _Why.GONE)
        return may_ask

    def _is_ours(self, payload: Mapping[str, Any]) -> bool:
        repository_id, full_name = repository_of(payload)
        name = self._tracker.repository.name.casefold()
        if not repository_id and not full_name:  # an organisation's own events name none
            return organization_of(payload).casefold() == name.partition("/")[0]
        return repository_id == self._repository_key or full_name.casefold() == name
