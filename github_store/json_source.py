"""A JSON file that people may have edited, read strictly: every complaint names line and column.

Beyond what is no JSON, a key that stands twice in one object is refused (of a merge by hand one
of the two would be lost silently), and so are NaN and Infinity, which JSON does not have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NoReturn

from github_store.errors import BrokenDocument

Path = tuple[str, ...]
"""The keys that lead from the outermost object to a value."""

_DECODER: Final = json.JSONDecoder()
_MOST_NUMBERS: Final = 10_000
_WHITE_SPACE: Final = re.compile(r"[ \t\r\n]*")


class JsonSource:
    """The bytes of one named file."""

    def __init__(self, content: bytes, *, name: str) -> None:
        self._name = name
        try:
            self._text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._text = content[: error.start].decode("utf-8-sig", "replace")
            self._refuse_at(len(self._text), "not UTF-8 text")

    def parse(self) -> Any:
        """The JSON value. Raises BrokenDocument for anything else."""
        repeated = False

        def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            nonlocal repeated
            values = dict(pairs)
            repeated = repeated or len(values) != len(pairs)
            return values

        try:
            value = json.loads(
                self._text,
                object_pairs_hook=unique,
                parse_float=_Numbers().__getitem__,
                parse_constant=_no_constant,
            )
        except json.JSONDecodeError as error:
            self._refuse_at(error.pos, f"not valid JSON: {error.msg}")
        except _NoNumber as error:
            self._refuse_at(self._text.find(str(error)), f"{error} is no JSON number")
        except (RecursionError, ValueError):  # nested too deeply, or a number of 4,300 digits
            self._refuse_at(0, "not the JSON of this file at all")
        if repeated:
            self._refuse_repeated()
        return value

    def refuse(self, path: Sequence[str], problem: str) -> NoReturn:
        """Raise BrokenDocument about the value at ``path``; ``problem`` says what is expected."""
        wanted = tuple(path)
        at = next((at for found, at in self._places() if found == wanted), 0)
        self._refuse_at(at, f"{'.'.join(path) or 'the file'}: {problem}")

    def _refuse_repeated(self) -> NoReturn:
        seen: set[Path] = set()
        for path, at in self._places():
            if path in seen:
                self._refuse_at(at, f"{'.'.join(path)} is given twice")
            seen.add(path)
        self._refuse_at(0, "a key inside a list is given twice")

    def _refuse_at(self, at: int, problem: str) -> NoReturn:
        before = self._text[: max(at, 0)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise BrokenDocument(self._name, problem, line=line, column=column)

    def _places(self) -> Iterator[tuple[Path, int]]:
        return _places_in(self._text, _skip(self._text, 0), ())


class _Numbers(dict[str, float]):
    """Numbers by their spelling: of a million latencies few are different, and so each is made
    and kept once, which is three times as fast as making it anew."""

    def __missing__(self, spelling: str) -> float:
        number = float(spelling)
        if len(self) < _MOST_NUMBERS:
            self[spelling] = number
        return number


class _NoNumber(Exception):
    """NaN, Infinity or -Infinity."""


def _no_constant(name: str) -> NoReturn:
    raise _NoNumber(name)


def _places_in(text: str, at: int, path: Path) -> Iterator[tuple[Path, int]]:
    """Where each value of valid JSON begins, objects walked through, lists not."""
    yield path, at
    if text[at] != "{":
        return
    at = _skip(text, at + 1)
    while text[at] == '"':
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        yield from _places_in(text, at, (*path, key))
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    """The next place that is no white space."""
    match = _WHITE_SPACE.match(text, at)
    return match.end() if match else at
