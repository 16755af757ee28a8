"""Who has which rights in the repository."""

from __future__ import annotations

import urllib.parse

from github_store.errors import GitHubUnavailable
from github_store.held_reads import note_outage
from github_store.held_repository import HeldRepository


class Collaborators:
    """Source: REST docs, "Get repository permissions for a user"; needs push access."""

    def __init__(self, repository: HeldRepository) -> None:
        self._repository = repository

    async def permission(self, login: str) -> str | None:
        """``admin``, ``write``, ``read`` or ``none``; None where we may not ask."""
        name = urllib.parse.quote(login, safe="")
        path = self._repository.path(f"/collaborators/{name}/permission")
        held = self._repository.held
        known = held.peek(path)  # what it said last holds, from before a restart as well
        try:
            reply = await held.get(path, accept={403}, renew=True, is_optional=known is not None)
        except GitHubUnavailable:
            if known is None:
                raise
            note_outage()
            reply = known.reply
        if not reply.ok or not isinstance(reply.data, dict):
            return None
        permission = reply.data.get("permission")
        return permission if isinstance(permission, str) else None
