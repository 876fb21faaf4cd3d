"""How long something is waited for, and how often tried: a restart of the database is no reason to lose an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, TypeVar

from quarterdeck.store.database import StorageError

T = TypeVar("T")

PATIENCE_S = 120.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0


async def settles_within(work: asyncio.Future[Any], timeout_s: float) -> bool:
    """Whether `work` is done by then; it goes on in any case. `asyncio.wait` for one future, at a part of its cost."""
    if work.done():
        return True
    loop = asyncio.get_running_loop()
    end: asyncio.Future[None] = loop.create_future()

    def wake(_: object = None) -> None:
        if not end.done():
            end.set_result(None)

    timer = loop.call_later(timeout_s, wake)
    work.add_done_callback(wake)
    try:
        await end
    finally:
        timer.cancel()
        work.remove_done_callback(wake)
    return work.done()


async def keep_trying(work: Callable[[], Awaitable[T]], *, for_s: float = PATIENCE_S) -> T:
    """What `work` returns. Raises: what it raises that is no `StorageError`, and the last one of those."""
    give_up_at = monotonic() + for_s
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return await work()
        except StorageError:
            if monotonic() >= give_up_at:
                raise
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
