"""``kener-issues doctor``: looks at everything the service needs, and says what to do; writes
nothing to the repository."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
import urllib.parse
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.credentials import api_tokens, credential_of
from app.deployment import check_real_repository, uses_embedded_github
from app.serving import EMBEDDED_REPOSITORY, embedded_github
from app.settings import Settings
from app.tokens import SHORTEST
from app.visible_text import visible_text
from github_store import (
    ConfigurationError,
    Credential,
    Finding,
    Grade,
    TokenCredential,
    check_up,
    damages_below,
    open_to_others,
)

LEAST_SPACE: Final = 100_000_000
"""Bytes: what is held on disk, the journal, and room for a busy day."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class _Target:
    repository: str
    credential: Credential
    api_url: str


def examine(settings: Settings, warnings: Iterable[Finding] = ()) -> list[Finding]:
    """Everything found, configuration first, with the ``warnings`` about how it was written.

    Raises ConfigurationError where it cannot begin.
    """
    is_embedded = uses_embedded_github(settings)
    if not is_embedded:
        check_real_repository(settings)
    findings = [*warnings, *local_findings(settings)]
    if is_embedded and not (settings.data_dir / "embedded.json").exists():
        nothing = "the embedded GitHub has not run yet: kener-issues serve makes it"
        return [*findings, Finding(Grade.OK, "GitHub", nothing)]
    with ExitStack() as parts:
        target = _embedded(settings, parts) if is_embedded else _real(settings)
        found = asyncio.run(
            check_up(
                repository_name=target.repository,
                credential=target.credential,
                api_url=target.api_url,
                monitors_path=settings.monitors,
                status_branch=settings.status_branch,
                trusted_authors=settings.trusted_authors,
                data_dir=settings.data_dir,
                server_name="embedded" if is_embedded else None,
                clock=time.time,
            )
        )
    return [*findings, *found]


def local_findings(settings: Settings) -> list[Finding]:
    """What the settings and this machine tell by themselves."""
    findings = [_data_dir(settings.data_dir)]
    for damage in damages_below(settings.data_dir):
        grade = Grade.WARN if damage.missing == 0 else Grade.FAIL
        findings.append(Finding(grade, "journal", str(damage)))
    for name in api_tokens(settings).short:
        found = f"a token has fewer than {SHORTEST} characters"
        findings.append(Finding(Grade.WARN, name, found, "choose a longer one"))
    url = urllib.parse.urlsplit(settings.github_api_url)
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        remedy = "set it to an address with https"
        found = "the token for GitHub travels unencrypted"
        findings.append(Finding(Grade.WARN, "GITHUB_API_URL", found, remedy))
    if settings.github_webhook_secret is None and not uses_embedded_github(settings):
        found = "it is not set: edits on GitHub show after seconds, not at once"
        remedy = "set up a webhook, see the README"
        findings.append(Finding(Grade.WARN, "GITHUB_WEBHOOK_SECRET", found, remedy))
    return findings


def report(findings: Sequence[Finding]) -> str:
    """One line each: grade, what, what to do."""
    width = max(len(finding.subject) for finding in findings)
    return "\n".join(
        f"{finding.grade:<4}  {finding.subject:<{width}}  "
        + _one_line(f"{finding.found}: {finding.remedy}" if finding.remedy else finding.found)
        for finding in findings
    )


def exit_code(findings: Sequence[Finding]) -> int:
    return int(any(finding.grade is Grade.FAIL for finding in findings))


def _data_dir(path: Path) -> Finding:
    subject = "DATA_DIR"
    there = next((each for each in (path, *path.absolute().parents) if each.exists()), path)
    if not there.is_dir() or not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        remedy = "let this user write there, or set DATA_DIR to another"
        return Finding(Grade.FAIL, subject, f"{path} cannot be written", remedy)
    free = shutil.disk_usage(there).free
    if free < LEAST_SPACE:
        remedy = "make room: a full disk refuses status pushes"
        return Finding(Grade.WARN, subject, f"{free // 1_000_000} MB free", remedy)
    if path.exists() and (problem := open_to_others(path)):
        remedy = (
            "it holds secrets: keep it where files have modes, as this user's (serve sets 0700)"
        )
        return Finding(Grade.WARN, subject, problem, remedy)
    return Finding(Grade.OK, subject, f"{path} can be written")


def _real(settings: Settings) -> _Target:
    assert settings.github_repository is not None
    return _Target(settings.github_repository, credential_of(settings), settings.github_api_url)


def _embedded(settings: Settings, parts: ExitStack) -> _Target:
    """The embedded GitHub: started for this, or the one of a service that is running."""
    name = settings.github_repository or EMBEDDED_REPOSITORY
    try:
        github = parts.enter_context(
            embedded_github(settings.data_dir, port=settings.embedded_github_port)
        )
        return _Target(name, TokenCredential(github.tokens["owner"]), github.url)
    except ConfigurationError as error:
        try:
            noted = json.loads((settings.data_dir / "embedded.json").read_text())
            return _Target(name, TokenCredential(noted["tokens"]["owner"]), noted["api_url"])
        except (OSError, ValueError, KeyError):
            raise error from None


def _one_line(text: str) -> str:
    return visible_text(" ".join(text.split()))
