"""The repository's list of labels."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from typing import Any

from github_store.element_reader import ElementReader
from github_store.errors import GitHubUnavailable, Unprocessable
from github_store.held_repository import PAGE_SIZE, HeldRepository
from github_store.label_names import RepositoryLabel
from github_store.labels import LabelStyle


class LabelList:
    """What is there, and what is put there; which labels that shall be, others know."""

    def __init__(self, repository: HeldRepository, *, clock: Callable[[], float]) -> None:
        self._repository = repository
        self._labels = ElementReader("label", _label, clock=clock)
        self.failing = self._labels.failing

    async def all(self, *, renew: bool = False) -> list[RepositoryLabel]:
        """Every label; ``renew`` asks GitHub now, conditionally."""
        path = self._path()
        pages = self._repository.pages_renewed(path) if renew else self._repository.pages(path)
        found = [self._labels.all_of(reply.data) async for reply in pages]
        if not found:
            raise GitHubUnavailable("GitHub gives no list of labels")
        return [label for page in found for label in page]

    async def find(self, name: str) -> RepositoryLabel | None:
        """The label of this name, asked now; None where there is none."""
        reply = await self._repository.held.get(self._one_path(name), renew=True)
        if not reply.ok:
            await self._repository.believe_missing(reply)
            return None
        try:
            return _label(reply.data)
        except (AttributeError, KeyError, TypeError):
            raise GitHubUnavailable("GitHub's answer is no label") from None

    async def rename(self, name: str, new_name: str) -> None:
        """Let a label be called otherwise. Raises as HeldRepository.write does."""
        body = {"new_name": new_name}
        await self._repository.write("PATCH", self._one_path(name), body, accept={422})
        self._repository.held.distrust(self._path())

    def is_at_hand(self) -> bool:
        """Whether the whole list is held, and may be given without asking GitHub."""
        return self._repository.is_at_hand(self._path())

    async def create(self, style: LabelStyle) -> int | None:
        """Create a label, and tell its id; None for one that somebody created meanwhile, which is
        as good. Raises Unprocessable for one that GitHub does not take."""
        body = {"name": style.name, "color": style.color, "description": style.description}
        try:
            reply = await self._repository.write("POST", self._repository.path("/labels"), body)
        except Unprocessable as error:
            if "already" not in str(error):  # already_exists, as GitHub says it
                raise
            return None
        finally:
            self._repository.held.distrust(self._path())
        label_id = reply.data.get("id") if isinstance(reply.data, dict) else None
        return label_id if type(label_id) is int else None

    def _one_path(self, name: str) -> str:
        return self._repository.path(f"/labels/{urllib.parse.quote(name, safe='')}")

    def _path(self) -> str:
        return self._repository.path("/labels", per_page=PAGE_SIZE)


def _label(data: Any) -> RepositoryLabel:
    if not isinstance(name := data["name"], str):
        raise TypeError("a label without a name")
    label_id, description = data.get("id"), data.get("description")
    return RepositoryLabel(
        label_id if type(label_id) is int else None,
        name,
        description if isinstance(description, str) else "",
    )
