"""A day of bad weather in a minute: GitHub errs, is slow, down or throttled while people work.

``make soak`` runs it; ``SOAK_WEATHER_SECONDS`` is the length of one kind of weather, ``SOAK_SEED``
repeats one run's choices. Ages are scaled down with it: an outage is far longer than answers are
fresh or stale.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person
from tests.soak.server import TOKEN, Server

SEED = os.environ.get("SOAK_SEED") or str(time.time_ns())
SECONDS = float(os.environ.get("SOAK_WEATHER_SECONDS", "15"))
REPOSITORY = "owner/status"
SEARCHES = ("", "?state=closed", "?tags=earth", "?title_like=storm")
READERS, WRITERS = 2, 2
RETRY_AFTER = 5
IN_FLIGHT = 10
"""Requests that may have left before the first refusal was heard."""
MONITORS = [{"name": tag.title(), "tag": tag} for tag in ("earth", "mars")]
SETTLED_SECONDS = 90.0
"""After so long every key has its answer: GitHub's lists are believed after 60 s."""


class Worker(threading.Thread):
    """Repeats ``step`` until told to stop; what it raises is for the test's own thread."""

    def __init__(self, step: Any, pause_seconds: float, stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self._step, self._pause_seconds, self._stopping = step, pause_seconds, stopping
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._step()
                self._stopping.wait(self._pause_seconds)
        except Exception as error:
            self.failure = error


class Clients:
    """Readers and writers of one server, and what it owes them."""

    def __init__(self, server: Server, chance: random.Random) -> None:
        self._server = server
        self._chance = chance
        self.read_before: set[str] = set()
        self.broken: list[tuple[str, int, Any]] = []
        self.outcomes: Counter[int] = Counter()
        self.pending: dict[str, str] = {}
        self.made: dict[str, int] = {}
        self._count = 0
        self._lock = threading.Lock()

    def read(self) -> None:
        known = [f"/api/incident/{number}" for number in self.made.values()]
        places = [*(f"/api/incident{search}" for search in SEARCHES), *known]
        place = self._chance.choice([*places, *(f"{each}/comment" for each in known)])
        status, said = self._server.ask("GET", place, seconds=30)
        self.outcomes[status] += 1
        if status == 200:
            self.read_before.add(place)
        elif place in self.read_before:
            self.broken.append((place, status, said))

    def write(self) -> None:
        """An incident with a key of its own; what was not answered comes again."""
        with self._lock:
            self._count += 1
            title = f"Storm {self._count}"
            key = f"key {self._count}"
        self.pending[key] = title
        self.repeat(key)
        if self.pending and self._chance.random() < 0.5:
            self.repeat(self._chance.choice(list(self.pending)))

    def repeat(self, key: str) -> None:
        title = self.pending.get(key)
        if title is None:
            return
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        try:
            body = json.dumps({"title": title, "tags": ["earth"], "startDatetime": 1_702_405_740})
            headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key}
            connection.request("POST", "/api/incident", body, headers)
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        self.outcomes[answer.status] += 1
        assert answer.status in {200, 502, 503, 504}, content
        if answer.status == 200:
            assert content["title"] == title
            self.made[key] = content["incidentNumber"]
            self.pending.pop(key, None)


def test_in_all_weather_what_was_read_is_served_and_what_was_asked_happens_once(
    tmp_path: Path,
) -> None:
    print(f"\nSOAK_SEED={SEED}")  # noqa: T201
    chance = random.Random(SEED)
    files = {"monitors.yaml": json.dumps(MONITORS).encode()}
    with EmbeddedGitHub(tmp_path / "github", chance=random.Random(SEED)) as github:
        github.create_repository(REPOSITORY, files=files)
        settings = {
            "GITHUB_API_URL": github.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GH_TOKEN": github.tokens["owner"],
            "EMBEDDED_GITHUB": "never",
            "FRESH_SECONDS": "1",
            "STALE_SECONDS": "3",
        }
        server = Server("one", tmp_path / "one", settings)
        server.start()
        assert server.ready(seconds=30), server.log.read_text()[-2_000:]
        clients = Clients(server, chance)
        owner = Person(github.url, github.tokens["owner"])
        stopping = threading.Event()

        refused_by_hand: list[int] = []

        def maintain() -> None:
            """A maintainer who is refused tries again another time."""
            if numbers := list(clients.made.values()):
                where = f"/issues/{chance.choice(numbers)}"
                try:
                    answers = [
                        owner.ask("PATCH", where, {"title": f"Storm of {chance.random()}"}),
                        owner.ask("POST", f"{where}/comments", {"body": "noted"}),
                    ]
                    refused_by_hand.extend(e.status_code for e in answers if e.status_code == 403)
                except OSError:
                    pass

        workers = [
            *(Worker(clients.read, 0.02, stopping) for _ in range(READERS)),
            *(Worker(clients.write, 5.0, stopping) for _ in range(WRITERS)),
            Worker(maintain, 4.0, stopping),
        ]
        for worker in workers:
            worker.start()
        for weather in ("fair", "outage", "fair", "throttled", "fair"):
            github.faults.clear()
            github.faults.add("write_limits")
            github.faults.add("error", status=502, rate=0.02)
            github.faults.add("latency", seconds=1.0, rate=0.05)
            if weather == "outage":
                github.faults.add("outage")
            if weather == "throttled":
                github.faults.add("secondary_limit", retry_after=RETRY_AFTER)
            time.sleep(SECONDS)
        stopping.set()
        for worker in workers:
            worker.join(60)
            assert not worker.is_alive()
            assert worker.failure is None, worker.failure
        github.faults.clear()
        give_up_at = time.monotonic() + SETTLED_SECONDS
        while clients.pending and time.monotonic() < give_up_at:
            for key in list(clients.pending):
                clients.repeat(key)
            time.sleep(2)
        assert not clients.pending
        time.sleep(4)  # beyond stale: the next read asks
        refused = sum(line.status in {403, 429} for line in list(github.requests))
        issues = owner.do("GET", "/issues?state=all&per_page=100")
        assert sorted(each["number"] for each in issues) == sorted(clients.made.values())
        for each in issues:
            status, said = server.ask("GET", f"/api/incident/{each['number']}", seconds=30)
            assert (status, said["title"]) == (200, each["title"])
            status, comments = server.ask("GET", f"/api/incident/{each['number']}/comment")
            texts = owner.do("GET", f"/issues/{each['number']}/comments")
            assert [c["body"] for c in comments] == [c["body"] for c in texts]
        for search in ("state=open", "title_like=storm"):
            status, found = server.ask("GET", f"/api/incident?{search}&per_page=100", seconds=30)
            assert {e["incidentNumber"]: e["title"] for e in found} == {
                e["number"]: e["title"] for e in issues
            }
        server.stop()
    told = refused - len(refused_by_hand)
    print(f"  {clients.outcomes}, {len(issues)} incidents, {told} refusals")  # noqa: T201
    assert told <= 2 * (SECONDS / RETRY_AFTER + 1) + IN_FLIGHT, "what GitHub says is obeyed"
    assert not clients.broken, clients.broken[:5]
