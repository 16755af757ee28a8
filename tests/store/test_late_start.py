"""What a start put off: tried again until it is done, and told where it goes wrong."""

from __future__ import annotations

import asyncio
import logging

import pytest

from github_store.errors import ConfigurationError, GitHubUnavailable
from github_store.late_start import LateStart


class Tries:
    """Ends each try with the next of ``outcomes``: an error, or what it returns."""

    def __init__(self, *outcomes: Exception | str | None) -> None:
        self._outcomes = list(outcomes)
        self.pauses: list[float] = []
        self.seen: list[str | None] = []
        self.late_start = LateStart(self._catch_up, jitter=lambda: 0.5, sleep=self._sleep)

    async def _catch_up(self) -> str | None:
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seen.append(self.late_start.problem)
        await asyncio.sleep(0)

    def run(self) -> LateStart:
        async def all_of_it() -> None:
            self.late_start.start()
            assert self.late_start.is_pending
            assert self.late_start._running is not None
            await self.late_start._running

        asyncio.run(all_of_it())
        return self.late_start


def test_it_waits_longer_each_time_until_github_answers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    tries = Tries(*[GitHubUnavailable("out")] * 8, None)
    late_start = tries.run()
    assert [each.message for each in caplog.records] == ["GitHub answers: the start is complete"]
    assert tries.pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert not late_start.is_pending
    assert late_start.problem is None


def test_what_github_says_against_the_settings_is_told_once_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong = ConfigurationError("GH_TOKEN: Bad credentials")
    tries = Tries(GitHubUnavailable("out"), wrong, wrong, None)
    with caplog.at_level(logging.INFO):
        late_start = tries.run()
    assert tries.seen == [None, None, str(wrong), str(wrong)]
    assert tries.pauses == [1, 2, 60, 60]
    assert caplog.text.count("GH_TOKEN: Bad credentials") == 1
    assert late_start.problem is None, "mended"
    assert "the start is complete" in caplog.text


def test_what_a_person_has_to_do_stays_told_and_no_line_says_the_start_is_complete(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        late_start = Tries(GitHubUnavailable("out"), "restart the service").run()
    assert [each.message for each in caplog.records] == [
        "GitHub answers, and the start is not complete: restart the service"
    ]
    assert not late_start.is_pending
    assert late_start.problem == "restart the service"


def test_a_fault_of_its_own_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    late_start = Tries(RuntimeError("a bug"), None).run()
    assert not late_start.is_pending
    assert "a bug" in caplog.text


def test_it_ends_with_the_service() -> None:
    async def run() -> None:
        late_start = LateStart(lambda: asyncio.sleep(0, None), jitter=lambda: 0.0)
        await late_start.close()
        late_start.start()
        await late_start.close()
        assert late_start.is_pending

    asyncio.run(run())
