"""What is watched: a monitor, and all of them; pure. monitors_yaml.py reads them from a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from github_store.labels import MAX_LABEL_LENGTH, OWN_LABEL_KEYS, label_key, label_keys
from github_store.tag_aliases import AliasMap
from github_store.yaml_source import shown

_JOINERS: Final = "\u200c\u200d"
_UNFIT: Final = ",/\\\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\uff02\uff07"


class Status(StrEnum):
    """What a monitor's minute can be."""

    UP = "UP"
    DOWN = "DOWN"
    DEGRADED = "DEGRADED"


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitor. Counts are minutes of a day; ``aliases`` are its former tags."""

    tag: str
    name: str
    description: str = ""
    image: str | None = None
    category: str | None = None
    default_status: Status | None = None
    include_degraded_in_downtime: bool = False
    day_degraded_minimum_count: int = 1
    day_down_minimum_count: int = 1
    hidden: bool = False
    aliases: tuple[str, ...] = ()


class Monitors:
    """All monitors, in the order of the file. Tags and aliases are unique ignoring case.

    Never changes. Others are another object, so whatever is derived from monitors is keyed by the
    object it was derived from.
    """

    __slots__ = ("_by_tag", "_in_order", "_place_by_key", "aliases")

    def __init__(self, monitors: Iterable[Monitor]) -> None:
        self._by_tag: Final = {monitor.tag: monitor for monitor in monitors}
        self._in_order: Final = tuple(self._by_tag.values())
        self._place_by_key: Final = {
            label_key(name): place
            for place, monitor in enumerate(self._in_order)
            for name in (monitor.tag, *monitor.aliases)
        }
        self.aliases: Final = AliasMap({each.tag: each.aliases for each in self._in_order})

    def __iter__(self) -> Iterator[Monitor]:
        return iter(self._in_order)

    def __len__(self) -> int:
        return len(self._in_order)

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self._by_tag)

    def get(self, tag: str) -> Monitor | None:
        """The monitor with exactly this tag: Kener's API compares with case."""
        return self._by_tag.get(tag)

    def tags_of(self, labels: Iterable[str]) -> tuple[str, ...]:
        """The tags that stand among an issue's labels, in the order of the file.

        Labels are compared without case, as GitHub does, and a former tag counts as the tag.
        """
        places = self._place_by_key
        found = {places[key] for key in map(label_key, labels) if key in places}
        return tuple(self._in_order[place].tag for place in sorted(found))

    def labels_of(self, tags: Iterable[str]) -> tuple[str, ...]:
        """The labels an issue of these tags may carry: each tag and its former names.

        Ignores case, as a search by labels does. A text that is no monitor's tag has none.
        """
        places = self._place_by_key
        wanted = label_keys(tags)
        return tuple(
            label
            for place in sorted({places[key] for key in wanted if key in places})
            if label_key((monitor := self._in_order[place]).tag) in wanted
            for label in (monitor.tag, *monitor.aliases)
        )


def tag_problem(tag: str) -> str | None:
    """Why a text can be no tag, None if it can. A tag is a label name and stands in queries.

    GitHub keeps a label's name as it was given (``:bug:`` is drawn as an emoji, not stored as
    one) apart from white space around it. Characters that nobody sees make two tags look like
    one; only the joiners that emoji and some scripts need are let through.
    """
    if not tag:
        return "is empty"
    if len(tag) > MAX_LABEL_LENGTH:
        return f"is longer than {MAX_LABEL_LENGTH} characters"
    if tag != tag.strip():
        return "begins or ends with white space"
    if unfit := next((char for char in tag if not _fits_a_tag(char)), None):
        return f"contains {_named(unfit)}: no comma, quote, slash or control character"
    if label_key(tag) in OWN_LABEL_KEYS:
        return "is a label with a meaning of its own; choose another tag"
    return _address_problem(tag)


def _address_problem(tag: str) -> str | None:
    """A tag is also a part of addresses, which programs decode, once and more, and shorten."""
    decoded, before = unquote(tag), tag
    while decoded != before:
        decoded, before = unquote(decoded), decoded
    if unicodedata.normalize("NFKC", decoded) in {".", ".."}:
        return "names a folder in an address; choose another tag"
    if unfit := next((char for char in decoded if not _fits_a_tag(char)), None):
        return f"contains {_named(unfit)} once it is decoded in an address; choose another tag"
    return None


def _fits_a_tag(char: str) -> bool:
    if char in _JOINERS:
        return True
    return char not in _UNFIT and unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _named(char: str) -> str:
    return shown(char) if char.isprintable() else f"U+{ord(char):04X}"
