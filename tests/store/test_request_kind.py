"""What a request is about: its kind for counting, its endpoint for what fails together."""

from __future__ import annotations

import pytest

from github_store.request_kind import (
    COMMENTS,
    CONTENTS,
    GIT,
    ISSUES,
    OTHER,
    SEARCH,
    endpoint,
    request_kind,
)


@pytest.mark.parametrize(
    ("path", "kind", "place"),
    [
        ("/repos/owner/status", OTHER, ""),
        ("/repositories/7", OTHER, ""),
        ("/repos/owner/status/issues?state=all", ISSUES, "issues"),
        ("/repositories/7/issues?page=2", ISSUES, "issues"),
        ("/repos/issues/labels/issues/7", ISSUES, "issues/*"),
        ("/repos/owner/status/issues/7/events?page=2", ISSUES, "issues/*/events"),
        ("/repos/owner/status/issues/7/labels/a%2Fb", ISSUES, "issues/*/labels/*"),
        ("/repos/owner/status/issues/7/comments", COMMENTS, "issues/*/comments"),
        ("/repos/owner/status/issues/comments/9", COMMENTS, "issues/comments/*"),
        ("/repos/owner/status/contents/a/b/c/d/e", CONTENTS, "contents/*/*/*"),
        ("/repos/owner/status/git/commits/0123", GIT, "git/commits/*"),
        ("/repos/owner/status/collaborators/git", OTHER, "collaborators/git"),
        ("/search/issues?q=/repos/o/r/issues", SEARCH, "search/issues"),
        ("/user", OTHER, "user"),
        ("/rate_limit", OTHER, "rate_limit"),
        ("/of/nobody/that/is/known/at/all", OTHER, "*/*/*/*"),
    ],
)
def test_a_path_tells_what_is_asked(path: str, kind: str, place: str) -> None:
    assert request_kind(path) == kind
    assert endpoint("GET", path) == f"GET {place}".rstrip()
