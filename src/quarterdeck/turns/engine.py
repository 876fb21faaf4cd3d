"""The stages of a turn: what is to be done next, and a step of it as an async generator of events.

It knows no log, no socket, no database. A turn asks the model (`run_step`), makes the calls that it asked for
(`calls.py`), asks again, until a step asks for none. Titles, memory and tags have no place here: those happen after the
turn, as followers of the feed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

from msgspec import Struct, structs

from quarterdeck.context.assistants import Assistant
from quarterdeck.context.build import Context
from quarterdeck.domain.events import Event, StepEnded, StepRetrying, StepStarted, UsageReported
from quarterdeck.domain.fold import FoldedTurn
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import ToolCallPart, ToolResultPart
from quarterdeck.domain.step import Delta, FinishChunk, LogprobsChunk, RetryChunk, StepRequest, TextChunk, UsageChunk
from quarterdeck.domain.usage import ModelProfile, Usage
from quarterdeck.providers.base import Provider
from quarterdeck.providers.polling import Poll, Polled, Source, source_of
from quarterdeck.turns.parts import PartWriter

MAX_STEPS = 12  # of a turn; the last one may not call anything any more
Stage = Literal["ask", "call", "done"]


def stage_of(so_far: FoldedTurn, *, has_tools: bool) -> Stage:
    """What is to be done next for an answer that has come to `so_far`.

    Calls stay as they are where no tool was offered: then they are for whoever sent the question.
    """
    if not so_far.step_ended:
        return "ask"
    if pending_calls(so_far):
        return "call" if has_tools else "done"
    return "ask" if leads_on(so_far) and so_far.steps < MAX_STEPS else "done"


def leads_on(so_far: FoldedTurn) -> bool:
    """Whether a step that has ended has asked for calls, or was given their results."""
    return bool(so_far.parts and isinstance(so_far.parts[-1], ToolResultPart)) or bool(pending_calls(so_far))


def pending_calls(so_far: FoldedTurn) -> list[ToolCallPart]:
    """Those without a result."""
    returned = {part.call for part in so_far.parts if isinstance(part, ToolResultPart)}
    return [part for part in so_far.parts if isinstance(part, ToolCallPart) and part.call not in returned]


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
    asked: StepRequest | None = None  # by an API client that says all itself
    wishes: StepRequest | None = None  # of an API client, for an answer of a conversation
    is_again: bool = False  # the same call with less, after it was too long


def run_step(plan: StepPlan) -> Polled[list[Event], list[Event]]:
    """The events of one step; each list holds those that arrived together, none is empty, but for polled ones.

    Closing it closes the upstream connection. Raises: `ProviderError`. Whoever
    ends the step early closes `plan.writer` for what it held back.
    """
    source = Source[list[Event]]()
    return Polled(_run_step(plan, source), source)


def _written(words: Source[str], writer: PartWriter) -> Poll[list[Event]]:
    """Of words, the events that tell them."""

    def poll() -> list[Event] | None:
        text = words.poll()
        if text:
            return writer.write_text(text)
        return None if text is None else []

    return poll


async def _run_step(plan: StepPlan, source: Source[list[Event]]) -> AsyncGenerator[list[Event], None]:
    if not plan.is_again:
        yield [StepStarted(plan.step, plan.profile.id, now_ms(), plan.context.taint)]
    async with aclosing(plan.provider.stream(_request(plan))) as stream:
        source.poll = _written(source_of(stream), plan.writer)
        has_ended = False
        async for deltas in stream:
            events, last = _translate(plan, deltas), deltas[-1]
            if type(last) is FinishChunk:  # nothing follows it: the end is told with what came last
                has_ended = True
                events += _ending(plan, last.reason)
            if events:
                yield events
    if not has_ended:
        yield _ending(plan, "stop")


def _ending(plan: StepPlan, finish: str) -> list[Event]:
    return [*plan.writer.close(), StepEnded(plan.step, finish)]


def _translate(plan: StepPlan, deltas: list[Delta]) -> list[Event]:
    writer = plan.writer
    texts = [delta.text for delta in deltas if type(delta) is TextChunk]
    if len(texts) == len(deltas):  # nearly always
        return writer.write_text("".join(texts))
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
    if plan.asked is not None:
        return _request_as_asked(plan, plan.asked)
    request = StepRequest(
        model=plan.profile.name,
        messages=plan.context.messages,
        temperature=plan.temperature,
        max_output_tokens=plan.max_output_tokens,
        prefill=plan.context.prefill,
        goes_on=plan.writer.goes_on,
        owner=plan.owner,
        conversation=plan.conversation,
        question=plan.context.question,
        tail=plan.context.tail,
        tools=plan.context.tools,
        tool_choice="none" if plan.context.tools and plan.step >= MAX_STEPS else None,
    )
    return request if plan.wishes is None else _with_wishes(request, plan.wishes)


def _with_wishes(request: StepRequest, wishes: StepRequest) -> StepRequest:
    """What is said, and with which tools, is the conversation's own."""
    return structs.replace(
        request, top_p=wishes.top_p, stop=wishes.stop, seed=wishes.seed, reasoning_effort=wishes.reasoning_effort,
        presence_penalty=wishes.presence_penalty, frequency_penalty=wishes.frequency_penalty,
        logit_bias=wishes.logit_bias,
        max_output_tokens=_lesser(wishes.max_output_tokens, request.max_output_tokens),
    )  # fmt: skip


def _request_as_asked(plan: StepPlan, asked: StepRequest) -> StepRequest:
    return structs.replace(
        asked, model=plan.profile.name, messages=plan.context.messages, prefill=plan.context.prefill,
        goes_on=plan.writer.goes_on, owner=plan.owner, conversation=plan.conversation,
        max_output_tokens=_lesser(asked.max_output_tokens, plan.max_output_tokens),
    )  # fmt: skip


def _lesser(*bounds: int | None) -> int | None:
    return min((bound for bound in bounds if bound is not None), default=None)
