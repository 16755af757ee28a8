"""What a request to GitHub is about, in few words; pure."""

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
_WORDS: Final = frozenset(
    (
        *("issues", "comments", "events", "labels", "search", "contents", "collaborators"),
        *("git", "ref", "refs", "commits", "trees", "blobs", "hooks", "deliveries", "permission"),
        *("rules", "branches", "user", "rate_limit"),
    )
)
_LONGEST_ENDPOINT: Final = 4
_REPOSITORY: Final = re.compile(r"/(?:repos/[^/]+/[^/]+|repositories/[0-9]+)/?")
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


def endpoint(method: str, path: str) -> str:
    """``GET issues/*/comments``: what fails together, and is few in number whatever is asked."""
    found = _PLACE.match(path)
    place = "/".join(found.groups()) if found else path.partition("?")[0]
    if _REPOSITORY.fullmatch(place):
        place = ""
    words = [word if word in _WORDS else "*" for word in place.split("/") if word]
    return f"{method} {'/'.join(words[:_LONGEST_ENDPOINT])}".rstrip()
