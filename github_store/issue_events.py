"""An issue's history: GitHub says of labels and closings when they happened only there."""

from __future__ import annotations

from github_store.current_labels import CurrentLabels
from github_store.held_repository import PAGE_SIZE, HeldRepository
from github_store.labels import label_key
from github_store.records import seconds_from_iso


class IssueEvents:
    """Times are seconds since 1970."""

    def __init__(self, repository: HeldRepository, labels: CurrentLabels) -> None:
        self._repository = repository
        self._labels = labels

    async def labelled_at(self, number: int, label: str) -> int | None:
        """When a label of ours was last put on an issue, whatever it was called; None if never.

        What is held is given only while GitHub is out: nobody tells of events, and who asks knows
        of an update that may be one.
        """
        names = self._labels.now.ever(label)
        last: int | None = None
        path = self._path(number)
        self._repository.distrust_pages(path)
        async for reply in self._repository.pages(path):
            for event in reply.data or ():
                name = (event.get("label") or {}).get("name", "")
                if event.get("event") == "labeled" and label_key(name) in names:
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
