"""While GitHub is out requests are refused unsent; search is out by itself."""

from __future__ import annotations

import logging
import math

import pytest

from github_store.breaker import CORE, SEARCH, Breaker
from github_store.circuit import FAILURES, LONGEST_PAUSE_SECONDS
from github_store.errors import GitHubOut
from github_store.gateway import Exchange

T0 = 5_000.0
REPOSITORY = "/repos/owner/status"
ISSUES = f"{REPOSITORY}/issues"
FOUND = "/search/issues?q=outage"
NEXT_FOUND = "/search/issues?q=outage&page=2"


def breaker() -> Breaker:
    return Breaker(jitter=lambda: 1.0)


def end(
    asked: Breaker, status: int | None, *, path: str = ISSUES, times: int = 1, now: float = T0
) -> None:
    for _ in range(times):
        asked.observe(Exchange("GET", path, status, 0.1, {}), now)


def is_let(asked: Breaker, path: str = ISSUES, *, method: str = "GET", now: float = T0) -> bool:
    try:
        asked.refuse(method, path, now)
        asked.admit(method, path, now)
    except GitHubOut as error:
        seconds = error.retry_after_seconds
    else:
        return True
    assert seconds is not None
    assert 1 <= seconds <= LONGEST_PAUSE_SECONDS + 2
    return False


@pytest.mark.parametrize("status", [None, 500, 502, 503, 504])
def test_requests_that_are_not_answered_put_github_out(status: int | None) -> None:
    asked = breaker()
    end(asked, status, times=FAILURES - 1)
    assert is_let(asked)
    end(asked, status)
    assert not is_let(asked)
    assert not asked.may_read(ISSUES, T0)
    assert asked.out_for(T0 + 7) == {CORE: 7.0, SEARCH: 0.0}


@pytest.mark.parametrize("status", [200, 304, 401, 403, 404, 422, 429])
def test_whatever_github_says_below_500_is_an_answer(status: int) -> None:
    asked = breaker()
    end(asked, None, times=FAILURES - 1)
    end(asked, status)
    end(asked, None, times=FAILURES - 1, now=T0 + 1)
    assert is_let(asked)
    end(asked, None, times=FAILURES, now=T0 + 2)
    end(asked, status, path=REPOSITORY, now=T0 + 3)
    assert is_let(asked)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ISSUES),
        ("POST", ISSUES),
        ("PATCH", REPOSITORY),
        ("GET", f"{REPOSITORY}?page=2"),
        ("GET", FOUND),
        ("GET", "/repositories/1/issues?page=2"),
    ],
)
def test_nothing_is_let_through_but_a_read_of_the_repository_itself(method: str, path: str) -> None:
    asked = breaker()
    end(asked, None, times=FAILURES)
    assert not is_let(asked, path, method=method, now=T0 + 3_600)
    assert is_let(asked, REPOSITORY)


def test_trials_are_begun_one_after_the_other() -> None:
    asked = breaker()
    assert asked.seconds_to_trial(T0) == math.inf
    assert not asked.begin_trial(T0)
    end(asked, None, times=FAILURES)
    assert asked.begin_trial(T0)
    assert not asked.begin_trial(T0)
    assert asked.seconds_to_trial(T0) == 0.5
    assert asked.begin_trial(T0 + 0.5)
    assert asked.seconds_to_trial(T0 + 0.5) == 1.0


def test_a_search_that_fails_leaves_everything_else_open() -> None:
    asked = breaker()
    end(asked, None, path=FOUND, times=100)
    assert is_let(asked)
    assert is_let(asked, method="POST")
    assert asked.may_read(ISSUES, T0)
    assert asked.hold_off(T0) == 0
    assert asked.out_for(T0) == {CORE: 0.0, SEARCH: 0.0}
    assert is_let(asked, FOUND), "the first trial is due at once"
    assert not is_let(asked, NEXT_FOUND)
    assert not asked.may_read(FOUND, T0)


def test_the_next_search_that_somebody_wants_tries_it() -> None:
    asked = breaker()
    end(asked, 502, path=FOUND, times=FAILURES)
    assert is_let(asked, FOUND)
    end(asked, 502, path=FOUND)
    for now, is_due in ((T0 + 0.4, False), (T0 + 0.5, True), (T0 + 0.6, False)):
        assert asked.may_read(FOUND, now) is is_due
        assert is_let(asked, FOUND, now=now) is is_due
    end(asked, 200, path=FOUND, now=T0 + 1)
    assert is_let(asked, NEXT_FOUND, now=T0 + 1)


def test_searches_that_are_answered_say_nothing_of_the_rest() -> None:
    asked = breaker()
    for _ in range(FAILURES):
        end(asked, None)
        end(asked, 200, path=FOUND)
    assert not is_let(asked)
    assert not is_let(asked, FOUND), "what search finds has to be read as well"


def test_github_back_again_is_search_back_until_it_fails_itself() -> None:
    asked = breaker()
    end(asked, None, path=FOUND, times=FAILURES)
    end(asked, None, times=FAILURES)
    end(asked, 200, path=REPOSITORY, now=T0 + 60)
    assert is_let(asked, FOUND, now=T0 + 60)
    assert is_let(asked, NEXT_FOUND, now=T0 + 60)


def test_work_that_nobody_waits_for_is_told_when_to_look_again() -> None:
    asked = breaker()
    assert asked.hold_off(T0) == 0
    end(asked, None, times=FAILURES)
    for _ in range(50):
        asked.begin_trial(T0)
        assert 1 <= asked.hold_off(T0) <= LONGEST_PAUSE_SECONDS + 1
    end(asked, 200, now=T0 + 60)
    assert asked.hold_off(T0 + 60) == 0


def test_going_out_and_coming_back_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    asked, turns = breaker(), []
    asked.listener = lambda: turns.append(asked.out_for(T0)[CORE] > 0)
    end(asked, None, times=3 * FAILURES, now=T0 - 90)
    end(asked, 200, times=3)
    assert turns == [True, False]
    assert [each.message for each in caplog.records] == [
        "GitHub is out: 5 requests in a row were not answered; it is tried every few seconds",
        "GitHub answers again, after 90 s",
    ]
