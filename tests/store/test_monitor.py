"""What is watched: which texts can be tags, and which labels mean which monitor."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from github_store.labels import OWN_LABELS, label_key, label_keys
from github_store.monitor import Monitor, Monitors, tag_problem

LENIENT = settings(deadline=None)

# Tags


@pytest.mark.parametrize(
    ("tag", "problem"),
    [
        ("", "is empty"),
        ("x" * 51, "is longer than 50 characters"),
        (" x", "begins or ends with white space"),
        ("x\u00a0", "begins or ends with white space"),
        ("a,b", 'contains ","'),
        ('a"b', 'contains "\\""'),
        ("a'b", 'contains "\'"'),
        ("a`b", 'contains "`"'),
        ("a\u201cb", 'contains "\u201c"'),
        ("a\u2019b", 'contains "\u2019"'),
        ("a/b", 'contains "/"'),
        ("a\\b", "contains"),
        ("a\nb", "contains U+000A"),
        ("a\x00b", "contains U+0000"),
        ("a\x7fb", "contains U+007F"),
        ("a\u2028b", "contains U+2028"),
        ("a\u200bb", "contains U+200B"),
        ("\ufeffa", "contains U+FEFF"),
        ("a\u202eb", "contains U+202E"),
        *[(each, "names a folder") for each in (".", "..", "\uff0e", "\u2025")],
        *[(each, "names a folder") for each in ("%2e", "%2E.", ".%2e", "%252E%252e", "%EF%BC%8E")],
        ("a%2Fb", 'contains "/" once it is decoded'),
        ("..%5c", "contains"),
        ("a%00", "contains U+0000 once it is decoded"),
        ("a%0d%0Ab", "contains U+000D once it is decoded"),
        ("a%25250ab", "contains U+000A once it is decoded"),
        *[(style.name, "a meaning of its own") for style in OWN_LABELS],
        ("Incident", "a meaning of its own"),
        ("RESOLVED", "a meaning of its own"),
    ],
)
def test_what_can_be_no_tag_is_told_why(tag: str, problem: str) -> None:
    assert problem in (tag_problem(tag) or "")


@pytest.mark.parametrize(
    "tag",
    ["x", "x" * 50, "incident-x", "a.b:c", "a b", "日本", "-", "🌍", "...", ".a", "50%", "a%20b"],
)
def test_other_texts_can_be_tags(tag: str) -> None:
    assert tag_problem(tag) is None


@LENIENT
@given(st.text(max_size=60))
def test_a_tag_is_safe_in_a_query_a_comma_separated_list_and_a_path(text: str) -> None:
    if tag_problem(text) is None:
        assert 1 <= len(text) <= 50
        assert text == text.strip()
        assert not set(text) & set(",\"'/\\\r\n\x00")
        text.encode()


# All monitors

MONITORS = Monitors(
    [
        Monitor(tag="earth", name="Earth"),
        Monitor(tag="Web", name="Web", aliases=("www", "old web")),
    ]
)


def test_monitors_keep_the_files_order() -> None:
    assert (MONITORS.tags, len(MONITORS)) == (("earth", "Web"), 2)
    assert [monitor.name for monitor in MONITORS] == ["Earth", "Web"]


@pytest.mark.parametrize(("tag", "found"), [("Web", True), ("web", False), ("www", False)])
def test_a_monitor_is_found_by_exactly_its_tag(tag: str, found: bool) -> None:
    assert (MONITORS.get(tag) is not None) is found


@pytest.mark.parametrize(
    ("labels", "tags"),
    [
        (("EARTH",), ("earth",)),
        (("WWW", "earth"), ("earth", "Web")),
        (("www", "web"), ("Web",)),
        (("mars",), ()),
    ],
)
def test_labels_are_tags_whatever_their_case_and_former_ones_count(
    labels: tuple[str, ...], tags: tuple[str, ...]
) -> None:
    assert MONITORS.tags_of(labels) == tags


@pytest.mark.parametrize(
    ("tags", "labels"),
    [
        (("web",), ("Web", "www", "old web")),
        (("Web", "earth"), ("earth", "Web", "www", "old web")),
        (("www",), ()),
        (("mars",), ()),
    ],
)
def test_tags_are_labels_with_their_former_names(
    tags: tuple[str, ...], labels: tuple[str, ...]
) -> None:
    assert MONITORS.labels_of(tags) == labels


LABELS = st.text("aAbBßẞ\u017fsİI", min_size=1, max_size=2)


@st.composite
def monitor_lists(draw: st.DrawFn) -> list[Monitor]:
    """Any list that a monitors.yaml may hold: no two names alike, ignoring case."""
    names = draw(st.lists(LABELS, unique_by=label_key, max_size=12))
    found = []
    while names:
        own = draw(st.integers(1, len(names)))
        (tag, *aliases), names = names[:own], names[own:]
        found.append(Monitor(tag=tag, name=tag, aliases=tuple(aliases)))
    return found


@given(monitor_lists(), st.lists(LABELS, max_size=12))
def test_labels_are_found_as_by_comparing_them_with_every_monitors(
    listed: list[Monitor], labels: list[str]
) -> None:
    keys, monitors = label_keys(labels), Monitors(listed)
    names = {monitor.tag: (monitor.tag, *monitor.aliases) for monitor in listed}
    assert monitors.tags_of(labels) == tuple(
        tag for tag, own in names.items() if not keys.isdisjoint(label_keys(own))
    )
    assert monitors.labels_of(labels) == tuple(
        name for tag, own in names.items() if label_key(tag) in keys for name in own
    )
