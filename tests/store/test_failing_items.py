"""In a pass over many items one that fails keeps no other from its turn, and is named."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from github_store import (
    AccessLost,
    Conflict,
    GitHubTimeout,
    GitHubUnavailable,
    OutcomeUnknown,
    RateLimited,
    StoreError,
    Unprocessable,
)
from github_store.errors import GitHubOut
from github_store.failing_items import FailingItems

SINGLE = {
    "500": GitHubUnavailable("GitHub answered 500"),
    "a timeout": GitHubTimeout("no answer"),
    "a lost write": OutcomeUnknown("GitHub answered 502 to a write"),
    "403": AccessLost("GitHub refuses the credential (403: locked)"),
    "404": AccessLost("GitHub answers 404 to a write"),
    "422": Unprocessable("GitHub refuses the content"),
    "409": Conflict("GitHub reports a conflict"),
    "a fault of ours": KeyError("number"),
}
WHOLE = {
    "GitHub is out": GitHubOut("not sent", retry_after_seconds=3),
    "the quota": RateLimited("the limit is reached", retry_after_seconds=60),
}


@dataclass
class Passes:
    """Items, and how the attempts at some of them end; ``tried`` is what was tried in each pass."""

    faults: dict[int, Exception] = field(default_factory=dict)
    now: float = 1_000.0
    tried: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.failing: FailingItems[int] = FailingItems(
            "close", "closing incident", clock=lambda: self.now
        )

    def walk(self, items: Iterable[int], *, after: float = 0.0) -> None:
        self.now += after
        self.tried.append([])
        with self.failing.walk() as walk:
            for item in self.failing.in_turn(items):
                with walk.attempt(item):
                    self.tried[-1].append(item)
                    if item in self.faults:
                        raise self.faults[item]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("fault", SINGLE.values(), ids=SINGLE)
@pytest.mark.parametrize("place", [1, 4, 8])
def test_one_that_fails_keeps_no_other_from_its_turn(fault: Exception, place: int) -> None:
    passes = Passes({place: fault})
    passes.walk(range(1, 9))
    passes.walk(range(1, 9), after=30)
    assert passes.tried[0] == list(range(1, 9))
    assert passes.tried[1] == [item for item in range(1, 9) if item != place]
    assert len(passes.failing) == 1


@pytest.mark.parametrize("fault", WHOLE.values(), ids=WHOLE)
def test_what_is_githubs_as_a_whole_ends_the_pass_and_nobody_is_to_blame(
    fault: StoreError,
) -> None:
    passes = Passes({1: SINGLE["500"], 2: fault})
    with pytest.raises(type(fault)):
        passes.walk(range(1, 9))
    assert passes.tried == [[1, 2]]
    assert len(passes.failing) == 0


def test_several_in_a_row_end_the_pass_and_nobody_is_to_blame() -> None:
    passes = Passes(dict.fromkeys(range(1, 9), SINGLE["500"]))
    with pytest.raises(GitHubUnavailable):
        passes.walk(range(1, 9))
    assert passes.tried == [[1, 2, 3]]
    assert len(passes.failing) == 0


def test_after_such_an_outage_all_get_their_turn_at_once() -> None:
    passes = Passes(dict.fromkeys(range(1, 9), SINGLE["500"]))
    with pytest.raises(GitHubUnavailable):
        passes.walk(range(1, 9))
    passes.faults.clear()
    passes.walk(range(1, 9), after=60)
    assert sorted(passes.tried[1]) == list(range(1, 9))


@pytest.mark.parametrize("bad", [range(1, 5), range(1, 7), range(3, 9)])
def test_many_that_fail_hold_up_the_others_for_a_few_passes_at_most(bad: range) -> None:
    passes = Passes(dict.fromkeys(bad, SINGLE["500"]))
    good = set(range(1, 11)) - set(bad)
    done: set[int] = set()
    for _ in range(3):
        with contextlib.suppress(GitHubUnavailable):
            passes.walk([each for each in range(1, 11) if each not in done], after=60)
        done |= good & set(passes.tried[-1])
    assert done == good


def test_if_all_fail_for_long_each_backs_off_though_it_looked_like_an_outage() -> None:
    passes = Passes(dict.fromkeys(range(1, 6), SINGLE["500"]))
    for _ in range(60):
        with contextlib.suppress(GitHubUnavailable):
            passes.walk(range(1, 6), after=60)
    assert len(passes.failing) == 5
    assert sum(map(len, passes.tried)) < 5 * 9


@pytest.mark.parametrize(
    ("fault", "tries"),
    [("500", 12), ("a timeout", 12), ("422", 3), ("409", 3), ("404", 8), ("a fault of ours", 8)],
)
def test_it_is_tried_again_after_pauses_that_grow_and_rarely_where_it_is_refused(
    fault: str, tries: int
) -> None:
    passes = Passes({1: SINGLE[fault]})
    for _ in range(2 * 60 + 1):
        passes.walk([1], after=60)
    assert sum(map(len, passes.tried)) in (tries, tries - 1)


@pytest.mark.parametrize("fault", SINGLE.values(), ids=SINGLE)
def test_it_is_named_when_it_begins_to_fail_hourly_and_when_it_recovers(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    passes = Passes({7: fault})
    for _ in range(3 * 60):
        passes.walk([6, 7, 8], after=60)
    failed = lines(caplog)
    assert 3 <= len(failed) <= 4
    assert all(line.startswith("closing incident 7 ") for line in failed)
    assert str(fault) in failed[0]
    caplog.clear()
    passes.faults.clear()
    for _ in range(61):
        passes.walk([6, 7, 8], after=60)
    assert [line.split(", after")[0] for line in lines(caplog)] == [
        "closing incident 7 succeeds again"
    ]


def test_another_reason_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    passes = Passes({7: SINGLE["500"]})
    passes.walk([7])
    passes.faults[7] = SINGLE["422"]
    passes.walk([7], after=60)
    assert "GitHub refuses the content" in lines(caplog)[-1]
    assert len(lines(caplog)) == 2


def test_a_fault_of_ours_comes_with_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    Passes({7: SINGLE["a fault of ours"]}).walk([7])
    assert caplog.records[0].exc_info
    assert caplog.records[0].levelno == logging.ERROR


def test_an_outage_is_told_once_hourly_and_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    passes = Passes({1: WHOLE["GitHub is out"]})
    for _ in range(2 * 60):
        with pytest.raises(GitHubOut):
            passes.walk([1], after=60)
    assert len(lines(caplog)) == 2
    passes.faults.clear()
    passes.walk([1])
    assert lines(caplog)[-1].startswith("closing incident: goes on again")


def test_what_is_gone_is_forgotten() -> None:
    passes = Passes(dict.fromkeys([1, 2], SINGLE["422"]))
    passes.walk([1, 2])
    passes.failing.keep({2, 3})
    assert len(passes.failing) == 1
    assert passes.failing.is_due(1)


@pytest.mark.parametrize(
    ("fault", "count"),
    [*((fault, 1) for fault in SINGLE.values()), *((fault, 0) for fault in WHOLE.values())],
    ids=[*SINGLE, *WHOLE],
)
def test_an_attempt_by_itself_hands_its_failure_on(fault: Exception, count: int) -> None:
    passes = Passes()
    with pytest.raises(type(fault)), passes.failing.attempt(7):
        raise fault
    assert len(passes.failing) == count


def test_an_outage_that_names_something_else_each_time_is_one_outage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing = Passes().failing
    for number in range(5):
        failing.stopped(GitHubUnavailable(f"GitHub answered 500 for /issues/{number}"))
    assert len(lines(caplog)) == 1
