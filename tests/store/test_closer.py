"""Ended incidents are closed about half a minute after their end, once, and at little cost."""

from __future__ import annotations

import asyncio
import base64
import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from github_store import (
    AccessLost,
    GitHubTimeout,
    GitHubUnavailable,
    Incident,
    IncidentFields,
    IncidentNotFound,
    OutcomeUnknown,
    RateLimited,
    StatusUpdate,
    Store,
    TokenCredential,
    Unprocessable,
    open_store,
)
from github_store.closer import DELAY_SECONDS, LOOK_SECONDS, MOST_AT_ONCE, Closer
from github_store.embedded import EmbeddedGitHub
from github_store.errors import GitHubOut
from tests.github_person import Person

NOW = 1_790_000_000.0


def incident(number: int, *, end: int | None, is_open: bool = True) -> Incident:
    return Incident(
        title="Outage",
        tags=("earth",),
        end_datetime=end,
        number=number,
        created_at=int(NOW) - 1_000,
        closed_at=None if is_open else int(NOW),
        is_open=is_open,
        is_auto=False,
    )


@dataclass
class World:
    """Incidents in memory, and a clock that goes on only while the closer waits."""

    now: float = NOW
    incidents: dict[int, Incident] = field(default_factory=dict)
    listeners: list[Callable[[Incident], None]] = field(default_factory=list)
    listed_at: list[float] = field(default_factory=list)
    asked: list[tuple[int, float]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    stands: bool = True
    may_write_in: float = 0.0
    slowness: float = 1.0
    plan: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    async def open_incidents(self) -> list[Incident]:
        self.listed_at.append(self.now - NOW)
        if self.failures:
            raise self.failures.pop(0)
        return list(self.incidents.values())

    async def close_ended(self, number: int, *, end: int) -> bool:
        self.asked.append((number, self.now - NOW))
        if self.failures:
            raise self.failures.pop(0)
        return self.stands

    def run(self, *, seconds: float) -> None:
        """Let the closer run for so long; ``plan`` is what happens meanwhile, seconds from NOW."""
        until = self.now + seconds
        over = asyncio.Event()

        async def wait(wake: asyncio.Event, pause: float | None) -> None:
            assert pause is not None
            assert pause > 0
            target = self.now + pause
            if self.plan and NOW + self.plan[0][0] <= min(target, until):
                at, happens = self.plan.pop(0)
                self.now = max(self.now, NOW + at)
                happens()
                return
            self.now = min(target, until)
            if self.now >= until:
                over.set()
                await asyncio.Event().wait()

        async def steps() -> None:
            closer = Closer(
                self,
                clock=lambda: self.now,
                may_write=lambda: self.may_write_in,
                slowness=lambda: self.slowness,
                wait=wait,
            )
            closer.start()
            await asyncio.wait_for(over.wait(), 10)
            await closer.close()

        asyncio.run(steps())


def world(*ends: int | None) -> World:
    """Incidents 1, 2, …; their ends are seconds from NOW."""
    ended = [None if end is None else int(NOW) + end for end in ends]
    return World(incidents={n: incident(n, end=end) for n, end in enumerate(ended, start=1)})


@pytest.mark.parametrize(
    ("end", "asked_at"),
    [(-500_000, 30), (-10, 30), (50, 80), (55, 85), (300, 330), (1_000, None), (None, None)],
    ids=["long ago", "just over", "soon", "between lists", "later", "not yet", "none"],
)
def test_an_incident_is_closed_half_a_minute_after_its_end_and_once(
    end: int | None, asked_at: float | None
) -> None:
    there = world(end)
    there.run(seconds=600)
    assert there.asked == ([] if asked_at is None else [(1, asked_at)])


def test_an_end_that_is_not_after_its_start_closes_nothing() -> None:
    there = world(-100, -100)
    there.incidents[1] = replace(there.incidents[1], start_datetime=int(NOW) - 100)
    there.run(seconds=600)
    assert [number for number, _ in there.asked] == [2]


def test_the_list_is_read_once_a_minute_and_first_after_half_a_minute() -> None:
    there = world(10, 20, 31, 47, 58)
    there.run(seconds=300)
    assert there.listed_at == [30, 90, 150, 210, 270]


def test_where_requests_run_short_the_list_is_read_less_often() -> None:
    there = world(10, 900)
    there.slowness = 4.0
    there.run(seconds=1_000)
    assert there.listed_at == [30, 270, 510, 750, 990]
    assert there.asked == [(1, 40), (2, 930)]


def test_what_is_written_here_needs_no_list() -> None:
    there = world()
    late = incident(7, end=int(NOW) + 35)
    there.plan = [(31, lambda: there.listeners[0](late))]
    there.run(seconds=80)
    assert (there.asked, there.listed_at) == ([(7, 65)], [30])


@pytest.mark.parametrize(
    "written",
    [incident(1, end=int(NOW) + 500), incident(1, end=None), incident(1, end=5, is_open=False)],
    ids=["another end", "no end", "closed"],
)
def test_what_is_written_here_replaces_what_was_listed(written: Incident) -> None:
    there = world(20)
    there.plan = [(40, lambda: there.listeners[0](written))]
    there.run(seconds=80)
    assert there.asked == []


def test_an_end_that_changed_meanwhile_is_seen_to_after_the_next_list() -> None:
    there = world(-100)
    there.stands = False
    there.run(seconds=100)
    assert there.asked == [(1, 30), (1, 90)]


def test_a_new_end_counts_anew() -> None:
    there = world(-100)
    later = incident(1, end=int(NOW) + 60)
    there.plan = [(40, lambda: there.incidents.update({1: later}))]
    there.run(seconds=300)
    assert there.asked == [(1, 30), (1, 90)]


@pytest.mark.parametrize(
    ("failure", "asked_at"),
    [(GitHubUnavailable("down"), 90), (RateLimited("no", retry_after_seconds=200), 230)],
    ids=["an outage", "a limit"],
)
def test_a_github_that_fails_only_delays(failure: Exception, asked_at: float) -> None:
    there = world(-100)
    there.failures = [failure]
    there.run(seconds=300)
    assert there.asked == [(1, asked_at)]
    assert len(there.listed_at) <= 300 / LOOK_SECONDS


def test_many_that_fail_and_put_an_endpoint_out_hold_up_the_others_for_two_minutes() -> None:
    there = world(*[-1_000] * 21)
    original, failed_at = there.close_ended, list[float]()

    async def close_ended(number: int, *, end: int) -> bool:
        if len(failed_at) >= 5 and there.now - failed_at[-1] < 4:
            raise GitHubOut("this was not sent", retry_after_seconds=5)
        done = await original(number, end=end)
        if number <= 20:
            failed_at.append(there.now)
            raise OutcomeUnknown("GitHub answered 500 to a write")
        return done

    there.close_ended = close_ended  # type: ignore[method-assign]
    there.run(seconds=200)
    assert 21 in [number for number, _ in there.asked]


def test_a_failure_of_the_closing_itself_is_made_good_as_well() -> None:
    there = world(50)
    there.plan = [(70, lambda: there.failures.append(GitHubUnavailable("down")))]
    there.run(seconds=300)
    assert [number for number, _ in there.asked] == [1, 1]
    assert there.asked[1][1] - there.asked[0][1] >= LOOK_SECONDS


def test_an_incident_that_is_none_any_more_holds_up_no_other() -> None:
    there = world(-200, -100)
    original = there.close_ended

    async def close_ended(number: int, *, end: int) -> bool:
        if number == 1:
            there.asked.append((1, there.now - NOW))
            raise IncidentNotFound(1)
        return await original(number, end=end)

    there.close_ended = close_ended  # type: ignore[method-assign]
    there.run(seconds=60)
    assert there.asked == [(1, 30), (2, 30)]


def test_a_fault_of_its_own_is_logged_and_does_not_end_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    there = world(-100)
    there.failures = [RuntimeError("a fault")]
    there.run(seconds=100)
    assert there.asked == [(1, 90)]
    assert any(record.levelno == logging.ERROR for record in caplog.records)


def fails(there: World, **faults: Exception) -> None:
    """Closing these incidents (``n7`` is number 7) raises, as long as that is so."""
    original = there.close_ended

    async def close_ended(number: int, *, end: int) -> bool:
        done = await original(number, end=end)
        if fault := faults.get(f"n{number}"):
            raise fault
        return done

    there.close_ended = close_ended  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "fault",
    [
        GitHubUnavailable("GitHub answered 500"),
        OutcomeUnknown("GitHub answered 500 to a write"),
        GitHubTimeout("no answer"),
        AccessLost("403: locked"),
        Unprocessable("GitHub refuses the content"),
        KeyError("created_at"),
    ],
    ids=["events 500", "500", "timeout", "403", "422", "a fault of ours"],
)
@pytest.mark.parametrize("bad", [1, 5, 10])
def test_one_that_cannot_be_closed_keeps_no_later_one_open(fault: Exception, bad: int) -> None:
    there = world(*[-1_000] * 10)
    fails(there, **{f"n{bad}": fault})
    there.run(seconds=60)
    assert [number for number, _ in there.asked] == list(range(1, 11))
    assert {at for _, at in there.asked} == {30}


def test_it_is_tried_again_less_and_less_often_while_others_are_closed_in_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    there = world(-100)
    fails(there, n1=OutcomeUnknown("GitHub answered 500 to a write"))
    late = incident(2, end=int(NOW) + 1_000)
    there.plan = [(900, lambda: there.incidents.update({2: late}))]
    there.run(seconds=7_200)
    times = [at for number, at in there.asked if number == 1]
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses[:4] == [60, 120, 240, 480]
    assert pauses[4:] == [900] * len(pauses[4:])
    assert [at for number, at in there.asked if number == 2] == [1_030]
    named = [r.getMessage() for r in caplog.records if "incident 1 " in r.getMessage()]
    assert len(named) == 2  # once, and after an hour


def test_several_that_fail_in_a_row_are_an_outage_and_after_it_all_are_closed() -> None:
    there = world(*[-1_000] * 10)
    faults: dict[str, Exception] = {f"n{number}": GitHubUnavailable("500") for number in range(11)}
    fails(there, **faults)
    there.plan = [(40, lambda: setattr(there, "close_ended", original))]
    original = World.close_ended.__get__(there)
    there.run(seconds=100)
    assert [number for number, at in there.asked if at == 30] == [1, 2, 3]
    assert sorted(number for number, at in there.asked if at == 90) == list(range(1, 11))


def test_a_repository_left_alone_for_years_is_closed_in_portions() -> None:
    there = world(*[-1_000] * (2 * MOST_AT_ONCE + 1))
    there.run(seconds=200)
    times = [at for _, at in there.asked]
    assert [times.count(at) for at in (30, 90, 150)] == [MOST_AT_ONCE, MOST_AT_ONCE, 1]
    assert len(times) == len(set(there.asked)) == len(there.incidents)


def test_it_waits_while_the_budget_of_writes_is_used_up() -> None:
    there = world(-100)
    there.may_write_in = 40.0
    there.plan = [(60, lambda: setattr(there, "may_write_in", 0.0))]
    there.run(seconds=100)
    assert there.asked == [(1, 70)]


# over real sockets

MONITORS = b"- {name: Earth, tag: earth}\n"


def with_store(github: EmbeddedGitHub, data_dir: Path, steps: Callable[[Store], Any]) -> Any:
    """Our clock is ahead of GitHub's by the delay: what has ended is due."""
    owner = Person(github.url, github.tokens["owner"])
    if not owner.ask("GET", "/contents/monitors.yaml").ok:
        content = base64.b64encode(MONITORS).decode()
        owner.do("PUT", "/contents/monitors.yaml", {"message": "Monitors", "content": content})

    async def run() -> Any:
        store = await open_store(
            repository_name="owner/status",
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            data_dir=data_dir,
            clock=lambda: time.time() + DELAY_SECONDS + 5,
        )
        await store.closer.close()  # looks when it is told to
        try:
            return await steps(store)
        finally:
            await store.close()

    return asyncio.run(run())


def ended(*, seconds_ago: float = 60) -> IncidentFields:
    end = int(time.time() - seconds_ago)
    return IncidentFields(title="Outage", tags=("earth",), end_datetime=end)


@pytest.fixture
def owner(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["owner"])


def test_an_ended_incident_is_closed_as_completed_and_nothing_else_is_touched(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        number = (await store.incidents.create(ended())).number
        owner.do("POST", f"/issues/{number}/labels", {"labels": ["postmortem"]})
        ordinary = owner.open_issue(labels=["bug"], body="[end_datetime:5]")
        stranger = Person(github.url, github.tokens["stranger"])
        strangers = stranger.open_issue(body="[end_datetime:5]")
        owner.do("POST", f"/issues/{strangers}/labels", {"labels": ["incident", "earth"]})
        before = owner.do("GET", f"/issues/{number}")
        patches = github.count("PATCH")
        await store.closer.look()
        issue = owner.do("GET", f"/issues/{number}")
        assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
        kept = ("title", "body", "labels")
        assert [issue[name] for name in kept] == [before[name] for name in kept]
        assert github.count("PATCH") == patches + 1
        for other in (ordinary, strangers):
            assert owner.do("GET", f"/issues/{other}")["state"] == "open"
        assert not (await store.incidents.get(number)).is_open

    with_store(github, tmp_path, steps)


def test_what_a_maintainer_opened_again_stays_open_also_after_a_restart(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def close(store: Store) -> int:
        number = (await store.incidents.create(ended())).number
        await store.closer.look()
        owner.do("PATCH", f"/issues/{number}", {"state": "open"})
        return number

    async def look(store: Store) -> None:
        await store.closer.look()

    number = with_store(github, tmp_path, close)
    before = owner.do("GET", f"/issues/{number}")
    with_store(github, tmp_path, look)
    assert owner.do("GET", f"/issues/{number}") == before
    assert before["state"] == "open"


def test_one_closed_before_its_end_and_opened_again_is_closed_at_its_end(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        number = (await store.incidents.create(ended(seconds_ago=-2))).number
        owner.do("PATCH", f"/issues/{number}", {"state": "closed"})
        owner.do("PATCH", f"/issues/{number}", {"state": "open"})
        await store.closer.look()
        assert owner.do("GET", f"/issues/{number}")["state"] == "closed"

    with_store(github, tmp_path, steps)


@pytest.mark.parametrize("change", ["closed", "postponed", "gone"])
def test_what_somebody_did_meanwhile_counts(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path, change: str
) -> None:
    async def steps(store: Store) -> None:
        created = await store.incidents.create(ended())
        issue = f"/issues/{created.number}"
        assert created.end_datetime is not None
        await store.incidents.open_incidents()
        match change:
            case "closed":
                owner.do("PATCH", issue, {"state": "closed", "state_reason": "not_planned"})
            case "postponed":
                body = f"[end_datetime:{created.end_datetime + 9_999}]"
                owner.do("PATCH", issue, {"body": body})
            case _:
                owner.do("DELETE", f"{issue}/labels/incident")
        before = owner.do("GET", issue)
        await store.closer.look()
        assert owner.do("GET", issue) == before

    with_store(github, tmp_path, steps)


def test_a_server_that_tells_no_events_has_nothing_closed(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        number = (await store.incidents.create(ended())).number
        github.faults.add("missing", match="/events")
        await store.closer.look()
        assert len(store.closer.failing) == 1
        assert owner.do("GET", f"/issues/{number}")["state"] == "open"

    with_store(github, tmp_path, steps)


@pytest.mark.parametrize(
    ("match", "fault"),
    [
        (r"^PATCH /repos/owner/status/issues/4$", {"kind": "error", "status": 500}),
        (r"^GET /repos/owner/status/issues/4/events", {"kind": "error", "status": 502}),
        (r"^GET /repos/owner/status/issues/4$", {"kind": "error", "status": 503, "html": True}),
        (r"^PATCH /repos/owner/status/issues/4$", {"kind": "forbidden"}),
        (r"^PATCH /repos/owner/status/issues/4$", {"kind": "missing"}),
        (r"^PATCH /repos/owner/status/issues/4$", {"kind": "drop_before"}),
    ],
    ids=["closing 500", "events 502", "issue 503", "closing 403", "closing 404", "dropped"],
)
def test_of_ten_ended_incidents_nine_are_closed_and_the_tenth_is_named(
    github: EmbeddedGitHub,
    owner: Person,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    match: str,
    fault: dict[str, Any],
) -> None:
    async def steps(store: Store) -> None:
        for _ in range(10):
            await store.incidents.create(ended())
        github.faults.add(match=match, **fault)
        await store.closer.look()
        await store.closer.look()
        github.faults.clear()
        states = {n: owner.do("GET", f"/issues/{n}")["state"] for n in range(1, 11)}
        assert [n for n, state in states.items() if state == "open"] == [4]
        assert store.failing["close"] == 1
        named = [r.getMessage() for r in caplog.records if "incident 4 " in r.getMessage()]
        assert len(named) == 1

    with_store(github, tmp_path, steps)


def test_an_end_in_the_future_opens_again_and_its_end_closes_again(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    async def steps(store: Store) -> None:
        number = (await store.incidents.create(ended())).number
        await store.closer.look()
        assert not (await store.incidents.get(number)).is_open
        future = int(time.time() + DELAY_SECONDS + 100)
        again = await store.incidents.update_status(number, StatusUpdate(end_datetime=future))
        assert again.is_open
        await store.closer.look()
        assert (await store.incidents.get(number)).is_open
        assert 100 < store.closer.seconds_to_wait() + 100 <= 100 + LOOK_SECONDS

    with_store(github, tmp_path, steps)
