"""Events on their way into one turn's log: deltas joined, sequence numbers given, one writer.

Everything is folded as it is committed, so the stored message is the fold of the log by construction. While the
log is away, events wait here and are committed when it is back; a log that was lost is written anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.events import Event, PartStarted, TextDelta, TurnRestored, TurnStarted, encode_event
from quarterdeck.domain.fold import Fold, FoldedTurn
from quarterdeck.errors import LogError, LogLostError, StaleWriterError
from quarterdeck.log.base import Last, Log
from quarterdeck.turns.claim import Claim
from quarterdeck.turns.patience import settles_within

logger = get_logger("quarterdeck.turns")

MAX_WAITING_CHARS = 4_000_000
MAX_DELTA_CHARS = 16_384  # of one event: who reads line by line or frame by frame need not take more at once
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0


class Outbox:
    """`started` is the turn's first event; `last_seq` is what the log holds, and `fold` what that adds up to.

    `on_back` is called when the log can be followed again after it could not be written, `on_lost` when the turn is
    somebody else's by now.
    """

    def __init__(
        self,
        log: Log,
        claim: Claim,
        started: TurnStarted,
        *,
        last_seq: int,
        fold: Fold,
        on_back: Callable[[], None] = lambda: None,
    ) -> None:
        self._log = log
        self._claim = claim
        self._started = started
        self._last_seq = last_seq
        self.fold = fold
        self._on_back = on_back
        self._waiting: list[Event] = []
        self._folded = 0  # how many of those that wait are in the fold already
        self._part = -1
        self._texts: list[str] = []
        self._waiting_chars = 0
        self._flushing: asyncio.Future[None] | None = None
        self._sending = (0, 0)  # events and characters of the append under way, when it needs no task
        self._sent: asyncio.Future[None] | None = None  # when that has ended, where somebody waits for it
        self._is_wanted = False  # another flush, after the one under way
        self.is_behind = False  # the log could not be written; what waits is committed as soon as it can be
        self.on_lost: Callable[[], None] = lambda: None
        self.is_urgent = False  # something waits that must not wait for more text

    @property
    def is_full(self) -> bool:
        return self._waiting_chars > MAX_WAITING_CHARS

    def put(self, events: list[Event]) -> None:
        for event in events:
            if type(event) is TextDelta:
                if event.part != self._part:
                    self._join()
                    self._part = event.part
                self._texts.append(event.text)
                self._waiting_chars += len(event.text)
            else:
                self._join()
                self._waiting.append(event)
                self.is_urgent = True

    async def flush(self) -> None:
        """Commit what waits. One call at a time.

        Raises: `StaleWriterError` when the turn is somebody else's by now; `LogError`: then it waits on, for
        a log that began a part and lost it could not be folded.
        """
        self._join()
        count, chars, self.is_urgent = len(self._waiting), self._waiting_chars, False
        if not count:
            return
        try:
            if not self._claim.is_certain:
                await self._claim.confirm()
            told = await self._append(count)
        except LogError:
            self.is_urgent = True
            raise
        chars += sum(len(event.text) for event in self._waiting[count:told] if type(event) is TextDelta)
        self._note_committed(told, chars)

    def pass_on(self) -> None:
        """Commit what waits, without waiting for it: who receives an answer is not held up by a slow log.

        Raises: `StaleWriterError`, perhaps for what was passed on before.
        """
        if self._is_sending():
            self._is_wanted = True
            return
        if self._flushing is not None:
            self._take_result()
        self._join()
        self.is_urgent = False
        if not self._waiting:
            return
        if self.is_behind or not self._claim.is_certain:
            self._flush_by_task()
        else:
            self._send()

    async def catch_up(self, timeout_s: float) -> bool:
        """Whether all is committed within that time; it goes on by itself afterwards. Raises: `StaleWriterError`."""
        self.pass_on()
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + timeout_s
        while self._is_sending():
            left_s = ends_s - loop.time()
            if left_s <= 0:
                return False
            if self._flushing is None or self._flushing.done():
                self._sent = self._sent or loop.create_future()
                await settles_within(self._sent, left_s)
            else:
                await settles_within(self._flushing, left_s)
        self._take_result()
        return True

    async def end(self, keep_s: float) -> bool:
        """Commit what waits, the turn's last event in the end, and finish the log, all at once.

        False: the log is behind or away; what waits waits on, and so does the finish. Raises: `StaleWriterError`.
        """
        if self._is_sending() or self.is_behind or not self._claim.is_certain:
            return False
        self._take_result()
        count, chars = len(self._waiting), self._waiting_chars
        bodies = [encode_event(event) for event in self._waiting]
        try:
            await self._log.finish(self._started.turn, keep_s, Last(self._last_seq + 1, bodies))
        except LogError:
            return await self._was_appended(count, chars)
        self._last_seq += count
        self._note_committed(count, chars)
        return True

    async def _was_appended(self, count: int, chars: int) -> bool:
        """After a finish that failed: only one that is known to have appended all that was given is to be repeated."""
        with contextlib.suppress(LogError):
            status = await self._log.status(self._started.turn)
            if status is not None and status.last == self._last_seq + count:
                self._last_seq += count
                self._note_committed(count, chars)
        return False

    def _send(self) -> None:
        """Nearly every flush is this: an append that succeeds. It needs no task."""
        self._sending = (len(self._waiting), self._waiting_chars)
        bodies = [encode_event(event) for event in self._waiting]
        self._log.append_soon(self._started.turn, self._last_seq + 1, bodies, self._on_appended)

    def _on_appended(self, error: LogError | None) -> None:
        (count, chars), self._sending = self._sending, (0, 0)
        if self._sent is not None:
            self._sent.set_result(None)
            self._sent = None
        if not count:  # given up meanwhile
            return
        if error is not None:
            self._flush_by_task()  # it tries once more and finds out what is wrong
            return
        self._last_seq += count
        self._note_committed(count, chars)
        if self._is_wanted:
            self._is_wanted = False
            self.pass_on()

    def _note_committed(self, count: int, chars: int) -> None:
        for event in self._waiting[self._folded : count]:
            self.fold.apply(event)
        del self._waiting[:count]
        self._folded = max(self._folded - count, 0)
        self._waiting_chars -= chars

    def _flush_by_task(self) -> None:
        self._flushing = asyncio.get_running_loop().create_task(self._flush_until_done())

    def _is_sending(self) -> bool:
        return self._sending[0] > 0 or (self._flushing is not None and not self._flushing.done())

    def _take_result(self) -> None:
        flushing, self._flushing = self._flushing, None
        if flushing is not None:
            flushing.result()

    def abandon(self) -> None:
        """Nothing more is written from here."""
        self._sending = (0, 0)  # an append comes to its end, and nothing after it
        flushing, self._flushing = self._flushing, None
        if flushing is None:
            return
        if not flushing.done():
            flushing.cancel()
        elif not flushing.cancelled():
            flushing.exception()  # it has been said by whoever ended the turn

    def fold_all(self) -> FoldedTurn:
        """What the log adds up to when what waits is in it as well."""
        self._join()
        for event in self._waiting[self._folded :]:
            self.fold.apply(event)
        self._folded = len(self._waiting)
        return self.fold.turn()

    async def begin_anew(self, seq: int) -> None:
        """The log begins at `seq` with the answer as it stands. Raises: as `flush`."""
        await self._write_anew(seq, [])

    async def _flush_until_done(self) -> None:
        pause_s = 0.0
        self._is_wanted = True
        while self._is_wanted:
            self._is_wanted = False
            try:
                await self.flush()
            except StaleWriterError:
                self.on_lost()
                raise
            except LogError as error:
                if not self.is_behind:
                    logger.warning("log_behind", turn=self._started.turn, reason=error.message, detail=error.detail)
                self.is_behind = self._is_wanted = True
                pause_s = min(max(pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
                await asyncio.sleep(pause_s)
        if self.is_behind:
            self.is_behind = False
            self._on_back()

    async def _append(self, count: int) -> int:
        """The first `count` that wait; how many the log has then."""
        bodies = [encode_event(event) for event in self._waiting[:count]]
        try:
            await self._log.append(self._started.turn, self._last_seq + 1, bodies)
        except StaleWriterError as error:
            if not await self._is_lost(error):
                raise
            logger.warning("log_written_anew", turn=self._started.turn, after=self._last_seq)
            return await self._replace(bodies)
        self._last_seq += len(bodies)
        return count

    async def _is_lost(self, error: StaleWriterError) -> bool:
        """Whether the log is gone, or its end is, while the turn is still ours. Raises: `StaleWriterError`."""
        if isinstance(error, LogLostError):
            await self._claim.confirm_anew()
            return True
        status = await self._log.status(self._started.turn)
        if status is None or status.state == "finished" or status.last >= self._last_seq:
            return False  # another writer was there
        await self._claim.confirm_anew()
        await self._log.drop(self._started.turn)
        return True

    async def _replace(self, bodies: list[bytes]) -> int:
        if self._last_seq > 1:
            told = max(len(bodies), self._folded)  # what was folded meanwhile stands in the answer, too
            await self._write_anew(self._last_seq + 1, bodies[self._folded :])
            self._on_back()
            return told
        try:  # nobody has seen more than its beginning
            await self._log.append(self._started.turn, 1, [encode_event(self._started), *bodies])
        except LogLostError:
            raise
        except StaleWriterError:  # the beginning was late, and is there now
            await self._log.append(self._started.turn, 2, bodies)
        self._last_seq = 1 + len(bodies)
        return len(bodies)

    async def _write_anew(self, seq: int, bodies: list[bytes]) -> None:
        restored = encode_event(restored_event(self._started, self.fold.turn()))
        await self._log.append(self._started.turn, seq, [restored, *bodies], begins=True)
        self._last_seq = seq + len(bodies)

    def _join(self) -> None:
        texts = self._texts
        if not texts:
            return
        text = "".join(texts)
        texts.clear()
        if len(text) <= MAX_DELTA_CHARS:
            self._waiting.append(TextDelta(self._part, text))
        else:
            for start in range(0, len(text), MAX_DELTA_CHARS):
                self._waiting.append(TextDelta(self._part, text[start : start + MAX_DELTA_CHARS]))
        self._part = -1


def restored_event(started: TurnStarted, so_far: FoldedTurn) -> TurnRestored:
    """The answer as it stands, for a log that is written anew."""
    return TurnRestored(
        turn=started.turn,
        conversation=started.conversation,
        message=started.message,
        request=started.request,
        model=started.model,
        at=started.at,
        parts=so_far.parts,
        open=so_far.open,
        steps=so_far.steps,
        attempts=so_far.attempts,
        step_ended=so_far.step_ended,
        finish=so_far.finish,
        usage=so_far.usage,
        attempt_usage=so_far.attempt_usage,
        continuations=so_far.continuations,
        called=so_far.called,
        approvals=so_far.approvals,
        taint=so_far.taint,
    )


def begins_text(events: list[Event]) -> bool:
    """Whether the first visible character is among `events`."""
    return any(type(event) is PartStarted for event in events)
