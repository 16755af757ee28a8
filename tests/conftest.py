"""Shared fixtures: one started embedded GitHub with one repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from github_store.embedded import EmbeddedGitHub


@pytest.fixture
def github(tmp_path: Path) -> Iterator[EmbeddedGitHub]:
    """A running embedded GitHub; ``owner/status`` is there, with a README in its first commit."""
    with EmbeddedGitHub(tmp_path / "github") as running:
        running.create_repository("owner/status", files={"README.md": b"# Status\n"})
        yield running
