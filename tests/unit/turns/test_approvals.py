"""Side effects that untrusted text may have asked for wait for the user and happen once, exactly as shown."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from tests.unit.turns.rig import Pause, Rig, Script, ScriptedProvider, kill, open_rig, until
from tests.unit.turns.test_tools import ANSWER, Lookout

from quarterdeck.domain.events import ApprovalRequested, ApprovalSettled, ToolCalled
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import TextPart, ToolCallPart, ToolResultPart
from quarterdeck.domain.step import FinishChunk, ToolCallChunk
from quarterdeck.errors import ConflictError
from quarterdeck.store.approvals import Decision, add_decision
from quarterdeck.tools.approving import digest_of

LOOK: Script = [ToolCallChunk(0, "a", "look", '{"words": "west"}'), FinishChunk("tool_calls")]
SEND: Script = [ToolCallChunk(0, "b", "send", '{"words": "all is well"}'), FinishChunk("tool_calls")]
SHOWN = digest_of(ToolCallPart("b", "send", '{"words": "all is well"}'))


def tools(taint: str = "web", *, asks: bool = False) -> tuple[Lookout, Lookout]:
    """One that reads from elsewhere, one that does something there."""
    reader, sender = Lookout(taint=taint), Lookout(effect="side_effect")
    sender.name, sender.always_asks = "send", asks
    return reader, sender


async def ask(rig: Rig, *offered: Lookout) -> str:
    for tool in offered:
        rig.toolbox.add(tool)
    await rig.registry.models()
    return (await rig.send("What is there?", model="fake/caller")).row.id


async def waits(rig: Rig, turn: str) -> ApprovalRequested:
    async def is_asked() -> bool:
        return any(type(event) is ApprovalRequested for event in await rig.events(turn))

    await until(is_asked)
    [asked] = [event for event in await rig.events(turn) if isinstance(event, ApprovalRequested)]
    return asked


async def decide(
    rig: Rig, turn: str, decision: Literal["approved", "declined"], *, digest: str = SHOWN, call: str = "b"
) -> None:
    await rig.turns.settle(await rig.row(turn), Decision(call, digest, decision, 0))


@pytest.mark.parametrize("decision", ["approved", "declined"])
async def test_a_side_effect_of_a_tainted_turn_waits_and_happens_once_or_not_at_all(
    tmp_path: Path, decision: Literal["approved", "declined"]
) -> None:
    async with open_rig(tmp_path, ScriptedProvider(LOOK, SEND, ANSWER)) as rig:
        reader, sender = tools()
        turn = await ask(rig, reader, sender)
        asked = await waits(rig, turn)
        assert (asked.call, asked.name, asked.digest, asked.taint) == ("b", "send", SHOWN, "web")
        assert sender.calls == []
        await decide(rig, turn, decision)
        folded, _ = await rig.check_stored(turn)
        assert sender.calls == (["all is well"] if decision == "approved" else [])
        results = {part.call: part for part in folded.parts if isinstance(part, ToolResultPart)}
        assert results["b"].is_error is (decision == "declined")
        assert folded.parts[-1] == TextPart("A ship.")
        assert [asked.decision for asked in folded.approvals] == [decision]


async def test_without_untrusted_text_a_side_effect_needs_no_approval_unless_its_tool_always_asks(
    tmp_path: Path,
) -> None:
    async with open_rig(tmp_path, ScriptedProvider(LOOK, SEND, ANSWER)) as rig:
        _, sender = offered = tools(taint="")
        await rig.check_stored(await ask(rig, *offered))
        assert sender.calls == ["all is well"]
        sender.always_asks = True
        rig.provider.scripts = [SEND, ANSWER]
        turn = (await rig.send("Once more", model="fake/caller")).row.id
        await waits(rig, turn)
        assert len(sender.calls) == 1
        await decide(rig, turn, "declined", call=(await waits(rig, turn)).call)
        await rig.check_stored(turn)
        assert len(sender.calls) == 1


async def test_an_approval_of_other_arguments_or_another_call_allows_nothing(tmp_path: Path) -> None:
    may_end = Pause()
    async with open_rig(tmp_path, ScriptedProvider(LOOK, SEND, [may_end, *ANSWER])) as rig:
        reader, sender = tools()
        turn = await ask(rig, reader, sender)
        await waits(rig, turn)
        other = digest_of(ToolCallPart("b", "send", '{"words": "sink the ship"}'))
        await decide(rig, turn, "approved", digest=other)
        await decide(rig, turn, "approved", call="c")
        await decide(rig, turn, "declined")
        await decide(rig, turn, "approved")  # too late: what was decided first counts
        may_end.set()
        await rig.check_stored(turn)
        assert sender.calls == []


async def test_nothing_can_be_decided_about_an_answer_that_has_ended(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(ANSWER)) as rig:
        turn = await ask(rig)
        await rig.check_stored(turn)
        with pytest.raises(ConflictError):
            await decide(rig, turn, "approved")


async def test_stop_ends_a_turn_that_waits_for_approval(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(LOOK, SEND, ANSWER)) as rig:
        reader, sender = tools()
        turn = await ask(rig, reader, sender)
        await waits(rig, turn)
        rig.runner.stop(turn)
        folded, _ = await rig.check_stored(turn)
        assert (folded.status, sender.calls) == ("stopped", [])


async def test_the_question_survives_the_process_and_so_does_the_answer_to_it(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(LOOK, SEND), drains=False) as rig:
        turn = await ask(rig, *tools())
        await waits(rig, turn)
        await kill(rig)
        await decide(rig, turn, "approved")  # while nobody runs the turn
    async with open_rig(tmp_path, ScriptedProvider(ANSWER), "second") as rig:
        reader, sender = tools()
        rig.toolbox.add(reader)
        rig.toolbox.add(sender)
        await rig.registry.models()
        await rig.reaper.start(others_are_dead=True)
        folded, _ = await rig.check_stored(turn)
        assert (reader.calls, sender.calls) == ([], ["all is well"])
        events = await rig.events(turn)
        kinds = [type(event) for event in events]
        assert kinds.count(ApprovalRequested) == kinds.count(ApprovalSettled) == 1
        assert [event.call for event in events if isinstance(event, ToolCalled)] == ["a", "b"]
        assert folded.parts[-1] == TextPart("A ship.")


async def test_a_turn_that_waits_for_its_user_takes_no_other_turns_place(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(LOOK, SEND)) as rig:
        _, sender = offered = tools()
        waiting = await ask(rig, *offered)
        await waits(rig, waiting)
        rig.runner.max_running = 1
        assert (rig.runner.running, rig.runner.is_full) == (1, False)
        rig.provider.scripts = [LOOK, SEND]
        second = (await rig.send("And here?", conversation="other", model="fake/caller")).row.id
        await waits(rig, second)
        assert rig.runner.is_full, "as many may wait as may run, and no more"
        rig.provider.scripts = [ANSWER, ANSWER]
        for turn in (waiting, second):
            await decide(rig, turn, "approved")
            await rig.check_stored(turn)
        assert sender.calls == ["all is well"] * 2


async def test_what_nobody_decides_in_a_day_is_declined_however_often_the_server_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_rig(tmp_path, ScriptedProvider(LOOK, SEND), drains=False) as rig:
        turn = await ask(rig, *tools())
        asked = await waits(rig, turn)
        await kill(rig)
    monkeypatch.setattr("quarterdeck.turns.decisions.APPROVAL_MS", now_ms() - asked.at)  # a day has passed meanwhile
    async with open_rig(tmp_path, ScriptedProvider(ANSWER), "second") as rig:
        reader, sender = tools()
        for tool in (reader, sender):
            rig.toolbox.add(tool)
        await rig.registry.models()
        await rig.reaper.start(others_are_dead=True)
        folded, _ = await rig.check_stored(turn)
        assert (sender.calls, [one.decision for one in folded.approvals]) == ([], ["declined"])


async def test_a_decision_that_nobody_was_told_of_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarterdeck.turns.runner._RENEW_S", 0.05)
    async with open_rig(tmp_path, ScriptedProvider(LOOK, SEND, ANSWER)) as rig:
        rig.runner.start()
        reader, sender = tools()
        turn = await ask(rig, reader, sender)
        await waits(rig, turn)
        row, decision = await rig.row(turn), Decision("b", SHOWN, "approved", 0)
        assert await rig.database.write(lambda connection: add_decision(connection, row, decision))
        await rig.check_stored(turn)
        assert sender.calls == ["all is well"]
