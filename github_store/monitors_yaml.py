"""Kener's ``monitors.yaml``, read into monitors; pure.

The file is a YAML list of mappings. The keys read here are Kener's, plus ``aliases`` (former tags
of a renamed monitor). Others are ignored: Kener has many that steer its own probes. What Kener
2.0.0 starts with is taken, with a warning where it is not what the field wants.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from github_store.labels import label_key
from github_store.monitor import Monitor, Monitors, Status, tag_problem
from github_store.similar_names import similar_name
from github_store.yaml_source import (
    YamlSource,
    boolean_of,
    is_null,
    line_of,
    meant_boolean_of,
    number_as_text,
    number_of,
    shown,
    text_of,
)

MAX_WARNINGS: Final = 20
MAX_COUNT: Final = 999_999_999
KEYS: Final[tuple[str, ...]] = (
    *("name", "tag", "description", "image", "category", "defaultStatus", "hidden", "aliases"),
    *("includeDegradedInDowntime", "dayDegradedMinimumCount", "dayDownMinimumCount"),
)
_EXPECTED: Final = 'expected a list of monitors, each with "name" and "tag"'
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class MonitorsFile:
    """What the file says; ``warnings`` are lines for a person."""

    monitors: Monitors
    warnings: tuple[str, ...] = ()


def parse_monitors_file(text: str, *, source: str) -> MonitorsFile:
    """Read ``monitors.yaml``; ``source`` is its name in messages. Takes about a second for 1,000
    monitors, so not on the event loop.

    Raises ConfigurationError at the first violation, in one line with source, line and field.
    """
    return _Parser(YamlSource(text, name=source)).file()


def parse_monitors(text: str, *, source: str) -> Monitors:
    """The monitors alone."""
    return parse_monitors_file(text, source=source).monitors


class _Parser:
    """One reading of one file: remembers where each tag was first used."""

    def __init__(self, source: YamlSource) -> None:
        self._source = source
        self._line_by_key: dict[str, int] = {}
        self._warnings: list[str] = []
        self._keys_seen: set[str] = set(KEYS)

    def file(self) -> MonitorsFile:
        root = self._source.compose()
        if root is None or is_null(root):
            self._source.refuse(root, "monitors", f"the file is empty; {_EXPECTED}")
        if not isinstance(root, SequenceNode):
            self._source.refuse(root, "monitors", _EXPECTED)
        if not root.value:
            self._source.refuse(root, "monitors", f"the list is empty; {_EXPECTED}")
        monitors = Monitors([self._monitor(node, i) for i, node in enumerate(root.value)])
        return MonitorsFile(monitors, self._told())

    def _told(self) -> tuple[str, ...]:
        told, more = self._warnings[:MAX_WARNINGS], len(self._warnings) - MAX_WARNINGS
        return (*told, *([f"{self._source.name}: {more} more like these"] if more > 0 else []))

    def _warn(self, node: Node, field: str, problem: str) -> None:
        self._warnings.append(self._source.complaint(node, field, problem))

    def _monitor(self, node: Node, index: int) -> Monitor:
        where = f"monitors[{index}]"
        if not isinstance(node, MappingNode):
            self._source.refuse(node, where, 'expected a mapping with "name" and "tag"')
        every = self._source.fields(node, where)
        self._warn_of_similar(every, where)
        fields = {key: every[key] for key in KEYS if key in every and not is_null(every[key])}
        for required in ("name", "tag"):
            if required not in fields:
                similar = next((key for key in every if similar_name(key, [required])), None)
                hint = f"; is {shown(similar)} meant?" if similar else ""
                self._source.refuse(node, f"{where}.{required}", f"is missing{hint}")
        entry = _Entry(self._source, where, fields, self._warn)
        return Monitor(
            tag=self._tag(fields["tag"], f"{where}.tag"),
            name=entry.name(),
            description=entry.text("description") or "",
            image=entry.text("image"),
            category=entry.text("category"),
            default_status=entry.status("defaultStatus"),
            include_degraded_in_downtime=entry.boolean("includeDegradedInDowntime"),
            day_degraded_minimum_count=entry.count("dayDegradedMinimumCount"),
            day_down_minimum_count=entry.count("dayDownMinimumCount"),
            hidden=entry.boolean("hidden"),
            aliases=self._aliases(fields.get("aliases"), f"{where}.aliases"),
        )

    def _warn_of_similar(self, fields: dict[str, Node], where: str) -> None:
        """Once for each name: a file has them in every monitor."""
        for key in [key for key in fields if key not in self._keys_seen]:
            self._keys_seen.add(key)
            if meant := similar_name(key, KEYS):
                problem = f"is ignored; is {meant} meant?"
                self._warn(fields[key], f"{where}.{shown(key)[1:-1]}", problem)

    def _aliases(self, node: Node | None, where: str) -> tuple[str, ...]:
        if node is None:
            return ()
        if not isinstance(node, SequenceNode):
            self._source.refuse(node, where, "expected a list of former tags")
        return tuple(self._tag(each, f"{where}[{i}]") for i, each in enumerate(node.value))

    def _tag(self, node: Node, where: str) -> str:
        tag = self._number_for_a_tag(node, where) or _required_text(self._source, node, where)
        if problem := tag_problem(tag):
            self._source.refuse(node, where, f"{shown(tag)} {problem}")
        key = label_key(tag)
        if key in self._line_by_key:
            first = self._line_by_key[key]
            self._source.refuse(node, where, f"{shown(tag)} is used twice (first on line {first})")
        self._line_by_key[key] = line_of(node)
        return tag

    def _number_for_a_tag(self, node: Node, where: str) -> str | None:
        if text_of(node) is not None or (number := number_of(node)) is None:
            return None
        tag = number_as_text(number)
        self._warn(node, where, f"is a number, read as {shown(tag)}; put it in quotes")
        return tag


class _Entry:
    """The fields of one monitor, null ones left out."""

    def __init__(
        self,
        source: YamlSource,
        where: str,
        fields: dict[str, Node],
        warn: Callable[[Node, str, str], None],
    ) -> None:
        self._source = source
        self._where = where
        self._fields = fields
        self._warn = warn

    def name(self) -> str:
        return _required_text(self._source, self._fields["name"], f"{self._where}.name").strip()

    def text(self, field: str) -> str | None:
        """Any scalar is taken as it is written, as Kener does: ``description: 2026`` is a text."""
        node = self._fields.get(field)
        if node is None:
            return None
        if not isinstance(node, ScalarNode):
            return self._doubtful(field, "expected a text; it is left out", None)
        return _without_surrogates(self._source, node, f"{self._where}.{field}", node.value)

    def boolean(self, field: str) -> bool:
        node = self._fields.get(field)
        if node is None:
            return False
        value = boolean_of(node)
        if value is not None:
            return value
        meant = meant_boolean_of(node) or False
        return self._doubtful(field, f"expected true or false; read as {str(meant).lower()}", meant)

    def count(self, field: str) -> int:
        """Kener takes any number from 1, in quotes as well, and whatever JavaScript takes for
        nothing."""
        node = self._fields.get(field)
        if node is None:
            return 1
        number = number_of(node)
        if (
            (number == 0 and text_of(node) is None)
            or text_of(node) == ""
            or boolean_of(node) is False
        ):
            return self._doubtful(field, "expected a whole number from 1; read as 1", 1)
        if number is None or not 1 <= number <= MAX_COUNT:
            expected = f"expected a whole number, 1 to {MAX_COUNT}"
            self._source.refuse(node, f"{self._where}.{field}", expected)
        count = math.ceil(number)
        if count != number:
            return self._doubtful(field, f"expected a whole number; read as {count}", count)
        return count

    def status(self, field: str) -> Status | None:
        node = self._fields.get(field)
        if node is None:
            return None
        text = (text_of(node) or "").strip().upper()
        if text not in Status.__members__:
            return self._doubtful(field, "expected UP, DOWN or DEGRADED; read as none", None)
        if text != text_of(node):
            return self._doubtful(
                field, f"expected UP, DOWN or DEGRADED; read as {text}", Status(text)
            )
        return Status(text)

    def _doubtful(self, field: str, problem: str, value: _T) -> _T:
        self._warn(self._fields[field], f"{self._where}.{field}", problem)
        return value


def _required_text(source: YamlSource, node: Node, where: str) -> str:
    text = text_of(node)
    if text is None and isinstance(node, ScalarNode):
        source.refuse(node, where, f"YAML reads {shown(node.value)} as no text; put it in quotes")
    if text is None:
        source.refuse(node, where, "expected a text")
    if not text.strip():
        source.refuse(node, where, "is blank")
    return _without_surrogates(source, node, where, text)


def _without_surrogates(source: YamlSource, node: Node, where: str, text: str) -> str:
    """YAML can spell half a character (``"\\uD800"``), which no file or request can carry."""
    if not all(unicodedata.category(char) != "Cs" for char in text):
        source.refuse(node, where, "contains half of a surrogate pair")
    return text
