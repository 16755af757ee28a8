"""No part goes beyond the end of a request, however the bytes come, and none is lost."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.no_request import MOST_HEAD_BYTES, TOO_LARGE, TOO_MUCH_FRAMING
from app.request_parts import RequestParts

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
REQUESTS = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    HEAD + b"Content-Length: 0\r\n\r\n",
    HEAD + b"Content-Length: 9\r\n\r\n\r\n\r\n\r\n\r\n!",
    HEAD + b"Content-Length: 5\r\n\r\nabc\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n8\r\n\r\n\r\n\r\n\r\n\r\n0;a=b\r\nA: b\r\n\r\n",
)


class Reader:
    """Parses as a connection does, and tells how many requests ended with each part."""

    def __init__(self) -> None:
        self.parts = RequestParts()
        self.parser = httptools.HttpRequestParser(self)
        self.length = self.ended = self.framing = 0
        self.given = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == b"Content-Length":
            self.length = int(value)

    def on_headers_complete(self) -> None:
        self.parts.end_head(length=self.length)
        self.length = 0

    def on_body(self, body: bytes) -> None:
        self.parts.count_body(len(body))

    def on_message_complete(self) -> None:
        self.ended += 1

    def read(self, data: bytes) -> None:
        at = 0
        while at < len(data) and not self.parts.problem:
            part = self.parts.cut(data, at)
            assert part
            before = self.ended
            self.parser.feed_data(part)
            self.given += part
            at += len(part)
            assert self.ended <= before + 1
            if self.ended > before:
                self.parts.begin()
            else:
                self.parts.go_on()


@given(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=6), st.data())
def test_each_part_ends_one_request_at_most(requests: list[bytes], data: st.DataObject) -> None:
    sent, reader, at = b"".join(requests), Reader(), 0
    while at < len(sent):
        size = data.draw(st.integers(1, len(sent)))
        reader.read(sent[at : at + size])
        at += size
    assert reader.given == sent
    assert reader.ended == len(requests)


@pytest.mark.parametrize("size", [1, 7, 1_000, 1_000_000])
def test_a_head_is_given_up_to_one_byte_more_than_is_taken(size: int) -> None:
    reader, head = Reader(), b"GET / HTTP/1.1\r\nA: " + b"b" * 100_000
    for at in range(0, len(head), size):
        reader.read(head[at : at + size])
    assert reader.parts.problem is TOO_LARGE
    assert len(reader.given) == MOST_HEAD_BYTES + 1


def test_small_chunks_of_a_large_body_are_taken() -> None:
    reader = Reader()
    reader.read(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 100_000)
    assert reader.parts.problem is None


@pytest.mark.parametrize("rest", [b"1;", b"0\r\nA: "], ids=["an extension", "a trailer"])
def test_what_surrounds_chunks_is_not_taken_without_end(rest: bytes) -> None:
    reader = Reader()
    reader.read(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + rest + b"a" * MOST_HEAD_BYTES)
    assert reader.parts.problem is TOO_MUCH_FRAMING


def test_the_start_of_a_head_is_known_when_it_ends() -> None:
    starts = []

    class Telling(Reader):
        def on_headers_complete(self) -> None:
            starts.append(self.parts.start)
            super().on_headers_complete()

    reader = Telling()
    for number in range(len(REQUESTS[1])):
        reader.read(REQUESTS[1][number : number + 1])
    reader.read(REQUESTS[0])
    assert [start.lstrip().partition(b"\r\n")[0] for start in starts] == [b"GET / HTTP/1.1"] * 2
