"""What our labels are called, and which labels of an issue are meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.label_names import (
    MOST_FORMER,
    KnownLabel,
    LabelNames,
    RepositoryLabel,
    found_names,
    present_keys,
)
from github_store.labels import OWN_LABELS

PLAIN = LabelNames()
RENAMED = LabelNames({"incident": KnownLabel("outage", 1), "resolved": KnownLabel("Done", 2)})


@pytest.mark.parametrize(
    ("labels", "names", "meant"),
    [
        ([{"id": 7, "name": "incident"}, {"id": 8, "name": "bug"}], PLAIN, ("incident", "bug")),
        (["Incident", "bug"], PLAIN, ("Incident", "bug")),
        (
            [{"id": 1, "name": "outage"}, {"id": 2, "name": "Done"}],
            RENAMED,
            ("incident", "resolved"),
        ),
        ([{"name": "OUTAGE"}], RENAMED, ("incident",)),
        ([{"id": 1, "name": "renamed just now"}], RENAMED, ("incident",)),
        ([{"id": 1, "name": "incident"}], RENAMED, ("incident",)),
        ([{"id": 9, "name": "incident"}], RENAMED, ()),
        ([{"id": 9, "name": "resolved"}], RENAMED, ("resolved",)),
        ([{"id": 2, "name": "Done"}, {"id": 9, "name": "resolved"}], RENAMED, ("resolved",)),
        ([{"id": True, "name": "bug"}], RENAMED, ("bug",)),
        ([{"id": [1], "name": "bug"}], RENAMED, ("bug",)),
    ],
    ids=[
        "by their own names",
        "in any spelling",
        "by other names",
        "without an id",
        "by the id alone, before anybody noticed",
        "by the id under a former name",
        "another label of the name incident",
        "another label of a flag's name",
        "both at once",
        "an id that is none",
        "nor is this",
    ],
)
def test_labels_of_an_issue_are_read_as_ours(
    labels: list[Any], names: LabelNames, meant: tuple[str, ...]
) -> None:
    assert names.meant_by(labels) == meant


def test_names_go_out_as_they_are_called_and_all_that_there_were_are_known() -> None:
    names = LabelNames({"resolved": KnownLabel("Done", 2, ("over", "resolved"))})
    assert (names.of("resolved"), names.of("bug"), names.of("incident")) == (
        "Done",
        "bug",
        "incident",
    )
    assert names.ever("resolved") == {"done", "over", "resolved"}
    assert names.all_of("resolved") == ("Done", "resolved")
    assert names.all_of("incident") == ("incident",)
    swapped = LabelNames({"resolved": KnownLabel("a", 1), "identified": KnownLabel("resolved", 2)})
    assert swapped.all_of("resolved") == ("a",), "the other one is identified"
    assert names.renamed() == {"resolved": "Done"}


def test_former_names_are_bounded() -> None:
    known = KnownLabel("incident", 1)
    for number in range(100):
        known = known.called(f"name {number}", 1)
    assert known.former[-1] == "name 98"
    assert len(known.former) == MOST_FORMER


OWN = [style.name for style in OWN_LABELS]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["rename", "delete", "create"]),
        st.sampled_from([*OWN, "outage", "bug"]),
        st.sampled_from([*OWN, "outage", "bug", "x"]),
    ),
    max_size=30,
)


@given(STEPS)
def test_whatever_is_renamed_deleted_and_made_each_of_ours_is_one_label_and_none_is_two(
    steps: list[tuple[str, str, str]],
) -> None:
    labels = dict(enumerate(OWN))
    names = found_names([RepositoryLabel(*each) for each in labels.items()], LabelNames())
    for count, (what, name, new_name) in enumerate(steps):
        found = next((each for each, called in labels.items() if called == name), None)
        is_free = new_name not in labels.values()
        held = {own: each.id for own, each in names.known.items()}
        if what == "rename" and found is not None and is_free:
            labels[found] = new_name
        elif what == "delete" and found is not None:
            del labels[found]
        elif what == "create" and is_free:
            labels[100 + count] = new_name
        there = [RepositoryLabel(*each) for each in labels.items()]
        names = found_names(there, names)
        ids = [each.id for each in names.known.values() if each.id is not None]
        called = [each.name.casefold() for each in names.known.values()]
        assert len(ids) == len(set(ids))
        assert len(called) == len(set(called))
        for own, label_id in held.items():
            if label_id in labels:
                assert names.known[own] == KnownLabel(
                    labels[label_id], label_id, names.known[own].former
                )
        missing = [own for own in OWN if own not in present_keys(there, names)]
        assert missing == [own for own in OWN if names.known[own].id is None]
        for own in missing:
            assert names.of(own) not in labels.values(), "it can be made"
