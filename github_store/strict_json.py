"""What the committed JSON files are made of, read strictly; pure.

Anything unknown is refused, since writing the file anew would lose it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date
from functools import lru_cache
from typing import Any, Final, NoReturn

from github_store.json_source import JsonSource, Path
from github_store.latency import LARGEST
from github_store.monitor import Status

VERSION: Final = 2
FIRST_DAY: Final = date(1970, 1, 1).toordinal()
LATEST_SECOND: Final = 253_402_300_799  # 9999-12-31T23:59:59Z

_NUMBERS: Final = frozenset((int, float))


@lru_cache(maxsize=1_024)
def date_of(day: int) -> str:
    """The ISO date of a day numbered from 1970-01-01."""
    return date.fromordinal(FIRST_DAY + day).isoformat()


def day_of(text: str) -> int | None:
    """The number of a date spelt as ``date_of`` does; None for any other text."""
    try:
        day = date.fromisoformat(text).toordinal() - FIRST_DAY
    except ValueError:
        return None
    return day if day >= 0 and date_of(day) == text else None


@lru_cache(maxsize=8_192)
def key_text(tag: str) -> str:
    """A tag as a key, quoted."""
    return json.dumps(tag, ensure_ascii=False)


class StrictJson:
    """One reading of one file; ``name`` is what it is called in messages.

    Every method raises BrokenDocument, with line and column, for what it does not expect.
    """

    def __init__(self, content: bytes, *, name: str) -> None:
        self._source = JsonSource(content, name=name)

    def root(self, *fields: str) -> dict[str, Any]:
        """The outermost object, its version checked: the fields named and a legend or none."""
        found = self._source.parse()
        version = found.get("version", VERSION) if isinstance(found, dict) else VERSION
        if version != VERSION or isinstance(version, bool):
            self.refuse(("version",), f"only version {VERSION} can be read here")
        root = self.fields((), found, {"version", *fields}, {"legend"})
        for word, meaning in self.fields(("legend",), root.get("legend", {})).items():
            self.text(("legend", word), meaning, "expected a text, or no legend at all")
        return root

    def refuse(self, path: Path, problem: str) -> NoReturn:
        self._source.refuse(path, problem)

    def fields(
        self,
        path: Path,
        value: Any,
        required: Collection[str] | None = None,
        optional: Collection[str] = (),
    ) -> dict[str, Any]:
        """The value if it is an object with these keys, any keys where none are named."""
        if not isinstance(value, dict):
            self.refuse(path, "expected an object")
        if required is None or value.keys() == required:
            return value
        if missing := sorted(set(required) - value.keys()):
            self.refuse(path, f"{missing[0]} is missing")
        if unknown := sorted(value.keys() - set(required) - set(optional)):
            self.refuse((*path, unknown[0]), "is not known here")
        return value

    def monitors(self, value: Any) -> dict[str, Any]:
        """What the file says of each tag."""
        monitors = self.fields(("monitors",), value)
        for tag in monitors:
            if not tag.isascii() and any("\ud800" <= char <= "\udfff" for char in tag):
                self.refuse(("monitors", tag), "the tag contains half of a surrogate pair")
        return monitors

    def text(self, path: Path, value: Any, problem: str) -> str:
        if not isinstance(value, str):
            self.refuse(path, problem)
        return value

    def day(self, path: Path, value: Any) -> int:
        problem = "expected a date such as 2026-11-22"
        day = day_of(self.text(path, value, problem))
        if day is None:
            self.refuse(path, problem)
        return day

    def minute(self, path: Path, value: Any) -> int:
        """Whole seconds since 1970 in the file, a minute's number here."""
        if type(value) is not int or not 0 <= value <= LATEST_SECOND:
            self.refuse(path, "expected whole seconds since 1970")
        return value // 60

    def status(self, path: Path, value: Any) -> Status:
        if not isinstance(value, str) or value not in Status.__members__:
            self.refuse(path, "expected UP, DOWN or DEGRADED")
        return Status(value)

    def latency(self, path: Path, value: Any) -> float | None:
        if not _is_latency(value):
            self.refuse(path, "expected a number from 0, or null")
        known: float | None = value
        return known

    def latencies(self, path: Path, value: Any) -> list[float | None]:
        if not isinstance(value, list):
            self.refuse(path, "expected a list of numbers")
        numbers = [each for each in value if each is not None]
        # All at once first: a file of a day has a million and more.
        fine = set(map(type, numbers)) <= _NUMBERS and (
            not numbers or (min(numbers) >= 0 and max(numbers) <= LARGEST)
        )
        if not fine:
            place = next(place for place, each in enumerate(value, 1) if not _is_latency(each))
            self.refuse(path, f"expected numbers from 0, or null; number {place} is neither")
        return value


def _is_latency(value: Any) -> bool:
    return value is None or (type(value) in _NUMBERS and 0 <= value <= LARGEST)
