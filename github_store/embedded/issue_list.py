"""Which issues ``GET /repos/{owner}/{repo}/issues`` shows, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from .exchange import Request
from .paging import Cursor
from .refusals import invalid
from .rows import Issue, Label

STATES: Final = ("open", "closed", "all")
LIST_DOCS: Final = "https://docs.github.com/v3/issues/#list-issues"

Filter = Callable[[Issue], bool]


def since_in(request: Request, resource: str) -> int | None:
    """The ``since`` parameter in epoch seconds; without an offset it is UTC. Raises 422."""
    text = request.parameter("since")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        wrong = {"value": text, "resource": resource, "field": "since", "code": "invalid"}
        raise invalid(wrong) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def filters_in(request: Request, labels: Iterable[Label]) -> list[Filter]:
    """The caller's conditions, all to be met. Raises 422 for a state that is none."""
    state = request.parameter("state") or "open"
    if state not in STATES:
        wrong = {"value": state, "resource": "Issue", "field": "state", "code": "invalid"}
        raise invalid(wrong, docs=LIST_DOCS)
    filters: list[Filter] = []
    if state != "all":
        filters.append(lambda issue: issue.state == state)
    since = since_in(request, "Issue")
    if since is not None:
        filters.append(lambda issue: issue.updated_at >= since)
    filters += _label_filters(request.parameter("labels"), labels)
    filters += _people_filters(request)
    if request.parameter("milestone") not in ("", "none"):
        filters.append(lambda _: False)
    return filters


def _label_filters(names: str, labels: Iterable[Label]) -> list[Filter]:
    """Every label named must be there; one that does not exist is on no issue."""
    ids = {label.name.casefold(): label.id for label in labels}
    wanted = [name.strip().casefold() for name in names.split(",") if name.strip()]
    return [_carries(ids.get(name)) for name in wanted]


def _carries(label_id: int | None) -> Filter:
    return lambda issue: label_id in issue.labels


def _people_filters(request: Request) -> list[Filter]:
    filters: list[Filter] = []
    assignee = request.parameter("assignee").lower()
    if assignee == "none":
        filters.append(lambda issue: not issue.assignees)
    elif assignee == "*":
        filters.append(lambda issue: bool(issue.assignees))
    elif assignee:
        filters.append(lambda issue: assignee in {login.lower() for login in issue.assignees})
    creator = request.parameter("creator").lower()
    if creator:
        filters.append(lambda issue: issue.author.lower() == creator)
    mentioned = request.parameter("mentioned")
    if mentioned:
        mention = re.compile(rf"(?<![\w-])@{re.escape(mentioned)}(?![\w-])", re.IGNORECASE)
        filters.append(lambda issue: mention.search(issue.body or "") is not None)
    return filters


def ordered(request: Request, issues: Iterable[Issue]) -> tuple[list[tuple[Cursor, Issue]], bool]:
    """The issues with their places, sorted, and whether downwards; an unknown sort is created."""
    values: dict[str, Callable[[Issue], int]] = {
        "created": lambda issue: issue.created_at * 1000,
        "updated": lambda issue: issue.updated_at * 1000,
        "comments": lambda issue: issue.comments,
    }
    value = values.get(request.parameter("sort"), values["created"])
    descending = request.parameter("direction").lower() != "asc"
    keyed = [(Cursor(value(issue), issue.id), issue) for issue in issues]
    keyed.sort(key=lambda pair: (pair[0].value, pair[0].entry_id), reverse=descending)
    return keyed, descending
