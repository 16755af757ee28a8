"""The exact wire traffic of every operation, and that it can be recorded anew from any GitHub."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from github_store.gateway import Exchange
from tests.wire.operations import (
    CASSETTES,
    HOST,
    OPERATIONS,
    REPOSITORY,
    Arrangement,
    Operation,
    run_opening,
    run_operation,
)
from tests.wire.record import main, record_from_embedded
from tests.wire.recording import SCRUBBED, cassette

AT = Arrangement.load(CASSETTES)
SECRETS = re.compile(r"embedded_[a-z]+_[0-9a-f]{8}|gh[pousr]_\w{20}|github_pat_\w{20}")


def requests_in(path: Path) -> list[tuple[str, str, Any]]:
    tape = yaml.safe_load(path.read_text())
    return [
        (
            each["request"]["method"],
            each["request"]["uri"],
            json.loads(each["request"]["body"]) if each["request"]["body"] else None,
        )
        for each in tape["interactions"]
    ]


def replay(name: str, operation: Operation | None = None) -> None:
    seen: list[Exchange] = []
    common = {"url": HOST, "token": "none", "repository": REPOSITORY, "observe": seen.append}
    path = CASSETTES / f"{name}.yaml"
    with cassette(path, record=False) as tape:
        if operation:
            asyncio.run(run_operation(operation, AT, **common))  # type: ignore[arg-type]
        else:
            asyncio.run(run_opening(AT, **common))  # type: ignore[arg-type]
        assert tape.all_played, "one request less than recorded"
    assert [each.method for each in seen] == [method for method, _, _ in requests_in(path)]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_sends_exactly_what_was_recorded(operation: Operation) -> None:
    replay(operation.name, operation)


def test_a_start_sends_exactly_what_was_recorded() -> None:
    replay("open")


def test_one_request_more_than_recorded_fails() -> None:
    twice = Operation("twice", OPERATIONS[1].steps, fresh_seconds=0)
    assert OPERATIONS[1].name == "get_incident"
    with pytest.raises(Exception, match="no recorded interaction matches"):
        replay("get_incident", twice)


def test_every_cassette_belongs_to_an_operation() -> None:
    names = {path.stem for path in CASSETTES.glob("*.yaml")}
    assert names == {"open"} | {operation.name for operation in OPERATIONS}


@pytest.mark.parametrize("path", sorted(CASSETTES.glob("*")), ids=lambda path: path.name)
def test_no_secret_and_no_address_of_a_machine_is_in_a_cassette(path: Path) -> None:
    text = path.read_text()
    assert not SECRETS.search(text)
    assert "127.0.0.1" not in text
    for found in re.findall(r"(?i)authorization:\s*-?\s*(.+)", text):
        assert found == SCRUBBED


def test_recording_anew_from_the_embedded_github_gives_the_same_requests(tmp_path: Path) -> None:
    assert record_from_embedded(tmp_path) == []
    assert Arrangement.load(tmp_path) == AT
    for path in sorted(CASSETTES.glob("*.yaml")):
        assert requests_in(tmp_path / path.name) == requests_in(path), path.name


def test_the_command_says_what_it_needs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main({"RECORD_URL": "http://127.0.0.1:1"}, tmp_path) == 2
    assert "RECORD_TOKEN" in capsys.readouterr().err
