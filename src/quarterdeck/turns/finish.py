"""How a turn leaves this worker: saved and closed, handed over, or buried."""

from __future__ import annotations

import asyncio
import contextlib

from msgspec import structs

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.events import FeedTurnEnded, TurnEnded, TurnFault, encode_event
from quarterdeck.domain.fold import Fold
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import LogError, QuarterdeckError, StaleWriterError, as_quarterdeck_error
from quarterdeck.log.base import Log
from quarterdeck.log.bell import Bell
from quarterdeck.store.database import Database, StorageError, WriteConnection
from quarterdeck.store.search_queue import IndexQueue
from quarterdeck.store.turns import TurnRow, release_turn
from quarterdeck.store.usage import record_spent
from quarterdeck.tracing import spans
from quarterdeck.turns.claim import Lease
from quarterdeck.turns.commands import HANDED_OVER
from quarterdeck.turns.feed import Feed
from quarterdeck.turns.job import Job
from quarterdeck.turns.notes import keep_notes
from quarterdeck.turns.patience import keep_trying
from quarterdeck.turns.save import Ending, Saved, said_in, save_answer

logger = get_logger("quarterdeck.turns")

KEEP_LOG_S = 3600.0
_CLOSE_FOR_S = 120.0
_PAUSE_S = 1.0
_LOG_S = 0.5  # how long the answer waits to be in its log first; saved it is in any case


class Finish:
    """`is_leaving`: the process is about to end, so nothing is tried for long any more."""

    def __init__(
        self, database: Database, log: Log, feed: Feed, bell: Bell, lease: Lease, index_queue: IndexQueue
    ) -> None:
        self._database = database
        self._index_queue = index_queue
        self._log = log
        self._feed = feed
        self._bell = bell
        self._lease = lease
        self.is_leaving = False
        self.closed: set[str] = set()
        """Turns whose logs were ended here, for who looks after logs that were not."""

    async def save(self, job: Job, ended: TurnEnded, *, claims_next: bool) -> Saved:
        """The answer into the database, also what the log has not yet. Waits for a database that is away.

        Raises: `StaleWriterError` when the turn is another worker's by now; nothing was changed then. `StorageError`.
        """
        await job.outbox.catch_up(_LOG_S)
        folded = job.outbox.fold_all()
        ending = Ending(
            job.turn, folded, ended, job.first_token_ms, job.spent(folded), job.counted(folded), await job.notes.take()
        )
        with spans.span("save"):
            saved = await self._save_with_notes(ending, claims_next=claims_next)
        if not saved.is_ours:
            raise StaleWriterError("Another worker has taken this turn over.")
        job.claim.end()
        if saved.waiting is not None:
            await self._bell.ready(saved.waiting)
        return saved

    async def close(self, job: Job, ended: TurnEnded, duration_s: float) -> None:
        """The log's last event. A log that stays away is left to the reaper; so is one that others have closed."""
        _note_end(job, ended, duration_s)
        job.outbox.put([ended])
        try:
            await self._close(job)
            self.closed.add(job.turn.id)
        except LogError as error:
            logger.warning("log_not_closed", turn=job.turn.id, reason=error.message, detail=error.detail)
        self._feed.tell(job.turn.owner_id, FeedTurnEnded(job.turn.conversation_id, job.turn.id, ended.status))

    async def hand_over(self, turn: TurnRow, job: Job | None) -> None:
        """Another worker may have it at once, and all are told. `job`: what was begun here, if anything was."""
        spent = [] if job is None else job.spent(job.outbox.fold_all())
        notes = [] if job is None else await job.notes.take()
        counts = job is not None and job.has_asked  # the next one has to ask the model once more

        def release(connection: WriteConnection) -> None:
            if release_turn(connection, turn.id, self._lease.worker, counts=counts):
                record_spent(connection, spent)
                keep_notes(connection, turn, notes)

        try:
            await self._database.write(release)
            logger.info("turn_handed_over", turn=turn.id)
            metrics.TURNS_HANDED_OVER.add()
            spans.describe(outcome="handed over")
            await self._bell.tell(HANDED_OVER)
        except QuarterdeckError as error:  # its lease runs out by itself
            logger.warning("turn_not_handed_over", turn=turn.id, reason=error.message, detail=error.detail)

    async def bury(self, turn: TurnRow, job: Job | None, error: Exception) -> None:
        """End a turn that cannot be run, with what it has: its message says so, its log is closed for its followers.

        What it used and was sent is not written down: that may be what cannot be, and then it would never end.
        """
        known = as_quarterdeck_error(error)
        ended = TurnEnded("failed", now_ms(), TurnFault(known.code, known.message))
        folded = Fold().turn() if job is None else job.outbox.fold_all()
        with contextlib.suppress(QuarterdeckError):
            saved = await self._save(Ending(turn, folded, ended, None), claims_next=False)
            if not saved.is_ours:  # it had ended before, or is another worker's
                return
            if job is None:
                await close_log(self._log, turn.id, [encode_event(ended)])
            else:
                job.claim.end()
                job.outbox.put([ended])
                await self._close(job)
            self._feed.tell(turn.owner_id, FeedTurnEnded(turn.conversation_id, turn.id, ended.status))

    async def _save_with_notes(self, ending: Ending, *, claims_next: bool) -> Saved:
        """The answer is worth more than the notes about it: they are tried once."""
        if ending.notes:
            try:
                return await self._save(ending, claims_next=claims_next)
            except StorageError as error:
                logger.warning("manifest_not_saved", turn=ending.turn.id, reason=error.message, detail=error.detail)
                ending = structs.replace(ending, notes=[])
        return await keep_trying(lambda: self._save(ending, claims_next=claims_next))

    async def _save(self, ending: Ending, *, claims_next: bool) -> Saved:
        saved = await self._database.write(
            lambda connection: save_answer(connection, ending, self._lease, claims_next=claims_next)
        )
        if saved.is_ours and (said := said_in(ending)) is not None:
            self._index_queue.put(said)
        return saved

    async def _close(self, job: Job) -> None:
        """Raises: `LogError`."""
        if await job.outbox.end(KEEP_LOG_S):
            return
        give_up_at = asyncio.get_running_loop().time() + _CLOSE_FOR_S
        while not await job.outbox.catch_up(_PAUSE_S):
            if self.is_leaving or asyncio.get_running_loop().time() >= give_up_at:
                raise LogError("The log is away.")
        while True:
            try:
                await self._log.finish(job.turn.id, KEEP_LOG_S)
                return
            except LogError:
                if self.is_leaving or asyncio.get_running_loop().time() >= give_up_at:
                    raise
            await asyncio.sleep(_PAUSE_S)


async def close_log(log: Log, turn: str, ending: list[bytes]) -> None:
    """Append `ending` and finish. Raises: `LogError`.

    The turn's first event may be on its way just now: then the number after it is ours.
    """
    for tries_left in (1, 0):
        status = await log.status(turn)
        try:
            await log.append(turn, 1 if status is None else status.last + 1, ending)
            break
        except StaleWriterError:
            if not tries_left:
                raise
    await log.finish(turn, KEEP_LOG_S)


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
