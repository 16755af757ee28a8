"""What GitHub still allows: a known limit is never tried, and only what it limits is refused."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.errors import RateLimited
from github_store.gateway import Exchange
from github_store.quota import Budget, Pressure, Quota
from github_store.write_budget import PER_MINUTE, WriteBudget

T0 = 5_000.0
"""Of the monotonic clock."""
EPOCH = 1_790_000_000
"""GitHub's clock at that moment; ours may say anything."""
ISSUES = "/repos/owner/status/issues"
SEARCH = "/search/issues?q=outage"
BLOBS = "/repos/owner/status/git/blobs"
KEPT = 50
"""Of 5,000 requests, for incidents' writes."""


def quota(*, jitter: float = 0.0) -> Quota:
    return Quota(WriteBudget(), jitter=lambda: jitter)


def limits(
    remaining: int, *, limit: int = 5_000, resets_in: float = 1_800, resource: str = "core"
) -> dict[str, str]:
    return {
        "date": formatdate(EPOCH, usegmt=True),
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(int(EPOCH + resets_in)),
        "x-ratelimit-resource": resource,
    }


def answered(
    asked: Quota,
    headers: dict[str, str] | None = None,
    *,
    path: str = ISSUES,
    status: int | None = 200,
    is_limit: bool = False,
    now: float = T0,
) -> None:
    """One request that was admitted and ended like this."""
    asked.admit("GET", path, now)
    asked.observe(Exchange("GET", path, status, 0.1, headers or {}, is_limit), now)


def wait(asked: Quota, path: str = ISSUES, *, now: float = T0, method: str = "GET") -> int:
    """Seconds to wait for a request; 0 where it is admitted, and it is answered at once then."""
    try:
        asked.admit(method, path, now)
    except RateLimited as error:
        return error.retry_after_seconds or -1
    asked.observe(Exchange(method, path, 200, 0.1, {}), now)
    return 0


def test_what_nobody_limits_is_admitted() -> None:
    asked = quota()
    answered(asked, {})
    assert wait(asked) == wait(asked, SEARCH) == 0
    assert asked.pressure(T0) is Pressure.NONE
    assert asked.left(T0) == {}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "2", **limits(0, resets_in=900)}, 901),
        (limits(0, resets_in=900), 901),
        (limits(0, resets_in=-5), 1),
        (limits(4_000), 60),
        ({"retry-after": "soon"}, 60),
        ({}, 60),
    ],
    ids=["told", "at once", "both", "reset", "past reset", "secondary", "unclear", "bare"],
)
def test_a_refusal_closes_for_as_long_as_github_says(headers: dict[str, str], seconds: int) -> None:
    asked = quota()
    answered(asked, headers, status=403, is_limit=True)
    assert wait(asked) == seconds
    assert wait(asked, now=T0 + seconds - 0.01) == 1
    assert wait(asked, now=T0 + seconds) == 0


def test_the_last_request_of_a_window_closes_without_a_refusal() -> None:
    asked = quota()
    answered(asked, limits(0, resets_in=600))
    assert wait(asked) == 601
    assert wait(asked, now=T0 + 601) == 0


def test_a_limit_of_searches_leaves_everything_else_open() -> None:
    asked = quota()
    told = limits(0, limit=30, resets_in=40, resource="search")
    answered(asked, told, path=SEARCH, status=403, is_limit=True)
    assert wait(asked, SEARCH) == 41
    assert wait(asked, "/search/issues?q=outage&page=2") == 41
    assert wait(asked) == wait(asked, method="POST") == 0
    assert asked.pressure(T0) is Pressure.NONE


def test_a_secondary_limit_leaves_searches_open() -> None:
    asked = quota()
    answered(asked, {"retry-after": "30"}, status=429, is_limit=True)
    assert wait(asked) == wait(asked, method="POST") == wait(asked, BLOBS, method="POST") == 30
    assert wait(asked, SEARCH) == 0


def test_untold_waits_double_with_jitter_until_an_answer_comes() -> None:
    asked, now, waits = quota(jitter=1.0), T0, []
    for _ in range(7):
        answered(asked, {}, status=403, is_limit=True, now=now)
        waits.append(wait(asked, now=now))
        now += waits[-1]
    assert waits == [75, 150, 300, 600, 1_125, 1_125, 1_125]
    answered(asked, {}, now=now)
    answered(asked, {}, status=429, is_limit=True, now=now)
    assert wait(asked, now=now) == 75


def test_a_refusal_that_is_no_limit_closes_nothing() -> None:
    asked = quota()
    answered(asked, limits(4_000), status=403)
    assert wait(asked) == 0


def test_a_shorter_refusal_does_not_open_what_a_longer_one_closed() -> None:
    asked = quota()
    asked.admit("GET", ISSUES, T0)
    answered(asked, {"retry-after": "90"}, status=429, is_limit=True)
    asked.observe(Exchange("GET", ISSUES, 429, 0.1, {"retry-after": "2"}, True), T0)
    assert wait(asked) == 90


def test_no_more_requests_are_under_way_than_remain() -> None:
    asked = quota()
    answered(asked, limits(KEPT + 3))
    for _ in range(3):
        asked.admit("GET", ISSUES, T0)
    with pytest.raises(RateLimited) as caught:
        asked.admit("GET", ISSUES, T0)
    assert caught.value.retry_after_seconds == 1, "one of them may turn out to be free"
    asked.observe(Exchange("GET", ISSUES, 304, 0.1, limits(KEPT + 3)), T0)
    asked.admit("GET", ISSUES, T0)


def test_lost_answers_count_until_headers_tell_but_never_close_by_themselves() -> None:
    asked = quota()
    answered(asked, limits(KEPT + 3))
    answered(asked, status=None)
    asked.admit("GET", ISSUES, T0)
    asked.admit("GET", ISSUES, T0)
    with pytest.raises(RateLimited):
        asked.admit("GET", ISSUES, T0)
    for _ in range(2):
        asked.observe(Exchange("GET", ISSUES, None, 0.1, {}), T0)
    for _ in range(10):
        answered(asked, status=None)
    answered(asked, limits(KEPT + 2))
    asked.admit("GET", ISSUES, T0)
    asked.admit("GET", ISSUES, T0)


def test_answers_that_overtake_each_other_never_give_requests_back() -> None:
    asked = quota()
    for remaining, resets_in in ((75, 600), (77, 600), (76, 602), (4_999, 300)):
        answered(asked, limits(remaining, resets_in=resets_in))
    assert asked.left(T0)["core"].remaining == 75
    answered(asked, limits(4_999, resets_in=3_600))
    assert asked.left(T0)["core"].remaining == 4_999, "the next window"


@pytest.mark.parametrize(
    ("remaining", "resets_in", "pressure", "slowness", "stretch"),
    [
        (5_000, 3_600, Pressure.NONE, 1, 1),
        (1_500, 3_600, Pressure.NONE, 1, 1),
        (1_499, 3_600, Pressure.LOW, 4, 1),
        (1_000, 3_600, Pressure.LOW, 4, 1),
        (999, 3_600, Pressure.TIGHT, 20, 4),
        (250, 3_600, Pressure.TIGHT, 20, 4),
        (249, 3_600, Pressure.CRITICAL, 20, 20),
        (KEPT + 1, 3_600, Pressure.CRITICAL, 20, 20),
        (KEPT, 3_600, Pressure.CLOSED, 20, 20),
        (0, 30, Pressure.CLOSED, 20, 20),
        (500, 300, Pressure.NONE, 1, 1),
        (500, 400, Pressure.TIGHT, 20, 4),
    ],
)
def test_the_scarcer_requests_are_the_slower_is_background_work_and_then_answers_hold_longer(
    remaining: int, resets_in: float, pressure: Pressure, slowness: float, stretch: float
) -> None:
    asked = quota()
    answered(asked, limits(remaining, resets_in=resets_in))
    found = (asked.pressure(T0), asked.slowness(T0), asked.stretch(T0))
    assert found == (pressure, slowness, stretch)
    assert asked.pressure(T0 + resets_in + 1) is Pressure.NONE


def test_the_last_requests_are_kept_for_the_writes_of_incidents() -> None:
    asked = quota()
    answered(asked, limits(KEPT, resets_in=600))
    assert wait(asked) == wait(asked, BLOBS, method="POST") == 601
    assert wait(asked, method="POST") == 0
    assert not asked.may_renew(ISSUES, T0)
    assert asked.may_renew(SEARCH, T0)
    answered_write = Exchange("POST", ISSUES, 201, 0.1, limits(0, resets_in=600))
    asked.admit("POST", ISSUES, T0)
    asked.observe(answered_write, T0)
    assert wait(asked, method="POST") == 601


def test_when_it_is_critical_renewals_and_background_work_keep_to_a_pace() -> None:
    """150 may be spent in 3,001 seconds: one in 20."""
    asked = quota()
    answered(asked, limits(200, resets_in=3_000))
    assert asked.may_renew(ISSUES, T0)
    assert asked.hold_off(T0) == 0
    answered(asked, limits(199, resets_in=3_000))
    for seconds, is_in_time in ((0, False), (19, False), (21, True)):
        assert asked.may_renew(ISSUES, T0 + seconds) is is_in_time
        assert asked.hold_off(T0 + seconds) == (0 if is_in_time else 30)
    answered(asked, limits(199, resets_in=2_979), status=304, now=T0 + 21)
    assert asked.may_renew(ISSUES, T0 + 21), "what is unchanged costs nothing"
    answered(asked, limits(5_000, resets_in=3_600), now=T0 + 3_001)
    assert asked.may_renew(ISSUES, T0 + 3_001)


def test_pressure_is_highest_while_a_secondary_limit_holds() -> None:
    asked = quota()
    answered(asked, {"retry-after": "30"}, status=403, is_limit=True)
    assert asked.pressure(T0) is Pressure.CLOSED
    assert asked.pressure(T0 + 30) is Pressure.NONE


def test_what_is_left_is_told_by_resource() -> None:
    asked = quota()
    answered(asked, limits(4_000, resets_in=600))
    answered(asked, limits(9, limit=30, resets_in=20, resource="search"), path=SEARCH)
    asked.admit("GET", ISSUES, T0)
    assert asked.left(T0) == {"core": Budget(5_000, 3_999, 601), "search": Budget(30, 9, 21)}
    assert asked.left(T0 + 50)["search"] == Budget(30, 30, 0)


def test_writes_of_incidents_keep_below_githubs_ceiling_and_reads_go_on() -> None:
    writes = WriteBudget()
    asked = Quota(writes, jitter=lambda: 0.0)
    writes.note(T0 - 10, PER_MINUTE)
    assert wait(asked, method="POST") == 50
    assert wait(asked, BLOBS, method="POST") == 0, "the committer asks the budget itself"
    assert wait(asked) == 0
    assert wait(asked, method="POST", now=T0 + 50) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-remaining": "0"},
        {**limits(0), "date": "yesterday"},
        {**limits(0), "x-ratelimit-limit": "0"},
        {**limits(0), "x-ratelimit-reset": "nan"},
        {**limits(0), "x-ratelimit-reset": "never"},
    ],
    ids=["alone", "no date", "no limit", "no number", "no time"],
)
def test_headers_that_tell_nothing_are_not_believed(headers: dict[str, str]) -> None:
    asked = quota()
    answered(asked, headers)
    assert wait(asked) == 0
    assert asked.left(T0) == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["begin", "answer", "not modified"]),
            st.floats(0, 30, allow_nan=False),
        ),
        max_size=60,
    )
)
def test_a_server_that_counts_is_never_asked_beyond_its_limit(
    steps: list[tuple[str, float]],
) -> None:
    """Whatever overtakes what: a window of ten requests is never exceeded."""
    asked, now, used, under_way = quota(), T0, 0, 0
    answered(asked, limits(10, limit=10, resets_in=3_600))
    for step, seconds in steps:
        now = min(now + seconds, T0 + 3_599)
        if step == "begin":
            try:
                asked.admit("GET", ISSUES, now)
            except RateLimited:
                continue
            used, under_way = used + 1, under_way + 1
            assert used <= 10
        elif under_way:
            under_way -= 1
            used -= step == "not modified"
            headers: dict[str, Any] = limits(10 - used, limit=10, resets_in=3_600 - (now - T0))
            headers["date"] = formatdate(EPOCH, usegmt=True)
            status = {"answer": 200, "not modified": 304}[step]
            asked.observe(Exchange("GET", ISSUES, status, 0.1, headers), now)
