"""Samples that are acknowledged and not committed yet; pure."""

from __future__ import annotations

from itertools import chain
from operator import is_

from github_store.journal_record import Sequenced
from github_store.tag_aliases import AliasMap


class Pending:
    """Those of one tag. Of several samples for one minute only the last is kept: later acknowledged
    wins."""

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


class PendingSamples:
    """Those of all monitors, each under the tag that it was acknowledged with."""

    def __init__(self) -> None:
        self._by_tag: dict[str, Pending] = {}
        self._under: tuple[AliasMap, dict[str, _Shared]] | None = None

    def add(self, entry: Sequenced) -> None:
        """Take one that was acknowledged after all others."""
        tag = entry.sample.tag
        pending = self._by_tag.get(tag)
        if pending is None:
            pending = self._by_tag[tag] = Pending()
            self._under = None
        pending.add(entry)

    def drop(self, up_to: int) -> None:
        """Let those go that have landed, up to this sequence number."""
        for pending in self._by_tag.values():
            pending.drop(up_to)

    def of(self, tag: str, aliases: AliasMap) -> tuple[Sequenced, ...]:
        """A monitor's, those under its former tags among them, in the order of acknowledgement;
        the very same tuple until something changes."""
        if self._under is None or self._under[0] is not aliases:
            under: dict[str, _Shared] = {}
            for own, pending in self._by_tag.items():
                under.setdefault(aliases.of(own), _Shared()).parts.append(pending)
            self._under = aliases, under
        shared = self._under[1].get(tag)
        return shared.entries if shared else ()


class _Shared:
    """What is pending under several tags of one monitor."""

    def __init__(self) -> None:
        self.parts: list[Pending] = []
        self._merged: tuple[list[tuple[Sequenced, ...]], tuple[Sequenced, ...]] | None = None

    @property
    def entries(self) -> tuple[Sequenced, ...]:
        found = [entries for part in self.parts if (entries := part.entries)]
        if len(found) <= 1:
            return found[0] if found else ()
        if self._merged is None or not _are_same(self._merged[0], found):
            merged = Pending()
            for entry in sorted(chain(*found), key=lambda entry: entry.seq):
                merged.add(entry)
            self._merged = found, merged.entries
        return self._merged[1]


def _are_same(some: list[tuple[Sequenced, ...]], others: list[tuple[Sequenced, ...]]) -> bool:
    return len(some) == len(others) and all(map(is_, some, others))
