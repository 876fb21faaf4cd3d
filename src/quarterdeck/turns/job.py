"""One turn being run by this process: claim in hand, from the first event to the last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from msgspec import Struct, structs

from quarterdeck.context.assistants import Assistant, built_in
from quarterdeck.context.build import Context
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.events import (
    ContextShortened,
    Event,
    StepStarted,
    TurnEnded,
    TurnFault,
    TurnStatus,
    UsageReported,
)
from quarterdeck.domain.fold import FoldedTurn
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.usage import ModelProfile, Usage
from quarterdeck.errors import (
    ContextTooLongError,
    ProviderCutError,
    QuarterdeckError,
    StaleWriterError,
    as_quarterdeck_error,
)
from quarterdeck.providers.base import Provider
from quarterdeck.providers.polling import EMPTY_TICKS, Source, source_of
from quarterdeck.store.turns import TurnRow
from quarterdeck.store.usage import Spent
from quarterdeck.turns.briefing import Briefing, Counted
from quarterdeck.turns.calls import CallPlan, run_calls, settle_cut_off
from quarterdeck.turns.claim import Claim
from quarterdeck.turns.decisions import Decisions
from quarterdeck.turns.engine import Stage, StepPlan, leads_on, run_step, stage_of
from quarterdeck.turns.metering import Meter
from quarterdeck.turns.notes import Notes
from quarterdeck.turns.outbox import Outbox, begins_text
from quarterdeck.turns.parts import PartWriter
from quarterdeck.turns.patience import keep_trying
from quarterdeck.turns.rooms import Rooms

logger = get_logger("quarterdeck.turns")

_MAX_ATTEMPTS = 2  # upstream requests for one step, take-overs included
_MAX_HANDOVERS = 5  # that do not count as attempts
_LOG_S = 1.0
_LOOK_S = 0.2  # while there is no room, how soon an interruption is noticed


class Number(Struct, frozen=True):
    """Which request of the turn it is."""

    step: int
    attempt: int


class InterruptedTurnError(Exception):
    """The turn is not to go on here: `stop` was asked for, or it is handed over."""

    def __init__(self, *, is_stop: bool) -> None:
        super().__init__("stop" if is_stop else "hand over")
        self.is_stop = is_stop


class Job:
    """`answer()` runs the turn and says how it ended; it saves nothing (the runner does).

    `is_fresh`: nobody has worked on the turn before. `waiting`: the turns of this process that wait for their users; it
    adds and removes its own.
    """

    def __init__(
        self,
        rooms: Rooms,
        turn: TurnRow,
        claim: Claim,
        outbox: Outbox,
        *,
        is_fresh: bool = False,
        waiting: set[str] | None = None,
    ) -> None:
        self.turn = turn
        self.claim = claim
        self.outbox = outbox
        outbox.on_lost = self.lose
        self.has_asked = False  # a model, and so a hand-over costs another request
        self.first_token_ms: int | None = None
        self._rooms = rooms
        self._is_fresh = is_fresh
        self._decisions = Decisions(rooms.database, turn.id, set[str]() if waiting is None else waiting)
        self._meter = Meter(rooms.database, rooms.spending, turn)
        self._briefing = Briefing(rooms, turn)
        self.notes = Notes(rooms.database, turn)
        self.context: Context | None = None  # what was sent last
        self._reported: Usage | None = None
        self._fault_code = ""
        self._writer: PartWriter | None = None
        self._interruption: InterruptedTurnError | StaleWriterError | None = None
        self._has_received = False  # something of the step
        self._task: asyncio.Task[None] | None = None  # that pumps
        self._reading: asyncio.Task[None] | None = None  # the same, while it waits for the model
        self._stream: AsyncGenerator[list[Event], None] | None = None
        self._source: Source[list[Event]] = Source()  # of it
        self._empty_ticks = 0
        self._leaving: asyncio.Task[None] | None = None

    def interrupt(self, *, is_stop: bool) -> None:
        """Ask the job to end at the next event boundary; the upstream is left at once."""
        if self._interruption is None or (is_stop and isinstance(self._interruption, InterruptedTurnError)):
            self._interruption = InterruptedTurnError(is_stop=is_stop)
        self._leave_upstream()

    def lose(self) -> None:
        """Another worker has the turn: nothing is written any more."""
        self._interruption = StaleWriterError("Another worker has taken this turn over.")
        self._leave_upstream()

    def look_for_decisions(self) -> None:
        """The user has decided about a tool call."""
        self._decisions.look()

    def _leave_upstream(self) -> None:
        """Also while the log keeps us waiting: a stopped turn must not go on being paid for."""
        if self._reading is not None:
            self._reading.cancel()
        elif self._stream is not None and self._leaving is None:
            self._leaving = asyncio.create_task(self._stream.aclose())

    async def answer(self) -> TurnEnded:
        """Raises: `InterruptedTurnError` when the turn is handed over, `StaleWriterError` when it is lost."""
        try:
            await self._settle_earlier()
            if self.turn.stop_requested_at is not None:
                raise InterruptedTurnError(is_stop=True)
            await self._run()
            return TurnEnded("complete", now_ms())
        except InterruptedTurnError as interruption:
            if not interruption.is_stop:
                raise
            return await self._end("stopped")
        except StaleWriterError:
            raise
        except Exception as caught:  # one of the two places where everything is caught: a turn always ends
            error = as_quarterdeck_error(caught)
            logger.warning(
                "turn_failed", turn=self.turn.id, model=self.turn.model, code=error.code, reason=error.message,
                detail=error.detail, exc_info=caught if error.code == "internal" else None,
            )  # fmt: skip
            return await self._end("failed", error)

    def spent(self, folded: FoldedTurn) -> list[Spent]:
        """What the requests of this job have used, when its answer is `folded`."""
        return self._meter.close(
            folded, has_asked=self.has_asked, code=self._fault_code, first_token_ms=self.first_token_ms
        )

    async def _end(self, status: TurnStatus, error: QuarterdeckError | None = None) -> TurnEnded:
        if self._writer is not None:
            self.outbox.put(self._writer.close())
        self.outbox.pass_on()
        self._fault_code = "" if error is None else error.code
        fault = None if error is None else TurnFault(error.code, error.message, error.retryable, error.retry_after_s)
        return TurnEnded(status, now_ms(), fault)

    async def _run(self) -> None:
        """Asks, calls, asks again, until a step asks for no more calls."""
        so_far = self.outbox.fold.turn()
        if so_far.step_ended and not leads_on(so_far):
            return
        assistant = built_in(self.turn.assistant)
        await self._rooms.registry.look_for(self.turn.model)  # this process may have begun just now
        provider, profile = self._rooms.registry.provider_for(self.turn.model)
        if so_far.step_ended:
            await keep_trying(lambda: self._briefing.find_offer(profile))
        while (stage := self._stage_of(so_far)) != "done":
            if stage == "call":
                await self._pump(run_calls(self._plan_calls(so_far)))
            else:
                await self._run_step(so_far, provider, profile, assistant)
                if self._writer is None or not self._writer.has_called:
                    return
            so_far = self.outbox.fold_all()
            if stage == "ask" and self._stage_of(so_far) != "done":
                first_token_ms = self.first_token_ms if so_far.steps == 1 else None
                await self._meter.settle(so_far, first_token_ms, await self.notes.take())
                self.has_asked = False

    def _stage_of(self, so_far: FoldedTurn) -> Stage:
        return stage_of(so_far, has_tools=bool(self._briefing.offer.tools))

    async def _run_step(
        self, so_far: FoldedTurn, provider: Provider, profile: ModelProfile, assistant: Assistant
    ) -> None:
        number = Number(so_far.steps + 1, 1) if so_far.step_ended else Number(max(so_far.steps, 1), so_far.attempts + 1)
        if number.attempt - 1 - min(self.turn.handovers, _MAX_HANDOVERS) >= _MAX_ATTEMPTS:
            raise ProviderCutError("This answer was interrupted twice. What was received is kept; try again.")
        if not so_far.step_ended and (cut_off := settle_cut_off(so_far)):
            self.outbox.put(cut_off)
            so_far = self.outbox.fold_all()
        context = await keep_trying(lambda: self._briefing.build(assistant, profile, so_far))
        self._writer = PartWriter(so_far.parts, so_far.open, assistant.format)
        most_tokens = await self._meter.open(profile, context, so_far, step=number.step, attempt=number.attempt)
        plan = self._plan(number.step, provider, profile, assistant, context, most_tokens)
        try:
            await self._ask(plan, number.attempt)
        except ContextTooLongError as refusal:
            shorter = await self._shorten(plan, so_far)
            if shorter is None:
                raise
            self.outbox.put([ContextShortened(plan.step, refusal.message)])
            await self._ask(shorter, number.attempt)

    async def _ask(self, plan: StepPlan, attempt: int) -> None:
        """One request to the model, with the note of what it was sent."""
        self.context = plan.context
        self._has_received = False
        self.notes.add(plan.step, attempt, plan.context)
        await self._pump(run_step(plan))
        self._briefing.learn(plan.context, self._reported)

    async def _shorten(self, plan: StepPlan, so_far: FoldedTurn) -> StepPlan | None:
        """The same step with less; None where nothing can be left out, or something was received already."""
        if self._has_received:
            return None
        shorter = await keep_trying(lambda: self._briefing.shorten(plan.context, plan.assistant, plan.profile, so_far))
        return None if shorter is None else structs.replace(plan, context=shorter, is_again=True)

    async def finish_up(self) -> None:
        """After the answer is saved: its conversation may have become too long to be sent as it is."""
        if self.context is not None:
            await self._briefing.consider_summary(self.context)

    def counted(self, folded: FoldedTurn) -> Counted | None:
        """What the provider has reported for this step, when the answer is `folded`."""
        return self._meter.counted(folded) if self.has_asked else None

    async def _settle_earlier(self) -> None:
        """What workers before this one have asked for."""
        so_far = self.outbox.fold.turn()
        if self._is_fresh or not self._meter.must_look(so_far):
            return
        profile = self._rooms.registry.profile_of(self.turn.model)

        async def estimate_input() -> int:
            assistant = built_in(self.turn.assistant)
            context = await keep_trying(lambda: self._briefing.build(assistant, profile, None))
            return context.manifest.counted

        await self._meter.settle_earlier(profile, so_far, estimate_input)

    def _plan_calls(self, so_far: FoldedTurn) -> CallPlan:
        async def commit() -> None:
            while not await self.outbox.catch_up(_LOOK_S):
                self._raise_if_interrupted()

        return CallPlan(so_far, self._briefing.offer, self._briefing.caller, commit, self._decisions.wait)

    def _plan(
        self,
        step: int,
        provider: Provider,
        profile: ModelProfile,
        assistant: Assistant,
        context: Context,
        max_output_tokens: int | None,
    ) -> StepPlan:
        assert self._writer is not None  # nosec B101  # noqa: S101  # set one line before
        return StepPlan(
            step=step,
            provider=provider,
            profile=profile,
            assistant=assistant,
            context=context,
            temperature=self.turn.temperature,
            owner=self.turn.owner_id,
            conversation=self.turn.conversation_id,
            max_output_tokens=max_output_tokens,
            writer=self._writer,
            asked=None if self._briefing.alone is None else self._briefing.alone.step,
            wishes=self._briefing.wishes,
        )

    async def _pump(self, stream: AsyncGenerator[list[Event], None]) -> None:
        """Engine to log. The first event confirms that the turn is ours, before a model is asked."""
        self._stream, self._source = stream, source_of(stream)
        try:
            await self.claim.confirm()
            self._raise_if_interrupted()
            self._task = asyncio.current_task()
            while (events := await self._next(stream)) is not None:
                await self._pass_on(events)
                self._raise_if_interrupted()
        finally:
            self._stream, self._source = None, Source()
            if self._leaving is not None:
                await asyncio.wait([self._leaving])
            await stream.aclose()  # or a stopped turn would go on being paid for

    async def _pass_on(self, events: list[Event]) -> None:
        """Text goes with the common tick, anything else at once. While only text comes, the tick asks for more."""
        outbox, ticker = self.outbox, self._rooms.ticker
        outbox.put(events)
        is_text = not outbox.is_urgent
        if not is_text:
            await self._pass_on_at_once(events)
        elif ticker.has_just_rung:
            outbox.pass_on()
        else:
            await ticker.wait()
            outbox.pass_on()
        while outbox.is_full:
            self._raise_if_interrupted()
            await outbox.catch_up(_LOOK_S)
        if is_text:
            self._raise_if_interrupted()
            self._empty_ticks = 0
            await ticker.drive(self._go_on)

    def _go_on(self) -> bool:
        """At a tick: the text that has come goes into the log. Whether the next tick is to call this, too."""
        outbox = self.outbox
        if self._interruption is not None or outbox.is_full or (events := self._source.poll()) is None:
            return False
        if not events:
            self._empty_ticks += 1
            return self._empty_ticks < EMPTY_TICKS
        self._empty_ticks = 0
        outbox.put(events)
        if outbox.is_urgent:
            self._note_received(events)
        outbox.pass_on()
        return True

    async def _pass_on_at_once(self, events: list[Event]) -> None:
        """What is not text, and whatever waits with it."""
        outbox = self.outbox
        self._reported = next((event.usage for event in events if type(event) is UsageReported), self._reported)
        if type(events[0]) is StepStarted:
            # So that whoever takes over knows of the request; but a log that is away must not keep us from it.
            await outbox.catch_up(_LOG_S)
            self.has_asked = True
        else:
            outbox.pass_on()
        self._note_received(events)

    def _note_received(self, events: list[Event]) -> None:
        if not self._has_received and begins_text(events):
            self._has_received = True
            if not self._rooms.is_log_here:
                self.notes.write_now()
            if self.first_token_ms is None:
                self.first_token_ms = max(now_ms() - self.turn.created_at, 0)

    async def _next(self, stream: AsyncGenerator[list[Event], None]) -> list[Event] | None:
        """The only await that an interruption may break off: no event is under way to the log here."""
        self._reading = self._task
        try:
            return await anext(stream, None)
        except asyncio.CancelledError:
            if self._interruption is None or self._reading is None:
                raise
            self._reading.uncancel()
            raise self._interruption from None
        finally:
            self._reading = None

    def _raise_if_interrupted(self) -> None:
        if self._interruption is not None:
            raise self._interruption
