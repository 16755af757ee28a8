"""The repository's list of labels."""

from __future__ import annotations

from github_store.held_repository import PAGE_SIZE, HeldRepository
from github_store.labels import LabelStyle, label_keys


class LabelList:
    """What is there, and what is put there; which labels that shall be, others know."""

    def __init__(self, repository: HeldRepository) -> None:
        self._repository = repository

    async def keys(self) -> frozenset[str]:
        """The names of the labels, as ``label_key`` compares them."""
        pages = self._repository.pages(self._path())
        return label_keys([data["name"] async for reply in pages for data in reply.data or ()])

    async def create(self, style: LabelStyle) -> None:
        """Create a label; one that somebody created meanwhile is as good."""
        body = {"name": style.name, "color": style.color, "description": style.description}
        await self._repository.write("POST", self._repository.path("/labels"), body, accept={422})
        self._repository.held.forget(self._path())

    def _path(self) -> str:
        return self._repository.path("/labels", per_page=PAGE_SIZE)
