"""The errors: one tree, drawn where it is made, each error one line for a person."""

from __future__ import annotations

import re

import pytest

from github_store import errors
from github_store.errors import (
    AccessLost,
    ConfigurationError,
    GitHubTimeout,
    GitHubUnavailable,
    IncidentNotFound,
    InvalidEnd,
    OutcomeUnknown,
    RateLimited,
    StoreError,
    Unprocessable,
)


def drawn() -> dict[str, str]:
    """Every error of the drawing with the one above it."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if branch := re.match(r"((?:│   )*)(?:├── |└── )(\w+) ", line):
            depth = len(branch[1]) // 4 + 1
            path[depth:] = [branch[2]]
            parents[branch[2]] = path[depth - 1]
        elif line == "StoreError":
            path = ["StoreError"]
    return parents


def test_the_tree_is_as_it_is_drawn() -> None:
    made = {
        name: each.__bases__[0].__name__
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, StoreError) and each is not StoreError
    }
    assert drawn() == made


@pytest.mark.parametrize("error", [GitHubTimeout, RateLimited, AccessLost, OutcomeUnknown])
def test_outages_can_say_when_to_come_back(error: type[GitHubUnavailable]) -> None:
    assert error("out").retry_after_seconds is None
    assert error("out", retry_after_seconds=60).retry_after_seconds == 60


def test_errors_carry_what_is_wrong_as_data() -> None:
    assert IncidentNotFound(12).number == 12
    assert Unprocessable("too long", field="body").field == "body"
    assert (InvalidEnd(start=5, end=4).start, InvalidEnd(start=5, end=4).end) == (5, 4)


@pytest.mark.parametrize(
    "error",
    [
        IncidentNotFound(12),
        InvalidEnd(start=5, end=4),
        Unprocessable("the title is too long"),
        RateLimited("no more requests this hour", retry_after_seconds=60),
        ConfigurationError("GITHUB_REPOSITORY is missing"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_one_line_for_a_person(error: StoreError) -> None:
    assert str(error)
    assert "\n" not in str(error)
