"""GitHub's search language: what a query means, and what no quoted text can mean."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.embedded.rows import Issue
from github_store.embedded.search_dates import Span, count_span, time_span
from github_store.embedded.search_matching import Subject, check_times, matches, tokens_of
from github_store.embedded.search_syntax import (
    QUALIFIERS,
    All,
    Any,
    Node,
    Not,
    Qualifier,
    SearchError,
    Text,
    leaves,
    parse,
)

MAY_FIRST = 1_777_593_600  # 2026-05-01T00:00:00Z
DAY = 86_400
HOUR = 3_600

ISSUE = Issue(
    id=1,
    repository_id=1,
    number=7,
    title="Mail server is down again",
    body="Postfix refuses connections. Thanks @Ann!",
    state="open",
    state_reason=None,
    author="ann",
    created_at=MAY_FIRST + 12 * HOUR,
    updated_at=MAY_FIRST + 2 * DAY,
    closed_at=None,
    closed_by=None,
    locked=False,
    is_pull_request=False,
    assignees=("bob",),
    labels=(),
    comments=2,
    gone="",
    moved_to="",
)
SUBJECT = Subject(
    ISSUE,
    labels=("incident", "In Progress", "a,b"),
    comments=("We restart the queue", "Still failing"),
    commenters=("bob", "carl"),
)
CLOSED = replace(
    SUBJECT,
    issue=replace(ISSUE, state="closed", state_reason="not_planned", closed_at=MAY_FIRST + 3 * DAY),
    labels=(),
)


def word(text: str) -> Text:
    return Text(text, False)


def phrase(text: str) -> Text:
    return Text(text, True)


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        pytest.param("", All(()), id="nothing"),
        pytest.param("mail", word("mail"), id="a word"),
        pytest.param("mail down", All((word("mail"), word("down"))), id="a space is AND"),
        pytest.param("mail AND down", All((word("mail"), word("down"))), id="AND"),
        pytest.param("a OR b", Any((word("a"), word("b"))), id="OR"),
        pytest.param(
            "a b OR c", Any((All((word("a"), word("b"))), word("c"))), id="AND binds tighter"
        ),
        pytest.param("a or b", All((word("a"), word("or"), word("b"))), id="operators are capital"),
        pytest.param("NOT a", Not(word("a")), id="NOT"),
        pytest.param("-a", Not(word("a")), id="minus before a word"),
        pytest.param("a-b", word("a-b"), id="minus inside a word"),
        pytest.param("a - b", All((word("a"), word("-"), word("b"))), id="minus alone"),
        pytest.param("NOT -a", word("a"), id="twice negated"),
        pytest.param('-"a b"', Not(phrase("a b")), id="minus before a phrase"),
        pytest.param("-(a OR b)", Not(Any((word("a"), word("b")))), id="minus before a group"),
        pytest.param(
            "a (b OR c)", All((word("a"), Any((word("b"), word("c"))))), id="parentheses group"
        ),
        pytest.param('"a OR b"', phrase("a OR b"), id="no operator inside quotes"),
        pytest.param('"(a"', phrase("(a"), id="no group inside quotes"),
        pytest.param('"label:x"', phrase("label:x"), id="no qualifier inside quotes"),
        pytest.param(r'"a \" b"', phrase('a " b'), id="an escaped quote ends nothing"),
        pytest.param(r'"a \\" b', All((phrase("a \\"), word("b"))), id="an escaped backslash"),
        pytest.param('"a b', All((word("a"), word("b"))), id="a quote that is not closed"),
        pytest.param("(a OR b", Any((word("a"), word("b"))), id="a group that is not closed"),
        pytest.param("a) OR b", Any((word("a"), word("b"))), id="a group that is not opened"),
        pytest.param("(a)) b", All((word("a"), word("b"))), id="a group that is closed twice"),
        pytest.param("OR a", word("a"), id="OR without its left side"),
        pytest.param("a OR", word("a"), id="OR without its right side"),
        pytest.param("label:x", Qualifier("label", ("x",)), id="a qualifier"),
        pytest.param("LABEL:x", Qualifier("label", ("x",)), id="its name in any case"),
        pytest.param("label:x,y", Qualifier("label", ("x", "y")), id="any of two values"),
        pytest.param('label:"a b","c,d"', Qualifier("label", ("a b", "c,d")), id="quoted values"),
        pytest.param("-label:x", Not(Qualifier("label", ("x",))), id="a negated qualifier"),
        pytest.param("label:", Qualifier("label", ()), id="a qualifier without a value"),
        pytest.param("http://x", word("http://x"), id="an unknown name is text"),
        pytest.param("x:label:y", word("x:label:y"), id="a qualifier begins its word"),
        pytest.param("(label:x)", Qualifier("label", ("x",)), id="a qualifier in a group"),
    ],
)
def test_a_query_is_read_as_github_reads_it(query: str, tree: Node) -> None:
    assert parse(query) == tree


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param("a OR b OR c OR d OR e OR f OR g", "operators", id="six OR"),
        pytest.param("NOT a AND b OR c AND d NOT e OR f", "operators", id="six of all kinds"),
        pytest.param("((((((a))))))", "levels deep", id="six groups in each other"),
        pytest.param("x" * 257, "longer than 256", id="a long word"),
        pytest.param('"' + "x" * 255 + '"', "longer than 256", id="quotes count"),
        pytest.param("xxx " * 65, "longer than 256", id="many words"),
    ],
)
def test_a_query_beyond_githubs_limits_is_refused(query: str, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        parse(query)


@pytest.mark.parametrize(
    "query",
    [
        "a OR b OR c OR d OR e OR f",
        "(((((a)))))",
        "x" * 256,
        "label:" + "x" * 300,
        "y" * 250 + " OR label:" + "x" * 300,
    ],
    ids=["five operators", "five groups", "256", "a qualifier counts nothing", "nor an operator"],
)
def test_a_query_at_githubs_limits_is_taken(query: str) -> None:
    assert list(leaves(parse(query)))


@pytest.mark.parametrize(
    "query",
    [
        "mail",
        "MAIL",
        "server down",
        '"server is down"',
        "postfix",
        "restart",
        "mail in:title",
        "restart in:title,comments",
        "nothing OR mail",
        "(nothing OR mail) down",
        "NOT nothing",
        "-nothing",
        "!!!",
        "is:issue is:open",
        "type:issue state:open",
        "is:pr,issue",
        "label:INCIDENT",
        'label:"in progress"',
        "label:other,incident",
        'label:"a,b"',
        "-label:other",
        "author:Ann",
        "assignee:bob",
        "assignee:*",
        "commenter:carl",
        "mentions:ann",
        "involves:carl",
        "comments:>1",
        "comments:2..5",
        "comments:2",
        "comments:>=2",
        "comments:<=2",
        "comments:<3",
        "comments:*..2",
        "no:milestone",
        "is:public is:unlocked",
        "created:2026-05-01",
        "created:>=2026-05-01",
        "created:<2026-05-02",
        "created:2026-05-01T12:00:00Z",
        "created:<=2026-05-01T14:00:00+02:00",
        "created:2026-04-30..2026-05-01",
        "created:*..2026-05-01T12:00:00Z",
        "updated:>2026-05-02",
        "repo:other/place sort:created-asc mail",
        "nothing OR repo:other/place",
    ],
)
def test_the_open_issue_is_found_by(query: str) -> None:
    assert matches(parse(query), SUBJECT)


@pytest.mark.parametrize(
    "query",
    [
        "mails",
        "serv",
        '"server down"',
        "postfix in:title",
        "restart in:title,body",
        "mail in:nowhere",
        "mail nothing",
        "NOT mail",
        "-(mail OR nothing)",
        "is:pr",
        "is:closed",
        "is:bogus",
        "is:private",
        "type:open",
        "state:OPENED",
        "label:in progress",
        "-label:incident",
        "no:label",
        "author:bob",
        "assignee:ann",
        "commenter:ann",
        "comments:many",
        "comments:>2",
        "comments:>=3",
        "comments:<=1",
        "comments:<2",
        "no:assignee",
        "language:python",
        "reason:completed",
        "closed:>2000-01-01",
        "created:>2026-05-01",
        "created:<2026-05-01",
        "created:<=2026-05-01T13:59:59+02:00",
        "created:2026-05-02..*",
        "draft:false",
        "label:",
    ],
)
def test_the_open_issue_is_not_found_by(query: str) -> None:
    assert not matches(parse(query), SUBJECT)


@pytest.mark.parametrize(
    "query", ['reason:"not planned"', "reason:not_planned", "closed:2026-05-04", "no:label"]
)
def test_a_closed_issue_is_found_by(query: str) -> None:
    assert matches(parse(query), CLOSED)


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-01", "2026-05-01T10:00:00 02:00", ">=", "..", "1e9"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SearchError, match="not a recognized date/time"):
        check_times(parse(f'NOT nothing OR created:"{text}"'))


def test_a_date_is_a_whole_day_and_a_time_one_second() -> None:
    assert time_span("2026-05-01") == Span(MAY_FIRST, MAY_FIRST + DAY - 1)
    assert time_span("2026-05-01T00:00:00+02:00") == Span(
        MAY_FIRST - 2 * HOUR, MAY_FIRST - 2 * HOUR
    )
    assert time_span(">2026-05-01") == Span(MAY_FIRST + DAY, None)
    assert time_span("<=2026-05-01") == Span(None, MAY_FIRST + DAY - 1)
    assert count_span("3..*") == Span(3, None)
    assert count_span("three") is None


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Mail-server: DOWN!", ("mail", "server", "down")),
        ("v2.0_beta", ("v2", "0_beta")),
        ("Straße", ("strasse",)),
        ("e\u0301te\u0301", ("\u00e9t\u00e9",)),
        ("東京 down", ("東", "京", "down")),
        ("🔥 fire", ("🔥", "fire")),
        ("...", ()),
    ],
)
def test_a_text_is_whole_tokens_without_case(text: str, tokens: tuple[str, ...]) -> None:
    assert tokens_of(text) == tokens


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_short_way_for_ascii_finds_the_same_tokens(text: str) -> None:
    # A letter that is not ASCII takes the long way; it is a token of its own behind a space.
    assert (*tokens_of(text), "\u00fc") == tokens_of(f"{text} \u00fc")


# What anybody may type: words, and everything that has a meaning to the language.
MEANINGFUL = st.sampled_from(
    ["OR", "AND", "NOT", "-", "(", ")", '"', "\\", ":", ",", "..", ">=", "repo:o/r", "in:body"]
    + [f"{name}:x" for name in sorted(QUALIFIERS)]
)
QUERIES = st.lists(MEANINGFUL | st.text(max_size=6), max_size=14).flatmap(
    lambda parts: st.sampled_from([" ".join(parts), "".join(parts)])
)


@given(QUERIES)
def test_every_query_is_either_read_or_refused(query: str) -> None:
    try:
        node = parse(query)
        check_times(node)
    except SearchError as refusal:
        assert str(refusal)  # noqa: PT017 - the wording is the caller's answer
        return
    assert matches(node, SUBJECT) in (True, False)


@given(QUERIES.filter(lambda text: len(text) < 200))
def test_a_quoted_phrase_never_acts_as_a_qualifier_or_operator(text: str) -> None:
    safe = text.replace('"', " ").replace("\\", " ")
    assert parse(f'is:open "{safe}"') == All((Qualifier("is", ("open",)), phrase(safe)))


@given(QUERIES.filter(lambda text: len(text) < 100))
def test_an_escaped_phrase_is_read_back_as_it_was(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    assert parse(f'"{escaped}"') == phrase(text)
