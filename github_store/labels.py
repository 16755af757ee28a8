"""GitHub label names: the ones that mean something here, and how GitHub compares them.

GitHub keeps a label's spelling but treats names that differ only in case as one label, so every
comparison goes through ``label_key``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MAX_LABEL_LENGTH: Final = 50
MAX_DESCRIPTION_LENGTH: Final = 100

INCIDENT_LABEL: Final = "incident"
DOWN_LABEL: Final = "incident-down"
DEGRADED_LABEL: Final = "incident-degraded"
MAINTENANCE_LABEL: Final = "maintenance"
IDENTIFIED_LABEL: Final = "identified"
RESOLVED_LABEL: Final = "resolved"
MANUAL_LABEL: Final = "manual"
AUTO_LABEL: Final = "auto"


def label_key(name: str) -> str:
    """What two spellings of one label have in common."""
    return name.casefold()


def label_keys(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(label_key, names))


@dataclass(frozen=True, slots=True)
class LabelStyle:
    """How a label is created: ``color`` is six hex digits without ``#``, as GitHub takes it."""

    name: str
    color: str
    description: str


OWN_LABELS: Final = (
    LabelStyle(INCIDENT_LABEL, "5319e7", "An incident on the status page"),
    LabelStyle(DOWN_LABEL, "b60205", "Incident: the tagged monitors are down"),
    LabelStyle(DEGRADED_LABEL, "fbca04", "Incident: the tagged monitors are degraded"),
    LabelStyle(MAINTENANCE_LABEL, "0075ca", "Incident: planned maintenance"),
    LabelStyle(IDENTIFIED_LABEL, "d4a72c", "Incident: the cause is known"),
    LabelStyle(RESOLVED_LABEL, "0e8a16", "Incident: solved"),
    LabelStyle(MANUAL_LABEL, "bfd4f2", "Incident opened by a person or an API client"),
    LabelStyle(AUTO_LABEL, "c5def5", "Incident opened by a program from monitor status"),
)

OWN_LABEL_KEYS: Final = label_keys(style.name for style in OWN_LABELS)
