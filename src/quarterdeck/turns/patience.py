"""Trying again while the database is away, for a while: a restart of it is no reason to lose an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from quarterdeck.store.database import StorageError

T = TypeVar("T")

PATIENCE_S = 120.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0


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
