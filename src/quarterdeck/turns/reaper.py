"""Takes over what a dead process left: claims expired leases, and ends logs whose turn is saved already."""

from __future__ import annotations

import asyncio
from time import monotonic

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.events import TurnEnded, TurnFault, decode_event, encode_event
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import QuarterdeckError
from quarterdeck.log.base import Log
from quarterdeck.store.database import Database
from quarterdeck.store.messages import find_message
from quarterdeck.store.turns import TurnRow, claim_turn, list_claimable, list_ended_since
from quarterdeck.turns.runner import TurnRunner

logger = get_logger("quarterdeck.turns")

_PERIOD_S = 3.0
_BATCH = 50
_LOOK_BACK_MS = 3_600_000  # as long as a finished log is kept
_KEEP_LOG_S = 3600.0
_REPAIR_EVERY_S = 60.0
_REPAIR_LOOK_BACK_MS = 300_000


class Reaper:
    def __init__(self, database: Database, log: Log, runner: TurnRunner) -> None:
        self._database = database
        self._log = log
        self._runner = runner
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, others_are_dead: bool) -> None:
        """Take over at once what is free now, then look every few seconds.

        `others_are_dead`: this process holds the data folder alone, so no older lease can be alive.
        """
        await self._end_saved_logs(_LOOK_BACK_MS)
        await self._claim(others_are_dead=others_are_dead)
        self._task = asyncio.create_task(self._look_forever())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _look_forever(self) -> None:
        repair_at = monotonic() + _REPAIR_EVERY_S
        while True:
            await asyncio.sleep(_PERIOD_S)
            try:
                await self._claim(others_are_dead=False)
                if monotonic() >= repair_at:
                    repair_at = monotonic() + _REPAIR_EVERY_S
                    await self._end_saved_logs(_REPAIR_LOOK_BACK_MS)
                await self._log.expire()
            except QuarterdeckError as error:
                logger.warning("reaper_failed", reason=error.message, detail=error.detail)

    async def _claim(self, *, others_are_dead: bool) -> None:
        worker = self._runner.worker
        while not self._runner.is_draining:
            found = await self._database.read(
                lambda connection: list_claimable(
                    connection, worker=worker, others_are_dead=others_are_dead, limit=_BATCH
                )
            )
            for turn in found:
                await self._take_over(turn, others_are_dead=others_are_dead)
            if len(found) < _BATCH:
                return

    async def _take_over(self, turn: str, *, others_are_dead: bool) -> None:
        lease = self._runner.lease()
        row = await self._database.write(
            lambda connection: claim_turn(
                connection, turn, worker=lease.worker, lease_until=lease.until, others_are_dead=others_are_dead
            )
        )
        if row is not None:
            logger.info("turn_taken_over", turn=row.id, model=row.model)
            metrics.TURNS_TAKEN_OVER.add()
            self._runner.launch(row)

    async def _end_saved_logs(self, look_back_ms: int) -> None:
        """A process that died between saving the answer and closing its log left readers waiting."""
        since = now_ms() - look_back_ms
        for turn in await self._database.read(lambda connection: list_ended_since(connection, since)):
            if self._runner.runs(turn.id):
                continue  # it is about to do so itself
            status = await self._log.status(turn.id)
            if status is None or status.state == "finished":
                continue
            if not await self._says_its_end(turn.id, status.last):
                ended = TurnEnded(turn.status, turn.ended_at or now_ms(), await self._fault_of(turn))  # type: ignore[arg-type]
                await self._log.append(turn.id, status.last + 1, [encode_event(ended)])
            await self._log.finish(turn.id, _KEEP_LOG_S)

    async def _says_its_end(self, turn: str, last_seq: int) -> bool:
        entries = await self._log.read(turn, last_seq - 1)
        return bool(entries) and isinstance(decode_event(entries[-1].body), TurnEnded)

    async def _fault_of(self, turn: TurnRow) -> TurnFault | None:
        row = await self._database.read(
            lambda connection: find_message(connection, turn.conversation_id, turn.message_id)
        )
        return None if row is None else row.error
