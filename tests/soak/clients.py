"""Who uses a service's API through a long day, and what the service owes them in return.

A connection may break while the process is down, and at no other time. What was read once is read
for ever; what was answered was done, and once; what was not answered is repeated until it is.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.soak.server import TOKEN, Server
from tests.soak.sky import Sky

ANSWER_SECONDS = 90.0
LONGEST_READ_SECONDS = 7.0
"""Of what was read before, whatever GitHub does: a reader's patience is 5 seconds, and some."""
KEPT_AFTER_SECONDS = 2.0
"""An answer is on the disk so long after it was read at the latest; until then ``kill -9`` takes
it along, as the product says."""
NOT_NOW = {502, 503, 504}
BEGAN = 1_702_405_740


class Cut(Exception):
    """The process is down: nobody answers."""


@dataclass(frozen=True)
class Answer:
    status: int
    data: Any
    headers: dict[str, str]
    seconds: float

    @property
    def cache(self) -> str:
        return self.headers.get("x-cache", "-")


def call(server: Server, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """Raises Cut while the server is down, and AssertionError for what must never happen."""
    begun_at = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=ANSWER_SECONDS)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **named}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        if server.was_down(begun_at, time.monotonic()):
            raise Cut from error
        raise AssertionError(
            f"{server.name}: {method} {path} while it was up: {error!r}"
        ) from error
    finally:
        connection.close()
    said = {name.lower(): value for name, value in answer.getheaders()}
    seconds = time.monotonic() - begun_at
    assert answer.status != 500, f"{server.name}: {method} {path}: {content[:300]!r}"
    return Answer(answer.status, json.loads(content), said, seconds)


class Worker(threading.Thread):
    """Repeats ``step`` until told to stop; what it raises is for the test's own thread."""

    def __init__(
        self, step: Callable[[], object], pause_seconds: float, stopping: threading.Event
    ) -> None:
        super().__init__(daemon=True)
        self._step, self._pause_seconds, self._stopping = step, pause_seconds, stopping
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    self._step()
                except Cut:
                    self._stopping.wait(0.2)
                self._stopping.wait(self._pause_seconds)
        except Exception as error:
            self.failure = error


@dataclass
class World:
    """What everybody knows of: the numbers of incidents there are, and of those deleted."""

    numbers: list[int] = field(default_factory=list)
    deleted: set[int] = field(default_factory=set)


SEARCHES = (
    "",
    "?state=closed",
    "?per_page=5&page=2",
    "?tags=earth",
    "?tags=earth,mars&state=closed&per_page=100",
    "?title_like=storm",
    "?title_like=beacon&per_page=100",
    "?created_after_utc=1702405740&per_page=20",
)


class Reader:
    """Reads one server's incidents, comments, searches and status. For one thread."""

    def __init__(
        self, server: Server, world: World, sky: Sky, tags: tuple[str, ...], chance: random.Random
    ) -> None:
        self._server, self._world, self._sky, self._chance = server, world, sky, chance
        self._statuses = [f"/api/status?tag={tag}" for tag in tags]
        self.read_before: dict[str, float] = {}
        self.broken: list[str] = []
        self.outcomes: Counter[tuple[str, int, str]] = Counter()
        self.seconds: dict[str, list[float]] = {}

    def forget_unkept(self, killed_at: float) -> None:
        """The server was killed then (monotonic): what was just read is not on its disk."""
        for place, at in list(self.read_before.items()):
            if at > killed_at - KEPT_AFTER_SECONDS:
                self.read_before.pop(place, None)

    def read(self) -> None:
        place, begun_at = self._place(), time.monotonic()
        part = self._sky.part
        known_since = self.read_before.get(place)
        answer = call(self._server, "GET", place)
        self.outcomes[part, answer.status, answer.cache] += 1
        was_killed = self._server.was_down(begun_at, time.monotonic())
        if known_since is not None and not was_killed:
            self.seconds.setdefault(part, []).append(answer.seconds)
            if answer.seconds > LONGEST_READ_SECONDS:
                self.broken.append(f"{part}: {place} took {answer.seconds:.1f} s")
        if answer.status == 200:
            self.read_before.setdefault(place, time.monotonic())
            return
        number = int(place.split("/")[3]) if place.startswith("/api/incident/") else 0
        is_gone = answer.status == 404 and number in self._world.deleted
        is_new = answer.status in NOT_NOW and place not in self.read_before
        if not (is_gone or is_new or was_killed):
            self.broken.append(f"{part}: {place}: {answer.status} {answer.cache} {answer.data}")

    def _place(self) -> str:
        kind = self._chance.random()
        if kind < 0.1:
            return self._chance.choice(self._statuses)
        if kind < 0.4 or not self._world.numbers:
            return "/api/incident" + self._chance.choice(SEARCHES)
        numbers = self._world.numbers
        few = numbers[-20:] if self._chance.random() < 0.7 else numbers
        one = f"/api/incident/{self._chance.choice(few)}"
        return one if self._chance.random() < 0.6 else f"{one}/comment"


@dataclass
class Owed:
    """A write that is to be repeated until it is answered."""

    method: str
    path: str
    body: dict[str, Any]


class Writer:
    """Opens incidents, comments on them and edits them through one server. For one thread.

    ``made`` and ``commented`` are the first answers to each key, ``state`` the fields that each
    incident of ours was given last; what has no answer yet is ``pending`` by key, or ``owed``.
    """

    def __init__(self, server: Server, world: World, sky: Sky, chance: random.Random) -> None:
        self._server, self._world, self._sky, self._chance = server, world, sky, chance
        self.pending: dict[str, Owed] = {}
        self.made: dict[str, dict[str, Any]] = {}
        self.commented: dict[str, tuple[int, dict[str, Any]]] = {}
        self.state: dict[int, dict[str, Any]] = {}
        self.owed: dict[int, Owed] = {}
        self.broken: list[str] = []
        self.outcomes: Counter[tuple[str, int]] = Counter()
        self.repeated = 0
        self.rush = 0
        """So many comments are to be written at once: more than GitHub lets anybody."""
        self._changed_in: dict[int, int] = {}
        """In which life of the server an incident's title was written last."""
        self._requests: dict[str, Owed] = {}
        self._count = 0

    # with a key ---------------------------------------------------------------------------------

    def write(self) -> None:
        """Something new under a key of its own, or what was answered once more; then what waits."""
        while self.rush and self.made:
            self.rush -= 1
            name = self._next()
            self.pending[name] = self._comment(name)
            self.send(name)
        name = self._next()
        if self._requests and self._chance.random() < 0.1:
            self.send(self._chance.choice(list(self._requests)))
        elif self.made and self._chance.random() < 0.5:
            self.pending[name] = self._comment(name)
        else:
            self.pending[name] = Owed("POST", "/api/incident", self._fields(f"Storm of {name}"))
        if name in self.pending:
            self.send(name)
        if self.pending:
            self.send(self._chance.choice(list(self.pending)))

    def _next(self) -> str:
        self._count += 1
        return f"{self._server.name} {self._count}"

    def _comment(self, name: str) -> Owed:
        number = self._chance.choice(list(self.made.values()))["incidentNumber"]
        return Owed("POST", f"/api/incident/{number}/comment", {"body": f"word {name}"})

    def send(self, key: str) -> None:
        """Once, or from two threads at the same time."""
        owed = self._requests[key] = self._requests.get(key) or self.pending[key]
        if self._chance.random() < 0.15:
            second = threading.Thread(target=self._send_quietly, args=(key, owed))
            second.start()
            try:
                self._send(key, owed)
            finally:
                second.join()
        else:
            self._send(key, owed)

    def _send_quietly(self, key: str, owed: Owed) -> None:
        try:
            self._send(key, owed)
        except Cut:
            pass
        except AssertionError as error:
            self.broken.append(str(error))

    def _send(self, key: str, owed: Owed) -> None:
        answer = call(self._server, owed.method, owed.path, owed.body, Idempotency_Key=key)
        self.outcomes[self._sky.part, answer.status] += 1
        if answer.status in NOT_NOW:
            if key not in self.pending:  # it was answered before, and kept
                self.broken.append(f"{key}: answered before, now {answer.status} {answer.data}")
            return
        if answer.status != 200:
            self.broken.append(f"{key}: {answer.status} {answer.data}")
            self.pending.pop(key, None)
            return
        if owed.path == "/api/incident":
            self._keep_incident(key, owed, answer.data)
        else:
            number = int(owed.path.split("/")[3])
            first = self.commented.setdefault(key, (number, answer.data))
            self._compare(key, first, (number, answer.data))
        self.pending.pop(key, None)

    def _keep_incident(self, key: str, owed: Owed, data: dict[str, Any]) -> None:
        first = self.made.setdefault(key, data)
        self._compare(key, first, data)
        if first is data:
            self._world.numbers.append(data["incidentNumber"])
            self.state[data["incidentNumber"]] = owed.body

    def _compare(self, key: str, first: object, again: object) -> None:
        if first != again:
            self.broken.append(f"{key}: first {first}, then {again}")
        if first is not again:
            self.repeated += 1

    # without ------------------------------------------------------------------------------------

    def edit(self) -> None:
        """PATCH or a status update of an incident without an end; then it reads what it wrote."""
        numbers = [number for number, state in self.state.items() if "endDatetime" not in state]
        if not numbers:
            return
        number = self._chance.choice(numbers)
        if number in self.owed:
            self.settle(number)
            return
        path = f"/api/incident/{number}"
        if self._chance.random() < 0.5:
            body = self._fields(f"Storm anew {self._next()}", may_end=False)
            owed = Owed("PATCH", path, body)
            condition = self._etag(path) if self._chance.random() < 0.3 else None
        else:
            names = self._chance.choice([["isIdentified"], ["isResolved"]])
            body = {name: self._chance.random() < 0.5 for name in names}
            owed, condition = Owed("POST", f"{path}/status", body), None
        self.owed[number] = owed
        self.settle(number, condition)

    def settle(self, number: int, condition: str | None = None) -> None:
        """Send what is owed of an incident; it stays owed where the answer leaves it open."""
        owed = self.owed[number]
        begun_at = time.monotonic()
        headers = {"If_Match": condition} if condition else {}
        answer = call(self._server, owed.method, owed.path, owed.body, **headers)
        self.outcomes[self._sky.part, answer.status] += 1
        if answer.status in NOT_NOW:
            return
        del self.owed[number]
        if answer.status == 412 and condition:
            return
        if answer.status != 200:
            self.broken.append(f"{owed}: {answer.status} {answer.data}")
            return
        before = {} if owed.method == "PATCH" else self.state[number]
        self.state[number] = {**before, **owed.body}
        if owed.method == "PATCH":
            self._changed_in[number] = self._server.starts
        self._look(number, answer.data, f"{owed} answers")
        self._read_own(number, owed, begun_at)

    def _read_own(self, number: int, owed: Owed, begun_at: float) -> None:
        """What was written is in the very next read, and in every list that may be had; after a
        restart there only once GitHub's own search shows it."""
        answer = call(self._server, "GET", f"/api/incident/{number}")
        was_killed = self._server.was_down(begun_at, time.monotonic())
        if answer.status == 200:
            if not was_killed:
                self._look(number, answer.data, f"{self._sky.part}: read after {owed}")
        elif not was_killed:
            self.broken.append(f"{self._sky.part}: {owed}, read: {answer.status} {answer.data}")
        listed = call(self._server, "GET", "/api/incident?title_like=storm&per_page=100")
        if listed.status == 200 and not self._server.was_down(begun_at, time.monotonic()):
            shown = [each for each in listed.data if each["incidentNumber"] == number]
            is_its_own = self._changed_in.get(number) == self._server.starts
            if shown and is_its_own:  # it may be beyond the page
                self._look(number, shown[0], f"{self._sky.part}: listed after {owed}")

    def _look(self, number: int, shown: dict[str, Any], where: str) -> None:
        state = self.state[number]
        wrong = {name: shown[name] for name, value in state.items() if shown[name] != value}
        if wrong:
            self.broken.append(f"{where}: {number} shows {wrong}, not {state}")

    def _etag(self, path: str) -> str | None:
        answer = call(self._server, "GET", path)
        return answer.headers.get("etag") if answer.status == 200 else None

    def _fields(self, title: str, *, may_end: bool = True) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "title": title,
            "body": f"text {self._chance.randrange(10**6)}",
            "tags": self._chance.choice([["earth"], ["mars"], ["earth", "mars"]]),
            "impact": self._chance.choice(["DOWN", "DEGRADED", None]),
            "isIdentified": self._chance.random() < 0.5,
            "startDatetime": BEGAN,
        }
        if may_end and self._chance.random() < 0.25:
            fields["endDatetime"] = int(time.time()) + self._chance.randint(5, 60)
        return fields
