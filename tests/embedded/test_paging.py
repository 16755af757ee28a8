"""Pages and the links between them."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.embedded.exchange import Request, parse_target
from github_store.embedded.paging import (
    Cursor,
    cursor_page,
    numbered_links,
    numbered_page,
    per_page_of,
)
from github_store.embedded.refusals import Refusal


def asked(target: str) -> Request:
    path, query = parse_target(target)
    return Request(
        method="GET",
        target=target,
        path=path,
        query=query,
        headers={},
        body=b"",
        peer="127.0.0.1",
        base_url="http://127.0.0.1:1",
    )


def links(headers: dict[str, str]) -> dict[str, str]:
    found = {}
    for part in headers.get("Link", "").split(", "):
        if part:
            place, _, rel = part.partition("; ")
            found[rel.removeprefix('rel="').rstrip('"')] = place.strip("<>")
    return found


entries = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 10**12)), unique_by=lambda e: e[1])


@given(entries, st.integers(1, 4), st.booleans())
def test_following_next_shows_everything_once_and_prev_leads_back(
    found: list[tuple[int, int]], size: int, descending: bool
) -> None:
    keyed = [(Cursor(*entry), entry) for entry in sorted(found, reverse=descending)]
    place: str | None = f"/x?per_page={size}"
    pages: list[list[tuple[int, int]]] = []
    while place is not None:
        request = asked(place)
        shown, headers = cursor_page(request, "http://h/x", keyed, descending=descending)
        linked = links(headers)
        if pages:
            back, _ = cursor_page(asked(linked["prev"]), "x", keyed, descending=descending)
            assert back == pages[-1]
        pages.append(shown)
        place = linked.get("next")
    assert [entry for page in pages for entry in page] == [entry for _, entry in keyed]
    assert all(len(page) == size for page in pages[:-1])


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_cursor_reads_back(value: int, entry_id: int) -> None:
    assert Cursor.decode(Cursor(value, entry_id).encode()) == Cursor(value, entry_id)


@given(st.text(max_size=60))
def test_a_made_up_cursor_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="Invalid cursor"):
        Cursor.decode(text)


@given(st.binary(max_size=40))
def test_bytes_behind_the_right_mark_are_a_cursor_or_refused(packed: bytes) -> None:
    text = base64.urlsafe_b64encode(b"cursor:v2:\x92\xcf" + packed).decode()
    if len(packed) == 17:
        assert Cursor.decode(text).value == int.from_bytes(packed[:8], "big")
    else:
        with pytest.raises(Refusal, match="Invalid cursor"):
            Cursor.decode(text)


@given(st.integers(0, 40), st.integers(1, 10))
def test_numbered_pages_cover_the_list_and_name_the_last(total: int, size: int) -> None:
    everything = list(range(total))
    place: str | None = f"/x?per_page={size}"
    seen: list[int] = []
    last = None
    while place is not None:
        request = asked(place)
        seen += numbered_page(request, everything)
        linked = links(numbered_links(request, "http://h/x", total=total))
        last = linked.get("last", last)
        if "next" not in linked and last is not None:
            assert dict(parse_qsl(urlsplit(last).query))["page"] == str(-(-total // size))
            assert linked.keys() == {"prev", "first"}
        place = linked.get("next")
    assert seen == everything


@pytest.mark.parametrize(
    ("query", "size"),
    [("", 30), ("per_page=5", 5), ("per_page=101", 100), ("per_page=0", 30), ("per_page=-1", 30)],
)
def test_page_sizes_are_corrected(query: str, size: int) -> None:
    assert per_page_of(asked(f"/x?{query}")) == size


def test_a_link_keeps_the_callers_parameters() -> None:
    request = asked("/x?labels=a%20b,c&per_page=1")
    linked = links(numbered_links(request, "http://h/x", total=3))
    assert linked["next"] == "http://h/x?labels=a+b%2Cc&per_page=1&page=2"
