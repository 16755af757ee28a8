"""Which tag a monitor's former ones (``aliases``) go by at present; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from github_store.labels import label_key
from github_store.monitor import Monitors

_V = TypeVar("_V")


class PresentTags:
    """Tags are found without regard to case; one that no monitor has stays as it is."""

    def __init__(self, monitors: Monitors) -> None:
        self._monitors = monitors
        self._edition = -1
        self._tag_by_key: dict[str, str] = {}
        self._seen: dict[str, str] = {}

    def of(self, tag: str) -> str:
        """The tag that stands for this one now."""
        if self._edition != self._monitors.edition:
            self._read_monitors()
        present = self._seen.get(tag)
        if present is None:
            present = self._seen[tag] = self._tag_by_key.get(label_key(tag), tag)
        return present

    def _read_monitors(self) -> None:
        self._edition = self._monitors.edition
        self._seen.clear()
        self._tag_by_key = {
            label_key(name): monitor.tag
            for monitor in self._monitors
            for name in (*monitor.aliases, monitor.tag)
        }

    def former(self, by_tag: Mapping[str, object]) -> dict[str, str]:
        """The keys that are former tags, with the present one of each, in order."""
        former = [tag for tag in by_tag if self.of(tag) != tag]
        return {tag: self.of(tag) for tag in sorted(former)}

    def merged(
        self, by_tag: Mapping[str, _V], over: Callable[[str, _V, _V], _V]
    ) -> Mapping[str, _V]:
        """The values under present tags; ``over`` takes a tag and its values, the newer first."""
        former = self.former(by_tag)
        if not former:
            return by_tag
        values = {tag: value for tag, value in by_tag.items() if tag not in former}
        for tag, present in former.items():
            older = by_tag[tag]
            values[present] = over(present, values[present], older) if present in values else older
        return values
