"""Whether the service can serve, with ages: in codes to anybody, in words to who has a token."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.github_contact import Cause, Contact, GitHubContact
from app.readiness import OUTAGE_SECONDS, Vitals, readiness
from github_store import (
    BrokenDocument,
    Damage,
    Exchange,
    GitHubUnavailable,
    LateStart,
    StatusHealth,
)
from tests.app.fake_store import NOW
from tests.app.service import Service, healthy

BROKEN = BrokenDocument("status.json", "no JSON", line=3, column=9)
NO_ANSWER = Cause("no-answer", "GitHub did not answer")
OUT = Contact(answered_at=NOW - 70, failing_since=NOW - 60, failure=NO_ANSWER)


def held_for(seconds: float) -> StatusHealth:
    return replace(healthy(), board_confirmed_at=NOW - seconds)


NOTHING_HELD = replace(healthy(), is_board_held=False, board_confirmed_at=None)


@pytest.mark.parametrize(
    ("health", "contact", "is_ready"),
    [
        (healthy(), Contact(NOW), True),
        (NOTHING_HELD, Contact(NOW), True),
        (NOTHING_HELD, Contact(), True),
        (held_for(3600), OUT, True),
        (held_for(OUTAGE_SECONDS), OUT, False),
        (NOTHING_HELD, OUT, False),
        (replace(NOTHING_HELD, problem=BROKEN), Contact(NOW), False),
        (replace(held_for(60), problem=BROKEN), Contact(NOW), True),
        (replace(healthy(), refused_at=NOW - 5), Contact(NOW), False),
        (replace(healthy(), refused_at=NOW - 31), Contact(NOW), True),
        (replace(healthy(), waiting=10_000, oldest_at=NOW - 3600), OUT, True),
        (replace(healthy(), error=GitHubUnavailable("x")), OUT, True),
    ],
    ids=[
        "all is well", "nothing read yet", "GitHub not asked yet", "an outage, and a board held",
        "an outage longer than what is held may be shown", "an outage, and nothing held",
        "a broken board, and none held", "a broken board, and an earlier one held",
        "a journal that has just refused", "a journal that refused a while ago",
        "much that waits", "commits that fail",
    ],
)  # fmt: skip
def test_ready_is_who_can_answer_reads_and_take_pushes(
    health: StatusHealth, contact: Contact, is_ready: bool
) -> None:
    found = readiness(Vitals(monitors=3, statuses=health, contact=contact), now=NOW)
    assert found.is_ready == is_ready
    assert bool(found.reasons) != is_ready


def test_without_monitors_nothing_can_be_served() -> None:
    found = readiness(Vitals(monitors=0, statuses=healthy()), now=NOW)
    assert found.reasons == (Cause("no-monitors", "no monitors are loaded"),)


def test_everything_has_its_age() -> None:
    health = replace(
        held_for(2.5), waiting=4, oldest_at=NOW - 7, committed_at=NOW - 60,
        error=GitHubUnavailable("GitHub answered 502"), problem=BROKEN,
    )  # fmt: skip
    service = Service(health=health, contact=OUT, out_for={"core": 8.0, "search": 0.0})
    reply = service.client().get("/readyz")
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    assert reply.json() == {
        "ready": True,
        "reasons": [],
        "github": {
            "answeredSecondsAgo": 70,
            "failingForSeconds": 60,
            "failure": "GitHub did not answer",
            "out": ["core"],
        },
        "monitors": 3,
        "statusBoard": {
            "held": True,
            "confirmedSecondsAgo": 2.5,
            "problem": "status.json, line 3, column 9: no JSON",
        },
        "journal": {
            "samples": 4,
            "oldestSeconds": 7,
            "refusedSecondsAgo": None,
            "missingSamples": 0,
            "damages": [],
        },
        "commits": {"lastSecondsAgo": 60, "error": "GitHub answered 502"},
        "hiddenIncidents": 0,
        "failing": {},
        "start": {"pending": False, "problem": None},
    }


def test_what_a_start_put_off_is_told_and_serves_all_the_same() -> None:
    late_start = LateStart(lambda: asyncio.sleep(0, None), jitter=lambda: 0.0)
    late_start.is_pending = True
    late_start.problem = "GH_TOKEN: GitHub refuses the credential"
    found = readiness(Vitals(monitors=3, statuses=healthy(), late_start=late_start), now=NOW)
    assert found.is_ready
    problem = "GH_TOKEN: GitHub refuses the credential"
    assert found.to_json(in_words=True)["start"] == {"pending": True, "problem": problem}
    assert found.to_json(in_words=False)["start"] == {"pending": True, "problem": "start-failed"}


def test_who_shows_no_token_gets_codes_that_name_nothing() -> None:
    health = replace(NOTHING_HELD, error=GitHubUnavailable("ann may not write"), problem=BROKEN)
    service = Service(health=health, contact=OUT)
    for client in (service.client(token=None), service.client(token="wrong")):
        told = client.get("/readyz").json()
        assert told["reasons"] == ["status-board-broken"]
        assert told["github"]["failure"] == "no-answer"
        assert told["statusBoard"]["problem"] == "broken-document"
        assert told["commits"]["error"] == "github-unavailable"
    assert service.client().get("/readyz").json()["commits"]["error"] == "ann may not write"


def test_who_is_not_ready_says_why_with_503() -> None:
    reply = Service(health=NOTHING_HELD, contact=OUT).client(token=None).get("/readyz")
    assert reply.status_code == 503
    assert reply.json()["reasons"] == ["github-out"]


def test_a_clock_that_was_set_back_makes_no_negative_age() -> None:
    facts = readiness(Vitals(monitors=1, statuses=held_for(-90)), now=NOW).facts
    assert facts["statusBoard"]["confirmedSecondsAgo"] == 0


# contact with GitHub


def exchange(status: int | None, **headers: str) -> Exchange:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Exchange("GET", "/x", status, 0.1, named)


@pytest.mark.parametrize("status", [200, 201, 204, 304, 403, 404, 409, 410, 422])
def test_an_answer_is_an_answer_even_if_it_is_no(status: int) -> None:
    contact = GitHubContact(clock=lambda: NOW)
    contact.note(exchange(status))
    assert contact.latest == Contact(answered_at=NOW)


@pytest.mark.parametrize(
    ("failed", "code", "words"),
    [
        (exchange(None), "no-answer", "GitHub did not answer"),
        (exchange(401), "status-401", "GitHub answered 401"),
        (exchange(500), "status-500", "GitHub answered 500"),
        (exchange(429), "status-429", "GitHub answered 429"),
        (exchange(403, retry_after="60"), "rate-limit", "GitHub's rate limit is reached"),
        (exchange(403, x_ratelimit_remaining="0"), "rate-limit", "GitHub's rate limit is reached"),
    ],
    ids=["nothing", "401", "500", "429", "a secondary limit", "the primary limit"],
)
def test_failing_begins_with_the_first_failure_and_ends_with_an_answer(
    failed: Exchange, code: str, words: str
) -> None:
    times = iter([1.0, 2.0, 3.0, 4.0])
    contact = GitHubContact(clock=lambda: next(times))
    contact.note(exchange(200))
    contact.note(failed)
    contact.note(failed)
    assert contact.latest == Contact(1.0, 2.0, Cause(code, words))
    contact.note(exchange(304))
    assert contact.latest == Contact(4.0)


def test_damage_to_the_journal_is_told_and_does_not_make_it_unready() -> None:
    damage = Damage(
        noticed_at=NOW, problem="journal.sqlite is damaged", missing=27, after=NOW - 60,
        before=NOW - 30, saved=13,
    )  # fmt: skip
    found = readiness(
        Vitals(monitors=3, statuses=replace(healthy(), damages=(damage, damage))), now=NOW
    )
    assert found.is_ready
    told = found.to_json(in_words=True)["journal"]
    assert told["missingSamples"] == 54
    assert told["damages"] == [str(damage)] * 2
    assert found.to_json(in_words=False)["journal"]["damages"] == ["journal-damaged"] * 2
