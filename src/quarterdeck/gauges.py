"""Gauges that must be looked at: this process every few seconds, what all share when somebody asks for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import Protocol, runtime_checkable

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import QuarterdeckError
from quarterdeck.log.base import Log
from quarterdeck.store.database import Database
from quarterdeck.store.queue import measure_queue

logger = get_logger("quarterdeck.metrics")

_LOOK_EVERY_S = 1.0
_SAMPLE_EVERY_S = 5.0
_ASK_EVERY_S = 5.0
_ASK_TIMEOUT_S = 2.0
_STATM = Path("/proc/self/statm")  # not on macOS: the meter stays empty there


@runtime_checkable
class Pooled(Protocol):
    """A database that lends connections."""

    def pool_status(self) -> tuple[int, int, int]:
        """In use, at most, waiting for one."""
        ...


@runtime_checkable
class Sized(Protocol):
    """A log that knows its size without counting."""

    async def size_bytes(self) -> int:
        """Raises: `LogError`."""
        ...


class Gauges:
    """`watch` runs as long as the process; `ask` before each rendering."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database = database
        self._log = log
        self._ask_at = 0.0
        self._cpu_s = 0.0

    async def watch(self) -> None:
        await asyncio.to_thread(metrics.begin)
        sample_at = 0.0
        while True:
            before = time.monotonic()
            if before >= sample_at:
                sample_at = before + _SAMPLE_EVERY_S
                self._sample()
            await asyncio.sleep(_LOOK_EVERY_S)
            metrics.LOOP_LAG.observe(max(time.monotonic() - before - _LOOK_EVERY_S, 0.0))

    async def ask(self) -> None:
        """The queue and the log's size, at most every few seconds. Without a database the last answers stand."""
        self._sample()
        if time.monotonic() < self._ask_at:
            return
        self._ask_at = time.monotonic() + _ASK_EVERY_S
        try:
            async with asyncio.timeout(_ASK_TIMEOUT_S):
                queue = await self._database.read(measure_queue)
                metrics.TURNS_WAITING.set(queue.waiting)
                metrics.OLDEST_WAITING.set(queue.oldest_s)
                if isinstance(self._log, Sized):
                    metrics.LOG_BYTES.set(await self._log.size_bytes())
        except (QuarterdeckError, TimeoutError) as error:
            logger.warning("gauges_not_read", reason=str(error) or "no answer in time")

    def _sample(self) -> None:
        cpu_s = time.process_time()
        metrics.CPU.add(cpu_s - self._cpu_s)
        self._cpu_s = cpu_s
        with contextlib.suppress(OSError):
            metrics.MEMORY.set(int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
        if isinstance(self._database, Pooled):
            in_use, size, waiting = self._database.pool_status()
            metrics.POOL_USED.set(in_use)
            metrics.POOL_SIZE.set(size)
            metrics.POOL_WAITING.set(waiting)
