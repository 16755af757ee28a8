"""What Kener keeps in an issue's text: times in brackets, issue-form headings, hidden comments.

    Database is slow [start_datetime:1702405740] [end_datetime:2023-12-12T18:32Z]

    <!-- kener-issues: for this program alone -->

Times are whole seconds since 1970, or ISO 8601 (UTC without an offset), from 1970 to 9999;
anything else in the brackets is plain text. An issue form leaves ``### Start time (UTC)`` with
the time on the next written line; such headings are read but stay in the text, and a marker
beats them. Of several markers the first counts. So a text that says when in a heading says it
for as long as the heading stands there: clearing the time means taking the heading out as well.

Taking a marker out can push a new one together: ``[start_[end_datetime:1]datetime:2]``. Such
leftovers go as well, but only what stood in the text as it was written sets a value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

LATEST: Final = 253_402_300_799
"""The last second of the year 9999."""

Kind = Literal["start", "end", "hidden"]

_COMMENT_START: Final = "<!-- kener-issues:"
_COMMENT_END: Final = "-->"
_LONGEST_MARKER: Final = 64
_SPECIAL: Final = re.compile(r"[\[\]:>\n]")
_MARKER: Final = re.compile(r"\[(start|end)_datetime:([^\[\]]+)\]")
_SECONDS: Final = re.compile(r"[0-9]{1,20}")
_ISO: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)?"
)
_HEADING: Final = re.compile(
    r"###[ \t]+(start|end)(?:[ \t]+(?:time|datetime|date and time))?(?:[ \t]*\(utc\))?[ \t]*\r?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Markup:
    """A body taken apart. ``hidden`` are the contents of our comments, in their order.

    Comments that this program can't have written (with brackets in them) are not among these.
    """

    start: int | None
    end: int | None
    text: str
    hidden: tuple[str, ...]


def read_markup(body: str) -> Markup:
    """Take a body apart; ``text`` is without markers, our comments and outer white space."""
    reduced = _Reduction(body)
    text = reduced.text.strip()
    return Markup(
        start=_first(reduced.times("start"), _heading_times(text, "start")),
        end=_first(reduced.times("end"), _heading_times(text, "end")),
        text=text,
        hidden=tuple(reduced.hidden),
    )


def write_markup(
    text: str, *, start: int | None, end: int | None, hidden: Sequence[str] = ()
) -> str:
    """The body Kener stores for a text free of markers; our comments follow a blank line.

    Raises ValueError for a hidden content that could not be read back.
    """
    if not all(map(_can_be_hidden, hidden)):
        raise ValueError("a hidden comment is one trimmed line without brackets")
    body = text
    if start is not None:
        body += f" [start_datetime:{start}]"
    if end is not None:
        body += f" [end_datetime:{end}]"
    comments = [f"{_COMMENT_START} {content} {_COMMENT_END}" for content in hidden]
    return "\n\n".join([body, "\n".join(comments)]) if comments else body


def replace_end(body: str, end: int) -> str:
    """The body with ``end`` as its only end marker, and otherwise as the maintainer wrote it.

    Only where markers stand entangled in each other, so that taking out the end would change
    what else is read, is the body written anew.
    """
    kept = _Reduction(body, keep=frozenset({"start", "hidden"})).text
    if kept.endswith(" ") and not body.endswith(" "):
        kept = kept[:-1]  # the space that stood before the end marker taken from the tail
    body_with_end = f"{kept} [end_datetime:{end}]"
    wanted = replace(read_markup(body), end=end)
    if read_markup(body_with_end) == wanted:
        return body_with_end
    return write_markup(wanted.text, start=wanted.start, end=end, hidden=wanted.hidden)


def read_hidden(text: str) -> tuple[str, tuple[str, ...]]:
    """A comment's text without this program's hidden comments, and their contents.

    Times in brackets mean nothing there and stay. A text without hidden comments is given back
    as it is.
    """
    reduced = _Reduction(text, keep=frozenset({"start", "end"}))
    if not reduced.took_comments:
        return text, ()
    kept = reduced.text
    for ending in ("\n\n", "\r\n\r\n"):
        if kept.endswith(ending):  # the blank line that parted them
            kept = kept.removesuffix(ending)
            break
    return kept, tuple(reduced.hidden)


def write_hidden(text: str, hidden: Sequence[str]) -> str:
    """The text of a comment with hidden comments, as ``read_hidden`` takes it apart."""
    return write_markup(text, start=None, end=None, hidden=hidden)


def seconds_of(text: str) -> int | None:
    """Whole seconds or an ISO 8601 date and time as seconds since 1970; None for anything else.

    Fractions of a second are dropped. Times before 1970 or after 9999 are none.
    """
    if _SECONDS.fullmatch(text):
        seconds = int(text)
    elif iso := _ISO.fullmatch(text):
        date, clock, second, sign, hours, minutes = iso.groups()
        try:
            moment = datetime.fromisoformat(f"{date}T{clock}:{second or '00'}+00:00")
        except ValueError:
            return None
        offset = int(hours or 0) * 3600 + int(minutes or 0) * 60
        seconds = int(moment.timestamp()) + (offset if sign == "-" else -offset)
    else:
        return None
    return seconds if 0 <= seconds <= LATEST else None


def _can_be_hidden(content: str) -> bool:
    """Whether a content survives being written: nothing in it can end it or begin a marker."""
    return content == content.strip() and not any(char in content for char in "\r\n[]<>")


def _first(*candidates: list[int]) -> int | None:
    return next((times[0] for times in candidates if times), None)


def _heading_times(text: str, kind: str) -> list[int]:
    """The valid times that stand under the form's headings of one kind."""
    times: list[int] = []
    waiting = False
    for line in text.split("\n"):
        if heading := _HEADING.fullmatch(line):
            waiting = heading[1].lower() == kind
        elif waiting and (value := line.strip()):
            waiting = False
            if (seconds := seconds_of(value)) is not None:
                times.append(seconds)
    return times


@dataclass(frozen=True, slots=True)
class _Spot:
    """A character that may begin something: where it stands in the output and in the source.

    ``opens`` is False for what ends the search: a ``]`` that stayed, or a line's end.
    """

    output: int
    source: int
    opens: bool


class _Reduction:
    """One pass over a text that takes out every marker and hidden comment, to the fixpoint.

    The output is a stack: only its end can become a marker or comment, at a ``]`` or ``>``.
    Taking one off the end restores an earlier state exactly, bracket by bracket, so nothing is
    looked at twice and 65,536 hostile characters cost no more than their number.

    Kinds in ``keep`` stay in the text where they stood in the source; leftovers never stay.
    """

    def __init__(self, source: str, *, keep: frozenset[Kind] = frozenset()) -> None:
        self._source = source
        self._keep = keep
        self._output: list[str] = []
        self._brackets: list[_Spot] = []
        self._comments: list[_Spot] = []
        self._times: list[tuple[str, int]] = []
        self.hidden: list[str] = []
        self.took_comments = False
        self._run()
        self.text = "".join(self._output)

    def times(self, kind: Kind) -> list[int]:
        return [seconds for each, seconds in self._times if each == kind]

    def _run(self) -> None:
        done = 0
        for special in _SPECIAL.finditer(self._source):
            self._output.extend(self._source[done : special.start()])
            done = special.end()
            self._output.append(special[0])
            match special[0]:
                case "[":
                    self._brackets.append(self._spot(special.start(), opens=True))
                case "]":
                    self._close_bracket(special.start())
                case ":":
                    self._open_comment(special.start())
                case ">":
                    self._close_comment(special.start())
                case _:
                    self._comments.append(self._spot(special.start(), opens=False))
        self._output.extend(self._source[done:])

    def _spot(self, source: int, *, opens: bool) -> _Spot:
        return _Spot(len(self._output) - 1, source, opens)

    def _close_bracket(self, source: int) -> None:
        opening = self._brackets[-1] if self._brackets else None
        if opening and opening.opens and len(self._output) - opening.output <= _LONGEST_MARKER:
            candidate = "".join(self._output[opening.output :])
            marker = _MARKER.fullmatch(candidate)
            seconds = seconds_of(marker[2]) if marker else None
            if marker and seconds is not None:
                as_written = self._source[opening.source : source + 1] == candidate
                if as_written:
                    self._times.append((marker[1], seconds))
                if not (as_written and marker[1] in self._keep):
                    self._cut(opening.output)
                    return
        self._brackets.append(self._spot(source, opens=False))

    def _open_comment(self, source: int) -> None:
        if "".join(self._output[-len(_COMMENT_START) :]) == _COMMENT_START:
            self._comments.append(self._spot(source, opens=True))

    def _close_comment(self, source: int) -> None:
        opening = self._comments[-1] if self._comments else None
        if not (opening and opening.opens) or self._output[-3:] != list(_COMMENT_END):
            return
        begin = opening.source + 1 - len(_COMMENT_START)
        as_written = (
            source - opening.source == len(self._output) - 1 - opening.output
            and self._source[max(begin, 0) : opening.source + 1] == _COMMENT_START
        )
        content = self._source[opening.source + 1 : source - 2].strip()
        if as_written and _can_be_hidden(content):
            self.hidden.append(content)
        if as_written and "hidden" in self._keep:
            self._comments.append(self._spot(source, opens=False))
        else:
            self.took_comments = True
            self._cut(opening.output + 1 - len(_COMMENT_START))

    def _cut(self, length: int) -> None:
        """Shorten the output, and forget the spots that stood in what is gone."""
        del self._output[length:]
        for spots in (self._brackets, self._comments):
            while spots and spots[-1].output >= length:
                spots.pop()
