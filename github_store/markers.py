"""What Kener keeps in an issue's text: times in brackets, issue-form headings, hidden comments.

    Database is slow [start_datetime:1702405740] [end_datetime:2023-12-12 18:32 UTC]

    ### End time (UTC)

    2023-12-12 18:32

    <!-- kener-issues: for this program alone -->

Which times are read, ``timestamps`` says; a date alone counts for a start only, since an end may
mean its first or its last minute. Anything else in the brackets is plain text, and is told apart as
unreadable. A marker beats a heading; of several the first that can be read counts.

The text is without markers, without headings of times and their values, and without the lines
``_No response_`` of an issue form. A value that cannot be read stays in it.

Taking a marker out can push a new one together: ``[start_[end_datetime:1]datetime:2]``. Such
leftovers go as well, but only what stood in the text as it was written sets a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from github_store.records import iso_from_seconds
from github_store.timestamps import is_date_alone, readable, seconds_of

Bound = Literal["start", "end"]
Kind = Literal["start", "end", "hidden"]

_COMMENT_START: Final = "<!-- kener-issues:"
_COMMENT_END: Final = "-->"
_LONGEST_MARKER: Final = 256
_NO_RESPONSE: Final = "_No response_"
"""What GitHub's issue forms leave of a field that was not filled in."""
_SPECIAL: Final = re.compile(r"[\[\]:>\n]")
_MARKER: Final = re.compile(
    r"\[[^\S\r\n]*(start|end)_datetime[^\S\r\n]*:([^\[\]]*)\]", re.IGNORECASE
)
_NEARLY_MARKER: Final = re.compile(
    r"\[[^\S\r\n]*(start|end)[ _-]?date[ _-]?time(?:[^\[\]]{0,256}\]|[^\r\n]{0,256})",
    re.IGNORECASE,
)
"""What somebody may have meant as one: also with its colon or bracket missing, or more of them."""
_HEADING: Final = re.compile(
    r"###[ \t]+[*_]*(start|end)(?:[ \t_-]?(?:date[ \t_-]?(?:and[ \t])?)?(?:time|(?<=date)))?"
    r"[*_]*[ \t]*(?:utc|gmt|\(([^()]{1,40})\))?[ \t]*[*_:]*(?:[ \t]+#+)?",
    re.IGNORECASE,
)
"""Also as somebody else's form may call it. What stands in its brackets belongs to the time: a zone
that has a name only can't be read, and must not be taken for UTC."""
_SAYS_NOTHING: Final = re.compile(r"\b(?:utc|gmt|optional|required)\b|[ \t,;]", re.IGNORECASE)
_ANY_HEADING: Final = re.compile(r"#{1,6}[ \t]")
_FENCE: Final = re.compile(r"`{3,}[\w-]*|~{3,}[\w-]*")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands in a marker or below a heading, and is no time; of what is only nearly a marker
    all of it."""

    bound: Bound
    value: str


@dataclass(frozen=True, slots=True)
class Markup:
    """A body taken apart. ``hidden`` are the contents of our comments, in their order.

    Comments that this program can't have written (with brackets in them) are not among these.
    """

    start: int | None
    end: int | None
    text: str
    hidden: tuple[str, ...]
    unreadable: tuple[Unreadable, ...] = field(default=(), compare=False)
    """Not compared: two bodies of which the same is read are the same."""


def read_markup(body: str) -> Markup:
    """Take a body apart; ``text`` is without markers, our comments and outer white space."""
    reduced = _Reduction(body)
    form = _Form(reduced.text)
    return Markup(
        start=_first(reduced.times("start"), form.times("start")),
        end=_first(reduced.times("end"), form.times("end")),
        text=form.text,
        hidden=tuple(reduced.hidden),
        unreadable=(*_unreadable_markers(reduced.text), *form.unreadable),
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
        body += _marker("start", start)
    if end is not None:
        body += _marker("end", end)
    comments = [f"{_COMMENT_START} {content} {_COMMENT_END}" for content in hidden]
    return "\n\n".join([body, "\n".join(comments)]) if comments else body


def has_headings(body: str) -> bool:
    """Whether a time has a heading of an issue form in this body."""
    return "###" in body and bool(_Form(_Reduction(body).text).headings)


def write_form(form: str, wanted: Markup) -> str:
    """A body that reads as ``wanted``, with the times in the headings that ``form``, a body, has.

    Where it can, it is ``form`` with other times alone; else the text comes first, and the headings
    follow it. Times without a heading stand in markers. Raises ValueError as ``write_markup``.
    """
    for body in (_with_times(form, wanted), _with_headings(form, wanted)):
        if read_markup(body) == wanted:
            return body
    return write_markup(wanted.text, start=wanted.start, end=wanted.end, hidden=wanted.hidden)


def replace_end(body: str, end: int) -> str:
    """The body with ``end`` as its only end, and otherwise as the maintainer wrote it.

    Where markers stand entangled in each other, so that taking out the end would change what else
    is read, the body is written anew.
    """
    wanted = replace(read_markup(body), end=end)
    return write_form(body, wanted)


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


def _can_be_hidden(content: str) -> bool:
    """Whether a content survives being written: nothing in it can end it or begin a marker."""
    return content == content.strip() and not any(char in content for char in "\r\n[]<>")


def _unreadable_markers(text: str) -> Iterator[Unreadable]:
    """What is left in a text of which the markers that can be read were taken out."""
    for nearly in _NEARLY_MARKER.finditer(text):
        marker = _MARKER.fullmatch(nearly[0])
        bound: Bound = "start" if nearly[1].lower() == "start" else "end"
        yield Unreadable(bound, marker[2] if marker else nearly[0])


def _first(*candidates: list[int]) -> int | None:
    return next((times[0] for times in candidates if times), None)


def _marker(bound: Bound, seconds: int) -> str:
    """The time in brackets, after a blank; seconds that could be a date are written in ISO 8601."""
    is_plain = seconds_of(str(seconds), takes_date=True) == seconds
    return f" [{bound}_datetime:{seconds if is_plain else iso_from_seconds(seconds)}]"


def _time(bound: Bound, value: str) -> int | None:
    return seconds_of(value, takes_date=bound == "start")


@dataclass(frozen=True, slots=True)
class _Heading:
    """Lines ``first`` to ``last``, both included, are it and what belongs to it.

    ``at`` is the line of its value, None where it has none that can be read. ``note``: what the
    heading says of the value's zone, after a blank.
    """

    bound: Bound
    title: str
    first: int
    last: int
    at: int | None
    value: str
    note: str

    @property
    def seconds(self) -> int | None:
        return _time(self.bound, self.value + self.note)


class _Form:
    """The headings of times in a text without markers, and what else it says."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.headings = list(self._find()) if "###" in text else []
        taken = {line for each in self.headings for line in range(each.first, each.last + 1)} | {
            number for number, line in enumerate(self.lines) if line.strip() == _NO_RESPONSE
        }
        kept = (line for number, line in enumerate(self.lines) if number not in taken)
        self.text = "\n".join(kept).strip() if taken else text.strip()

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Below headings; a marker there is told as a marker."""
        return tuple(
            Unreadable(each.bound, each.value + each.note)
            for each in self.headings
            if each.value and each.seconds is None and not _NEARLY_MARKER.match(each.value)
        )

    def times(self, bound: Bound) -> list[int]:
        """The times that stand under the headings of one kind."""
        found = (each.seconds for each in self.headings if each.bound == bound)
        return [seconds for seconds in found if seconds is not None]

    def first(self, bound: Bound) -> _Heading | None:
        return next((each for each in self.headings if each.bound == bound), None)

    def _find(self) -> Iterator[_Heading]:
        for number, line in enumerate(self.lines):
            if heading := _HEADING.fullmatch(line.strip()):
                bound: Bound = "start" if heading[1].lower() == "start" else "end"
                note = f" {heading[2]}" if _SAYS_NOTHING.sub("", heading[2] or "") else ""
                yield self._heading(bound, number, note)

    def _heading(self, bound: Bound, first: int, note: str) -> _Heading:
        last, fence = self._blank_until(first), None
        if (line := self._line(last + 1)) and _FENCE.fullmatch(line):
            fence = last + 1
            last = self._blank_until(fence)
            line = self._line(last + 1)
        title = self.lines[first].strip()
        if not line or _ANY_HEADING.match(line) or _FENCE.fullmatch(line):
            last = last + 1 if fence is not None and line and _FENCE.fullmatch(line) else last
            return _Heading(bound, title, first, last, None, "", note)
        at = last + 1
        if is_date_alone(line) and (time_of_day := self._line(at + 1))[:1].isdigit():
            line = f"{line}\n{time_of_day}"  # a midnight that nobody meant
        if line != _NO_RESPONSE and _time(bound, line + note) is None:
            return _Heading(bound, title, first, first, None, line, note)
        last = self._blank_until(at)
        if fence is not None and _FENCE.fullmatch(self._line(last + 1)):
            last = self._blank_until(last + 1)
        value = "" if line == _NO_RESPONSE else line
        return _Heading(bound, title, first, last, at, value, note)

    def _line(self, number: int) -> str:
        return self.lines[number].strip() if number < len(self.lines) else ""

    def _blank_until(self, number: int) -> int:
        """The last of the blank lines that follow a line, or that line."""
        while number + 1 < len(self.lines) and not self.lines[number + 1].strip():
            number += 1
        return number


def _wanted(markup: Markup) -> Mapping[Bound, int | None]:
    return {"start": markup.start, "end": markup.end}


def _with_times(body: str, wanted: Markup) -> str:
    """The body with other times: in its headings where it has them, else in markers."""
    now = _wanted(read_markup(body))
    for bound, seconds in _wanted(wanted).items():
        if now[bound] == seconds:
            continue
        others: set[Kind] = {"start", "end", "hidden"}
        kept = _Reduction(body, keep=frozenset(others - {bound})).text
        if kept.endswith(" ") and not body.endswith(" "):
            kept = kept[:-1]  # the space that stood before the marker taken from the tail
        form = _Form(kept)
        if heading := form.first(bound):
            body = _with_value(form, heading, seconds)
        else:
            body = kept if seconds is None else kept + _marker(bound, seconds)
    return body


def _with_value(form: _Form, first: _Heading, seconds: int | None) -> str:
    """The form with a time below the first heading of its kind, and below no other."""
    lines = list(form.lines)
    value = _NO_RESPONSE if seconds is None else readable(seconds)
    for each in reversed(form.headings):
        if each.bound != first.bound:
            continue
        text = value if each is first else _NO_RESPONSE
        ending = "\r" if lines[each.first].endswith("\r") else ""
        if each.at is not None:
            lines[each.at] = text + ending
        elif each is first:
            lines[each.first + 1 : each.first + 1] = [ending, text + ending]
            if each.first + 3 < len(lines) and lines[each.first + 3].strip():
                lines.insert(each.first + 3, ending)
    return "\n".join(lines)


def _with_headings(form: str, wanted: Markup) -> str:
    """The text, the headings of ``form`` with the times, and the hidden comments."""
    now, there = read_markup(form), _Form(_Reduction(form).text)
    blocks, markers = [], ""
    for bound, seconds in _wanted(wanted).items():
        heading = there.first(bound)
        if heading is None:
            markers += "" if seconds is None else _marker(bound, seconds)
            continue
        is_same = seconds is not None and seconds == _wanted(now)[bound] == heading.seconds
        value = _NO_RESPONSE if seconds is None else readable(seconds)
        blocks.append(f"{heading.title}\n\n{heading.value if is_same else value}")
    body = "\n\n".join(filter(None, [wanted.text + markers, *blocks]))
    return write_markup(body, start=None, end=None, hidden=wanted.hidden)


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
        self._times: list[tuple[Bound, int]] = []
        self.hidden: list[str] = []
        self.took_comments = False
        self._run()
        self.text = "".join(self._output)

    def times(self, bound: Bound) -> list[int]:
        return [seconds for each, seconds in self._times if each == bound]

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
            if marker := _MARKER.fullmatch(candidate):
                bound: Bound = "start" if marker[1].lower() == "start" else "end"
                seconds = _time(bound, marker[2])
                as_written = self._source[opening.source : source + 1] == candidate
                if seconds is not None:
                    if as_written:
                        self._times.append((bound, seconds))
                    if not (as_written and bound in self._keep):
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
