"""One step as a generator of events: it knows no log, prices what is used, and closes what it opened."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from msgspec import structs
from tests.unit.turns.rig import Pause, Script, ScriptedProvider

from quarterdeck.context.assistants import built_in
from quarterdeck.context.build import Context
from quarterdeck.context.manifest import Manifest
from quarterdeck.domain.events import Event, PartEnded, PartStarted, StepEnded, StepStarted, TextDelta, UsageReported
from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.step import Delta, FinishChunk, PromptMessage, StepRequest, TextChunk, UsageChunk
from quarterdeck.domain.usage import ModelProfile, Price, Usage
from quarterdeck.errors import ProviderCutError
from quarterdeck.turns.engine import StepPlan, run_step
from quarterdeck.turns.parts import PartWriter


def plan_of(script: Script, price: Price | None = None) -> StepPlan:
    return StepPlan(
        step=1,
        provider=ScriptedProvider(script),
        profile=ModelProfile(id="fake/model", provider="fake", name="model", price=price),
        assistant=built_in(""),
        context=Context([PromptMessage("user", [TextPart("Hi")])], Manifest("fake/model", 1, True, 1, False, []), True),
        temperature=0.5,
        owner="ann",
        conversation="c",
        max_output_tokens=None,
        writer=PartWriter([], None, "plain"),
    )


async def events_of(plan: StepPlan) -> list[Event]:
    return [event async for events in run_step(plan) for event in events]


async def test_a_step_begins_before_the_model_is_asked_and_ends_with_its_reason() -> None:
    plan = plan_of([TextChunk("a"), FinishChunk("length")])
    stream = run_step(plan)
    assert [type(event) for event in await anext(stream)] == [StepStarted]
    assert isinstance(plan.provider, ScriptedProvider)
    assert plan.provider.requests == []
    rest = [event async for events in stream for event in events]
    assert rest[-1] == StepEnded(1, "length")


async def test_the_end_of_a_step_is_told_with_what_came_last() -> None:
    class AtOnce(ScriptedProvider):
        async def stream(self, request: StepRequest) -> AsyncGenerator[list[Delta], None]:
            yield [TextChunk("a"), UsageChunk(Usage(1, 1)), FinishChunk("stop")]

    plan = structs.replace(plan_of([]), provider=AtOnce())
    began, told = [events async for events in run_step(plan)]
    assert [type(event) for event in began] == [StepStarted]
    assert [type(event) for event in told] == [PartStarted, TextDelta, UsageReported, PartEnded, StepEnded]


async def test_the_request_carries_what_was_asked_for() -> None:
    plan = plan_of([FinishChunk("stop")])
    await events_of(plan)
    assert isinstance(plan.provider, ScriptedProvider)
    [request] = plan.provider.requests
    assert (request.model, request.temperature, request.prefill) == ("model", 0.5, True)
    assert (request.owner, request.conversation, request.messages) == ("ann", "c", plan.context.messages)


@pytest.mark.parametrize(
    ("usage", "price", "cost"),
    [
        (Usage(1_000_000, 2_000_000), Price(1.0, 3.0), 7.0),
        (Usage(1_000_000, 0, 400_000), Price(1.0, 3.0, 0.5), 0.8),
        (Usage(10, 10, cost=0.25), Price(1.0, 3.0), 0.25),
        (Usage(10, 10), None, None),
    ],
)
async def test_usage_is_priced_unless_the_provider_says_what_it_cost(
    usage: Usage, price: Price | None, cost: float | None
) -> None:
    events = await events_of(plan_of([UsageChunk(usage), FinishChunk("stop")], price))
    [reported] = [event for event in events if isinstance(event, UsageReported)]
    assert reported.usage.cost == pytest.approx(cost) if cost is not None else reported.usage.cost is None
    assert (reported.usage.input_tokens, reported.usage.output_tokens) == (usage.input_tokens, usage.output_tokens)


async def test_an_error_comes_through_after_everything_that_was_received() -> None:
    plan = plan_of([TextChunk("a"), ProviderCutError("Cut.")])
    seen: list[Event] = []

    async def run() -> None:
        async for events in run_step(plan):
            seen.extend(events)

    with pytest.raises(ProviderCutError):
        await run()
    assert "".join(getattr(event, "text", "") for event in seen) == "a"


async def test_closing_the_step_closes_the_upstream() -> None:
    plan = plan_of([TextChunk("a"), Pause()])
    stream = run_step(plan)
    await anext(stream)
    await anext(stream)
    assert isinstance(plan.provider, ScriptedProvider)
    assert plan.provider.open_streams == 1
    await stream.aclose()
    assert plan.provider.open_streams == 0
