"""How much may be written, and when: ceilings, the precedence of incidents, the pace of status."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from github_store.embedded import EmbeddedGitHub
from github_store.errors import ConfigurationError, RateLimited
from github_store.gateway import Exchange, Gateway, TokenCredential
from github_store.status_branch import StatusBranch
from github_store.write_budget import (
    HOUR,
    MINUTE,
    PER_HOUR,
    PER_MINUTE,
    RESERVED_PER_HOUR,
    RESERVED_PER_MINUTE,
    STATUS_PER_HOUR,
    WriteBudget,
)

COMMIT = 3
TITLE = {"title": "Outage"}


def exchange(method: str, below: str = "/issues", **options: Any) -> Exchange:
    """One request below the repository, and its answer."""
    path = options.get("path", f"/repos/owner/status{below}")
    return Exchange(method, path, options.get("status", 200), 0.1, options.get("headers", {}))


def most_in_any(seconds: float, times: Sequence[float]) -> int:
    """The most of these times that are less than so many seconds apart."""
    return max((sum(1 for t in times if at <= t < at + seconds) for at in times), default=0)


class Committer:
    """Commits whenever asked to and allowed to; every write takes a second."""

    def __init__(self, budget: WriteBudget, *, now: float = 0.0) -> None:
        self.budget = budget
        self.now = now
        self.writes: list[float] = []
        self.waits: list[float] = []

    def commit(self) -> None:
        """Wait as long as told, then commit."""
        begun = self.now
        while wait := self.budget.may_commit_status(self.now):
            self.now += max(wait, 0.001)
        self.waits.append(self.now - begun)
        with self.budget.committing():
            for _ in range(COMMIT):
                self.budget.note(self.now, status=True)
                self.writes.append(self.now)
                self.now += 1


# The ceilings


def test_nothing_waits_at_first() -> None:
    budget = WriteBudget()
    assert budget.may_commit_status(0) == 0
    assert budget.may_write_incident(0) == 0


def test_status_leaves_a_reserve_of_the_minute_to_incidents() -> None:
    budget = WriteBudget()
    most = PER_MINUTE - RESERVED_PER_MINUTE
    budget.note(100, most - COMMIT)
    assert budget.may_commit_status(110) == 0
    budget.note(110)
    assert budget.may_commit_status(110) == 50
    assert budget.may_commit_status(159.5) == 0.5
    assert budget.may_commit_status(160) == 0


def test_status_leaves_a_reserve_of_the_hour_to_incidents() -> None:
    budget = WriteBudget()
    for at in range(PER_HOUR - RESERVED_PER_HOUR - COMMIT + 1):
        budget.note(at * 2)
    assert budget.may_commit_status(1000) == HOUR - 1000
    assert budget.may_commit_status(HOUR) == 0


def test_incidents_may_use_all_of_a_minute() -> None:
    budget = WriteBudget()
    budget.note(0, PER_MINUTE - 1)
    assert budget.may_write_incident(1) == 0
    budget.note(1)
    assert budget.may_write_incident(1) == MINUTE - 1
    assert budget.may_write_incident(MINUTE) == 0


def test_incidents_may_use_all_of_an_hour() -> None:
    budget = WriteBudget()
    for at in range(PER_HOUR):
        budget.note(at * 2)
    assert budget.may_write_incident(1000) == HOUR - 1000
    assert budget.may_write_incident(HOUR) == 0


def test_a_commit_under_way_counts_with_all_its_requests() -> None:
    budget = WriteBudget()
    budget.note(0, PER_MINUTE - COMMIT)
    assert budget.may_write_incident(0) == 0
    with budget.committing():
        assert budget.may_write_incident(0) == MINUTE
        budget.note(1, status=True)  # one of those that count already
        assert budget.may_write_incident(1) == MINUTE - 1
    assert budget.may_write_incident(1) == 0  # it failed: two were never sent


def test_a_request_of_a_commit_under_way_does_not_count_twice() -> None:
    budget = WriteBudget()
    budget.note(0, PER_MINUTE - COMMIT - 1)
    with budget.committing():
        for _ in range(COMMIT):
            budget.note(0, status=True)
            assert budget.may_write_incident(0) == 0


@pytest.mark.parametrize(
    ("share", "requests"), [(3, 3), (240, 3), (240, 300), (1000, 3), (3, 1000)]
)
def test_whatever_the_share_a_commit_of_any_size_gets_its_turn(share: int, requests: int) -> None:
    budget = WriteBudget(status_per_hour=share)
    assert budget.may_commit_status(0, requests=requests) == 0
    budget.note(0, requests, status=True)
    assert budget.may_commit_status(0, requests=requests) <= HOUR
    assert budget.may_commit_status(HOUR, requests=requests) == 0


def test_a_share_that_allows_no_commit_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="at least 3 requests"):
        WriteBudget(status_per_hour=2)


STEPS = st.lists(
    st.tuples(st.sampled_from(["status", "incident"]), st.floats(0, 90), st.integers(1, 40)),
    max_size=25,
)


@given(STEPS, st.integers(3, 600))
@settings(max_examples=60, deadline=None)
def test_no_window_ever_holds_more_than_its_ceiling(
    steps: list[tuple[str, float, int]], share: int
) -> None:
    budget = WriteBudget(status_per_hour=share)
    now, status, incidents = 0.0, list[float](), list[float]()
    for kind, pause, times in steps:
        now += pause
        for _ in range(times):
            if kind == "incident" and not budget.may_write_incident(now):
                budget.note(now)
                incidents.append(now)
            elif kind == "status" and not budget.may_commit_status(now):
                with budget.committing():
                    for _ in range(COMMIT):
                        now += 0.25
                        budget.note(now, status=True)
                        status.append(now)
                        if not budget.may_write_incident(now):
                            budget.note(now)
                            incidents.append(now)
    assert most_in_any(MINUTE, status + incidents) <= PER_MINUTE
    assert most_in_any(HOUR, status + incidents) <= PER_HOUR
    assert most_in_any(HOUR, status) <= max(share, COMMIT)


@given(
    st.lists(st.floats(0, 20), max_size=40),
    st.lists(st.tuples(st.integers(0, 3000), st.booleans()), max_size=150),
    st.integers(1, 60),
)
@settings(max_examples=100, deadline=None)
def test_the_wait_told_is_enough_and_no_longer_than_need_be(
    delays: list[float], writes: list[tuple[int, bool]], requests: int
) -> None:
    budget = WriteBudget()
    for at, is_status in writes:
        budget.note(at, status=is_status)
    now = 3000.0
    wait = budget.may_commit_status(now, requests=requests)
    assert budget.may_commit_status(now + wait + 1e-6, requests=requests) == 0
    for part in (0.1, 0.5, 0.9, 0.999):
        if wait > 0.1:
            assert budget.may_commit_status(now + wait * part, requests=requests) > 0


@given(st.lists(st.floats(0, 120), min_size=1, max_size=60))
@settings(max_examples=50, deadline=None)
def test_within_their_reserve_incidents_never_wait_for_status(pauses: list[float]) -> None:
    budget = WriteBudget(status_per_hour=PER_HOUR)
    committer = Committer(budget)
    incidents: list[float] = []
    for pause in pauses:
        committer.commit()
        committer.now += pause / 10
        recent = [at for at in incidents if committer.now - at < MINUTE]
        for _ in range(min(5, RESERVED_PER_MINUTE - len(recent))):
            if len(incidents) < RESERVED_PER_HOUR:
                assert budget.may_write_incident(committer.now) == 0
                budget.note(committer.now)
                incidents.append(committer.now)


# The pace of status


def test_a_change_goes_at_once_until_most_of_the_share_is_used() -> None:
    committer = Committer(WriteBudget())
    for _ in range(48):
        committer.commit()
        committer.now += 2
    assert set(committer.waits) == {0}


def test_one_change_a_minute_never_waits() -> None:
    committer = Committer(WriteBudget())
    for minute in range(24 * 60):
        committer.now = max(committer.now, minute * MINUTE)
        committer.commit()
    assert set(committer.waits) == {0}


def test_endless_change_is_spread_and_never_uses_the_share_up() -> None:
    committer = Committer(WriteBudget())
    while committer.now < 4 * HOUR:
        committer.commit()
    assert most_in_any(HOUR, committer.writes) <= STATUS_PER_HOUR
    assert max(committer.waits) < 2 * MINUTE
    later = [at for at in committer.writes if at >= 2 * HOUR]
    assert len(later) > 1.4 * STATUS_PER_HOUR  # of the two hours' shares


def test_what_is_left_is_spread_evenly_until_it_is_no_longer_little() -> None:
    budget = WriteBudget()
    for number in range(50):
        budget.note(number * 10.0, COMMIT, status=True)
    # 30 commits are left, and the second oldest leaves the hour at 3,610 s.
    assert budget.may_commit_status(490) == pytest.approx((HOUR + 10 - 490) / 30)


def test_a_quiet_time_makes_good_for_a_busy_one() -> None:
    committer = Committer(WriteBudget())
    for _ in range(60):
        committer.commit()
    committer.now += HOUR
    assert committer.budget.may_commit_status(committer.now) == 0


def test_busy_incidents_slow_status_down_before_its_own_share_is_used() -> None:
    budget = WriteBudget()
    for at in range(340):
        budget.note(at * 5.0)
    budget.note(1700, COMMIT, status=True)
    assert 0 < budget.may_commit_status(1701) < 10 * MINUTE


# What GitHub says


@pytest.mark.parametrize(
    ("told", "wait"), [pytest.param(30, 30, id="so long"), pytest.param(None, 60, id="untold")]
)
def test_nobody_writes_before_github_allows_it(told: int | None, wait: float) -> None:
    budget = WriteBudget()
    budget.obey(told, 1000)
    assert budget.may_commit_status(1000) == wait
    assert budget.may_write_incident(1000) == wait
    budget.obey(5, 1001)
    assert budget.may_commit_status(1001) == wait - 1
    assert budget.may_commit_status(1000 + wait) == 0


@pytest.mark.parametrize(
    ("seen", "wait"),
    [
        pytest.param({"status": 403, "headers": {"retry-after": "30"}}, 30, id="403 with a time"),
        pytest.param({"status": 429, "headers": {"retry-after": "7"}}, 7, id="429 with a time"),
        pytest.param({"status": 429}, 60, id="429 without"),
        pytest.param({"status": 503, "headers": {"retry-after": "9"}}, 9, id="503 with a time"),
        pytest.param({"status": 403, "headers": {"retry-after": "soon"}}, 60, id="no number"),
        pytest.param({"status": 403}, 0, id="403 without: perhaps no permission"),
        pytest.param({"status": 502}, 0, id="502"),
        pytest.param({"status": None}, 0, id="no answer"),
        pytest.param({"status": 200, "headers": {"retry-after": "30"}}, 0, id="a success"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_refusals_are_seen_by_the_observer(method: str, seen: dict[str, Any], wait: float) -> None:
    budget = WriteBudget()
    budget.observe(exchange(method, **seen), 1000)
    assert budget.may_commit_status(1000) == wait


# What counts


@pytest.mark.parametrize(
    ("method", "below", "counts", "is_status"),
    [
        ("GET", "/git/ref/heads/status-data", False, False),
        ("POST", "/git/trees", True, True),
        ("POST", "/git/commits", True, True),
        ("POST", "/git/blobs", True, True),
        ("PATCH", "/git/refs/heads/status-data", True, True),
        ("PUT", "/contents/README.md", True, True),
        ("POST", "/issues", True, False),
        ("PATCH", "/issues/7", True, False),
        ("PUT", "/issues/7/labels", True, False),
        ("DELETE", "/issues/7/labels/git", True, False),
        ("POST", "/issues/7/comments", True, False),
    ],
)
@pytest.mark.parametrize("status", [201, 422, 502, None])
def test_every_write_counts_whatever_came_of_it(
    method: str, below: str, counts: bool, is_status: bool, status: int | None
) -> None:
    budget = WriteBudget(status_per_hour=COMMIT)
    budget.note(0, PER_MINUTE - 1)
    budget.observe(exchange(method, below, status=status), 1)
    assert bool(budget.may_write_incident(1)) == counts
    assert bool(budget.may_commit_status(MINUTE + 1)) == is_status


def test_a_repository_called_git_is_no_status() -> None:
    budget = WriteBudget(status_per_hour=COMMIT)
    budget.observe(exchange("POST", path="/repos/git/git/issues"), 0)
    assert budget.may_commit_status(1) == 0


def test_threads_may_count_at_once() -> None:
    budget = WriteBudget()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda at: budget.note(float(at)), range(60)))
    assert budget.may_commit_status(59) == 3
    assert budget.may_write_incident(59) == 0


def test_the_gateways_observer_counts_the_three_requests_of_a_commit(
    github: EmbeddedGitHub,
) -> None:
    budget = WriteBudget(status_per_hour=6)

    async def run() -> None:
        gateway = Gateway(
            repository_name="owner/status",
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            observe=lambda exchange: budget.observe(exchange, 0),
        )
        branch = StatusBranch(gateway, branch="status-data", blobs=None, clock=lambda: 0.0)
        try:
            made = await branch.commit(None, {"a": b"1"}, message="one")
            assert budget.may_commit_status(0) == 0
            await branch.snapshot()
            await branch.commit(made, {"a": b"2"}, message="two")
            assert budget.may_commit_status(0) == HOUR
        finally:
            await gateway.close()

    asyncio.run(run())


def test_what_the_budget_allows_github_never_refuses(github: EmbeddedGitHub) -> None:
    github.faults.add("write_limits")
    budget = WriteBudget(status_per_hour=PER_HOUR)

    async def run() -> None:
        gateway = Gateway(
            repository_name="owner/status",
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            observe=lambda exchange: budget.observe(exchange, 0),  # all in one moment
        )
        branch = StatusBranch(gateway, branch="status-data", blobs=None, clock=lambda: 0.0)
        try:
            made = await branch.commit(None, {"a": b"0"}, message="0")
            while not budget.may_commit_status(0):
                made = await branch.commit(made, {"a": made.commit.encode()}, message="more")
            while not budget.may_write_incident(0):
                reply = await gateway.request("POST", f"{gateway.repository}/issues", body=TITLE)
                assert reply.status == 201
            with pytest.raises(RateLimited):
                await gateway.request("POST", f"{gateway.repository}/issues", body=TITLE)
        finally:
            await gateway.close()

    asyncio.run(run())
    assert github.count("POST", "/issues") == RESERVED_PER_MINUTE + 1


def test_elsewhere_incidents_wait_only_for_what_the_server_told() -> None:
    budget = WriteBudget(bounds_incidents=False)
    budget.note(1000, 1_000)
    assert budget.may_write_incident(1000) == 0
    assert budget.may_commit_status(1000) > 0, "status keeps within the ceilings everywhere"
    budget.obey(7, 1000)
    assert budget.may_write_incident(1000) == 7
