"""One monitor's samples that are acknowledged and not committed yet; pure."""

from __future__ import annotations

from github_store.journal_file import Sequenced


class Pending:
    """Of several samples for one minute only the last is kept: later acknowledged wins."""

    def __init__(self) -> None:
        self._by_minute: dict[int, Sequenced] = {}
        self._entries: tuple[Sequenced, ...] | None = ()

    @property
    def entries(self) -> tuple[Sequenced, ...]:
        """In the order of acknowledgement; the very same tuple until something changes."""
        if self._entries is None:
            self._entries = tuple(self._by_minute.values())
        return self._entries

    def add(self, entry: Sequenced) -> None:
        """Take one that was acknowledged after all others."""
        minute = entry.sample.minute
        self._by_minute.pop(minute, None)  # so that it stands last
        self._by_minute[minute] = entry
        self._entries = None

    def drop(self, up_to: int) -> None:
        """Let those go that have landed, up to this sequence number."""
        landed = [minute for minute, each in self._by_minute.items() if each.seq <= up_to]
        for minute in landed:
            del self._by_minute[minute]
        if landed:
            self._entries = None
