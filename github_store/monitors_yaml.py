"""Kener's ``monitors.yaml``, read into monitors; pure.

The file is a YAML list of mappings. The keys read here are Kener's, plus ``aliases`` (former tags
of a renamed monitor). Others are ignored: Kener has many that steer its own probes.
"""

from __future__ import annotations

import unicodedata

import yaml

from github_store.labels import label_key
from github_store.monitor import Monitor, Monitors, Status, tag_problem
from github_store.yaml_source import (
    YamlSource,
    boolean_of,
    is_null,
    line_of,
    shown,
    text_of,
    whole_number_of,
)


def parse_monitors(text: str, *, source: str) -> Monitors:
    """Read ``monitors.yaml``; ``source`` is its name in messages.

    Raises ConfigurationError at the first violation, in one line with source, line and field.
    """
    return _Parser(YamlSource(text, name=source)).monitors()


class _Parser:
    """One reading of one file: remembers where each tag was first used."""

    def __init__(self, source: YamlSource) -> None:
        self._source = source
        self._line_by_key: dict[str, int] = {}

    def monitors(self) -> Monitors:
        root = self._source.compose()
        expected = 'expected a list of monitors, each with "name" and "tag"'
        if root is None or is_null(root):
            self._source.refuse(root, "monitors", f"the file is empty; {expected}")
        if not isinstance(root, yaml.SequenceNode):
            self._source.refuse(root, "monitors", expected)
        if not root.value:
            self._source.refuse(root, "monitors", f"the list is empty; {expected}")
        return Monitors([self._monitor(node, i) for i, node in enumerate(root.value)])

    def _monitor(self, node: yaml.Node, index: int) -> Monitor:
        where = f"monitors[{index}]"
        if not isinstance(node, yaml.MappingNode):
            self._source.refuse(node, where, 'expected a mapping with "name" and "tag"')
        fields = {
            key: value
            for key, value in self._source.fields(node, where).items()
            if not is_null(value)
        }
        for required in ("name", "tag"):
            if required not in fields:
                self._source.refuse(node, f"{where}.{required}", "is missing")
        entry = _Entry(self._source, where, fields)
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

    def _aliases(self, node: yaml.Node | None, where: str) -> tuple[str, ...]:
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self._source.refuse(node, where, "expected a list of former tags")
        return tuple(self._tag(each, f"{where}[{i}]") for i, each in enumerate(node.value))

    def _tag(self, node: yaml.Node, where: str) -> str:
        tag = _required_text(self._source, node, where)
        if problem := tag_problem(tag):
            self._source.refuse(node, where, f"{shown(tag)} {problem}")
        key = label_key(tag)
        if key in self._line_by_key:
            first = self._line_by_key[key]
            self._source.refuse(node, where, f"{shown(tag)} is used twice (first on line {first})")
        self._line_by_key[key] = line_of(node)
        return tag


class _Entry:
    """The fields of one monitor, null ones left out."""

    def __init__(self, source: YamlSource, where: str, fields: dict[str, yaml.Node]) -> None:
        self._source = source
        self._where = where
        self._fields = fields

    def name(self) -> str:
        return _required_text(self._source, self._fields["name"], f"{self._where}.name").strip()

    def text(self, field: str) -> str | None:
        """Any scalar is taken as it is written, as Kener does: ``description: 2026`` is a text."""
        node = self._fields.get(field)
        if node is None:
            return None
        if not isinstance(node, yaml.ScalarNode):
            self._source.refuse(node, f"{self._where}.{field}", "expected a text")
        return _without_surrogates(self._source, node, f"{self._where}.{field}", node.value)

    def boolean(self, field: str) -> bool:
        node = self._fields.get(field)
        if node is None:
            return False
        value = boolean_of(node)
        if value is None:
            self._source.refuse(node, f"{self._where}.{field}", "expected true or false")
        return value

    def count(self, field: str) -> int:
        node = self._fields.get(field)
        if node is None:
            return 1
        value = whole_number_of(node)
        if not value:
            self._source.refuse(node, f"{self._where}.{field}", "expected a whole number from 1")
        return value

    def status(self, field: str) -> Status | None:
        node = self._fields.get(field)
        if node is None:
            return None
        text = text_of(node)
        if text is None or text not in Status.__members__:
            self._source.refuse(node, f"{self._where}.{field}", "expected UP, DOWN or DEGRADED")
        return Status(text)


def _required_text(source: YamlSource, node: yaml.Node, where: str) -> str:
    text = text_of(node)
    if text is None and isinstance(node, yaml.ScalarNode):
        source.refuse(node, where, f"YAML reads {node.value} as no text; put it in quotes")
    if text is None:
        source.refuse(node, where, "expected a text")
    if not text.strip():
        source.refuse(node, where, "is blank")
    return _without_surrogates(source, node, where, text)


def _without_surrogates(source: YamlSource, node: yaml.Node, where: str, text: str) -> str:
    """YAML can spell half a character (``"\\uD800"``), which no file or request can carry."""
    if not all(unicodedata.category(char) != "Cs" for char in text):
        source.refuse(node, where, "contains half of a surrogate pair")
    return text
