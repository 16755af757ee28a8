"""Deliveries put to use, over real sockets: the embedded GitHub signs and sends them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from github_store import IncidentNotFound, SearchFilter, Store, incident_news
from github_store.authors import LEAST_SECONDS, RECHECK_SECONDS
from github_store.embedded import EmbeddedGitHub
from github_store.embedded.faults import Kind
from github_store.hook_setup import HOOK_PATH, point_hook
from github_store.inbox import MOST_QUESTIONS, ForgedDelivery, MalformedDelivery
from github_store.webhook import signature_of
from tests.github_person import Person
from tests.store.incident_scene import Clock, with_store

SECRET = "a secret of the tests"
Delivery = tuple[dict[str, str], bytes]


@contextmanager
def letterbox() -> Iterator[tuple[str, Queue[Delivery]]]:
    """Takes deliveries and keeps them; its URL and what came."""
    came: Queue[Delivery] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.put(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Post:
    """The deliveries of one test, and their way into the store's inbox."""

    def __init__(self, github: EmbeddedGitHub, store: Store, came: Queue[Delivery]) -> None:
        self._github = github
        self._store = store
        self._came = came

    def collected(self) -> list[Delivery]:
        assert self._github.wait_for_hooks(5)
        found = []
        while True:
            try:
                found.append(self._came.get_nowait())
            except Empty:
                return found

    async def deliver(self, *deliveries: Delivery) -> list[bool]:
        return [
            await self._store.inbox.take(
                body,
                event=headers["x-github-event"],
                delivery_id=headers["x-github-delivery"],
                signature=headers.get("x-hub-signature-256"),
                content_type=headers["content-type"],
            )
            for headers, body in deliveries
        ]


def with_post(
    github: EmbeddedGitHub,
    steps: Callable[[Store, Post, Person, Clock], Awaitable[None]],
) -> None:
    """Run ``steps`` with a store whose repository's hook delivers into the test's hands."""
    clock = Clock()
    owner = Person(github.url, github.tokens["owner"])

    async def run(store: Store) -> None:
        with letterbox() as (url, came):
            await point_hook(store.gateway, service_url=url, secret=SECRET)
            post = Post(github, store, came)
            pings = post.collected()
            assert [headers["x-github-event"] for headers, _ in pings] == ["ping"]
            assert await post.deliver(*pings) == [True]
            await store.sweeper.sweep()
            await steps(store, post, owner, clock)

    with_store(github, run, clock=clock, webhook_secrets=["the next one", SECRET])


async def titles(store: Store, **search: Any) -> list[str]:
    found = await store.incidents.search(SearchFilter(**search), page=1, per_page=100)
    return [each.title for each in found]


def test_an_edit_shows_in_reads_lists_and_searches_and_nothing_is_asked(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = await asyncio.to_thread(owner.open_issue, "Before")
        await post.deliver(*post.collected())
        assert await titles(store) == ["Before"]
        assert await titles(store, title_like="after") == []
        await asyncio.sleep(1.05)  # updated_at has whole seconds, on GitHub's own clock
        owner.do("PATCH", f"/issues/{number}", {"title": "After", "body": "news"})
        edited = post.collected()
        asked = len(github.requests)
        await post.deliver(*edited)
        assert (await store.incidents.get(number)).title == "After"
        assert await titles(store) == ["After"]
        assert await titles(store, title_like="after") == ["After"]
        clock.ahead += 500
        assert await titles(store) == ["After"], "vouched for: held however long"
        assert list(github.requests)[asked:] == []

    with_post(github, steps)


def test_deliveries_twice_and_out_of_order_leave_what_github_has(github: EmbeddedGitHub) -> None:
    github_clock_steps = ["opened", "second", "third"]

    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue(github_clock_steps[0])
        deliveries = post.collected()
        for title in github_clock_steps[1:]:
            await asyncio.sleep(1.05)  # updated_at has whole seconds, on GitHub's own clock
            owner.do("PATCH", f"/issues/{number}", {"title": title})
            deliveries += post.collected()
        for order in (reversed(deliveries), deliveries, deliveries):
            await post.deliver(*order)
            assert (await store.incidents.get(number)).title == "third"
        assert await titles(store) == ["third"]

    with_post(github, steps)


def test_two_edits_of_one_second_are_settled_by_asking(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("one")
        deliveries = post.collected()
        owner.do("PATCH", f"/issues/{number}", {"title": "two"})
        owner.do("PATCH", f"/issues/{number}", {"title": "three"})
        deliveries += post.collected()
        await post.deliver(*reversed(deliveries))
        assert (await store.incidents.get(number)).title == "three"
        assert await titles(store, title_like="three") == ["three"]

    with_post(github, steps)


@pytest.mark.parametrize("how", ["delete", "transfer"])
def test_what_is_gone_stays_gone_whatever_comes_late(github: EmbeddedGitHub, how: str) -> None:
    github.create_repository("owner/elsewhere")

    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Gone soon")
        opened = post.collected()
        await post.deliver(*opened)
        assert await titles(store) == ["Gone soon"]
        if how == "delete":
            github.delete_issue("owner/status", number)
        else:
            github.transfer_issue("owner/status", number, to="owner/elsewhere")
        await post.deliver(*post.collected(), *opened)
        with pytest.raises(IncidentNotFound):
            await store.incidents.get(number)
        assert await titles(store) == []

    with_post(github, steps)


def test_what_was_read_before_its_delivery_came_is_news_to_lists_all_the_same(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        assert await titles(store) == []
        number = owner.open_issue("Early")
        assert (await store.incidents.get(number)).title == "Early"
        clock.ahead += 200
        await post.deliver(*post.collected())
        assert await titles(store) == ["Early"]

    with_post(github, steps)


def test_what_one_second_undid_does_not_come_back_with_a_late_delivery(tmp_path: Path) -> None:
    clock = Clock()

    async def steps(store: Store, post: Post, owner: Person, _: Clock) -> None:
        number = owner.open_issue()
        await post.deliver(*post.collected())
        clock.ahead += 5
        owner.do("PATCH", f"/issues/{number}", {"state": "closed"})
        owner.do("PATCH", f"/issues/{number}", {"state": "open"})
        await post.deliver(*reversed(post.collected()))
        assert (await store.incidents.get(number)).is_open

    standing = clock()
    with EmbeddedGitHub(tmp_path, clock=lambda: standing + clock.ahead) as github:
        github.create_repository("owner/status", files={"README.md": b""})
        with_post(github, steps)


def test_what_is_sent_again_by_hand_a_day_later_brings_nothing_old_back(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Before")
        comment = owner.do("POST", f"/issues/{number}/comments", {"body": "before"})["id"]
        told_first = post.collected()
        owner.do("PATCH", f"/issues/{number}", {"title": "After"})
        owner.do("PATCH", f"/issues/comments/{comment}", {"body": "after"})
        post.collected()  # and lost; nothing is known of either
        clock.ahead += 86_400
        await post.deliver(*told_first)
        assert (await store.incidents.get(number)).title == "After"
        assert await titles(store) == ["After"]
        assert [each.body for each in await store.incidents.comments(number)] == ["after"]

    with_post(github, steps)


def test_lists_follow_however_many_issues_change_within_the_hour(
    github: EmbeddedGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incident_news, "MAX_RECENT", 3)

    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        numbers = [owner.open_issue(f"Open {each}") for each in range(8)]
        await post.deliver(*post.collected())
        clock.ahead += 200
        assert len(await titles(store)) == 8
        for count, number in enumerate(numbers, 1):
            owner.do("PATCH", f"/issues/{number}", {"state": "closed"})
            await post.deliver(*post.collected())
            clock.ahead += 30
            assert len(await titles(store)) == 8 - count

    with_post(github, steps)


def test_comments_of_an_issue_that_was_transferred_unheard_of_are_not_found(
    github: EmbeddedGitHub,
) -> None:
    github.create_repository("owner/elsewhere")

    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue()
        await post.deliver(*post.collected())
        assert await titles(store) == ["Outage"]
        github.transfer_issue("owner/status", number, to="owner/elsewhere")
        assert (await store.incidents.get(number)).number == number, "nobody has told"
        with pytest.raises(IncidentNotFound):
            await store.incidents.comments(number)
        with pytest.raises(IncidentNotFound):
            await store.incidents.get(number)

    with_post(github, steps)


def test_a_payload_from_before_a_label_was_renamed_does_not_bring_its_old_name(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue(labels=["incident", "earth"])
        await post.deliver(*post.collected())
        await asyncio.sleep(1.05)  # updated_at has whole seconds, on GitHub's own clock
        owner.do("PATCH", f"/issues/{number}", {"title": "Edited"})
        edited = post.collected()
        owner.do("PATCH", "/labels/earth", {"new_name": "planet"})
        await post.deliver(*post.collected(), *edited)
        assert (await store.incidents.get(number)).tags == ()

    with_post(github, steps)


def test_comments_follow_too(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue()
        made = [owner.do("POST", f"/issues/{number}/comments", {"body": b}) for b in ("a", "b")]
        await post.deliver(*post.collected())
        assert [each.body for each in await store.incidents.comments(number)] == ["a", "b"]
        owner.do("DELETE", f"/issues/comments/{made[0]['id']}")
        owner.do("POST", f"/issues/{number}/comments", {"body": "c"})
        deliveries = post.collected()
        asked = len(github.requests)
        await post.deliver(*deliveries)
        assert [each.body for each in await store.incidents.comments(number)] == ["b", "c"]
        assert len(github.requests) - asked <= 2, "the deleted one, and whether all are gone"

    with_post(github, steps)


def test_a_label_that_is_renamed_lets_everything_be_asked_again(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue(labels=["incident", "earth"])
        await post.deliver(*post.collected())
        assert (await store.incidents.get(number)).tags == ("earth",)
        clock.ahead += 5
        owner.do("PATCH", "/labels/earth", {"new_name": "planet"})
        clock.ahead += 5
        await post.deliver(*post.collected())
        clock.ahead += 1
        assert (await store.incidents.get(number)).tags == ()

    with_post(github, steps)


def test_who_lost_write_access_is_hidden_within_half_a_minute_of_its_webhook(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        collaborator = Person(github.url, github.tokens["collaborator"])
        number = collaborator.open_issue("Theirs")
        await post.deliver(*post.collected())
        assert await titles(store) == ["Theirs"]
        github.set_role("owner/status", "collaborator", "read")
        [told] = post.collected()
        assert (told[0]["x-github-event"], json.loads(told[1])["action"]) == ("member", "removed")
        clock.ahead += LEAST_SECONDS
        assert await titles(store) == ["Theirs"], "nobody has told"
        await post.deliver(told)
        assert await titles(store) == []
        with pytest.raises(IncidentNotFound):
            await store.incidents.get(number)
        github.set_role("owner/status", "collaborator", "write")
        await post.deliver(*post.collected())
        clock.ahead += LEAST_SECONDS
        assert await titles(store) == ["Theirs"]

    with_post(github, steps)


def test_an_organisations_own_webhook_tells_of_rights_too(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        Person(github.url, github.tokens["collaborator"]).open_issue("Theirs")
        await post.deliver(*post.collected())
        assert await titles(store) == ["Theirs"]
        github.set_role("owner/status", "collaborator", "read")
        post.collected()
        clock.ahead += LEAST_SECONDS
        payload = {
            "action": "member_removed",
            "membership": {"user": {"login": "Collaborator"}},
            "organization": {"login": "elsewhere"},
        }
        assert await post.deliver(signed(payload, "organization")) == [False]
        assert await titles(store) == ["Theirs"]
        payload["organization"] = {"login": "Owner"}
        assert await post.deliver(signed(payload, "organization")) == [True]
        assert await titles(store) == []

    with_post(github, steps)


def test_what_somebody_publishes_who_lost_write_access_unheard_of_is_shown_for_minutes(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        collaborator = Person(github.url, github.tokens["collaborator"])
        number = collaborator.open_issue("Theirs")
        await post.deliver(*post.collected())
        assert await titles(store) == ["Theirs"]
        github.set_role("owner/status", "collaborator", "read")
        post.collected()  # and lost
        collaborator.do("PATCH", f"/issues/{number}", {"title": "Defaced"})
        collaborator.do("POST", f"/issues/{number}/comments", {"body": "rubbish"})
        await post.deliver(*post.collected())
        assert await titles(store) == ["Defaced"]
        clock.ahead += RECHECK_SECONDS
        assert await titles(store) == []
        with pytest.raises(IncidentNotFound):
            await store.incidents.comments(number)

    with_post(github, steps)


def test_a_push_of_monitors_changes_what_may_be_pushed_and_read(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        sha = owner.do("GET", "/contents/monitors.yaml")["sha"]
        for text, tags in (
            (b"[{name: Mars, tag: mars}]", ("mars",)),
            (b"[{name: broken", ("mars",)),
        ):
            content = base64.b64encode(text).decode()
            body = {"message": "m", "content": content, "sha": sha}
            made = await asyncio.to_thread(owner.do, "PUT", "/contents/monitors.yaml", body)
            sha = made["content"]["sha"]
            await post.deliver(*post.collected())
            assert store.monitors.tags == tags

    with_post(github, steps)


MARS = "[{name: Mars, tag: mars}]"


def push_monitors(owner: Person, text: str) -> None:
    sha = owner.do("GET", "/contents/monitors.yaml")["sha"]
    content = base64.b64encode(text.encode()).decode()
    body = {"message": "m", "content": content, "sha": sha}
    owner.do("PUT", "/contents/monitors.yaml", body)


@pytest.mark.parametrize("end", ["sweep", "recovery"])
@pytest.mark.parametrize("fault", ["error", "secondary_limit"])
def test_monitors_pushed_while_github_does_not_give_them_are_read_afterwards(
    github: EmbeddedGitHub, caplog: pytest.LogCaptureFixture, end: str, fault: Kind
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        await asyncio.to_thread(push_monitors, owner, MARS)
        github.faults.add(fault, match="/contents/monitors")
        await post.deliver(*post.collected())
        assert store.monitors.tags != ("mars",)
        assert store.monitors_reload.is_pending
        await store.monitors_reload.swept(is_full=False)
        assert caplog.text.count("monitors.yaml is read again") == 1
        github.faults.clear()
        store.quota._closed_until.clear()
        if end == "sweep":
            await store.sweeper.sweep()
        else:
            store.lookout._recovered()
            assert store.monitors_reload._resumed
            await store.monitors_reload._resumed
        assert store.monitors.tags == ("mars",)
        assert not store.monitors_reload.is_pending
        assert store.monitors_reload.problem is None
        assert "mars" in {label["name"] for label in owner.do("GET", "/labels")}
        asked = github.count("GET", "/contents/monitors.yaml")
        await store.sweeper.sweep()
        store.lookout._recovered()
        assert github.count("GET", "/contents/monitors.yaml") == asked

    with_post(github, steps)


def test_a_push_of_monitors_whose_delivery_was_lost_is_found_within_the_hour(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        await store.sweeper.sweep()
        await asyncio.to_thread(push_monitors, owner, MARS)
        post.collected()  # and lost
        clock.ahead += 3601
        await store.sweeper.sweep()
        assert store.monitors.tags == ("mars",)

    with_post(github, steps)


def test_monitors_that_are_wrong_are_told_once_and_not_asked_for_until_they_are_mended(
    github: EmbeddedGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        before = store.monitors.tags
        await asyncio.to_thread(push_monitors, owner, "[{name: broken")
        for delivery in post.collected():
            await post.deliver(delivery)
        asked = github.count("GET", "/contents/monitors.yaml")
        await store.sweeper.sweep()
        assert github.count("GET", "/contents/monitors.yaml") == asked
        clock.ahead += 3601
        await store.sweeper.sweep()
        assert store.monitors.tags == before
        assert caplog.text.count("taking the pushed monitors.yaml fails") == 1
        assert store.failing["monitors"] == 1
        await asyncio.to_thread(push_monitors, owner, MARS)
        await post.deliver(*post.collected())
        assert store.monitors.tags == ("mars",)
        assert store.monitors_reload.problem is None

    with_post(github, steps)


def test_pushed_monitors_that_are_doubtful_are_taken_and_told_once(
    github: EmbeddedGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        await asyncio.to_thread(push_monitors, owner, "[{name: Mars, tag: mars, Hidden: true}]")
        await post.deliver(*post.collected())
        clock.ahead += 3601
        await store.sweeper.sweep()
        assert store.monitors.tags == ("mars",)
        assert caplog.text.count("monitors[0].Hidden: is ignored; is hidden meant?") == 1
        await asyncio.to_thread(push_monitors, owner, f"{MARS} # {'x' * 1_100_000}")
        await post.deliver(*post.collected())
        assert store.monitors.tags == ("mars",)
        assert caplog.text.count("the file has 1,100,028 bytes") == 1

    with_post(github, steps)


def test_only_what_is_signed_is_read_and_only_once(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        owner.open_issue("Real")
        headers, body = post.collected()[0]
        forged = body.replace(b"Real", b"Fake")
        with pytest.raises(ForgedDelivery):
            await post.deliver((headers, forged))
        with pytest.raises(ForgedDelivery):
            await post.deliver(({**headers, "x-hub-signature-256": ""}, body))
        assert await post.deliver((headers, body)) == [True]
        assert await post.deliver((headers, body)) == [False]
        garbage = b'{"issue": 7}'
        signed = {
            **headers,
            "x-github-delivery": "another",
            "x-hub-signature-256": signature_of(garbage, SECRET),
        }
        with pytest.raises(MalformedDelivery):
            await post.deliver((signed, garbage))
        assert await titles(store) == ["Real"]

    with_post(github, steps)


def sent_as(delivery: Delivery, *, event: str = "", delivery_id: str | None = None) -> Delivery:
    """The same body under another event's name or another id: its signature still fits."""
    headers, body = delivery
    changes = {"x-github-event": event} if event else {}
    changes |= {} if delivery_id is None else {"x-github-delivery": delivery_id}
    return headers | changes, body


async def asked_meanwhile(github: EmbeddedGitHub, step: Awaitable[Any]) -> list[str]:
    before = len(github.requests)
    await step
    return [f"{each.method} {each.target}" for each in list(github.requests)[before:]]


def test_a_comments_deletion_sent_again_as_its_issues_hides_nothing(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Stays")
        made = owner.do("POST", f"/issues/{number}/comments", {"body": "withdrawn"})
        await post.deliver(*post.collected())
        assert await titles(store) == ["Stays"]
        owner.do("DELETE", f"/issues/comments/{made['id']}")
        [deletion] = post.collected()

        async def attack() -> None:
            for event in ("issues", "label", "repository", "push", "star"):
                for count in range(20):
                    forged = sent_as(deletion, event=event, delivery_id=f"{event}-{count}")
                    with contextlib.suppress(MalformedDelivery):
                        await post.deliver(forged)
                    assert (await store.incidents.get(number)).title == "Stays"
                    assert await titles(store) == ["Stays"]

        assert await asked_meanwhile(github, attack()) == []
        assert await post.deliver(deletion) == [True]
        assert await store.incidents.comments(number) == []

    with_post(github, steps)


def test_what_is_sent_again_under_other_ids_is_asked_once_and_then_left_to_one_look(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Stays")
        owner.do("PATCH", "/labels/earth", {"description": "the planet"})
        deliveries = post.collected()
        looks: list[bool] = []
        store.inbox.look = looks.append
        await post.deliver(*deliveries)
        assert await titles(store) == ["Stays"]

        async def attack() -> None:
            for count in range(100):
                again = [sent_as(each, delivery_id=f"again-{count}") for each in deliveries]
                assert not any(await post.deliver(*again))
                assert (await store.incidents.get(number)).title == "Stays"
                assert await titles(store) == ["Stays"]

        asked = await asked_meanwhile(github, attack())
        assert asked == [f"GET /repos/owner/status/issues/{number}"]
        assert looks
        assert not any(looks), "none of them a full one"

    with_post(github, steps)


def test_two_equal_bodies_under_two_ids_are_two_events(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Outage")
        labels = {"on": ("POST", "/labels"), "off": ("DELETE", "/labels/identified")}

        def flip(way: str) -> list[Delivery]:
            method, path = labels[way]
            body = {"labels": ["identified"]} if way == "on" else None
            owner.do(method, f"/issues/{number}{path}", body)
            return post.collected()

        await post.deliver(*post.collected())
        on, off = flip("on"), flip("off")
        for deliveries in (on, off):
            await post.deliver(*deliveries)
            await store.incidents.get(number)
        flip("on")  # of the same second, a body that is the first one's to the letter
        await post.deliver(*(sent_as(each, delivery_id="another") for each in on))
        assert (await store.incidents.get(number)).is_identified

    with_post(github, steps)


def test_deliveries_without_an_id_are_not_taken_for_repeats_of_one_another(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        for title in ("one", "two"):
            owner.open_issue(title)
        deliveries = [sent_as(each, delivery_id="") for each in post.collected()]
        assert all(await post.deliver(*deliveries))
        assert await titles(store) == ["two", "one"]

    with_post(github, steps)


def test_made_up_events_do_not_push_out_what_is_remembered(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        owner.open_issue("one")
        first, *_ = post.collected()
        assert await post.deliver(first) == [True]
        remembered = len(store.inbox._id_by_digest)
        for number in range(50):
            await post.deliver(sent_as(first, event=f"event-{number}", delivery_id=f"{number}"))
        assert len(store.inbox._id_by_digest) == remembered
        assert await post.deliver(first) == [False]

    with_post(github, steps)


def test_an_id_is_not_signed_so_another_body_under_it_is_no_repeat(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        for title in ("one", "two"):
            owner.open_issue(title)
        deliveries = [sent_as(each, delivery_id="the same") for each in post.collected()]
        assert all(await post.deliver(*deliveries))
        assert await titles(store) == ["two", "one"]

    with_post(github, steps)


def signed(payload: Any, event: str) -> Delivery:
    body = json.dumps(payload).encode()
    headers = {
        "x-github-event": event,
        "x-github-delivery": "",
        "x-hub-signature-256": signature_of(body, SECRET),
        "content-type": "application/json",
    }
    return headers, body


@pytest.mark.parametrize("action", ["deleted", "transferred"])
def test_that_something_is_gone_is_asked_and_not_believed(
    github: EmbeddedGitHub, action: str
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Stays")
        made = owner.do("POST", f"/issues/{number}/comments", {"body": "stays"})
        deliveries = post.collected()
        await post.deliver(*deliveries)
        assert await titles(store) == ["Stays"]
        assert len(await store.incidents.comments(number)) == 1
        for headers, body in deliveries:
            payload = json.loads(body) | {"action": action}
            await post.deliver(signed(payload, headers["x-github-event"]))

        async def read() -> None:
            for _ in range(20):
                assert await titles(store) == ["Stays"]
                assert (await store.incidents.get(number)).title == "Stays"
                assert [each.id for each in await store.incidents.comments(number)] == [made["id"]]

        assert len(await asked_meanwhile(github, read())) <= 2

    with_post(github, steps)


def test_a_number_never_heard_of_is_asked_for_and_proves_nothing(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Real")
        [(_, body), *_rest] = post.collected()
        payload = json.loads(body)
        payload["issue"] |= {"number": 2**31 - 1, "title": "Made up"}
        await post.deliver(signed(payload, "issues"))
        assert await titles(store) == ["Real"]
        with pytest.raises(IncidentNotFound):
            await store.incidents.get(2**31 - 1)
        assert store.incidents.hidden_count == 0
        assert not store.incidents._tracker.numbers.lies_above(number)
        assert store.incidents._tracker.numbers.lies_above(number + 1), "it raised no highest"

    with_post(github, steps)


def test_many_things_that_are_not_believed_are_few_questions_and_a_full_look(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        owner.open_issue("Real")
        [(_, body), *_rest] = post.collected()
        looks: list[bool] = []
        store.inbox.look = looks.append
        for number in range(1_000, 1_200):
            payload = json.loads(body) | {"action": "deleted"}
            payload["issue"]["number"] = number
            await post.deliver(signed(payload, "issues"))
        asked = await asked_meanwhile(github, titles(store))
        questions = [each for each in asked if re.search(r"/issues/1\d{3}$", str(each))]
        assert 0 < len(questions) <= MOST_QUESTIONS + 2, "and one more each ten seconds"
        assert any(looks)

    with_post(github, steps)


def test_a_body_too_large_to_keep_lets_all_be_asked_once(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        looks: list[bool] = []
        store.inbox.look = looks.append
        pieces = [b"x" * 65_536] * 20
        signature = signature_of(b"".join(pieces), SECRET)
        for given, outcome in (
            ("sha256=" + "0" * 64, []),
            (signature, [True]),
            (signature, [True]),
        ):
            digest = store.inbox.digest()
            for piece in pieces:
                digest.update(piece)
            with contextlib.suppress(ForgedDelivery):
                store.inbox.take_unread(digest, signature=given)
            assert looks == outcome

    with_post(github, steps)


ABSURD = [
    None,
    True,
    -1,
    1e999,
    10**400,
    "",
    "\ud800",
    [],
    [[1]],
    {},
    {"name": 5},
    [None],
    "9" * 99,
]


def test_absurd_deliveries_that_are_signed_fail_plainly_and_leave_reads_alone(
    github: EmbeddedGitHub,
) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = await asyncio.to_thread(owner.open_issue, "Sound", labels=["incident", "earth"])
        await asyncio.to_thread(owner.do, "POST", f"/issues/{number}/comments", {"body": "b"})
        deliveries = post.collected()
        await post.deliver(*deliveries)
        outcomes = []
        for headers, body in deliveries:
            payload = json.loads(body)
            places = [(payload, name) for name in payload]
            for name in ("issue", "comment", "repository", "sender"):
                places += [(payload[name], key) for key in payload.get(name) or ()]
            for place, name in places:
                before = place[name]
                for absurd in ABSURD:
                    place[name] = absurd
                    text = json.dumps(payload).encode()
                    signed = headers | {
                        "x-github-delivery": f"absurd-{len(outcomes)}",
                        "x-hub-signature-256": signature_of(text, SECRET),
                    }
                    try:
                        await post.deliver((signed, text))
                    except MalformedDelivery:
                        outcomes.append("malformed")
                    else:
                        outcomes.append("taken")
                place[name] = before
        assert {"malformed", "taken"} == set(outcomes)
        assert "Sound" in await titles(store)
        assert [each.body for each in await store.incidents.comments(number)][:1] == ["b"]

    with_post(github, steps)


def test_a_payload_nested_deeply_is_refused_or_taken(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        await asyncio.to_thread(owner.open_issue, "Sound")
        headers, body = post.collected()[0]
        for depth in (*range(800, 1_000), 100_000):
            nested = b"[" * depth + b"]" * depth
            text = body.replace(b'"issue": {', b'"issue": {"x": %b, ' % nested)
            text = text.replace(b'"issue":{', b'"issue":{"x":%b,' % nested)
            assert nested in text
            signed = headers | {
                "x-github-delivery": f"nested-{depth}",
                "x-hub-signature-256": signature_of(text, SECRET),
            }
            with contextlib.suppress(MalformedDelivery):
                await post.deliver((signed, text))
        assert await titles(store) == ["Sound"]

    with_post(github, steps)


def test_another_repositorys_delivery_changes_nothing(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        number = owner.open_issue("Ours")
        headers, body = post.collected()[0]
        payload = json.loads(body)
        payload["repository"] |= {"id": 1, "full_name": "owner/other"}
        payload["issue"]["title"] = "Theirs"
        other = json.dumps(payload).encode()
        signed = {**headers, "x-hub-signature-256": signature_of(other, SECRET)}
        assert await post.deliver((signed, other)) == [False]
        assert (await store.incidents.get(number)).title == "Ours"

    with_post(github, steps)


def test_the_hook_is_pointed_once_however_often_the_service_starts(github: EmbeddedGitHub) -> None:
    async def steps(store: Store, post: Post, owner: Person, clock: Clock) -> None:
        for port in (1, 2):
            await point_hook(store.gateway, service_url=f"http://127.0.0.1:{port}", secret=SECRET)
        urls = [each["config"]["url"] for each in owner.do("GET", "/hooks")]
        assert urls == [f"http://127.0.0.1:2{HOOK_PATH}"]

    with_post(github, steps)
