"""Lines that anybody can cause: one a minute of each kind, which tells how many were left out."""

from __future__ import annotations

import logging

import pytest

from github_store.recurring_lines import MOST_KINDS, QUIET_SECONDS, RecurringLines

LOG = logging.getLogger("tests.recurring_lines")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines(clock: Clock) -> RecurringLines:
    return RecurringLines(LOG, timer=clock)


Said = pytest.LogCaptureFixture


@pytest.fixture
def said(caplog: Said) -> Said:
    caplog.set_level(logging.WARNING, LOG.name)
    return caplog


def test_the_first_of_a_kind_is_written_as_it_is(lines: RecurringLines, said: Said) -> None:
    lines.warning("search", "search is out (%s)", "403")
    assert said.messages == ["search is out (403)"]
    assert said.records[0].filename == "test_recurring_lines.py"


def test_the_next_one_comes_after_a_minute_and_counts_those_before(
    lines: RecurringLines, clock: Clock, said: Said
) -> None:
    for number in range(1_000):
        lines.warning("search", "search is out (%d)", number)
    clock.now += QUIET_SECONDS - 1
    lines.warning("search", "search is out (%d)", 1_000)
    clock.now += 1
    lines.warning("search", "search is out (%d)", 1_001)
    assert said.messages == [
        "search is out (0)",
        "search is out (1001) [and 1000 like it since the last line]",
    ]


def test_after_quiet_times_nothing_was_left_out(
    lines: RecurringLines, clock: Clock, said: Said
) -> None:
    for _ in range(3):
        lines.warning("search", "search is out")
        clock.now += QUIET_SECONDS
    assert said.messages == ["search is out"] * 3


def test_kinds_do_not_keep_each_other_quiet(lines: RecurringLines, said: Said) -> None:
    for kind in ("a", "b", "a", "c", "b"):
        lines.warning(kind, "%s", kind)
    assert said.messages == ["a", "b", "c"]


def test_kinds_without_end_share_one(lines: RecurringLines, said: Said) -> None:
    for number in range(3 * MOST_KINDS):
        lines.warning(f"kind {number}", "again")
    assert len(said.records) == MOST_KINDS + 1
