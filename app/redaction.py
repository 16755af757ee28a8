"""Secrets kept out of what is written, even where somebody else's message holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from app.visible_text import visible_text

HIDDEN: Final = "***"
SHORTEST_SECRET: Final = 8
"""A shorter text stands in ordinary words too: hiding it would spoil every line."""


class Redaction:
    """The secrets that no line may show; more may be added while the service starts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._hidden: tuple[str, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide a secret as it is, and as JSON and URLs write it; of a long one every line."""
        found = set(self._hidden)
        for part in (secret, *secret.splitlines()):
            if len(part) >= SHORTEST_SECRET:
                shown = visible_text(part)
                found |= {part, quote(part, safe=""), shown}
                found |= {json.dumps(each)[1:-1] for each in (part, shown)}
        self._hidden = tuple(sorted(found, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for secret in self._hidden:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return text
