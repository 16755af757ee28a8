"""``kener-issues push``: samples from the command line or standard input, into one commit.

Each line of standard input is a JSON object, just as the body of ``POST /api/status``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

from app import validation
from app.credentials import credential_of
from app.deployment import check_access_settings
from app.refusal import Refused
from app.request_body import parse_json
from app.settings import Settings
from github_store import ConfigurationError, Monitors, Sample, open_direct_push


class InvalidSample(ConfigurationError):
    """What was given to push is wrong; nothing was pushed."""


async def push_samples(settings: Settings, bodies: Iterable[bytes]) -> str:
    """Commit the samples that the bodies describe; what happened, for a person.

    Raises InvalidSample, another ConfigurationError, or StoreError where GitHub does not play
    along; nothing is committed then.
    """
    check_access_settings(settings)
    assert settings.github_repository is not None
    async with open_direct_push(
        repository_name=settings.github_repository,
        credential=credential_of(settings),
        api_url=settings.github_api_url,
        monitors_path=settings.monitors,
        status_branch=settings.status_branch,
        clock=time.time,
    ) as direct:
        samples = samples_from(bodies, direct.monitors, now=time.time())
        if not samples:
            raise InvalidSample("there is nothing to push: standard input is empty")
        has_changed = await direct.write(samples)
    where = f"{settings.status_branch} of {settings.github_repository}"
    counted = "1 sample" if len(samples) == 1 else f"{len(samples)} samples"
    if not has_changed:
        return f"{counted}: already on {where}"
    last = samples[-1].minute * 60
    return f"success at {last}" if len(samples) == 1 else f"{counted} committed to {where}"


def samples_from(bodies: Iterable[bytes], monitors: Monitors, *, now: float) -> Sequence[Sample]:
    """Every sample, checked before any is pushed; blank lines are none. Raises InvalidSample."""
    samples = []
    for number, body in enumerate(bodies, start=1):
        if not body.strip():
            continue
        try:
            found = validation.sample(parse_json(body), monitors, now=now)
        except Refused as refused:
            message = f"line {number}: {refused.error} ({refused.detail})"
            raise InvalidSample(message) from None
        samples.append(Sample(found.tag, found.minute // 60, found.status, found.latency))
    return samples


def body_of(
    tag: str | None, status: str | None, latency: float | None, timestamp: int | None
) -> bytes:
    """The options as a body; what was left out is left out."""
    body: dict[str, Any] = {
        "tag": tag, "status": status, "latency": latency, "timestampInSeconds": timestamp,
    }  # fmt: skip
    return json.dumps({name: value for name, value in body.items() if value is not None}).encode()
