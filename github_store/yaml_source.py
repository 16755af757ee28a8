"""A YAML 1.2 text as nodes that know their lines, read without trusting who wrote it.

Only ruamel.yaml's composer runs: no Python object is ever built from a tag, and aliases stay
shared nodes, so that an "alias bomb" costs what its text costs. Depth, tags and keys are checked
while composing.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, NoReturn

from ruamel.yaml.composer import Composer
from ruamel.yaml.docinfo import DocInfo
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader, ReaderError
from ruamel.yaml.resolver import Resolver

from github_store.errors import ConfigurationError
from github_store.yaml_scanner import TabScanner

MAX_DEPTH: Final = 50
MAX_LENGTH: Final = 1_048_576
"""Characters. No monitor list is as long, and so much takes seconds to read."""
MAX_MERGED: Final = 100
"""Mappings that one may be merged from."""
MAX_KEYS: Final = 200
"""Of one mapping, with those that are merged."""
_CORE_TAG: Final = "tag:yaml.org,2002:"
_CORE_TYPES: Final = frozenset(
    f"{_CORE_TAG}{name}"
    for name in ("null", "bool", "int", "float", "str", "timestamp", "seq", "map", "merge", "value")
)
_WORDS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_DECIMAL: Final = re.compile(
    r"[-+]?(?=\.?[0-9])[0-9]{0,30}(?:\.[0-9]{0,30})?(?:[eE][-+]?[0-9]{1,3})?"
)
_BASES: Final = {"0b": 2, "0o": 8, "0x": 16}


class YamlSource:
    """One named text; every complaint about it names the source and the line."""

    def __init__(self, text: str, *, name: str) -> None:
        self._text = text
        self.name = name
        self._own_fields: dict[int, dict[str, Node]] = {}

    def compose(self) -> Node | None:
        """The only document's root, None if the text holds none.

        Raises ConfigurationError for what is no YAML, or is nested or tagged beyond reason.
        """
        if len(self._text) > MAX_LENGTH:
            self.refuse(None, "the file", f"is longer than {MAX_LENGTH:,} characters")
        try:
            root: Node | None = _Loader(self._text).get_single_node()
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
            problem = " ".join(str(error.problem or error.context).split())
            raise ConfigurationError(f"{self.name}, {place}: not valid YAML: {problem}") from None
        except ReaderError as error:
            before = self._text[: error.position]
            column = len(before) - (before.rfind("\n") + 1) + 1
            place = f"line {before.count(chr(10)) + 1}, column {column}"
            raise ConfigurationError(
                f"{self.name}, {place}: not valid YAML: the character U+{error.character:04X}"
                " is not allowed"
            ) from None
        return root

    def refuse(self, node: Node | None, field: str, problem: str) -> NoReturn:
        """Raise ConfigurationError: see ``complaint``."""
        raise ConfigurationError(self.complaint(node, field, problem))

    def complaint(self, node: Node | None, field: str, problem: str) -> str:
        """One line with source, line (1 without a node) and field."""
        return f"{self.name}, line {line_of(node) if node else 1}: {field}: {problem}"

    def fields(self, node: MappingNode, field: str) -> dict[str, Node]:
        """The mapping's values by key, merge keys (``<<``) followed; an own key beats a merged one.

        Raises ConfigurationError where there are more than anybody needs.
        """
        fields: dict[str, Node] = {}
        seen: set[int] = set()
        waiting = [node]
        while waiting:
            mapping = waiting.pop()
            if id(mapping) in seen:
                continue
            seen.add(id(mapping))
            waiting.extend(_merged_mappings(mapping))
            fields = self._own(mapping) | fields
            if len(fields) > MAX_KEYS:
                self.refuse(node, field, f"has more than {MAX_KEYS} keys")
            if len(seen) > MAX_MERGED:
                self.refuse(node, field, f"is merged from more than {MAX_MERGED} mappings")
        return fields

    def _own(self, mapping: MappingNode) -> dict[str, Node]:
        own = self._own_fields.get(id(mapping))
        if own is None:
            own = self._own_fields[id(mapping)] = {
                key.value: value
                for key, value in mapping.value
                if isinstance(key, ScalarNode) and not _has_type(key, "merge")
            }
        return own


def line_of(node: Node) -> int:
    """The node's first line, counted from 1."""
    return int(node.start_mark.line) + 1


def shown(text: str) -> str:
    """A value in quotes for a message: one short line, nothing invisible."""
    cut = text if len(text) <= 60 else text[:57] + "..."
    return json.dumps(cut, ensure_ascii=not cut.isprintable())


def is_null(node: Node) -> bool:
    return _has_type(node, "null")


def text_of(node: Node) -> str | None:
    """The node's text, None when YAML reads it as something else (a number, a list, ...).

    A date is a text as well: js-yaml makes an object of it, which no field can be.
    """
    if not isinstance(node, ScalarNode) or not _is_one_of(node, "str", "timestamp", "value"):
        return None
    return str(node.value)


def boolean_of(node: Node) -> bool | None:
    """True or False, None when the node is neither."""
    if not isinstance(node, ScalarNode) or not _has_type(node, "bool"):
        return None
    return _WORDS.get(node.value.lower())


def meant_boolean_of(node: Node) -> bool | None:
    """What a text means that YAML 1.1 read as a boolean, or that has quotes too many."""
    text = text_of(node)
    return None if text is None else _WORDS.get(text.strip().lower())


def number_of(node: Node) -> float | None:
    """The number, in quotes or not, None when the node is none, infinite or absurdly long."""
    if not isinstance(node, ScalarNode) or not _is_one_of(node, "int", "float", "str"):
        return None
    text = node.value.strip()
    if not _has_type(node, "str"):
        text = text.replace("_", "")
        base = _BASES.get(text.lstrip("+-")[:2].lower())
        if base is not None and len(text) <= 40:
            with suppress(ValueError):  # a tag may call anything a number
                return float(int(text, base))
    return float(text) if _DECIMAL.fullmatch(text) else None


def number_as_text(number: float) -> str:
    """As JavaScript writes it, so that a tag without quotes is the label that Kener made of it."""
    text = format(Decimal(repr(number)), "f")
    return text.removesuffix(".0")


def _has_type(node: Node, name: str) -> bool:
    return bool(node.tag == f"{_CORE_TAG}{name}")


def _is_one_of(node: Node, *names: str) -> bool:
    return node.tag in {f"{_CORE_TAG}{name}" for name in names}


def _merged_mappings(mapping: MappingNode) -> list[MappingNode]:
    """What its merge keys name, in the order a stack wants: last first."""
    merged: list[Node] = []
    for key, value in mapping.value:
        if _has_type(key, "merge"):
            merged += value.value if isinstance(value, SequenceNode) else [value]
    return [each for each in reversed(merged) if isinstance(each, MappingNode)]


class _CheckedComposer(Composer):
    """Refuses what no monitor list needs before it can cost memory, time or stack."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        if self.depth >= MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} levels deep"
            raise MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        tag = getattr(event, "tag", None)
        if tag not in (None, "!") and tag not in _CORE_TYPES:
            problem = f"the tag {shown(tag)} is not supported"
            raise MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def compose_mapping_node(self, anchor: Any) -> Any:
        """As inherited. Which of two equal keys is meant, is anybody's guess."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, ScalarNode) and not _has_type(key, "merge"):
                if key.value in seen:
                    problem = f"the key {shown(key.value)} is given twice"
                    raise MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                seen.add(key.value)
        return node


class _Loader(Reader, TabScanner, Parser, _CheckedComposer, Resolver):
    comment_handling = None
    max_depth = None
    processing_version = (1, 2)

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text, loader=self)
        TabScanner.__init__(self, loader=self)
        Parser.__init__(self, loader=self)
        _CheckedComposer.__init__(self, loader=self)
        Resolver.__init__(self, loadumper=self)
        self.warn_double_anchors = False
        self.doc_infos = [DocInfo()]
