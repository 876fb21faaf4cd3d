"""Takes over what a dead process left: claims expired leases, and ends logs whose turn is saved already."""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import QuarterdeckError, StaleWriterError
from quarterdeck.lasting import keep_going
from quarterdeck.log.base import Log
from quarterdeck.store.database import Database
from quarterdeck.store.leases import free_work_of_servers
from quarterdeck.store.turns import Claimable, list_claimable, list_ended_since
from quarterdeck.turns.outage import note_machine_up, was_machine_down
from quarterdeck.turns.repair import end_saved_log
from quarterdeck.turns.runner import TurnRunner

logger = get_logger("quarterdeck.turns")

_PERIOD_S = 1.0
_GRACE_S = 4.0  # after the database was away: longer than the living need to renew their leases
_BATCH = 50
_LOOK_AGAIN_S = 0.3
_LOOK_BACK_MS = 3_600_000  # as long as a finished log is kept
_LOOK_BACK_AMONG_OTHERS_MS = 300_000  # they have looked, too
_TIDY_EVERY_S = 3.0
_LEAVE_MS = 5_000  # how long a living worker may take to close a log itself
_BUSY_MS = 1_000  # the same, when one is known to be dead
_CLOCKS_APART_MS = 15_000


class Reaper:
    def __init__(self, database: Database, log: Log, runner: TurnRunner) -> None:
        self._database = database
        self._log = log
        self._runner = runner
        self._tasks: list[asyncio.Task[None]] = []
        self._woken = asyncio.Event()
        self._repaired_to_ms = now_ms() - _LOOK_BACK_MS
        self._closed: set[str] = set()  # of the turns that ended lately, those that need no repair

    async def start(self, *, others_are_dead: bool) -> None:
        """Take over what is free now, then look every second.

        `others_are_dead`: this process holds the data folder alone, so no older lease can be alive. It returns when it
        has taken them; among others it does not wait, for what they all have not kept up with never ends.
        """
        if others_are_dead:
            await self._take_house()
        else:
            self._repaired_to_ms = now_ms() - _LOOK_BACK_AMONG_OTHERS_MS
        self._tasks = [
            asyncio.create_task(keep_going("reaper", self._look_forever)),
            asyncio.create_task(keep_going("logs", self._tidy_forever)),
        ]

    async def _take_house(self) -> None:
        await self._tidy(leave_ms=0)
        is_log_doubtful = await was_machine_down(self._database)
        await self._database.write(free_work_of_servers)
        await self._claim(others_are_dead=True, is_log_doubtful=is_log_doubtful)
        await note_machine_up(self._database)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    def look(self) -> None:
        """At once: something was handed over."""
        self._woken.set()

    async def take_from(self, worker: str) -> None:
        """Take over at once what this worker had: it is known to be dead. Raises: `StorageError`."""
        await self._claim(dead=worker)
        await self._tidy(leave_ms=_BUSY_MS)

    async def _look_forever(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._claim()
            except QuarterdeckError as error:
                logger.warning("reaper_failed", reason=error.message, detail=error.detail)
                await asyncio.sleep(_GRACE_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _PERIOD_S)

    async def _tidy_forever(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_EVERY_S)
            await self._tidy(leave_ms=_LEAVE_MS)

    async def _claim(
        self, *, others_are_dead: bool = False, dead: str | None = None, is_log_doubtful: bool = False
    ) -> None:
        """What is begun is taken all at once, since it is being read. What waits is taken one by one: a process that is
        behind leaves it to the others, and looks meanwhile whether something was handed over."""
        take = partial(
            self._runner.claim_all, others_are_dead=others_are_dead, dead=dead, is_log_doubtful=is_log_doubtful
        )
        worker = self._runner.worker
        while not self._runner.is_draining and (limit := min(_BATCH, self._runner.room)):
            free = partial(list_claimable, worker=worker, others_are_dead=others_are_dead, limit=limit, dead=dead)
            found = await self._database.read(free)
            begun = [turn for turn in found if turn.is_begun]
            queued = [turn for turn in found if not turn.is_begun]
            taken = await take([turn.id for turn in begun])
            look_again_at_s = time.monotonic() + _LOOK_AGAIN_S
            while queued and not self._runner.is_full:
                taken += await take([queued.pop(0).id])
                if time.monotonic() >= look_again_at_s:
                    break
            for turn in found:
                if turn.id in taken:
                    _note_claim(turn)
            if not queued and (len(found) < limit or not taken):
                return

    async def _tidy(self, *, leave_ms: int) -> None:
        """End the logs of answers that were saved `leave_ms` ago or earlier, and drop the old ones."""
        try:
            await self._repair(now_ms() - leave_ms)
            await self._log.expire()
        except QuarterdeckError as error:  # all of it is done again next time
            logger.warning("logs_not_tidied", reason=error.message, detail=error.detail)

    async def _repair(self, until_ms: int) -> None:
        """A process that died between saving the answer and closing its log left readers waiting."""
        since = self._repaired_to_ms
        self._closed |= self._runner.take_closed()
        ended = await self._database.read(lambda connection: list_ended_since(connection, since))
        self._closed &= {turn.id for turn in ended}
        for turn in ended:
            if turn.id in self._closed or self._runner.runs(turn.id) or turn.ended_at > until_ms:
                continue  # its worker is about to do so itself
            with contextlib.suppress(StaleWriterError):  # its worker lives, and has just done so
                await end_saved_log(self._database, self._log, turn.id)
            self._closed.add(turn.id)
        self._repaired_to_ms = max(until_ms - _CLOCKS_APART_MS, since)


def _note_claim(turn: Claimable) -> None:
    if turn.worker is None:  # it waited for a worker, or was handed over
        logger.info("turn_found", turn=turn.id)
        return
    logger.info("turn_taken_over", turn=turn.id, worker=turn.worker)
    metrics.TURNS_TAKEN_OVER.add()
