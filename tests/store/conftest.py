"""The people of the embedded GitHub's one repository."""

from __future__ import annotations

import pytest

from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person


@pytest.fixture
def owner(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["owner"])


@pytest.fixture
def collaborator(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["collaborator"])


@pytest.fixture
def stranger(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["stranger"])
