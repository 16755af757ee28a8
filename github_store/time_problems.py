"""Times of an incident that cannot be used as they stand, and how people are told; pure.

What stands in a marker or below a heading and is no time, and an end that is not after its start:
told in one line (log, doctor) and in a comment on the issue. The comment ends in a hidden mark by
which it is found again; the mark is another one once the problems are.

What is quoted comes from the issue's text: it is cut, everything invisible in it is shown by its
number, and in the comment it stands in a code span, where nothing is rendered and nobody mentioned.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

from github_store.incident import is_dismissed
from github_store.markers import Bound, read_hidden, read_markup, write_hidden
from github_store.records import Issue
from github_store.timestamps import is_date_alone, readable
from github_store.yaml_source import shown

MOST_TOLD: Final = 6
"""Problems of one issue; a text can hold thousands."""
_MARK: Final = re.compile(r"times [0-9a-f]{16}")
_ADVICE: Final = """\
Please edit the text of this issue. A time is read below the headings `Start time (UTC)` and \
`End time (UTC)`, or anywhere as `[start_datetime:2026-11-24 18:30 UTC]` and \
`[end_datetime:2026-11-24 19:45 UTC]`, in these shapes among others:

- `2026-11-24 18:30`, which is UTC
- `2026-11-24 19:30 +01:00`
- `2026-11-24T18:30:00Z`

This comment goes away once that is mended. The status page does not show it."""


@dataclass(frozen=True, slots=True)
class TimeProblem:
    """``value`` as it stands there, or of an end that is no end its time.

    ``start``: what that end is not after. ``counts``: another time of the same kind that can be
    read. Both are seconds since 1970.
    """

    bound: Bound
    value: str
    start: int | None = None
    counts: int | None = None

    @property
    def field(self) -> str:
        """The API's name of it."""
        return f"{self.bound}Datetime"

    @property
    def text(self) -> str:
        """What follows the value in a sentence."""
        if self.start is not None:
            return f"is not after the start, {readable(self.start)}"
        problem = "cannot be read as a time"
        if is_date_alone(self.value):  # of a start it can be
            problem = "lacks the time of day, which an end needs"
        instead = "" if self.counts is None else f"; {readable(self.counts)} counts instead"
        return problem + instead


def time_problems(issue: Issue) -> tuple[TimeProblem, ...]:
    """Of an incident's issue; none of one that was closed as none."""
    if is_dismissed(issue):
        return ()
    markup = read_markup(issue.body)
    times: dict[Bound, int | None] = {"start": markup.start, "end": markup.end}
    found = [
        TimeProblem(each.bound, each.value.strip(), counts=times[each.bound])
        for each in dict.fromkeys(markup.unreadable)
    ]
    if markup.start is not None and markup.end is not None and markup.end <= markup.start:
        found.append(TimeProblem("end", readable(markup.end), start=markup.start))
    return tuple(found)


def told(problems: Sequence[TimeProblem]) -> str:
    """One line for a log: fields, values, what is wrong."""
    texts = [f"{each.field}: {_quoted(each)} {each.text}" for each in problems[:MOST_TOLD]]
    return "; ".join([*texts, *_left_out(problems)])


def notice(problems: Sequence[TimeProblem]) -> str:
    """The comment, with its mark."""
    lines = [
        f"- **{each.bound.capitalize()} time:** {_code_span(_quoted(each))} {each.text}"
        for each in problems[:MOST_TOLD]
    ]
    lines += [f"- {text}" for text in _left_out(problems)]
    if any(each.bound == "start" and each.counts is None for each in problems):
        lines += ["", "Without a start the incident counts in no uptime."]
    listed = "\n".join(lines)
    text = f"**kener-issues cannot use a time of this incident.**\n\n{listed}\n\n{_ADVICE}"
    return write_hidden(text, [notice_mark(problems)])


def notice_mark(problems: Sequence[TimeProblem]) -> str:
    """What tells a notice of these problems from one of others, whatever its wording."""
    content = json.dumps([astuple(each) for each in problems]).encode("ascii")
    return f"times {hashlib.sha256(content).hexdigest()[:16]}"


def mark_of(comment: str) -> str | None:
    """The mark of a comment's text, None where it is no notice.

    Whoever quotes a notice, or writes below it, has written something else.
    """
    if "kener-issues: times" not in comment:
        return None
    _, hidden = read_hidden(comment)
    if len(hidden) != 1 or not _MARK.fullmatch(hidden[0]) or comment.lstrip().startswith(">"):
        return None
    return hidden[0] if comment.rstrip().endswith(write_hidden("", hidden).strip()) else None


def _quoted(problem: TimeProblem) -> str:
    return problem.value if problem.start is not None else shown(problem.value)


def _code_span(text: str) -> str:
    """Text in which nothing means anything to Markdown, nor to who looks for hidden comments."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}".replace("<!--", "<! --")


def _left_out(problems: Sequence[TimeProblem]) -> list[str]:
    more = len(problems) - MOST_TOLD
    return [f"and {more} more like it"] if more > 0 else []
