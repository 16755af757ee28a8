"""Kener's monitors.yaml: what it may hold, and one clear line for everything else."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from github_store.errors import ConfigurationError
from github_store.monitor import Monitor, Monitors, Status, tag_problem
from github_store.monitors_yaml import (
    MAX_WARNINGS,
    MonitorsFile,
    parse_monitors,
    parse_monitors_file,
)

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


def parse_file(text: str) -> MonitorsFile:
    return parse_monitors_file(text, source="monitors.yaml")


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
            "- name: a\n  tag: true",
            'line 2: monitors[0].tag: YAML reads "true" as no text; put it in quotes',
            id="a boolean as tag",
        ),
        pytest.param("- {name: 5, tag: a}", "name: YAML reads", id="a number as name"),
        pytest.param(f"- {{name: a, tag: {'9' * 5000}}}", "put it in quotes", id="a huge tag"),
        pytest.param(f"- {{name: a, tag: {'9' * 99}}}", "as no text", id="a tag of 99 digits"),
        pytest.param("- {name: a, tag: .inf}", "put it in quotes", id="an infinite tag"),
        pytest.param("- {name: a, tag: '..'}", "names a folder", id="a tag of dots"),
        pytest.param("- {name: a, tag: %2e}", "line 1, column 18", id="a percent sign"),
        pytest.param("- {name: a, tag: '%2e'}", "names a folder", id="an encoded dot"),
        pytest.param(
            "- {name: a, tags: b}", 'tag: is missing; is "tags" meant?', id="a name like tag"
        ),
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
            "- {name: a, tag: b, dayDownMinimumCount: -1}", "a whole number, 1 to", id="negative"
        ),
        *(
            pytest.param(
                f"- {{name: a, tag: b, dayDegradedMinimumCount: {count}}}",
                "dayDegradedMinimumCount: expected a whole number, 1 to 999999999",
                id=f"count {count[:9]}",
            )
            for count in ("0.5", "'0'", "many", "[3]", ".inf", "1e99", "9999999999", "9" * 5000)
        ),
        pytest.param("- {name: a, name: b, tag: c}", 'the key "name" is given twice', id="twice"),
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


# What Kener starts with all the same


@pytest.mark.parametrize(
    ("fields", "expected", "warning"),
    [
        ("defaultStatus: ''", {}, "read as none"),
        ("defaultStatus: NONE", {}, "read as none"),
        ("defaultStatus: maybe", {}, "read as none"),
        ("defaultStatus: false", {}, "read as none"),
        ("defaultStatus: [UP]", {}, "read as none"),
        ("defaultStatus: up", {"default_status": Status.UP}, "read as UP"),
        ("defaultStatus: ' Down '", {"default_status": Status.DOWN}, "read as DOWN"),
        ("hidden: 'true'", {"hidden": True}, "read as true"),
        ("hidden: yes", {"hidden": True}, "read as true"),
        ("hidden: 'off'", {}, "read as false"),
        ("hidden: maybe", {}, "read as false"),
        ("hidden: 1", {}, "read as false"),
        ("includeDegradedInDowntime: On", {"include_degraded_in_downtime": True}, "read as true"),
        ("dayDownMinimumCount: 0", {}, "read as 1"),
        ("dayDownMinimumCount: -0.0", {}, "read as 1"),
        ("dayDownMinimumCount: ''", {}, "read as 1"),
        ("dayDownMinimumCount: false", {}, "read as 1"),
        ("dayDownMinimumCount: 1.5", {"day_down_minimum_count": 2}, "read as 2"),
        ("dayDownMinimumCount: '2.1'", {"day_down_minimum_count": 3}, "read as 3"),
        ("description: [x]", {}, "expected a text; it is left out"),
        ("image: {x: y}", {}, "expected a text; it is left out"),
    ],
)
def test_what_kener_takes_is_taken_and_warned_of(
    fields: str, expected: dict[str, object], warning: str
) -> None:
    file = parse_file(f"- name: Earth\n  tag: earth\n  {fields}\n")
    [monitor] = file.monitors
    assert monitor == Monitor(tag="earth", name="Earth", **expected)  # type: ignore[arg-type]
    [told] = file.warnings
    assert told.startswith(f"monitors.yaml, line 3: monitors[0].{fields.partition(':')[0]}: ")
    assert told.endswith(warning)


@pytest.mark.parametrize(
    ("written", "tag"),
    [("123", "123"), ("0x1F", "31"), ("1.50", "1.5"), ("007", "7"), ("1e3", "1000"), ("-1", "-1")],
)
def test_a_tag_that_is_a_number_is_the_label_that_kener_makes_of_it(written: str, tag: str) -> None:
    file = parse_file(f"- name: Earth\n  tag: {written}\n")
    assert file.monitors.tags == (tag,)
    assert file.warnings == (
        f'monitors.yaml, line 2: monitors[0].tag: is a number, read as "{tag}"; put it in quotes',
    )


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("defaultstatus", "defaultStatus"),
        ("default_status", "defaultStatus"),
        ("defaultStaus", "defaultStatus"),
        ("dayDownMinimunCount", "dayDownMinimumCount"),
        ("tags", "tag"),
        ("hiden", "hidden"),
        ("'alaises'", "aliases"),
        ("Name", "name"),
    ],
)
def test_a_key_one_edit_away_is_warned_of_once(key: str, meant: str) -> None:
    monitors = (f"- name: n\n  tag: t{n}\n  {key}: x\n" for n in range(3))
    assert parse_file("".join(monitors)).warnings == (
        f"monitors.yaml, line 3: monitors[0].{key.strip(chr(39))}: is ignored; is {meant} meant?",
    )


def test_other_keys_are_keners_and_ignored_in_silence() -> None:
    assert parse_file(KENER_SHAPES).warnings == ()
    assert parse_file("- {name: a, tag: b, x: 1, url: y, timeout: 5, noData: UP}").warnings == ()


def test_many_warnings_are_cut_short() -> None:
    text = "".join(f"- {{name: n, tag: {n}}}\n" for n in range(1, MAX_WARNINGS + 4))
    warnings = parse_file(text).warnings
    assert len(warnings) == MAX_WARNINGS + 1
    assert warnings[-1] == "monitors.yaml: 3 more like these"


def test_a_thousand_monitors_take_about_a_second() -> None:
    text = "".join(
        f"- name: Monitor {n}\n  description: The {n}th of many.\n  tag: monitor-{n}\n"
        f"  api:\n    method: GET\n    url: https://m{n}.example/\n"
        for n in range(1_000)
    )
    began = time.process_time()
    assert len(parse(text)) == 1_000
    assert time.process_time() - began < 5, "with room for a slow machine"


def test_merges_of_a_large_base_cost_no_more_than_their_text() -> None:
    base = ", ".join(f"k{n}: x" for n in range(150))
    text = f"- &l {{name: a, tag: t, {base}}}\n" + "".join(
        f"- {{<<: *l, tag: t{n}}}\n" for n in range(1_000)
    )
    began = time.process_time()
    assert len(parse(text)) == 1_001
    assert time.process_time() - began < 5


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
