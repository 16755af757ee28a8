"""What is given and most likely does something else than was meant: read before it fails open."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from app.env_file import EnvFile
from app.settings import SETTING_NAMES, Settings
from github_store import Finding, Grade

PROTECTING: Final = ("API_IP", "API_IP_REGEX", "TRUSTED_PROXIES", "GITHUB_WEBHOOK_SECRET")
"""Settings without which more is allowed."""
_DECORATION: Final = re.compile(r"[^a-z0-9]")


def setting_warnings(
    settings: Settings, environ: Mapping[str, str], in_file: EnvFile, *, file: str
) -> Iterator[Finding]:
    """A warning for each name that is misspelt, given twice, or given and empty. Pure.

    ``settings`` are those in force, ``file`` is what ``in_file`` is called.
    """
    for name in PROTECTING:
        is_given = name in environ or name in in_file.values
        if is_given and SETTING_NAMES[name] not in settings.model_fields_set:
            yield _warning(name, "it is given and empty: it protects nothing", "set or remove it")
    for name, lines in in_file.lines.items():
        if name in SETTING_NAMES and len(lines) > 1:
            found = (
                f"{file} has it on the lines {', '.join(map(str, lines))}; the last value counts"
            )
            yield _warning(name, found, "remove the others")
    for name in sorted(environ.keys() | in_file.values.keys()):
        if meant := similar_name(name, SETTING_NAMES):
            where = f" ({file}, line {in_file.lines[name][0]})" if name in in_file.lines else ""
            yield _warning(_shown(name), f"it is no setting{where}", f"is {meant} meant?")


def similar_name(name: str, names: Collection[str]) -> str | None:
    """The one of ``names`` that is one edit from ``name``, whatever the case and the signs."""
    if name in names:
        return None
    plain = _plain(name)
    return next((each for each in names if is_one_edit(plain, _plain(each))), None)


def is_one_edit(one: str, other: str) -> bool:
    """Whether at most one letter is missing, too many, another, or swapped with the next."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, other_rest = one[start:], other[start:]
    return (
        rest[1:] == other_rest[1:]
        or rest[1:] == other_rest
        or rest == other_rest[1:]
        or (rest[1::-1] + rest[2:] == other_rest and len(rest) > 1)
    )


def _plain(name: str) -> str:
    return _DECORATION.sub("", unicodedata.normalize("NFKC", name).casefold())


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)


def _warning(subject: str, found: str, remedy: str) -> Finding:
    return Finding(Grade.WARN, subject, found, remedy)
