"""Whether an issue is what a search asks for. Pure.

``in:`` says for the whole query where its words are looked for, and ``repo:``, ``org:`` and
``user:`` say for the whole query where issues are looked for, wherever they stand in it; both are
therefore no conditions of their own here. Values that mean nothing (``is:bogus``) fit no issue.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from .rows import Issue
from .search_dates import count_span, time_span
from .search_syntax import All, Any, Node, Not, Qualifier, Text, leaves

FIELDS: Final = ("title", "body", "comments")
SCOPES: Final = frozenset({"repo", "org", "user"})
TIMES: Final = ("created", "updated", "closed")
NO_CONDITION: Final = SCOPES | {"in", "sort"}


@dataclass(frozen=True, slots=True)
class Subject:
    """An issue with what a search may look at. Label names are as written."""

    issue: Issue
    labels: tuple[str, ...]
    comments: tuple[str, ...] = ()
    commenters: tuple[str, ...] = ()
    private: bool = False
    held: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict, compare=False)

    def tokens(self, name: str) -> tuple[tuple[str, ...], ...]:
        """The tokens of every text in one of FIELDS; worked out once."""
        if name not in self.held:
            texts = {"title": (self.issue.title,), "body": (self.issue.body or "",)}
            self.held[name] = tuple(map(tokens_of, texts.get(name, self.comments)))
        return self.held[name]


_ASCII_TOKEN: Final = re.compile(r"[0-9a-z_]+|[$+<=>^`|~]")


def tokens_of(text: str) -> tuple[str, ...]:
    """Runs of letters, digits, marks and ``_`` without case; symbols and ideographs alone."""
    if text.isascii():  # the same, many times faster
        return tuple(_ASCII_TOKEN.findall(text.lower()))
    return _any_tokens(text)


def _any_tokens(text: str) -> tuple[str, ...]:
    tokens: list[str] = []
    run = ""
    for char in unicodedata.normalize("NFC", text.casefold()):
        kind = unicodedata.category(char)
        ideograph = (
            kind == "Lo" and unicodedata.east_asian_width(char) == "W" and not _is_hangul(char)
        )
        if (kind[0] in "LN" or char == "_" or (kind[0] == "M" and run)) and not ideograph:
            run += char
            continue
        if run:
            tokens.append(run)
            run = ""
        if ideograph or kind[0] == "S":
            tokens.append(char)
    return (*tokens, run) if run else tuple(tokens)


def _is_hangul(char: str) -> bool:
    return "\uac00" <= char <= "\ud7a3" or "\u1100" <= char <= "\u11ff"


def check_times(node: Node) -> None:
    """Raises SearchError for a time that is none."""
    for leaf, _ in leaves(node):
        if isinstance(leaf, Qualifier) and leaf.name in TIMES:
            for value in leaf.values:
                time_span(value.upper())


def matches(node: Node, subject: Subject) -> bool:
    """For a query that has passed ``check_times``."""
    return _fits(node, subject, searched_fields(node))


def needs_comments(node: Node) -> bool:
    """Whether any part of the query looks at comments."""
    for leaf, _ in leaves(node):
        if isinstance(leaf, Text):
            if "comments" in searched_fields(node):
                return True
        elif leaf.name in ("commenter", "mentions", "involves"):
            return True
    return False


def searched_fields(node: Node) -> tuple[str, ...]:
    """Where words are looked for; everywhere unless ``in:`` says less."""
    named = {
        value.lower()
        for leaf, wanted in leaves(node)
        if wanted and isinstance(leaf, Qualifier) and leaf.name == "in"
        for value in leaf.values
    }
    return tuple(name for name in FIELDS if name in named) if named else FIELDS


def _fits(node: Node, subject: Subject, fields: tuple[str, ...]) -> bool:
    match node:
        case All(parts):
            return all(_fits(part, subject, fields) for part in parts)
        case Any(parts):
            return any(_fits(part, subject, fields) for part in parts)
        case Not(inner):
            if isinstance(inner, Qualifier) and inner.name in NO_CONDITION:
                return True
            return not _fits(inner, subject, fields)
        case Text(text, is_phrase):
            return _has_text(tokens_of(text), is_phrase, subject, fields)
        case Qualifier(name, values):
            return _has_quality(name, values, subject)


def _has_text(
    wanted: tuple[str, ...], is_phrase: bool, subject: Subject, fields: tuple[str, ...]
) -> bool:
    """A text without a single token asks for nothing."""
    texts = [tokens for name in fields for tokens in subject.tokens(name)]
    if is_phrase:
        return any(_contains(tokens, wanted) for tokens in texts)
    return all(any(token in tokens for tokens in texts) for token in wanted)


def _contains(tokens: tuple[str, ...], part: tuple[str, ...]) -> bool:
    length = len(part)
    return any(tokens[at : at + length] == part for at in range(len(tokens) - length + 1))


def _has_quality(name: str, values: tuple[str, ...], subject: Subject) -> bool:
    if name in NO_CONDITION:
        return True
    test = TESTS.get(name)
    return test is not None and any(test(subject, value.casefold()) for value in values)


def _is(subject: Subject, value: str) -> bool:
    issue = subject.issue
    facts = {
        "issue": not issue.is_pull_request,
        "pr": issue.is_pull_request,
        "pull-request": issue.is_pull_request,
        "open": issue.state == "open",
        "closed": issue.state == "closed",
        "locked": issue.locked,
        "unlocked": not issue.locked,
        "public": not subject.private,
        "private": subject.private,
    }
    return facts.get(value, False)


def _is_kind(subject: Subject, value: str) -> bool:
    return value in ("issue", "pr", "pull-request") and _is(subject, value)


def _has_no(subject: Subject, value: str) -> bool:
    facts = {
        "label": not subject.labels,
        "assignee": not subject.issue.assignees,
        "milestone": True,
        "project": True,
    }
    return facts.get(value, False)


def _has_label(subject: Subject, value: str) -> bool:
    return value in {label.casefold() for label in subject.labels}


def _is_closed_as(subject: Subject, value: str) -> bool:
    reason = (subject.issue.state_reason or "").replace("_", " ")
    return subject.issue.state == "closed" and value.replace("_", " ") == reason


def _is_author(subject: Subject, value: str) -> bool:
    """An App's login may be written ``app/NAME``."""
    login = f"{value[4:]}[bot]" if value.startswith("app/") else value.removeprefix("@")
    return subject.issue.author.lower() == login


def _is_assignee(subject: Subject, value: str) -> bool:
    assignees = [login.lower() for login in subject.issue.assignees]
    return bool(assignees) if value == "*" else value in assignees


def _is_commenter(subject: Subject, value: str) -> bool:
    return value in {login.lower() for login in subject.commenters}


def _is_mentioned(subject: Subject, value: str) -> bool:
    texts = (subject.issue.body or "", *subject.comments)
    words = {word.strip(".,;:!?()").lower() for text in texts for word in text.split()}
    return f"@{value}" in words


def _is_involved(subject: Subject, value: str) -> bool:
    tests = (_is_author, _is_assignee, _is_commenter, _is_mentioned)
    return any(test(subject, value) for test in tests)


def _counts_comments(subject: Subject, value: str) -> bool:
    span = count_span(value)
    return span is not None and span.has(subject.issue.comments)


TESTS: Final[Mapping[str, Callable[[Subject, str], bool]]] = {
    "is": _is,
    "type": _is_kind,
    "state": lambda subject, value: value == subject.issue.state,
    "no": _has_no,
    "label": _has_label,
    "reason": _is_closed_as,
    "author": _is_author,
    "assignee": _is_assignee,
    "commenter": _is_commenter,
    "mentions": _is_mentioned,
    "involves": _is_involved,
    "comments": _counts_comments,
    "created": lambda subject, value: time_span(value.upper()).has(subject.issue.created_at),
    "updated": lambda subject, value: time_span(value.upper()).has(subject.issue.updated_at),
    "closed": lambda subject, value: time_span(value.upper()).has(subject.issue.closed_at),
    "archived": lambda _, value: value == "false",
    "draft": lambda subject, value: subject.issue.is_pull_request and value == "false",
}
