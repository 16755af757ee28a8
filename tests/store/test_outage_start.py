"""A start while GitHub is down: what was read before is answered, pushes are kept, and GitHub's
return makes everything fresh and committed. Over real sockets."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import stat
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from github_store import (
    ConfigurationError,
    GitHubUnavailable,
    IncidentFields,
    SearchFilter,
    Status,
    Store,
    TokenCredential,
    open_store,
)
from github_store.embedded import EmbeddedGitHub
from github_store.start_memory import DIRECTORY
from tests.github_person import Person

MONITORS = b"[{name: Earth, tag: earth}, {name: Mars, tag: mars}]"
SEARCH = SearchFilter(tags=("earth",))
TITLES = SearchFilter(title_like="outage")


class GitHub:
    """An embedded GitHub that can be stopped and started again at the same address."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.running = EmbeddedGitHub(directory).start()
        self.url = self.running.url
        self.token = self.running.tokens["owner"]
        self.running.create_repository("owner/status", files={"monitors.yaml": MONITORS})

    def stop(self) -> None:
        self.running.stop()

    def start(self) -> None:
        self.running = EmbeddedGitHub(self._directory, port=int(self.url.rsplit(":", 1)[1])).start()

    @property
    def owner(self) -> Person:
        return Person(self.url, self.token)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[GitHub]:
    hub = GitHub(tmp_path / "github")
    yield hub
    hub.stop()


def run(
    hub: GitHub,
    data_dir: Path,
    steps: Callable[[Store], Awaitable[Any]],
    *,
    ahead_seconds: float = 0.0,
    **options: Any,
) -> Any:
    async def opened() -> Any:
        store = await open_store(
            repository_name="owner/status",
            credential=TokenCredential(options.pop("token", hub.token)),
            api_url=hub.url,
            data_dir=data_dir,
            clock=lambda: time.time() + ahead_seconds,
            jitter=lambda: 0.0,
            **options,
        )
        try:
            return await steps(store)
        finally:
            await store.close()

    return asyncio.run(opened())


async def everything(store: Store, number: int) -> dict[str, Any]:
    """All that is read in these tests, as the API shows it."""
    status = await store.statuses.current("earth", since_seconds=7_776_000)
    return {
        "incident": (await store.incidents.get(number)).to_json(),
        "comments": [each.to_json() for each in await store.incidents.comments(number)],
        "list": [e.to_json() for e in await store.incidents.search(SEARCH, page=1, per_page=10)],
        "titles": [e.to_json() for e in await store.incidents.search(TITLES, page=1, per_page=10)],
        "status": (status.status, status.last_updated_at),
    }


def before_the_outage(hub: GitHub, data_dir: Path) -> tuple[int, dict[str, Any]]:
    """A service that has an incident of a collaborator and a status, reads them, and stops."""
    hub.running.set_role("owner/status", "collaborator", "write")
    theirs = Person(hub.url, hub.running.tokens["collaborator"])
    number = theirs.open_issue("Outage", body="down [start_datetime:1702405740]")
    theirs.do("POST", f"/issues/{number}/comments", {"body": "we look into it"})

    async def steps(store: Store) -> dict[str, Any]:
        minute = int(time.time()) // 60 * 60
        await store.statuses.push("earth", status=Status.UP, latency=0.2, minute=minute)
        await store.statuses.flush()
        return await everything(store, number)

    return number, run(hub, data_dir, steps)


def test_what_was_written_after_a_list_was_read_is_in_it_after_a_restart_in_an_outage(
    hub: GitHub, tmp_path: Path
) -> None:
    number, _ = before_the_outage(hub, tmp_path)

    async def write(store: Store) -> dict[str, Any]:
        await everything(store, number)
        opened = await store.incidents.create(IncidentFields(title="New outage", tags=("earth",)))
        fields = IncidentFields(title="Renamed outage", tags=("mars",))
        await store.incidents.replace(number, fields)
        await store.incidents.add_comment(number, "It is better.")
        await store.incidents.add_comment(opened.number, "Oh.")
        return await everything(store, number)

    before = run(hub, tmp_path, write)
    assert [each["title"] for each in before["list"]] == ["New outage"]
    assert [each["body"] for each in before["comments"]] == ["we look into it", "It is better."]
    hub.stop()

    async def read(store: Store) -> dict[str, Any]:
        return await everything(store, number)

    assert run(hub, tmp_path, read) == before
    hub.start()
    assert run(hub, tmp_path, read) == before


@contextmanager
def down(hub: GitHub, how: str) -> Iterator[None]:
    if how == "stopped":
        hub.stop()
        yield
        hub.start()
    else:
        fault = hub.running.faults.add("outage")
        yield
        hub.running.faults.lift(fault)


async def until(condition: Callable[[], Any], timeout_seconds: float = 20.0) -> None:
    async with asyncio.timeout(timeout_seconds):
        while not condition():  # noqa: ASYNC110 - of another thread or process
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", ["stopped", "outage"])
def test_a_start_during_an_outage_answers_what_was_read_and_catches_up_afterwards(
    hub: GitHub, tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    number, read = before_the_outage(hub, tmp_path / "data")
    assert read["comments"]
    assert read["list"] == read["titles"] == [read["incident"]]
    minute = int(time.time()) // 60 * 60

    async def steps(store: Store) -> None:
        assert store.late_start is not None
        assert store.late_start.is_pending
        assert store.statuses.health.is_board_held
        assert await everything(store, number) == read
        await store.statuses.push("mars", status=Status.DOWN, latency=1.0, minute=minute)
        found = await store.statuses.current("mars", since_seconds=86_400)
        assert found.status == "DOWN"
        for unread in (
            store.incidents.get(number + 1),
            store.incidents.create(IncidentFields(title="New", tags=("earth",))),
        ):
            with pytest.raises(GitHubUnavailable):
                await unread
        await asyncio.to_thread(came_back.__exit__, None, None, None)
        await until(lambda: not store.late_start.is_pending)  # type: ignore[union-attr]
        await asyncio.to_thread(hub.owner.do, "PATCH", f"/issues/{number}", {"title": "Edited"})
        await store.statuses.flush()
        store.held.expire()
        assert (await store.incidents.get(number)).title == "Edited"

    came_back = down(hub, how)
    came_back.__enter__()
    with caplog.at_level(logging.INFO):
        run(hub, tmp_path / "data", steps)
    said = [r.message for r in caplog.records if "the start waits for GitHub" in r.message]
    assert len(said) == 1
    board = hub.owner.do("GET", "/contents/status.json?ref=status-data")
    committed = json.loads(base64.b64decode(board["content"]))["monitors"]
    assert committed["mars"]["now"]["status"] == "DOWN"
    assert committed["earth"]["now"]["status"] == "UP"


def test_the_day_after_it_still_answers(hub: GitHub, tmp_path: Path) -> None:
    number, read = before_the_outage(hub, tmp_path / "data")
    with down(hub, "stopped"):

        async def steps(store: Store) -> None:
            assert await everything(store, number) == read

        run(hub, tmp_path / "data", steps, ahead_seconds=2 * 86_400.0)


def test_however_many_numbers_are_guessed_then_what_was_read_is_given(
    hub: GitHub, tmp_path: Path
) -> None:
    number, read = before_the_outage(hub, tmp_path / "data")

    async def steps(store: Store) -> None:
        for guess in range(1_000, 1_050):
            with pytest.raises(GitHubUnavailable):
                await store.incidents.get(guess)
        assert (await store.incidents.get(number)).to_json() == read["incident"]

    with down(hub, "stopped"):
        run(hub, tmp_path / "data", steps)


def test_a_start_that_knows_enough_does_not_wait_for_a_github_that_hangs(
    hub: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, expected = before_the_outage(hub, tmp_path / "data")
    monkeypatch.setattr("github_store.beginning.PATIENCE_SECONDS", 0.05)
    hub.running.faults.add("hang", seconds=2.5)
    begun_at = time.monotonic()

    async def steps(store: Store) -> None:
        assert time.monotonic() - begun_at < 2.5, "sooner than the first request ended"
        assert store.late_start
        assert store.late_start.is_pending
        hub.stop()
        assert (await store.incidents.get(number)).to_json() == expected["incident"]

    run(hub, tmp_path / "data", steps)


def test_after_a_week_nothing_is_shown_any_more(hub: GitHub, tmp_path: Path) -> None:
    number, _ = before_the_outage(hub, tmp_path / "data")
    with down(hub, "stopped"):

        async def steps(store: Store) -> None:
            with pytest.raises(GitHubUnavailable):
                await store.incidents.get(number)
            with pytest.raises(GitHubUnavailable):
                await store.statuses.current("earth", since_seconds=3_600)

        run(hub, tmp_path / "data", steps, ahead_seconds=8 * 86_400.0)


def test_a_first_start_needs_github(hub: GitHub, tmp_path: Path) -> None:
    with down(hub, "stopped"), pytest.raises(GitHubUnavailable):
        run(hub, tmp_path / "data", nothing)


async def nothing(store: Store) -> None:
    pass


@pytest.mark.parametrize(
    "answer", ["forbidden", "missing"], ids=["lost permission", "gone repository"]
)
def test_what_github_says_is_no_outage(hub: GitHub, tmp_path: Path, answer: Any) -> None:
    before_the_outage(hub, tmp_path / "data")
    hub.running.faults.add(answer)
    with pytest.raises(ConfigurationError):
        run(hub, tmp_path / "data", nothing)


def test_a_wrong_token_is_said_once_github_is_back(
    hub: GitHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    number, read = before_the_outage(hub, tmp_path / "data")
    outage = hub.running.faults.add("outage")
    wrong = "made-up-token-that-must-not-leak"

    async def steps(store: Store) -> None:
        assert await everything(store, number) == read
        hub.running.faults.lift(outage)
        assert store.late_start is not None
        await until(lambda: store.late_start.problem)  # type: ignore[union-attr]
        assert "GH_TOKEN" in str(store.late_start.problem)
        assert store.late_start.is_pending

    run(hub, tmp_path / "data", steps, token=wrong)
    assert "the start is not complete: GH_TOKEN" in caplog.text
    assert wrong not in caplog.text


def test_monitors_that_changed_meanwhile_are_taken_up(hub: GitHub, tmp_path: Path) -> None:
    before_the_outage(hub, tmp_path / "data")
    sha = hub.owner.do("GET", "/contents/monitors.yaml")["sha"]
    content = base64.b64encode(b"[{name: Earth, tag: earth}, {name: Venus, tag: venus}]").decode()
    change = {"message": "Venus", "content": content, "sha": sha}
    hub.owner.do("PUT", "/contents/monitors.yaml", change)
    outage = hub.running.faults.add("outage")

    async def steps(store: Store) -> None:
        assert store.monitors.tags == ("earth", "mars")
        hub.running.faults.lift(outage)
        assert store.late_start is not None
        await until(lambda: not store.late_start.is_pending)  # type: ignore[union-attr]
        assert store.monitors.tags == ("earth", "venus")
        assert store.late_start.problem is None

    run(hub, tmp_path / "data", steps)


def test_a_list_of_monitors_on_this_disk_goes_before_the_remembered_one(
    hub: GitHub, tmp_path: Path
) -> None:
    local = tmp_path / "monitors.yaml"
    local.write_bytes(MONITORS)
    run(hub, tmp_path / "data", nothing, monitors_path=str(local))
    local.write_bytes(b"[{name: Venus, tag: venus}]")

    async def steps(store: Store) -> None:
        assert store.monitors.tags == ("venus",)

    with down(hub, "stopped"):
        run(hub, tmp_path / "data", steps, monitors_path=str(local))
        local.unlink()
        with pytest.raises(GitHubUnavailable):
            run(hub, tmp_path / "data", steps, monitors_path=str(local))


def test_nothing_on_disk_holds_the_credential(hub: GitHub, tmp_path: Path) -> None:
    before_the_outage(hub, tmp_path / "data")
    files = [each for each in (tmp_path / "data").rglob("*") if each.is_file()]
    assert any(each.parent.name == DIRECTORY for each in files)
    for each in files:
        assert hub.token.encode() not in each.read_bytes()
        if each.suffix == ".json" and each.parent.name == DIRECTORY:
            assert stat.S_IMODE(each.stat().st_mode) == 0o600
