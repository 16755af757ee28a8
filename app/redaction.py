"""Secrets kept out of what is written, even where somebody else's message holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from app.log_lines import escaped

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
                found |= {part, quote(part, safe=""), json.dumps(part)[1:-1], escaped(part)}
        self._hidden = tuple(sorted(found, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for secret in self._hidden:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return text
