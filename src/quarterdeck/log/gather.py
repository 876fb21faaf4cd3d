"""What many tasks ask for at the same time, put into few round trips: one on its way, the rest gathers.

An idle gatherer goes at once (the first token must not wait). Round trips may come in a short burst; beyond it they are
spaced, so that a busy process pays for fewer of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_EVERY_S = 0.002
_BURST_S = 0.040  # an idle gatherer may make this many seconds' worth of round trips without a pause

T = TypeVar("T")


class Gatherer(Generic[T]):
    """`carry` takes what has gathered and settles each of it; it never raises.

    `take` picks from the queue what may go together (all of it, unless given).
    """

    def __init__(self, carry: Callable[[list[T]], Awaitable[None]], take: Callable[[deque[T]], list[T]]) -> None:
        self._carry, self._take = carry, take
        self._waiting: deque[T] = deque()
        self._task: asyncio.Task[None] | None = None
        self._next_s = 0.0

    def put(self, item: T) -> None:
        self._waiting.append(item)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def settle(self) -> None:
        """Wait for all that is on its way."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._pause()
                await self._carry(self._take(self._waiting))
        finally:
            self._task = None

    async def _pause(self) -> None:
        now = asyncio.get_running_loop().time()
        due = max(self._next_s, now - _BURST_S)
        self._next_s = due + _EVERY_S
        if due > now:
            await asyncio.sleep(due - now)
