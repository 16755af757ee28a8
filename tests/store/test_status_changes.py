"""Samples and the committed files, against the naive model: a dictionary of minutes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.day_file_format import day_at, day_path, hour_at, hour_path, parse_hour
from github_store.day_minutes import LEGEND, MINUTES_OF_DAY, Counts, DayMinutes
from github_store.latency import shortest
from github_store.monitor import Monitor, Monitors, Status
from github_store.sample import Latest, Sample
from github_store.status_changes import files_needed
from github_store.tag_aliases import AliasMap
from tests.store.status_tree import NO_ALIASES, StatusTree

UP, DOWN, DEGRADED = Status.UP, Status.DOWN, Status.DEGRADED
TODAY = 20_000  # 2024-10-04
MIDNIGHT = TODAY * MINUTES_OF_DAY

Model = dict[tuple[str, int], tuple[Status, float]]


def sample(minute: int, status: Status = UP, *, tag: str = "earth", latency: float = 1) -> Sample:
    return Sample(tag, minute, status, latency)


def modelled(samples: Iterable[Sample], tags: AliasMap = NO_ALIASES) -> Model:
    return {(tags.of(s.tag), s.minute): (s.status, shortest(s.latency)) for s in samples}


def held(tree: StatusTree) -> Model:
    """Every minute that the files hold, and a failure where two of them hold the same one."""
    model: Model = {}
    board = tree.board()
    hours = [
        parse_hour(tree.files[path], name=path) for path in tree.files if hour_at(path) is not None
    ]
    latencies = {
        (tag, file.hour * 60 + minute): latency
        for file in hours
        for tag, own in file.latencies.items()
        for minute, latency in enumerate(own)
        if latency is not None
    }
    for tag, entry in board.entries.items():
        for minute, status in sampled(entry.minutes):
            at = tag, board.today * MINUTES_OF_DAY + minute
            model[at] = status, latencies.pop(at)
    assert not latencies, "latencies of minutes that are not today's"
    for day in filter(lambda day: day is not None, map(day_at, tree.files)):
        assert day is not None
        assert day < board.today
        for tag, record in tree.day(day).records.items():
            for minute, status in sampled(record.minutes):
                at = tag, day * MINUTES_OF_DAY + minute
                latency = record.latencies[minute]
                assert latency is not None
                model[at] = status, latency
    return model


def sampled(day: DayMinutes) -> list[tuple[int, Status]]:
    return [(at.start(), LEGEND[at[0].decode()]) for at in re.finditer(rb"[UGD]", day.letters)]


def check_board(tree: StatusTree, model: Mapping[tuple[str, int], tuple[Status, float]]) -> None:
    """That the board says of each monitor what follows from the minutes."""
    board = tree.board()
    assert board.entries.keys() == {tag for tag, _ in model}
    for tag, entry in board.entries.items():
        own = {minute: found for (name, minute), found in model.items() if name == tag}
        assert entry.known_since == min(own)
        assert entry.latest == Latest(max(own), *own[max(own)])
        for ago in range(1, 91):
            day = board.today - ago
            statuses = [s for minute, (s, _) in own.items() if minute // MINUTES_OF_DAY == day]
            assert entry.days.before(ago) == counted(statuses)
        assert len(entry.days.counts) <= 90


def counted(statuses: list[Status]) -> Counts:
    return Counts(statuses.count(UP), statuses.count(DEGRADED), statuses.count(DOWN))


days = st.one_of(st.integers(-3, 3), st.integers(-92, -88), st.integers(-100, 5))
minutes = st.one_of(
    st.integers(0, 3), st.integers(57, 63), st.integers(1_437, 1_439), st.integers(0, 1_439)
)
samples = st.builds(
    lambda tag, day, minute, status, latency: Sample(
        tag, (TODAY + day) * MINUTES_OF_DAY + minute, status, latency
    ),
    st.sampled_from(["earth", "moon"]),
    days,
    minutes,
    st.sampled_from(Status),
    st.sampled_from([0, 0.25, 3, 1e300]),
)
flushes = st.lists(
    st.tuples(
        st.lists(samples, max_size=8),
        st.one_of(st.integers(-2, 3), st.sampled_from([60, 91, 200])),
    ),
    max_size=6,
)


@given(flushes)
def test_every_minute_is_held_once_and_the_board_follows_from_them(
    batches: list[tuple[list[Sample], int]],
) -> None:
    tree, everything, today = StatusTree(), list[Sample](), 0
    for batch, day in batches:
        changes = tree.flush(batch, today=TODAY + day)
        everything += batch
        if tree.files:
            today = max(today, TODAY + day, *(s.minute // MINUTES_OF_DAY for s in batch))
            assert tree.board().today == today
        if changes:
            check_board(tree, modelled(everything))
    assert held(tree) == modelled(everything)


@given(flushes, st.lists(samples, min_size=1, max_size=8), st.integers(-2, 3))
def test_the_same_samples_again_change_nothing(
    earlier: list[tuple[list[Sample], int]], batch: list[Sample], day: int
) -> None:
    tree = StatusTree()
    for each, at in earlier:
        tree.flush(each, today=TODAY + at)
    tree.flush(batch, today=TODAY + day)
    assert tree.flush(batch, today=TODAY + day) == {}


@given(st.lists(samples, max_size=12), st.data())
def test_two_commits_are_as_one_of_all_samples(batch: list[Sample], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(batch)))
    once, twice = StatusTree(), StatusTree()
    once.flush(batch, today=TODAY + 5)
    twice.flush(batch[:cut], today=TODAY + 5)
    twice.flush(batch[cut:], today=TODAY + 5)
    assert twice.files == once.files


@given(st.lists(st.tuples(st.integers(0, 1), samples, st.integers(0, 2)), max_size=16))
def test_two_writers_lose_nothing_and_whoever_commits_later_wins(
    events: list[tuple[int, Sample, int]],
) -> None:
    """A lost race is no more than applying what is pending to the newest files."""
    tree, pending, committed = StatusTree(), ([], []), list[Sample]()  # type: ignore[var-annotated]
    for writer, pushed, day in events:
        pending[writer].append(pushed)
        if day:  # this one commits, with all that it has not seen on the branch yet
            tree.flush(pending[writer], today=TODAY + day)
            committed += pending[writer]
            if day == 1:  # the answer came, otherwise they are all applied once more
                pending[writer].clear()
    assert held(tree) == modelled(committed) if committed else not tree.files


def test_nothing_is_written_where_nothing_is_new() -> None:
    assert StatusTree().flush([], today=TODAY) == {}


def test_a_steady_flush_writes_the_board_and_the_hour() -> None:
    tree = StatusTree()
    tree.flush([sample(MIDNIGHT + 60)], today=TODAY)
    tree.loaded.clear()
    changes = tree.flush([sample(MIDNIGHT + 61), sample(MIDNIGHT + 62)], today=TODAY)
    assert changes.keys() == {"status.json", "latency/2024-10-04T01.json"}
    assert tree.loaded == {"latency/2024-10-04T01.json"}


def test_a_day_that_ended_becomes_a_file_and_its_hours_go_in_the_same_commit() -> None:
    tree = StatusTree()
    tree.flush([sample(MIDNIGHT + 59), sample(MIDNIGHT + 60, DOWN)], today=TODAY)
    changes = tree.flush([sample(MIDNIGHT + MINUTES_OF_DAY)], today=TODAY + 1)
    assert {path: content is None for path, content in changes.items()} == {
        "status.json": False,
        "history/2024-10-04.json": False,
        "latency/2024-10-04T00.json": True,
        "latency/2024-10-04T01.json": True,
        "latency/2024-10-05T00.json": False,
    }
    assert tree.board().entries["earth"].days.text == "1/0/1"


def test_days_without_a_flush_are_days_without_samples() -> None:
    tree = StatusTree()
    tree.flush([sample(MIDNIGHT)], today=TODAY)
    tree.flush([sample(MIDNIGHT + 4 * MINUTES_OF_DAY)], today=TODAY + 4)
    assert tree.board().entries["earth"].days.text == "3x- 1"
    assert set(tree.files) == {
        "status.json", "history/2024-10-04.json", "latency/2024-10-08T00.json"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ago", "text"), [(1, "1"), (90, "89x- 1"), (91, ""), (400, "")], ids=lambda v: str(v)
)
def test_a_late_sample_changes_its_days_file_and_counts(ago: int, text: str) -> None:
    tree = StatusTree()
    tree.flush([sample(MIDNIGHT)], today=TODAY)
    late = (TODAY - ago) * MINUTES_OF_DAY
    changes = tree.flush([sample(late, DOWN), sample(late)], today=TODAY)
    assert changes.keys() == {"status.json", day_path(TODAY - ago)}
    assert tree.board().entries["earth"].days.text == text
    assert tree.day(TODAY - ago).minutes("earth").runs == "U"


def test_days_drop_out_of_the_board_and_their_files_stay() -> None:
    tree = StatusTree()
    tree.flush([sample(MIDNIGHT), sample(MIDNIGHT + 2 * MINUTES_OF_DAY)], today=TODAY)
    tree.flush([sample(MIDNIGHT + 91 * MINUTES_OF_DAY)], today=TODAY + 91)
    assert tree.board().entries["earth"].days.text == "88x- 1"
    assert "history/2024-10-04.json" in tree.files
    assert tree.board().entries["earth"].known_since == MIDNIGHT


def test_a_clock_stepped_back_does_not_bring_yesterday_back() -> None:
    tree = StatusTree()
    tree.flush([sample(MIDNIGHT)], today=TODAY)
    changes = tree.flush([sample(MIDNIGHT - 10, DOWN)], today=TODAY - 1)
    assert changes.keys() == {"status.json", "history/2024-10-03.json"}
    assert tree.board().today == TODAY
    assert tree.board().entries["earth"].latest == Latest(MIDNIGHT, UP, 1)


def test_a_sample_ahead_of_the_clock_begins_its_day() -> None:
    tree = StatusTree()
    tree.flush([sample(MIDNIGHT + MINUTES_OF_DAY)], today=TODAY)
    assert tree.board().today == TODAY + 1


def test_a_board_put_back_by_hand_is_laid_over_the_days_file() -> None:
    tree = StatusTree()
    tree.flush([sample(MIDNIGHT), sample(MIDNIGHT + 1, DOWN)], today=TODAY)
    old = tree.files["status.json"]
    tree.flush([sample(MIDNIGHT + 2, DOWN)], today=TODAY + 1)
    tree.files["status.json"] = old
    tree.flush([sample(MIDNIGHT + MINUTES_OF_DAY)], today=TODAY + 1)
    assert tree.day(TODAY).minutes("earth").runs == "U2D"
    assert tree.board().entries["earth"].days.text == "1/0/2"


def test_an_hour_left_over_fills_in_what_its_day_does_not_know() -> None:
    tree = StatusTree()
    tree.flush([sample(MIDNIGHT, latency=7), sample(MIDNIGHT + 1)], today=TODAY)
    hour = tree.files[hour_path(TODAY * 24)]
    tree.flush([sample(MIDNIGHT + MINUTES_OF_DAY)], today=TODAY + 1)
    tree.files[hour_path(TODAY * 24)] = hour.replace(b"[7,1]", b"[9,8,6]")
    tree.files[day_path(TODAY)] = tree.files[day_path(TODAY)].replace(b"[7,1]", b"[7,null]")
    tree.flush([sample(MIDNIGHT + MINUTES_OF_DAY + 1)], today=TODAY + 1)
    assert hour_path(TODAY * 24) not in tree.files
    assert tree.day(TODAY).records["earth"].latencies == (7, 8)


def test_the_newest_minute_pushed_again_is_told_as_it_was_pushed_last() -> None:
    tree = StatusTree()
    tree.flush([sample(MIDNIGHT, UP, latency=1)], today=TODAY)
    tree.flush([sample(MIDNIGHT, DOWN, latency=2)], today=TODAY)
    assert tree.board().entries["earth"].latest == Latest(MIDNIGHT, DOWN, 2)


# Former tags

RENAMED = Monitors(
    [Monitor("earth", "Earth", aliases=("terra", "gaia")), Monitor("Moon", "Moon")]
).aliases
aliased = st.builds(
    lambda tag, each: Sample(tag, each.minute, each.status, each.latency),
    st.sampled_from(["earth", "terra", "GAIA", "moon", "Moon"]),
    samples,
)


@given(
    st.lists(aliased, max_size=10), st.integers(-1, 3), st.lists(aliased, min_size=1, max_size=9)
)
def test_former_tags_history_goes_on_under_the_present_tag(
    before: list[Sample], day: int, after: list[Sample]
) -> None:
    tree = StatusTree()
    tree.flush(before, today=TODAY)
    tree.flush(after, today=TODAY + day, tags=RENAMED)
    model = modelled(before)
    # Of two tags' samples of one minute the present tag's wins, then the last in the alphabet's.
    order = sorted({s.tag for s in before}, key=lambda tag: (RENAMED.of(tag) == tag, tag))
    merged = modelled([s for tag in order for s in before if s.tag == tag], RENAMED)
    assert merged.keys() == {(RENAMED.of(tag), minute) for tag, minute in model}
    check_board(tree, merged | modelled(after, RENAMED))


def test_only_what_is_on_the_branch_is_asked_for() -> None:
    tree = StatusTree()
    tree.flush([sample(MIDNIGHT)], today=TODAY)
    needed = files_needed(
        tree.board(), [sample(MIDNIGHT - 5_000), sample(MIDNIGHT + 70)],
        today=TODAY, present=["status.json"], tags=NO_ALIASES,
    )  # fmt: skip
    assert needed == frozenset()
