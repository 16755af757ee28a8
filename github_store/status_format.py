"""``status.json``, the committed file: bytes <-> StatusDocument; pure.

    {
    "version": 1,
    "legend": {"U": "UP", "G": "DEGRADED", "D": "DOWN", "-": "no sample"},
    "monitors": {
    "google-search": {
    "now": {"status": "UP", "latency": 0.2, "lastUpdatedAt": 1702405860, "knownSince": 1702400040},
    "days": {
    "2023-12-12": {"up": 1093, "degraded": 0, "down": 1, "minutes": "96-2UD1091U"}
    }}
    }}

The newest day stands first; ``minutes`` are explained in ``day_minutes``. One line per monitor
and one per day, always in the same order, so that a diff shows just what changed. The legend
and the counts are for readers: minutes are the truth, and counts are recomputed from them.
A file with anything unknown in it is refused, since writing it would lose that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any, Final

from github_store.day_minutes import GAP, LEGEND, MINUTES_OF_DAY, DayMinutes, day_from_runs
from github_store.json_source import JsonSource, Path
from github_store.monitor import Status
from github_store.status_document import History, Latest, StatusDocument

VERSION: Final = 1
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
_LEGEND_LINE: Final = json.dumps({**LEGEND, GAP: "no sample"})
_LATEST_SECOND: Final = 253_402_300_799  # 9999-12-31T23:59:59Z


def date_of(day: int) -> str:
    """The ISO date of a day numbered from 1970-01-01."""
    return date.fromordinal(_FIRST_DAY + day).isoformat()


def dump(document: StatusDocument) -> bytes:
    """The file: equal documents give equal bytes."""
    return "".join(f"{line}\n" for line in _lines(document)).encode()


def parse(content: bytes, *, name: str) -> StatusDocument:
    """Read the file; ``name`` is what it is called in messages.

    Raises BrokenDocument, with line and column, for what is no such file.
    """
    return _Reading(JsonSource(content, name=name)).document()


def _lines(document: StatusDocument) -> Iterator[str]:
    yield "{"
    yield f'"version": {VERSION},'
    yield f'"legend": {_LEGEND_LINE},'
    yield '"monitors": {'
    tags = sorted(document.histories)
    for tag in tags:
        history = document.histories[tag]
        yield f"{json.dumps(tag, ensure_ascii=False)}: {{"
        yield f'"now": {json.dumps(_head(history))},'
        yield '"days": {'
        days = sorted(history.days, reverse=True)
        for day in days:
            line = json.dumps(_day(history.days[day]))
            yield f'"{date_of(day)}": {line}{"" if day == days[-1] else ","}'
        yield "}}" if tag == tags[-1] else "}},"
    yield "}}"


def _head(history: History) -> dict[str, Any]:
    latest = history.latest
    return {
        "status": latest.status,
        "latency": _shortest(latest.latency),
        "lastUpdatedAt": latest.minute * 60,
        "knownSince": history.known_since * 60,
    }


def _shortest(latency: float | None) -> float | None:
    """1 and 1.0 are one latency and have one spelling."""
    return latency if latency is None or latency % 1 else int(latency)


def _day(minutes: DayMinutes) -> dict[str, Any]:
    counts = minutes.counts
    return {
        "up": counts.up,
        "degraded": counts.degraded,
        "down": counts.down,
        "minutes": minutes.runs,
    }


class _Reading:
    """One reading of one file, checked from the outside in."""

    def __init__(self, source: JsonSource) -> None:
        self._source = source

    def document(self) -> StatusDocument:
        root = self._object((), self._source.parse(), {"version", "monitors"}, {"legend"})
        if root["version"] != VERSION or isinstance(root["version"], bool):
            self._source.refuse(("version",), f"only version {VERSION} can be read here")
        monitors = self._object(("monitors",), root["monitors"])
        return StatusDocument(
            {tag: self._history(("monitors", tag), value) for tag, value in monitors.items()}
        )

    def _history(self, path: Path, value: Any) -> History:
        if not _is_unicode(path[-1]):
            self._source.refuse(path, "the tag contains half of a surrogate pair")
        fields = self._object(path, value, {"now", "days"})
        days: dict[int, DayMinutes] = {}
        for text, entry in self._object((*path, "days"), fields["days"]).items():
            where = (*path, "days", text)
            minutes = self._minutes(where, entry)
            if minutes.runs:
                days[self._day_number(where)] = minutes
        return self._with_head((*path, "now"), fields["now"], days)

    def _with_head(self, path: Path, value: Any, days: dict[int, DayMinutes]) -> History:
        """The head is taken as it stands only as far as the minutes do not contradict it."""
        head = self._object(path, value, {"status", "latency", "lastUpdatedAt", "knownSince"})
        status = head["status"]
        if not isinstance(status, str) or status not in Status.__members__:
            self._source.refuse((*path, "status"), "expected UP, DOWN or DEGRADED")
        latest = Latest(
            self._minute(path, head, "lastUpdatedAt"),
            Status(status),
            self._latency((*path, "latency"), head["latency"]),
        )
        known_since = min(self._minute(path, head, "knownSince"), latest.minute)
        history = History(known_since, latest, days)
        if not days:
            return history
        first_day, last_day = min(days), max(days)
        newest = days[last_day].newest()
        assert newest is not None  # days without a sample were left out
        minute = last_day * MINUTES_OF_DAY + newest[0]
        latency = latest.latency if minute == latest.minute else None
        oldest = first_day * MINUTES_OF_DAY + days[first_day].oldest()
        return History(min(known_since, oldest), Latest(minute, newest[1], latency), days)

    def _minutes(self, path: Path, value: Any) -> DayMinutes:
        fields = self._object(path, value, {"minutes"}, {"up", "degraded", "down"})
        runs = fields["minutes"]
        if not isinstance(runs, str):
            self._source.refuse((*path, "minutes"), "expected a text such as 720UD719U")
        try:
            return day_from_runs(runs)
        except ValueError as error:
            self._source.refuse((*path, "minutes"), str(error))

    def _day_number(self, path: Path) -> int:
        text = path[-1]
        try:
            day = date.fromisoformat(text).toordinal() - _FIRST_DAY
        except ValueError:
            day = -1
        if day < 0 or date_of(day) != text:
            self._source.refuse(path, "expected a date such as 2026-11-22 as the key")
        return day

    def _minute(self, path: Path, fields: Mapping[str, Any], key: str) -> int:
        """Whole seconds since 1970 in the file, a minute's number here."""
        value = fields[key]
        if type(value) is not int or not 0 <= value <= _LATEST_SECOND:
            self._source.refuse((*path, key), "expected whole seconds since 1970")
        return value // 60

    def _latency(self, path: Path, value: Any) -> float | None:
        if value is None:
            return None
        if type(value) not in (int, float) or not value >= 0 or not _is_finite(value):
            self._source.refuse(path, "expected a number from 0, or null")
        number: float = value
        return number

    def _object(
        self,
        path: Path,
        value: Any,
        required: Collection[str] | None = None,
        optional: Collection[str] = (),
    ) -> dict[str, Any]:
        """The value if it is an object with these keys, any keys where none are named."""
        if not isinstance(value, dict):
            self._source.refuse(path, "expected an object")
        if required is None:
            return value
        if missing := sorted(set(required) - value.keys()):
            self._source.refuse(path, f"{missing[0]} is missing")
        if unknown := sorted(value.keys() - set(required) - set(optional)):
            self._source.refuse((*path, unknown[0]), "is not known here")
        return value


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer larger than any float
        return False


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
