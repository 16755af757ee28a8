"""What was made of held answers, kept for as long as exactly those answers would be read again.

A result is given again only while each answer it was made of is still held, the same one, and may
be given without asking GitHub. Giving it counts as reading them: a stale one is renewed behind the
reader, and the reader's trace tells of all. Made for one event loop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from cachetools import LRUCache

from github_store.held_answers import HeldAnswers
from github_store.held_reads import Reads, note_from_list, recorded_reads

MAX_BYTES = 16 * 1024 * 1024
LEAST_WEIGHT = 2 * 1024
READ_WEIGHT = 256
"""Bytes of what is remembered of each answer that a result was made of."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Result:
    """``edition``: of all that counts beside the answers."""

    value: Any
    edition: Hashable
    reads: Reads
    weight: int


class HeldResults:
    """``edition`` is asked for all that a result depends on beside what is held.

    Kept results weigh ``max_bytes`` at most, ``weigh`` tells of one's own bytes; what they were
    made of counts with who holds it. Who gets one must not change it: others get the same.
    """

    def __init__(
        self,
        held: HeldAnswers,
        *,
        edition: Callable[[], Hashable],
        weigh: Callable[[Any], int] = lambda _value: 0,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._held = held
        self._edition = edition
        self._weigh = weigh
        self._results: LRUCache[Hashable, _Result] = LRUCache(
            max_bytes, getsizeof=lambda result: result.weight
        )

    async def get(self, key: Hashable, make: Callable[[], Awaitable[_T]]) -> _T:
        """The result of this key, made anew where it must be. Raises what ``make`` raises."""
        edition = self._edition()
        kept = self._results.get(key)
        if kept and kept.edition == edition and self._held.read_again(kept.reads):
            if kept.reads.is_from_list:
                note_from_list()
            value: _T = kept.value
            return value
        with recorded_reads() as record:
            value = await make()
        reads = record.reads()
        weight = LEAST_WEIGHT + READ_WEIGHT * len(reads.each) + self._weigh(value)
        result = _Result(value, edition, reads, weight)
        is_small = weight <= self._results.maxsize
        if record.is_whole and is_small and self._edition() == edition:
            self._results[key] = result
        return value
