"""Ancestors and order, in histories made up here."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from github_store.embedded.git_history import GitHistory, Link


def chain(length: int) -> dict[str, Link]:
    """Commits "0" (the first) to "length - 1", one after the other."""
    return {
        str(number): Link("tree", (str(number - 1),) if number else (), number)
        for number in range(length)
    }


def test_a_long_history_is_read_once_however_often_it_is_asked() -> None:
    links, reads = {**chain(5000), "stray": Link("tree", (), 1)}, Counter[str]()

    def read(sha: str) -> Link | None:
        reads[sha] += 1
        return links.get(sha)

    history = GitHistory(read)
    for _ in range(20):
        assert not history.contains("4999", "stray")
        assert history.contains("4999", "0")
    assert len(history.ancestors("4999")) == 5000
    assert set(reads.values()) == {1}


def test_a_new_commit_on_the_head_is_compared_without_reading_the_history() -> None:
    links, reads = chain(5000), Counter[str]()

    def read(sha: str) -> Link | None:
        reads[sha] += 1
        return links.get(sha)

    history = GitHistory(read)
    assert history.contains("4999", "4998")
    assert history.between(["4998"], "4999", at_most=9) == ["4999"]
    assert len(reads) == 1


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Link]:
    """Any history of up to twelve commits; times need not follow the order of the commits."""
    links: dict[str, Link] = {}
    for number in range(draw(st.integers(1, 12))):
        parents = (
            draw(st.lists(st.sampled_from(sorted(links)), max_size=2, unique=True)) if links else []
        )
        links[f"{number:02}"] = Link("tree", tuple(parents), draw(st.integers(0, 5)))
    return links


@given(graphs())
def test_ancestors_differences_and_order_agree(links: dict[str, Link]) -> None:
    history = GitHistory(links.get)
    for newer in links:
        ancestors = history.ancestors(newer)
        walked = [sha for sha, _ in history.newest_first(newer)]
        assert sorted(walked) == sorted(ancestors)
        for older in links:
            assert history.contains(newer, older) == (older in ancestors)
            between = history.between([older], newer, at_most=99)
            assert set(between) == ancestors - history.ancestors(older)
            assert len(between) == len(set(between))
            others = [older, min(links)]
            known = history.ancestors(older) | history.ancestors(min(links))
            assert set(history.between(others, newer, at_most=99)) == ancestors - known


def test_a_walk_ends_at_a_commit_that_is_not_there() -> None:
    history = GitHistory({"b": Link("tree", ("a",), 2)}.get)
    assert [sha for sha, _ in history.newest_first("b")] == ["b"]
    assert [sha for sha, _ in history.newest_first("nope")] == []
