"""Runs this process's turns: leases kept, events into the log, the answer saved, the next one begun."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.events import (
    FeedTurnEnded,
    FeedTurnStarted,
    TurnEnded,
    TurnFault,
    decode_event,
    encode_event,
)
from quarterdeck.domain.fold import Fold
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import LogError, QuarterdeckError, StaleWriterError, as_quarterdeck_error
from quarterdeck.log.base import Log
from quarterdeck.store.database import StorageError
from quarterdeck.store.turns import TurnRow, release_turn, renew_leases
from quarterdeck.tracing import spans
from quarterdeck.turns.feed import Feed
from quarterdeck.turns.job import InterruptedTurnError, Job, Rooms
from quarterdeck.turns.outbox import Outbox
from quarterdeck.turns.record import Lease, started_event
from quarterdeck.turns.save import Saved, save_answer

logger = get_logger("quarterdeck.turns")

LEASE_MS = 10_000
_RENEW_S = 3.0
_KEEP_LOG_S = 3600.0
_SAVE_TRIES = 8
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0

T = TypeVar("T")


class TurnRunner:
    """`launch` a claimed turn, `stop` one, `drain` all. One instance in a process."""

    def __init__(self, rooms: Rooms, log: Log, feed: Feed, worker: str) -> None:
        self._rooms = rooms
        self._log = log
        self._feed = feed
        self.worker = worker
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._early_stops: set[str] = set()  # asked for before the job was there to hear it
        self._renewal: asyncio.Task[None] | None = None
        self.is_draining = False

    def lease(self) -> Lease:
        """A lease for this worker, from now."""
        return Lease(self.worker, now_ms() + LEASE_MS)

    def start(self) -> None:
        self._renewal = asyncio.create_task(self._renew_forever())

    def launch(self, turn: TurnRow, *, last_seq: int | None = None) -> None:
        """Run a turn whose lease this worker has. `last_seq`: what its log holds, None to go and look."""
        if turn.id not in self._tasks:
            work = spans.traced("run", turn.id, self._run(turn, last_seq), worker=self.worker, model=turn.model)
            task = asyncio.create_task(work, name=f"turn-{turn.id}")
            self._tasks[turn.id] = task
            metrics.TURNS_RUNNING.add(1)
            task.add_done_callback(lambda _: self._forget(turn.id))

    def _forget(self, turn: str) -> None:
        self._tasks.pop(turn, None)
        metrics.TURNS_RUNNING.add(-1)

    def stop(self, turn: str) -> bool:
        """End a turn with what it has; False when it does not run here."""
        if (job := self._jobs.get(turn)) is not None:
            job.interrupt(is_stop=True)
        else:
            self._early_stops.add(turn)  # it may have been claimed, and not launched yet
        return turn in self._tasks

    def runs(self, turn: str) -> bool:
        return turn in self._tasks

    @property
    def running(self) -> int:
        return len(self._tasks)

    async def drain(self, timeout_s: float) -> None:
        """Hand every turn over at an event boundary; whoever starts next goes on from there."""
        self.is_draining = True
        for job in list(self._jobs.values()):
            job.interrupt(is_stop=False)
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=timeout_s)
        for task in list(self._tasks.values()):
            task.cancel()
        if self._renewal is not None:
            self._renewal.cancel()

    async def _run(self, turn: TurnRow, last_seq: int | None) -> None:
        started_s = asyncio.get_running_loop().time()
        try:
            outbox = await self._open_outbox(turn, last_seq)
            job = self._jobs[turn.id] = Job(self._rooms, turn, outbox)
            if turn.id in self._early_stops or self.is_draining:
                job.interrupt(is_stop=turn.id in self._early_stops)
            self._feed.tell(turn.owner_id, FeedTurnStarted(turn.conversation_id, turn.id))
            ended = await job.answer()
            await self._finish(job, ended)
            _note_end(job, ended, asyncio.get_running_loop().time() - started_s)
        except InterruptedTurnError:
            await self._hand_over(turn)
        except StaleWriterError:
            logger.warning("turn_lost", turn=turn.id, worker=self.worker)
            metrics.TURNS_LOST.add()
            spans.describe("lost")
        except QuarterdeckError as error:  # the log or the database would not have it: the reaper tries again
            logger.error("turn_not_saved", turn=turn.id, code=error.code, reason=error.message, detail=error.detail)
        except Exception as error:  # what nobody thought of would be taken over again and again
            logger.error("turn_crashed", turn=turn.id, exc_info=error)
            await self._bury(turn, error)
        finally:
            self._jobs.pop(turn.id, None)
            self._early_stops.discard(turn.id)

    async def _open_outbox(self, turn: TurnRow, last_seq: int | None) -> Outbox:
        """With the fold of what the log holds already."""
        fold = Fold()
        if last_seq == 1:
            fold.apply(started_event(turn))  # by whoever recorded the turn, this process or another
        elif last_seq is None:
            last_seq = 0
            while entries := await self._log.read(turn.id, last_seq):
                for entry in entries:
                    fold.apply(decode_event(entry.body))
                last_seq = entries[-1].seq
        outbox = Outbox(self._log, turn.id, last_seq=last_seq, fold=fold)
        if last_seq == 0:
            outbox.put([started_event(turn)])
            await outbox.flush()
        return outbox

    async def _finish(self, job: Job, ended: TurnEnded) -> None:
        """The answer into the database, then the log's last event, then the turn that waited for this one.

        Raises: `StaleWriterError` when the turn is another worker's by now; nothing was changed then.
        """
        saved = await self._try_for_a_while(lambda: self._save(job, ended))
        if not saved.is_ours:
            raise StaleWriterError("Another worker has taken this turn over.")
        try:
            job.outbox.put([ended])
            await self._try_for_a_while(lambda: self._close(job))
            self._feed.tell(job.turn.owner_id, FeedTurnEnded(job.turn.conversation_id, job.turn.id, ended.status))
        finally:
            if saved.next_turn is not None:
                self.launch(saved.next_turn)

    async def _try_for_a_while(self, write: Callable[[], Awaitable[T]]) -> T:
        """A full disk may be cleared, and what the answer holds so far is not lost meanwhile."""
        for attempt in range(1, _SAVE_TRIES):
            try:
                return await write()
            except StaleWriterError:
                raise
            except (StorageError, LogError):
                if self.is_draining:
                    raise
                await asyncio.sleep(min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S))
        return await write()

    async def _save(self, job: Job, ended: TurnEnded) -> Saved:
        folded = job.outbox.fold.turn()
        with spans.span("save"):
            return await self._rooms.database.write(
                lambda connection: save_answer(connection, job.turn, folded, ended, job.first_token_ms, self.lease())
            )

    async def _close(self, job: Job) -> None:
        await job.outbox.flush()
        await self._log.finish(job.turn.id, _KEEP_LOG_S)

    async def _hand_over(self, turn: TurnRow) -> None:
        try:
            await self._rooms.database.write(lambda connection: release_turn(connection, turn.id, self.worker))
            logger.info("turn_handed_over", turn=turn.id)
            metrics.TURNS_HANDED_OVER.add()
            spans.describe(outcome="handed over")
        except QuarterdeckError as error:  # its lease runs out by itself
            logger.warning("turn_not_handed_over", turn=turn.id, reason=error.message, detail=error.detail)

    async def _bury(self, turn: TurnRow, error: Exception) -> None:
        """End a turn that cannot be run: its message says so, its log is closed for whoever follows it."""
        known = as_quarterdeck_error(error)
        ended = TurnEnded("failed", now_ms(), TurnFault(known.code, known.message))
        with contextlib.suppress(QuarterdeckError):
            await self._rooms.database.write(
                lambda connection: save_answer(connection, turn, Fold().turn(), ended, None, self.lease())
            )
            await self._close_log(turn.id, encode_event(ended))

    async def _close_log(self, turn: str, ending: bytes) -> None:
        """Raises: `LogError`. Its first event may be on its way just now: then the number after it is ours."""
        for tries_left in (1, 0):
            status = await self._log.status(turn)
            try:
                await self._log.append(turn, 1 if status is None else status.last + 1, [ending])
                break
            except StaleWriterError:
                if not tries_left:
                    raise
        await self._log.finish(turn, _KEEP_LOG_S)

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            running = list(self._jobs)
            if not running:
                continue
            try:
                until = now_ms() + LEASE_MS
                await self._rooms.database.write(
                    lambda connection, running=running, until=until: renew_leases(
                        connection, self.worker, running, until
                    )  # type: ignore[misc]
                )
            except QuarterdeckError as error:
                logger.warning("leases_not_renewed", reason=error.message, detail=error.detail)


def _note_end(job: Job, ended: TurnEnded, duration_s: float) -> None:
    usage = job.outbox.fold.turn().usage
    code = ended.error.code if ended.error else ""
    first_token_s = None if job.first_token_ms is None else job.first_token_ms / 1000
    metrics.count_turn(
        metrics.TurnFigures(
            job.turn.model, ended.status, code, duration_s, first_token_s, usage.input_tokens, usage.output_tokens
        )
    )
    spans.describe(code, outcome=ended.status, first_token_s=first_token_s)
    logger.info(
        "turn_ended",
        turn=job.turn.id,
        model=job.turn.model,
        status=ended.status,
        code=code or None,
        first_token_ms=job.first_token_ms,
        duration_ms=round(duration_s * 1000),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
    )
