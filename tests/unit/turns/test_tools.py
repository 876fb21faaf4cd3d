"""A turn that calls tools: asked, called, answered; stopped, killed and taken over in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Struct
from sqlalchemy import select
from tests.unit.turns.rig import Pause, Rig, Script, ScriptedProvider, kill, open_rig, say, until

from quarterdeck.context.manifest import decode_manifest
from quarterdeck.domain.events import StepStarted, ToolReturned
from quarterdeck.domain.ids import new_id
from quarterdeck.domain.parts import TextPart, ToolCallPart, ToolResultPart
from quarterdeck.domain.step import FinishChunk, TextChunk, ToolCallChunk, UsageChunk
from quarterdeck.domain.usage import Usage
from quarterdeck.errors import InputError
from quarterdeck.store.rules import RuleRow, insert_rule
from quarterdeck.store.tables import usage_entries
from quarterdeck.store.turns import list_steps
from quarterdeck.store.usage import UsageEntry
from quarterdeck.tools.base import Effect, Tool, ToolCaller, ToolResult
from quarterdeck.tools.calling import MAX_CALLS, MAX_RESULT_CHARS
from quarterdeck.turns.engine import MAX_STEPS


class Words(Struct, forbid_unknown_fields=True):
    words: str


class Lookout(Tool):
    """Says what it was asked, after whatever it is told to wait for."""

    name = "look"
    description = "Look for something."
    parameters = {  # noqa: RUF012  # read only
        "type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"],
    }  # fmt: skip
    arguments = Words

    def __init__(self, *, effect: Effect = "none", waits: Pause | None = None, taint: str = "") -> None:
        self.effect = effect
        self.waits, self.taint = waits, taint
        self.calls: list[str] = []
        self.open = 0

    async def run(self, caller: ToolCaller, arguments: Words) -> ToolResult:
        self.calls.append(arguments.words)
        self.open += 1
        try:
            if self.waits is not None:
                await self.waits.wait()
        finally:
            self.open -= 1
        if arguments.words == "fog":
            raise InputError("There is fog.")
        if arguments.words == "storm":
            raise RuntimeError("a fault of the tool")
        return ToolResult(f"Seen: {arguments.words}", taint=self.taint)


def call(*words: str, said: str = "") -> Script:
    """A step that says something and calls the tool, all calls with the ids that some providers give them."""
    calls = [ToolCallChunk(at, f"call_{at}", "look", f'{{"words": "{word}"}}') for at, word in enumerate(words)]
    text = [TextChunk(said)] if said else []
    return [*text, *calls, UsageChunk(Usage(100, 10)), FinishChunk("tool_calls")]


ANSWER: Script = [TextChunk("A ship."), UsageChunk(Usage(150, 4)), FinishChunk("stop")]


async def ask(rig: Rig, *tools: Tool) -> str:
    for tool in tools:
        rig.toolbox.add(tool)
    await rig.registry.models()  # so that it is known which can call tools
    return (await rig.send("What is there?", model="fake/caller")).row.id


async def test_a_call_is_made_and_its_result_goes_back_to_the_model(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(call("west", said="I look."), ANSWER)) as rig:
        tool = Lookout()
        turn = await ask(rig, tool)
        folded, message = await rig.check_stored(turn)
        assert tool.calls == ["west"]
        assert message.parts == [
            TextPart("I look."), ToolCallPart("call_0", "look", '{"words": "west"}'),
            ToolResultPart("call_0", "Seen: west"), TextPart("\n\nA ship."),
        ]  # fmt: skip
        assert (folded.steps, folded.status, folded.called) == (2, "complete", [])
        first, second = rig.provider.requests
        assert [spec.name for spec in first.tools] == ["look"] == [spec.name for spec in second.tools]
        assert second.messages[: len(first.messages)] == first.messages
        assert [message.role for message in second.messages[len(first.messages) :]] == ["assistant", "tool"]
        assert not second.prefill


async def test_every_request_of_a_turn_has_its_manifest_and_its_usage(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(call("west"), ANSWER)) as rig:
        turn = await ask(rig, Lookout())
        _, message = await rig.check_stored(turn)
        steps = await rig.database.read(lambda connection: list_steps(connection, turn))
        assert [(step.step, step.attempt) for step in steps] == [(1, 1), (2, 1)]
        assert [step.usage is not None for step in steps] == [True, True]
        manifests = [decode_manifest(step.manifest) for step in steps]
        assert [manifest.tools for manifest in manifests] == [["look"], ["look"]]
        assert all(manifest.tool_tokens > 10 for manifest in manifests)
        rows = await rig.database.read(
            lambda connection: connection.execute(select(usage_entries).order_by(usage_entries.c.step)).all()
        )
        entries = [UsageEntry(**row._mapping) for row in rows]
        assert [(entry.step, entry.input_tokens, entry.output_tokens) for entry in entries] == [
            (1, 100, 10),
            (2, 150, 4),
        ]
        assert message.usage is not None
        assert (message.usage.input_tokens, message.usage.output_tokens) == (250, 14)


async def test_calls_of_one_step_are_made_together(tmp_path: Path) -> None:
    goes_on = Pause()
    async with open_rig(tmp_path, ScriptedProvider(call("north", "east", "south"), ANSWER)) as rig:
        tool = Lookout(waits=goes_on)
        turn = await ask(rig, tool)

        async def are_all_open() -> bool:
            return tool.open == 3

        await until(are_all_open)
        goes_on.set()
        folded, _ = await rig.check_stored(turn)
        results = [part.text for part in folded.parts if isinstance(part, ToolResultPart)]
        assert sorted(results) == ["Seen: east", "Seen: north", "Seen: south"]


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("look", '{"words": 7}', "The arguments do not fit: Expected `str`, got `int` - at `$.words`."),
        ("look", "{}", "required field `words`"),
        ("look", '{"words": "a", "more": 1}', "unknown field `more`"),
        ("look", '{"words": "cut', "The arguments are no JSON"),
        ("dig", "{}", "There is no tool 'dig'. There are: look."),
        ("look", '{"words": "fog"}', "There is fog."),
        ("look", '{"words": "storm"}', "look failed."),
    ],
)
async def test_what_goes_wrong_with_a_call_is_told_to_the_model_in_one_sentence(
    tmp_path: Path, name: str, arguments: str, told: str
) -> None:
    script: Script = [ToolCallChunk(0, "c", name, arguments), FinishChunk("tool_calls")]
    async with open_rig(tmp_path, ScriptedProvider(script, ANSWER)) as rig:
        turn = await ask(rig, Lookout())
        folded, _ = await rig.check_stored(turn)
        [result] = [part for part in folded.parts if isinstance(part, ToolResultPart)]
        assert result.is_error
        assert told in result.text
        assert folded.parts[-1] == TextPart("A ship.")


async def test_a_long_result_is_cut_and_says_so(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(call("x" * 50_000), ANSWER)) as rig:
        turn = await ask(rig, Lookout())
        folded, _ = await rig.check_stored(turn)
        [result] = [part for part in folded.parts if isinstance(part, ToolResultPart)]
        assert len(result.text) < MAX_RESULT_CHARS + 100
        assert result.text.endswith("of 50006 characters.]")


async def test_a_slow_tool_is_stopped(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(call("west"), ANSWER)) as rig:
        tool = Lookout(waits=Pause())
        tool.timeout_s = 0.05
        folded, _ = await rig.check_stored(await ask(rig, tool))
        assert folded.parts[1] == ToolResultPart("call_0", "look took longer than 0.05 s and was stopped.", True)
        assert tool.open == 0


async def test_more_calls_than_are_made_at_once_are_refused_one_by_one(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(MAX_CALLS + 2)]
    async with open_rig(tmp_path, ScriptedProvider(call(*words), ANSWER)) as rig:
        tool = Lookout()
        folded, _ = await rig.check_stored(await ask(rig, tool))
        results = [part for part in folded.parts if isinstance(part, ToolResultPart)]
        assert len(tool.calls) == MAX_CALLS
        assert sum(result.is_error for result in results) == 2
        assert len(results) == len(words)


async def test_a_model_that_never_stops_calling_is_stopped_after_some_steps(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(call("on"))) as rig:
        tool = Lookout()
        folded, _ = await rig.check_stored(await ask(rig, tool))
        assert folded.status == "complete"
        assert len(rig.provider.requests) == folded.steps == MAX_STEPS
        assert [request.tool_choice for request in rig.provider.requests] == [None] * (MAX_STEPS - 1) + ["none"]
        calls = [part.call for part in folded.parts if isinstance(part, ToolCallPart)]
        assert len(set(calls)) == len(calls) == MAX_STEPS
        assert len(tool.calls) == MAX_STEPS - 1


@pytest.mark.parametrize("model", ["fake/model", "fake/caller"])
async def test_a_model_is_offered_tools_only_if_it_can_use_them_and_the_rules_allow_them(
    tmp_path: Path, model: str
) -> None:
    async with open_rig(tmp_path, ScriptedProvider(ANSWER)) as rig:
        rule = RuleRow(id=new_id(), subject="all", kind="tool", pattern="l*", is_allowed=False, created_at=0)
        if model == "fake/caller":
            await rig.database.write(lambda connection: insert_rule(connection, rule))
            await rig.limits.load()
        rig.toolbox.add(Lookout())
        await rig.registry.models()
        await rig.check_stored((await rig.send("Hi", model=model)).row.id)
        assert rig.provider.requests[0].tools == []


async def test_calls_of_a_model_that_was_offered_no_tools_stay_as_they_are(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(call("west"), ANSWER)) as rig:
        folded, _ = await rig.check_stored((await rig.send("Hi")).row.id)
        assert folded.parts == [ToolCallPart("call_0", "look", '{"words": "west"}')]
        assert (folded.status, len(rig.provider.requests)) == ("complete", 1)


async def test_stop_ends_a_call_at_once(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(call("west"), ANSWER)) as rig:
        tool = Lookout(waits=Pause())
        turn = await ask(rig, tool)

        async def is_open() -> bool:
            return tool.open == 1

        await until(is_open)
        assert rig.runner.stop(turn)
        folded, _ = await rig.check_stored(turn)
        assert (folded.status, tool.open, len(rig.provider.requests)) == ("stopped", 0, 1)


class TwoLookouts:
    """The tools of a process that dies in the middle of a call, and of the one that takes over."""

    def __init__(self, effect: Effect) -> None:
        self.fast = Lookout()
        self.slow = Lookout(effect=effect, waits=Pause())
        self.slow.name = "wait"
        self.fast_again, self.slow_again = Lookout(), Lookout(effect=effect)
        self.slow_again.name = "wait"


async def die_in_a_call(folder: Path, tools: TwoLookouts) -> str:
    script: Script = [
        ToolCallChunk(0, "a", "look", '{"words": "a"}'), ToolCallChunk(1, "b", "wait", '{"words": "b"}'),
        UsageChunk(Usage(100, 10)), FinishChunk("tool_calls"),
    ]  # fmt: skip
    async with open_rig(folder, ScriptedProvider(script), drains=False) as rig:
        turn = await ask(rig, tools.fast, tools.slow)

        async def has_one_returned() -> bool:
            return tools.slow.open == 1 and any(type(event) is ToolReturned for event in await rig.events(turn))

        await until(has_one_returned)
        await kill(rig)
    return turn


@pytest.mark.parametrize(("effect", "told"), [("none", "Seen: b"), ("side_effect", "not known whether it was done")])
async def test_a_take_over_makes_no_call_again_that_returned_and_no_side_effect_twice(
    tmp_path: Path, effect: Effect, told: str
) -> None:
    tools = TwoLookouts(effect)
    turn = await die_in_a_call(tmp_path, tools)
    async with open_rig(tmp_path, ScriptedProvider(ANSWER), "second") as rig:
        for tool in (tools.fast_again, tools.slow_again):
            rig.toolbox.add(tool)
        await rig.registry.models()
        await rig.reaper.start(others_are_dead=True)
        folded, _ = await rig.check_stored(turn)
        assert (tools.fast.calls, tools.fast_again.calls) == (["a"], [])
        assert (tools.slow.calls, tools.slow_again.calls) == (["b"], ["b"] if effect == "none" else [])
        results = {part.call: part.text for part in folded.parts if isinstance(part, ToolResultPart)}
        assert results["a"] == "Seen: a"
        assert told in results["b"]
        assert len(rig.provider.requests) == 1  # the first step is not asked again
        assert folded.parts[-1] == TextPart("A ship.")
        rows = await rig.database.read(lambda connection: connection.execute(select(usage_entries)).all())
        assert sorted((row.step, row.attempt, row.input_tokens) for row in rows) == [(1, 1, 100), (2, 1, 150)]


async def test_a_step_cut_off_in_a_call_is_asked_again_and_the_call_is_not_made(tmp_path: Path) -> None:
    script: Script = [TextChunk("I look."), ToolCallChunk(0, "a", "look", '{"words": "we'), Pause()]
    async with open_rig(tmp_path, ScriptedProvider(script), drains=False) as rig:
        turn = await ask(rig, Lookout())
        await rig.said(turn, '"we')
        await kill(rig)
    async with open_rig(tmp_path, ScriptedProvider(call("west"), ANSWER), "second") as rig:
        tool = Lookout()
        rig.toolbox.add(tool)
        await rig.registry.models()
        await rig.reaper.start(others_are_dead=True)
        folded, _ = await rig.check_stored(turn)
        assert tool.calls == ["west"]
        results = [part.is_error for part in folded.parts if isinstance(part, ToolResultPart)]
        assert results == [True, False]
        assert [event.step for event in await rig.events(turn) if isinstance(event, StepStarted)] == [1, 1, 2]


async def test_a_turn_handed_over_in_a_call_goes_on_with_it(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(call("west"))) as rig:
        tool = Lookout(waits=Pause())
        turn = await ask(rig, tool)

        async def is_open() -> bool:
            return tool.open == 1

        await until(is_open)
        await rig.runner.drain(5)
        assert tool.open == 0
    async with open_rig(tmp_path, ScriptedProvider(ANSWER), "second") as rig:
        again = Lookout()
        rig.toolbox.add(again)
        await rig.registry.models()
        await rig.reaper.start(others_are_dead=False)
        folded, _ = await rig.check_stored(turn)
        assert again.calls == ["west"]
        assert folded.parts[-1] == TextPart("A ship.")
        assert (await rig.row(turn)).handovers == 0  # no model has to be asked again


async def test_later_turns_see_the_calls_of_earlier_ones(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(call("west"), ANSWER, say("Still there."))) as rig:
        await rig.check_stored(await ask(rig, Lookout()))
        await rig.check_stored((await rig.send("And now?", model="fake/caller")).row.id)
        _, second, third = rig.provider.requests
        assert third.messages[: len(second.messages)] == second.messages
        await rig.check_stored((await rig.send("And you?", model="fake/model")).row.id)
        assert {message.role for message in rig.provider.requests[3].messages} == {"system", "user", "assistant"}


async def test_what_a_tool_brought_from_elsewhere_taints_the_answer_and_those_after_it(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(call("west"), ANSWER, say("Still there."))) as rig:
        turn = await ask(rig, Lookout(taint="web"))
        folded, message = await rig.check_stored(turn)
        assert (folded.taint, message.taint) == ("web", "web")
        started = [event.taint for event in await rig.events(turn) if isinstance(event, StepStarted)]
        assert started == ["", "web"]
        _, message = await rig.check_stored((await rig.send("And now?", model="fake/caller")).row.id)
        assert message.taint == "web"
        _, message = await rig.check_stored((await rig.send("Hi", conversation="another")).row.id)
        assert message.taint == ""
