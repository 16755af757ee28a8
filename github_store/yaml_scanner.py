"""YAML's tokens, with tabs wherever YAML 1.2 has white space; ruamel.yaml takes them between
brackets alone.

A tab is no indentation: on a line that begins with one, nothing of block style can begin, only
what goes on (the rest of a text, a text or brackets as a value). Source: YAML 1.2.2, sections 6.1
and 6.7.
"""

from __future__ import annotations

import re
from typing import Any, Final

from ruamel.yaml.scanner import Scanner

_BREAK: Final = "\r\n\x85\u2028\u2029"
_END_OF_LINE: Final = f"\0{_BREAK}"
_BLOCK_HEADER: Final = re.compile(r"(?:([+-])([1-9])?|([1-9])([+-])?)?[ \t]*")


class TabScanner(Scanner):
    """Of a loader that is its own reader."""

    _tabbed_line = -1
    """The last line with a tab between tokens."""

    def need_more_tokens(self) -> bool:
        """As inherited, without looking for what cannot be found: it is asked for every token."""
        if self.tokens and not self.possible_simple_keys:
            return False
        return super().need_more_tokens()

    def scan_to_next_token(self) -> None:
        """Pass over white space, comments and line breaks."""
        reader = self.reader
        if reader.index == 0 and reader.peek() == "\ufeff":
            reader.forward()
        while True:
            self._skip_white()
            if reader.peek() == "#":
                while reader.peek() not in _END_OF_LINE:
                    reader.forward()
            if not self.scan_line_break():
                return
            if not self.flow_level:
                self.allow_simple_key = True

    def unwind_indent(self, column: int) -> None:
        """End what is indented further than ``column``, -1 for all."""
        if column < 0 or self._tabbed_line != self.reader.line:
            super().unwind_indent(column)

    def scan_plain_spaces(self, indent: int, start_mark: Any) -> list[str]:  # noqa: ARG002
        """White space in or after a plain text; nothing where the text cannot go on after it."""
        reader = self.reader
        before = reader.pointer
        self._skip_white()
        white = reader.buffer[before : reader.pointer]
        line_break = self.scan_line_break()
        if not line_break:
            return [white] if white else []
        self.allow_simple_key = True
        breaks = []
        while True:
            if self.check_document_start() or self.check_document_end():
                return []
            while reader.peek() == " ":
                reader.forward()
            column = reader.column
            self._skip_white()
            if not (another := self.scan_line_break()):
                break
            self.allow_simple_key = True
            breaks.append(another)
        if not self.flow_level and column < indent:
            return []
        folded = [line_break] if line_break != "\n" else [] if breaks else [" "]
        return folded + breaks

    def scan_block_scalar_indicators(self, start_mark: Any) -> tuple[Any, Any]:  # noqa: ARG002
        """Behind ``|`` or ``>``: whether the last line breaks are kept, and the indentation."""
        header = _BLOCK_HEADER.match(self.reader.buffer, self.reader.pointer)
        assert header is not None
        self.reader.forward(len(header[0]))
        sign, indentation = header[1] or header[4], header[2] or header[3]
        return sign and sign == "+", indentation and int(indentation)

    def _skip_white(self) -> None:
        reader = self.reader
        while (char := reader.peek()) in " \t":
            if char == "\t" and not self.flow_level:
                self._tabbed_line = reader.line
                self.allow_simple_key = False
            reader.forward()
