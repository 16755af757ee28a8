"""A search as GitHub's query, and the same search done here.

Nothing a client types can act as a qualifier or operator: every word of ``title_like`` becomes a
quoted phrase of its own, and what could end a phrase (quotes, backslashes, control characters)
becomes a space. Source: GitHub docs, "Understanding the search syntax".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from github_store.incident import INCIDENT_LABEL, Incident
from github_store.labels import label_keys
from github_store.monitor import tag_problem
from github_store.records import Issue, iso_from_seconds
from github_store.timestamps import LATEST

MAX_TEXT_LENGTH: Final = 256
"""GitHub refuses a longer text; qualifiers are not counted."""
MAX_LABELS_LENGTH: Final = 2_000
"""More labels than fit are left out of a query, which stands in an address."""

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_QUOTES: Final = '"\\\u201c\u201d\u201e\u201f\uff02'
"""A backslash may escape a quote; typographic quotes are not promised to mean nothing."""
_ALONE: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Characters of scripts without spaces: each is a token, as in Unicode's word boundaries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilter:
    """What to search. Times are seconds since 1970, both inclusive; several tags mean any."""

    state: Literal["open", "closed"] = "open"
    tags: tuple[str, ...] = ()
    title_like: str | None = None
    created_after: int | None = None
    created_before: int | None = None

    @property
    def needs_search(self) -> bool:
        """Whether GitHub's search must answer; state and tags alone are a plain listing."""
        return any(
            value is not None
            for value in (self.title_like, self.created_after, self.created_before)
        )

    @property
    def is_plain(self) -> bool:
        """Whether all incidents of the state match."""
        return not self.tags and not self.needs_search

    @property
    def matches_nothing(self) -> bool:
        """Whether GitHub need not be asked, and ``issue_query`` must not be.

        A title text without a single word (``!!!``) is found in no title, no created time lies
        between two in the wrong order, and a text that can be no tag is on no incident.
        """
        earliest = 0 if self.created_after is None else self.created_after
        latest = LATEST if self.created_before is None else self.created_before
        return (
            (self.title_like is not None and not _words(self.title_like))
            or earliest > min(latest, LATEST)
            or latest < 0
            or bool(self.tags and not _possible_tags(self.tags))
        )


def issue_query(
    repository: str,
    search: SearchFilter,
    *,
    labels: Iterable[str] | None = None,
    incident_label: str = INCIDENT_LABEL,
) -> str:
    """GitHub's query. It finds all that match, and where the title's words or the labels are too
    many also others, which ``incident_matches`` tells apart.

    ``labels`` are those that the tags stand for, where former tags count: see Monitors.labels_of.
    ``incident_label``: what that label is called; no name of a label has a quote in a query.
    Raises ValueError when the filter ``matches_nothing``, or ``repository`` is not owner/name.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise ValueError("a repository is written owner/name")
    if search.matches_nothing:
        raise ValueError("a search that matches nothing has no query")
    parts = [f"repo:{repository}", "is:issue", f"state:{search.state}", f'label:"{incident_label}"']
    tags = _possible_tags(search.tags if labels is None else labels)
    any_of = "label:" + ",".join(f'"{tag}"' for tag in tags)
    if tags and len(any_of) <= MAX_LABELS_LENGTH:
        parts.append(any_of)
    if phrases := _phrases(_words(search.title_like or "")):
        parts += [*phrases, "in:title"]
    parts += _created(search.created_after, search.created_before)
    return " ".join(parts)


def title_matches(title_like: str, title: str) -> bool:
    """Whether every word is in the title as whole tokens, in the word's own order, ignoring case.

    A text without words is in no title. Stays close to GitHub, which does not tell its rules:
    punctuation separates, and a symbol or emoji is a token.
    """
    wanted = _tokens_of_words(title_like)
    folded = _folded(title)
    if not wanted or not all(token in folded for part in wanted for token in part):
        return False  # tokens are parts of the text: most titles are told apart by that
    tokens = _tokens(title)
    return all(_contains(tokens, part) for part in wanted)


def incident_matches(search: SearchFilter, incident: Incident) -> bool:
    """The whole filter, decided here: what GitHub's index does not show yet, or can't now."""
    tags = label_keys(search.tags)
    return matches_but_for_tags(search, incident) and (
        not tags or not tags.isdisjoint(label_keys(incident.tags))
    )


def matches_but_for_tags(search: SearchFilter, each: Issue | Incident) -> bool:
    """State, times and title: of an issue they are told sooner than what incident it is."""
    return (
        each.is_open == (search.state == "open")
        and (search.created_after is None or each.created_at >= search.created_after)
        and (search.created_before is None or each.created_at <= search.created_before)
        and (search.title_like is None or title_matches(search.title_like, each.title))
    )


def _possible_tags(tags: Iterable[str]) -> list[str]:
    """The tags without those that no monitor can have: a quote must not reach the query."""
    return [tag for tag in dict.fromkeys(tags) if not tag_problem(tag)]


def _words(text: str) -> list[str]:
    """The words that hold a token, each once ignoring case, free of what could end a phrase."""
    cleaned = "".join(" " if _ends_a_phrase(char) else char for char in text)
    words: dict[str, str] = {}
    for word in cleaned.split():
        if _tokens(word):
            words.setdefault(word.casefold(), word)
    return list(words.values())


@lru_cache(maxsize=32)
def _tokens_of_words(text: str) -> tuple[tuple[str, ...], ...]:
    """Remembered: one search asks for the same text with every title."""
    return tuple(_tokens(word) for word in _words(text))


def _ends_a_phrase(char: str) -> bool:
    return char in _QUOTES or unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}


def _phrases(words: list[str]) -> list[str]:
    """As many words as fit GitHub's limit, in quotes."""
    phrases: list[str] = []
    room = MAX_TEXT_LENGTH
    for phrase in (f'"{word}"' for word in words):
        if len(phrase) <= room:
            phrases.append(phrase)
            room -= len(phrase) + 1
    return phrases


def _created(after: int | None, before: int | None) -> list[str]:
    if after is None:
        return [] if before is None else [f"created:<={_iso(before)}"]
    if before is None:
        return [f"created:>={_iso(after)}"]
    return [f"created:{_iso(after)}..{_iso(before)}"]


def _iso(seconds: int) -> str:
    return iso_from_seconds(min(max(seconds, 0), LATEST))


def _tokens(text: str) -> tuple[str, ...]:
    """A text's tokens without case: runs of letters, digits and ``_``, and single symbols.

    Combining marks belong to the letter before; what follows a symbol (an emoji's variation
    selector or joiner) is dropped, so that both spellings of an emoji are one token.
    """
    tokens: list[str] = []
    in_run = False
    for char in _folded(text):
        kind = "_" if char == "_" else unicodedata.category(char)[0]
        alone = kind == "S" or bool(_ALONE.match(char))
        if in_run and kind in "LNM_" and not alone:
            tokens[-1] += char
        elif kind in "LNS":
            tokens.append(char)
            in_run = not alone
        else:
            in_run = False
    return tuple(tokens)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.casefold())


def _contains(tokens: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether ``part`` stands in ``tokens`` without a gap."""
    length = len(part)
    return any(tokens[i : i + length] == part for i in range(len(tokens) - length + 1))
