"""What is taken further of a head, and which heads are not taken."""

from __future__ import annotations

import pytest

from app.no_request import BAD_CODING, BAD_HOST, BAD_TARGET, BAD_VERSION, NO_HTTP, Problem
from app.request_head import Head, Header, read_head

HOST = (b"host", b"x")


def read(line: str, *headers: Header) -> Head | Problem:
    return read_head(f"{line}\r\nrest".encode(), list(headers))


@pytest.mark.parametrize(
    ("line", "headers", "problem"),
    [
        ("GET / HTTP/1.1", [], BAD_HOST),
        ("GET http://x/ HTTP/1.1", [], BAD_HOST),
        ("GET / HTTP/1.1", [HOST, HOST], BAD_HOST),
        ("GET / HTTP/1.0", [HOST, HOST], BAD_HOST),
        ("GET / HTTP/1.0", [(b"host", b"x y")], BAD_HOST),
        ("GET / HTTP/2.0", [HOST], BAD_VERSION),
        ("GET / RTSP/1.0", [HOST], BAD_VERSION),
        ("GET /", [HOST], NO_HTTP),
        ("GET  / HTTP/1.1", [HOST], NO_HTTP),
        ("\nGET / HTTP/1.1", [HOST], NO_HTTP),
        ("GET /#a HTTP/1.1", [HOST], BAD_TARGET),
        ("GET * HTTP/1.1", [HOST], BAD_TARGET),
        ("GET mailto:x HTTP/1.1", [HOST], BAD_TARGET),
        ("GET http://x,y/ HTTP/1.1", [HOST], BAD_TARGET),
        ("CONNECT / HTTP/1.1", [HOST], BAD_TARGET),
        ("POST / HTTP/1.1", [HOST, (b"transfer-encoding", b"gzip, chunked")], BAD_CODING),
        ("POST / HTTP/1.0", [(b"transfer-encoding", b"chunked")], BAD_CODING),
    ],
)
def test_what_is_not_taken_is_named(line: str, headers: list[Header], problem: Problem) -> None:
    assert read(line, *headers) is problem


@pytest.mark.parametrize(
    ("line", "target", "host"),
    [
        ("GET /a?b HTTP/1.1", b"/a?b", b"x"),
        ("OPTIONS * HTTP/1.1", b"*", b"x"),
        ("GET http://y:1/a?b HTTP/1.1", b"/a?b", b"y:1"),
        ("GET http://y HTTP/1.1", b"/", b"y"),
        ("GET HTTP://[::1]?/ HTTP/1.1", b"/?/", b"[::1]"),
        ("\r\n\r\nGET /a HTTP/1.1", b"/a", b"x"),
    ],
)
def test_the_target_is_a_path_and_its_host_the_one_that_counts(
    line: str, target: bytes, host: bytes
) -> None:
    head = read(line, (b"a", b"b"), HOST)
    assert isinstance(head, Head)
    assert (head.target, dict(head.headers)[b"host"]) == (target, host)
    assert len(head.headers) == 2


@pytest.mark.parametrize(
    ("header", "has_body", "length"),
    [
        ((b"content-length", b"7 "), True, 7),
        ((b"content-length", b"0"), False, 0),
        ((b"transfer-encoding", b"Chunked "), True, 0),
        ((b"a", b"b"), False, 0),
    ],
)
def test_whether_a_body_follows_is_known(header: Header, has_body: bool, length: int) -> None:
    head = read("POST / HTTP/1.1", HOST, header)
    assert isinstance(head, Head)
    assert (head.has_body, head.length) == (has_body, length)


@pytest.mark.parametrize(("version", "expects"), [("1.1", True), ("1.0", False)])
def test_nobody_of_version_1_0_expects_to_be_told_to_go_on(version: str, expects: bool) -> None:
    head = read(f"POST / HTTP/{version}", HOST, (b"expect", b"100-Continue"))
    assert isinstance(head, Head)
    assert head.expects_continue is expects
