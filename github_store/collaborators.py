"""Who has which rights in the repository."""

from __future__ import annotations

import urllib.parse

from github_store.errors import GitHubUnavailable
from github_store.gateway import Reply
from github_store.held_reads import note_outage
from github_store.held_repository import HeldRepository


class Collaborators:
    """Source: REST docs, "Get repository permissions for a user"; needs push access."""

    def __init__(self, repository: HeldRepository) -> None:
        self._repository = repository

    async def permission(self, login: str) -> str | None:
        """``admin``, ``write``, ``read`` or ``none``; None where we may not ask."""
        path, held = self._path(login), self._repository.held
        known = held.peek(path)  # what it said last holds, from before a restart as well
        try:
            reply = await held.get(path, accept={403}, renew=True, is_optional=known is not None)
        except GitHubUnavailable:
            if known is None:
                raise
            note_outage()
            reply = known.reply
        return _told(reply)

    def permission_known(self, login: str) -> str | None:
        """What GitHub told last, without asking; None where that is not known."""
        held = self._repository.held.peek(self._path(login))
        return _told(held.reply) if held else None

    def _path(self, login: str) -> str:
        name = urllib.parse.quote(login, safe="")
        return self._repository.path(f"/collaborators/{name}/permission")


def _told(reply: Reply) -> str | None:
    permission = reply.data.get("permission") if isinstance(reply.data, dict) else None
    return permission if reply.ok and isinstance(permission, str) else None
