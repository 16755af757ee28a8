"""GitHub's issue search language: a query's text as a tree. Pure.

    query      = either
    either     = both { "OR" both }
    both       = one { ["AND"] one }
    one        = ["NOT" | "-"] ( "(" either ")" | qualifier | phrase | word )
    qualifier  = NAME ":" value { "," value }
    value      = phrase | text without white space

Operators are upper case. Inside ``"..."`` nothing has a meaning but a backslash before a quote or
backslash. What is not closed, or closes nothing, is overlooked: the rest of the query still acts.
An unknown ``name:value`` is plain text. Sources: GitHub docs, "Understanding the search syntax",
"Searching issues and pull requests", "Filtering with advanced search".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST_TEXT: Final = 256
MOST_OPERATORS: Final = 5
DEEPEST_GROUP: Final = 5
OPERATORS: Final = ("AND", "OR", "NOT")
QUALIFIERS: Final = frozenset(
    {
        "archived",
        "assignee",
        "author",
        "base",
        "closed",
        "commenter",
        "comments",
        "created",
        "draft",
        "head",
        "in",
        "interactions",
        "involves",
        "is",
        "label",
        "language",
        "linked",
        "mentions",
        "merged",
        "milestone",
        "no",
        "org",
        "project",
        "reactions",
        "reason",
        "repo",
        "review",
        "review-requested",
        "reviewed-by",
        "sha",
        "sort",
        "state",
        "status",
        "team",
        "type",
        "updated",
        "user",
    }
)


class SearchError(ValueError):
    """A query that GitHub refuses; the text is what it says."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words to be found; ``is_phrase``: in just this order."""

    text: str
    is_phrase: bool


@dataclass(frozen=True, slots=True)
class Qualifier:
    """``name`` in lower case; any of the values fits."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    inner: Node


@dataclass(frozen=True, slots=True)
class All:
    """Everything where there are no parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple[Node, ...]


Node = Text | Qualifier | Not | All | Any


@dataclass(frozen=True, slots=True)
class _Token:
    """``kind``: one of OPERATORS, "(", ")", "-" or "leaf"."""

    kind: str
    leaf: Text | Qualifier | None = None


def parse(query: str) -> Node:
    """Raises SearchError for too many operators or groups, or too long a text."""
    tokens = list(_tokens(query))
    if sum(1 for token in tokens if token.kind in OPERATORS) > MOST_OPERATORS:
        raise SearchError("More than five AND / OR / NOT operators were used.")
    if text_length(tokens) > LONGEST_TEXT:
        raise SearchError(f"The search is longer than {LONGEST_TEXT} characters.")
    return _Parser(tokens).whole()


def text_length(tokens: list[_Token]) -> int:
    """Characters that count: words and phrases with their quotes, and a space between each two."""
    texts = [token.leaf for token in tokens if isinstance(token.leaf, Text)]
    length = sum(len(leaf.text) + 2 * leaf.is_phrase for leaf in texts)
    return length + max(0, len(texts) - 1)


def leaves(node: Node) -> Iterator[tuple[Text | Qualifier, bool]]:
    """Every text and qualifier, and whether it is wanted (not negated)."""
    match node:
        case Text() | Qualifier():
            yield node, True
        case Not(inner):
            for leaf, wanted in leaves(inner):
                yield leaf, not wanted
        case All(parts) | Any(parts):
            for part in parts:
                yield from leaves(part)


# characters to tokens -----------------------------------------------------------------------


def _tokens(query: str) -> Iterator[_Token]:
    at = 0
    while at < len(query):
        char = query[at]
        if char.isspace() or (char == '"' and _end_of_phrase(query, at) is None):
            at += 1
        elif char in "()":
            yield _Token(char)
            at += 1
        elif char == '"':
            text, at = _phrase(query, at)
            yield _Token("leaf", Text(text, True))
        elif char == "-" and at + 1 < len(query) and not query[at + 1].isspace():
            yield _Token("-")
            at += 1
        else:
            token, at = _word(query, at)
            yield token


def _end_of_phrase(query: str, start: int) -> int | None:
    """Where the quote that closes the one at ``start`` is."""
    at = start + 1
    while at < len(query):
        if query[at] == "\\":
            at += 1
        elif query[at] == '"':
            return at
        at += 1
    return None


def _phrase(query: str, start: int) -> tuple[str, int]:
    end = _end_of_phrase(query, start)
    assert end is not None
    raw, text, at = query[start + 1 : end], "", 0
    while at < len(raw):
        if raw[at] == "\\" and raw[at + 1 : at + 2] in ('"', "\\"):
            at += 1
        text += raw[at]
        at += 1
    return text, end + 1


def _ends_word(char: str) -> bool:
    return char.isspace() or char in '()"'


def _word(query: str, start: int) -> tuple[_Token, int]:
    at = start
    while at < len(query) and not _ends_word(query[at]) and query[at] != ":":
        at += 1
    name = query[start:at]
    if query[at : at + 1] == ":" and name.lower() in QUALIFIERS:
        values, at = _values(query, at + 1)
        return _Token("leaf", Qualifier(name.lower(), values)), at
    while at < len(query) and not _ends_word(query[at]):
        at += 1
    word = query[start:at]
    return (_Token(word) if word in OPERATORS else _Token("leaf", Text(word, False))), at


def _values(query: str, at: int) -> tuple[tuple[str, ...], int]:
    """Values with commas between; text right behind a closing quote belongs to its value."""
    values = [""]
    while at < len(query) and not query[at].isspace() and query[at] not in "()":
        if query[at] == '"':
            if _end_of_phrase(query, at) is None:
                at += 1
                continue
            text, at = _phrase(query, at)
            values[-1] += text
        elif query[at] == ",":
            values.append("")
            at += 1
        else:
            values[-1] += query[at]
            at += 1
    return tuple(value for value in values if value), at


# tokens to a tree ---------------------------------------------------------------------------


def _matched(tokens: list[_Token]) -> Iterator[_Token]:
    """Without the parentheses that close nothing."""
    depth = 0
    for token in tokens:
        if token.kind == ")" and depth == 0:
            continue
        depth += {"(": 1, ")": -1}.get(token.kind, 0)
        yield token


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = list(_matched(tokens))
        self._at = 0

    def whole(self) -> Node:
        return self._either(0)

    def _next(self) -> str:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else ""

    def _either(self, depth: int) -> Node:
        parts = [self._both(depth)]
        while self._next() == "OR":
            self._at += 1
            parts.append(self._both(depth))
        # An OR without a word on one side stands for nothing.
        meant = [part for part in parts if part != All(())]
        return meant[0] if len(meant) == 1 else Any(tuple(meant)) if meant else All(())

    def _both(self, depth: int) -> Node:
        parts = []
        while self._next() not in ("", ")", "OR"):
            if self._next() == "AND":
                self._at += 1
                continue
            part = self._one(depth)
            if part is not None:
                parts.append(part)
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Node | None:
        negated = False
        while self._next() in ("NOT", "-"):
            negated = not negated
            self._at += 1
        if self._next() in ("", ")", "AND", "OR"):
            return None
        token = self._tokens[self._at]
        self._at += 1
        inner: Node
        if token.kind == "(":
            if depth == DEEPEST_GROUP:
                raise SearchError(f"Parentheses are nested more than {DEEPEST_GROUP} levels deep.")
            inner = self._either(depth + 1)
            if self._next() == ")":
                self._at += 1
        else:
            assert token.leaf is not None
            inner = token.leaf
        return Not(inner) if negated else inner
