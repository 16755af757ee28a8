"""Cuts what arrives on a connection so that no part of it goes beyond the end of a request.

The parser goes on to the end of all it is given: of a thousand requests that came together it
would make a thousand tasks. Given one part after the other it can be stopped between two requests.
It is also not given more of a head, or of what surrounds the chunks of a body, than is taken.
"""

from __future__ import annotations

from typing import Final

from app.no_request import MOST_HEAD_BYTES, TOO_LARGE, TOO_MUCH_FRAMING, Problem

END: Final = b"\r\n\r\n"
"""Of a head, and of a chunked body. Within a body it cuts more often than is needed."""
FRAMING_SHARE: Final = 8
"""So many times the body may be taken by what surrounds its chunks, and MOST_HEAD_BYTES more."""


class RequestParts:
    """Of one connection. Each ``part`` is given to the parser; what that tells meanwhile is passed
    on to ``end_head`` and ``count_body``. Then ``go_on`` is called, or ``begin`` where the request
    ended."""

    __slots__ = ("_framing", "_length_left", "_line", "_tail", "head_bytes", "is_in_head", "part")

    def __init__(self) -> None:
        self.part = b""
        self.begin()

    def begin(self) -> None:
        """What comes next is another request's head."""
        self.is_in_head = True
        self.head_bytes = 0
        self._line = self._tail = b""
        self._framing = self._length_left = 0

    def end_head(self, *, length: int) -> None:
        """The current part ends the head; so many bytes of a body follow, 0 also for chunks."""
        self.is_in_head = False
        self._framing = -len(self.part)
        self._length_left = length + len(self.part) if length else 0

    def count_body(self, count: int) -> None:
        """The parser found so much of a body in the current part."""
        self._framing -= (1 + FRAMING_SHARE) * count

    @property
    def start(self) -> bytes:
        """What came from the request line on, as long as that was not whole with a part before."""
        return self._line + self.part

    @property
    def problem(self) -> Problem | None:
        """Why no more of the request is taken."""
        if self.is_in_head:
            return TOO_LARGE if self.head_bytes > MOST_HEAD_BYTES else None
        return TOO_MUCH_FRAMING if self._framing > MOST_HEAD_BYTES else None

    def cut(self, data: bytes, at: int) -> bytes:
        """The next part of ``data``, from there on."""
        end = self._end(data, at)
        self.part = data if end - at == len(data) else data[at:end]
        return self.part

    def go_on(self) -> None:
        """The part did not end the request."""
        count = len(self.part)
        if self._length_left:
            self._length_left -= count
            self._tail = b""
            return
        is_end = self.part.endswith(END)
        self._tail = b"" if is_end else (self._tail + self.part)[1 - len(END) :]
        if self.is_in_head:
            self.head_bytes += count
            if b"\r\n" not in self._line.lstrip(b"\r\n"):
                self._line += self.part
        else:
            self._framing += count

    def _end(self, data: bytes, at: int) -> int:
        if self._length_left:
            return min(at + self._length_left, len(data))
        most = len(data)
        if self.is_in_head:  # one byte more than is taken tells enough
            most = min(most, at + MOST_HEAD_BYTES + 1 - self.head_bytes)
        if self._tail:
            begun = (self._tail + data[at : at + len(END) - 1]).find(END)
            if begun >= 0:
                return min(most, at + begun + len(END) - len(self._tail))
        found = data.find(END, at, most)
        return most if found < 0 else found + len(END)
