"""``kener-issues push``: samples from the command line or standard input, into one commit.

Each line of standard input is a JSON object, just as the body of ``POST /api/status``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from app import validation
from app.credentials import credential_of
from app.deployment import check_access_settings
from app.refusal import Refused
from app.request_body import parse_json
from app.settings import Settings
from github_store import ConfigurationError, Monitors, Sample, open_direct_push

_OPTION_OF: Final = {"timestampInSeconds": "timestamp"}
"""The options that are not called like the field they give."""


class InvalidSample(ConfigurationError):
    """What was given to push is wrong; nothing was pushed."""


@dataclass(frozen=True, slots=True)
class Options:
    """One sample as the command line gives it; None was left out."""

    tag: str | None
    status: str | None
    latency: float | None
    timestamp: int | None

    @property
    def are_given(self) -> bool:
        return any(each is not None for each in astuple(self))


async def push_samples(settings: Settings, given: Options | Iterable[bytes]) -> str:
    """Commit what the options, or the lines of standard input, describe; what happened, for a
    person.

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
        samples = samples_from(given, direct.monitors, now=time.time())
        if not samples:
            raise InvalidSample("there is nothing to push: standard input is empty")
        has_changed = await direct.write(samples)
    where = f"{settings.status_branch} of {settings.github_repository}"
    counted = "1 sample" if len(samples) == 1 else f"{len(samples)} samples"
    if not has_changed:
        return f"{counted}: already on {where}"
    last = samples[-1].minute * 60
    return f"success at {last}" if len(samples) == 1 else f"{counted} committed to {where}"


def samples_from(
    given: Options | Iterable[bytes], monitors: Monitors, *, now: float
) -> Sequence[Sample]:
    """Every sample, checked before any is pushed; blank lines are none.

    Raises InvalidSample, which names the option or the line that is wrong.
    """
    if isinstance(given, Options):
        return [_from_options(given, monitors, now=now)]
    samples = []
    for number, body in enumerate(given, start=1):
        if not body.strip():
            continue
        try:
            samples.append(_checked(parse_json(body.rstrip()), monitors, now=now))
        except Refused as refused:
            message = f"line {number}: {refused.error} ({refused.detail})"
            raise InvalidSample(message) from None
    return samples


def _from_options(options: Options, monitors: Monitors, *, now: float) -> Sample:
    body = {
        "tag": options.tag,
        "status": options.status,
        "latency": options.latency,
        "timestampInSeconds": options.timestamp,
    }
    try:
        return _checked(body, monitors, now=now)
    except Refused as refused:
        field, _, problem = refused.detail.partition(": ")
        raise InvalidSample(f"--{_OPTION_OF.get(field, field)}: {problem}") from None


def _checked(body: Any, monitors: Monitors, *, now: float) -> Sample:
    found = validation.sample(body, monitors, now=now)
    return Sample(found.tag, found.minute // 60, found.status, found.latency)
