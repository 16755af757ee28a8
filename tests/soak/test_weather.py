"""A long day in bad weather: GitHub errs, is slow, away, throttles, and people work all the while.

Two services on one repository, one with webhooks and one without, each with an account of its
own; both are killed at random. A maintainer edits by hand, a workflow pushes status with the
command line, clients write with keys and repeat themselves.

``make soak`` runs a day whose outage takes 30 seconds and whose throttled time 3 minutes, with
the ages of answers shortened to match. ``SOAK_OUTAGE_SECONDS=600`` is the real length: 10 minutes
and an hour, with the default ages. ``SOAK_SEED`` repeats one run's choices.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from github_store.embedded import EmbeddedGitHub
from github_store.journal_file import JournalFile
from tests.github_person import Person
from tests.soak.clients import Cut, Reader, Worker, World, Writer
from tests.soak.committed import Committed
from tests.soak.equality import differences, marks, truth
from tests.soak.ledger import Ledger, possible_values
from tests.soak.maintainer import Beacon, Maintainer
from tests.soak.server import TOKEN, Server
from tests.soak.sky import Part, Sky, shuffled
from tests.soak.witness import (
    IN_FLIGHT,
    WRITES,
    Witness,
    beyond_limits,
    hammering,
    most_writes,
    statuses,
)
from tests.soak.writers import SHARED, Client, CommandLine

SEED = os.environ.get("SOAK_SEED") or str(time.time_ns())
OUTAGE_SECONDS = float(os.environ.get("SOAK_OUTAGE_SECONDS", "30"))
FRESH_SECONDS, STALE_SECONDS = 15, 60
REPOSITORY, ELSEWHERE = "owner/status", "owner/elsewhere"
SECRET = "soaked"
NAMES = ("hooked", "plain")
SPEAKERS = (*NAMES, "maintainer", "owner")
TAGS = ("earth", "mars")
RUSH = 100
"""Comments at once, of the 80 that GitHub lets anybody write in a minute."""
SETTLED_SECONDS = 300.0
"""After so long every key has its answer: lists are believed after a minute, and GitHub may have
asked for another one."""
READY_SECONDS = 30.0
LONGEST_CLOSING_SECONDS = 180.0
LONGEST_FLUSH_SECONDS = 600.0


@dataclass
class Site:
    """One service with those who use it."""

    server: Server
    reader: Reader
    writer: Writer
    pusher: Client
    kills: int = 0
    starts_seconds: dict[str, float] = field(default_factory=dict)


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def github(tmp_path: Path, witness: Witness) -> Iterator[EmbeddedGitHub]:
    monitors = [
        {"name": tag.title(), "tag": tag} for tag in (*TAGS, *NAMES, "command-line", SHARED)
    ]
    with EmbeddedGitHub(
        tmp_path / "github", chance=random.Random(SEED), witness=witness
    ) as running:
        files = {"monitors.yaml": json.dumps(monitors).encode()}
        running.create_repository(REPOSITORY, files=files)
        running.create_repository(ELSEWHERE)
        yield running


def test_all_day_long_what_was_read_is_served_and_what_was_asked_happens_once(
    github: EmbeddedGitHub, witness: Witness, tmp_path: Path
) -> None:
    say(f"\nSOAK_SEED={SEED} SOAK_OUTAGE_SECONDS={OUTAGE_SECONDS:.0f}")
    chance = random.Random(SEED)
    sky = Sky(github, NAMES, OUTAGE_SECONDS)
    people = {name: member(github, witness, name) for name in (*NAMES, "maintainer", "actions")}
    stranger = Person(github.url, github.tokens["stranger"])
    owner = Person(github.url, github.tokens["owner"])
    world, stopping = World(), threading.Event()
    sites = [a_site(people[name], name, tmp_path, sky, world, stopping) for name in NAMES]
    maintainer = Maintainer(
        github,
        REPOSITORY,
        ELSEWHERE,
        people["maintainer"],
        stranger,
        world,
        random.Random(f"{SEED} hand"),
    )
    workflow = CommandLine(
        "command-line",
        "command-line",
        tmp_path / "workflow",
        {**settings_for(people["actions"]), "PATH": os.environ["PATH"]},
        seed=SEED,
        stopping=stopping,
    )
    with contextlib.ExitStack() as running:
        for site in sites:
            site.server.start()
            running.callback(site.server.kill)
        for site in sites:
            assert site.server.ready(seconds=READY_SECONDS), log_of(site.server)
        hook_up(owner, sites[0].server)
        beacon = Beacon(
            github, people["maintainer"], sites[0].server, sky, people["maintainer"].open_issue()
        )
        workers = at_work(sites, maintainer, beacon, sky, stopping)
        running.callback(stopping.set)
        pushers = [*(site.pusher for site in sites), workflow]
        workflow.pause_seconds = 200 * sky.scale + 5
        threads: list[Worker | CommandLine | Client] = [
            *workers,
            *(site.pusher for site in sites),
            workflow,
        ]
        for thread in threads:
            thread.start()
        begun_at = time.monotonic()
        for part in shuffled(chance):
            live_through(part, sky, sites, chance)
        sky.clear_up()
        stopping.set()
        for thread in threads:
            thread.join(100)
            assert not thread.is_alive(), thread
            assert thread.failure is None, f"{thread}: {thread.failure}"
        say(f"  the day took {time.monotonic() - begun_at:.0f} s")

        settled = [until(partial(is_settled, site), SETTLED_SECONDS) for site in sites]
        say(f"  every key answered, every edit done: {seconds_of(settled)}")
        closed = until(
            lambda: not still_open(people["maintainer"], sites, maintainer), LONGEST_CLOSING_SECONDS
        )
        say(f"  everything that ended closed: {seconds_of([closed])}")
        equal = [until(partial(is_equal, site, github), FRESH_SECONDS + 5) for site in sites]
        say(f"  the API equals GitHub: {seconds_of(equal)}")
        apart = {s.server.name: unlike(s.server, github) for s in sites if None in equal}
        for site in sites:
            site.server.stop()
            site.server.start(STATUS_CHANGE_SECONDS="1", STATUS_STEADY_SECONDS="2")
            assert site.server.ready(seconds=READY_SECONDS), log_of(site.server)
        flushed = [until(partial(is_flushed, site), LONGEST_FLUSH_SECONDS) for site in sites]
        say(f"  every status committed: {seconds_of(flushed)}")
        running.pop_all()
        stops = [site.server.stop() for site in sites]
    report(sites, witness, maintainer, beacon, workflow)

    problems = [
        *(line for site in sites for line in (*site.reader.broken, *site.writer.broken)),
        *(f"an edit by hand shows late: {line}" for line in beacon.late),
        *([] if beacon.seen else ["no edit by hand was looked for"]),
        *(
            f"without an answer: {s.writer.pending} {s.writer.owed}"
            for s in sites
            if None in settled
        ),
        *(line for site in sites for line in lost_writes(site, people["maintainer"])),
        *hands_undone(maintainer, people["maintainer"]),
        *(f"ended and open: {n}" for n in still_open(people["maintainer"], sites, maintainer)),
        *(f"{name}: {line}" for name, lines in apart.items() for line in lines),
        *(f"pushes refused: {s.pusher.refusals}" for s in sites if s.pusher.refusals),
        *(f"in {s.server.name}'s journal: {n}" for s in sites if (n := pending_in(s.server))),
        *lost_status(github, [pusher.ledger for pusher in pushers]),
        *(line for site in sites for line in quota_exceeded(site.server, witness)),
        *(f"stopped only after {seconds:.1f} s" for seconds in stops if seconds > 5),
    ]
    assert not problems, "\n".join([f"{len(problems)} problems", *problems[:40]])


# before -------------------------------------------------------------------------------------------


def member(github: EmbeddedGitHub, witness: Witness, login: str) -> Person:
    """Somebody who may write to the repository."""
    token = github.add_user(login)
    github.set_role(REPOSITORY, login, "write")
    witness.logins[token] = login
    return Person(github.url, token)


def settings_for(person: Person) -> dict[str, str]:
    return {
        "GITHUB_API_URL": person.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GH_TOKEN": person.token,
        "EMBEDDED_GITHUB": "never",
    }


def a_site(
    person: Person, name: str, directory: Path, sky: Sky, world: World, stopping: threading.Event
) -> Site:
    settings = settings_for(person)
    if sky.scale < 1:
        settings["FRESH_SECONDS"] = str(max(1, round(FRESH_SECONDS * sky.scale)))
        settings["STALE_SECONDS"] = str(max(3, round(STALE_SECONDS * sky.scale)))
    if name == "hooked":
        settings["GITHUB_WEBHOOK_SECRET"] = SECRET
    server = Server(name, directory / name, settings)
    tags = (*TAGS, *NAMES, SHARED)
    site = Site(
        server,
        Reader(server, world, sky, tags, random.Random(f"{SEED} {name} reads")),
        Writer(server, world, sky, random.Random(f"{SEED} {name} writes")),
        Client(name, name, server, seed=SEED, stopping=stopping),
    )
    site.pusher.pause_seconds = 0.2 + 4 * sky.scale
    return site


def hook_up(owner: Person, server: Server) -> None:
    config = {
        "url": f"http://127.0.0.1:{server.port}/webhooks/github",
        "content_type": "json",
        "secret": SECRET,
    }
    events = ["issues", "issue_comment", "label", "member", "push", "repository"]
    owner.do("POST", "/hooks", {"name": "web", "config": config, "events": events})


def at_work(
    sites: list[Site],
    maintainer: Maintainer,
    beacon: Beacon,
    sky: Sky,
    stopping: threading.Event,
) -> list[Worker]:
    """Everybody, with time to think: a real day's load stays below what one core does."""
    scale = sky.scale
    own: list[tuple[Callable[[], object], float]] = [
        (step, pause_seconds)
        for site in sites
        for step, pause_seconds in (
            (site.reader.read, 0.04 + 0.4 * scale),
            (alternately(site.writer.write, site.writer.edit), 1.0 + 24 * scale),
        )
    ]
    hands = [(maintainer.act, 0.7 + 6 * scale), (beacon.flash, 1.0 + 10 * scale)]
    return [Worker(step, pause, stopping) for step, pause in (*own, *hands)]


def alternately(*steps: Callable[[], object]) -> Callable[[], object]:
    turn = iter(range(10**9))
    return lambda: steps[next(turn) % len(steps)]()


# during -------------------------------------------------------------------------------------------


def live_through(part: Part, sky: Sky, sites: list[Site], chance: random.Random) -> None:
    """The weather of one part of the day, and deaths at random moments of it."""
    seconds = part.length * sky.outage_seconds
    ends_at = time.monotonic() + seconds
    sky.unsettle()
    with part.weather(sky, seconds):
        sky.part = part.name
        say(f"  {time.strftime('%H:%M:%S')} {part.name} for {seconds:.0f} s")
        if part.is_rush:
            sites[-1].writer.rush = RUSH
        for _ in range(max(1, round(seconds / 150))):
            time.sleep(max(0.0, chance.uniform(0.05, 0.4) * (ends_at - time.monotonic())))
            for site in chance.choice([sites[:1], sites[1:], sites]):
                kill(site, part.name)
        time.sleep(max(0.0, ends_at - time.monotonic()))


def kill(site: Site, part: str) -> None:
    begun_at = time.monotonic()
    site.server.kill()
    site.reader.forget_unkept(begun_at)
    site.kills += 1
    site.server.start()
    assert site.server.ready(seconds=READY_SECONDS), f"{part}: {log_of(site.server)}"
    seconds = time.monotonic() - begun_at
    site.starts_seconds[part] = max(seconds, site.starts_seconds.get(part, 0.0))


# after --------------------------------------------------------------------------------------------


def until(is_so: Callable[[], bool], seconds: float) -> float | None:
    """How many seconds it took; None where it did not come to that in time."""
    begun_at = time.monotonic()
    while not is_so():
        if time.monotonic() > begun_at + seconds:
            return None
        time.sleep(1)
    return time.monotonic() - begun_at


def is_settled(site: Site) -> bool:
    for key in list(site.writer.pending):
        site.writer.send(key)
    for number in list(site.writer.owed):
        site.writer.settle(number)
    return not (site.writer.pending or site.writer.owed)


def still_open(person: Person, sites: list[Site], maintainer: Maintainer) -> list[int]:
    """Incidents of the services that have ended, and nobody closed or opened again."""
    ended = {
        number
        for site in sites
        for number, state in site.writer.state.items()
        if "endDatetime" in state
    }
    there = truth(person, speakers=NAMES).issues
    return sorted(
        number
        for number in ended - maintainer.reopened
        if number in there and there[number]["state"] == "open"
    )


def is_equal(site: Site, github: EmbeddedGitHub) -> bool:
    return not unlike(site.server, github)


def unlike(server: Server, github: EmbeddedGitHub) -> list[str]:
    person = Person(github.url, github.tokens["owner"])
    assert github.wait_for_hooks(30)
    there = truth(person, speakers=SPEAKERS)
    return differences(server, there, TAGS)


def lost_writes(site: Site, person: Person) -> Iterator[str]:
    """What the service answered and does not stand on GitHub once, as it was written last."""
    name, writer = site.server.name, site.writer
    there = truth(person, speakers=[name]).issues
    made = sorted(each["incidentNumber"] for each in writer.made.values())
    if sorted(there) != made:
        yield f"{name}: keys made {made}, on GitHub are {sorted(there)}"
    found = Counter(mark for issue in there.values() for mark in set(marks([issue["body"]])))
    if len(found) != len(made) or set(found.values()) - {1}:
        yield f"{name}: {len(made)} keys, {len(found)} marks: {found.most_common(3)}"
    everywhere = truth(person, speakers=SPEAKERS).comments
    words = Counter(
        (comment["id"], number)
        for number, comments in everywhere.items()
        for comment in comments
        if comment["user"]["login"] == name
    )
    commented = Counter((data["commentID"], n) for n, data in writer.commented.values())
    if words != commented:
        yield f"{name}: comments lost {commented - words}, too many {words - commented}"
    for number, state in writer.state.items():
        if number in there and there[number]["title"] != state["title"]:
            yield f"{name}: {number} is {there[number]['title']!r}, not {state['title']!r}"


def hands_undone(maintainer: Maintainer, person: Person) -> Iterator[str]:
    """What the maintainer did by hand and does not stand as they left it."""
    there = truth(person, speakers=SPEAKERS)
    labels = {n: {each["name"] for each in issue["labels"]} for n, issue in there.issues.items()}
    for number, own in maintainer.own.items():
        issue = there.issues[number]
        if (issue["title"], issue["state"], labels[number]) != (own.title, own.state, own.labels):
            yield f"{number} is {issue['title']} {issue['state']} {labels[number]}, not {own}"
    for number, put_on in maintainer.put_on.items():
        if missing := put_on - labels[number]:
            yield f"{number} lost the labels {missing} of a hand"
    for number in maintainer.reopened:
        if there.issues[number]["state"] != "open":
            yield f"{number} was opened again by hand, and is closed"
    comments = {each["id"]: each["body"] for some in there.comments.values() for each in some}
    for comment_id, (number, text) in maintainer.comments.items():
        if comments.get(comment_id) != text:
            yield f"comment {comment_id} of {number} is {comments.get(comment_id)}, not {text}"


def lost_status(github: EmbeddedGitHub, ledgers: list[Ledger]) -> Iterator[str]:
    """Acknowledged samples that are not on the branch."""
    committed = Committed(github.git_path(REPOSITORY))
    committed.require_soundness()
    for place, values in possible_values(ledgers).items():
        if committed.samples.get(place) not in values:
            yield f"{place} is {committed.samples.get(place)}, not one of {values}"


def quota_exceeded(server: Server, witness: Witness) -> Iterator[str]:
    """Where more was asked than GitHub allows, or after it had said no."""
    lines = witness.lines(server.name)
    yield from (f"{server.name}: beyond its limit: {line}" for line in beyond_limits(lines))
    for line in hammering(lines, starts=server.started_at)[:5]:
        yield f"{server.name}: asked on after a refusal: {line}"
    for seconds, most in WRITES.items():
        if (sent := most_writes(lines, seconds)) > most + IN_FLIGHT:
            yield f"{server.name}: {sent} writes within {seconds:.0f} s"


def is_flushed(site: Site) -> bool:
    return waiting(site.server) == 0


def waiting(server: Server) -> int:
    """How many samples the server's journal holds."""
    with contextlib.suppress(Cut):
        text = metrics_of(server)
        found = re.search(r"^kener_issues_journal_samples (\S+)$", text, re.MULTILINE)
        assert found, text[:500]
        return int(float(found[1]))
    return -1


def metrics_of(server: Server) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def pending_in(server: Server) -> int:
    found = 0
    for path in server.directory.rglob("journal.sqlite"):
        file = JournalFile(path.parent, now=time.time())
        try:
            found += len(file.pending())
        finally:
            file.close()
    return found


def log_of(server: Server) -> str:
    return server.log.read_text()[-3_000:]


# what is said about it ----------------------------------------------------------------------------


def report(
    sites: list[Site],
    witness: Witness,
    maintainer: Maintainer,
    beacon: Beacon,
    workflow: CommandLine,
) -> None:
    for site in sites:
        name, reader, writer = site.server.name, site.reader, site.writer
        lines = witness.lines(name)
        say(f"  {name}: {site.kills} kills, started within {max(site.server.downtimes):.1f} s")
        for part, seconds in reader.seconds.items():
            outcomes: Counter[str] = Counter()
            for (where, status, cache), count in reader.outcomes.items():
                if where == part:
                    outcomes[cache if status == 200 else str(status)] += count
            ordered = sorted(seconds)
            say(
                f"    {part:22} p50 {statistics.median(ordered) * 1e3:.0f} ms, p99"
                f" {ordered[int(len(ordered) * 0.99)] * 1e3:.0f} ms, most {ordered[-1]:.2f} s;"
                f" {dict(outcomes)}"
            )
        answers = Counter(status for (_, status), n in writer.outcomes.items() for _ in range(n))
        say(
            f"    {len(writer.made)} incidents, {len(writer.commented)} comments by key,"
            f" {writer.repeated} first answers again; answers {dict(answers)}"
        )
        say(
            f"    {site.pusher.ledger.acknowledged} pushes acknowledged,"
            f" {site.pusher.ledger.unanswered} unanswered"
        )
        say(
            f"    at GitHub: {len(lines)} requests {statuses(lines)}, searches"
            f" {sum(line.resource == 'search' for line in lines)}, most writes in a minute"
            f" {most_writes(lines, 60)}, in an hour {most_writes(lines, 3600)}"
        )
        for line in (*reader.broken[:10], *writer.broken[:10]):
            say(f"    BROKEN {line}")
    seen = sorted(beacon.seen)
    say(
        f"  by hand: {maintainer.done} deeds, {len(maintainer.world.deleted)} deletions; an edit"
        f" shows after {statistics.median(seen) * 1e3:.0f} ms (most {seen[-1] * 1e3:.0f} ms) of"
        f" {len(seen)}, late {beacon.late}"
    )
    say(f"  command line: {Counter(workflow.exit_codes)} {Counter(workflow.words)}")


def seconds_of(values: list[float | None]) -> str:
    return ", ".join("not in time" if each is None else f"{each:.0f} s" for each in values)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201
