"""Spending: the most that a request to a model can cost is reserved before it is made, and settled after it.

`reserve` decides in one transaction whether it fits, so that any number of requests in any number of processes cannot
overrun a budget. Where no budget applies nothing is reserved, and what was used is written down at the end only.
Whoever asks a model for something beside an answer (a title, a summary) does it by `complete`.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct

from quarterdeck.accounts.budgets import Demand
from quarterdeck.accounts.limits import Limits, allot
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.periods import day_of
from quarterdeck.domain.step import Delta, ReasoningChunk, StepRequest, TextChunk, ToolCallChunk, UsageChunk
from quarterdeck.domain.tokens import bound_parts, bound_tools, estimate_parts, estimate_text
from quarterdeck.domain.usage import ModelProfile, Usage, to_micros
from quarterdeck.errors import QuarterdeckError
from quarterdeck.providers.base import Provider
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.locks import lock_usage
from quarterdeck.store.usage import Spent, UsageEntry, find_entry, record_spent_alone, reserve_usage

logger = get_logger("quarterdeck.spending")

# Said before anything was done for us: nothing is charged for it.
_UNCHARGED = {
    "provider_key_refused", "provider_rejected_request", "provider_rate_limited", "provider_unavailable",
    "model_not_found", "context_too_long",
}  # fmt: skip


class Call(Struct, frozen=True, kw_only=True):
    """One request to a model. `input_tokens` is the most it can be, `output_tokens` what is wanted (None: the usual).

    `purpose`: `answer`, or what else it is for; `turn` is empty when it belongs to none.
    """

    user: str
    profile: ModelProfile
    input_tokens: int
    output_tokens: int | None = None
    purpose: str = "answer"
    turn: str = ""
    step: int = 1
    attempt: int = 1
    id: str = msgspec.field(default_factory=new_id)
    at: int = msgspec.field(default_factory=now_ms)


class Spending:
    """One per process."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        # This process's requests of one user wait here, and not each with a connection of the pool.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._giving_back: set[asyncio.Task[None]] = set()

    def may_be_budgeted(self, user: str, model: str) -> bool:
        return self._limits.may_be_budgeted(user, model)

    async def reserve(self, call: Call, *, is_again: bool = False) -> UsageEntry | None:
        """The reservation, whose `output_tokens` are the most to ask for; None where no budget applies.

        `is_again`: the same call was tried before, and its commit may have been lost. Raises: `OverBudgetError`,
        `StorageError`.
        """
        if not self._limits.may_be_budgeted(call.user, call.profile.id):
            return None
        lock = self._locks.get(call.user)
        if lock is None:
            lock = self._locks[call.user] = asyncio.Lock()
        async with lock:
            reserving = asyncio.ensure_future(
                self._database.write(lambda connection: _reserve(connection, call, is_again=is_again))
            )
            try:
                return await asyncio.shield(reserving)
            except asyncio.CancelledError:
                if not call.turn:  # of a turn, its end settles what was never asked
                    self._give_back_later(call, reserving)
                raise

    def _give_back_later(self, call: Call, reserving: asyncio.Future[UsageEntry | None]) -> None:
        """Nobody waits for this reservation any more, and it may be committed all the same: nothing was used of it."""
        task = asyncio.create_task(self._give_back(call, reserving))
        self._giving_back.add(task)
        task.add_done_callback(self._giving_back.discard)

    async def _give_back(self, call: Call, reserving: asyncio.Future[UsageEntry | None]) -> None:
        try:
            if (reserved := await reserving) is not None:
                await self.settle([Spent(entry_of(call, Usage()), reserved)])
        except QuarterdeckError as error:  # nothing was reserved, or the scheduled work settles it
            logger.info("reservation_not_given_back", user=call.user, reason=error.message, detail=error.detail)

    async def settle(self, spent: list[Spent]) -> None:
        """In a transaction of its own. Raises: `StorageError`; `NotFoundError` when the account was deleted."""
        await self._database.write(lambda connection: record_spent_alone(connection, spent))

    async def complete(self, call: Call, provider: Provider, request: StepRequest) -> list[Delta]:
        """A whole request beside an answer: reserved, made, settled. Raises: `OverBudgetError`, `ProviderError`."""
        call = msgspec.structs.replace(call, input_tokens=max(call.input_tokens, bound_input(request)))
        reserved = await self.reserve(call)
        if reserved is not None:
            request = msgspec.structs.replace(request, max_output_tokens=reserved.output_tokens)
        deltas: list[Delta] = []
        code = ""
        try:
            deltas = await provider.complete(request)
            return deltas
        except QuarterdeckError as error:
            code = error.code
            raise
        finally:
            used = _used_by(deltas) or estimate_use(estimate_input(request), _estimate_deltas(deltas), code)
            await self.settle([Spent(entry_of(call, used), reserved)])


def entry_of(call: Call, usage: Usage, first_token_ms: int | None = None) -> UsageEntry:
    """What a request has used, as it is written down."""
    cost = call.profile.cost(usage) if usage.cost is None or call.profile.price_is_set else usage.cost
    return UsageEntry(
        id=call.id, user_id=call.user, turn_id=call.turn, step=call.step, attempt=call.attempt, purpose=call.purpose,
        model=call.profile.id, day=day_of(call.at), created_at=call.at, settled_at=now_ms(),
        cost=to_micros(cost or 0.0), has_price=int(cost is not None),
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens, first_token_ms=first_token_ms,
    )  # fmt: skip


def estimate_use(input_tokens: int, output_tokens: int, code: str = "") -> Usage:
    """Where the provider has said nothing: what was sent and received; nothing for a request refused with `code`."""
    return Usage() if code in _UNCHARGED and not output_tokens else Usage(input_tokens, output_tokens)


def bound_input(request: StepRequest) -> int:
    """The most tokens that what is sent can be."""
    return bound_tools(request.tools) + sum(bound_parts(message.parts) for message in request.messages)


def _reserve(connection: WriteConnection, call: Call, *, is_again: bool) -> UsageEntry | None:
    lock_usage(connection, call.user)
    if is_again and (known := find_entry(connection, call.id)) is not None:
        return known
    demand = Demand(call.profile, call.input_tokens, call.output_tokens)
    output_tokens = allot(connection, call.user, demand)
    if output_tokens is None:
        return None
    entry = UsageEntry(
        id=call.id, user_id=call.user, turn_id=call.turn, step=call.step, attempt=call.attempt, purpose=call.purpose,
        model=call.profile.id, day=day_of(call.at), created_at=call.at, cost=demand.cost(output_tokens),
        has_price=int(call.profile.price is not None), input_tokens=call.input_tokens, output_tokens=output_tokens,
    )  # fmt: skip
    reserve_usage(connection, entry)
    return entry


def estimate_input(request: StepRequest) -> int:
    """Tokens of what is sent; most messages have fewer than `bound_input` says."""
    return sum(estimate_parts(message.parts) for message in request.messages)


def _estimate_deltas(deltas: list[Delta]) -> int:
    texts = [delta.text for delta in deltas if isinstance(delta, TextChunk | ReasoningChunk)]
    texts += [delta.name + delta.arguments for delta in deltas if isinstance(delta, ToolCallChunk)]
    return estimate_text("".join(texts))


def _used_by(deltas: list[Delta]) -> Usage | None:
    return next((delta.usage for delta in deltas if isinstance(delta, UsageChunk)), None)
