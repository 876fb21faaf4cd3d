"""The turns that nobody runs, as a process sees them that leaves its turns to workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import QuarterdeckError
from quarterdeck.store.database import Database
from quarterdeck.store.queue import Queue, measure_queue

logger = get_logger("quarterdeck.turns")

MAX_UNCLAIMED = 2_000
MAX_AGE_S = 30.0
_STUCK_S = 10.0  # a dead worker's turns are old when they become free, and are claimed within a second or two
_LOOK_EVERY_S = 1.0
_STALE_S = 5.0


class Unclaimed:
    """Looked at when somebody sends, at most once a second, and never waited for."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._looked_at_s = -_LOOK_EVERY_S
        self._measured_at_s = -_STALE_S
        self._queue = Queue(0, 0.0)
        self._stuck_since_s: float | None = None
        self._looking: asyncio.Task[None] | None = None

    def are_too_many(self) -> bool:
        """More than workers will get through in a while, or none of them seems to be there. By the last look."""
        now = self._clock()
        if now >= self._looked_at_s + _LOOK_EVERY_S and (self._looking is None or self._looking.done()):
            self._looked_at_s = now
            self._looking = asyncio.create_task(self._look())
        if now >= self._measured_at_s + _STALE_S:
            return False
        is_stuck = self._stuck_since_s is not None and now >= self._stuck_since_s + _STUCK_S
        return is_stuck or self._queue.waiting >= MAX_UNCLAIMED

    async def _look(self) -> None:
        try:
            self._queue = await self._database.read(measure_queue)
        except QuarterdeckError as error:  # the send will hear of it itself
            logger.warning("queue_not_measured", reason=error.message, detail=error.detail)
            return
        now = self._clock()
        is_new = now >= self._measured_at_s + _STALE_S
        self._measured_at_s = now
        if self._queue.oldest_s < MAX_AGE_S:
            self._stuck_since_s = None
        elif self._stuck_since_s is None or is_new:
            self._stuck_since_s = now
