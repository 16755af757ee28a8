"""The message of a status commit, for a person reading ``git log``; pure.

``google-search DOWN, earth UP · 34 samples [skip ci]``: whose status changed to what, and how
many samples came. No workflow shall run for it, hence the ending.
"""

from __future__ import annotations

from typing import Final

from github_store.monitor import Status
from github_store.status_board import Board
from github_store.strict_json import date_of

MAX_NAMED: Final = 5
_STEADY: Final = "No status changed"
_URGENCY: Final = (Status.DOWN, Status.DEGRADED, Status.UP)


def board_message(before: Board, after: Board, *, samples: int) -> str:
    """One line about what is new in ``after``: what is down first, a few by name; an ended day."""
    status_of = {
        tag: entry.latest.status
        for tag, entry in after.entries.items()
        if not (old := before.entries.get(tag)) or old.latest.status != entry.latest.status
    }
    changed = sorted(status_of, key=lambda tag: (_URGENCY.index(status_of[tag]), tag))
    named = len(changed) if len(changed) <= MAX_NAMED + 1 else MAX_NAMED
    what = ", ".join(f"{tag} {status_of[tag]}" for tag in changed[:named])
    if named < len(changed):
        what += f" and {len(changed) - named} more"
    if after.today > before.today and before.entries:
        what = f"{what or _STEADY}, {date_of(before.today)} ended"
    return _line(what, samples)


def _line(what: str, samples: int) -> str:
    counted = "1 sample" if samples == 1 else f"{samples} samples"
    return f"{what or _STEADY} · {counted} [skip ci]"
