"""What the API version 2026-03-10 leaves out of what 2022-11-28 shows.

``assignee`` of issues and search items, ``rate`` of the rate limit, and some members of a
repository. Handlers make the older form, this module takes away.
"""

from __future__ import annotations

from typing import Any

NEWER = "2026-03-10"
# An object that has the first member loses the others.
LEFT_OUT = {
    "assignees": ("assignee",),
    "resources": ("rate",),
    "clone_url": ("has_downloads", "use_squash_pr_title_as_default"),
}


def shown_as(version: str, body: Any) -> Any:
    """The body (JSON data, bytes or None) as this version of the API shows it."""
    if version != NEWER:
        return body
    if isinstance(body, list):
        return [shown_as(version, entry) for entry in body]
    if not isinstance(body, dict):
        return body
    dropped = {name for mark, names in LEFT_OUT.items() if mark in body for name in names}
    return {name: shown_as(version, value) for name, value in body.items() if name not in dropped}
