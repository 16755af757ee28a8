"""Which tag a monitor's former ones (``aliases``) go by at present; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from github_store.labels import label_key

_V = TypeVar("_V")


class AliasMap:
    """Tags are found without regard to case; one that no monitor has stays as it is.

    Never changes: what is kept under present tags is right for as long as the map is this object.
    """

    __slots__ = ("_tag_by_key",)

    def __init__(self, names_by_tag: Mapping[str, Iterable[str]]) -> None:
        """``names_by_tag`` has every tag with its former ones."""
        self._tag_by_key: Final = {
            label_key(name): tag for tag, former in names_by_tag.items() for name in (*former, tag)
        }

    def of(self, tag: str) -> str:
        """The tag that stands for this one now."""
        return self._tag_by_key.get(label_key(tag), tag)

    def former(self, by_tag: Mapping[str, object]) -> dict[str, str]:
        """The keys that are former tags, with the present one of each, in order."""
        former = {tag: present for tag in by_tag if (present := self.of(tag)) != tag}
        return dict(sorted(former.items()))

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
