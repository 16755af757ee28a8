"""What a write of the API changes in an issue, decided before anything is sent; pure.

Only what differs is written: labels one by one, title, text and state in one request. Times are
whole seconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from github_store.errors import InvalidEnd
from github_store.incident import (
    IncidentFields,
    LabelChanges,
    issue_body,
    label_changes,
    status_label_changes,
    with_markers_applied,
)
from github_store.markers import read_markup, replace_end
from github_store.monitor import Monitors
from github_store.records import Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUpdate:
    """What a status update changes; None leaves a field as it is."""

    is_identified: bool | None = None
    is_resolved: bool | None = None
    end_datetime: int | None = None


@dataclass(frozen=True, slots=True)
class IssueChanges:
    """``edits``: GitHub's fields and their new values."""

    labels: LabelChanges = field(default_factory=LabelChanges)
    edits: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.edits or self.labels.add or self.labels.remove)


def checked(fields: IncidentFields) -> IncidentFields:
    """The fields with the times of their own text. Raises InvalidEnd."""
    applied = with_markers_applied(fields)
    start, end = applied.start_datetime, applied.end_datetime
    if end is not None:
        _check_end(start, end)
    return replace(fields, start_datetime=start, end_datetime=end)


def replaced(
    issue: Issue, fields: IncidentFields, monitors: Monitors, *, now: float
) -> IssueChanges:
    """All fields anew, as ``checked`` gives them; labels that are not ours stay."""
    edits: dict[str, Any] = {}
    if fields.title != issue.title:
        edits["title"] = fields.title
    hidden = read_markup(issue.body).hidden
    if (body := issue_body(fields, hidden=hidden, form=issue.body)) != issue.body:
        edits["body"] = body
    edits |= _reopened(issue, fields.end_datetime, now=now)
    return IssueChanges(label_changes(issue.labels, fields, monitors), edits)


def updated(issue: Issue, update: StatusUpdate, *, now: float) -> IssueChanges:
    """Progress labels and end, and nothing else. Raises InvalidEnd by the stored start."""
    edits: dict[str, Any] = {}
    if (end := update.end_datetime) is not None:
        _check_end(read_markup(issue.body).start, end)
        if (body := replace_end(issue.body, end)) != issue.body:
            edits["body"] = body
    labels = status_label_changes(
        issue.labels, is_identified=update.is_identified, is_resolved=update.is_resolved
    )
    return IssueChanges(labels, edits | _reopened(issue, end, now=now))


def _reopened(issue: Issue, end: int | None, *, now: float) -> dict[str, Any]:
    """A closed incident is opened again only where the request itself ends it in the future."""
    return {"state": "open"} if end is not None and end > now and not issue.is_open else {}


def _check_end(start: int | None, end: int) -> None:
    if start is not None and end <= start:
        raise InvalidEnd(start=start, end=end)
