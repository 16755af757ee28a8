"""What a request to GitHub is about, in few words: for counting, never for decisions; pure."""

from __future__ import annotations

import re
from typing import Final

ISSUES: Final = "issues"
COMMENTS: Final = "comments"
SEARCH: Final = "search"
CONTENTS: Final = "contents"
GIT: Final = "git"
OTHER: Final = "other"
REQUEST_KINDS: Final = (ISSUES, COMMENTS, SEARCH, CONTENTS, GIT, OTHER)

# Next pages name the repository by its number.
_PLACE: Final = re.compile(r"/(?:repos/[^/?]+/[^/?]+|repositories/[0-9]+)/([^/?]+)([^?]*)")


def request_kind(path: str) -> str:
    """One of REQUEST_KINDS, for a path of the API."""
    if path.startswith("/search/"):
        return SEARCH
    found = _PLACE.match(path)
    if not found:
        return OTHER
    place, rest = found.groups()
    if place == ISSUES:
        return COMMENTS if "/comments" in rest else ISSUES
    return place if place in {CONTENTS, GIT} else OTHER
