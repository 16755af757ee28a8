"""What clients send: accepted as it is meant, or refused in Kener's words and Kener's order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.refusal import Refused
from app.validation import comment_text, incident_fields, sample, status_update
from github_store import LATEST, Impact, IncidentFields, Status, StatusUpdate
from tests.app.fake_store import MONITORS, NOW, THIS_MINUTE

LEAST = {"title": "Down", "tags": ["earth"]}
PUSH = {"status": "UP", "latency": 1, "tag": "earth"}
NINETY_DAYS = 90 * 86_400
HALF = "\ud83d"


def refused(function: Any, *arguments: Any, **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        function(*arguments, **more)
    assert caught.value.status == 400
    assert caught.value.detail
    return caught.value


# incidents


def test_the_least_incident_is_a_title_and_a_tag() -> None:
    assert incident_fields(LEAST, MONITORS) == IncidentFields(title="Down", tags=("earth",))


def test_every_field_of_an_incident_is_read() -> None:
    body = {
        "startDatetime": 1702405740,
        "endDatetime": 1702405920,
        "title": "Outage in Mumbai",
        "body": "Login cluster is down",
        "tags": ["google-search"],
        "impact": "DEGRADED",
        "isMaintenance": True,
        "isIdentified": True,
        "isResolved": True,
    }
    assert incident_fields(body, MONITORS) == IncidentFields(
        title="Outage in Mumbai",
        tags=("google-search",),
        body="Login cluster is down",
        start_datetime=1702405740,
        end_datetime=1702405920,
        impact=Impact.DEGRADED,
        is_maintenance=True,
        is_identified=True,
        is_resolved=True,
    )


@pytest.mark.parametrize(
    "field",
    [
        "startDatetime",
        "endDatetime",
        "body",
        "impact",
        "isMaintenance",
        "isIdentified",
        "isResolved",
    ],
)
def test_null_in_an_optional_field_is_the_same_as_leaving_it_out(field: str) -> None:
    assert incident_fields({**LEAST, field: None}, MONITORS) == incident_fields(LEAST, MONITORS)


def test_unknown_keys_are_ignored() -> None:
    answered = {**LEAST, "incidentNumber": 12, "createdAt": "?", HALF: HALF}
    assert incident_fields(answered, MONITORS) == incident_fields(LEAST, MONITORS)


def test_tags_come_once_and_in_the_order_of_the_monitors() -> None:
    body = {**LEAST, "tags": ["frogment", "earth", "frogment"]}
    assert incident_fields(body, MONITORS).tags == ("earth", "frogment")


def test_an_empty_impact_is_none_as_in_kener() -> None:
    assert incident_fields({**LEAST, "impact": ""}, MONITORS).impact is None


def test_outer_white_space_of_a_title_goes() -> None:
    assert incident_fields({**LEAST, "title": "\t Down \n"}, MONITORS).title == "Down"


@pytest.mark.parametrize("seconds", [0, LATEST, 1702405740, 1702405740.0, -0.0])
def test_a_time_is_whole_seconds_however_the_number_is_written(seconds: float) -> None:
    fields = incident_fields({**LEAST, "startDatetime": seconds}, MONITORS)
    assert fields.start_datetime == seconds
    assert isinstance(fields.start_datetime, int)


INVALID_TIMES: list[Any] = [
    -1, LATEST + 1, 1.5, "1702405740", "", True, False, [], {}, 1e400, -1e400, 10**400,
]  # fmt: skip


@pytest.mark.parametrize("field", ["startDatetime", "endDatetime"])
@pytest.mark.parametrize("value", INVALID_TIMES, ids=lambda value: str(value)[:12])
def test_anything_else_is_no_time(field: str, value: Any) -> None:
    assert refused(incident_fields, {**LEAST, field: value}, MONITORS).error == f"Invalid {field}"


@pytest.mark.parametrize("end", [99, 100])
def test_an_end_is_after_its_start(end: int) -> None:
    body = {**LEAST, "startDatetime": 100, "endDatetime": end}
    assert refused(incident_fields, body, MONITORS).error == "Invalid endDatetime"
    assert incident_fields({**body, "endDatetime": 101}, MONITORS).end_datetime == 101


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("title", None, "Invalid title"),
        ("title", "", "Invalid title"),
        ("title", " \n\u3000", "Invalid title"),
        ("title", 5, "Invalid title"),
        ("title", ["x"], "Invalid title"),
        ("title", "x" * 257, "Invalid title"),
        ("title", "a\0b", "Invalid title"),
        ("title", f"a{HALF}", "Invalid title"),
        ("tags", None, "Invalid tags"),
        ("tags", [], "Invalid tags"),
        ("tags", "earth", "Invalid tags"),
        ("tags", {"earth": 1}, "Invalid tags"),
        ("tags", ["earth", 1], "Invalid tags"),
        ("tags", ["earth", None], "Invalid tags"),
        ("tags", ["earth", ["earth"]], "Invalid tags"),
        ("tags", ["earth", "venus"], "Unknown tags"),
        ("tags", ["Earth"], "Unknown tags"),
        ("tags", [""], "Unknown tags"),
        ("tags", [" earth"], "Unknown tags"),
        ("tags", [HALF], "Unknown tags"),
        ("body", 5, "Invalid body"),
        ("body", False, "Invalid body"),
        ("body", ["x"], "Invalid body"),
        ("body", "a\0", "Invalid body"),
        ("body", f"{HALF}x", "Invalid body"),
        ("body", "x" * 65_537, "Invalid body"),
        ("body", "x" * 1_000_000, "Invalid body"),
        ("impact", "UP", "Invalid impact"),
        ("impact", "down", "Invalid impact"),
        ("impact", 0, "Invalid impact"),
        ("impact", False, "Invalid impact"),
        ("impact", ["DOWN"], "Invalid impact"),
        ("isMaintenance", 0, "Invalid isMaintenance"),
        ("isMaintenance", "true", "Invalid isMaintenance"),
        ("isIdentified", 1, "Invalid isIdentified"),
        ("isIdentified", "", "Invalid isIdentified"),
        ("isResolved", "false", "Invalid isResolved"),
        ("isResolved", {}, "Invalid isResolved"),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_a_wrong_field_is_named(field: str, value: Any, error: str) -> None:
    assert refused(incident_fields, {**LEAST, field: value}, MONITORS).error == error


IN_ORDER: list[tuple[str, Any, str]] = [
    ("startDatetime", "x", "Invalid startDatetime"),
    ("endDatetime", "x", "Invalid endDatetime"),
    ("title", "", "Invalid title"),
    ("tags", [], "Invalid tags"),
    ("body", 1, "Invalid body"),
    ("impact", "UP", "Invalid impact"),
    ("tags", ["venus"], "Unknown tags"),
    ("isMaintenance", 1, "Invalid isMaintenance"),
    ("isIdentified", 1, "Invalid isIdentified"),
    ("isResolved", 1, "Invalid isResolved"),
]


@pytest.mark.parametrize("first", range(len(IN_ORDER)), ids=lambda i: IN_ORDER[i][2])
def test_of_several_wrong_fields_the_first_in_keners_order_is_named(first: int) -> None:
    wrong: dict[str, Any] = {}
    for field, value, _ in IN_ORDER[first:]:
        wrong.setdefault(field, value)
    assert refused(incident_fields, {**LEAST, **wrong}, MONITORS).error == IN_ORDER[first][2]


@pytest.mark.parametrize("value", [[], "title", 5, True, None], ids=ascii)
def test_a_body_that_is_no_object_has_no_title(value: Any) -> None:
    found = refused(incident_fields, value, MONITORS)
    assert (found.error, found.detail) == ("Invalid title", "the body: expected a JSON object")


def test_the_longest_title_and_text_are_taken() -> None:
    fields = incident_fields({**LEAST, "title": "ü" * 256, "body": "🐸" * 65_536}, MONITORS)
    assert (len(fields.title), len(fields.body)) == (256, 65_536)


def test_the_markers_of_the_times_count_in_the_length_of_the_text() -> None:
    marker = len(" [start_datetime:1702405740]")
    body = {**LEAST, "startDatetime": 1702405740}
    longest = "x" * (65_536 - marker)
    assert incident_fields({**body, "body": longest}, MONITORS).body == longest
    found = refused(incident_fields, {**body, "body": longest + "x"}, MONITORS)
    assert found.error == "Invalid body"
    assert "markers" in found.detail


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["title", "tags", "body", "impact", "startDatetime", "endDatetime",
                         "isMaintenance", "isIdentified", "isResolved", "status", "latency",
                         "timestampInSeconds", "tag"]), inner, max_size=5),
    max_leaves=8,
))  # fmt: skip
def test_whatever_json_comes_is_accepted_or_refused(value: Any) -> None:
    for check in (
        lambda: incident_fields(value, MONITORS),
        lambda: status_update(value),
        lambda: comment_text(value),
        lambda: sample(value, MONITORS, now=NOW),
    ):
        try:
            check()
        except Refused as error:
            assert error.status == 400  # noqa: PT017 - either outcome is right


# status updates


def test_a_status_update_may_leave_everything_out() -> None:
    assert status_update({}) == StatusUpdate()
    assert status_update(dict.fromkeys(["isIdentified", "isResolved", "endDatetime"])) == (
        StatusUpdate()
    )


def test_a_status_update_says_what_it_says() -> None:
    body = {"isIdentified": True, "isResolved": False, "endDatetime": 1702405920}
    assert status_update(body) == StatusUpdate(
        is_identified=True, is_resolved=False, end_datetime=1702405920
    )


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"endDatetime": "x", "isIdentified": 1, "isResolved": 1}, "Invalid endDatetime"),
        ({"isIdentified": "true", "isResolved": 1}, "Invalid isIdentified"),
        ({"isResolved": 0}, "Invalid isResolved"),
        ([], "expected a JSON object"),
    ],
)
def test_a_wrong_status_update_is_refused(body: Any, error: str) -> None:
    assert refused(status_update, body).error == error


# comments


@pytest.mark.parametrize("text", ["comment 1", " \n- a list\n", "🐸" * 65_536], ids=ascii)
def test_a_comment_is_taken_as_it_is(text: str) -> None:
    assert comment_text({"body": text, "author": "?"}) == text


@pytest.mark.parametrize(
    "body",
    [
        {}, {"body": None}, {"body": ""}, {"body": " \n"}, {"body": 1}, {"body": ["x"]},
        {"body": "x" * 65_537}, {"body": "\0x"}, {"body": HALF}, [], "comment", None,
    ],
    ids=lambda value: ascii(value)[:24],
)  # fmt: skip
def test_a_comment_needs_a_text(body: Any) -> None:
    assert refused(comment_text, body).error == "Invalid body"


# pushed status


def push(**fields: Any) -> Any:
    return sample({**PUSH, **fields}, MONITORS, now=NOW)


def test_a_push_without_a_time_is_of_this_minute() -> None:
    pushed = push()
    assert (pushed.tag, pushed.status, pushed.latency) == ("earth", Status.UP, 1.0)
    assert pushed.minute == THIS_MINUTE
    assert push(timestampInSeconds=None).minute == THIS_MINUTE


@pytest.mark.parametrize(
    ("given", "minute"),
    [
        (THIS_MINUTE - 1, THIS_MINUTE - 60),
        (THIS_MINUTE, THIS_MINUTE),
        (THIS_MINUTE + 59, THIS_MINUTE),
        (THIS_MINUTE + 59.999, THIS_MINUTE),
        (THIS_MINUTE - 0.5, THIS_MINUTE - 60),
        (THIS_MINUTE - NINETY_DAYS, THIS_MINUTE - NINETY_DAYS),
    ],
)
def test_a_time_is_floored_to_its_minute(given: float, minute: int) -> None:
    floored = push(timestampInSeconds=given).minute
    assert floored == minute
    assert isinstance(floored, int)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (THIS_MINUTE + 60, "timestampInSeconds is in future"),
        (THIS_MINUTE * 1000, "timestampInSeconds is in future"),
        (1e400, "timestampInSeconds is in future"),
        (10**400, "timestampInSeconds is in future"),
        (THIS_MINUTE - NINETY_DAYS - 1, "timestampInSeconds is older than 90days"),
        (THIS_MINUTE - NINETY_DAYS - 0.001, "timestampInSeconds is older than 90days"),
        (0, "timestampInSeconds is older than 90days"),
        (-5, "timestampInSeconds is older than 90days"),
        (-1e400, "timestampInSeconds is older than 90days"),
        ("1702405860", "timestampInSeconds not a number"),
        (True, "timestampInSeconds not a number"),
        ([], "timestampInSeconds not a number"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_time_lies_within_90_days(given: Any, error: str) -> None:
    assert refused(push, timestampInSeconds=given).error == error


@pytest.mark.parametrize(
    "status", [None, "", "up", "UP ", "NO_DATA", 1, True, ["UP"], {}], ids=ascii
)
def test_a_status_is_one_of_three(status: Any) -> None:
    assert refused(push, status=status).error == "status missing"


@pytest.mark.parametrize("latency", [0, 0.25, 1213, 1e308], ids=str)
def test_a_latency_is_a_number_from_zero(latency: float) -> None:
    assert push(latency=latency).latency == latency


def test_an_unknown_latency_is_null_and_counts_as_0() -> None:
    assert push(latency=None).latency == 0


@pytest.mark.parametrize(
    "latency", ["", "12", -0.1, -1, True, [], 1e400, 10**400], ids=lambda v: str(v)[:8]
)
def test_anything_else_is_no_latency(latency: Any) -> None:
    assert refused(push, latency=latency).error == "latency missing or not a number"


@pytest.mark.parametrize("tag", [None, "", 1, ["earth"], "venus", "Earth", HALF], ids=ascii)
def test_a_tag_is_a_monitors(tag: Any) -> None:
    assert refused(push, tag=tag).error == "invalid tag"


STATUS_IN_ORDER: list[tuple[str, Any, str]] = [
    ("status", "?", "status missing"),
    ("latency", "?", "latency missing or not a number"),
    ("timestampInSeconds", "?", "timestampInSeconds not a number"),
    ("tag", "?", "invalid tag"),
]


@pytest.mark.parametrize("first", range(4), ids=lambda i: STATUS_IN_ORDER[i][2])
def test_of_a_wrong_push_the_first_field_in_keners_order_is_named(first: int) -> None:
    wrong = {field: value for field, value, _ in STATUS_IN_ORDER[first:]}
    assert refused(push, **wrong).error == STATUS_IN_ORDER[first][2]


def test_a_push_that_is_no_object_has_no_status() -> None:
    assert refused(sample, [1], MONITORS, now=NOW).error == "status missing"


def test_a_message_never_carries_a_long_text_back() -> None:
    assert len(refused(push, tag="x" * 100_000).detail) < 150
