"""An issue's history: GitHub says of labels and closings when they happened only there."""

from __future__ import annotations

from github_store.held_repository import PAGE_SIZE, HeldRepository
from github_store.labels import label_key
from github_store.records import seconds_from_iso


class IssueEvents:
    """Times are seconds since 1970."""

    def __init__(self, repository: HeldRepository) -> None:
        self._repository = repository

    async def labelled_at(self, number: int, label: str) -> int | None:
        """When a label was last put on an issue; None if never."""
        last: int | None = None
        async for reply in self._repository.pages(self._path(number)):
            for event in reply.data or ():
                name = (event.get("label") or {}).get("name", "")
                if event.get("event") == "labeled" and label_key(name) == label_key(label):
                    last = seconds_from_iso(event["created_at"])
        return last

    async def closings(self, number: int) -> list[int]:
        """When an issue was closed, each time, asked past what is held.

        Raises GitHubUnavailable on a server that gives no events.
        """
        return [
            seconds_from_iso(event["created_at"])
            async for reply in self._repository.pages_anew(self._path(number))
            for event in reply.data or ()
            if event.get("event") == "closed"
        ]

    def _path(self, number: int) -> str:
        return self._repository.path(f"/issues/{number}/events", per_page=PAGE_SIZE)
