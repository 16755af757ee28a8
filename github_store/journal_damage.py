"""Damage to the journal, as it is told: in the log, by ``/readyz``, ``/metrics`` and ``doctor``.

Each is a file beside the journal, ``journal-damage-<time>.json``: whoever has read and dealt with
it removes that file, and it is told no more.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from github_store.private_files import write_private_file
from github_store.set_aside import stamp

log = logging.getLogger(__name__)

PREFIX: Final = "journal-damage-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Times are seconds since 1970."""

    noticed_at: float
    problem: str
    """Which file, and what about it."""
    missing: int | None
    """Acknowledged samples that are lost; None where that cannot be told."""
    after: float | None
    """When the last whole sample before the first missing one was acknowledged."""
    before: float | None
    """When the first one after the last missing one was, or that one itself."""
    saved: int
    """Samples that were not committed yet and are whole."""
    kept_as: Sequence[str] = ()
    """Names of the damaged files, set aside."""

    @property
    def file_name(self) -> str:
        return f"{PREFIX}{stamp(self.noticed_at)}.json"

    def __str__(self) -> str:
        told = f"{self.problem}: {self._lost()}; {self.saved} waiting samples are whole and go on."
        if self.kept_as:
            told += f" Set aside, not deleted: {', '.join(self.kept_as)}."
        if self.missing != 0:
            told += (
                " What to do: push the missing minutes again where their source still knows them;"
                " or, to use a whole copy of the file, stop the service, put the copy in its place"
                " and remove journal.counter."
            )
        return f"{told} To end this notice, remove {self.file_name}"

    def _lost(self) -> str:
        bounds = [
            f"{word} {_time(at)}"
            for word, at in (("after", self.after), ("up to", self.before))
            if at
        ]
        within = f" (acknowledged {', '.join(bounds)})" if bounds else ""
        if self.missing is None:
            return f"whether acknowledged samples are missing cannot be told{within}"
        if not self.missing:
            return "no acknowledged sample is missing"
        samples = "sample is" if self.missing == 1 else "samples are"
        return f"{self.missing} acknowledged {samples} missing{within}"


def note(directory: Path, damage: Damage) -> None:
    """Have it told from now on. Raises OSError."""
    log.error("DATA_DIR: in %s, %s", directory, damage)
    write_private_file(directory / damage.file_name, json.dumps(asdict(damage), indent=2).encode())


def noted(directory: Path) -> tuple[Damage, ...]:
    """All that was noted and not removed, the oldest first. Never raises."""
    found = []
    for path in sorted(directory.glob(f"{PREFIX}*.json")):
        try:
            data = json.loads(path.read_bytes())
            damage = Damage(**{each.name: data[each.name] for each in fields(Damage)})
            damage = replace(damage, kept_as=tuple(damage.kept_as))
            assert isinstance(damage.noticed_at, int | float)
            str(damage)
        except (OSError, ValueError, KeyError, TypeError, AssertionError, OverflowError) as error:
            log.warning("DATA_DIR: the note %s cannot be read: %s", path, error)
        else:
            found.append(damage)
    return tuple(found)


def damages_below(data_dir: Path) -> tuple[Damage, ...]:
    """Those of all journals in DATA_DIR. Never raises."""
    return tuple(damage for path in sorted(data_dir.glob("*/")) for damage in noted(path))


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
