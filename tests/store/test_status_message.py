"""What a person reads in the status branch's log."""

from __future__ import annotations

import pytest

from github_store.monitor import Status
from github_store.sample import Sample
from github_store.status_message import board_message
from tests.store.status_tree import StatusTree

UP, DOWN, DEGRADED = Status.UP, Status.DOWN, Status.DEGRADED
TODAY = 20_000  # 2024-10-04
MIDNIGHT = TODAY * 1_440


def at(minute: int, tag: str, status: Status) -> Sample:
    return Sample(tag, MIDNIGHT + minute, status, 0)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        pytest.param([at(6, "earth", UP)], "No status changed · 1 sample [skip ci]", id="steady"),
        pytest.param([at(6, "earth", DOWN), at(6, "moon", UP), at(7, "moon", UP)],
                     "earth DOWN, moon UP · 3 samples [skip ci]", id="two"),
        pytest.param([at(6, "earth", DEGRADED), at(6, "mars", UP), at(6, "venus", DOWN)],
                     "venus DOWN, earth DEGRADED, mars UP · 3 samples [skip ci]", id="worst first"),
        pytest.param([at(4, "earth", DOWN)], "No status changed · 1 sample [skip ci]",
                     id="a late one"),
        pytest.param([at(6, f"m{i}", UP) for i in range(6)],
                     "m0 UP, m1 UP, m2 UP, m3 UP, m4 UP, m5 UP · 6 samples [skip ci]", id="six"),
        pytest.param([at(6, f"m{i:02}", UP) for i in range(17)],
                     "m00 UP, m01 UP, m02 UP, m03 UP, m04 UP and 12 more · 17 samples [skip ci]",
                     id="many"),
        pytest.param([at(1_440, "earth", UP)],
                     "No status changed, 2024-10-04 ended · 1 sample [skip ci]", id="a new day"),
        pytest.param([at(1_440, "earth", DOWN)],
                     "earth DOWN, 2024-10-04 ended · 1 sample [skip ci]", id="down at midnight"),
    ],
)  # fmt: skip
def test_the_message_of_a_board_says_what_changed(samples: list[Sample], message: str) -> None:
    tree = StatusTree()
    tree.flush([at(5, "earth", UP), at(5, "moon", DOWN)], today=TODAY)
    before = tree.board()
    tree.flush(samples, today=TODAY)
    assert board_message(before, tree.board(), samples=len(samples)) == message


def test_the_first_message_speaks_of_no_ended_day() -> None:
    tree = StatusTree()
    before = tree.board(TODAY - 1)
    tree.flush([at(5, "earth", UP)], today=TODAY)
    assert board_message(before, tree.board(), samples=1) == "earth UP · 1 sample [skip ci]"
