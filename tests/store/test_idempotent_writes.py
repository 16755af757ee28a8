"""Writes with a key happen once: over real sockets, with lost answers, lagging lists and kills."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from github_store import (
    AccessLost,
    Incident,
    IncidentComment,
    IncidentEdited,
    IncidentFields,
    IncidentNotFound,
    KeyReused,
    OutcomePending,
    OutcomeUnknown,
    RequestKey,
    StatusUpdate,
    Store,
    TokenCredential,
    incident_etag,
    open_store,
)
from github_store.embedded import EmbeddedGitHub
from github_store.keyed_writes import SETTLED_SECONDS
from tests.github_person import Person
from tests.soak.server import TOKEN, Server

MONITORS = b"- {name: Earth, tag: earth}\n"
OPENING, COMMENTING = r"^POST \S+/issues$", r"^POST \S+/comments$"
FIELDS = IncidentFields(title="Outage", tags=("earth",), body="Down.", start_datetime=1_702_405_740)
KEY = RequestKey("a key", "hash of the body")
MARK = re.compile(r"<!-- kener-issues: key [0-9a-f]{64} -->")

Steps = Callable[[Store], Awaitable[Any]]


class Clock:
    """Ours; GitHub's goes on as ever."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Service:
    """A store that may be stopped and started on the same directory."""

    github: EmbeddedGitHub
    data_dir: Path
    clock: Clock = field(default_factory=Clock)

    def run(self, steps: Steps, *, token: str | None = None) -> Any:
        async def run() -> Any:
            store = await open_store(
                repository_name="owner/status",
                credential=TokenCredential(token or self.github.tokens["owner"]),
                api_url=self.github.url,
                data_dir=self.data_dir,
                clock=self.clock,
            )
            try:
                return await steps(store)
            finally:
                await store.close()

        return asyncio.run(run())

    def person(self, login: str = "owner") -> Person:
        return Person(self.github.url, self.github.tokens[login])

    def issues(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.person().do("GET", "/issues?state=all")
        return found

    def sent(self, pattern: str) -> int:
        lines = [f"{each.method} {each.target}" for each in list(self.github.requests)]
        return sum(1 for line in lines if re.search(pattern, line))


@pytest.fixture
def service(github: EmbeddedGitHub, tmp_path: Path) -> Service:
    made = Service(github, tmp_path / "data")
    content = base64.b64encode(MONITORS).decode()
    made.person().do("PUT", "/contents/monitors.yaml", {"message": "Monitors", "content": content})
    return made


async def create(store: Store) -> Incident:
    return await store.incidents.create(FIELDS, key=KEY)


async def opened_unanswered(service: Service, store: Store) -> dict[str, Any]:
    """The issue of a creation whose answer was lost and which no list showed in time."""
    service.github.faults.add("drop_after", match=OPENING, count=1)
    lag = service.github.faults.add("list_lag", seconds=30)
    with pytest.raises(OutcomePending):
        await create(store)
    service.github.faults.lift(lag)
    (own,) = service.issues()
    return own


def commenting(number: int, text: str = "We are on it.\n\n") -> Steps:
    async def steps(store: Store) -> IncidentComment:
        return await store.incidents.add_comment(number, text, key=KEY)

    return steps


def test_the_first_answer_is_given_again_also_after_a_restart(service: Service) -> None:
    async def steps(store: Store) -> Incident:
        first = await create(store)
        await store.incidents.update_status(first.number, StatusUpdate(is_resolved=True))
        assert await create(store) == first
        return first

    first = service.run(steps)
    service.clock.ahead = 86_000
    assert service.run(create) == first
    assert service.sent(OPENING) == 1


def test_after_a_day_a_key_is_new(service: Service) -> None:
    first = service.run(create)
    service.clock.ahead = 86_500
    assert service.run(create).number != first.number


def test_a_key_names_one_request(service: Service) -> None:
    async def steps(store: Store) -> None:
        incident = await create(store)
        other = RequestKey(KEY.text, "hash of another body")
        for again in (
            store.incidents.create(FIELDS, key=other),
            store.incidents.add_comment(incident.number, "hello", key=KEY),
        ):
            with pytest.raises(KeyReused):
                await again

    service.run(steps)
    assert service.sent(OPENING) == 1
    assert service.sent(COMMENTING) == 0


def test_a_key_of_a_comment_names_its_incident_too(service: Service) -> None:
    one, other = (service.person().open_issue() for _ in range(2))
    service.run(commenting(one))
    with pytest.raises(KeyReused):
        service.run(commenting(other))


def test_a_lost_answer_is_found_at_once_where_the_list_shows_it(service: Service) -> None:
    service.github.faults.add("drop_after", match=OPENING, count=1)
    incident = service.run(create)
    assert service.run(create) == incident
    assert [each["number"] for each in service.issues()] == [incident.number]


@pytest.mark.parametrize("restarts", [False, True], ids=["in one process", "after a restart"])
def test_while_lists_lag_the_client_comes_again_and_gets_the_one_incident(
    service: Service, restarts: bool
) -> None:
    service.github.faults.add("drop_after", match=OPENING, count=1)
    lag = service.github.faults.add("list_lag", seconds=30)

    async def pending(store: Store) -> None:
        with pytest.raises(OutcomePending) as told:
            await create(store)
        assert told.value.retry_after_seconds is not None
        assert 1 <= told.value.retry_after_seconds <= SETTLED_SECONDS

    async def steps(store: Store) -> Incident:
        await pending(store)
        await pending(store)
        if restarts:
            return None  # type: ignore[return-value]
        service.github.faults.lift(lag)
        return await create(store)

    incident = service.run(steps)
    if restarts:
        service.github.faults.lift(lag)
        incident = service.run(create)
    assert [each["number"] for each in service.issues()] == [incident.number]
    assert service.sent(OPENING) == 1


@pytest.mark.parametrize("fault", ["drop_before", "error"])
def test_what_never_happened_is_created_anew_after_a_minute_and_not_before(
    service: Service, fault: Any
) -> None:
    service.github.faults.add(fault, match=OPENING, count=1)

    async def steps(store: Store) -> Incident:
        for ahead in (0, SETTLED_SECONDS - 3):
            service.clock.ahead = ahead
            with pytest.raises(OutcomePending):
                await create(store)
        assert service.issues() == []
        service.clock.ahead = SETTLED_SECONDS + 3
        return await create(store)

    incident = service.run(steps)
    assert service.run(create) == incident
    assert [each["number"] for each in service.issues()] == [incident.number]


def test_requests_with_one_key_share_one_call(service: Service) -> None:
    service.github.faults.add("latency", match=OPENING, seconds=0.2)

    async def steps(store: Store) -> None:
        incidents = store.incidents
        asked = [asyncio.create_task(create(store)) for _ in range(20)]
        await asyncio.sleep(0)
        asked[0].cancel()  # who hangs up ends nothing
        with pytest.raises(KeyReused):
            await incidents.create(FIELDS, key=RequestKey(KEY.text, "another"))
        first, *answers = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(first, asyncio.CancelledError)
        assert len(set(map(str, answers))) == 1
        assert isinstance(answers[0], Incident)

    service.run(steps)
    assert service.sent(OPENING) == 1


def test_a_write_that_github_refuses_did_not_happen(service: Service) -> None:
    service.github.faults.add("forbidden", match=OPENING, count=1)

    async def steps(store: Store) -> None:
        with pytest.raises(AccessLost):
            await create(store)
        await create(store)

    service.run(steps)
    assert len(service.issues()) == 1


def test_github_being_out_when_the_client_comes_again_creates_nothing(service: Service) -> None:
    service.github.faults.add("drop_after", match=OPENING, count=1)
    outage = service.github.faults.add("outage", match=r"^GET \S+state=all")

    async def steps(store: Store) -> Incident:
        for ahead in (0, SETTLED_SECONDS + 60):
            service.clock.ahead = ahead
            with pytest.raises(Exception, match="GitHub"):
                await create(store)
        service.github.faults.lift(outage)
        while store.breaker.hold_off(time.monotonic()):  # noqa: ASYNC110 - another thread's
            await asyncio.sleep(0.01)
        return await create(store)

    incident = service.run(steps)
    assert [each["number"] for each in service.issues()] == [incident.number]


def test_the_mark_is_in_the_issue_survives_a_patch_and_is_never_shown(service: Service) -> None:
    async def steps(store: Store) -> None:
        created = await create(store)
        (issue,) = service.issues()
        assert MARK.search(issue["body"])
        assert KEY.text not in issue["body"]
        assert created.body == FIELDS.body == (await store.incidents.get(created.number)).body
        changed = IncidentFields(title="Over", tags=("earth",), body="Was down.")
        assert (await store.incidents.replace(created.number, changed)).body == "Was down."
        (after,) = service.issues()
        assert MARK.findall(after["body"]) == MARK.findall(issue["body"])

    service.run(steps)


def test_without_a_key_nothing_is_hidden_in_an_issue_and_nothing_repeated(service: Service) -> None:
    async def steps(store: Store) -> None:
        await store.incidents.create(FIELDS)
        service.github.faults.add("drop_after", match=OPENING, count=1)
        with pytest.raises(OutcomeUnknown):
            await store.incidents.create(FIELDS)

    service.run(steps)
    assert not any("<!--" in each["body"] for each in service.issues())
    assert service.sent(OPENING) == 2


def test_a_mark_copied_by_somebody_else_or_later_is_not_the_answer(service: Service) -> None:
    async def steps(store: Store) -> Incident:
        own = await opened_unanswered(service, store)
        service.person("stranger").open_issue("Copied", labels=["incident"], body=own["body"])
        service.person("collaborator").open_issue("Copied", body=own["body"])
        service.person().open_issue("Copied by hand", body=own["body"])
        found = await create(store)
        assert found.number == own["number"]
        return found

    service.run(steps)


def test_a_strangers_copy_alone_is_not_the_answer(service: Service) -> None:
    async def steps(store: Store) -> None:
        own = await opened_unanswered(service, store)
        service.github.delete_issue("owner/status", own["number"])
        service.person("stranger").open_issue("Copied", labels=["incident"], body=own["body"])
        with pytest.raises(OutcomePending):
            await create(store)

    service.run(steps)


def test_what_a_maintainer_took_back_meanwhile_is_the_answer_all_the_same(service: Service) -> None:
    async def steps(store: Store) -> None:
        own = await opened_unanswered(service, store)
        changes = {"labels": [], "state": "closed"}
        service.person("collaborator").do("PATCH", f"/issues/{own['number']}", changes)
        found = await create(store)
        assert (found.number, found.tags) == (own["number"], ())
        assert found.closed_at is not None
        assert await create(store) == found
        with pytest.raises(IncidentNotFound):
            await store.incidents.get(found.number)

    service.run(steps)
    assert len(service.issues()) == 1


def test_another_client_cannot_write_a_mark(service: Service) -> None:
    mark = f"<!-- kener-issues: key {'0' * 64} -->"

    async def steps(store: Store) -> None:
        text = f"Copied {mark}"
        incident = await store.incidents.create(
            IncidentFields(title="Copy", tags=("earth",), body=text)
        )
        await store.incidents.add_comment(incident.number, text)
        (issue,) = service.issues()
        (comment,) = service.person().do("GET", f"/issues/{incident.number}/comments")
        assert (issue["body"].strip(), comment["body"].strip()) == ("Copied", "Copied")

    service.run(steps)


# comments


def test_a_comment_with_a_key_is_published_once_and_read_as_it_was_sent(service: Service) -> None:
    number = service.person().open_issue()
    service.github.faults.add("drop_after", match=COMMENTING, count=1)
    first = service.run(commenting(number))
    assert first.body == "We are on it.\n\n"
    assert service.run(commenting(number)) == first
    (on_github,) = service.person().do("GET", f"/issues/{number}/comments")
    assert MARK.search(on_github["body"])

    async def read(store: Store) -> list[IncidentComment]:
        return await store.incidents.comments(number)

    assert service.run(read) == [first]


def test_a_comment_that_never_came_is_published_after_a_minute(service: Service) -> None:
    number = service.person().open_issue()
    service.github.faults.add("drop_before", match=COMMENTING, count=1)

    async def steps(store: Store) -> None:
        with pytest.raises(OutcomePending):
            await commenting(number)(store)
        service.clock.ahead = SETTLED_SECONDS + 1
        comment = await commenting(number)(store)
        assert await commenting(number)(store) == comment

    service.run(steps)
    assert len(service.person().do("GET", f"/issues/{number}/comments")) == 1


def test_a_comment_on_no_incident_leaves_its_key_unused(service: Service) -> None:
    with pytest.raises(IncidentNotFound):
        service.run(commenting(999))
    number = service.person().open_issue()
    service.run(commenting(number))


# conditions


def test_a_change_on_a_condition_is_refused_once_somebody_has_edited(service: Service) -> None:
    async def steps(store: Store) -> None:
        incidents = store.incidents
        incident = await incidents.create(FIELDS)
        etag, update = incident_etag(incident), StatusUpdate(is_identified=True)
        service.person().do("PATCH", f"/issues/{incident.number}", {"title": "By a maintainer"})
        for change in (
            incidents.replace(incident.number, FIELDS, if_match={etag}),
            incidents.update_status(incident.number, update, if_match={etag}),
        ):
            with pytest.raises(IncidentEdited):
                await change
        now = await incidents.get(incident.number)
        assert now.title == "By a maintainer"
        changed = await incidents.replace(
            incident.number, FIELDS, if_match={'"x"', incident_etag(now)}
        )
        assert changed.title == FIELDS.title

    service.run(steps)


def test_a_comment_or_a_foreign_label_is_no_edit(service: Service) -> None:
    async def steps(store: Store) -> None:
        incident = await store.incidents.create(FIELDS)
        issue = f"/issues/{incident.number}"
        service.person().do("POST", f"{issue}/comments", {"body": "hello"})
        service.person().do("POST", f"{issue}/labels", {"labels": ["postmortem"]})
        etags = {incident_etag(incident)}
        await store.incidents.update_status(
            incident.number, StatusUpdate(is_resolved=True), if_match=etags
        )

    service.run(steps)


# an account that is not known


@dataclass
class Bot:
    """A token of an App's installation: GitHub does not tell it whose it is."""

    service: Service
    login: str = "my-app[bot]"
    token: str = ""

    def __post_init__(self) -> None:
        github = self.service.github
        self.token = github.add_user(self.login)
        github.set_role("owner/status", self.login, "write")
        github.faults.add("forbidden", match=r"^GET /user$")
        github.faults.add("missing", match=r"^GET \S+/collaborators/")

    def run(self, steps: Steps) -> Any:
        return self.service.run(steps, token=self.token)


@pytest.mark.parametrize("restarts", [False, True])
def test_the_very_first_write_of_an_unknown_account_is_found_again_and_shown(
    service: Service, restarts: bool
) -> None:
    bot = Bot(service)
    service.github.faults.add("drop_after", match=OPENING, count=1)
    lag = service.github.faults.add("list_lag", seconds=30)

    async def first(store: Store) -> None:
        with pytest.raises(OutcomePending):
            await create(store)

    async def again(store: Store) -> Incident:
        service.github.faults.lift(lag)
        service.person("stranger").open_issue("Copied", body=service.issues()[0]["body"])
        found = await create(store)
        assert await store.incidents.get(found.number) == found
        return found

    async def both(store: Store) -> Incident:
        await first(store)
        return await again(store)

    if restarts:
        bot.run(first)
        incident = bot.run(again)
    else:
        incident = bot.run(both)
    assert service.sent(OPENING) == 2, "one of them the stranger's"
    assert {each["number"]: each["user"]["login"] for each in service.issues()} == {
        incident.number: bot.login,
        incident.number + 1: "stranger",
    }


def test_a_strangers_copy_is_not_the_answer_of_an_unknown_account_either(service: Service) -> None:
    bot = Bot(service)

    async def steps(store: Store) -> None:
        own = await opened_unanswered(service, store)
        service.github.delete_issue("owner/status", own["number"])
        for login in ("stranger", "owner"):
            service.person(login).open_issue("Copied", labels=["incident"], body=own["body"])
        with pytest.raises(OutcomePending):
            await create(store)

    bot.run(steps)


def test_whoever_a_token_turned_out_to_be_is_known_after_a_restart(service: Service) -> None:
    bot = Bot(service)
    made = bot.run(create)

    async def steps(store: Store) -> None:
        assert await store.incidents.get(made.number) == made

    bot.run(steps)
    another = service.github.tokens["collaborator"]  # it may not ask either whose it is
    service.run(steps, token=another)


# a real process


def ask(server: Server, key: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key}
    body = json.dumps({"title": "Outage", "tags": ["earth"]})
    try:
        connection.request("POST", "/api/incident", body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_client_of_a_killed_service_comes_again_and_gets_one_incident(
    service: Service, tmp_path: Path
) -> None:
    github = service.github
    settings = {
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": "owner/status",
        "GH_TOKEN": github.tokens["owner"],
        "EMBEDDED_GITHUB": "never",
    }
    server = Server("one", tmp_path / "one", settings)
    server.start()
    try:
        assert server.ready(seconds=30), server.log.read_text()
        sent_on = github.faults.add("latency", match=OPENING, seconds=1.0, count=1)
        loop_end = time.monotonic() + 20
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request(
            "POST",
            "/api/incident",
            json.dumps({"title": "Outage", "tags": ["earth"]}),
            {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "k"},
        )
        while any(fault["id"] == sent_on for fault in github.faults.active()):
            assert time.monotonic() < loop_end, "the creation never reached GitHub"
            time.sleep(0.01)
        server.kill()  # GitHub has the request, and opens the issue behind our back
        connection.close()
        server.start()
        assert server.ready(seconds=30), server.log.read_text()
        answers = [ask(server, "k")]
        while answers[-1][0] == 503 and time.monotonic() < loop_end:
            time.sleep(0.2)
            answers.append(ask(server, "k"))
        status, incident = answers[-1]
        assert status == 200, answers
        assert ask(server, "k") == (200, incident)
        assert [each["number"] for each in service.issues()] == [incident["incidentNumber"]]
    finally:
        server.kill()


def test_a_key_that_was_forgotten_with_a_damaged_file_still_names_its_one_write(
    service: Service,
) -> None:
    first = service.run(create)
    (file,) = service.data_dir.rglob("intents.sqlite")
    file.write_bytes(b"\xff" * 9_000)
    with pytest.raises(OutcomePending):  # what was sent last before the damage may not show yet
        service.run(lambda store: store.incidents.create(FIELDS, key=RequestKey("new", "hash")))
    service.clock.ahead += SETTLED_SECONDS + 1
    assert service.run(create).number == first.number
    other = service.run(lambda store: store.incidents.create(FIELDS, key=RequestKey("new", "hash")))
    assert other.number != first.number
    assert len(service.issues()) == 2
