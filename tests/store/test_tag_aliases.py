"""Which tag a former one goes by."""

from __future__ import annotations

import pytest

from github_store.monitor import Monitor, Monitors

TAGS = Monitors(
    [Monitor("terra", "Earth", aliases=("earth", "globe")), Monitor("moon", "Moon")]
).aliases


@pytest.mark.parametrize(
    ("tag", "present"),
    [
        pytest.param("terra", "terra", id="the tag itself"),
        pytest.param("earth", "terra", id="a former tag"),
        pytest.param("GLOBE", "terra", id="in another case"),
        pytest.param("Moon", "moon", id="a tag that changed only in case"),
        pytest.param("pluto", "pluto", id="no monitor's"),
        pytest.param("Pluto", "Pluto", id="no monitor's keeps its case"),
    ],
)
def test_a_tag_is_looked_up_among_tags_and_aliases(tag: str, present: str) -> None:
    assert TAGS.of(tag) == present
    assert TAGS.of(tag) == present


def test_values_come_under_the_present_tag_the_present_ones_over_the_former() -> None:
    found = TAGS.merged(
        {"globe": "c", "earth": "b", "terra": "a", "pluto": "p"},
        lambda tag, newer, older: f"{tag}: {newer} over {older}",
    )
    assert found == {"terra": "terra: terra: a over b over c", "pluto": "p"}


def test_a_former_tag_alone_only_changes_its_name() -> None:
    assert TAGS.merged({"earth": 5}, lambda tag, newer, older: 0) == {"terra": 5}


def test_where_nothing_is_former_nothing_is_made() -> None:
    values = {"terra": 1, "pluto": 2}
    assert TAGS.merged(values, lambda tag, newer, older: 0) is values
