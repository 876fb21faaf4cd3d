"""Where a worker begins: at the turn's first event, or after what its log holds already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.events import TurnContinued, decode_event
from quarterdeck.domain.fold import Fold
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import LogError, StaleWriterError
from quarterdeck.log.base import Log
from quarterdeck.store.database import Database
from quarterdeck.store.turns import TurnRow, list_steps
from quarterdeck.tracing import spans
from quarterdeck.turns.claim import Claim
from quarterdeck.turns.outbox import Outbox
from quarterdeck.turns.patience import keep_trying
from quarterdeck.turns.record import started_event

logger = get_logger("quarterdeck.turns")

_FENCES = 5
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_HIGHEST_FIRST_SEQ = 8_000_000
_GAP = 10_000  # more than a log that is synced every second can lose


class Opening(Struct, frozen=True):
    """`raise_if_leaving` raises when this worker is to hand over what it has not begun.

    `is_fresh`: the turn was recorded just now, and its first event is on its way. `is_log_doubtful`: somebody may have
    read lines that the log has lost, so what comes now must not stand under their numbers.
    """

    database: Database
    log: Log
    turn: TurnRow
    claim: Claim
    on_back: Callable[[], None]
    raise_if_leaving: Callable[[], None]
    is_fresh: bool = False
    is_log_doubtful: bool = False

    async def open(self) -> Outbox:
        """Raises: `StaleWriterError`."""
        return self._outbox(1, []) if self.is_fresh else await self._resume_when_it_can()

    async def _resume_when_it_can(self) -> Outbox:
        """After what another worker wrote, perhaps nothing; waits for a log that is away.

        The first event (`turn.continued`, where there is something to continue) is written when this returns: from
        then on the log refuses the old worker. Raises: `StaleWriterError`.
        """
        pause_s = _FIRST_PAUSE_S
        refusals = 0
        while True:
            self.raise_if_leaving()
            try:
                return await self._resume()
            except StaleWriterError:  # the old worker's last line came after we had read
                refusals += 1
                if refusals >= _FENCES:
                    raise
                await self.claim.confirm_anew()
            except LogError as error:
                logger.warning("log_not_read", turn=self.turn.id, reason=error.message, detail=error.detail)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _resume(self) -> Outbox:
        last_seq, bodies = 0, []
        while entries := await self.log.read(self.turn.id, last_seq):
            bodies += [entry.body for entry in entries]
            last_seq = entries[-1].seq
        if last_seq == 0:
            return await self._begin()
        outbox = self._outbox(last_seq, bodies)
        if self.is_log_doubtful and last_seq > 1:
            await self.log.drop(self.turn.id)
            await outbox.begin_anew(max(last_seq + _GAP, self._seq_above_all()))
        if outbox.fold.turn().steps:
            outbox.put([TurnContinued(now_ms())])
            spans.describe(continued=True)
            await outbox.flush()
        return outbox

    async def _begin(self) -> Outbox:
        """The turn's first event; above all old numbers if the turn had begun and its log was lost."""
        outbox = self._outbox(0, [])
        if self.is_log_doubtful or await self._is_noted():
            logger.warning("log_lost", turn=self.turn.id)
            outbox.fold.apply(started_event(self.turn))
            await outbox.begin_anew(self._seq_above_all())
        else:
            outbox.put([started_event(self.turn)])
            await outbox.flush()
        return outbox

    async def _is_noted(self) -> bool:
        """Whether a model was asked for it: an older worker may have handed it over."""
        read = self.database.read
        return bool(await keep_trying(lambda: read(lambda connection: list_steps(connection, self.turn.id))))

    def _seq_above_all(self) -> int:
        """No turn writes an event in every millisecond, so this is above what any reader has."""
        return min(10_000 + max(now_ms() - self.turn.created_at, 0), _HIGHEST_FIRST_SEQ)

    def _outbox(self, last_seq: int, bodies: list[bytes]) -> Outbox:
        fold = Fold()
        if last_seq == 1 and not bodies:
            fold.apply(started_event(self.turn))
        for body in bodies:
            fold.apply(decode_event(body))
        started = started_event(self.turn)
        return Outbox(self.log, self.claim, started, last_seq=last_seq, fold=fold, on_back=self.on_back)
