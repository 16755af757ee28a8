"""Kener's monitors.yaml: what it may hold, and one clear line for everything else."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from github_store.errors import ConfigurationError
from github_store.labels import OWN_LABELS, label_key, label_keys
from github_store.monitor import Monitor, Monitors, Status, tag_problem
from github_store.monitors_yaml import parse_monitors

LENIENT = settings(deadline=None)

KENER_SHAPES = """\
# The shapes of Kener's own examples and documentation, with texts of our own.
- name: Web Search
  description: Finds pages, pictures and much more.
  tag: "web-search"
  image: "/search.png"
  category: Websites
  defaultStatus: "UP"
  cron: "* * * * *"
  api:
    method: GET
    url: https://search.example/
    timeout: 5000
    headers:
      Content-Type: application/json
      Authorization: $SOME_TOKEN
    body: '{"order": 1}'
    eval: |
      (function (statusCode, responseTime, responseData) {
        return {status: statusCode == 200 ? 'UP' : 'DOWN', latency: responseTime};
      })
- name: Planet
  tag: planet
  hidden: true
  ping:
    hostsV4:
      - www.example.org
      - 192.0.2.7
    hostsV6: [ipv6.example.org]
  dayDegradedMinimumCount: 3
  dayDownMinimumCount: "2"
  includeDegradedInDowntime: true
- name: As version 0.0.16 had it
  tag: old
  method: GET
  url: https://old.example/
  noData: UP
- name: Names
  tag: names
  dns: {host: example.org, lookupRecord: A, matchType: ANY, values: [192.0.2.7]}
"""


def parse(text: str) -> Monitors:
    return parse_monitors(text, source="monitors.yaml")


def only(text: str) -> Monitor:
    (monitor,) = parse(text)
    return monitor


def test_keners_own_shapes_are_read_and_its_probes_left_alone() -> None:
    assert list(parse(KENER_SHAPES)) == [
        Monitor(
            tag="web-search",
            name="Web Search",
            description="Finds pages, pictures and much more.",
            image="/search.png",
            category="Websites",
            default_status=Status.UP,
        ),
        Monitor(
            tag="planet",
            name="Planet",
            hidden=True,
            day_degraded_minimum_count=3,
            day_down_minimum_count=2,
            include_degraded_in_downtime=True,
        ),
        Monitor(tag="old", name="As version 0.0.16 had it"),
        Monitor(tag="names", name="Names"),
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param("", {}, id="name and tag are enough"),
        pytest.param("description: 2026", {"description": "2026"}, id="a number as description"),
        pytest.param("<<: {name: ' Earth '}", {}, id="a merged name that is not needed"),
        pytest.param("image: ~", {}, id="null is left out"),
        pytest.param("defaultStatus:", {}, id="nothing is left out"),
        pytest.param("defaultStatus: DEGRADED", {"default_status": Status.DEGRADED}, id="degraded"),
        pytest.param("hidden: false", {}, id="not hidden"),
        pytest.param("hidden: yes", {"hidden": True}, id="YAML 1.1's yes"),
        pytest.param("dayDownMinimumCount: 010", {"day_down_minimum_count": 10}, id="no octals"),
        pytest.param("aliases: [former, older]", {"aliases": ("former", "older")}, id="aliases"),
        pytest.param("aliases: []", {}, id="no aliases"),
        pytest.param("5: five\n  ? [a]\n  : b", {}, id="keys that are no texts"),
    ],
)
def test_optional_fields(fields: str, expected: dict[str, object]) -> None:
    monitor = only(f"- name: Earth\n  tag: earth\n  {fields}\n")
    assert monitor == Monitor(tag="earth", name="Earth", **expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("no", "no"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("'123'", "123"),
        ("!!str 123", "123"),
        ("grüße", "grüße"),
        ("in progress", "in progress"),
        ("':bug:'", ":bug:"),
        ('"👩\u200d💻"', "👩\u200d💻"),
        ("'" + "x" * 50 + "'", "x" * 50),
        ("'" + "🌍" * 50 + "'", "🌍" * 50),
    ],
)
def test_tags_are_texts_as_yaml_1_2_reads_them(written: str, tag: str) -> None:
    assert only(f"- {{name: n, tag: {written}}}").tag == tag


def test_white_space_around_a_name_is_dropped() -> None:
    assert only("- {name: ' Our Earth\t', tag: earth}").name == "Our Earth"


def test_anchors_and_merge_keys_are_followed_and_an_own_key_beats_a_merged_one() -> None:
    first, second = parse(
        "- &base {name: Earth, tag: earth, category: Planets, hidden: true}\n"
        "- {<<: *base, tag: mars, name: Mars, hidden: false}\n"
    )
    assert first == Monitor(tag="earth", name="Earth", category="Planets", hidden=True)
    assert second == Monitor(tag="mars", name="Mars", category="Planets")


def test_a_byte_order_mark_and_crlf_are_no_trouble() -> None:
    assert only("\ufeff- name: Earth\r\n  tag: earth\r\n").name == "Earth"


# What is wrong, and where


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "line 1: monitors: the file is empty", id="empty"),
        pytest.param("# only this\n", "line 1: monitors: the file is empty", id="a comment"),
        pytest.param("~", "line 1: monitors: the file is empty", id="null"),
        pytest.param("[]", "line 1: monitors: the list is empty", id="an empty list"),
        pytest.param("name: x", "line 1: monitors: expected a list", id="a mapping"),
        pytest.param("text", "line 1: monitors: expected a list", id="a text"),
        pytest.param("- a\n- b", "line 1: monitors[0]: expected a mapping", id="texts"),
        pytest.param(
            "- {name: a, tag: b}\n-\n", "line 2: monitors[1]: expected a mapping", id="a null"
        ),
        pytest.param("- &a [*a]", "line 1: monitors[0]: expected a mapping", id="a list in itself"),
        pytest.param(
            "- {name: a, tag: b}\n\n- name: c\n", "line 3: monitors[1].tag: is missing", id="no tag"
        ),
        pytest.param("- tag: b", "line 1: monitors[0].name: is missing", id="no name"),
        pytest.param("- {name: ~, tag: b}", "monitors[0].name: is missing", id="a null name"),
        pytest.param("- {name: '  ', tag: b}", "monitors[0].name: is blank", id="a blank name"),
        pytest.param("- {name: a, tag: ''}", "monitors[0].tag: is blank", id="an empty tag"),
        pytest.param(
            "- name: a\n  tag: 123",
            "line 2: monitors[0].tag: YAML reads 123 as no text; put it in quotes",
            id="a number as tag",
        ),
        pytest.param("- {name: a, tag: true}", "put it in quotes", id="a boolean as tag"),
        pytest.param(
            "- {name: a, tag: [b]}", "monitors[0].tag: expected a text", id="a list as tag"
        ),
        pytest.param("- {name: {a: b}, tag: b}", "monitors[0].name: expected a text", id="mapping"),
        pytest.param(
            "- name: a\n  tag: earth\n- name: b\n  tag: Earth\n",
            'line 4: monitors[1].tag: "Earth" is used twice (first on line 2)',
            id="a tag used twice in another case",
        ),
        pytest.param(
            "- {name: a, tag: a, aliases: [b]}\n- {name: b, tag: B}",
            'line 2: monitors[1].tag: "B" is used twice (first on line 1)',
            id="a former tag used again",
        ),
        pytest.param(
            "- {name: a, tag: a, aliases: [A]}",
            "monitors[0].aliases[0]: ",
            id="its own tag as a former one",
        ),
        pytest.param(
            "- {name: a, tag: a, aliases: b}",
            "monitors[0].aliases: expected a list",
            id="aliases as a text",
        ),
        pytest.param(
            "- {name: a, tag: a, aliases: ['x,y']}", "monitors[0].aliases[0]: ", id="a bad alias"
        ),
        pytest.param(
            "- name: a\n  tag: b\n  defaultStatus: up\n",
            "line 3: monitors[0].defaultStatus: expected UP, DOWN or DEGRADED",
            id="a status in small letters",
        ),
        pytest.param(
            "- {name: a, tag: b, hidden: maybe}", "hidden: expected true or false", id="no boolean"
        ),
        pytest.param(
            "- {name: a, tag: b, hidden: 'true'}", "expected true or false", id="quoted boolean"
        ),
        pytest.param(
            "- {name: a, tag: b, dayDownMinimumCount: 0}", "a whole number from 1", id="zero"
        ),
        pytest.param(
            "- {name: a, tag: b, dayDownMinimumCount: -1}", "a whole number from 1", id="negative"
        ),
        pytest.param(
            "- {name: a, tag: b, dayDegradedMinimumCount: 1.5}",
            "dayDegradedMinimumCount: expected a whole number from 1",
            id="a fraction",
        ),
        pytest.param("- {name: a, tag: b, description: [c]}", "expected a text", id="a list"),
        pytest.param(
            "- {name: a, name: b, tag: c}", "monitors[0].name: is given twice", id="twice"
        ),
        pytest.param('- {name: a, tag: "\\uD800"}', "half of a surrogate pair", id="half a pair"),
        pytest.param('- {name: "\\uD800", tag: a}', "half of a surrogate pair", id="half in name"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_source_line_and_field(
    text: str, message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert str(caught.value).startswith("monitors.yaml, line ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_alias_bomb_costs_what_its_text_costs() -> None:
    levels = [f"- &l{n} [{', '.join([f'*l{n - 1}'] * 50)}]" for n in range(1, 40)]
    bomb = "- {name: a, tag: b}\n- &l0 [x]\n" + "\n".join(levels)
    with pytest.raises(ConfigurationError, match=r"monitors\[1\]: expected a mapping"):
        parse(bomb)


def test_a_bomb_of_merge_keys_costs_what_its_text_costs() -> None:
    levels = [f"- &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 9)}], tag: t{n}}}" for n in range(1, 60)]
    monitors = parse("- &l0 {name: a, tag: t0}\n" + "\n".join(levels))
    assert len(monitors) == 60
    assert {monitor.name for monitor in monitors} == {"a"}


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
        *[(style.name, "a meaning of its own") for style in OWN_LABELS],
        ("Incident", "a meaning of its own"),
        ("RESOLVED", "a meaning of its own"),
    ],
)
def test_what_can_be_no_tag_is_told_why(tag: str, problem: str) -> None:
    assert problem in (tag_problem(tag) or "")


@pytest.mark.parametrize("tag", ["x", "x" * 50, "incident-x", "a.b:c", "a b", "日本", "-", "🌍"])
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


@LENIENT
@given(
    st.lists(
        st.text(min_size=1, max_size=50).filter(lambda text: tag_problem(text) is None),
        min_size=1,
        max_size=5,
        unique_by=str.casefold,
    )
)
def test_any_tags_that_may_be_are_read_from_a_file_in_their_order(tags: list[str]) -> None:
    text = yaml.safe_dump([{"name": "n", "tag": tag} for tag in tags], allow_unicode=True)
    assert parse(text).tags == tuple(tags)


@LENIENT
@given(st.text(max_size=60))
def test_any_text_is_monitors_or_one_clear_line(text: str) -> None:
    message = "monitors.yaml, line "
    try:
        parse(text)
    except ConfigurationError as error:
        message = str(error)
    assert message.startswith("monitors.yaml, line ")
    assert "\n" not in message
    message.encode()


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
