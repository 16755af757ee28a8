"""What an earlier process held of single issues and comments, taken up as news.

Its lists are on the shelf as they were read last. What was written or told after that was laid over
them in memory alone: without this, an outage at the start would show lists from before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from github_store.held_reads import Held
from github_store.held_repository import HeldRepository
from github_store.incident_news import IncidentNews, Recalled
from github_store.records import seconds_from_iso


def recollect(
    news: IncidentNews, repository: HeldRepository, newest: Callable[[str], Iterable[str]]
) -> None:
    """``newest`` gives the paths on the shelf that match a GLOB pattern."""

    def kept(below: str) -> Iterator[tuple[int, Held]]:
        prefix = repository.path(below)
        for path in newest(f"{prefix}[0-9]*"):
            tail = path.removeprefix(prefix)
            if tail.isdigit() and (held := repository.held.peek(path)):
                yield int(tail), held

    issues, comments = kept("/issues/"), kept("/issues/comments/")
    news.recall(
        [(number, found) for number, held in issues if (found := _recalled(held))],
        [
            ((number, comment_id), found)
            for comment_id, held in comments
            if (number := _issue_of(held)) and (found := _recalled(held))
        ],
    )


def _recalled(held: Held) -> Recalled | None:
    """None for what there never was, and for what is no issue or comment."""
    if not held.reply.ok:
        is_gone = held.reply.status == 410
        return Recalled(confirmed_at=held.at, changed_at=held.at) if is_gone else None
    try:
        changed_at = seconds_from_iso(held.reply.data["updated_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return Recalled(confirmed_at=held.at, changed_at=changed_at)


def _issue_of(held: Held) -> int | None:
    """The issue of a comment; one that is gone does not tell."""
    try:
        return int(held.reply.data["issue_url"].rpartition("/")[2])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
