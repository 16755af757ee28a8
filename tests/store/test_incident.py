"""An incident is an issue: every field has its place there, and comes back from it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from github_store.incident import (
    KEY_COMMENT_ROOM,
    MAX_BODY_LENGTH,
    Impact,
    Incident,
    IncidentFields,
    LabelChanges,
    body_length,
    incident_etag,
    incident_from,
    is_incident,
    issue_body,
    label_changes,
    label_styles,
    labels_for,
    status_label_changes,
    with_markers_applied,
)
from github_store.labels import MAX_DESCRIPTION_LENGTH, OWN_LABELS, label_key, label_keys
from github_store.markers import read_markup, write_markup
from github_store.monitor import Monitor, Monitors
from github_store.records import Issue
from github_store.timestamps import LATEST

MONITORS = Monitors(
    [
        Monitor(tag="earth", name="Earth"),
        Monitor(tag="Google-Search", name="Google Search", aliases=("google",)),
        Monitor(tag="größe 🌍", name="Größe"),
    ]
)
FIELDS = IncidentFields(title="Outage in Mumbai", tags=("earth",), body="Login is down")
ISSUE = Issue(
    number=12,
    title="Outage in Mumbai",
    body="Login is down",
    state="open",
    labels=("incident", "earth"),
    created_at=1703940450,
    updated_at=1703940450,
    closed_at=None,
    author="ada",
    author_association="OWNER",
    is_pull_request=False,
    repository_url="",
)
LENIENT = settings(deadline=None)

markup_pieces = st.sampled_from(
    (
        "[start_datetime:7]",
        "[end_datetime:1702405920]",
        "[start_",
        "datetime:2]",
        "<!-- kener-issues:",
        " x -->",
        "### Start time (UTC)\n\n2024-01-01 10:00",
        "\r\n",
        "\n\n",
        " ",
    )
)
texts = st.lists(markup_pieces | st.text(max_size=8), max_size=12).map("".join)
times = st.none() | st.integers(0, LATEST)
fields = st.builds(
    IncidentFields,
    title=st.text(min_size=1),
    tags=st.lists(st.sampled_from(MONITORS.tags), min_size=1).map(tuple),
    body=texts,
    start_datetime=times,
    end_datetime=times,
    impact=st.none() | st.sampled_from(Impact),
    is_maintenance=st.booleans(),
    is_identified=st.booleans(),
    is_resolved=st.booleans(),
)
OURS = label_keys(style.name for style in label_styles(MONITORS)) | {"google"}
foreign_labels = st.text(min_size=1, max_size=50).filter(lambda name: label_key(name) not in OURS)
labels_on_issues = st.lists(
    foreign_labels
    | st.sampled_from(
        [
            *("incident", "Incident-Down", "incident-degraded", "MAINTENANCE", "identified"),
            *("Resolved", "manual", "auto", "earth", "EARTH", "google-search", "Google"),
            "größe 🌍",
        ]
    ),
    unique_by=label_key,
).map(tuple)


def after(standing: tuple[str, ...], changes: LabelChanges) -> tuple[str, ...]:
    """What GitHub makes of it: names are one label whatever their case, the first spelling stays"""
    keys = {label_key(label): label for label in standing}
    for label in changes.add:
        keys.setdefault(label_key(label), label)
    for label in changes.remove:
        del keys[label_key(label)]
    return tuple(keys.values())


def as_issue(written: IncidentFields) -> Issue:
    return replace(
        ISSUE,
        title=written.title,
        body=issue_body(written),
        labels=labels_for(written, on_creation=True),
    )


def fields_of(incident: Incident) -> IncidentFields:
    return IncidentFields(
        **{name: getattr(incident, name) for name in IncidentFields.__dataclass_fields__}
    )


# Round trip


@LENIENT
@given(fields)
@example(replace(FIELDS, body="a\r\n\r\nb\u2028\u00a0c\x0b\x85d"))
@example(replace(FIELDS, body="<!-- kener-issues: x"))
@example(replace(FIELDS, body="[start_datetime:7", start_datetime=5))
def test_what_is_created_is_what_is_read(written: IncidentFields) -> None:
    read = fields_of(incident_from(as_issue(written), MONITORS))
    assert read == replace(
        with_markers_applied(written),
        title=written.title.strip(),
        tags=tuple(tag for tag in MONITORS.tags if tag in written.tags),
    )


@LENIENT
@given(fields, st.text())
def test_a_text_without_markup_is_kept_to_the_letter(written: IncidentFields, text: str) -> None:
    written = replace(written, body=text)
    read = incident_from(as_issue(written), MONITORS)
    assert (read.body, read.start_datetime, read.end_datetime) == (
        text.strip(),
        written.start_datetime,
        written.end_datetime,
    )


@LENIENT
@given(fields)
def test_what_was_read_can_be_written_again_and_changes_nothing(written: IncidentFields) -> None:
    issue = as_issue(written)
    read = fields_of(incident_from(issue, MONITORS))
    assert fields_of(incident_from(as_issue(read), MONITORS)) == read
    assert label_changes(issue.labels, read, MONITORS) == LabelChanges()
    assert issue_body(read, form=issue.body) == issue.body


# Reading


def test_an_incident_is_given_in_keners_keys_and_order() -> None:
    issue = replace(
        ISSUE,
        body="Login is down [start_datetime:1702405740] [end_datetime:1702405920]",
        labels=("incident", "incident-down", "Earth", "identified", "help wanted"),
        state="closed",
        closed_at=1703940500,
    )
    answer = incident_from(issue, MONITORS).to_json()
    assert answer == {
        "createdAt": 1703940450,
        "closedAt": 1703940500,
        "title": "Outage in Mumbai",
        "tags": ["earth"],
        "incidentNumber": 12,
        "startDatetime": 1702405740,
        "endDatetime": 1702405920,
        "body": "Login is down",
        "impact": "DOWN",
        "isMaintenance": False,
        "isIdentified": True,
        "isResolved": False,
    }
    assert list(answer)[:5] == ["createdAt", "closedAt", "title", "tags", "incidentNumber"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param(("incident",), {}, id="nothing but an incident"),
        pytest.param(("incident", "incident-down"), {"impact": Impact.DOWN}, id="down"),
        pytest.param(
            ("incident", "incident-degraded", "incident-down"),
            {"impact": Impact.DOWN},
            id="down beats degraded",
        ),
        pytest.param(
            ("INCIDENT", "Maintenance", "RESOLVED"),
            {"is_maintenance": True, "is_resolved": True},
            id="any case",
        ),
        pytest.param(("incident", "auto"), {"is_auto": True}, id="made by a program"),
        pytest.param(
            ("incident", "GOOGLE", "earth"),
            {"tags": ("earth", "Google-Search")},
            id="a former tag, and the order of the monitors",
        ),
        pytest.param(("incident", "mars"), {"tags": ()}, id="a label that is no tag"),
    ],
)
def test_labels_say_what_an_incident_is(
    labels: tuple[str, ...], expected: dict[str, object]
) -> None:
    plain = incident_from(replace(ISSUE, labels=("incident",)), MONITORS)
    assert incident_from(replace(ISSUE, labels=labels), MONITORS) == replace(plain, **expected)


def test_an_open_issue_was_never_closed_whatever_github_still_says() -> None:
    assert incident_from(replace(ISSUE, closed_at=5), MONITORS).closed_at is None


def test_an_issue_without_a_body_has_an_empty_one() -> None:
    assert incident_from(replace(ISSUE, body=""), MONITORS).body == ""


@pytest.mark.parametrize(
    ("issue", "expected"),
    [
        pytest.param(ISSUE, True, id="labelled"),
        pytest.param(replace(ISSUE, labels=("Incident",)), True, id="in another case"),
        pytest.param(replace(ISSUE, labels=()), False, id="not labelled"),
        pytest.param(replace(ISSUE, labels=("incident-down",)), False, id="a longer name"),
        pytest.param(replace(ISSUE, is_pull_request=True), False, id="a pull request"),
    ],
)
def test_an_issue_with_the_label_incident_is_meant_as_one(issue: Issue, expected: bool) -> None:
    assert is_incident(issue) is expected


# Markers in the client's own text


@pytest.mark.parametrize(
    ("body", "start", "end", "read"),
    [
        pytest.param(
            "x [start_datetime:5]", None, None, (5, None, "x"), id="sets what is left out"
        ),
        pytest.param("x [start_datetime:5]", 6, None, (6, None, "x"), id="a given field wins"),
        pytest.param("x [start_datetime:5]", 0, None, (0, None, "x"), id="zero is given"),
        pytest.param("[end_datetime:9] x", 5, None, (5, 9, "x"), id="each for itself"),
        pytest.param("<!-- kener-issues: key 1 -->x", None, None, (None, None, "x"), id="comment"),
    ],
)
def test_markers_in_a_clients_text_set_fields_that_were_left_out_and_are_removed(
    body: str, start: int | None, end: int | None, read: tuple[int | None, int | None, str]
) -> None:
    given_fields = replace(FIELDS, body=body, start_datetime=start, end_datetime=end)
    applied = with_markers_applied(given_fields)
    assert (applied.start_datetime, applied.end_datetime, applied.body) == read


def test_a_heading_of_the_form_says_when_for_as_long_as_it_stands_in_the_text() -> None:
    heading = replace(FIELDS, body="### Start\n\n5")
    assert with_markers_applied(heading).start_datetime == 5
    assert with_markers_applied(replace(heading, start_datetime=7)).start_datetime == 7
    assert with_markers_applied(replace(heading, body="Text")).start_datetime is None


@LENIENT
@given(fields)
def test_applying_markers_twice_is_applying_them_once(written: IncidentFields) -> None:
    once = with_markers_applied(written)
    assert with_markers_applied(once) == once


# Lengths


def test_the_body_is_as_kener_writes_it() -> None:
    written = replace(FIELDS, start_datetime=5, end_datetime=9)
    assert issue_body(written) == "Login is down [start_datetime:5] [end_datetime:9]"


@pytest.mark.parametrize(
    ("start", "end", "room"),
    [
        pytest.param(None, None, 65_536, id="text alone"),
        pytest.param(1702405740, None, 65_508, id="with a start"),
        pytest.param(1702405740, 1702405920, 65_482, id="with start and end"),
    ],
)
@pytest.mark.parametrize("character", ["x", "é", "🌍"])
def test_a_text_of_exactly_the_allowed_length_fits_and_one_more_does_not(
    start: int | None, end: int | None, room: int, character: str
) -> None:
    fitting = replace(FIELDS, body=character * room, start_datetime=start, end_datetime=end)
    assert body_length(fitting) == len(issue_body(fitting)) == MAX_BODY_LENGTH
    assert body_length(replace(fitting, body=character * (room + 1))) > MAX_BODY_LENGTH


def test_outer_white_space_and_markers_in_the_text_do_not_count_twice() -> None:
    written = replace(FIELDS, body=f"\n\n x [start_datetime:5]{' ' * MAX_BODY_LENGTH}")
    assert body_length(written) == len("x [start_datetime:5]")


def test_the_room_for_a_key_is_what_its_comment_takes() -> None:
    key = "key " + 64 * "f"
    assert len(issue_body(FIELDS, hidden=[key])) == body_length(FIELDS) + KEY_COMMENT_ROOM


@pytest.mark.parametrize("spare", [0, 30, 200, 100_000])
def test_hidden_comments_give_way_to_the_clients_text(spare: int) -> None:
    written = replace(FIELDS, body="x" * max(0, MAX_BODY_LENGTH - spare))
    hidden = tuple(f"key {number:04}" for number in range(2_500))
    body = issue_body(written, hidden=hidden)
    kept = read_markup(body).hidden
    assert read_markup(body).text == written.body
    assert kept == hidden[: len(kept)]
    assert len(body) <= MAX_BODY_LENGTH
    one_more = write_markup(written.body, start=None, end=None, hidden=hidden[: len(kept) + 1])
    assert kept == hidden or len(one_more) > MAX_BODY_LENGTH


# Labels


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        (FIELDS, ("incident", "earth")),
        (replace(FIELDS, tags=("earth", "earth")), ("incident", "earth")),
        (replace(FIELDS, impact=Impact.DOWN), ("incident", "earth", "incident-down")),
        (replace(FIELDS, impact=Impact.DEGRADED), ("incident", "earth", "incident-degraded")),
        (
            replace(FIELDS, is_maintenance=True, is_identified=True, is_resolved=True),
            ("incident", "earth", "maintenance", "resolved", "identified"),
        ),
    ],
)
def test_fields_are_labels(written: IncidentFields, labels: tuple[str, ...]) -> None:
    assert labels_for(written) == labels
    assert labels_for(written, on_creation=True) == (*labels, "manual")


@LENIENT
@given(labels_on_issues, fields)
def test_a_replacement_gives_exactly_the_wanted_incident(
    standing: tuple[str, ...], written: IncidentFields
) -> None:
    left = after(standing, label_changes(standing, written, MONITORS))
    read = incident_from(replace(ISSUE, labels=left), MONITORS)
    assert is_incident(replace(ISSUE, labels=left))
    assert read.tags == tuple(tag for tag in MONITORS.tags if tag in written.tags)
    assert (read.impact, read.is_maintenance, read.is_identified, read.is_resolved) == (
        written.impact,
        written.is_maintenance,
        written.is_identified,
        written.is_resolved,
    )


@LENIENT
@given(labels_on_issues, fields)
def test_a_replacement_never_touches_labels_that_are_not_ours(
    standing: tuple[str, ...], written: IncidentFields
) -> None:
    changes = label_changes(standing, written, MONITORS)
    assert label_keys((*changes.add, *changes.remove)) <= OURS - {"manual", "auto"}


@LENIENT
@given(labels_on_issues, fields)
def test_labels_are_touched_only_where_they_change_and_only_once(
    standing: tuple[str, ...], written: IncidentFields
) -> None:
    changes = label_changes(standing, written, MONITORS)
    assert label_keys(changes.add).isdisjoint(label_keys(standing))
    assert set(changes.remove) <= set(standing)
    left = after(standing, changes)
    assert label_changes(left, written, MONITORS) == LabelChanges()


def test_the_label_of_a_renamed_monitor_is_renamed_with_the_next_replacement() -> None:
    changes = label_changes(
        ("incident", "Google"), replace(FIELDS, tags=("Google-Search",)), MONITORS
    )
    assert changes == LabelChanges(add=("Google-Search",), remove=("Google",))


@LENIENT
@given(labels_on_issues, st.none() | st.booleans(), st.none() | st.booleans())
def test_a_status_update_changes_what_it_names_and_nothing_else(
    standing: tuple[str, ...], is_identified: bool | None, is_resolved: bool | None
) -> None:
    changes = status_label_changes(standing, is_identified=is_identified, is_resolved=is_resolved)
    before = incident_from(replace(ISSUE, labels=standing), MONITORS)
    left = after(standing, changes)
    assert incident_from(replace(ISSUE, labels=left), MONITORS) == replace(
        before,
        is_identified=before.is_identified if is_identified is None else is_identified,
        is_resolved=before.is_resolved if is_resolved is None else is_resolved,
    )
    assert set(standing) - set(left) == set(changes.remove)
    assert set(left) - set(standing) == set(changes.add)


def test_every_label_we_put_on_an_issue_has_a_style_github_accepts() -> None:
    long_name = Monitors([Monitor(tag="x", name="A\nvery " + "long " * 50)])
    for style in (*label_styles(MONITORS), *label_styles(long_name)):
        assert re.fullmatch("[0-9a-f]{6}", style.color)
        assert 0 < len(style.description) <= MAX_DESCRIPTION_LENGTH
        assert style.description.isprintable()
    assert [style.name for style in label_styles(MONITORS)] == [
        *(style.name for style in OWN_LABELS),
        *MONITORS.tags,
    ]


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("Earth", "Monitor: Earth"),
        (" our\n  Earth ", "Monitor: our Earth"),
        ("x" * 91, "Monitor: " + "x" * 91),
        ("x" * 92, "Monitor: " + "x" * 90 + "…"),
    ],
)
def test_a_tags_label_tells_the_monitors_name_as_far_as_github_lets_it(
    name: str, description: str
) -> None:
    monitors = Monitors([Monitor(tag="earth", name=name)])
    assert label_styles(monitors)[-1].description == description


def test_a_tags_colour_depends_on_the_tag_alone() -> None:
    one, other = (
        label_styles(Monitors([Monitor(tag=tag, name=name)]))[-1]
        for tag, name in (("earth", "Earth"), ("Earth", "Our planet"))
    )
    assert one.color == other.color == "adebe3"


SHOWN = Incident(
    title="Outage",
    tags=("earth",),
    number=1,
    created_at=1_700_000_000,
    closed_at=None,
    is_open=True,
    is_auto=False,
)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Over"},
        {"tags": ()},
        {"body": "text"},
        {"start_datetime": 5},
        {"end_datetime": 5},
        {"impact": Impact.DOWN},
        {"is_maintenance": True},
        {"is_identified": True},
        {"is_resolved": True},
        {"closed_at": 1_700_000_060, "is_open": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_etag_changes_with_everything_a_client_sees(change: dict[str, Any]) -> None:
    changed = replace(SHOWN, **change)
    assert incident_etag(changed) != incident_etag(SHOWN) == incident_etag(replace(SHOWN))
    assert re.fullmatch(r'"[0-9a-f]{32}"', incident_etag(changed))
