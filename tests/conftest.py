"""Shared fixtures: one started embedded GitHub with one repository; how properties are tried.

Properties are tried on the same examples every time, however slow the machine is; for new examples
run with ``HYPOTHESIS_PROFILE=search``, as ``make soak`` does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from app.settings import SETTING_NAMES
from github_store.embedded import EmbeddedGitHub

for name in list(os.environ):
    # What whoever runs the tests has set for other programs, or for a service of their own.
    is_a_proxy = name.lower().endswith("_proxy")
    if is_a_proxy or name in SETTING_NAMES or name in {"GITHUB_ACTIONS", "FORCE_COLOR"}:
        del os.environ[name]
os.environ["LC_ALL"] = "C.UTF-8"

hypothesis.settings.register_profile(
    "same", deadline=None, derandomize=True, database=None, max_examples=50
)
hypothesis.settings.register_profile("search", deadline=None, max_examples=1_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_xdist_auto_num_workers() -> int:
    """Two a core: many tests wait for servers that they start more than they compute."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture
def github(tmp_path: Path) -> Iterator[EmbeddedGitHub]:
    """A running embedded GitHub; ``owner/status`` is there, with a README in its first commit."""
    with EmbeddedGitHub(tmp_path / "github") as running:
        running.create_repository("owner/status", files={"README.md": b"# Status\n"})
        yield running
