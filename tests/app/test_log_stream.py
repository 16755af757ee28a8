"""Lines are written in the order in which they were said; those of one turn together."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.log_stream import MOST_WAITING, logging_to
from app.redaction import HIDDEN, Redaction
from app.request_log import REQUESTS

requests, others = logging.getLogger(REQUESTS), logging.getLogger("somebody.else")


class Stream(io.StringIO):
    """Keeps every write apart; ``fails`` while the disk is full."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []
        self.fails = False

    def write(self, text: str) -> int:
        if self.fails:
            raise OSError("No space left on device")
        self.writes.append(text)
        return len(text)

    def words(self) -> list[list[str]]:
        """The last word of each line, by writes."""
        return [[line.split()[-1] for line in text.splitlines()] for text in self.writes]


@contextmanager
def logging_in(stream: Stream, redaction: Redaction | None = None) -> Iterator[None]:
    with logging_to(stream, log_format="text", redaction=redaction or Redaction()):
        yield


def written(say: Callable[[], None]) -> Stream:
    """What is written when this is said in one turn of a loop that goes on."""

    async def run() -> None:
        say()
        assert stream.writes == [] or stream.writes[-1].endswith("\n")
        await asyncio.sleep(0)

    stream = Stream()
    with logging_in(stream):
        asyncio.run(run())
        done = list(stream.writes)
    assert stream.writes == done, "nothing was left for the end"
    return stream


def test_the_lines_of_one_turn_are_written_together() -> None:
    stream = written(lambda: [requests.info(word) for word in ("a", "b", "c")] and None)
    assert stream.words() == [["a", "b", "c"]]


def test_any_other_line_is_written_at_once_after_what_waits() -> None:
    def say() -> None:
        requests.info("a")
        others.warning("b")
        requests.info("c")

    assert written(say).words() == [["a", "b"], ["c"]]


def test_no_more_than_some_lines_wait() -> None:
    stream = written(lambda: [requests.info("a") for _ in range(MOST_WAITING + 2)] and None)
    assert [len(words) for words in stream.words()] == [MOST_WAITING + 1, 1]


def test_where_no_loop_runs_a_line_is_written_at_once() -> None:
    stream = Stream()
    with logging_in(stream):
        requests.info("a")
        assert stream.words() == [["a"]]


def test_what_waits_at_the_end_is_written() -> None:
    async def run() -> None:
        requests.info("a")

    stream = Stream()
    with logging_in(stream):
        asyncio.run(run())
    assert [word for words in stream.words() for word in words] == ["a"]


def test_no_secret_is_written_in_any_of_them() -> None:
    def say() -> None:
        requests.info("a-secret-word")
        requests.info("a-secret-word")

    async def run() -> None:
        say()
        await asyncio.sleep(0)

    stream = Stream()
    with logging_in(stream, Redaction(["a-secret-word"])):
        asyncio.run(run())
    assert stream.words() == [[HIDDEN, HIDDEN]]


def test_a_stream_that_fails_disturbs_nobody_and_is_written_to_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)

    async def run() -> None:
        stream.fails = True
        requests.info("a")
        await asyncio.sleep(0)
        others.warning("b")
        stream.fails = False
        requests.info("c")
        await asyncio.sleep(0)

    stream = Stream()
    with logging_in(stream):
        asyncio.run(run())
    assert stream.words() == [["c"]]
