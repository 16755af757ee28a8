"""When a held answer is given, when GitHub is asked again, when it is worth nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from github_store.freshness import Freshness, Verdict, Vouched

FRESHNESS = Freshness(fresh_seconds=15, stale_seconds=60, outage_seconds=3600)
NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("age", "verdict"),
    [
        pytest.param(0, Verdict.FRESH, id="just asked"),
        pytest.param(14.999, Verdict.FRESH, id="a moment before"),
        pytest.param(15, Verdict.STALE, id="at the limit"),
        pytest.param(59.999, Verdict.STALE, id="a moment before the next"),
        pytest.param(60, Verdict.EXPIRED, id="at the next limit"),
        pytest.param(3600, Verdict.EXPIRED, id="as long as an outage may last"),
        pytest.param(3600.5, Verdict.WORTHLESS, id="longer than that"),
        pytest.param(-1, Verdict.EXPIRED, id="from the future: the clock was stepped back"),
    ],
)
def test_age_decides(age: float, verdict: Verdict) -> None:
    assert FRESHNESS.judge(NOW - age, now=NOW) is verdict


def test_nothing_is_fresh_where_nothing_shall_be_held() -> None:
    assert Freshness(fresh_seconds=0).judge(NOW, now=NOW) is Verdict.EXPIRED


@pytest.mark.parametrize(
    ("held_at", "verdict"),
    [
        pytest.param(NOW - 3000, Verdict.FRESH, id="confirmed since webhooks tell of changes"),
        pytest.param(NOW - 3001, Verdict.EXPIRED, id="confirmed before"),
        pytest.param(NOW + 1, Verdict.EXPIRED, id="from the future"),
    ],
)
def test_what_webhooks_vouch_for_is_fresh_whatever_its_age(
    held_at: float, verdict: Verdict
) -> None:
    vouched = Vouched(since=NOW - 3000, until=NOW + 1)
    assert FRESHNESS.judge(held_at, now=NOW, vouched=vouched) is verdict
    ended = Vouched(since=NOW - 3000, until=NOW)
    assert FRESHNESS.judge(held_at, now=NOW, vouched=ended) is Verdict.EXPIRED


def test_a_quota_that_runs_low_stretches_both_limits() -> None:
    assert FRESHNESS.judge(NOW - 59, now=NOW, stretch=4) is Verdict.FRESH
    assert FRESHNESS.judge(NOW - 239, now=NOW, stretch=4) is Verdict.STALE
    assert FRESHNESS.judge(NOW - 240, now=NOW, stretch=4) is Verdict.EXPIRED


ages = st.floats(0, 1e9)


@settings(deadline=None)
@given(ages, ages)
def test_an_older_answer_is_never_better(one: float, other: float) -> None:
    order = list(Verdict)
    younger, older = sorted((one, other))
    assert order.index(FRESHNESS.judge(-younger, now=0)) <= order.index(
        FRESHNESS.judge(-older, now=0)
    )
