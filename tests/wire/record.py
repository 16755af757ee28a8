"""Record the cassettes anew: ``make record``.

Without settings from an embedded GitHub started for it. From any other GitHub-compatible server
with ``RECORD_URL`` (``https://api.github.com``), ``RECORD_TOKEN`` and ``RECORD_REPOSITORY``: an
empty scratch repository of yours, in which issues, labels and a branch ``status-data`` are made.
``RECORD_COLLABORATOR_TOKEN``, of somebody else with write access, is wanted for one cassette;
without it that one stays as it is.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person
from tests.wire.operations import (
    CASSETTES,
    FIELDS,
    MONITORS,
    OPERATIONS,
    REPOSITORY,
    Arrangement,
    run_opening,
    run_operation,
)
from tests.wire.recording import Source, cassette

EMBEDDED_AT = 1_790_000_000
"""The embedded GitHub's clock stands still, so that what is recorded again is the same."""


def arrange(owner: Person, collaborator: Person | None, *, at: int, source: str) -> Arrangement:
    """What the operations find: monitors, two incidents with comments, one by a collaborator."""
    content = base64.b64encode(MONITORS.encode()).decode()
    owner.do("PUT", "/contents/monitors.yaml", {"message": "Monitors", "content": content})
    body = f"{FIELDS.body} [start_datetime:1702405740] [end_datetime:1702405920]"
    labels = ["incident", "incident-down", "earth", "google-search", "identified", "manual"]
    numbers = [owner.open_issue(FIELDS.title, labels=labels, body=body) for _ in range(2)]
    for text in ("comment 1", "comment 2"):
        owner.do("POST", f"/issues/{numbers[0]}/comments", {"body": text})
    return Arrangement(
        recorded_from=source,
        recorded_at=at,
        own_login=owner.do("GET", "//user")["login"],
        incident=numbers[0],
        replaced=numbers[1],
        by_collaborator=collaborator.open_issue("By a collaborator") if collaborator else None,
    )


def record_from(
    url: str,
    repository: str,
    token: str,
    collaborator_token: str | None,
    *,
    folder: Path,
    at: int,
    source: str,
) -> list[str]:
    """Record every cassette into ``folder``; the names of those that were left out."""
    folder.mkdir(parents=True, exist_ok=True)
    owner = Person(url, token, repository)
    collaborator = Person(url, collaborator_token, repository) if collaborator_token else None
    arrangement = arrange(owner, collaborator, at=at, source=source)
    arrangement.save(folder)
    traffic = Source(url, repository)
    common = {"url": url, "token": token, "repository": repository, "observe": lambda _: None}
    with cassette(folder / "open.yaml", record=True, source=traffic):
        asyncio.run(run_opening(arrangement, **common))  # type: ignore[arg-type]
    left_out = []
    for operation in OPERATIONS:
        if operation.name == "get_incident_of_collaborator" and collaborator is None:
            left_out.append(operation.name)
            continue
        with cassette(folder / f"{operation.name}.yaml", record=True, source=traffic):
            asyncio.run(run_operation(operation, arrangement, **common))  # type: ignore[arg-type]
    return left_out


def record_from_embedded(folder: Path) -> list[str]:
    with (
        tempfile.TemporaryDirectory() as data,
        EmbeddedGitHub(Path(data), clock=lambda: float(EMBEDDED_AT)) as github,
    ):
        github.create_repository(REPOSITORY, files={"README.md": b"# Status\n"})
        return record_from(
            github.url,
            REPOSITORY,
            github.tokens["owner"],
            github.tokens["collaborator"],
            folder=folder,
            at=EMBEDDED_AT,
            source="the embedded GitHub",
        )


def main(environment: Mapping[str, str], folder: Path) -> int:
    url = environment.get("RECORD_URL")
    if not url:
        left_out = record_from_embedded(folder)
    else:
        token, repository = environment.get("RECORD_TOKEN"), environment.get("RECORD_REPOSITORY")
        if not token or not repository:
            sys.stderr.write("RECORD_URL wants RECORD_TOKEN and RECORD_REPOSITORY as well\n")
            return 2
        left_out = record_from(
            url.rstrip("/"),
            repository,
            token,
            environment.get("RECORD_COLLABORATOR_TOKEN"),
            folder=folder,
            at=int(time.time()),
            source=url,
        )
    for name in left_out:
        sys.stdout.write(f"left as it was, for want of a collaborator: {name}\n")
    sys.stdout.write(f"recorded into {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, CASSETTES))
