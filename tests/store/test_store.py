"""What a start asks of the repository before anything else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from github_store.errors import ConfigurationError
from github_store.gateway import Gateway, TokenCredential
from github_store.repository_access import Access, check_access
from tests.store.scripted_http import Answer, scripted


def access(url: str, name: str = "owner/status") -> tuple[Access, str]:
    """What was found out, and the repository's name afterwards."""

    async def run() -> tuple[Access, str]:
        gateway = Gateway(repository_name=name, credential=TokenCredential("made-up"), api_url=url)
        try:
            return await check_access(gateway), gateway.repository_name
        finally:
            await gateway.close()

    return asyncio.run(run())


ME = Answer(200, {"login": "me"})


@pytest.mark.parametrize(
    ("repository", "key", "name"),
    [
        ({"id": 7, "full_name": "Owner/Renamed"}, "7", "Owner/Renamed"),
        ({"full_name": "Owner/Status"}, "owner-status", "Owner/Status"),
        ({}, "owner-status", "owner/status"),
    ],
    ids=["as GitHub answers", "without an id", "with nothing at all"],
)
def test_a_repository_is_called_and_kept_as_its_server_says(
    repository: dict[str, Any], key: str, name: str
) -> None:
    with scripted(Answer(200, repository), ME) as server:
        assert access(server.url) == (Access("me", key), name)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(401, {"message": "Bad credentials"}), r"^GH_TOKEN: .*Bad credentials"),
        (Answer(404, {"message": "Not Found"}), "^GITHUB_REPOSITORY: owner/status does not exist"),
        (Answer(200, {"id": 7, "has_issues": False}), "^GITHUB_REPOSITORY: issues are switched"),
        (Answer(200, {"id": 7, "archived": True}), "^GITHUB_REPOSITORY: .* is archived"),
        (Answer(200, {"id": 7, "permissions": {"push": False}}), "^GH_TOKEN: .* no write access"),
        (Answer(200, {"id": 7}, {"X-OAuth-Scopes": "gist, read:user"}), "^GH_TOKEN: .* scope repo"),
    ],
    ids=["wrong token", "missing", "no issues", "archived", "read only", "scopes"],
)  # fmt: skip
def test_what_cannot_work_is_said_at_the_start(answer: Answer, message: str) -> None:
    with scripted(answer, ME) as server, pytest.raises(ConfigurationError, match=message):
        access(server.url)
