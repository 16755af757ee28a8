"""The one table that everything measured stands in."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """``target`` is what the project promises, empty where it promises nothing."""

    what: str
    measured: str
    target: str = ""
    is_met: bool = True


def show(rows: Iterable[Row]) -> None:
    """Print the rows as they come."""
    sys.stdout.write(f"{'':<48}{'measured':>18}  {'target':<12}\n")
    for row in rows:
        verdict = "" if not row.target else "met" if row.is_met else "MISSED"
        sys.stdout.write(f"{row.what:<48}{row.measured:>18}  {row.target:<12}{verdict}\n")
        sys.stdout.flush()
