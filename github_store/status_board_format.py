"""``status.json``, the committed board: bytes <-> Board; pure.

    {
    "version": 2,
    "today": "2026-11-24",
    "legend": {"U": "UP", "G": "DEGRADED", "D": "DOWN", "-": "no sample"},
    "monitors": {
    "google-search": {
    "now": {"status": "UP", "latency": 0.2, "lastUpdatedAt": 1795527060, "knownSince": 1787616000},
    "minutes": "720UD91U",
    "days": "3x1440 1439/0/1 - 85x1440"}
    }}

``minutes`` are those of ``today`` and explained in ``minutes_notation``, ``days`` the counts of
the dates before it, the newest first, and explained in ``past_days``. Monitors stand in the
order of their tags, each with a line for now, one for today, and one that only changes with the
date or a late push, so that a diff shows just what changed. A file with anything unknown in it
is refused, since writing it would lose that. The schema is ``docs/schemas/status.schema.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from github_store.day_minutes import GAP, LEGEND, MINUTES_OF_DAY
from github_store.json_source import Path
from github_store.minutes_notation import day_from_text, minutes_text
from github_store.past_days import past_days_from_text
from github_store.sample import Latest
from github_store.status_board import Board, BoardEntry
from github_store.strict_json import VERSION, StrictJson, date_of, key_text

BOARD_PATH: Final = "status.json"

_LEGEND_LINE: Final = json.dumps(
    {
        **LEGEND,
        GAP: "no sample",
        "720U": "720 minutes UP",
        "12(U4-)": "U4- 12 times",
        "=": "packed: 2 bits a minute",
        "days": "minutes UP/DEGRADED/DOWN of each date before today, the newest first",
    }
)


def dump_board(board: Board) -> bytes:
    """The file: equal boards give equal bytes."""
    return "\n".join(_lines(board)).encode()


def parse_board(content: bytes, *, name: str = BOARD_PATH) -> Board:
    """Read the file; ``name`` is what it is called in messages.

    Raises BrokenDocument, with line and column, for what is no such file.
    """
    source = StrictJson(content, name=name)
    root = source.root("today", "monitors")
    today = source.day(("today",), root["today"])
    entries = {
        tag: _entry(source, ("monitors", tag), value, today)
        for tag, value in source.monitors(root["monitors"]).items()
    }
    return Board(today, entries)


def _lines(board: Board) -> Iterator[str]:
    yield "{"
    yield f'"version": {VERSION},'
    yield f'"today": "{date_of(board.today)}",'
    yield f'"legend": {_LEGEND_LINE},'
    yield '"monitors": {'
    separator = ""
    for tag in sorted(board.entries):
        entry = board.entries[tag]
        if separator:
            yield separator
        yield f"{key_text(tag)}: {{"
        yield f'"now": {_now(entry)},'
        yield f'"minutes": "{minutes_text(entry.minutes)}",'
        separator = f'"days": "{entry.days.text}"}},'
    if separator:
        yield separator[:-1]
    yield "}}\n"


def _now(entry: BoardEntry) -> str:
    latest = entry.latest
    latency = "null" if latest.latency is None else repr(latest.latency)
    return (
        f'{{"status": "{latest.status}", "latency": {latency}, '
        f'"lastUpdatedAt": {latest.minute * 60}, "knownSince": {entry.known_since * 60}}}'
    )


def _entry(source: StrictJson, path: Path, value: Any, today: int) -> BoardEntry:
    """An entry; its head is believed only as far as today's minutes do not contradict it."""
    fields = source.fields(path, value, {"now", "minutes", "days"})
    texts = {
        key: source.text((*path, key), fields[key], f"expected a text such as {example}")
        for key, example in (("minutes", "720UD719U"), ("days", "3x1440 1439/0/1"))
    }
    reading = "minutes"
    try:
        minutes = day_from_text(texts["minutes"])
        reading = "days"
        days = past_days_from_text(texts["days"])
    except ValueError as error:
        source.refuse((*path, reading), str(error))
    known_since, latest = _head(source, (*path, "now"), fields["now"])
    midnight = today * MINUTES_OF_DAY
    if newest := minutes.newest():
        minute = midnight + newest[0]
        latency = latest.latency if minute == latest.minute else None
        latest = Latest(minute, newest[1], latency)
        known_since = min(known_since, midnight + minutes.oldest())
    return BoardEntry(known_since, latest, minutes, days)


def _head(source: StrictJson, path: Path, value: Any) -> tuple[int, Latest]:
    head = source.fields(path, value, {"status", "latency", "lastUpdatedAt", "knownSince"})
    minute = source.minute((*path, "lastUpdatedAt"), head["lastUpdatedAt"])
    latest = Latest(
        minute,
        source.status((*path, "status"), head["status"]),
        source.latency((*path, "latency"), head["latency"]),
    )
    return min(source.minute((*path, "knownSince"), head["knownSince"]), minute), latest
