"""A YAML text as nodes that know their lines, read without trusting who wrote it."""

from __future__ import annotations

import pytest
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from github_store.errors import ConfigurationError
from github_store.yaml_source import (
    MAX_DEPTH,
    MAX_KEYS,
    MAX_LENGTH,
    MAX_MERGED,
    YamlSource,
    boolean_of,
    is_null,
    line_of,
    meant_boolean_of,
    number_as_text,
    number_of,
    shown,
    text_of,
)


def node(text: str) -> Node:
    root = YamlSource(text, name="x.yaml").compose()
    assert root is not None
    return root


def mapping(text: str) -> dict[str, Node]:
    source = YamlSource(text, name="x.yaml")
    root = source.compose()
    assert isinstance(root, MappingNode)
    return source.fields(root, "root")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: [1", "line 1, column 6: not valid YAML: ", id="unclosed"),
        pytest.param("a: b\n c: d", "line 2, column 3: not valid YAML: ", id="indentation"),
        pytest.param("a:\n\t- b", "line 2, column 2: not valid YAML: ", id="a tab"),
        pytest.param("a: b\n\tc: d", "line 2, column 2: not valid YAML: ", id="a tab for a key"),
        pytest.param("- b\n\t- c", "line 2, column 2: not valid YAML: ", id="a tab for an item"),
        pytest.param(
            "a:\n  b: 1\n  c: 2\n  b: 3",
            'line 4, column 3: not valid YAML: the key "b" is given twice',
            id="a key given twice",
        ),
        pytest.param("a: |0\n  b", "line 1, column 5: not valid YAML: ", id="a bad block header"),
        pytest.param("a: !e!x b", "line 1, column 4: not valid YAML: ", id="an unknown handle"),
        pytest.param("%YAML 2.0\n--- a", "line 1, column 1: not valid YAML: ", id="YAML 2"),
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
    assert isinstance(node(deep), SequenceNode)
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


def test_what_is_merged_without_end_is_refused() -> None:
    levels = range(1, 2 * MAX_MERGED)
    chain = "".join(f"  - &l{n} {{<<: *l{n - 1}}}\n" for n in levels)
    with pytest.raises(ConfigurationError, match=r"root: is merged from more than 100 mappings$"):
        mapping(f"a:\n  - &l0 {{}}\n{chain}<<: *l{levels[-1]}")
    many = ", ".join(f"k{n}: x" for n in range(MAX_KEYS))
    with pytest.raises(ConfigurationError, match=r"root: has more than 200 keys$"):
        mapping(f"a: b\n<<: {{{many}}}")


# Tabs


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: b\t\nc: d", id="after a value"),
        pytest.param("a: 'b' \t\nc: \"d\"\t", id="after a text in quotes"),
        pytest.param("a: b\n\t\t\nc: d", id="an empty line of tabs"),
        pytest.param("a: b\n \t \nc: d\n\t", id="an empty line of both"),
        pytest.param("a: b\t# x\nc: d \t# x", id="before a comment"),
        pytest.param("a:\tb\nc: \t d", id="after a colon"),
        pytest.param("a\t: b\n'c'\t:\td", id="before a colon"),
        pytest.param("\t# x\na: b\n\t\t# x\nc: d", id="a comment line"),
        pytest.param('{\n\t"a": "b",\n\t"c":\t"d"\t\n\t}\t\n', id="JSON"),
        pytest.param("\t{a: b,\tc\t: d}", id="brackets on a line that begins with one"),
        pytest.param("a:\n\tb\nc:\n\t'd'", id="a value on a line that begins with one"),
        pytest.param("---\t# x\na: b\nc: d\n...\t", id="after a document's start and end"),
        pytest.param("a: &x\tb\nc: |-\t# x\n  d", id="after an anchor and a block's header"),
        pytest.param("a: b\t\r\n\t\r\nc: d\t\r\n", id="with CRLF"),
        pytest.param("? \ta\n:\tb\n? c\n: d", id="after a question mark"),
    ],
)
def test_tabs_are_white_space_wherever_yaml_1_2_has_some(text: str) -> None:
    assert values(text) == {"a": "b", "c": "d"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: b\tc", "b\tc"),
        ("a: b\n  \tc", "b c"),
        ("a: b\n  c\t\n\t\n  d", "b c\nd"),
        ("a: 'b\n\tc\td'", "b c\td"),
        ("a: |\n  b\tc\n  \td\n", "b\tc\n\td\n"),
        ("a: >2-\t\n   b\n", " b"),
    ],
)
def test_tabs_in_texts_stay(text: str, value: str) -> None:
    assert values(text) == {"a": value}


def test_a_list_of_lists_knows_where_its_items_begin() -> None:
    root = node("-\t\n  - a\t\n\t# x\n  - b\n-\tc\n")
    assert isinstance(root, SequenceNode)
    assert [line_of(each) for each in root.value] == [2, 5]


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
    ("written", "expected", "meant"),
    [
        *[(each, True, None) for each in ("true", "True", "TRUE")],
        *[(each, False, None) for each in ("false", "False")],
        *[(each, None, True) for each in ("yes", "On", "'true'", "' TRUE '")],
        *[(each, None, False) for each in ("no", "off", '"False"')],
        *[
            (each, None, None)
            for each in ("1", "y", "~", "[true]", "maybe", "!!bool x", "!!bool [x]")
        ],
    ],
)
def test_booleans(written: str, expected: bool | None, meant: bool | None) -> None:
    assert (boolean_of(node(written)), meant_boolean_of(node(written))) == (expected, meant)


@pytest.mark.parametrize(
    ("written", "expected", "as_text"),
    [
        ("0", 0, "0"),
        ("3", 3, "3"),
        ("'3'", 3, "3"),
        ("010", 10, "10"),
        ("-1", -1, "-1"),
        ("+1.50", 1.5, "1.5"),
        (".5", 0.5, "0.5"),
        ("5.", 5, "5"),
        ("1e3", 1000, "1000"),
        ("1.5e-7", 1.5e-7, "0.00000015"),
        ("0x1F", 31, "31"),
        ("0o17", 15, "15"),
        ("-0b11", -3, "-3"),
        ("1_000", 1000, "1000"),
        ("9007199254740993", 2**53, "9007199254740992"),
        ("12345678901234567890", 12345678901234567890.0, "12345678901234567000"),
        *[(each, None, "") for each in ("1:30", "٣", "''", "three", "true", "~", "[3]")],
        *[(each, None, "") for each in (".inf", ".nan", "9" * 5000, "0x" + "f" * 5000, "'0x1F'")],
        *[(each, None, "") for each in ("1e999999", "0o9", "0x", "._", "'1_0'")],
        *[(each, None, "") for each in ("!!int x", "!!int 0x", "!!float 0b2", "!!int [1]")],
    ],
)
def test_numbers(written: str, expected: float | None, as_text: str) -> None:
    number = number_of(node(written))
    assert number == expected
    assert number is None or number_as_text(number) == as_text


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
