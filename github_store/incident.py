"""The incident, and how it is an issue: labels say what it is, the body says when.

An issue with the label ``incident`` is an incident. Its other labels are monitor tags, impact and
progress; labels that mean nothing here belong to the maintainers and are never touched.

Lengths are counted in Unicode code points. GitHub says "characters", and has been measured to
refuse an issue's body above 262,144 bytes of UTF-8: what has no more than 65,536 code points, of
four bytes at the most, fits by either measure.
"""

from __future__ import annotations

import colorsys
import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from github_store.labels import (
    AUTO_LABEL,
    DEGRADED_LABEL,
    DOWN_LABEL,
    IDENTIFIED_LABEL,
    INCIDENT_LABEL,
    MAINTENANCE_LABEL,
    MANUAL_LABEL,
    MAX_DESCRIPTION_LENGTH,
    OWN_LABEL_KEYS,
    OWN_LABELS,
    RESOLVED_LABEL,
    LabelStyle,
    label_key,
    label_keys,
)
from github_store.markers import Markup, has_headings, read_markup, write_form, write_markup
from github_store.monitor import Monitor, Monitors
from github_store.records import Issue

__all__ = [
    "AUTO_LABEL",
    "DEGRADED_LABEL",
    "DOWN_LABEL",
    "IDENTIFIED_LABEL",
    "INCIDENT_LABEL",
    "KEY_COMMENT_ROOM",
    "MAINTENANCE_LABEL",
    "MANUAL_LABEL",
    "MAX_BODY_LENGTH",
    "MAX_TITLE_LENGTH",
    "OWN_LABELS",
    "RESOLVED_LABEL",
    "Impact",
    "Incident",
    "IncidentFields",
    "LabelChanges",
    "LabelStyle",
    "body_length",
    "incident_etag",
    "incident_from",
    "is_dismissed",
    "is_incident",
    "issue_body",
    "label_changes",
    "label_styles",
    "labels_for",
    "status_label_changes",
    "with_markers_applied",
]

MAX_TITLE_LENGTH: Final = 256
MAX_BODY_LENGTH: Final = 65_536
"""Of the issue's whole text: what a client writes, and the markers of its times (a start of ten
digits takes 28 code points, such an end 26)."""

KEY_COMMENT_ROOM: Final = len(write_markup("", start=None, end=None, hidden=["key " + 64 * "0"]))
"""What the hidden comment adds that lets a repeated creation be recognised: an HMAC in hex."""


class Impact(StrEnum):
    """What an incident does to its monitors."""

    DOWN = "DOWN"
    DEGRADED = "DEGRADED"


_DISMISSALS: Final = frozenset({"not_planned", "duplicate"})
_IMPACT_LABELS = {Impact.DOWN: DOWN_LABEL, Impact.DEGRADED: DEGRADED_LABEL}


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFields:
    """What a client writes. Times are whole seconds since 1970; None leaves a field out."""

    title: str
    tags: tuple[str, ...]
    body: str = ""
    start_datetime: int | None = None
    end_datetime: int | None = None
    impact: Impact | None = None
    is_maintenance: bool = False
    is_identified: bool = False
    is_resolved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident(IncidentFields):
    """What a reader gets: the fields, and what only GitHub knows. Times are seconds since 1970."""

    number: int
    created_at: int
    closed_at: int | None
    is_open: bool
    is_auto: bool
    is_dismissed: bool = False
    """Closed as "not planned" or "duplicate": there was no incident."""

    def to_json(self) -> dict[str, Any]:
        """Kener's keys in Kener's order. Source: kener-apis.md, "Get an Incident"."""
        return {
            "createdAt": self.created_at,
            "closedAt": self.closed_at,
            "title": self.title,
            "tags": list(self.tags),
            "incidentNumber": self.number,
            "startDatetime": self.start_datetime,
            "endDatetime": self.end_datetime,
            "body": self.body,
            "impact": self.impact.value if self.impact else None,
            "isMaintenance": self.is_maintenance,
            "isIdentified": self.is_identified,
            "isResolved": self.is_resolved,
        }


@dataclass(frozen=True, slots=True)
class LabelChanges:
    """Labels to put on an issue, and labels to take off, spelled as they stand on it."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


def is_incident(issue: Issue) -> bool:
    """Whether an issue is meant as an incident; whether its author may say so, trust.py tells."""
    return not issue.is_pull_request and INCIDENT_LABEL in label_keys(issue.labels)


def is_dismissed(issue: Issue) -> bool:
    """Whether it was closed as "not planned" or "duplicate"."""
    return not issue.is_open and issue.state_reason in _DISMISSALS


def incident_from(issue: Issue, monitors: Monitors) -> Incident:
    """Read an issue, whoever wrote it and however. Down beats degraded where both are there."""
    keys = label_keys(issue.labels)
    markup = read_markup(issue.body)
    return Incident(
        number=issue.number,
        title=issue.title.strip(),
        tags=monitors.tags_of(issue.labels),
        body=markup.text,
        start_datetime=markup.start,
        end_datetime=markup.end,
        impact=next((impact for impact, label in _IMPACT_LABELS.items() if label in keys), None),
        is_maintenance=MAINTENANCE_LABEL in keys,
        is_identified=IDENTIFIED_LABEL in keys,
        is_resolved=RESOLVED_LABEL in keys,
        created_at=issue.created_at,
        closed_at=None if issue.is_open else issue.closed_at,
        is_open=issue.is_open,
        is_auto=AUTO_LABEL in keys,
        is_dismissed=is_dismissed(issue),
    )


def incident_etag(incident: Incident) -> str:
    """The strong ETag of an incident, quotes included: another one with everything a client sees.

    What no answer shows (a comment, somebody's own label) leaves it as it is: whoever makes a
    write conditional is told of edits, not of everything that ``updated_at`` counts as one.
    """
    shown = json.dumps(incident.to_json(), sort_keys=True).encode()
    return f'"{hashlib.sha256(shown).hexdigest()[:32]}"'


def with_markers_applied(fields: IncidentFields) -> IncidentFields:
    """Let markers in the client's own text set the times that it left out, and take them out.

    The headings of the issue form count too. Our hidden comments in a client's text are taken
    out; only this program writes them.
    """
    markup = read_markup(fields.body)
    start, end = fields.start_datetime, fields.end_datetime
    return replace(
        fields,
        body=markup.text,
        start_datetime=markup.start if start is None else start,
        end_datetime=markup.end if end is None else end,
    )


def issue_body(fields: IncidentFields, *, hidden: Sequence[str] = (), form: str = "") -> str:
    """The issue's text, with at most one marker of a kind. ``hidden``: see markers.py.

    Times stand in the headings of the client's own text, else in those of ``form``, the issue's
    text so far; where neither has any, in markers. Headings and hidden comments give way to the
    client's text: those that GitHub's limit leaves no room for are left out, the last first.
    """
    form = fields.body if has_headings(fields.body) else form
    applied = with_markers_applied(fields)
    start, end = applied.start_datetime, applied.end_datetime

    def body(count: int) -> str:
        if has_headings(form):
            wanted = Markup(start, end, applied.body, tuple(hidden[:count]))
            if len(written := write_form(form, wanted)) <= MAX_BODY_LENGTH:
                return written
        return write_markup(applied.body, start=start, end=end, hidden=hidden[:count])

    counts = range(1, len(hidden) + 1)
    return body(bisect_right(counts, MAX_BODY_LENGTH, key=lambda count: len(body(count))))


def body_length(fields: IncidentFields) -> int:
    """Code points of the text that ``issue_body`` writes, to be held against MAX_BODY_LENGTH.

    No room is kept for hidden comments, so that every body GitHub takes is taken: whoever must
    write one adds its length, KEY_COMMENT_ROOM for a key.
    """
    return len(issue_body(fields))


def labels_for(fields: IncidentFields, *, on_creation: bool = False) -> tuple[str, ...]:
    """The labels that say what the fields say; a creation is marked ``manual``, as Kener does."""
    labels = [INCIDENT_LABEL, *dict.fromkeys(fields.tags)]
    if fields.impact:
        labels.append(_IMPACT_LABELS[fields.impact])
    flags = {
        MAINTENANCE_LABEL: fields.is_maintenance,
        RESOLVED_LABEL: fields.is_resolved,
        IDENTIFIED_LABEL: fields.is_identified,
        MANUAL_LABEL: on_creation,
    }
    return (*labels, *(label for label, is_set in flags.items() if is_set))


def label_changes(
    current: Iterable[str], fields: IncidentFields, monitors: Monitors
) -> LabelChanges:
    """What a replacement changes. Maintainers' labels stay, and who opened the issue stays said."""
    ours = (OWN_LABEL_KEYS - {MANUAL_LABEL, AUTO_LABEL}) | label_keys(
        monitors.labels_of(monitors.tags)
    )
    return _changes(current, wanted=labels_for(fields), ours=ours)


def status_label_changes(
    current: Iterable[str], *, is_identified: bool | None, is_resolved: bool | None
) -> LabelChanges:
    """What a status update changes; None leaves that label as it is."""
    flags = {IDENTIFIED_LABEL: is_identified, RESOLVED_LABEL: is_resolved}
    return _changes(
        current,
        wanted=tuple(label for label, is_set in flags.items() if is_set),
        ours=frozenset(label for label, is_set in flags.items() if is_set is not None),
    )


@lru_cache(maxsize=4)
def label_styles(monitors: Monitors) -> tuple[LabelStyle, ...]:
    """How to create every label this program puts on issues, where one is missing.

    Remembered: of 20,000 monitors it takes a tenth of a second, and every write asks for it.
    """
    return (*OWN_LABELS, *map(_tag_style, monitors))


def _changes(
    current: Iterable[str], *, wanted: tuple[str, ...], ours: frozenset[str]
) -> LabelChanges:
    standing = tuple(current)
    standing_keys = label_keys(standing)
    removable = ours - label_keys(wanted)
    return LabelChanges(
        add=tuple(label for label in wanted if label_key(label) not in standing_keys),
        remove=tuple(label for label in standing if label_key(label) in removable),
    )


def _tag_style(monitor: Monitor) -> LabelStyle:
    """A pale colour that depends on the tag alone, so that every installation picks the same."""
    hue = hashlib.sha256(label_key(monitor.tag).encode()).digest()[0] / 256
    channels = colorsys.hls_to_rgb(hue, 0.8, 0.6)
    color = "".join(f"{round(channel * 255):02x}" for channel in channels)
    description = " ".join(f"Monitor: {monitor.name}".split())
    if len(description) > MAX_DESCRIPTION_LENGTH:
        description = description[: MAX_DESCRIPTION_LENGTH - 1] + "…"
    return LabelStyle(monitor.tag, color, description)
