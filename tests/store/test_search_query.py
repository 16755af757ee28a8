"""A search: what is asked of GitHub can be nothing but ours, and the same is decided here."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from github_store.incident import Incident
from github_store.search_query import (
    MAX_TEXT_LENGTH,
    SearchFilter,
    incident_matches,
    issue_query,
    title_matches,
)
from github_store.timestamps import LATEST

LENIENT = settings(deadline=None)
OURS = ("repo:o/r", "is:issue", 'label:"incident"')

hostile_words = st.sampled_from(
    (
        "OR",
        "AND",
        "NOT",
        "-x",
        "(",
        ")",
        '"',
        "\\",
        '\\"',
        "\u201c",
        "\u201d",
        "\u201e",
        "\uff02",
        "repo:other/private",
        "is:pr",
        "org:x",
        'label:"a","b"',
        "created:>2020",
        "in:body",
        "\x00",
        "\x1b",
        "\x7f",
        "\x85",
        "\u2028",
        "\ud800",
        "\t",
        "\r\n",
        "word",
        "x" * 300,
        "ﬁ",
        "é",
        "e\u0301",
        "日本",
        "👩\u200d💻",
        "@user",
        "#12",
        "*",
        "?",
    )
)
texts = st.lists(hostile_words | st.text(max_size=10), max_size=40).flatmap(
    lambda words: st.sampled_from(("", " ")).map(lambda between: between.join(words))
)
times = st.none() | st.integers(-1, LATEST + 1)
filters = st.builds(
    SearchFilter,
    state=st.sampled_from(("open", "closed")),
    tags=st.lists(texts, max_size=3).map(tuple),
    title_like=st.none() | texts,
    created_after=times,
    created_before=times,
)


def parts_of(query: str, *, escapes: bool) -> tuple[list[str], list[str]]:
    """GitHub's syntax, told in small: the bare parts of a query, and its quoted phrases.

    Spaces part; from one double quote to the next everything is one phrase, which belongs to a
    qualifier when it follows a colon or comma. Whether a backslash takes the meaning from the
    quote behind it is not documented: ``escapes`` tries both.
    """
    bare: list[str] = []
    phrases: list[str] = []
    current = phrase = ""
    quoted = in_qualifier = False
    chars = iter(query + " ")
    for char in chars:
        if escapes and char == "\\":
            phrase, current = phrase + next(chars, ""), current + "\\"
        elif char == '"' and not quoted:
            quoted, in_qualifier, phrase = True, current.endswith((":", ",")), ""
        elif char == '"':
            quoted = False
            if in_qualifier:
                current += f'"{phrase}"'
            else:
                phrases.append(phrase)
        elif quoted:
            phrase += char
        elif char == " ":
            bare += [current] if current else []
            current = ""
        else:
            current += char
    assert not quoted, "a quote was left open"
    return bare, phrases


def query_of(search: SearchFilter) -> str:
    return issue_query("o/r", search)


# What GitHub is asked


@pytest.mark.parametrize(
    ("search", "rest"),
    [
        pytest.param(SearchFilter(title_like="hello"), ' "hello" in:title', id="a word"),
        pytest.param(
            SearchFilter(title_like="Hello Incident"),
            ' "Hello" "Incident" in:title',
            id="each word is a phrase of its own",
        ),
        pytest.param(
            SearchFilter(title_like="up UP Up"), ' "up" in:title', id="the same word once"
        ),
        pytest.param(
            SearchFilter(title_like="x repo:other/private is:pr"),
            ' "x" "repo:other/private" "is:pr" in:title',
            id="qualifiers are words",
        ),
        pytest.param(
            SearchFilter(title_like="a OR b AND NOT (c)"),
            ' "a" "OR" "b" "AND" "NOT" "(c)" in:title',
            id="operators are words",
        ),
        pytest.param(
            SearchFilter(title_like='say "no" \\"way\\'),
            ' "say" "no" "way" in:title',
            id="quotes and backslashes part words",
        ),
        pytest.param(
            SearchFilter(title_like="“no”\x00way\u2028out"),
            ' "no" "way" "out" in:title',
            id="typographic quotes and control characters part words",
        ),
        pytest.param(
            SearchFilter(title_like="!!! -- a"), ' "a" in:title', id="words without a token go"
        ),
        pytest.param(
            SearchFilter(tags=("earth", "mars"), created_after=0),
            ' label:"earth","mars" created:>=1970-01-01T00:00:00Z',
            id="any of several tags",
        ),
        pytest.param(
            SearchFilter(tags=("in progress", "a:b", "OR"), created_after=0),
            ' label:"in progress","a:b","OR" created:>=1970-01-01T00:00:00Z',
            id="tags stand in quotes",
        ),
        pytest.param(
            SearchFilter(tags=("earth", 'x" repo:a/b "', "")),
            ' label:"earth"',
            id="what can be no tag is not asked for",
        ),
        pytest.param(
            SearchFilter(created_after=1702405740, created_before=1702405920),
            " created:2023-12-12T18:29:00Z..2023-12-12T18:32:00Z",
            id="both dates",
        ),
        pytest.param(
            SearchFilter(created_before=1702405920),
            " created:<=2023-12-12T18:32:00Z",
            id="one date",
        ),
        pytest.param(
            SearchFilter(created_after=1702405740),
            " created:>=2023-12-12T18:29:00Z",
            id="the other date",
        ),
        pytest.param(
            SearchFilter(created_before=LATEST + 10**9),
            " created:<=9999-12-31T23:59:59Z",
            id="later than any calendar",
        ),
        pytest.param(
            SearchFilter(created_after=-5), " created:>=1970-01-01T00:00:00Z", id="before 1970"
        ),
    ],
)
def test_a_search_is_githubs_query(search: SearchFilter, rest: str) -> None:
    assert query_of(search) == 'repo:o/r is:issue state:open label:"incident"' + rest


def test_closed_incidents_are_asked_for_by_state() -> None:
    assert " state:closed " in query_of(SearchFilter(state="closed", created_after=0))


def test_former_tags_are_asked_for_where_the_caller_knows_them() -> None:
    search = SearchFilter(tags=("new",), title_like="x")
    query = issue_query("o/r", search, labels=("new", "old"))
    assert ' label:"new","old" ' in query


def test_more_labels_than_an_address_takes_are_left_for_us_to_decide() -> None:
    many = tuple(f"monitor-{number}" for number in range(1_000))
    assert "monitor" not in query_of(SearchFilter(tags=many, title_like="x"))


@pytest.mark.parametrize("repository", ["", "o", "o/r/x", "o/r is:pr", "o /r", "o/r\n", '"o/r"'])
def test_a_repository_that_is_none_never_reaches_a_query(repository: str) -> None:
    with pytest.raises(ValueError, match="owner/name"):
        issue_query(repository, SearchFilter(title_like="x"))


@pytest.mark.parametrize("escapes", [True, False], ids=["backslash escapes", "backslash plain"])
@LENIENT
@given(search=filters)
@example(search=SearchFilter(title_like='x" repo:other/private "'))
@example(search=SearchFilter(title_like='x\\" repo:other/private OR "'))
@example(search=SearchFilter(tags=('a" repo:other/private "',), title_like="x"))
def test_whatever_is_searched_the_query_holds_our_qualifiers_and_quoted_phrases_alone(
    escapes: bool, search: SearchFilter
) -> None:
    if search.matches_nothing:
        return
    bare, phrases = parts_of(query_of(search), escapes=escapes)
    allowed = re.compile(
        r'repo:o/r|is:issue|state:(open|closed)|label:"[^"\\]+"(,"[^"\\]+")*|in:title'
        r"|created:(>=|<=)?[0-9TZ:-]{20}(\.\.[0-9TZ:-]{20})?"
    )
    assert all(allowed.fullmatch(part) for part in bare)
    names = [part.split(":")[0] for part in bare]
    assert names.count("repo") == names.count("is") == names.count("state") == 1
    assert bool(phrases) == ("in:title" in bare)
    for phrase in phrases:
        assert phrase.strip() == phrase != ""


@LENIENT
@given(filters)
def test_a_query_is_one_line_of_plain_characters_within_githubs_limit(
    search: SearchFilter,
) -> None:
    if search.matches_nothing:
        return
    query = query_of(search)
    query.encode()
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in query)
    _, phrases = parts_of(query, escapes=False)
    assert len(" ".join(f'"{phrase}"' for phrase in phrases)) <= MAX_TEXT_LENGTH


@LENIENT
@given(st.lists(st.from_regex("[a-z0-9]{1,40}", fullmatch=True), min_size=1, unique=True))
def test_as_many_words_as_fit_narrow_the_search_and_no_word_is_cut(words: list[str]) -> None:
    _, phrases = parts_of(query_of(SearchFilter(title_like=" ".join(words))), escapes=False)
    assert set(phrases) <= set(words)
    left_out = [word for word in words if word not in phrases]
    taken = len(" ".join(f'"{phrase}"' for phrase in phrases))
    assert all(taken + len(f' "{word}"') > MAX_TEXT_LENGTH for word in left_out)


@pytest.mark.parametrize(("length", "fits"), [(80, True), (81, False)])
def test_words_fill_githubs_limit_to_the_last_character(length: int, fits: bool) -> None:
    first, second, third = "a" * 84, "b" * 84, "c" * length  # two quotes each, two spaces between
    query = query_of(SearchFilter(title_like=f"{first} {second} {third}"))
    assert (len(f'"{first}" "{second}" "{third}"') <= MAX_TEXT_LENGTH) is fits
    assert (third in query) is fits
    assert second in query


def test_a_word_longer_than_githubs_limit_is_left_for_us_to_decide() -> None:
    search = SearchFilter(title_like="x" * 255)
    assert "in:title" not in query_of(search)
    assert title_matches("x" * 255, "x" * 255)


# What is found nowhere


@pytest.mark.parametrize(
    "search",
    [
        pytest.param(SearchFilter(title_like=""), id="no word"),
        pytest.param(SearchFilter(title_like="!!! \u200b ..."), id="nothing but punctuation"),
        pytest.param(SearchFilter(title_like='"\\"'), id="nothing but quotes"),
        pytest.param(SearchFilter(created_after=6, created_before=5), id="after later than before"),
        pytest.param(SearchFilter(created_after=LATEST + 1), id="after the end of time"),
        pytest.param(SearchFilter(created_before=-1), id="before 1970"),
        pytest.param(SearchFilter(tags=("a,b", "")), id="no possible tag"),
    ],
)
def test_a_search_that_can_find_nothing_is_not_asked(search: SearchFilter) -> None:
    assert search.matches_nothing
    with pytest.raises(ValueError, match="matches nothing"):
        query_of(search)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (SearchFilter(), False),
        (SearchFilter(state="closed", tags=("earth",)), False),
        (SearchFilter(title_like="x"), True),
        (SearchFilter(created_after=0), True),
        (SearchFilter(created_before=0), True),
    ],
)
def test_githubs_search_is_needed_for_titles_and_dates_alone(
    search: SearchFilter, expected: bool
) -> None:
    assert search.needs_search is expected
    assert not search.matches_nothing


# The same, decided here


@pytest.mark.parametrize(
    ("title_like", "title", "expected"),
    [
        ("hello incident", "Outage in Mumbai - Hello Incident", True),
        ("incident hello", "Outage in Mumbai - Hello Incident", True),
        ("HELLO", "hello", True),
        ("hell", "hello", False),
        ("hello", "hell", False),
        ("hello there", "hello", False),
        ("hello", "hello-world", True),
        ("hello-world", "hello world", True),
        ("hello-world", "world hello", False),
        ("world.", "hello world", True),
        ("10.0.0.1", "host 10.0.0.1 is gone", True),
        ("10.0.0.1", "host 10.0.1.0", False),
        ("repo:x", "a repo: x", True),
        ("OR", "this or that", True),
        ("OR", "this and that", False),
        ("straße", "STRASSE", True),
        ("é", "e\u0301", True),
        ("é", "e", False),
        ("日", "日本", True),
        ("日本", "日x本", False),
        ("🔥", "it is 🔥 again", True),
        ("❤", "❤\ufe0f", True),
        ("a_b", "a_b c", True),
        ("a", "a_b", False),
        ("", "anything", False),
        ("...", "...", False),
        ('"quoted"', "quoted", True),
        ('two"words', "words two", True),
    ],
)
def test_titles_match_by_whole_words_whatever_their_case(
    title_like: str, title: str, expected: bool
) -> None:
    assert title_matches(title_like, title) is expected


plain = st.text(alphabet='abAB01_-.+ "\\', max_size=14)


@LENIENT
@given(plain, plain)
def test_titles_match_as_a_naive_reading_of_words_says(title_like: str, title: str) -> None:
    def tokens(text: str) -> list[str]:
        return re.findall(r"[a-z0-9][a-z0-9_]*|\+", text.lower())

    words = [tokens(word) for word in re.split(r'[ "\\]+', title_like)]
    wanted = [word for word in words if word]
    # Tokens hold no space, so between two spaces a phrase is a part of the text.
    standing = f" {' '.join(tokens(title))} "
    expected = bool(wanted) and all(f" {' '.join(word)} " in standing for word in wanted)
    assert title_matches(title_like, title) is expected


@LENIENT
@given(st.text(), st.text(max_size=30), st.text(max_size=30))
def test_a_title_is_found_by_itself_wherever_it_stands(title: str, before: str, after: str) -> None:
    if not SearchFilter(title_like=title).matches_nothing:
        assert title_matches(title, f"{before} {title} {after}")


INCIDENT = Incident(
    number=12,
    title="Outage in Mumbai",
    tags=("Earth",),
    created_at=100,
    closed_at=None,
    is_open=True,
    is_auto=False,
)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (SearchFilter(), True),
        (SearchFilter(state="closed"), False),
        (SearchFilter(tags=("mars", "earth")), True),
        (SearchFilter(tags=("mars",)), False),
        (SearchFilter(created_after=100, created_before=100), True),
        (SearchFilter(created_after=101), False),
        (SearchFilter(created_before=99), False),
        (SearchFilter(title_like="mumbai"), True),
        (SearchFilter(title_like="delhi"), False),
        (SearchFilter(title_like="mumbai", tags=("mars",)), False),
    ],
)
def test_an_incident_matches_the_whole_filter(search: SearchFilter, expected: bool) -> None:
    assert incident_matches(search, INCIDENT) is expected


@pytest.mark.parametrize("state", ["open", "closed"])
def test_state_is_that_of_the_issue(state: Literal["open", "closed"]) -> None:
    incident = replace(INCIDENT, is_open=state == "open")
    assert incident_matches(SearchFilter(state=state), incident)


@LENIENT
@given(filters)
def test_what_matches_nothing_matches_no_incident(search: SearchFilter) -> None:
    if search.matches_nothing:
        assert not incident_matches(search, INCIDENT)
