"""Thousands of damages to the journal's files, at random; ``DAMAGE_TRIALS`` sets how many.

tests/store/test_journal_damage.py holds the rules, and a few of each kind.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path

from tests.store.journal_ruin import HARMS, NAMES, STATES, left, require_the_truth

TRIALS = int(os.environ.get("DAMAGE_TRIALS", "3000"))
SEED = os.environ.get("SOAK_SEED") or str(time.time_ns())


def test_whatever_happens_to_one_file_nothing_false_is_served_and_what_is_missing_is_told(
    tmp_path: Path,
) -> None:
    seen: Counter[str] = Counter()
    for number in range(TRIALS):
        trial = f"{SEED}-{number}"
        chance = random.Random(trial)
        state, harm, name = (chance.choice(each) for each in (list(STATES), HARMS, NAMES))
        directory = tmp_path / "journal"
        found = left(state)
        found.lay(directory)
        harm(directory / name, chance)
        try:
            damages = require_the_truth(directory, found)
        except Exception as error:
            raise AssertionError(f"trial {trial}: {harm.__name__} of {name}, {state}") from error
        shutil.rmtree(directory)
        missing = [damage.missing for damage in damages]
        seen["told, number unknown" if None in missing else f"{bool(damages)}"] += 1
        seen["samples missing"] += sum(each or 0 for each in missing)
    print(f"\n  SOAK_SEED={SEED} {dict(seen)}")  # noqa: T201
