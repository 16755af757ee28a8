"""What clients send, checked: a JSON object becomes a value of the store, or is refused; pure.

All fields are checked together before anybody is asked. When several are wrong, the first in
Kener's order is named, in Kener's words. Nothing is coerced: ``true`` is no number and ``"1"``
neither; a number without a fraction is whole however it is written (JSON has one kind of
number). ``null`` in an optional field leaves it out; unknown keys are ignored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.refusal import Refused
from github_store import (
    LATEST,
    MAX_BODY_LENGTH,
    MAX_TITLE_LENGTH,
    Impact,
    IncidentFields,
    Monitors,
    Status,
    StatusUpdate,
    body_length,
)

OLDEST_SECONDS: Final = 7_776_000
"""90 days: how old a pushed minute may be."""

_TIME = f"a whole number of seconds since 1970, 0 to {LATEST}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One pushed status. ``minute`` is the minute's first second since 1970, latency seconds."""

    tag: str
    status: Status
    latency: float
    minute: int


def incident_fields(value: Any, monitors: Monitors) -> IncidentFields:
    """The body of a creation or replacement. Raises Refused."""
    body = _object(value, error="Invalid title")
    start = _time(body, "startDatetime")
    end = _time(body, "endDatetime")
    if start is not None and end is not None and end <= start:
        raise Refused("Invalid endDatetime", "endDatetime: expected a time after startDatetime")
    title = _title(body.get("title"))
    tags = _tags(body.get("tags"))
    text = _incident_text(body.get("body"), start=start, end=end)
    impact = _impact(body.get("impact"))
    unknown = next((tag for tag in tags if monitors.get(tag) is None), None)
    if unknown is not None:
        raise Refused("Unknown tags", f"tags: {_shown(unknown)} is the tag of no monitor")
    return IncidentFields(
        title=title,
        tags=tuple(tag for tag in monitors.tags if tag in tags),
        body=text,
        start_datetime=start,
        end_datetime=end,
        impact=impact,
        is_maintenance=_flag(body, "isMaintenance") or False,
        is_identified=_flag(body, "isIdentified") or False,
        is_resolved=_flag(body, "isResolved") or False,
    )


def status_update(value: Any) -> StatusUpdate:
    """The body of an incident's status update. Raises Refused."""
    body = _object(value, error="expected a JSON object")
    return StatusUpdate(
        end_datetime=_time(body, "endDatetime"),
        is_identified=_flag(body, "isIdentified"),
        is_resolved=_flag(body, "isResolved"),
    )


def comment_text(value: Any) -> str:
    """The text of a new comment. Raises Refused."""
    text = _object(value, error="Invalid body").get("body")
    if not isinstance(text, str) or not text.strip():
        raise Refused("Invalid body", "body: expected a text that is not blank")
    if problem := _text_problem(text):
        raise Refused("Invalid body", f"body: {problem}")
    if len(text) > MAX_BODY_LENGTH:
        raise Refused("Invalid body", f"body: expected at most {MAX_BODY_LENGTH} characters")
    return text


def sample(value: Any, monitors: Monitors, *, now: float) -> Sample:
    """The body of a status push; ``now`` is seconds since 1970. Raises Refused."""
    body = _object(value, error="status missing")
    status = body.get("status")
    if not isinstance(status, str) or status not in Status.__members__:
        raise Refused("status missing", "status: expected UP, DOWN or DEGRADED")
    latency = _latency(body)
    if latency is None or latency < 0:
        raise Refused(
            "latency missing or not a number", "latency: expected a number of seconds from 0"
        )
    minute = _minute(body.get("timestampInSeconds"), now=now)
    return Sample(
        tag=known_tag(body.get("tag"), monitors),
        status=Status(status),
        latency=latency,
        minute=minute,
    )


def _object(value: Any, *, error: str) -> Mapping[str, Any]:
    """``error`` is what Kener says of a body that has none of the fields."""
    if not isinstance(value, dict):
        raise Refused(error, "the body: expected a JSON object")
    return value


def _time(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not _is_number(value) or not 0 <= value <= LATEST or value != int(value):
        raise Refused(f"Invalid {name}", f"{name}: expected {_TIME}")
    return int(value)


def _title(value: Any) -> str:
    if not isinstance(value, str) or not (title := value.strip()):
        raise Refused("Invalid title", "title: expected a text that is not blank")
    if problem := _text_problem(title):
        raise Refused("Invalid title", f"title: {problem}")
    if len(title) > MAX_TITLE_LENGTH:
        raise Refused("Invalid title", f"title: expected at most {MAX_TITLE_LENGTH} characters")
    return title


def _tags(value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(tag, str) for tag in value):
        raise Refused("Invalid tags", "tags: expected an array of one or more monitor tags")
    return value


def _incident_text(value: Any, *, start: int | None, end: int | None) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused("Invalid body", "body: expected a text")
    if problem := _text_problem(value):
        raise Refused("Invalid body", f"body: {problem}")
    # The text alone first: taking a megabyte apart only to find it too long would be a waste.
    written = IncidentFields(title="", tags=(), body=value, start_datetime=start, end_datetime=end)
    if len(value) > 2 * MAX_BODY_LENGTH or body_length(written) > MAX_BODY_LENGTH:
        raise Refused(
            "Invalid body",
            f"body: expected at most {MAX_BODY_LENGTH} characters, with the markers that keep "
            "startDatetime and endDatetime in the issue's text",
        )
    return value


def _impact(value: Any) -> Impact | None:
    if value is None or value == "":  # Kener takes an empty text for none
        return None
    if not isinstance(value, str) or value not in Impact.__members__:
        raise Refused("Invalid impact", "impact: expected DOWN or DEGRADED")
    return Impact(value)


def _flag(body: Mapping[str, Any], name: str) -> bool | None:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refused(f"Invalid {name}", f"{name}: expected true or false")
    return value


def _minute(value: Any, *, now: float) -> int:
    """Both times are compared as minutes, so the running minute is never in the future."""
    this_minute = math.floor(now) // 60 * 60
    if value is None:
        return this_minute
    if not _is_number(value):
        raise Refused(
            "timestampInSeconds not a number",
            "timestampInSeconds: expected seconds since 1970, as a number",
        )
    if value >= this_minute + 60:
        raise Refused(
            "timestampInSeconds is in future",
            "timestampInSeconds: expected seconds (not milliseconds) since 1970, up to now",
        )
    if value < this_minute - OLDEST_SECONDS:
        raise Refused(
            "timestampInSeconds is older than 90days",
            f"timestampInSeconds: expected at most {OLDEST_SECONDS} seconds ago",
        )
    return int(math.floor(value) // 60 * 60)


def known_tag(value: Any, monitors: Monitors) -> str:
    """The exact tag of a monitor: Kener compares with case. Raises Refused."""
    if not isinstance(value, str):
        raise Refused("invalid tag", "tag: expected the tag of a monitor")
    if monitors.get(value) is None:
        raise Refused("invalid tag", f"tag: {_shown(value)} is the tag of no monitor")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _latency(body: Mapping[str, Any]) -> float | None:
    """Null is 0, as Kener takes it: Uptime Kuma sends it of a monitor that is down."""
    if "latency" in body and body["latency"] is None:
        return 0.0
    return _finite(body.get("latency"))


def _finite(value: Any) -> float | None:
    if not _is_number(value):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text_problem(text: str) -> str | None:
    """What GitHub would refuse or alter."""
    if "\0" in text:
        return "expected a text without the NUL character"
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        return "expected whole characters, not half of a surrogate pair"
    return None


def shortened(text: str) -> str:
    """Not much of a client's text, for a message."""
    return text if len(text) <= 50 else text[:49] + "…"


def _shown(text: str) -> str:
    """A client's text in a message: in quotes, without control characters, and not much of it."""
    return json.dumps(shortened(text), ensure_ascii=False)
