"""The repository's list of labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from github_store.element_reader import ElementReader
from github_store.errors import Unprocessable
from github_store.held_repository import PAGE_SIZE, HeldRepository
from github_store.labels import LabelStyle, label_keys


class LabelList:
    """What is there, and what is put there; which labels that shall be, others know."""

    def __init__(self, repository: HeldRepository, *, clock: Callable[[], float]) -> None:
        self._repository = repository
        self._names = ElementReader("label", _name, clock=clock)
        self.failing = self._names.failing

    async def keys(self) -> frozenset[str]:
        """The names of the labels, as ``label_key`` compares them."""
        pages = self._repository.pages(self._path())
        return label_keys([n async for reply in pages for n in self._names.all_of(reply.data)])

    async def create(self, style: LabelStyle) -> None:
        """Create a label; one that somebody created meanwhile is as good. Raises Unprocessable for
        one that GitHub does not take."""
        body = {"name": style.name, "color": style.color, "description": style.description}
        try:
            await self._repository.write("POST", self._repository.path("/labels"), body)
        except Unprocessable as error:
            if "already" not in str(error):  # already_exists, as GitHub says it
                raise
        self._repository.held.forget(self._path())

    def _path(self) -> str:
        return self._repository.path("/labels", per_page=PAGE_SIZE)


def _name(data: Any) -> str:
    if not isinstance(name := data["name"], str):
        raise TypeError("a label without a name")
    return name
