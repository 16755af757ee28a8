"""Labels are looked at now and then where nothing tells of them."""

from __future__ import annotations

import asyncio
from typing import Any

from github_store.errors import GitHubUnavailable
from github_store.label_watch import WATCH_SECONDS, LabelWatch


def looks(seconds: float, **options: Any) -> tuple[list[float], Any]:
    """When it looked within so many seconds; the first and second look fail."""
    now, found = 0.0, []

    async def run() -> None:
        over = asyncio.Event()

        async def sleep(pause: float) -> None:
            nonlocal now
            now += pause
            if now > seconds:
                over.set()
                await asyncio.Event().wait()

        async def look() -> None:
            found.append(now)
            if len(found) == 1:
                raise GitHubUnavailable("out")
            if len(found) == 2:
                raise ZeroDivisionError

        watch = LabelWatch(look, sleep=sleep, **{"is_told": lambda: False, **options})
        watch.start()
        await over.wait()
        await watch.close()

    asyncio.run(run())
    return found, now


def test_it_looks_every_minute_whatever_happened_to_the_last_look() -> None:
    assert looks(300)[0] == [WATCH_SECONDS * each for each in range(1, 6)]


def test_it_looks_less_often_where_requests_run_short() -> None:
    assert looks(1_200, slowness=lambda: 4.0)[0] == [240, 480, 720, 960, 1_200]


def test_it_does_not_look_while_webhooks_tell_or_nothing_may_be_asked() -> None:
    assert looks(600, is_told=lambda: True)[0] == []
    assert looks(600, hold_off=lambda: 1.0)[0] == []
