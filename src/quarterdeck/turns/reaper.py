"""Takes over what a dead process left: claims expired leases, and ends logs whose turn is saved already."""

from __future__ import annotations

import asyncio
import contextlib
from time import monotonic

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import LogError, QuarterdeckError, StaleWriterError
from quarterdeck.log.base import Log
from quarterdeck.store.database import Database
from quarterdeck.store.turns import list_claimable, list_ended_since
from quarterdeck.turns.repair import end_saved_log
from quarterdeck.turns.runner import TurnRunner

logger = get_logger("quarterdeck.turns")

_PERIOD_S = 1.0
_GRACE_S = 4.0  # after the database was away: longer than the living need to renew their leases
_BATCH = 50
_LOOK_BACK_MS = 3_600_000  # as long as a finished log is kept
_REPAIR_EVERY_S = 30.0
_REPAIR_OVERLAP_MS = 60_000
_EXPIRE_EVERY_S = 5.0


class Reaper:
    def __init__(self, database: Database, log: Log, runner: TurnRunner) -> None:
        self._database = database
        self._log = log
        self._runner = runner
        self._task: asyncio.Task[None] | None = None
        self._repaired_to_ms = now_ms() - _LOOK_BACK_MS
        self._repair_at = self._expire_at = 0.0

    async def start(self, *, others_are_dead: bool) -> None:
        """Take over at once what is free now, then look every second.

        `others_are_dead`: this process holds the data folder alone, so no older lease can be alive.
        """
        await self._repair()
        await self._claim(others_are_dead=others_are_dead)
        self._task = asyncio.create_task(self._look_forever())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def take_from(self, worker: str) -> None:
        """Take over at once what this worker had: it is known to be dead. Raises: `StorageError`."""
        await self._claim(dead=worker)

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(_PERIOD_S)
            try:
                await self._claim()
                await self._tidy()
            except QuarterdeckError as error:
                logger.warning("reaper_failed", reason=error.message, detail=error.detail)
                await asyncio.sleep(_GRACE_S)

    async def _claim(self, *, others_are_dead: bool = False, dead: str | None = None) -> None:
        worker = self._runner.worker
        while not self._runner.is_draining and not self._runner.is_full:
            found = await self._database.read(
                lambda connection: list_claimable(
                    connection, worker=worker, others_are_dead=others_are_dead, limit=_BATCH, dead=dead
                )
            )
            for turn in found:
                if self._runner.is_full:
                    return
                if await self._runner.claim(turn, others_are_dead=others_are_dead, dead=dead):
                    logger.info("turn_taken_over", turn=turn)
                    metrics.TURNS_TAKEN_OVER.add()
            if len(found) < _BATCH:
                return

    async def _tidy(self) -> None:
        """What a log that is away must not keep us from taking over."""
        try:
            if monotonic() >= self._repair_at:
                await self._repair()
            if monotonic() >= self._expire_at:
                self._expire_at = monotonic() + _EXPIRE_EVERY_S
                await self._log.expire()
        except LogError as error:
            logger.warning("log_not_tidied", reason=error.message, detail=error.detail)

    async def _repair(self) -> None:
        """A process that died between saving the answer and closing its log left readers waiting."""
        self._repair_at = monotonic() + _REPAIR_EVERY_S
        begun_ms = now_ms()
        since = self._repaired_to_ms
        for turn in await self._database.read(lambda connection: list_ended_since(connection, since)):
            if self._runner.runs(turn.id):
                continue  # it is about to do so itself
            with contextlib.suppress(StaleWriterError):  # its worker lives, and has just done so
                await end_saved_log(self._database, self._log, turn)
        self._repaired_to_ms = begun_ms - _REPAIR_OVERLAP_MS
