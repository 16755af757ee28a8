"""The repository's labels: every one that this program puts on issues exists, with its colour.

GitHub creates an unknown label by itself, grey and without a description. So the ones that are
missing are created first, and a token that may not create labels is found out at start instead of
at the first incident. Ours that somebody renamed are followed (label_names.py); a tag's label that
was renamed is told, since only monitors.yaml says what a tag is called.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from cachetools import LRUCache, TTLCache

from github_store.current_labels import CurrentLabels
from github_store.current_monitors import CurrentMonitors
from github_store.errors import AccessLost
from github_store.failing_items import FailingItems
from github_store.incident import label_styles
from github_store.label_list import LabelList
from github_store.label_memory import LabelMemory
from github_store.label_names import (
    LabelNames,
    RepositoryLabel,
    foreign_names,
    found_names,
    made,
    present_keys,
    unaskable,
)
from github_store.labels import INCIDENT_LABEL, LabelStyle, label_key
from github_store.tag_labels import RenamedTag, told_tag, told_tags

log = logging.getLogger(__name__)

RECHECK_SECONDS = 3600.0
MOST_AT_ONCE = 40
"""Labels made where all are asked for: GitHub lets 80 requests a minute create something, and no
start shall wait for a thousand. The others are made when an incident needs them, or next time."""
MAX_LABELS = 10_000


@dataclass(frozen=True, slots=True)
class LabelHealth:
    """``renamed``: ours by their own names; ``made_again``: so many were deleted and made anew."""

    renamed: int = 0
    renamed_tags: int = 0
    made_again: int = 0


class RepositoryLabels:
    """Creates missing labels. Raises AccessLost where the token may not. One event loop.

    ``slowness`` above 1: labels that were there once are believed to be there still.
    """

    def __init__(
        self,
        there: LabelList,
        current: CurrentLabels,
        monitors: CurrentMonitors,
        *,
        memory: LabelMemory,
        clock: Callable[[], float],
        slowness: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self._there = there
        self._current = current
        self._monitors = monitors
        self._memory = memory
        remembered = memory.recall()
        current.take(remembered.names)
        self._tag_ids = dict(remembered.tag_ids)
        self._existing: TTLCache[str, bool] = TTLCache(MAX_LABELS, ttl=RECHECK_SECONDS, timer=clock)
        self._ever: LRUCache[str, bool] = LRUCache(MAX_LABELS)
        self._slowness = slowness
        self._lock = asyncio.Lock()
        self._wanted = self._looked = 0
        self._seen: frozenset[tuple[int | None, str]] | None = None
        self._renamed_tags: tuple[RenamedTag, ...] = ()
        self._told: LRUCache[str, bool] = LRUCache(MAX_LABELS)
        self._made_again = 0
        self.failing: FailingItems[str] = FailingItems("label", "creating the label", clock=clock)
        """By name: labels of ours that are missing and cannot be created."""

    @property
    def health(self) -> LabelHealth:
        renamed = self._current.now.renamed()
        return LabelHealth(len(renamed), len(self._renamed_tags), self._made_again)

    async def ensure(self, names: Iterable[str] | None = None) -> None:
        """Let these labels exist, ours under their own names; others are not looked for.

        None: all of ours, or where very many are missing, the first of them.
        """
        keys = self._keys()
        if names is not None:
            ours = frozenset(keys)
            keys = [key for key in map(label_key, names) if key in ours]
        is_scarce = self._slowness() > 1
        known = self._ever if is_scarce else self._existing
        if all(key in known for key in keys) and (is_scarce or self._there.is_at_hand()):
            return
        async with self._lock:
            await self._take(await self._there.all())
            if names is None:
                await self._make_all()
            else:
                await self._make(keys)

    async def look(self) -> bool:
        """See now what is renamed, and make what was deleted; whether anything is another.

        Raises GitHubUnavailable; a token that may not make labels is told in the log.
        """
        self._wanted = wanted = self._wanted + 1
        async with self._lock:
            if self._looked >= wanted:  # one that began later has answered this one too
                return False
            looked = self._wanted
            is_another = await self._take(await self._there.all(renew=True))
            self._looked = looked
            try:
                await self._make_all()
            except AccessLost as error:
                self._tell_once(f"access {error}", "missing labels cannot be made: %s", error)
        return is_another

    def _keys(self) -> list[str]:
        return [label_key(style.name) for style in label_styles(self._monitors.now)]

    async def _take(self, labels: Sequence[RepositoryLabel]) -> bool:
        """Learn from the whole list; whether it is another than last time."""
        before = self._current.now
        labels = await self._with_overlooked(labels, before)
        names = found_names(labels, before)
        aliases = {each.tag: each.aliases for each in self._monitors.now}
        tag_ids, renamed = told_tags(labels, aliases, self._tag_ids)
        self._existing.clear()
        self._note(present_keys(labels, names))
        self._tell(before, names)
        for each in foreign_names(labels, names):
            text = "the label %s was made anew, and another one is in its place here: see doctor"
            self._tell_once(f"foreign {each}", text, each)
        for own, name in names.renamed().items():
            if tags := self._monitors.now.tags_of([name]):
                text = "the label %s is called %s now, which is the tag of a monitor: rename one"
                self._tell_once(f"clash {own} {tags}", text, own, name)
        for tag in renamed:
            self._tell_once(f"tag {tag.tag} {tag.name}", "%s: %s", *told_tag(tag))
        self._renamed_tags = tuple(renamed)
        is_new = self._current.take(names)
        if is_new or tag_ids != self._tag_ids:
            self._tag_ids = tag_ids
            await asyncio.to_thread(self._memory.keep, names, tag_ids)
        seen = frozenset((each.id, each.name) for each in labels)
        is_another, self._seen = self._seen is not None and seen != self._seen, seen
        return is_another

    async def _with_overlooked(
        self, labels: Sequence[RepositoryLabel], before: LabelNames
    ) -> Sequence[RepositoryLabel]:
        """With those of ours that the list leaves out and that are there all the same: lists lag,
        and while somebody deletes a label, one may fall between two pages."""
        listed = {each.id for each in labels}
        found = [
            label
            for each in before.known.values()
            if each.id is not None and each.id not in listed
            if (label := await self._there.find(each.name)) and label.id == each.id
        ]
        return [*labels, *found]

    async def _make(self, keys: Sequence[str]) -> None:
        """Those of these that are missing: a write needs each of them."""
        missing = self._missing(keys)
        for key, style in missing.items():
            with self.failing.attempt(style.name):
                await self._create(key, style)
        await self._remember(missing)

    async def _make_all(self) -> None:
        """As many as may be at once; one that cannot be created holds up no other."""
        await self._take_back()
        missing = self._missing(self._keys())
        key_by_name = {style.name: key for key, style in missing.items()}
        self.failing.keep(key_by_name)
        refused: AccessLost | None = None
        with self.failing.walk() as walk:
            for name in self.failing.in_turn(key_by_name)[:MOST_AT_ONCE]:
                with walk.attempt(name):
                    try:
                        await self._create(key_by_name[name], missing[key_by_name[name]])
                    except AccessLost as error:  # that is nothing of this label's
                        refused = error
                if refused:
                    raise refused
        await self._remember(missing)

    async def _take_back(self) -> None:
        """Give the label of incidents its own name again where it has one that cannot be used."""
        if name := unaskable(self._current.now):
            text = "the label %s is called %s again: no list can be asked for %s"
            log.warning(text, INCIDENT_LABEL, INCIDENT_LABEL, name)
            await self._there.rename(name, INCIDENT_LABEL)
            await self._take(await self._there.all(renew=True))

    def _missing(self, keys: Iterable[str]) -> dict[str, LabelStyle]:
        styles = {label_key(each.name): each for each in label_styles(self._monitors.now)}
        return {key: styles[key] for key in keys if key not in self._existing}

    async def _create(self, key: str, style: LabelStyle) -> None:
        names = self._current.now
        name = names.of(style.name)
        label_id = await self._there.create(replace(style, name=name))
        self._note([key])
        self._seen = (self._seen or frozenset()) | {(label_id, name)}
        if label_id is None:
            return
        if style.name in names.known:
            self._current.take(made(names, style.name, label_id))
        else:  # a tag's: it may be renamed before the next look
            self._tag_ids.setdefault(key, label_id)

    async def _remember(self, made_now: Collection[str]) -> None:
        if made_now:
            await asyncio.to_thread(self._memory.keep, self._current.now, self._tag_ids)

    def _tell(self, before: LabelNames, names: LabelNames) -> None:
        for own, each in names.known.items():
            known = before.known[own]
            if known.id is not None and each.id is None:
                self._made_again += 1
                log.warning(
                    "the label %s was deleted on GitHub, and is made anew: what carried it has "
                    "lost it",
                    known.name,
                )
            elif known.id is not None and each.id != known.id:
                self._made_again += 1
                log.warning(
                    "the label %s was deleted on GitHub, and somebody made another one, called "
                    "%s: it counts from now on, and what carried the first has lost it",
                    known.name,
                    each.name,
                )
            elif label_key(each.name) != label_key(known.name):
                log.warning(
                    "the label %s is called %s on GitHub now: it is followed", own, each.name
                )

    def _tell_once(self, what: str, text: str, *values: object) -> None:
        if what not in self._told:
            self._told[what] = True
            log.warning(text, *values)

    def _note(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._existing[key] = self._ever[key] = True
