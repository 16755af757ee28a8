"""A YAML text as nodes that know their lines, read without trusting who wrote it.

Only PyYAML's composer runs: no Python object is ever built from a tag, and aliases stay shared
nodes, so that an "alias bomb" costs what its text costs. Depth and tags are checked while
composing.
"""

from __future__ import annotations

import json
from typing import Final, NoReturn, cast

import yaml
from yaml.error import Mark, MarkedYAMLError

from github_store.errors import ConfigurationError

MAX_DEPTH: Final = 50
MAX_LENGTH: Final = 1_048_576
"""Characters. No monitor list is as long, and PyYAML needs some 10 s for so much."""
_CORE_TAG: Final = "tag:yaml.org,2002:"
_CORE_TYPES: Final = frozenset(
    f"{_CORE_TAG}{name}"
    for name in ("null", "bool", "int", "float", "str", "timestamp", "seq", "map", "merge")
)
_YAML_1_1_BOOLEANS: Final = frozenset({"yes", "no", "on", "off"})


class YamlSource:
    """One named text; every complaint about it names the source and the line."""

    def __init__(self, text: str, *, name: str) -> None:
        self._text = text
        self._name = name

    def compose(self) -> yaml.Node | None:
        """The only document's root, None if the text holds none.

        Raises ConfigurationError for what is no YAML, or is nested or tagged beyond reason.
        """
        if len(self._text) > MAX_LENGTH:
            self.refuse(None, "the file", f"is longer than {MAX_LENGTH:,} characters")
        try:
            loader = _CheckedLoader(self._text)
            return loader.get_single_node()
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
            problem = " ".join(str(error.problem or error.context).split())
            raise ConfigurationError(f"{self._name}, {place}: not valid YAML: {problem}") from None
        except yaml.reader.ReaderError as error:
            before = self._text[: error.position]
            column = len(before) - (before.rfind("\n") + 1) + 1
            place = f"line {before.count(chr(10)) + 1}, column {column}"
            raise ConfigurationError(
                f"{self._name}, {place}: not valid YAML: the character U+{error.character:04X}"
                " is not allowed"
            ) from None

    def refuse(self, node: yaml.Node | None, field: str, problem: str) -> NoReturn:
        """Raise ConfigurationError: one line with source, line (1 without a node) and field."""
        line = line_of(node) if node else 1
        raise ConfigurationError(f"{self._name}, line {line}: {field}: {problem}")

    def fields(self, node: yaml.MappingNode, field: str) -> dict[str, yaml.Node]:
        """The mapping's values by key, merge keys (``<<``) followed; an own key beats a merged one.

        Raises ConfigurationError where a key stands twice in one mapping: YAML forbids it, and
        which of the two was meant is anybody's guess.
        """
        fields: dict[str, yaml.Node] = {}
        seen: set[int] = set()
        waiting = [node]
        while waiting:
            mapping = waiting.pop()
            if id(mapping) in seen:
                continue
            seen.add(id(mapping))
            own: dict[str, yaml.Node] = {}
            for key, value in mapping.value:
                if key.tag == f"{_CORE_TAG}merge":
                    waiting.extend(_merged_mappings(value))
                elif isinstance(key, yaml.ScalarNode):
                    if key.value in own:
                        self.refuse(key, f"{field}.{key.value}", "is given twice")
                    own[key.value] = value
            fields = own | fields
        return fields


def line_of(node: yaml.Node) -> int:
    """The node's first line, counted from 1."""
    return cast(Mark, node.start_mark).line + 1


def shown(text: str) -> str:
    """A value in quotes for a message: one short line, nothing invisible."""
    cut = text if len(text) <= 60 else text[:57] + "..."
    return json.dumps(cut, ensure_ascii=not cut.isprintable())


def is_null(node: yaml.Node) -> bool:
    return _has_type(node, "null")


def text_of(node: yaml.Node) -> str | None:
    """The node's text, None when YAML reads it as something else (a number, a list, ...).

    PyYAML reads YAML 1.1, where ``no`` is a boolean, ``12:30`` a number and ``2026-01-01`` a
    date; Kener's js-yaml reads YAML 1.2, where they are texts. They are texts here too.
    """
    if not isinstance(node, yaml.ScalarNode):
        return None
    old_boolean = _has_type(node, "bool") and node.value.lower() in _YAML_1_1_BOOLEANS
    old_number = ":" in node.value and (_has_type(node, "int") or _has_type(node, "float"))
    if _has_type(node, "str") or _has_type(node, "timestamp") or old_boolean or old_number:
        return str(node.value)
    return None


def boolean_of(node: yaml.Node) -> bool | None:
    """True or False, None when the node is no boolean. ``yes`` and ``no`` count as well."""
    if not isinstance(node, yaml.ScalarNode) or not _has_type(node, "bool"):
        return None
    return node.value.lower() in {"true", "yes", "on"}


def whole_number_of(node: yaml.Node) -> int | None:
    """A plain decimal number of at most nine digits, None when the node is anything else.

    Kener takes one in quotes as well, and so is it taken here.
    """
    if not isinstance(node, yaml.ScalarNode) or not (
        _has_type(node, "int") or _has_type(node, "str")
    ):
        return None
    digits = node.value
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 9):
        return None
    return int(digits)


def _has_type(node: yaml.Node, name: str) -> bool:
    return bool(node.tag == f"{_CORE_TAG}{name}")


def _merged_mappings(node: yaml.Node) -> list[yaml.MappingNode]:
    """What a merge key names, in the order a stack wants: last first."""
    candidates = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [each for each in reversed(candidates) if isinstance(each, yaml.MappingNode)]


class _CheckedLoader(yaml.SafeLoader):
    """Refuses what no monitor list needs before it can cost memory, time or stack."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        mark = cast(Mark, event.start_mark)
        if self._depth >= MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} levels deep"
            raise MarkedYAMLError(problem=problem, problem_mark=mark)
        tag = getattr(event, "tag", None)
        if tag not in (None, "!") and tag not in _CORE_TYPES:
            problem = f"the tag {shown(tag)} is not supported"
            raise MarkedYAMLError(problem=problem, problem_mark=mark)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1
