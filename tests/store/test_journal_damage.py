"""A damaged journal starts, serves exactly what is whole, and says what is missing.

tests/soak/test_damage.py does the same thousands of times.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.store.journal_ruin import HARMS, NAMES, STATES, Harm, left, require_the_truth

TRIALS = 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_whatever_happens_to_one_file_nothing_false_is_served_and_what_is_missing_is_told(
    tmp_path: Path, harm: Harm, name: str
) -> None:
    for state in STATES:
        for number in range(TRIALS):
            chance = random.Random(f"{state} {number}")
            directory = tmp_path / f"{state}-{number}"
            found = left(state)
            found.lay(directory)
            harm(directory / name, chance)
            require_the_truth(directory, found)
