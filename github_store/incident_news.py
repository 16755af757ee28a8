"""What was written here or told by webhooks lately: GitHub's lists may not show it yet.

Lists lag by seconds and search by a minute, a single issue or comment does not. So what is news to
a list is left to the issue itself, until the list was confirmed LAG_SECONDS after it. Where too
much is news, lists are asked anew, and what they then show is news no longer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

LAG_SECONDS: Final = 120.0
"""How long GitHub's lists and search may miss a write."""
MAX_RECENT: Final = 2_000
MOST_RECENT: Final = 20_000
"""Where even LAG_SECONDS bring more than MAX_RECENT; what goes beyond this is lost to lists."""

_K = TypeVar("_K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Recalled:
    """An issue or comment of an earlier process: when it was confirmed and changed last, seconds
    since 1970."""

    confirmed_at: float
    changed_at: float

    @property
    def news_at(self) -> float:
        """A list that was confirmed after it, or that long after the change, shows it as it is."""
        return min(self.confirmed_at - LAG_SECONDS, self.changed_at)


class IncidentNews:
    """``clock`` gives seconds since 1970; ``renew_lists`` lets no list be given from now on that
    GitHub was not asked for again. Made for one event loop."""

    def __init__(self, *, clock: Callable[[], float], renew_lists: Callable[[], None]) -> None:
        self._clock = clock
        self._renew_lists = renew_lists
        self._issues: _Recent[int] = _Recent()
        self._comments: _Recent[tuple[int, int]] = _Recent()
        self.edition = 0
        """Rises with all news of issues: whoever derives from incidents looks here."""

    def note(self, number: int) -> None:
        """An issue was changed."""
        self._note(self._issues, number)
        self.edition += 1

    def note_everything(self) -> None:
        """Whoever derives from incidents has to derive anew."""
        self.edition += 1

    def note_comment(self, number: int, comment_id: int) -> None:
        """A comment was written, changed or deleted."""
        self._note(self._comments, (number, comment_id))

    def since(self, confirmed_at: float) -> frozenset[int]:
        """The issues that a list confirmed at that time may not show as they are."""
        return frozenset(self._issues.after(confirmed_at - LAG_SECONDS))

    def noted_since(self, moment: float) -> frozenset[int]:
        """The issues that something was told of since, seconds since 1970."""
        return frozenset(self._issues.after(math.nextafter(moment, -math.inf)))

    def comments_noted_since(self, moment: float) -> frozenset[int]:
        """Likewise the comments, by their ids."""
        recent = self._comments.after(math.nextafter(moment, -math.inf))
        return frozenset(comment_id for _, comment_id in recent)

    def recall(
        self,
        issues: Iterable[tuple[int, Recalled]],
        comments: Iterable[tuple[tuple[int, int], Recalled]],
    ) -> None:
        """Take up what an earlier process held: to a list from before that, it is news as well."""
        self._recall(self._issues, issues)
        self._recall(self._comments, comments)
        self.edition += 1

    def comments_since(self, number: int, confirmed_at: float) -> frozenset[int]:
        """Likewise, of one issue's comments, by their ids."""
        recent = self._comments.after(confirmed_at - LAG_SECONDS)
        return frozenset(comment_id for of, comment_id in recent if of == number)

    def _recall(self, recent: _Recent[_K], found: Iterable[tuple[_K, Recalled]]) -> None:
        for key, each in sorted(found, key=lambda pair: pair[1].news_at):
            recent.note(key, each.news_at)

    def _note(self, recent: _Recent[_K], key: _K) -> None:
        now = self._clock()
        recent.note(key, now)
        if len(recent) > MAX_RECENT and recent.drop(until=now - LAG_SECONDS, leave=MOST_RECENT):
            self._renew_lists()
            self.edition += 1


class _Recent(Generic[_K]):
    """Keys and when each was noted last, in that order."""

    def __init__(self) -> None:
        self._at: dict[_K, float] = {}
        self._latest = 0.0

    def __len__(self) -> int:
        return len(self._at)

    def note(self, key: _K, at: float) -> None:
        self._at.pop(key, None)
        self._latest = max(self._latest, at)  # the clock may be set back, the order is not
        self._at[key] = self._latest

    def after(self, moment: float) -> list[_K]:
        """What was noted after this moment, the latest first."""
        found: list[_K] = []
        for key, at in reversed(self._at.items()):
            if at <= moment:
                break
            found.append(key)
        return found

    def drop(self, *, until: float, leave: int) -> bool:
        """Forget what was noted until then, and the oldest beyond so many; whether any was."""
        surplus = len(self._at) - leave
        old: list[_K] = []
        for key, at in self._at.items():
            if at > until and len(old) >= surplus:
                break
            old.append(key)
        for key in old:
            del self._at[key]
        return bool(old)
