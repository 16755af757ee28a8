"""What somebody was told an issue or comment is, held against what is known of it.

Deliveries come late, twice and out of order. ``updated_at`` decides, in whole seconds: newer data
replaces older; of the same second neither is believed, and GitHub is asked. What comes late (sent
again by hand, days after) may be newer than what is known and yet not the newest: it only says that
GitHub has to be asked. So does what is told to be gone; once GitHub says so too, it stays gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from cachetools import LRUCache

from github_store.gateway import Reply
from github_store.held_answers import HeldAnswers
from github_store.held_reads import Held
from github_store.held_repository import GONE
from github_store.lean_answers import size_of
from github_store.records import seconds_from_iso

MAX_DISPUTED: Final = 10_000
"""So many issues and comments are remembered as told differently for one second, or as gone."""
CLOCKS_DIFFER_SECONDS: Final = 60
LATE_SECONDS: Final = 120
"""GitHub delivers within seconds."""


class ToldState:
    """Issues and comments by their paths. Made for one event loop. ``clock`` gives seconds since
    1970."""

    def __init__(self, held: HeldAnswers, *, clock: Callable[[], float]) -> None:
        self._held = held
        self._clock = clock
        self._disputed: LRUCache[str, int] = LRUCache(MAX_DISPUTED)
        self._told_gone: LRUCache[str, bool] = LRUCache(MAX_DISPUTED)
        self._labels_changed_at = -1

    def note_labels_changed(self, *, told_at: float) -> None:
        """A label was changed: payloads from before that, however late they come, name the old one.

        A label carries no time of its own, so it is when it was told, seconds since 1970.
        """
        self._labels_changed_at = int(told_at) + CLOCKS_DIFFER_SECONDS

    def take(self, path: str, data: Mapping[str, Any], *, is_read_now: bool = False) -> None:
        """Hold what was told, where it is newer than what is known.

        ``is_read_now``: GitHub itself said so just now, and no delivery. Raises KeyError, TypeError
        or ValueError for what has no ``updated_at``.
        """
        updated_at = seconds_from_iso(data["updated_at"])
        held = self._held.peek(path)
        if self.is_told_gone(path):
            if held is None or held.reply.status != 410:
                self._held.distrust(path)
            return
        if held is None:
            if updated_at <= self._disputed.get(path, -1):
                return
        elif not held.reply.ok:
            if held.reply.status == 410:
                return
        else:
            known_at = _updated_at(held.reply.data)
            if updated_at < known_at:
                return
            if updated_at == known_at:
                if _shown(held.reply.data) != _shown(data):
                    self._dispute(path, updated_at)
                return
        if updated_at <= self._labels_changed_at:
            self._dispute(path, updated_at)
            return
        if updated_at < self._clock() - LATE_SECONDS and not is_read_now:
            self._held.distrust(path)
            return
        self._held.put(path, Reply(200, {}, dict(data), size_of([data])))

    def answered(self, path: str, reply: Reply, *, before: Held | None) -> None:
        """Hold what a write of ours was answered; ``before`` was held when it was sent.

        What was told meanwhile may be younger than the answer: then GitHub is asked, and so it is
        where both are of one second. Should it not answer, the answer is given in the latter case:
        it is what the client was told, and a delivery of that second mostly tells of a label that
        the same write put on before. What was told to be gone stays so.
        """
        now = self._held.peek(path)
        if now is None or now is before or not isinstance(reply.data, Mapping):
            self._held.put(path, reply)
        elif not now.reply.ok:
            if now.reply.status != 410:
                self._held.put(path, reply)
        else:
            answered_at = _updated_at(reply.data)
            told_at = _updated_at(now.reply.data)
            is_same = _shown(now.reply.data) == _shown(reply.data)
            if told_at <= answered_at:
                self._held.put(path, reply)
            is_disputed = answered_at <= self._disputed.get(path, -1)
            if told_at > answered_at or is_disputed or (told_at == answered_at and not is_same):
                self._held.distrust(path)
        if self.is_told_gone(path):
            self._held.distrust(path)

    def note_gone(self, path: str) -> None:
        """It is told to be gone: what is told of it from now on only lets GitHub be asked."""
        self._told_gone[path] = True

    def is_told_gone(self, path: str) -> bool:
        return path in self._told_gone

    def bury(self, path: str) -> None:
        """GitHub confirms that it is gone, for good: neither numbers nor ids are given again."""
        self._held.put(path, GONE)

    def _dispute(self, path: str, updated_at: int) -> None:
        """Believe nothing that is told of this second or before: let GitHub be asked."""
        self._disputed[path] = max(updated_at, self._disputed.get(path, -1))
        self._held.distrust(path)  # not forgotten: should GitHub be out, it is given


def _updated_at(data: Mapping[str, Any]) -> int:
    """-1 for an answer that does not say: it is believed less than anything."""
    try:
        return seconds_from_iso(data["updated_at"])
    except (KeyError, TypeError, ValueError):
        return -1


def _shown(data: Mapping[str, Any]) -> tuple[Any, ...]:
    """What of an issue or comment is read here."""
    labels = [
        label if isinstance(label, str) else label["name"] for label in data.get("labels") or ()
    ]
    keys = ("title", "body", "state", "state_reason", "closed_at")
    return (*(data.get(key) for key in keys), sorted(labels))
