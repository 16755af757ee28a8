"""Whatever GitHub answers instead of what was recorded, an operation ends well or in an outage.

Each recorded answer is spoilt in one place: a field left out or of another kind, a page instead of
JSON, nothing at all. ``MALFORMED_EVERY=1`` tries every place with every replacement, which takes
half an hour; otherwise a share of them is tried, another one for each operation.
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
import traceback
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from github_store.checkup import check_up
from github_store.embedded import EmbeddedGitHub
from github_store.errors import StoreError
from github_store.finding import Finding
from github_store.gateway import TokenCredential
from github_store.requester import Request, Requester
from tests.github_person import Person
from tests.wire.operations import (
    CASSETTES,
    HOST,
    OPERATIONS,
    REPOSITORY,
    Arrangement,
    run_opening,
    run_operation,
)

AT = Arrangement.load(CASSETTES)
BY_NAME = {operation.name: operation for operation in OPERATIONS}
NAMES = ("open", *BY_NAME)
EVERY = int(os.environ.get("MALFORMED_EVERY", "0"))
TRIED = 12
"""Spoilt answers for each operation."""

HOOK = {
    "name": "web",
    "events": ["issues"],
    "config": {"url": "https://status.example/webhooks/github", "content_type": "json"},
}
GONE: Any = object()
REPLACEMENTS: tuple[Any, ...] = (
    *(GONE, None, True, 0, -1, 1.9, 10**30, 1e300, float("inf"), "", "text", "\ud800", "1" * 5_000),
    *([], [None], [1], {}, {"a": None}, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
)
BODIES = ("", "null", "[]", "{}", "1", '"text"', "<!DOCTYPE html>", "[" * 9_000, "[[]]", "[null]")

Place = tuple[str | int, ...]
Told = tuple[int, Mapping[str, str], str]


def recorded(name: str) -> dict[tuple[str, str], list[Told]]:
    tape = yaml.load((CASSETTES / f"{name}.yaml").read_text(), Loader=yaml.CSafeLoader)
    told: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for each in tape["interactions"]:
        request, response = each["request"], each["response"]
        url = urlsplit(request["uri"])
        headers = {key.lower(): values[0] for key, values in response["headers"].items()}
        text = response["body"]["string"] or ""
        told[request["method"], url.path].append((response["status"]["code"], headers, text))
    return told


def places_in(data: Any, at: Place = ()) -> Iterator[Place]:
    items = data.items() if isinstance(data, dict) else enumerate(data[:2])
    for key, value in items if isinstance(data, dict | list) else ():
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from places_in(value, (*at, key))


def spoilt(text: str, place: Place, replacement: Any) -> str:
    data = copy.deepcopy(json.loads(text))
    *above, last = place
    inner = data
    for key in above:
        inner = inner[key]
    if replacement is GONE:
        del inner[last]
    else:
        inner[last] = replacement
    return json.dumps(data)


def spoilings(told: Mapping[tuple[str, str], list[Told]]) -> Iterator[tuple[Any, int, str, str]]:
    """Which request's answer, the how manieth, what instead, and what that is called."""
    for key, answers in told.items():
        for number, (_status, _headers, text) in enumerate(answers):
            for body in BODIES:
                yield key, number, body, f"{body[:20]!r}"
            if text:
                for place in places_in(json.loads(text)):
                    for replacement in REPLACEMENTS:
                        shown = "gone" if replacement is GONE else repr(replacement)[:30]
                        yield key, number, spoilt(text, place, replacement), f"{place} {shown}"


class Replay:
    """In the place of ``Requester.ask``; a request once more than recorded is answered as last."""

    def __init__(
        self, told: Mapping[tuple[str, str], list[Told]], key: Any, number: int, body: str
    ) -> None:
        self._told = {each: list(answers) for each, answers in told.items()}
        status, headers, _ = self._told[key][number]
        self._told[key][number] = status, headers, body

    def ask(self, request: Request) -> Told:
        answers = self._told.get((request.method, urlsplit(request.path).path))
        if not answers:
            return 404, {}, '{"message": "Not Found"}'
        return answers.pop(0) if len(answers) > 1 else answers[0]


def outcome(name: str, replay: Replay, patch: pytest.MonkeyPatch) -> BaseException | None:
    """How it ended; an operation's own assertions about what it read do not matter here."""
    common: Any = {"url": HOST, "token": "none", "repository": REPOSITORY, "observe": _ignored}
    patch.setattr(Requester, "ask", lambda _self, request: replay.ask(request))
    run = (
        run_operation(BY_NAME[name], AT, **common) if name in BY_NAME else run_opening(AT, **common)
    )
    try:
        asyncio.run(run)
    except StoreError as error:
        return error
    except (AssertionError, TypeError) as error:  # None < 1 in an operation's own lines
        where = traceback.extract_tb(error.__traceback__)[-1].filename
        return None if where.endswith("operations.py") else error
    except Exception as error:
        return error
    return None


def _ignored(_exchange: object) -> None:
    return None


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_spoilt_in_any_place_is_never_a_fault_of_our_own(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    told = recorded(name)
    every = list(spoilings(told))
    step = EVERY or max(1, len(every) // TRIED)
    for key, number, body, what in islice(every, NAMES.index(name) % step, None, step):
        ended = outcome(name, Replay(told, key, number, body), monkeypatch)
        assert ended is None or isinstance(ended, StoreError), (
            f"{' '.join(key)}, {what}: " + "".join(traceback.format_exception(ended))[-3_000:]
        )
        assert "\n" not in str(ended or "")
        faults = [each for each in caplog.records if each.name == "asyncio" or each.exc_info]
        assert not faults, f"{' '.join(key)}, {what}: {faults[0].getMessage()}"


def seen_by_the_doctor(github: EmbeddedGitHub) -> dict[tuple[str, str], list[Told]]:
    """What a check-up of a repository with a webhook and a committed status is answered."""
    told: dict[tuple[str, str], list[Told]] = defaultdict(list)
    ask = Requester.ask

    def noting(requester: Requester, request: Request) -> Told:
        answer = ask(requester, request)
        told[request.method, urlsplit(request.path).path].append(answer)
        return answer

    Person(github.url, github.tokens["owner"]).do("POST", "/hooks", HOOK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Requester, "ask", noting)
        asyncio.run(examined(github.url, github.tokens["owner"]))
    return told


async def examined(url: str, token: str) -> list[Finding]:
    return await check_up(
        repository_name="owner/status", credential=TokenCredential(token), api_url=url,
        monitors_path="monitors.yaml", status_branch="main", clock=lambda: float(AT.recorded_at),
    )  # fmt: skip


def test_the_doctor_finds_a_spoilt_answer_and_does_not_fall_over_it(
    github: EmbeddedGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = seen_by_the_doctor(github)
    every = list(spoilings(told))
    assert len(told) > 8
    for key, number, body, what in islice(every, 0, None, EVERY or len(every) // TRIED):
        replay = Replay(told, key, number, body)
        monkeypatch.setattr(Requester, "ask", lambda _self, asked, replay=replay: replay.ask(asked))
        try:
            assert asyncio.run(examined(HOST, "none"))
        except Exception as error:
            raise AssertionError(f"{' '.join(key)}, {what}: {error!r}") from error
