"""What of one monitor waits to be committed."""

from __future__ import annotations

from github_store.journal_record import Sequenced
from github_store.monitor import Status
from github_store.pending_samples import Pending
from github_store.sample import Sample


def entry(seq: int, minute: int, status: Status = Status.UP) -> Sequenced:
    return Sequenced(seq, Sample("earth", minute, status, 0.2), float(seq))


def pending(*entries: Sequenced) -> Pending:
    made = Pending()
    for each in entries:
        made.add(each)
    return made


def test_samples_stand_in_the_order_of_acknowledgement() -> None:
    late, early = entry(1, 9), entry(2, 3)
    assert pending(late, early).entries == (late, early)


def test_of_two_for_a_minute_the_later_is_kept_and_stands_last() -> None:
    other, last = entry(2, 8), entry(3, 7, Status.DOWN)
    assert pending(entry(1, 7), other, last).entries == (other, last)


def test_what_landed_goes_and_a_later_one_for_its_minute_stays() -> None:
    again, other = entry(3, 7, Status.DOWN), entry(2, 8)
    made = pending(entry(1, 7), other, again)
    made.drop(up_to=2)
    assert made.entries == (again,)


def test_nothing_new_is_the_very_same_tuple() -> None:
    made = pending(entry(5, 7))
    before = made.entries
    made.drop(up_to=4)
    assert made.entries is before
    made.add(entry(6, 8))
    assert made.entries is not before
