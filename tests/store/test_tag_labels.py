"""Labels of tags that were renamed, and what monitors.yaml has to say then."""

from __future__ import annotations

import pytest

from github_store.label_names import RepositoryLabel
from github_store.tag_labels import RenamedTag, told_tag, told_tags

EARTH = {"earth": ("old",), "mars": ()}


@pytest.mark.parametrize(
    ("labels", "ids", "kept", "renamed"),
    [
        ({1: "Earth", 2: "bug"}, {}, {"earth": 1}, []),
        ({1: "planet"}, {"earth": 1}, {"earth": 1}, [("earth", "planet", ("old", "planet"))]),
        (
            {1: "planet", 3: "earth"},
            {"earth": 1},
            {"earth": 1},
            [("earth", "planet", ("old", "planet"))],
        ),
        ({1: "older"}, {"old": 1}, {"old": 1}, [("earth", "older", ("old", "older"))]),
        ({1: "old"}, {"earth": 1}, {"old": 1}, []),
        ({3: "earth"}, {"earth": 1}, {"earth": 3}, []),
        ({1: "planet"}, {"venus": 1}, {}, []),
        ({1: "EARTH"}, {"earth": 1}, {"earth": 1}, []),
    ],
    ids=[
        "seen first",
        "renamed",
        "renamed, and made anew since",
        "the label of a former tag",
        "renamed to a former tag, which is followed",
        "deleted and made anew",
        "of a monitor that is no more",
        "in another spelling",
    ],
)
def test_a_tags_label_is_known_by_its_id(
    labels: dict[int, str],
    ids: dict[str, int],
    kept: dict[str, int],
    renamed: list[tuple[str, str, tuple[str, ...]]],
) -> None:
    found = told_tags([RepositoryLabel(*each) for each in labels.items()], EARTH, ids)
    assert found == (kept, [RenamedTag(*each) for each in renamed])


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("planet", "in monitors.yaml, write below tag: earth the line aliases: [planet]"),
        ("the planet", 'in monitors.yaml, write below tag: earth the line aliases: ["the planet"]'),
        ("no", 'in monitors.yaml, write below tag: earth the line aliases: ["no"]'),
        ("1: #", 'in monitors.yaml, write below tag: earth the line aliases: ["1: #"]'),
        ("a, b", 'rename it back: as a tag it contains ","'),
    ],
)
def test_the_line_to_write_is_yaml(name: str, remedy: str) -> None:
    found, said = told_tag(RenamedTag("earth", name, (name,)))
    assert f"is called {name} on GitHub now" in found
    assert said.startswith(remedy)
