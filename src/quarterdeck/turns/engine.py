"""The loop of a turn: an async generator of events. It knows no log, no socket, no database.

Tools will add a second round here (call, result, next step); titles, memory and tags will not: those
happen after the turn, as followers of the feed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec import Struct

from quarterdeck.context.assistants import Assistant
from quarterdeck.context.build import Context
from quarterdeck.domain.events import Event, StepEnded, StepRetrying, StepStarted, UsageReported
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.step import Delta, FinishChunk, LogprobsChunk, RetryChunk, StepRequest, UsageChunk
from quarterdeck.domain.usage import ModelProfile, Usage
from quarterdeck.providers.base import Provider
from quarterdeck.turns.parts import PartWriter


class StepPlan(Struct, frozen=True):
    """One model call, ready to be made."""

    step: int
    provider: Provider
    profile: ModelProfile
    assistant: Assistant
    context: Context
    temperature: float | None
    owner: str
    conversation: str
    max_output_tokens: int | None
    writer: PartWriter
    is_again: bool = False  # the same call with less, after it was too long


async def run_step(plan: StepPlan) -> AsyncGenerator[list[Event], None]:
    """The events of one step; each list holds those that arrived together, none is empty.

    Closing it closes the upstream connection. Raises: `ProviderError`. Whoever
    ends the step early closes `plan.writer` for what it held back.
    """
    if not plan.is_again:
        yield [StepStarted(plan.step, plan.profile.id, now_ms())]
    finish = "stop"
    async with aclosing(plan.provider.stream(_request(plan))) as stream:
        async for deltas in stream:
            if events := _translate(plan, deltas):
                yield events
            for delta in deltas:
                if type(delta) is FinishChunk:
                    finish = delta.reason
    yield [*plan.writer.close(), StepEnded(plan.step, finish)]


def _translate(plan: StepPlan, deltas: list[Delta]) -> list[Event]:
    writer = plan.writer
    events: list[Event] = []
    for delta in deltas:
        match delta:
            case UsageChunk(usage=usage):
                events.append(UsageReported(plan.step, _priced(usage, plan.profile)))
            case FinishChunk() | LogprobsChunk():
                pass
            case RetryChunk(reason=reason, wait_s=wait_s):
                events.append(StepRetrying(plan.step, reason, wait_s))
            case _:
                events += writer.write(delta)
    return events


def _priced(usage: Usage, profile: ModelProfile) -> Usage:
    if usage.cost is not None and not profile.price_is_set:
        return usage
    return Usage(
        usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens, profile.cost(usage)
    )


def _request(plan: StepPlan) -> StepRequest:
    return StepRequest(
        model=plan.profile.name,
        messages=plan.context.messages,
        temperature=plan.temperature,
        max_output_tokens=plan.max_output_tokens,
        prefill=plan.context.prefill,
        owner=plan.owner,
        conversation=plan.conversation,
        question=plan.context.question,
        tail=plan.context.tail,
    )
