"""The message of a status commit, for a person reading ``git log``; pure.

``google-search DOWN, earth UP · 34 samples [skip ci]``: whose status changed to what, and how
many samples came. No workflow shall run for it, hence the ending.
"""

from __future__ import annotations

from typing import Final

from github_store.status_document import StatusDocument

MAX_NAMED: Final = 5


def commit_message(before: StatusDocument, after: StatusDocument, *, samples: int) -> str:
    """One line about what is new in ``after``."""
    changes = [
        f"{tag} {history.latest.status}"
        for tag, history in sorted(after.histories.items())
        if not (old := before.histories.get(tag)) or old.latest.status != history.latest.status
    ]
    if len(changes) > MAX_NAMED + 1:
        changes[MAX_NAMED:] = [f"{len(changes) - MAX_NAMED} more"]
    what = ", ".join(changes) or "No status changed"
    return f"{what} · {samples} {'sample' if samples == 1 else 'samples'} [skip ci]"
