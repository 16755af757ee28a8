"""A list that grows on top and changes in its midst is read whole, for a page or two."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from github_store.cursor_chain import CursorChain, Place

SIZE = 4


@dataclass
class Lists:
    """GitHub's list, and the pages that are held of it; ``asked`` are those that were not."""

    entries: set[Place] = field(default_factory=set)
    held: dict[str, list[Place]] = field(default_factory=dict)
    chain: CursorChain = field(default_factory=CursorChain)
    asked: list[str] = field(default_factory=list)
    word: str = "after"

    def page(self, address: str) -> list[Place]:
        ordered = sorted(self.entries, reverse=True)
        if "=" in address:
            cursor = int(address.partition("=")[2])
            ordered = [each for each in ordered if each[1] < cursor]
        return ordered[:SIZE]

    def get(self, address: str) -> list[Place]:
        """Held pages are confirmed as they are by now, which is free where they are the same."""
        if self.held.get(address) != self.page(address):
            self.asked.append(address)
            self.held[address] = self.page(address)
        return self.held[address]

    def read(self) -> list[Place]:
        found: list[Place] = []
        address, seen = "/issues", set[str]()
        while True:
            assert address not in seen
            seen.add(address)
            page = self.get(address)
            found += page
            if not page or page[-1] == min(self.entries):
                return found
            address = self.chain.following(
                f"/issues?{self.word}={page[-1][1]}", page[-1], seen=seen, reach_of=self.reach_of
            )

    def reach_of(self, address: str) -> Place | None:
        page = self.held.get(address)
        return page[-1] if page else None

    def add(self, number: int) -> None:
        self.entries.add(("2026-11-24T00:00:00Z", number))


def test_what_comes_on_top_costs_the_first_page_and_one_more() -> None:
    lists = Lists()
    for number in range(40):
        lists.add(number)
    lists.read()
    for number in range(40, 80):
        lists.add(number)
        lists.asked.clear()
        assert set(lists.read()) == lists.entries
        assert len(lists.asked) <= 3
        for address in lists.chain.superseded:
            lists.held.pop(address, None)
        lists.chain.superseded.clear()
        assert len(lists.held) <= 2 * len(lists.entries) / SIZE + 2, "what is no use is let go"


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_missed_however_a_list_changes(seed: int) -> None:
    chance, lists, top = random.Random(seed), Lists(), 50
    for number in chance.sample(range(top), 30):
        lists.add(number)
    for _ in range(60):
        for _ in range(chance.randrange(4)):
            if chance.random() < 0.5 and len(lists.entries) > 3:
                lists.entries.remove(chance.choice(sorted(lists.entries)))
            else:
                lists.add(chance.randrange(top))
        if chance.random() < 0.5:
            lists.add(top := top + 1)
        if chance.random() < 0.2 and lists.held:
            del lists.held[chance.choice(sorted(lists.held))]
        assert set(lists.read()) == lists.entries


def test_pages_that_are_counted_are_read_in_their_order() -> None:
    lists = Lists(word="page")
    for number in range(12):
        lists.add(number)
    lists.held["/issues?page=1"] = [("2026-11-24T00:00:00Z", 0)]
    assert len(lists.read()) == 12
    assert not lists.chain.superseded
