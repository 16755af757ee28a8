"""What a person reads in the status branch's log."""

from __future__ import annotations

import pytest

from github_store.monitor import Status
from github_store.status_document import Sample, StatusDocument
from github_store.status_message import commit_message

UP, DOWN = Status.UP, Status.DOWN
BEFORE = StatusDocument().apply([Sample("earth", 5, UP, 0), Sample("moon", 5, DOWN, 0)])


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        pytest.param([Sample("earth", 6, UP, 0)], "No status changed · 1 sample [skip ci]",
                     id="steady"),
        pytest.param([Sample("earth", 6, DOWN, 0)], "earth DOWN · 1 sample [skip ci]", id="one"),
        pytest.param([Sample("moon", 6, UP, 0), Sample("earth", 6, DOWN, 0)],
                     "earth DOWN, moon UP · 2 samples [skip ci]", id="two"),
        pytest.param([Sample("mars", 1, UP, 0)], "mars UP · 1 sample [skip ci]", id="a new one"),
        pytest.param([Sample("earth", 4, DOWN, 0)], "No status changed · 1 sample [skip ci]",
                     id="a late one"),
        pytest.param([Sample(f"m{i}", 6, UP, 0) for i in range(6)],
                     "m0 UP, m1 UP, m2 UP, m3 UP, m4 UP, m5 UP · 6 samples [skip ci]", id="six"),
        pytest.param([Sample(f"m{i}", 6, UP, 0) for i in range(7)],
                     "m0 UP, m1 UP, m2 UP, m3 UP, m4 UP, 2 more · 7 samples [skip ci]", id="many"),
    ],
)  # fmt: skip
def test_the_message_says_whose_status_changed(samples: list[Sample], message: str) -> None:
    after = BEFORE.apply(samples)
    assert commit_message(BEFORE, after, samples=len(samples)) == message
