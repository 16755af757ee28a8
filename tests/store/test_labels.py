"""The labels that mean something here."""

from __future__ import annotations

import re

import pytest

from github_store.labels import (
    MAX_DESCRIPTION_LENGTH,
    MAX_LABEL_LENGTH,
    OWN_LABEL_KEYS,
    OWN_LABELS,
    LabelStyle,
    label_key,
    label_keys,
)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("incident", "INCIDENT", True),
        ("Ärger", "äRGER", True),
        ("earth", "earth ", False),
        ("earth", "mars", False),
        ("in progress", "in-progress", False),
    ],
)
def test_names_that_differ_only_in_case_are_one_label(one: str, other: str, same: bool) -> None:
    assert (label_key(one) == label_key(other)) is same


def test_several_spellings_have_one_key() -> None:
    assert label_keys(["Incident", "incident", "DOWN"]) == {"incident", "down"}


def test_our_labels_are_those_of_kener() -> None:
    ours = {
        "incident",
        "incident-down",
        "incident-degraded",
        "maintenance",
        "identified",
        "resolved",
        "manual",
        "auto",
    }
    assert ours == OWN_LABEL_KEYS


@pytest.mark.parametrize("style", OWN_LABELS, ids=lambda style: style.name)
def test_each_of_our_labels_can_be_created_on_github(style: LabelStyle) -> None:
    assert 0 < len(style.name) <= MAX_LABEL_LENGTH
    assert re.fullmatch("[0-9a-f]{6}", style.color)
    assert 0 < len(style.description) <= MAX_DESCRIPTION_LENGTH


def test_our_labels_can_be_told_apart_by_colour_and_description() -> None:
    assert len({style.color for style in OWN_LABELS}) == len(OWN_LABELS)
    assert len({style.description for style in OWN_LABELS}) == len(OWN_LABELS)
