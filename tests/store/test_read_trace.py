"""How an answer came about: the least fresh part tells of the whole."""

from __future__ import annotations

import asyncio

from github_store.read_trace import Outcome, ReadTrace, note_read


def test_the_least_fresh_outcome_and_the_oldest_part_count() -> None:
    with ReadTrace() as trace:
        note_read(Outcome.STALE, 20.0)
        note_read(Outcome.HIT, 10.0)
        note_read(Outcome.REVALIDATED, 30.0)
    assert (trace.outcome, trace.confirmed_at) == (Outcome.REVALIDATED, 10.0)
    assert trace.outcome.word == "revalidated"


def test_what_is_read_outside_is_noted_nowhere() -> None:
    with ReadTrace() as trace:
        pass
    note_read(Outcome.OUTAGE, 1.0)
    assert (trace.outcome, trace.confirmed_at) == (Outcome.HIT, None)


def test_two_readers_at_once_have_a_trace_each() -> None:
    async def reader(outcome: Outcome) -> Outcome:
        with ReadTrace() as trace:
            await asyncio.sleep(0)
            note_read(outcome, 1.0)
            await asyncio.sleep(0)
        return trace.outcome

    async def both() -> list[Outcome]:
        return await asyncio.gather(reader(Outcome.HIT), reader(Outcome.MISS))

    assert asyncio.run(both()) == [Outcome.HIT, Outcome.MISS]
