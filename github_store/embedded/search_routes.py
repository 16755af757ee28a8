"""``GET /search/issues``. Source: GitHub docs, "Search"; recordings.

The index is the issue table's held copy, as old as the fault ``search_lag`` says. What a caller may
not see is not there for the search: neither in its results nor in what it says about repositories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from .exchange import Request, Response
from .hub import Hub
from .paging import numbered_links, numbered_page, page_of, per_page_of
from .refusals import Refusal, invalid
from .routing import Route
from .rows import Comment, Issue, Repository
from .search_matching import SCOPES, Subject, check_times, matches, needs_comments
from .search_syntax import Node, Qualifier, SearchError, leaves, parse

MOST_RESULTS: Final = 1000
DOCS: Final = "search/search#search-issues-and-pull-requests"
INVISIBLE: Final = (
    "The listed users and repositories cannot be searched either because the resources do not"
    " exist or you do not have permission to view them."
)

Found = tuple[Repository, Issue]
SORTS: Final[dict[str, Callable[[Issue], int]]] = {
    "created": lambda issue: issue.created_at,
    "updated": lambda issue: issue.updated_at,
    "comments": lambda issue: issue.comments,
    "interactions": lambda issue: issue.comments,
}


def search_issues(hub: Hub, request: Request) -> Response:
    query = request.parameter("q")
    if not query.strip():
        raise invalid({"resource": "Search", "field": "q", "code": "missing"})
    if (page_of(request) - 1) * per_page_of(request) >= MOST_RESULTS:
        raise Refusal(422, f"Only the first {MOST_RESULTS} search results are available")
    try:
        node = parse(query)
        check_times(node)
    except SearchError as error:
        raise _wrong_query(str(error)) from error
    line = f"{request.method} {request.target}"
    lag = hub.faults.strike("search_lag", line)
    as_of = hub.clock() - lag.seconds if lag else None
    found = [
        (repository, issue)
        for repository in _scope(hub, request, node)
        for issue in _matching(hub, repository, node, as_of)
    ]
    _order(found, request, node)
    incomplete = hub.faults.strike("search_timeout", line) is not None
    if incomplete:
        found = found[: len(found) // 2]
    reachable = found[:MOST_RESULTS]
    body = {
        "total_count": len(found),
        "incomplete_results": incomplete,
        "items": [_item(hub, *each) for each in numbered_page(request, reachable)],
    }
    links = numbered_links(
        request, f"{hub.base_url}/search/issues", total=len(reachable), state_per_page=False
    )
    return Response(200, body, links, tagged=False, cache_control="no-cache")


def _wrong_query(message: str) -> Refusal:
    return invalid({"message": message, "resource": "Search", "field": "q", "code": "invalid"})


def _scope(hub: Hub, request: Request, node: Node) -> list[Repository]:
    """Where to search. Raises 422 when nothing of what is named is there for the caller."""
    login = request.actor.login if request.actor else None
    visible = [
        repository
        for repository in hub.repositories.all()
        if hub.accounts.role(repository, login) != "none"
    ]
    named: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for leaf, wanted in leaves(node):
        if isinstance(leaf, Qualifier) and leaf.name in SCOPES:
            named[wanted] += [(leaf.name, value.casefold()) for value in leaf.values]
    if named[True] and not any(_is_known(hub, visible, *name) for name in named[True]):
        raise _wrong_query(INVISIBLE)
    return [
        repository
        for repository in visible
        if (not named[True] or any(_is_in(repository, *name) for name in named[True]))
        and not any(_is_in(repository, *name) for name in named[False])
    ]


def _is_in(repository: Repository, kind: str, value: str) -> bool:
    name = repository.full_name if kind == "repo" else repository.owner
    return name.casefold() == value


def _is_known(hub: Hub, visible: list[Repository], kind: str, value: str) -> bool:
    if any(_is_in(repository, kind, value) for repository in visible):
        return True
    return kind != "repo" and hub.accounts.find(value) is not None


def _matching(hub: Hub, repository: Repository, node: Node, as_of: float | None) -> Iterator[Issue]:
    names = {label.id: label.name for label in hub.labels.all(repository)}
    comments: dict[int, list[Comment]] = {}
    if needs_comments(node):
        for comment in hub.comments.of_repository(repository):
            if as_of is None or comment.created_at <= as_of:
                comments.setdefault(comment.issue_id, []).append(comment)
    for issue in hub.issues.listed(repository, as_of=as_of):
        said = comments.get(issue.id, ())
        subject = Subject(
            issue,
            labels=tuple(names[label] for label in issue.labels if label in names),
            comments=tuple(comment.body for comment in said),
            commenters=tuple(comment.author for comment in said),
            private=repository.private,
        )
        if matches(node, subject):
            yield issue


def _order(found: list[Found], request: Request, node: Node) -> None:
    """By the query's own ``sort:``, else by the parameters; the best match is the newest."""
    key, order = request.parameter("sort"), request.parameter("order")
    for leaf, wanted in leaves(node):
        if wanted and isinstance(leaf, Qualifier) and leaf.name == "sort" and leaf.values:
            key, _, order = leaf.values[0].casefold().partition("-")
    sort = SORTS.get(key)
    if sort is None:
        sort, order = SORTS["created"], "desc"
    found.sort(key=lambda each: (sort(each[1]), each[1].id), reverse=order != "asc")


def _item(hub: Hub, repository: Repository, issue: Issue) -> dict[str, Any]:
    shown = hub.issue(repository, issue)
    del shown["closed_by"]
    return {**shown, "score": 1.0}


ROUTES: Final = (Route("GET", "/search/issues", search_issues, resource="search", docs=DOCS),)
