"""What this program's labels are called on GitHub now: a maintainer may rename them; pure.

All of the program but the border to GitHub knows them by their own names, those of labels.py. A
label keeps its id whatever it is called, so ours is the one with the id that ours had. Where no id
is known (the first start, a lost DATA_DIR) it is the one with the description that this program
gives, and else the one with its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from github_store.labels import (
    INCIDENT_LABEL,
    OWN_LABEL_KEYS,
    OWN_LABELS,
    LabelStyle,
    label_key,
    label_keys,
)

MOST_FORMER: Final = 20


@dataclass(frozen=True, slots=True)
class RepositoryLabel:
    """A label as GitHub lists it; ``id`` is None on servers that give none."""

    id: int | None
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class KnownLabel:
    """One of ours. ``id`` is None while it is not known to be there; ``former``: what it was
    called before, the latest last."""

    name: str
    id: int | None = None
    former: tuple[str, ...] = ()

    def called(self, name: str, label_id: int | None) -> KnownLabel:
        former = [each for each in (*self.former, self.name) if each != name]
        return KnownLabel(name, label_id, tuple(dict.fromkeys(former))[-MOST_FORMER:])


class LabelNames:
    """Never changes: whatever is derived from labels is keyed by it."""

    __slots__ = ("_own_by_id", "_own_by_key", "known")

    def __init__(self, known: Mapping[str, KnownLabel] | None = None) -> None:
        """``known``: by the label's own name; those left out are called so."""
        self.known: Final[Mapping[str, KnownLabel]] = {
            style.name: (known or {}).get(style.name) or KnownLabel(style.name)
            for style in OWN_LABELS
        }
        self._own_by_id: Final = {
            each.id: own for own, each in self.known.items() if each.id is not None
        }
        self._own_by_key: Final = {label_key(each.name): own for own, each in self.known.items()}

    def of(self, own: str) -> str:
        """What a label of ours is called; any other name stays as it is."""
        return self.known[own].name if own in self.known else own

    def ever(self, own: str) -> frozenset[str]:
        """Its names of all times, as ``label_key`` compares them."""
        return label_keys((own, self.known[own].name, *self.known[own].former))

    def all_of(self, own: str) -> tuple[str, ...]:
        """The names by which one of ours is to be taken off an issue: somebody may have made
        another label of its own name meanwhile, and that means the same on an issue."""
        is_ours = label_key(own) in self._own_by_key  # this one, or by now another of ours
        return (self.of(own),) if is_ours or own not in self.known else (self.of(own), own)

    def renamed(self) -> dict[str, str]:
        """What ours are called that are called otherwise, by their own names."""
        return {
            own: each.name
            for own, each in self.known.items()
            if label_key(each.name) != label_key(own)
        }

    def meant_by(self, labels: Iterable[Any]) -> tuple[str, ...]:
        """The labels of an issue (GitHub's JSON) with ours by their own names.

        A label that is called ``incident`` and is another one than ours marks no incident: no list
        by label would find it.
        """
        meant: dict[str, None] = {}
        for label in labels:
            name, label_id = (
                (label, None) if isinstance(label, str) else (label["name"], label.get("id"))
            )
            own = self._own(name, label_id)
            if own is not None:
                meant[name if label_key(name) == label_key(own) else own] = None
            elif label_key(name) != INCIDENT_LABEL:
                meant[name] = None
        return tuple(meant)

    def _own(self, name: str, label_id: Any) -> str | None:
        own = self._own_by_id.get(label_id) if type(label_id) is int else None
        return own or self._own_by_key.get(label_key(name))


def found_names(labels: Sequence[RepositoryLabel], before: LabelNames) -> LabelNames:
    """What ours are called, by the repository's whole list. One that is missing has no id, and the
    name that it is to be made with."""
    ids = {each.id: each for each in labels if each.id is not None}
    found = {own: ids[known.id] for own, known in before.known.items() if known.id in ids}
    for style in OWN_LABELS:
        if style.name not in found:
            taken = label_keys(each.name for each in found.values())
            free = [each for each in labels if label_key(each.name) not in taken]
            if (label := _recognised(style, before.known[style.name], free)) is not None:
                found[style.name] = label
    taken = label_keys(each.name for each in found.values())
    return LabelNames(
        {own: _known(own, known, found.get(own), taken) for own, known in before.known.items()}
    )


def foreign_names(labels: Iterable[RepositoryLabel], names: LabelNames) -> tuple[str, ...]:
    """Labels that are called as ours are by themselves, and are others."""
    ours = {label_key(each.name) for each in names.known.values()}
    return tuple(each.name for each in labels if label_key(each.name) in OWN_LABEL_KEYS - ours)


def present_keys(labels: Iterable[RepositoryLabel], names: LabelNames) -> frozenset[str]:
    """The keys of all labels that are there, ours by their own names."""
    ours = {label_key(each.name) for each in names.known.values()}
    there = {label_key(each.name) for each in labels}
    owned = {own for own, each in names.known.items() if label_key(each.name) in there}
    return frozenset((there - ours - OWN_LABEL_KEYS) | owned)


def unaskable(names: LabelNames) -> str | None:
    """What the label of incidents is called, where no list can be asked for that: GitHub parts
    labels by commas, and a search's end with a quote that no backslash may stand before."""
    name = names.of(INCIDENT_LABEL)
    return name if any(sign in name for sign in ',"\\') else None


def made(names: LabelNames, own: str, label_id: int | None) -> LabelNames:
    """The same, once a missing one was made."""
    return LabelNames({**names.known, own: replace(names.known[own], id=label_id)})


def _recognised(
    style: LabelStyle, known: KnownLabel, free: Sequence[RepositoryLabel]
) -> RepositoryLabel | None:
    names = label_keys((known.name, style.name))
    named = next((each for each in free if label_key(each.name) in names), None)
    described = [each for each in free if each.description == style.description]
    if known.id is not None or named in described or len(described) != 1:
        return named
    return described[0]


def _known(
    own: str, known: KnownLabel, label: RepositoryLabel | None, taken: frozenset[str]
) -> KnownLabel:
    if label is not None:
        return known.called(label.name, label.id)
    return known.called(f"kener-{own}" if label_key(own) in taken else own, None)
