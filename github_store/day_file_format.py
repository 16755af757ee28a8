"""The files beside ``status.json``: bytes <-> DayFile and HourFile, and their paths; pure.

``history/2026-11-22.json``, one past day; ``latencies`` has one for each minute with a sample,
in order, null where it is not known:

    {
    "version": 2,
    "date": "2026-11-22",
    "monitors": {
    "google-search": {
    "minutes": "2U1437-D",
    "latencies": [0.2,0.21,null]}
    }}

``latency/2026-11-24T13.json``, one hour of today by minute, null where there is no sample, up
to the last one; folded into the day's file when the day has ended:

    {
    "version": 2,
    "hour": "2026-11-24T13",
    "monitors": {
    "google-search": [0.2,null,0.21]
    }}

Monitors stand in the order of their tags. The schemas are ``docs/schemas/day.schema.json`` and
``docs/schemas/hour.schema.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from github_store.day_file import DayFile, DayRecord, HourFile, record_of
from github_store.json_source import Path
from github_store.latency import trimmed
from github_store.minutes_notation import day_from_text, minutes_text
from github_store.strict_json import VERSION, StrictJson, date_of, day_of, key_text

_DAY_PATH: Final = re.compile(r"history/([0-9-]{10})\.json", re.ASCII)
_HOUR_PATH: Final = re.compile(r"latency/([0-9-]{10}T[0-9]{2})\.json", re.ASCII)
_HOUR: Final = re.compile(r"([0-9-]{10})T([01][0-9]|2[0-3])", re.ASCII)


def day_path(day: int) -> str:
    return f"history/{date_of(day)}.json"


def hour_path(hour: int) -> str:
    return f"latency/{_hour_text(hour)}.json"


def day_at(path: str) -> int | None:
    """The day whose file this path is; None for any other path."""
    match = _DAY_PATH.fullmatch(path)
    return day_of(match[1]) if match else None


def hour_at(path: str) -> int | None:
    """The hour whose file this path is; None for any other path."""
    match = _HOUR_PATH.fullmatch(path)
    return _hour_of(match[1]) if match else None


def dump_day(file: DayFile) -> bytes:
    """The file: equal values give equal bytes."""
    lines = {
        tag: f'{{\n"minutes": "{minutes_text(record.minutes)}",\n'
        f'"latencies": {_numbers(record.sampled())}}}'
        for tag, record in file.records.items()
    }
    return "\n".join(_lines("date", date_of(file.day), lines)).encode()


def parse_day(content: bytes, *, name: str) -> DayFile:
    """Read the file; ``name`` is what it is called in messages. Raises BrokenDocument."""
    source = StrictJson(content, name=name)
    root = source.root("date", "monitors")
    records = {
        tag: _record(source, ("monitors", tag), value)
        for tag, value in source.monitors(root["monitors"]).items()
    }
    return DayFile(source.day(("date",), root["date"]), records)


def dump_hour(file: HourFile) -> bytes:
    """The file: equal values give equal bytes."""
    lines = {tag: _numbers(latencies) for tag, latencies in file.latencies.items()}
    return "\n".join(_lines("hour", _hour_text(file.hour), lines)).encode()


def parse_hour(content: bytes, *, name: str) -> HourFile:
    """Read the file; ``name`` is what it is called in messages. Raises BrokenDocument."""
    source = StrictJson(content, name=name)
    root = source.root("hour", "monitors")
    problem = "expected an hour such as 2026-11-24T13"
    hour = _hour_of(source.text(("hour",), root["hour"], problem))
    if hour is None:
        source.refuse(("hour",), problem)
    latencies = {}
    for tag, value in source.monitors(root["monitors"]).items():
        found = source.latencies(("monitors", tag), value)
        if len(found) > 60:
            source.refuse(("monitors", tag), f"{len(found)} latencies are more than an hour's 60")
        latencies[tag] = trimmed(found)
    return HourFile(hour, latencies)


def _record(source: StrictJson, path: Path, value: Any) -> DayRecord:
    fields = source.fields(path, value, {"minutes", "latencies"})
    runs = source.text((*path, "minutes"), fields["minutes"], "expected a text such as 720UD719U")
    try:
        minutes = day_from_text(runs)
    except ValueError as error:
        source.refuse((*path, "minutes"), str(error))
    found = source.latencies((*path, "latencies"), fields["latencies"])
    if len(found) != minutes.counts.total:
        problem = f"{len(found)} latencies for {minutes.counts.total} minutes with a sample"
        source.refuse((*path, "latencies"), problem)
    return record_of(minutes, found)


def _lines(key: str, value: str, monitors: Mapping[str, str]) -> Iterator[str]:
    yield "{"
    yield f'"version": {VERSION},'
    yield f'"{key}": "{value}",'
    yield '"monitors": {'
    if monitors:
        yield ",\n".join(f"{key_text(tag)}: {monitors[tag]}" for tag in sorted(monitors))
    yield "}}\n"


def _numbers(latencies: Any) -> str:
    return json.dumps(latencies, separators=(",", ":"))


def _hour_text(hour: int) -> str:
    return f"{date_of(hour // 24)}T{hour % 24:02}"


def _hour_of(text: str) -> int | None:
    match = _HOUR.fullmatch(text)
    day = day_of(match[1]) if match else None
    return day * 24 + int(match[2]) if match and day is not None else None
