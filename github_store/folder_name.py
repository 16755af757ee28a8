"""Names of servers and repositories as parts of a folder's name; pure."""

from __future__ import annotations

import re


def folder_name(text: str) -> str:
    """Small letters, digits, dots and dashes; different texts may have the same one."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")


def server_folder_name(api_url: str) -> str:
    """For an API's URL, without its scheme."""
    return folder_name(api_url.split("//", 1)[-1])
