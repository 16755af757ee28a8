"""Labels of tags that somebody renamed on GitHub: what monitors.yaml has to say then; pure.

A tag is what monitors.yaml says, so its label is not followed: whoever renamed it is told the line
that keeps the incidents with their monitor.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from github_store.label_names import RepositoryLabel
from github_store.labels import label_key
from github_store.monitor import tag_problem

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NO_TEXT: Final = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
"""What a YAML parser may take for something else."""


@dataclass(frozen=True, slots=True)
class RenamedTag:
    """The label of a tag (or former tag) is called otherwise, and no monitor names that."""

    tag: str
    name: str
    aliases: tuple[str, ...]
    """What the monitor of ``tag`` is to name as its aliases."""


def told_tags(
    labels: Iterable[RepositoryLabel],
    aliases_by_tag: Mapping[str, Sequence[str]],
    ids: Mapping[str, int],
) -> tuple[dict[str, int], list[RenamedTag]]:
    """The ids of tags' labels by their keys, from those known before, and which were renamed.

    A renamed one stays known by its id until ``monitors.yaml`` names it or it is gone.
    """
    tag_by_key = {
        label_key(name): tag for tag, aliases in aliases_by_tag.items() for name in (tag, *aliases)
    }
    by_id = {each.id: each for each in labels if each.id is not None}
    kept: dict[str, int] = {}
    renamed: list[RenamedTag] = []
    for key, label_id in ids.items():
        label = by_id.get(label_id)
        if label is None or key not in tag_by_key:
            continue
        name = label_key(label.name)
        if name != key and name in tag_by_key:
            continue
        kept[key] = label_id
        if name != key:
            tag = tag_by_key[key]
            renamed.append(RenamedTag(tag, label.name, (*aliases_by_tag[tag], label.name)))
    for label_id, label in by_id.items():
        key = label_key(label.name)
        if key in tag_by_key:
            kept.setdefault(key, label_id)
    return kept, renamed


def told_tag(renamed: RenamedTag) -> tuple[str, str]:
    """What happened, and what to do."""
    found = (
        f"the label of the tag {renamed.tag} is called {renamed.name} on GitHub now, and its "
        "incidents have lost this monitor"
    )
    if problem := tag_problem(renamed.name):
        return found, f"rename it back: as a tag it {problem}"
    aliases = ", ".join(map(_yaml, renamed.aliases))
    tag = _yaml(renamed.tag)
    return found, f"in monitors.yaml, write below tag: {tag} the line aliases: [{aliases}]"


def _yaml(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.casefold() not in _NO_TEXT
    return text if is_plain else json.dumps(text, ensure_ascii=False)
