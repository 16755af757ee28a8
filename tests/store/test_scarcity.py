"""The hour's requests run short: first work that nobody waits for slows down, then what is held is
given for longer, then both keep to a pace, and only then reads are refused, and writes last."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Collection
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any, cast

import pytest

from github_store.errors import GitHubUnavailable, RateLimited
from github_store.freshness import Freshness
from github_store.gateway import Exchange, Reply
from github_store.held_answers import HeldAnswers
from github_store.quota import Quota
from github_store.sweeper import RETRY_SECONDS, SWEEP_SECONDS, Sweeper
from github_store.write_budget import WriteBudget

EPOCH = 1_790_000_000.0
LIMIT = 5_000
KEPT = 50
HOUR = 3_600.0


class GitHub:
    """Counts every request of an hour, and every answer is another; ``now`` is passed by hand."""

    def __init__(self, *, remaining: int, resets_in: float) -> None:
        self.now = 0.0
        self.remaining = remaining
        self.resets_at = resets_in
        self.least = remaining
        self.asked: defaultdict[str, list[float]] = defaultdict(list)
        self.quota = Quota(WriteBudget(), jitter=lambda: 0.0)
        self.quota.observe(self._exchange("/repos/owner/status", status=200), 0.0)

    async def request(
        self, method: str, path: str, *, etag: str | None = None, accept: Collection[int] = ()
    ) -> Reply:
        self.quota.admit(method, path, self.now)
        if self.now >= self.resets_at:
            self.remaining, self.resets_at = LIMIT, self.now + HOUR
        assert self.remaining > 0, "GitHub had to refuse"
        self.remaining -= 1
        self.least = min(self.least, self.remaining)
        self.asked[path].append(self.now)
        await asyncio.sleep(0)
        self.quota.observe(self._exchange(path, status=200), self.now)
        return Reply(200, {"etag": f'"{self.now}"'}, {"at": self.now}, 10)

    def _exchange(self, path: str, *, status: int) -> Exchange:
        headers = {
            "date": formatdate(EPOCH + self.now, usegmt=True),
            "x-ratelimit-limit": str(LIMIT),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(int(EPOCH + self.resets_at)),
        }
        return Exchange("GET", path, status, 0.1, headers)

    def held(self) -> HeldAnswers:
        return HeldAnswers(
            cast(Any, self),
            freshness=Freshness(),
            clock=lambda: EPOCH + self.now,
            stretch=lambda: self.quota.stretch(self.now),
            may_ask=lambda path: self.quota.may_renew(path, self.now),
        )


def is_refused(quota: Quota, method: str) -> bool:
    path = "/repos/owner/status/issues"
    try:
        quota.admit(method, path, 0.0)
    except RateLimited:
        return True
    quota.observe(Exchange(method, path, None, 0.0, {}), 0.0)
    return False


def test_what_gives_way_does_so_in_the_order_of_its_worth() -> None:
    began: dict[str, int] = {}
    for remaining in range(LIMIT, -1, -1):
        quota = GitHub(remaining=remaining, resets_in=3_000).quota
        found = {
            "background work slows down": quota.slowness(0.0) > 1,
            "held answers are given for longer": quota.stretch(0.0) > 1,
            "and longer": quota.stretch(0.0) > 4,
            "reads are refused": is_refused(quota, "GET"),
            "writes are refused": is_refused(quota, "POST"),
        }
        for what, has_begun in found.items():
            if has_begun:
                began.setdefault(what, remaining)
    assert began == {
        "background work slows down": 1_499,
        "held answers are given for longer": 999,
        "and longer": 249,
        "reads are refused": KEPT,
        "writes are refused": 0,
    }


@pytest.mark.parametrize("cold_every", [0, 7], ids=["held alone", "and new ones"])
def test_two_hundred_requests_last_for_fifty_minutes_of_readers(cold_every: int) -> None:
    """Twenty things are read each second, and every one of them has changed each time."""
    paths = [f"/repos/owner/status/issues/{number}" for number in range(20)]
    github = GitHub(remaining=220, resets_in=3_000)
    oldest, cold = 0.0, {True: 0, False: 0}

    async def run() -> None:
        nonlocal oldest
        held = github.held()
        for path in paths:
            await held.get(path)
        assert github.remaining == 200
        while github.now < 3_600:
            github.now += 1
            for path in paths:
                age = github.now - (await held.get(path)).data["at"]
                oldest = max(oldest, age)
            if cold_every and github.now % cold_every == 0:
                try:
                    await held.get(f"/repos/owner/status/issues/{1_000 + github.now}")
                    cold[True] += 1
                except GitHubUnavailable:
                    cold[False] += 1
            for _ in range(3):
                await asyncio.sleep(0)
        await held.close()

    asyncio.run(run())
    assert github.least >= KEPT
    renewed = [sum(1 for at in github.asked[path] if 0 < at < 3_000) for path in paths]
    if not cold_every:
        assert all(renewed), "the rest is put to use"
        assert oldest < 1_500
        spent_late = sum(1 for path in paths for at in github.asked[path] if 2_500 < at < 3_000)
        assert spent_late >= 5, "to the end"
    else:
        assert cold[True] > 100
        assert cold[False] > 0
    assert sum(1 for path in paths for at in github.asked[path] if at > 3_001) > 20


class CountedSweeper(Sweeper):
    """Notes when it would look; fails while told to."""

    def __init__(self, **options: Any) -> None:
        board = SimpleNamespace(vouched=None)
        self.held_answers = SimpleNamespace(vouched=None)
        inbox = SimpleNamespace(delivered_at=0.0)
        nothing: Any = None
        super().__init__(
            inbox=cast(Any, inbox),
            held=cast(Any, self.held_answers),
            board=cast(Any, board),
            **dict.fromkeys(_OTHERS, nothing),
            **options,
        )
        self.looks: list[float] = []
        self.error: GitHubUnavailable | None = None

    async def sweep(self) -> None:
        self.looks.append(self._clock() - EPOCH)
        if self.error:
            raise self.error
        self._vouched_since = self._swept_at = self._clock()
        self._vouch()


_OTHERS = tuple(
    name
    for name in Sweeper.__init__.__annotations__
    if name in {"tracker", "news", "monitors_reload", "look_at_labels"}
)


def swept(
    *,
    seconds: float,
    steps: dict[float, Any] | None = None,
    step_seconds: float = math.inf,
    **options: Any,
) -> CountedSweeper:
    """A sweeper's looks in so many seconds; ``steps`` happen to it at their times."""
    now, plan = 0.0, dict(steps or {})
    over = asyncio.Event()

    async def wait(_event: asyncio.Event, pause: float | None) -> None:
        nonlocal now
        assert pause is not None
        now += min(pause, step_seconds)
        for at in [at for at in plan if at <= now]:
            plan.pop(at)(sweeper)
        if now > seconds:
            over.set()
            await asyncio.Event().wait()

    sweeper = CountedSweeper(clock=lambda: EPOCH + now, wait=wait, **options)

    async def run() -> None:
        sweeper.start()
        await over.wait()
        await sweeper.close()

    asyncio.run(run())
    return sweeper


@pytest.mark.parametrize(("slowness", "looks"), [(1.0, 12), (4.0, 3), (20.0, 1)])
def test_sweeps_are_further_apart_and_vouch_for_as_much_longer(slowness: float, looks: int) -> None:
    sweeper = swept(seconds=HOUR - 1, slowness=lambda: slowness)
    assert len(sweeper.looks) == looks
    gaps = {b - a for a, b in zip(sweeper.looks, sweeper.looks[1:], strict=False)}
    assert gaps <= {SWEEP_SECONDS * slowness}
    vouched = sweeper.held_answers.vouched
    assert vouched.until == EPOCH + sweeper.looks[-1] + 2 * SWEEP_SECONDS * slowness


def test_a_sweep_that_failed_is_repeated_soon_and_vouches_for_nothing() -> None:
    def fail(sweeper: CountedSweeper) -> None:
        sweeper.error = GitHubUnavailable("out")

    def mend(sweeper: CountedSweeper) -> None:
        assert sweeper.held_answers.vouched is None
        sweeper.error = None

    sweeper = swept(seconds=900, steps={200: fail, 350: mend})
    assert sweeper.looks == [0, 300, 330, 360, 660]
    assert sweeper.held_answers.vouched.since == EPOCH + 660
    assert RETRY_SECONDS == 30


def test_where_nothing_may_be_asked_no_sweep_is_begun() -> None:
    asked = [0.0]
    sweeper = swept(
        seconds=900,
        hold_off=lambda: asked[0],
        steps={200: lambda _: asked.__setitem__(0, 30.0), 500: lambda _: asked.__setitem__(0, 0.0)},
    )
    assert sweeper.looks[0] == 0
    assert 500 <= sweeper.looks[1] <= 530
