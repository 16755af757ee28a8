"""Who may speak for the project."""

from __future__ import annotations

import pytest

from github_store.trust import Trust

TRUST = Trust(own_logins=frozenset({"kener[bot]"}), trusted_authors=frozenset({"Ada"}))


@pytest.mark.parametrize(
    ("author", "association", "verdict"),
    [
        pytest.param("kener[bot]", "NONE", True, id="the service itself, whatever GitHub says"),
        pytest.param("Kener[Bot]", "NONE", True, id="in another case"),
        pytest.param("kener", "NONE", None, id="the person of the bot's name is not the bot"),
        pytest.param("ada", "NONE", True, id="a trusted author, in another case"),
        pytest.param("grace", "OWNER", True, id="the owner"),
        pytest.param("grace", "MEMBER", None, id="a member may be read-only: ask"),
        pytest.param("grace", "COLLABORATOR", None, id="a collaborator may be read-only: ask"),
        pytest.param("grace", "CONTRIBUTOR", None, id="may be a private member: ask"),
        pytest.param("mallory", "NONE", None, id="a stranger may have been let in: ask"),
        pytest.param(None, "NONE", False, id="a deleted account"),
        pytest.param(None, "OWNER", False, id="a deleted account speaks for nobody"),
        pytest.param("", "NONE", None, id="no login matches nobody"),
    ],
)
def test_known_people_are_judged_without_asking(
    author: str | None, association: str, verdict: bool | None
) -> None:
    assert TRUST.without_asking(author, association) is verdict


@pytest.mark.parametrize(
    ("permission", "trusted"),
    [
        ("admin", True),
        ("maintain", True),
        ("write", True),
        ("triage", False),
        ("read", False),
        ("none", False),
        ("", False),
        ("Write", False),
    ],
)
def test_write_access_or_more_is_trusted(permission: str, trusted: bool) -> None:
    assert Trust.by_permission(permission) is trusted


@pytest.mark.parametrize(
    ("association", "trusted"),
    [
        ("OWNER", True),
        ("MEMBER", True),
        ("COLLABORATOR", True),
        ("CONTRIBUTOR", False),
        ("FIRST_TIMER", False),
        ("FIRST_TIME_CONTRIBUTOR", False),
        ("MANNEQUIN", False),
        ("NONE", False),
        ("", False),
    ],
)
def test_the_association_decides_only_as_a_second_best(association: str, trusted: bool) -> None:
    assert Trust.by_association(association) is trusted
