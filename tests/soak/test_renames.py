"""Monitors renamed live, by commits to monitors.yaml, and labels by hand, under load: a service
answers at once as one does that starts now.

``make soak`` runs it; RENAMES=100 for more of them.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from github_store.embedded import EmbeddedGitHub
from tests.app.test_every_answer_is_a_fresh_process_answer import Entry, names, push_monitors
from tests.github_person import Person
from tests.soak.clients import Worker, call
from tests.soak.server import Server

REPOSITORY = "owner/status"
SECRET = "a secret of the renames"
RENAMES = int(os.environ.get("RENAMES", "12"))
SINCE = (60, 3_600, 200_000, 7_776_000)
LABELS = {"incident", "incident-down", "incident-degraded", "resolved", "identified"}
TAKEN_WITHIN_SECONDS = 10.0


def service(github: EmbeddedGitHub, name: str, directory: Path) -> Server:
    return Server(
        name,
        directory,
        {
            "GITHUB_API_URL": github.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GH_TOKEN": github.tokens["owner"],
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "EMBEDDED_GITHUB": "never",
        },
    )


def answers(server: Server, tags: list[str]) -> dict[str, Any]:
    paths = [f"/api/status?tag={tag}&sinceLast={since}" for tag in tags for since in SINCE]
    paths += [f"/api/incident?tags={tag}&state={s}" for tag in tags for s in ("open", "closed")]
    paths += ["/api/incident", "/api/incident/1", "/api/incident/1/comment"]
    found = {path: call(server, "GET", path) for path in paths}
    return {path: (answer.status, answer.data) for path, answer in found.items()}


def renamed(monitors: list[Entry], number: int, chance: random.Random) -> None:
    """A new name, a former one again, two that change places, another spelling, or another rule."""
    entry, other = chance.sample(monitors, 2)
    match chance.randrange(5):
        case 0:
            entry.update(tag=f"name-{number}", aliases=[*entry["aliases"], entry["tag"]])
        case 1 if entry["aliases"]:
            former = entry["aliases"].pop()
            entry["aliases"].append(entry["tag"])
            entry["tag"] = former
        case 2:
            entry["tag"], other["tag"] = other["tag"], entry["tag"]
        case 3:
            entry["tag"] = entry["tag"].swapcase()
        case _:
            entry["includeDegradedInDowntime"] = not entry.get("includeDegradedInDowntime", False)
            entry["name"] = f"Name {number}"
    assert len({name.casefold() for each in monitors for name in names(each)}) >= len(monitors)


def edit_label(owner: Person, number: int, chance: random.Random) -> None:
    """One of the labels that mean something gets another name, or is deleted, or another is made
    under a name that was given up. The labels of incidents are renamed alone: deleted, they would
    leave nothing to compare."""
    there = {each["name"]: each["description"] for each in owner.do("GET", "/labels?per_page=100")}
    ours = [name for name, description in there.items() if "ncident" in (description or "")]
    name, is_free = chance.choice(ours), LABELS - there.keys()
    match chance.randrange(4):
        case 0 if is_free:
            body = {"name": chance.choice(sorted(is_free)), "color": "abcdef"}
            owner.do("POST", "/labels", body)
        case 1 if "on the status page" not in there[name]:
            owner.do("DELETE", f"/labels/{name}")
        case _:
            new_names = sorted({f"label-{number}", *is_free})
            owner.do("PATCH", f"/labels/{name}", {"new_name": chance.choice(new_names)})


def test_renamed_live_under_load_a_service_answers_as_a_fresh_one(tmp_path: Path) -> None:
    chance = random.Random(9)
    monitors: list[Entry] = [
        {"name": f"Monitor {number}", "tag": f"tag-{number}", "aliases": []} for number in range(4)
    ]
    text = json.dumps(monitors).encode()
    with EmbeddedGitHub(tmp_path / "github", search_limit=10**6) as github:
        github.create_repository(REPOSITORY, files={"monitors.yaml": text})
        owner = Person(github.url, github.tokens["owner"])
        running = service(github, "running", tmp_path / "running")
        hook = {"url": f"http://127.0.0.1:{running.port}/webhooks/github", "secret": SECRET}
        running.start()
        assert running.ready(seconds=20)
        hook["content_type"] = "json"
        owner.do("POST", "/hooks", {"name": "web", "events": ["*"], "config": hook})
        for tag in ("tag-0", "tag-2"):
            owner.open_issue(labels=["incident", "incident-down", tag], body="[start_datetime:1]")
        owner.do("PATCH", "/issues/1", {"state": "closed"})
        now = int(time.time())
        for (number, entry), ago in itertools.product(enumerate(monitors), range(0, 5_000, 160)):
            status = ("UP", "DEGRADED", "DOWN")[(ago // 160 + number) % 3]
            minute = now - 60 * ago
            body = {"tag": entry["tag"], "status": status, "latency": 7}
            call(running, "POST", "/api/status", {**body, "timestampInSeconds": minute})
        gate, stopping = threading.Lock(), threading.Event()

        def push() -> None:
            with gate:
                tag = chance.choice(monitors)["tag"]
                body = {"tag": tag, "status": chance.choice(("UP", "DOWN")), "latency": 7}
                answer = call(
                    running, "POST", "/api/status", {**body, "timestampInSeconds": int(time.time())}
                )
                assert answer.status == 200, answer

        def read() -> None:
            call(running, "GET", f"/api/status?tag={chance.choice(monitors)['tag']}")
            call(running, "GET", "/api/incident")

        workers = [Worker(push, 0.01, stopping), *(Worker(read, 0, stopping) for _ in range(2))]
        for worker in workers:
            worker.start()
        try:
            for number in range(RENAMES):
                time.sleep(chance.choice((0.0, 0.3)))
                with gate:
                    renamed(monitors, number, chance)
                    push_monitors(owner, monitors)
                    tags = sorted(each["tag"] for each in monitors)
                    until_taken(running, len(monitors), tags)
                    edit_label(owner, number, chance)
                    compare(github, running, tags, tmp_path / f"fresh-{number}")
        finally:
            stopping.set()
            for worker in workers:
                worker.join()
        assert [worker.failure for worker in workers] == [None] * len(workers)
        assert call(running, "GET", "/api/incident").data, "whatever its label is called"
        running.stop()


def until_taken(server: Server, most: int, tags: list[str]) -> None:
    give_up_at = time.monotonic() + TAKEN_WITHIN_SECONDS
    while time.monotonic() < give_up_at:
        found = [call(server, "GET", f"/api/status?tag={tag}").status for tag in tags]
        if found == [200] * most:
            return
        time.sleep(0.02)
    raise AssertionError(f"{tags} are not there {TAKEN_WITHIN_SECONDS} s after the commit")


def compare(github: EmbeddedGitHub, running: Server, tags: list[str], folder: Path) -> None:
    """With a process that starts on a copy of the journal, and nothing else of what is kept."""
    assert github.wait_for_hooks(5)
    fresh = service(github, folder.name, folder)
    shutil.copytree(
        running.directory / "data",
        folder / "data",
        ignore=shutil.ignore_patterns("answers.sqlite*", "blobs", "starts"),
    )
    fresh.start()
    try:
        assert fresh.ready(seconds=20), fresh.log.read_text()
        for _ in range(3):
            minute = int(time.time()) // 60
            said, told = answers(running, tags), answers(fresh, tags)
            if int(time.time()) // 60 == minute:
                break
        assert {path: (said[path], told[path]) for path in told if said[path] != told[path]} == {}
    finally:
        fresh.kill()
    shutil.rmtree(folder)
