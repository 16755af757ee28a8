"""Writes to GitHub that a client may repeat: with the same key they happen once.

What a key means goes through these states::

    (nothing)  --- the intent is synced ----->  attempted  --- GitHub answers --->  answered
        ^                                        |      ^
        |---- GitHub refuses: nothing happened --|      |-- not found for 60 s: sent again

An answered key gives the first answer again, for 24 hours. An attempted one, left so by a lost
answer or a dead process, is looked for on GitHub: what was written carries the key's mark, is by
this service's own account and is no older than the intent. GitHub's lists lag by seconds, so what
is not found may still be there: only SETTLED_SECONDS after the attempt is it believed never to
have happened. Until then the client is asked to come again.

Requests with a key that is under way share its outcome. A client that hangs up ends nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Generic, TypeVar

from github_store.errors import (
    GitHubUnavailable,
    JournalUnavailable,
    KeyReused,
    OutcomePending,
    OutcomeUnknown,
    StoreError,
)
from github_store.intent_file import KEPT_SECONDS
from github_store.intents import Intent, Intents
from github_store.recurring_lines import RecurringLines

lines = RecurringLines(logging.getLogger(__name__))

SETTLED_SECONDS: Final = 60.0
"""After so long GitHub's lists show every write there was."""
COME_AGAIN_SECONDS: Final = 5
LOOK_SECONDS: Final = 5.0
"""So long the client of a lost answer waits for a first look."""
SKEW_SECONDS: Final = 3600.0
"""How far GitHub's clock may be from ours; far below the 24 hours after which a key is new."""

Made = TypeVar("Made")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A client's own name of one request, and the hash of the body it came with."""

    text: str
    body_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedWrite(Generic[Made, Answer]):
    """A write that leaves a mark: how to send it, and how to find it again.

    ``answer`` turns what GitHub made into a dataclass of JSON values for the client, and
    ``revive`` makes one of them anew. ``send`` raises OutcomeUnknown where it may have happened;
    after any other StoreError it has not.
    """

    operation: str
    prepare: Callable[[], Awaitable[object]]
    send: Callable[[str], Awaitable[Made]]
    """Takes the content of the hidden comment that is to be in the text."""
    find: Callable[[str, int], Awaitable[Made | None]]
    """Takes the same, and the time before which it cannot have been written."""
    answer: Callable[[Made], Answer]
    revive: Callable[[dict[str, Any]], Answer]


class KeyedWrites:
    """Made for one event loop. ``clock`` gives seconds since 1970."""

    def __init__(self, intents: Intents, *, clock: Callable[[], float]) -> None:
        self._intents = intents
        self._clock = clock
        self._under_way: dict[str, tuple[str, asyncio.Task[Any]]] = {}

    async def once(self, key: RequestKey, write: KeyedWrite[Made, Answer]) -> Answer:
        """The answer to the one write that the key names.

        Raises KeyReused where the key named another one, OutcomePending where it cannot be told
        yet whether it happened, and what the write itself raises.
        """
        mark = self._intents.mark_of(key.text)
        request = hashlib.sha256(f"{write.operation}\n{key.body_hash}".encode()).hexdigest()
        running = self._under_way.get(mark)
        if running is None:
            task = asyncio.create_task(self._answer(mark, request, write))
            running = self._under_way[mark] = request, task
            task.add_done_callback(lambda _: self._ended(mark))
        elif running[0] != request:
            raise _reused()
        answer: Answer = await asyncio.shield(running[1])
        return answer

    async def close(self, *, grace_seconds: float = 1.0) -> None:
        """Let what is under way end; what takes longer is found again by its key."""
        tasks = [task for _, task in self._under_way.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.wait(tasks)
        self._intents.close()

    def _ended(self, mark: str) -> None:
        _, task = self._under_way.pop(mark)
        if not task.cancelled():
            task.exception()  # seen here too, in case every client has left

    async def _answer(self, mark: str, request: str, write: KeyedWrite[Made, Answer]) -> Answer:
        intent = await self._intents.find(mark)
        if intent is None:
            now = self._clock()
            intent = Intent(mark=mark, request=request, begun_at=now, attempted_at=now)
            if now >= self._intents.doubted_until:
                return await self._attempt(intent, write)
            # It may have been forgotten with a damaged file: then what it named is looked for.
            intent = self._as_if_forgotten(intent)
        if intent.request != request:
            raise _reused()
        if intent.answer is not None:
            return write.revive(json.loads(intent.answer))
        if (made := await self._find(intent, write)) is not None:
            return await self._settle(intent, write, made)
        wait_seconds = intent.attempted_at + SETTLED_SECONDS - self._clock()
        if wait_seconds > 0:
            raise _pending(wait_seconds)
        return await self._attempt(intent, write)

    def _as_if_forgotten(self, intent: Intent) -> Intent:
        """With the earliest time that it may have been begun, and the latest that it was attempted,
        if it was there before the damage."""
        damaged_at = self._intents.doubted_until - KEPT_SECONDS
        return replace(intent, begun_at=damaged_at - KEPT_SECONDS, attempted_at=damaged_at)

    async def _attempt(self, intent: Intent, write: KeyedWrite[Made, Answer]) -> Answer:
        await write.prepare()
        intent = replace(intent, attempted_at=self._clock())
        await self._intents.put(intent)
        try:
            made = await write.send(_content(intent))
        except OutcomeUnknown:
            found = await self._look_at_once(intent, write)
            if found is None:
                raise _pending(SETTLED_SECONDS) from None
            made = found
        except StoreError:
            await self._forget(intent)
            raise
        return await self._settle(intent, write, made)

    async def _look_at_once(self, intent: Intent, write: KeyedWrite[Made, Answer]) -> Made | None:
        """The answer is lost: from now on it takes the lists' time until it must show."""
        try:
            await self._intents.put(replace(intent, attempted_at=self._clock()))
            async with asyncio.timeout(LOOK_SECONDS):
                return await self._find(intent, write)
        except (GitHubUnavailable, JournalUnavailable, TimeoutError) as error:
            lines.warning(
                "look", "the answer to a write with a key was lost, and so was a look: %s", error
            )
            return None

    async def _find(self, intent: Intent, write: KeyedWrite[Made, Answer]) -> Made | None:
        since = max(0, math.floor(intent.begun_at - SKEW_SECONDS))
        return await write.find(_content(intent), since)

    async def _settle(self, intent: Intent, write: KeyedWrite[Made, Answer], made: Made) -> Answer:
        answer = write.answer(made)
        text = json.dumps(asdict(answer))  # type: ignore[call-overload]
        try:
            await self._intents.put(replace(intent, answer=text))
        except JournalUnavailable as error:
            lines.warning(
                "answer", "the answer to a key is not kept, it will be looked for: %s", error
            )
        return answer

    async def _forget(self, intent: Intent) -> None:
        try:
            await self._intents.forget(intent.mark)
        except JournalUnavailable as error:
            lines.warning(
                "forget", "a refused write will be looked for when its key comes again: %s", error
            )


def _content(intent: Intent) -> str:
    """Of the hidden comment in what is written. Its length is KEY_COMMENT_ROOM's, incident.py."""
    return f"key {intent.mark}"


def _reused() -> KeyReused:
    return KeyReused(
        "this key named another request within the last 24 hours; every new request needs a new one"
    )


def _pending(wait_seconds: float) -> OutcomePending:
    return OutcomePending(
        "the answer to this write was lost, and GitHub does not show yet whether it happened:"
        " repeat it with the same key, and it happens once",
        retry_after_seconds=max(1, min(COME_AGAIN_SECONDS, math.ceil(wait_seconds))),
    )
