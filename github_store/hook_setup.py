"""Webhooks of the repository pointed at this service, for a GitHub that the service runs itself.

On a real repository a maintainer sets the hook up; see the README. The token needs Webhooks: read
and write for this.
"""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import urlsplit

from github_store.errors import GitHubUnavailable, OutcomeUnknown
from github_store.gateway import Gateway

log = logging.getLogger(__name__)

EVENTS: Final = ("issues", "issue_comment", "label", "member", "push", "repository")
HOOK_PATH: Final = "/webhooks/github"


def shown_url(url: str) -> str:
    """A hook's URL as it may stand in a log: without what may be a secret."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that is none"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


async def point_hook(gateway: Gateway, *, service_url: str, secret: str) -> None:
    """Let one hook deliver to ``service_url``; former ones of this service go.

    Raises GitHubUnavailable or one of its kinds.
    """
    path = f"{gateway.repository}/hooks"
    listed = await gateway.request("GET", path, params={"per_page": "100"})
    for hook in listed.data if listed.ok else ():
        url = str(hook["config"].get("url", ""))
        if url.endswith(HOOK_PATH):
            try:
                await gateway.request("DELETE", f"{path}/{hook['id']}")
            except OutcomeUnknown as error:  # the new one is worth more than the old one costs
                log.warning("the former hook to %s may still be there: %s", shown_url(url), error)
    config = {"url": service_url + HOOK_PATH, "content_type": "json", "secret": secret}
    body = {"name": "web", "active": True, "events": list(EVENTS), "config": config}
    reply = await gateway.request("POST", path, body=body)
    if not reply.ok:
        raise GitHubUnavailable(f"GitHub does not take the hook ({reply.status} {reply.message})")
