"""The file ``.env``: every line is read, or refused by its number; a value is never shown."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dotenv.parser import Binding, parse_stream

from github_store import ConfigurationError

MULTILINE: Final = "GITHUB_APP_PRIVATE_KEY"
"""The only setting whose value may go over lines, in quotes."""
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""Two of them end a line for some readers, and not for this one."""
_ANOTHER: Final = re.compile(r"[\s;,](\w+)=")
_ASSIGNMENT: Final = re.compile(r"\s*(?:export\s+)?(\w+)\s*=")


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What stands in the file: of a name given more than once, the last value that is not empty."""

    values: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Where each name stands, counted from 1."""


def read_env_file(path: Path, *, names: Collection[str]) -> EnvFile:
    """The file, or nothing where there is none; ``names`` are those of the settings.

    Raises ConfigurationError, in one line, where it cannot be read or one of its lines is wrong.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        if not path.is_symlink():
            return EnvFile()
        problem = "it is a link to a file that is not there"
    except OSError as error:
        problem = error.strerror or "the system does not say why"
    except UnicodeDecodeError:
        problem = "it is not UTF-8"
    else:
        return parse_env(text, file=path.name, names=names)
    raise ConfigurationError(f"{path.name} cannot be read: {problem}")


def parse_env(text: str, *, file: str, names: Collection[str]) -> EnvFile:
    """Raises ConfigurationError, naming ``file`` and the first line that is wrong. Pure."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if no_text := _NO_TEXT.search(text):
        line = text.count("\n", 0, no_text.start()) + 1
        raise ConfigurationError(f"{file}, line {line}: it has a control character: no text file?")
    values: dict[str, str] = {}
    lines: defaultdict[str, tuple[int, ...]] = defaultdict(tuple)
    for binding in parse_stream(io.StringIO(text)):
        line, problem = _line_of(binding), _problem(binding, names)
        if problem:
            raise ConfigurationError(f"{file}, line {line}: {problem}")
        if binding.key is not None:
            lines[binding.key] += (line,)
            value = binding.value or ""
            values[binding.key] = value if value.strip() else values.get(binding.key, "")
    return EnvFile(values, dict(lines))


def _line_of(binding: Binding) -> int:
    """The line of its name: the parser counts from the blank lines before it."""
    written = binding.original.string
    blank = written[: len(written) - len(written.lstrip())]
    return binding.original.line + blank.count("\n")


def _problem(binding: Binding, names: Collection[str]) -> str | None:
    """Why it cannot be taken: a quote that is left open may end at the next one, lines below."""
    if binding.error:
        return "expected NAME=value, with both quotes or none"
    _, *others = binding.original.string.strip().split("\n")
    for other in others:
        swallowed = _ASSIGNMENT.match(other)
        if swallowed and swallowed[1] in names:
            return f"its quote does not end before {swallowed[1]}"
    for another in _ANOTHER.findall(binding.value or ""):
        if another in names and not others:
            return f"its value goes on with {another}=: one setting a line"
    if others and binding.key in names and binding.key != MULTILINE:
        return f"{binding.key}: expected a value on one line; is a quote left open?"
    return None
