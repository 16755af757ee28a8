"""Path and query: numbers, searches, windows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query_parameters import (
    MAX_PAGE,
    Search,
    incident_number,
    query_of,
    search_of,
    status_query,
)
from app.refusal import Refused
from github_store import SearchFilter
from tests.app.fake_store import MONITORS


def error_of(function: Any, *arguments: Any) -> str:
    with pytest.raises(Refused) as caught:
        function(*arguments)
    assert caught.value.status == 400
    return caught.value.error


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        (b"", {}),
        (b"state=open&tags=a%2Cb", {"state": "open", "tags": "a,b"}),
        (b"state=open&state=closed", {"state": "open"}),
        (b"state=&x", {"state": "", "x": ""}),
        (b"title_like=Hello+W%C3%B6rld", {"title_like": "Hello Wörld"}),
        ("title_like=ö".encode(), {"title_like": "ö"}),
        (b"title_like=%ff\xff", {"title_like": "\ufffd\ufffd"}),
    ],
    ids=ascii,
)
def test_of_a_repeated_parameter_the_first_counts(query: bytes, parameters: dict[str, str]) -> None:
    assert query_of(query) == parameters


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("12", 12), ("012", 12), ("2147483647", 2147483647)]
)
def test_digits_are_a_number(text: str, number: int) -> None:
    assert incident_number(text) == number


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "+1", "1.5", "1.", ".5", "1e3", "0x10", "0b1", "0o7", "2147483648", "Infinity",
     "-Infinity", "99999999999999999999", "9" * 10_000],
    ids=lambda text: text[:24],
)  # fmt: skip
def test_a_number_that_no_issue_can_have_is_not_found(text: str) -> None:
    with pytest.raises(Refused) as caught:
        incident_number(text)
    assert (caught.value.status, caught.value.error) == (404, "incident not found")
    shown = text if len(text) <= 50 else "9" * 49 + "…"
    assert caught.value.detail == f"no incident has the number {shown}"


@pytest.mark.parametrize(
    "text", ["", " ", "x", "12x", "1 2", "1\n", "٣", "²", "NaN", "1e", "..", "1?x", "1#"], ids=ascii
)
def test_what_is_no_number_is_refused(text: str) -> None:
    assert error_of(incident_number, text) == "Invalid incidentNumber"


@given(st.text())
def test_only_ascii_digits_ever_become_a_number(text: str) -> None:
    try:
        number = incident_number(text)
    except Refused:
        return
    assert text.isascii()
    assert int(text) == number


def test_a_search_without_parameters_lists_the_open_incidents() -> None:
    assert search_of({}) == Search(SearchFilter(), page=1, per_page=10)


def test_every_search_parameter_is_read() -> None:
    found = search_of(
        {
            "state": "closed",
            "tags": " earth, ,google-search,earth",
            "page": "3",
            "per_page": "25",
            "created_after_utc": "1702405740",
            "created_before_utc": "1702405920",
            "title_like": "Hello Incident",
        }
    )
    assert found == Search(
        SearchFilter(
            state="closed",
            tags=("earth", "google-search"),
            title_like="Hello Incident",
            created_after=1702405740,
            created_before=1702405920,
        ),
        page=3,
        per_page=25,
    )


@pytest.mark.parametrize(
    "name",
    ["state", "tags", "page", "per_page", "created_after_utc", "created_before_utc", "title_like"],
)
def test_an_empty_parameter_counts_as_left_out(name: str) -> None:
    assert search_of({name: ""}) == search_of({})


@pytest.mark.parametrize(
    ("text", "per_page"), [("1", 1), ("100", 100), ("101", 100), ("9" * 5_000, 100)]
)
def test_more_than_a_hundred_on_a_page_counts_as_a_hundred(text: str, per_page: int) -> None:
    assert search_of({"per_page": text}).per_page == per_page


def test_a_page_of_any_size_is_a_page() -> None:
    assert search_of({"page": "9" * 5_000}).page == MAX_PAGE


@pytest.mark.parametrize("state", ["OPEN", "all", "open ", "open,closed"])
def test_a_state_is_open_or_closed(state: str) -> None:
    assert error_of(search_of, {"state": state}) == "state must be open or closed"


@pytest.mark.parametrize("name", ["page", "per_page", "created_after_utc", "created_before_utc"])
@pytest.mark.parametrize("text", ["x", "-1", "1.5", " 1", "1e3", "٣", "0x1"], ids=ascii)
def test_a_bad_number_names_its_parameter(name: str, text: str) -> None:
    assert error_of(search_of, {name: text}) == f"Invalid {name}"


@pytest.mark.parametrize(
    ("name", "text"),
    [("page", "0"), ("per_page", "0"), ("created_after_utc", "253402300800"),
     ("created_before_utc", "9" * 5_000)],
)  # fmt: skip
def test_a_number_out_of_bounds_names_its_parameter(name: str, text: str) -> None:
    assert error_of(search_of, {name: text}) == f"Invalid {name}"


@pytest.mark.parametrize(
    ("query", "window"),
    [({}, 7_776_000), ({"sinceLast": ""}, 7_776_000), ({"sinceLast": "60"}, 60),
     ({"sinceLast": "7776000"}, 7_776_000)],
)  # fmt: skip
def test_the_window_of_a_status_is_90_days_or_what_is_asked(
    query: dict[str, str], window: int
) -> None:
    assert status_query({"tag": "earth", **query}, MONITORS) == ("earth", window)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({}, "tag missing"),
        ({"tag": ""}, "tag missing"),
        ({"tag": "", "sinceLast": "x"}, "tag missing"),
        ({"tag": "venus"}, "invalid tag"),
        ({"tag": "Earth"}, "invalid tag"),
        ({"tag": "earth", "sinceLast": "59"}, "Invalid sinceLast"),
        ({"tag": "earth", "sinceLast": "7776001"}, "Invalid sinceLast"),
        ({"tag": "earth", "sinceLast": "60.0"}, "Invalid sinceLast"),
        ({"tag": "earth", "sinceLast": "an hour"}, "Invalid sinceLast"),
    ],
)
def test_a_wrong_status_query_is_refused(query: dict[str, str], error: str) -> None:
    assert error_of(status_query, query, MONITORS) == error
