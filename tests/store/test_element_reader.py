"""One element of another shape makes no list unreadable, and is named."""

from __future__ import annotations

from typing import Any

import pytest

from github_store.element_reader import ElementReader
from github_store.errors import GitHubUnavailable


def reader() -> ElementReader[int]:
    return ElementReader("comment", lambda data: int(data["id"]), clock=lambda: 1_000.0)


ODD = [None, 7, "text", [], {}, {"id": None}, {"id": "x"}, {"id": []}, {"number": 4}]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_cannot_be_read_is_left_out_and_the_others_are_there(odd: Any, place: int) -> None:
    elements: list[Any] = [{"id": 1}, {"id": 2}]
    elements.insert(place, odd)
    comments = reader()
    assert comments.all_of(elements) == [1, 2]
    assert len(comments.failing) == 1


def test_it_is_named_once_and_again_when_it_can_be_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    comments = ElementReader("comment", lambda data: data["body"], clock=lambda: 1_000.0)
    for _ in range(10):
        assert comments.all_of([{"id": 7}, {"id": 8, "body": "b"}]) == ["b"]
    assert comments.all_of([{"id": 7, "body": "a"}]) == ["a"]
    assert len(comments.failing) == 0
    first, last = (record.getMessage() for record in caplog.records)
    assert first.startswith("reading comment 7 fails: it is left out")
    assert last.startswith("reading comment 7 succeeds again")


@pytest.mark.parametrize(
    "elements", [[{}], [{}, 7], [None] * 100, {"message": "no"}, "text", None, 7], ids=repr
)
def test_a_list_of_which_nothing_can_be_read_is_an_outage(elements: Any) -> None:
    comments = reader()
    with pytest.raises(GitHubUnavailable):
        comments.all_of(elements)
    assert len(comments.failing) == 0


def test_an_empty_list_is_one() -> None:
    assert reader().all_of([]) == []
