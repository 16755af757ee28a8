"""Which heads of requests are taken: what RFC 9110 and 9112 demand beyond what the parser does.

Where two readers of the same bytes come to different ends, as a proxy and this service could, one
request hides in another's body. So what can be read in two ways is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.no_request import BAD_CODING, BAD_HOST, BAD_TARGET, BAD_VERSION, NO_HTTP, Problem

Header = tuple[bytes, bytes]

_ABSOLUTE: Final = re.compile(rb"https?://([^/?]+)(.*)", re.IGNORECASE)
_NAME: Final = rb"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\]"
_HOST: Final = re.compile(rb"(?:(?:%b)(?::[0-9]{0,5})?)?" % _NAME)
"""A name or an address, and perhaps a port; nothing at all is one too."""
_SPACES: Final = b" \t"
_WATCHED: Final = frozenset((b"host", b"transfer-encoding", b"content-length", b"expect"))


@dataclass(slots=True)
class Head:
    """What is taken further."""

    target: bytes
    """A path, perhaps with a query; or an asterisk."""
    headers: list[Header]
    """With the host that counts."""
    has_body: bool
    length: int
    """Of the body, 0 where it comes in chunks."""
    expects_continue: bool


def read_head(start: bytes, headers: list[Header]) -> Head | Problem:
    """``start`` is what came from the request line on; names of headers are in lower case, and
    what the parser knows of lengths and codings was checked by it."""
    while start.startswith(b"\r\n"):
        start = start[2:]
    words = start.partition(b"\r\n")[0].split(b" ")
    if len(words) != 3 or not words[0][:1].isalpha():  # the parser takes "\nGET" and "GET  /"
        return NO_HTTP
    method, target, version = words
    is_latest = version == b"HTTP/1.1"
    if not is_latest and version != b"HTTP/1.0":
        return BAD_VERSION
    hosts, codings, length, expectation = [], [], 0, b""
    for name, value in headers:
        if name not in _WATCHED:
            continue
        if name == b"host":
            hosts.append(value.strip(_SPACES))
        elif name == b"transfer-encoding":
            codings.append(value.strip(_SPACES).lower())
        elif name == b"content-length":
            length = int(value)
        else:
            expectation = value.strip(_SPACES).lower()
    if len(hosts) > 1 or not (_HOST.fullmatch(hosts[0]) if hosts else not is_latest):
        return BAD_HOST
    if codings and (not is_latest or codings != [b"chunked"]):
        return BAD_CODING
    if method == b"CONNECT" or b"#" in target:
        return BAD_TARGET
    if not target.startswith(b"/"):
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute and _HOST.fullmatch(absolute[1]):
            host, rest = absolute.groups()
            target = rest if rest.startswith(b"/") else b"/" + rest
            headers = [(b"host", host), *(each for each in headers if each[0] != b"host")]
        elif method != b"OPTIONS" or target != b"*":
            return BAD_TARGET
    expects_continue = is_latest and expectation == b"100-continue"
    return Head(target, headers, bool(codings or length), length, expects_continue)
