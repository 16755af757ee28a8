"""Webhooks of the repository pointed at this service, for a GitHub that the service runs itself.

On a real repository a maintainer sets the hook up; see the README. The token needs Webhooks: read
and write for this.
"""

from __future__ import annotations

from typing import Final

from github_store.errors import GitHubUnavailable
from github_store.gateway import Gateway

EVENTS: Final = ("issues", "issue_comment", "label", "member", "push", "repository")
HOOK_PATH: Final = "/webhooks/github"


async def point_hook(gateway: Gateway, *, service_url: str, secret: str) -> None:
    """Let one hook deliver to ``service_url``; former ones of this service go.

    Raises GitHubUnavailable or one of its kinds.
    """
    path = f"{gateway.repository}/hooks"
    listed = await gateway.request("GET", path, params={"per_page": "100"})
    for hook in listed.data if listed.ok else ():
        if str(hook["config"].get("url", "")).endswith(HOOK_PATH):
            await gateway.request("DELETE", f"{path}/{hook['id']}")
    config = {"url": service_url + HOOK_PATH, "content_type": "json", "secret": secret}
    body = {"name": "web", "active": True, "events": list(EVENTS), "config": config}
    reply = await gateway.request("POST", path, body=body)
    if not reply.ok:
        raise GitHubUnavailable(f"GitHub does not take the hook ({reply.status} {reply.message})")
