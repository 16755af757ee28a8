"""Acknowledged means kept: servers killed under load, on a GitHub that fails in every way.

``make soak`` runs it; ``SOAK_ROUNDS`` sets the number of rounds, ``SOAK_SEED`` repeats one run's
choices (threads and processes still take their own time).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from github_store.embedded import EmbeddedGitHub
from github_store.embedded.faults import KINDS
from github_store.journal_file import JournalFile
from tests.soak.committed import Committed, commits
from tests.soak.ledger import possible_values
from tests.soak.naive import Outage, answer
from tests.soak.server import Server
from tests.soak.weather import SHAPES, Weather
from tests.soak.writers import SHARED, Client, CommandLine, Writer

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "50"))
SEED = os.environ.get("SOAK_SEED") or str(time.time_ns())
CLIENTS = 2
"""For each server, each with a monitor of its own."""
REPOSITORY = "owner/status"
DEFAULTED, STRICT = "one-0", "one-1"
"""One monitor has a default status, one counts degraded minutes as down."""
WINDOWS = (60, 3_600, 86_400, 30 * 86_400, 90 * 86_400 - 60, 90 * 86_400)
LONGEST_FLUSH_SECONDS = 180


@pytest.fixture
def github(tmp_path: Path) -> Iterator[EmbeddedGitHub]:
    tags = [f"{server}-{i}" for server in ("one", "two") for i in range(CLIENTS)]
    monitors: list[dict[str, object]] = [
        {"name": tag.title(), "tag": tag} for tag in (*tags, "command-line", SHARED)
    ]
    monitors[0]["defaultStatus"] = "UP"
    monitors[1]["includeDegradedInDowntime"] = True
    with EmbeddedGitHub(
        tmp_path / "github", chance=random.Random(SEED), core_limit=10**9, search_limit=10**9
    ) as running:
        running.create_repository(
            REPOSITORY,
            files={"README.md": b"# Status\n", "monitors.yaml": json.dumps(monitors).encode()},
        )
        yield running


def test_what_was_acknowledged_is_committed_exactly_once_however_often_servers_are_killed(
    github: EmbeddedGitHub, tmp_path: Path
) -> None:
    print(f"\nSOAK_SEED={SEED} SOAK_ROUNDS={ROUNDS}")  # noqa: T201
    assert set(SHAPES) == set(KINDS), "every kind of fault has its turn"
    settings = {
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GH_TOKEN": github.tokens["owner"],
        "EMBEDDED_GITHUB": "never",
        "STATUS_CHANGE_SECONDS": "1",
        "STATUS_STEADY_SECONDS": "2",
        "STATUS_REQUESTS_PER_HOUR": "400",
    }
    chance = random.Random(SEED)
    servers = [Server(name, tmp_path / name, settings) for name in ("one", "two")]
    weather = Weather(github, chance)
    stopping = threading.Event()
    clients = [
        Client(f"{server.name}-{i}", f"{server.name}-{i}", server, seed=SEED, stopping=stopping)
        for server in servers
        for i in range(CLIENTS)
    ]
    command = CommandLine(
        "command-line", "command-line", tmp_path / "command", settings, seed=SEED, stopping=stopping
    )
    writers: list[Writer] = [*clients, command]
    begun_at = time.monotonic()
    with contextlib.ExitStack() as running:
        for server in servers:
            server.start()
            running.callback(server.kill)
        for server in servers:
            assert server.ready(seconds=60), server.log.read_text()
        outages = open_incidents(servers[0])
        for writer in writers:
            writer.start()
        running.callback(stopping.set)
        kills = 0
        for number in range(1, ROUNDS + 1):
            kills += round_of_kills(servers, weather, chance)
            if number % 10 == 0:
                print(f"  round {number}: {time.monotonic() - begun_at:.0f} s")  # noqa: T201
        in_rounds = len(commits(github.git_path(REPOSITORY)))
        weather.clear()
        stopping.set()
        for writer in writers:
            writer.join(60)
            assert not writer.is_alive(), writer.name
            assert writer.failure is None, writer.failure
        rounds_seconds = time.monotonic() - begun_at
        let_everything_be_committed(servers)

        committed = Committed(github.git_path(REPOSITORY))
        committed.require_soundness()
        possible = possible_values(writer.ledger for writer in writers)
        wrong = {
            place: (committed.samples.get(place), values)
            for place, values in possible.items()
            if committed.samples.get(place) not in values
        }
        assert not wrong, f"{len(wrong)} of {len(possible)}: {list(wrong.items())[:5]}"
        assert committed.samples.keys() <= possible.keys(), "nobody pushed these"
        check_answers(servers, committed, outages)
        notes = [note for server in servers for note in server.directory.rglob("journal-damage-*")]
        assert not notes, "a kill is no damage"
        running.pop_all()
        stops = [server.stop() for server in servers]
    report(
        rounds=f"{ROUNDS} in {rounds_seconds:.0f} s, {kills} kills",
        starts={server.name: (server.starts, Counter(server.exit_codes)) for server in servers},
        faults=dict(weather.seen),
        acknowledged=sum(writer.ledger.acknowledged for writer in writers),
        unanswered=sum(writer.ledger.unanswered for writer in writers),
        places=f"{len(possible)}, {sum(len(values) > 1 for values in possible.values())} ambiguous",
        command_line=(Counter(command.exit_codes), Counter(command.words)),
        slowest_push=f"{max(client.ledger.slowest_seconds for client in clients):.2f} s",
        commits=(in_rounds, len(commits(github.git_path(REPOSITORY)))),
        stops=[f"{seconds:.2f} s" for seconds in stops],
        whole=f"{time.monotonic() - begun_at:.0f} s",
    )
    assert all(client.refusals == set() for client in clients)
    assert in_rounds > ROUNDS / 2, "commits land while everything fails"
    assert all(seconds < 2.5 for seconds in stops)


def round_of_kills(servers: list[Server], weather: Weather, chance: random.Random) -> int:
    """Other faults, then death at a random moment, also while starting; the number of kills."""
    weather.change()
    time.sleep(chance.uniform(0.5, 4.0))
    victims = chance.choice([servers[:1], servers[1:], servers])
    kills = 0
    for server in victims:
        server.kill()
        server.start()
        kills += 1
    if chance.random() < 0.25:
        time.sleep(chance.uniform(0.0, 1.5))
        for server in victims:
            server.kill()
            server.start()
            kills += 1
    for server in victims:
        bring_up(server, weather)
    return kills


def bring_up(server: Server, weather: Weather) -> None:
    """A start may fail while GitHub does, as the command says; an operator tries again."""
    for _ in range(3):
        if server.ready(seconds=20):
            return
        server.start()
    weather.clear()
    if not server.ready(seconds=30):
        server.start()
        assert server.ready(seconds=30), server.log.read_text()[-2_000:]


def let_everything_be_committed(servers: list[Server]) -> None:
    """Stop and start the servers until their journals are empty; they are left running."""
    give_up_at = time.monotonic() + LONGEST_FLUSH_SECONDS
    waiting = {server.name: -1 for server in servers}
    while any(waiting.values()):
        assert time.monotonic() < give_up_at, waiting
        for server in servers:
            server.kill()  # what GitHub's limits told it is forgotten
            server.start()
        for server in servers:
            assert server.ready(seconds=60), server.log.read_text()[-2_000:]
        time.sleep(6)
        for server in servers:
            server.stop()
            waiting[server.name] = sum(map(pending_in, server.directory.rglob("journal.sqlite")))
    for server in servers:
        server.start()
    for server in servers:
        assert server.ready(seconds=60), server.log.read_text()[-2_000:]


def pending_in(path: Path) -> int:
    file = JournalFile(path.parent, now=time.time())
    try:
        return len(file.pending())
    finally:
        file.close()


def open_incidents(server: Server) -> list[Outage]:
    """Some minutes of two monitors are an incident's."""
    now = int(time.time()) // 60
    outages = [
        Outage(DEFAULTED, "DOWN", now - 100, now - 90),
        Outage(SHARED, "DEGRADED", now - 31 * 1_440, now - 30 * 1_440),
        Outage(SHARED, "DOWN", now - 5, None),
    ]
    for outage in outages:
        body = {
            "title": "Outage",
            "tags": [outage.tag],
            "impact": outage.impact,
            "startDatetime": outage.first * 60,
        }
        if outage.last is not None:
            body["endDatetime"] = outage.last * 60
        status, said = server.ask("POST", "/api/incident", body)
        assert status == 200, said
    return outages


def check_answers(servers: list[Server], committed: Committed, outages: list[Outage]) -> None:
    """Both servers say just what the plain model says, to the exact string."""
    by_tag: dict[str, dict[int, str]] = {}
    for place, value in committed.samples.items():
        by_tag.setdefault(place.tag, {})[place.minute] = value.status
    for tag, samples in by_tag.items():
        for since in WINDOWS:
            for server in servers:
                now, said = ask_within_one_minute(server, tag, since)
                expected = answer(
                    tag,
                    samples,
                    outages,
                    now=now,
                    since=since // 60,
                    default="UP" if tag == DEFAULTED else None,
                    degraded_is_up=tag != STRICT,
                )
                assert said == expected, (server.name, tag, since)


def ask_within_one_minute(server: Server, tag: str, since: int) -> tuple[int, object]:
    while True:
        before = int(time.time()) // 60
        try:
            status, said = server.ask("GET", f"/api/status?tag={tag}&sinceLast={since}", seconds=30)
        except http.client.HTTPException as error:
            raise AssertionError(f"{server.name} gave no answer") from error
        assert status == 200, said
        if int(time.time()) // 60 == before:
            return before, said


def report(**rows: object) -> None:
    for name, row in rows.items():
        print(f"  {name.replace('_', ' '):14} {row}")  # noqa: T201
