"""A request to a model that belongs to no turn: nothing of it is kept but what it used.

Who asks may use the model, and their budget holds it: reserved before, settled after, also when they have left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

import msgspec
from msgspec import Struct

from quarterdeck.accounts.limits import FREE, Limits
from quarterdeck.accounts.spending import Call, Spending, bound_input, entry_of, estimate_input, estimate_use
from quarterdeck.accounts.subjects import Who
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.step import Delta, ReasoningChunk, StepRequest, TextChunk, ToolCallChunk, UsageChunk
from quarterdeck.domain.tokens import estimate_text
from quarterdeck.domain.usage import ModelProfile, Usage
from quarterdeck.errors import QuarterdeckError
from quarterdeck.providers.polling import Poll, Polled, Source, never, source_of
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import Database
from quarterdeck.store.usage import Spent, UsageEntry

T = TypeVar("T")
logger = get_logger("quarterdeck.relaying")

PURPOSE = "api"
_SETTLE_S = 5.0  # at shutdown


class Relayed(Struct, frozen=True, kw_only=True):
    """What somebody asks of a model directly. `request.model` is filled in; `id` names the entry in their usage."""

    who: Who
    model: str
    request: StepRequest
    id: str = msgspec.field(default_factory=new_id)


class _Metered(Struct):
    """What came of an answer, as far as its use must be known."""

    texts: list[str] = []
    usage: Usage | None = None
    first_token_ms: int | None = None
    code: str = ""

    def take(self, deltas: list[Delta], call: Call) -> None:
        for delta in deltas:
            if type(delta) is TextChunk or type(delta) is ReasoningChunk:
                self.texts.append(delta.text)
            elif isinstance(delta, ToolCallChunk):
                self.texts.append(delta.arguments)
            elif isinstance(delta, UsageChunk):
                self.usage = delta.usage
        self._note_first(call)

    def noting(self, words: Source[str], call: Call) -> Poll[str]:
        def poll() -> str | None:
            text = words.poll()
            if text:
                self.texts.append(text)
                self._note_first(call)
            return text

        return poll

    def _note_first(self, call: Call) -> None:
        if self.first_token_ms is None and self.texts:
            self.first_token_ms = max(now_ms() - call.at, 0)


class Relay:
    """One per process; `close` it at the end."""

    def __init__(self, database: Database, registry: Registry, limits: Limits, spending: Spending) -> None:
        self._database = database
        self._registry = registry
        self._limits = limits
        self._spending = spending
        self._settling: set[asyncio.Task[None]] = set()

    def profile_for(self, who: Who, model: str) -> ModelProfile:
        """Raises: `ModelNotFoundError`, `ModelForbiddenError`."""
        profile = self._registry.provider_for(model)[1]
        self._limits.require_allowed(who, model)
        return profile

    def stream(self, asked: Relayed) -> Polled[list[Delta], str]:
        """The deltas as they come; closing it leaves the provider at once.

        Raises: `ModelNotFoundError`, `ModelForbiddenError`, `OverBudgetError`, `ProviderError`, `StorageError`.
        """
        source = Source[str]()
        return Polled(self._stream(asked, source), source)

    async def _stream(self, asked: Relayed, source: Source[str]) -> AsyncGenerator[list[Delta], None]:
        self._limits.require_allowed(asked.who, asked.model)
        provider, profile = self._registry.provider_for(asked.model)
        request = msgspec.structs.replace(asked.request, model=profile.name, owner=asked.who.user, is_kept=False)
        call = Call(
            user=asked.who.user, profile=profile, input_tokens=bound_input(request),
            output_tokens=request.max_output_tokens, purpose=PURPOSE, id=asked.id,
        )  # fmt: skip
        reserved = await self._spending.reserve(call)
        if reserved is not None:
            request = msgspec.structs.replace(request, max_output_tokens=reserved.output_tokens)
        metered = _Metered()
        try:
            async with aclosing(provider.stream(request)) as stream:
                source.poll = metered.noting(source_of(stream), call)
                async for deltas in stream:
                    metered.take(deltas, call)
                    yield deltas
        except QuarterdeckError as error:
            metered.code = error.code
            raise
        finally:
            source.poll = never
            settling = self._settle(call, request, metered, reserved)
        if settling is not None:  # who has the whole answer finds it in their usage
            await asyncio.shield(settling)

    async def metered(self, call: Call, work: AsyncGenerator[T | Usage, None]) -> AsyncGenerator[T, None]:
        """What is no chat: what `work` gives, but for the usage that it tells, in the caller's budget.

        Raises: as `stream`, and what `work` raises.
        """
        reserved = await self._spending.reserve(call)
        told = Usage(call.input_tokens, 0)
        try:
            async with aclosing(work):
                async for item in work:
                    if isinstance(item, Usage):
                        told = item if item != Usage() else told
                    else:
                        yield item
        except QuarterdeckError as error:
            told = estimate_use(call.input_tokens, 0, error.code)
            raise
        finally:
            if told != Usage() or reserved is not None:
                self._write_later(Spent(entry_of(call, told), reserved))

    def _settle(
        self, call: Call, request: StepRequest, metered: _Metered, reserved: UsageEntry | None
    ) -> asyncio.Task[None] | None:
        """In a task of its own: whoever leaves early must not keep it from being written down."""
        if call.profile.id.startswith(FREE):
            return None
        used = metered.usage
        if used is None:
            used = estimate_use(estimate_input(request), estimate_text("".join(metered.texts)), metered.code)
        if used == Usage() and reserved is None:
            return None
        return self._write_later(Spent(entry_of(call, used, metered.first_token_ms), reserved))

    def _write_later(self, spent: Spent) -> asyncio.Task[None]:
        task = asyncio.create_task(self._write(spent))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return task

    async def _write(self, spent: Spent) -> None:
        try:
            await self._spending.settle([spent])
        except QuarterdeckError as error:  # the answer is worth more than the note about it
            logger.warning("usage_not_saved", user=spent.used.user_id, reason=error.message, detail=error.detail)

    async def close(self) -> None:
        if self._settling:
            await asyncio.wait(self._settling, timeout=_SETTLE_S)
