"""While GitHub is out requests are refused unsent; an endpoint that fails alone is out alone."""

from __future__ import annotations

import logging
import math

import pytest

from github_store.breaker import CORE, QUIET_SECONDS, Breaker
from github_store.circuit import FAILURES, LONGEST_PAUSE_SECONDS
from github_store.errors import GitHubOut
from github_store.gateway import Exchange
from github_store.request_kind import COMMENTS, GIT, OTHER, SEARCH
from github_store.request_kind import ISSUES as ISSUES_KIND

T0 = 5_000.0
REPOSITORY = "/repos/owner/status"
ISSUES = f"{REPOSITORY}/issues"
FOUND = "/search/issues?q=outage"
NEXT_FOUND = "/search/issues?q=outage&page=2"


def breaker() -> Breaker:
    return Breaker(jitter=lambda: 1.0)


def end(
    asked: Breaker,
    status: int | None,
    *,
    path: str = ISSUES,
    method: str = "GET",
    times: int = 1,
    now: float = T0,
) -> None:
    for _ in range(times):
        asked.observe(Exchange(method, path, status, 0.1, {}), now)


def out(asked: Breaker, now: float = T0) -> dict[str, float]:
    return {name: seconds for name, seconds in asked.out_for(now).items() if seconds}


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
    assert out(asked, T0 + 7) == {CORE: 7.0}


@pytest.mark.parametrize("status", [200, 304, 401, 403, 404, 422, 429])
def test_whatever_github_says_below_500_is_an_answer(status: int) -> None:
    asked = breaker()
    end(asked, None, times=FAILURES - 1)
    end(asked, status)
    end(asked, None, times=FAILURES - 1, now=T0 + 1)
    assert is_let(asked)
    end(asked, None, times=FAILURES, now=T0 + 2)
    end(asked, status, path=REPOSITORY, now=T0 + 3)
    assert is_let(asked, now=T0 + 3)


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
    assert out(asked, T0 + 1) == {SEARCH: 1.0}
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


def test_github_back_again_is_everything_back_until_it_fails_once_more() -> None:
    asked = breaker()
    end(asked, None, times=FAILURES)
    end(asked, None, path=FOUND, times=FAILURES)
    end(asked, None, path=REPOSITORY)
    end(asked, 200, path=REPOSITORY, now=T0 + 60)
    for _ in range(10):
        assert is_let(asked, FOUND, now=T0 + 60)
        assert is_let(asked, now=T0 + 60)
    end(asked, None, now=T0 + 61)
    assert out(asked, T0 + 62) == {ISSUES_KIND: 1.0}, "and GitHub itself is not out again"


def test_work_that_nobody_waits_for_is_told_when_to_look_again() -> None:
    asked = breaker()
    assert asked.hold_off(T0) == 0
    end(asked, None, times=FAILURES)
    for _ in range(50):
        asked.begin_trial(T0)
        assert 1 <= asked.hold_off(T0) <= LONGEST_PAUSE_SECONDS + 1
    end(asked, 200, now=T0 + 60)
    assert asked.hold_off(T0 + 60) == 0


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.message for each in caplog.records if each.name == "github_store.breaker"]


def test_going_out_and_coming_back_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    asked, turns = breaker(), []
    asked.listener = lambda: turns.append(out(asked, T0))
    end(asked, None, times=3 * FAILURES, now=T0 - 90)
    end(asked, None, times=3, path=REPOSITORY, now=T0 - 89)
    end(asked, 200, times=3)
    assert turns == [{CORE: 90.0}, {}]
    assert told(caplog) == [
        "GitHub is out: 6 requests in a row were not answered; it is tried every few seconds",
        "GitHub answers again, after 90 s",
    ]


@pytest.mark.parametrize(
    ("method", "path", "kind", "name"),
    [
        ("GET", f"{ISSUES}?state=open", ISSUES_KIND, "GET issues"),
        ("GET", f"{ISSUES}/7", ISSUES_KIND, "GET issues/*"),
        ("PATCH", f"{ISSUES}/7", ISSUES_KIND, "PATCH issues/*"),
        ("GET", f"{ISSUES}/7/events", ISSUES_KIND, "GET issues/*/events"),
        ("POST", f"{ISSUES}/7/comments", COMMENTS, "POST issues/*/comments"),
        ("GET", f"{REPOSITORY}/git/ref/heads/status-data", GIT, "GET git/ref/*/*"),
        ("POST", f"{REPOSITORY}/git/trees", GIT, "POST git/trees"),
        ("GET", f"{REPOSITORY}/hooks", OTHER, "GET hooks"),
        (
            "GET",
            f"{REPOSITORY}/collaborators/someone/permission",
            OTHER,
            "GET coll",
        ),
        ("GET", FOUND, SEARCH, "GET search/issues"),
    ],
)
@pytest.mark.parametrize("others", [0, 1, 7], ids=lambda each: f"{each} others between")
def test_an_endpoint_that_fails_alone_is_out_alone_and_told_once(
    caplog: pytest.LogCaptureFixture, method: str, path: str, kind: str, name: str, others: int
) -> None:
    """Two minutes, in which somebody wants it ten times a second and the trials are answered."""
    caplog.set_level(logging.INFO)
    asked, sent, refused = breaker(), 0, 0
    for step in range(1_200):
        now = T0 + step / 10
        if asked.begin_trial(now):
            end(asked, 200, path=REPOSITORY, now=now)
        for _ in range(others):
            other = REPOSITORY + "/labels"
            assert is_let(asked, other, now=now), "nothing else is refused"
            end(asked, 200, path=other, now=now)
        if is_let(asked, path, method=method, now=now):
            sent += 1
            end(asked, 502, path=path, method=method, now=now)
        else:
            refused += 1
    assert sent < 60 < refused, "it is not hammered"
    assert list(out(asked, T0 + 120)) == [kind]
    end(asked, 200, path=path, method=method, now=T0 + 120)
    assert out(asked, T0 + 120) == {}
    lines = told(caplog)
    assert len(lines) == 2
    assert lines[0].startswith(f"GitHub is out for {kind} alone ({name}")
    assert lines[1] in {f"GitHub answers for {kind} again, after {n} s" for n in (119, 120)}


def test_what_answers_elsewhere_does_not_close_an_endpoint_that_fails() -> None:
    asked = breaker()
    end(asked, 500, path=f"{ISSUES}?state=open", times=FAILURES)
    for path in (REPOSITORY, f"{ISSUES}/7", f"{ISSUES}/7/comments", FOUND, f"{REPOSITORY}/labels"):
        end(asked, 200, path=path, now=T0 + 1)
    assert out(asked, T0 + 1) == {ISSUES_KIND: 1.0}


def test_what_comes_and_goes_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    asked = breaker()
    for step in range(120):
        end(asked, 200, path=REPOSITORY, now=T0 + step)
        end(asked, 500, path=FOUND, times=FAILURES, now=T0 + step)
        end(asked, 200, path=FOUND, now=T0 + step + 0.5)
    assert len(told(caplog)) == 2 * 120 / QUIET_SECONDS


def test_an_endpoint_that_is_out_says_nothing_of_the_rest_which_may_go_out_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    asked = breaker()
    end(asked, 200, path=REPOSITORY)
    end(asked, 500, path=f"{ISSUES}/7/events", times=50, now=T0 + 1)
    end(asked, 200, path=REPOSITORY, now=T0 + 1)
    end(asked, 500, path=f"{ISSUES}/7/events", times=50, now=T0 + 2)
    assert out(asked, T0 + 3) == {ISSUES_KIND: 2.0}
    end(asked, None, path=f"{REPOSITORY}/git/trees", times=FAILURES, now=T0 + 10)
    end(asked, None, path=REPOSITORY, now=T0 + 10)
    assert out(asked, T0 + 11) == {CORE: 1.0}
    end(asked, 200, path=REPOSITORY, now=T0 + 20)
    assert out(asked, T0 + 20) == {ISSUES_KIND: 19.0}
    end(asked, 200, path=f"{ISSUES}/7/events", now=T0 + 21)
    assert told(caplog) == [
        "GitHub is out for issues alone (GET issues/*/events: 50 requests in a row were not "
        "answered, others are); one is tried every few seconds",
        "GitHub is out: 6 requests in a row were not answered; it is tried every few seconds",
        "GitHub answers again, after 10 s",
        "GitHub answers for issues again, after 20 s",
    ]
