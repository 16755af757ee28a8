"""What is given and most likely does something else than was meant: read before it fails open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from app.env_file import EnvFile
from app.settings import SETTING_NAMES, Settings
from github_store import Finding, Grade, similar_name

PROTECTING: Final = ("API_IP", "API_IP_REGEX", "TRUSTED_PROXIES", "GITHUB_WEBHOOK_SECRET")
"""Settings without which more is allowed."""


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
    if settings.api_ip is None and settings.api_ip_regex and settings.api_ip_regex.search(""):
        found = "it is found even in an empty text, so in every address: it protects nothing"
        yield _warning("API_IP_REGEX", found, "is a | at its begin or end left over?")
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


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)


def _warning(subject: str, found: str, remedy: str) -> Finding:
    return Finding(Grade.WARN, subject, found, remedy)
