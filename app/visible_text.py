"""Text from outside as a terminal may show it: what cannot be seen is escaped; pure.

Titles, logins, paths and GitHub's messages are other people's. In them control characters move the
cursor, line separators begin lines of their own, direction overrides show words in another order,
and characters without width make two names look the same. Each is written as Python writes it:
``\\x1b``, ``\\u202e``.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_UNSEEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BLANK: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
)
"""Letters and marks that show nothing all the same."""


def visible_text(text: str) -> str:
    """In one line, whatever it holds."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(each) if _is_unseen(each) else each for each in text)


def visible_lines(text: str) -> str:
    """Likewise, of a text whose own line feeds are meant."""
    return "\n".join(map(visible_text, text.split("\n")))


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN_CATEGORIES or character in _BLANK


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
