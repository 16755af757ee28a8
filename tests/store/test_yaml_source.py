"""A YAML text as nodes that know their lines, read without trusting who wrote it."""

from __future__ import annotations

import pytest
import yaml

from github_store.errors import ConfigurationError
from github_store.yaml_source import (
    MAX_DEPTH,
    MAX_LENGTH,
    YamlSource,
    boolean_of,
    is_null,
    line_of,
    shown,
    text_of,
    whole_number_of,
)


def node(text: str) -> yaml.Node:
    root = YamlSource(text, name="x.yaml").compose()
    assert root is not None
    return root


def mapping(text: str) -> dict[str, yaml.Node]:
    source = YamlSource(text, name="x.yaml")
    root = source.compose()
    assert isinstance(root, yaml.MappingNode)
    return source.fields(root, "root")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: [1", "line 1, column 6: not valid YAML: ", id="unclosed"),
        pytest.param("a: b\n c: d", "line 2, column 3: not valid YAML: ", id="indentation"),
        pytest.param("a:\n\t- b", "line 2, column 1: not valid YAML: ", id="a tab"),
        pytest.param("a: *b", "line 1, column 4: not valid YAML: ", id="an unknown alias"),
        pytest.param("a: 1\n---\nb: 2", "line 2, column 1: not valid YAML: ", id="two documents"),
        pytest.param(
            "a: \x00", "line 1, column 4: not valid YAML: the character U+0000", id="a NUL"
        ),
        pytest.param("é\n\nb: \x1b[0m", "line 3, column 4: not valid YAML: ", id="an escape"),
        pytest.param(
            "a: !!python/object/apply:os.system [x]",
            'the tag "tag:yaml.org,2002:python/object/apply:os.system" is not supported',
            id="a Python object",
        ),
        pytest.param("a: !env HOME", 'the tag "!env" is not supported', id="a private tag"),
        pytest.param("a: !!binary eA==", "is not supported", id="binary"),
        pytest.param("a: !!set {b}", "is not supported", id="a set"),
        pytest.param("[" * 100_000, f"nested more than {MAX_DEPTH} levels deep", id="lists"),
        pytest.param("{a: " * 10_000, f"nested more than {MAX_DEPTH} levels deep", id="mappings"),
        pytest.param("- " * 10_000, f"nested more than {MAX_DEPTH} levels deep", id="dashes"),
        pytest.param("#" * (MAX_LENGTH + 1), "is longer than 1,048,576 characters", id="too long"),
    ],
)
def test_what_is_no_yaml_or_beyond_reason_is_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        YamlSource(text, name="x.yaml").compose()
    assert str(caught.value).startswith("x.yaml, line ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_text_without_a_document_has_no_root() -> None:
    assert YamlSource("# nothing\n", name="x.yaml").compose() is None


def test_depth_is_counted_not_guessed() -> None:
    deep = "[" * (MAX_DEPTH - 1) + "x" + "]" * (MAX_DEPTH - 1)
    assert isinstance(node(deep), yaml.SequenceNode)
    with pytest.raises(ConfigurationError, match="levels deep"):
        node(f"[{deep}]")


def test_nodes_know_their_lines() -> None:
    fields = mapping("a: 1\n\nb:\n  - x\n")
    assert (line_of(fields["a"]), line_of(fields["b"])) == (1, 4)


def test_a_complaint_names_source_line_and_field() -> None:
    source = YamlSource("\n\na: 1", name="x.yaml")
    with pytest.raises(ConfigurationError, match=r"^x\.yaml, line 3: a: is wrong$"):
        source.refuse(source.compose(), "a", "is wrong")
    with pytest.raises(ConfigurationError, match=r"^x\.yaml, line 1: a: is wrong$"):
        source.refuse(None, "a", "is wrong")


# Mappings


def values(text: str) -> dict[str, str]:
    return {key: value.value for key, value in mapping(text).items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{a: 1, b: 2}", {"a": "1", "b": "2"}, id="plain"),
        pytest.param("{5: a, ~: b, [c]: d}", {"5": "a", "~": "b"}, id="keys that are no texts"),
        pytest.param("{<<: {a: 1, b: 1}, b: 2}", {"a": "1", "b": "2"}, id="own beats merged"),
        pytest.param("{b: 2, <<: {b: 1}}", {"b": "2"}, id="whatever the order"),
        pytest.param("{<<: [{a: 1}, {a: 2, b: 2}]}", {"a": "1", "b": "2"}, id="first merged wins"),
        pytest.param("{<<: {<<: {a: 1}, b: 1}, c: 1}", dict.fromkeys("abc", "1"), id="nested"),
        pytest.param("{<<: x, a: 1}", {"a": "1"}, id="a merge of nothing"),
        pytest.param("&m {<<: *m, a: 1}", {"a": "1"}, id="merged with itself"),
    ],
)
def test_merge_keys_are_followed(text: str, expected: dict[str, str]) -> None:
    assert values(text) == expected


def test_a_key_given_twice_is_refused_with_its_second_line() -> None:
    with pytest.raises(ConfigurationError, match=r"line 3: root\.a: is given twice"):
        mapping("a: 1\nb: 2\na: 3")


# Scalars


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("earth", "earth"),
        ("'123'", "123"),
        ('"\\u00e9"', "é"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("!!str 5", "5"),
        ("yes", "yes"),
        ("Off", "Off"),
        ("12:30:00", "12:30:00"),
        ("2026-01-01", "2026-01-01"),
        ("5", None),
        ("0x10", None),
        ("1.5", None),
        (".inf", None),
        ("true", None),
        ("~", None),
        ("", None),
        ("[a]", None),
        ("{a: b}", None),
    ],
)
def test_texts_are_what_yaml_1_2_reads_as_texts(written: str, text: str | None) -> None:
    value = mapping(f"key: {written}")["key"]
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        *[(each, True) for each in ("true", "True", "TRUE", "yes", "on")],
        *[(each, False) for each in ("false", "no", "Off")],
        *[(each, None) for each in ("'true'", "1", "y", "~", "[true]")],
    ],
)
def test_booleans(written: str, expected: bool | None) -> None:
    assert boolean_of(node(written)) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0", 0),
        ("3", 3),
        ("'3'", 3),
        ("010", 10),
        ("999999999", 999_999_999),
        ("9999999999", None),
        ("-1", None),
        ("+1", None),
        ("1.0", None),
        ("1e3", None),
        ("0x10", None),
        ("0b1", None),
        ("1_000", None),
        ("1:30", None),
        ("٣", None),
        ("''", None),
        ("three", None),
        ("true", None),
        ("~", None),
        ("[3]", None),
    ],
)
def test_whole_numbers_are_plain_digits(written: str, expected: int | None) -> None:
    assert whole_number_of(node(written)) == expected


@pytest.mark.parametrize(("written", "expected"), [("~", True), ("null", True), ("''", False)])
def test_null_is_not_an_empty_text(written: str, expected: bool) -> None:
    assert is_null(node(written)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("earth", '"earth"'),
        ('say "x"', '"say \\"x\\""'),
        ("a\nb", '"a\\nb"'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("größe", '"größe"'),
        ("x" * 60, '"' + "x" * 60 + '"'),
        ("x" * 61, '"' + "x" * 57 + '..."'),
        ("\ud800", '"\\ud800"'),
    ],
)
def test_values_in_messages_are_short_and_visible(text: str, expected: str) -> None:
    assert shown(text) == expected
