"""Several listings as one, in the order of all: only as much of each is fetched as is asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any, TypeVar

T = TypeVar("T")


async def newest_first(
    listings: Sequence[AsyncIterator[T]], *, key: Callable[[T], Any]
) -> AsyncGenerator[T, None]:
    """Merge listings that each descend by ``key``. What stands in several comes several times."""
    async with AsyncExitStack() as stack:
        heads: list[tuple[AsyncIterator[T], T]] = []
        for listing in listings:
            if isinstance(listing, AsyncGenerator):
                await stack.enter_async_context(aclosing(listing))
            async for first in listing:
                heads.append((listing, first))
                break
        while heads:
            newest = max(range(len(heads)), key=lambda i: key(heads[i][1]))
            listing, head = heads[newest]
            yield head
            async for following in listing:
                heads[newest] = (listing, following)
                break
            else:
                del heads[newest]
