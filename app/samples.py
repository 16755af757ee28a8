"""What a first start on the embedded GitHub shows: monitors, 90 days of status, some incidents."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from github_store import Impact, IncidentFields, Monitors, SearchFilter, Status, Store

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
PAST_MINUTES: Final = 90 * 24 * 60
SAMPLE_TAGS: Final = ("google-search", "website", "database")


def sample_monitors() -> bytes:
    """The ``monitors.yaml`` that goes into the repository."""
    return files("app").joinpath("assets/sample-monitors.yaml").read_bytes()


@dataclass(frozen=True, slots=True)
class SampleIncident:
    """An incident and its comments, and what it did to the monitors' minutes while it lasted."""

    fields: IncidentFields
    comments: tuple[str, ...] = ()


def sample_incidents(*, now: int) -> tuple[SampleIncident, ...]:
    """Oldest first: one that is over, a maintenance to come, one that lasts. Pure."""
    minute = now // MINUTE * MINUTE
    return (
        SampleIncident(
            IncidentFields(
                title="Website did not answer",
                body="Every request ended in an error page.\n\n- from all regions\n- on all pages",
                tags=("website",),
                start_datetime=minute - 9 * DAY,
                end_datetime=minute - 9 * DAY + 47 * MINUTE,
                impact=Impact.DOWN,
                is_identified=True,
                is_resolved=True,
            ),
            (
                "We see it too and are looking for the cause.",
                "A certificate had run out. A new one is in place.",
                "All is well since half an hour; its renewal is now **watched**.",
            ),
        ),
        SampleIncident(
            IncidentFields(
                title="New disks for the database",
                body="Orders can be read at all times, and placed again after a few minutes.",
                tags=("database",),
                start_datetime=minute + 3 * DAY,
                end_datetime=minute + 3 * DAY + 2 * HOUR,
                is_maintenance=True,
            ),
            ("The new disks have arrived; the date stands.",),
        ),
        SampleIncident(
            IncidentFields(
                title="Database answers slowly",
                body="Answers take up to ten seconds.",
                tags=("database",),
                start_datetime=minute - 40 * MINUTE,
                impact=Impact.DEGRADED,
                is_identified=True,
            ),
            ("One of three data centres is being taken out.",),
        ),
    )


def sample_past(
    tag: str, incidents: tuple[SampleIncident, ...], *, now: int, minutes: int = PAST_MINUTES
) -> Iterator[tuple[int, Status, float]]:
    """Each of so many minutes as (its first second, status, latency in seconds). Pure.

    Mostly up, with a short failure now and then, and what the incidents did.
    """
    chance = random.Random(tag)  # noqa: S311 - the same past for everybody, not a secret
    minute = now // MINUTE
    failures: set[int] = set()
    for _ in range(30):
        first = chance.randrange(minute - minutes, minute - 60)
        failures.update(range(first, first + chance.randrange(1, 6)))
    spans = [
        (fields.start_datetime or now, fields.end_datetime or now, Status(fields.impact))
        for fields in (incident.fields for incident in incidents)
        if tag in fields.tags and fields.impact is not None
    ]
    for each in range(minute - minutes, minute + 1):
        second = each * MINUTE
        status = Status.DOWN if each in failures else Status.UP
        for start, end, impact in spans:
            if start <= second <= end:
                status = impact
        yield second, status, round(chance.uniform(0.05, 0.4), 3)


async def write_samples(store: Store, *, now: int, minutes: int = PAST_MINUTES) -> None:
    """Write the samples that fit the store's monitors; ``now`` is seconds since 1970,
    and the past goes back so many ``minutes``.

    What an earlier call with the same ``now`` has written before it was cut off stays as it is.
    """
    incidents = tuple(
        incident
        for incident in sample_incidents(now=now)
        if _are_known(incident.fields.tags, store.monitors)
    )
    for tag in filter(store.monitors.get, SAMPLE_TAGS):
        await store.statuses.commit(tag, sample_past(tag, incidents, now=now, minutes=minutes))
    standing = {
        incident.title: incident.number
        for incident in await store.incidents.search(SearchFilter(), page=1, per_page=100)
    }
    for incident in incidents:
        number = standing.get(incident.fields.title)
        if number is None:
            number = (await store.incidents.create(incident.fields)).number
        said = {comment.body for comment in await store.incidents.comments(number)}
        for comment in incident.comments:
            if comment not in said:
                await store.incidents.add_comment(number, comment)


def _are_known(tags: tuple[str, ...], monitors: Monitors) -> bool:
    return all(monitors.get(tag) is not None for tag in tags)
